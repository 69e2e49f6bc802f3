//! `quittance submit`.

use quittance_proto::v1;
use serde_json::{Value, json};

use super::args::SubmitArgs;
use super::output::Output;
use super::{CliError, client, files, jobs, operation_json, operations, progress, section_order};
use crate::operation::IdempotencyKey;

pub(super) fn run(args: &SubmitArgs, out: &mut Output) -> Result<(), CliError> {
    let text = files::read_text(&args.operations)?;
    let name = args.operations.display().to_string();
    let operations = operation_json::read_signed(&name, &text)?;
    if args.single {
        let keys = single_keys(args.idempotency_key.as_deref(), operations.len())?;
        client::block_on(singles(args, operations.into_iter().zip(keys), out))
    } else {
        section_order::check(&name, &operations)?;
        let key = args.idempotency_key.clone().unwrap_or_default();
        check_length(&key, "name the submission with fewer bytes")?;
        let request = v1::SubmitBatchRequest {
            operations,
            fee_slots: args
                .fee_slots
                .iter()
                .map(|text| fee_slot(text))
                .collect::<Result<_, _>>()?,
            idempotency_key: key.into_bytes(),
        };
        client::block_on(batch(args, request, out))
    }
}

async fn batch(args: &SubmitArgs, request: v1::SubmitBatchRequest, out: &mut Output) -> Result<(), CliError> {
    let mut client = client::connect(&args.server.server).await?;
    let answer = client.submit_batch(request).await?.into_inner();
    let batch = client::required(answer.batch, "the batch")?;
    let again = if answer.repeated {
        ", as submitted before"
    } else {
        ""
    };
    if !args.wait {
        let state = jobs::state_name(batch.state);
        return out.result(
            &submitted_json(&batch, &answer.operation_ids, answer.repeated),
            format_args!("batch {}: {state}, shape {}{again}", batch.number, batch.shape),
        );
    }
    let last = progress::follow(&mut client, batch.number).await?;
    // The attempts, and why the last one failed, are known only now.
    let number = batch.number;
    let request = v1::GetBatchRequest { number };
    let now = client.get_batch(request).await?.into_inner().batch;
    let mut now = client::required(now, "the batch")?;
    now.state = last.state;
    let state = jobs::state_name(last.state);
    out.result(
        &submitted_json(&now, &answer.operation_ids, answer.repeated),
        format_args!("batch {number}: {state}{again}"),
    )?;
    jobs::require_proved(&last)
}

/// What is said about a submitted batch, waited for or not.
fn submitted_json(batch: &v1::Batch, operations: &[u64], repeated: bool) -> Value {
    let mut value = jobs::batch_json(batch);
    if let Some(object) = value.as_object_mut() {
        object.insert("operations".to_owned(), json!(operations));
        object.insert("repeated".to_owned(), repeated.into());
    }
    value
}

/// Sends each operation by itself, all in one stream.
async fn singles(
    args: &SubmitArgs,
    signed: impl Iterator<Item = (v1::SignedOperation, Vec<u8>)>,
    out: &mut Output,
) -> Result<(), CliError> {
    let mut client = client::connect(&args.server.server).await?;
    let messages = signed.map(|(operation, idempotency_key)| v1::SubmitOperationsRequest {
        operation: Some(operation),
        idempotency_key,
    });
    let messages = tokio_stream::iter(messages.collect::<Vec<_>>());
    let answer = client.submit_operations(messages).await?.into_inner();
    let ids = answer.operation_ids;
    let again = match answer.repeated {
        0 => String::new(),
        count => format!(", {count} of them as submitted before"),
    };
    let mut settled = Ok(());
    if args.wait {
        // In order, as they are executed and proved: each but the first is nearly there when its turn comes.
        for id in &ids {
            settled = operations::settled(&mut client, *id).await;
            if settled.is_err() {
                break;
            }
        }
    }
    let state = if args.wait && settled.is_ok() {
        "proved"
    } else {
        "accepted"
    };
    // Also where the wait ends badly: they are accepted all the same.
    out.result(
        &json!({ "operations": ids, "state": state, "repeated": answer.repeated }),
        format_args!("operations {}: {state}{again}", operations::ranges(&ids)),
    )?;
    settled
}

/// The key of each operation of a file, empty ones without a key.
fn single_keys(key: Option<&str>, operations: usize) -> Result<Vec<Vec<u8>>, CliError> {
    let keys: Vec<String> = (0..operations)
        .map(|position| key.map_or_else(String::new, |key| format!("{key}-{position}")))
        .collect();
    if let Some(longest) = keys.last() {
        check_length(
            longest,
            "name the submission with fewer bytes: each operation's key is KEY-POSITION",
        )?;
    }
    Ok(keys.into_iter().map(String::into_bytes).collect())
}

/// The service would refuse a longer key, after part of a stream perhaps.
fn check_length(key: &str, next: &str) -> Result<(), CliError> {
    if key.len() <= IdempotencyKey::MAX_BYTES {
        return Ok(());
    }
    let (length, limit) = (key.len(), IdempotencyKey::MAX_BYTES);
    Err(CliError::usage(
        format!("idempotency key {key:?} has {length} bytes, at most {limit} are allowed"),
        next,
    ))
}

fn fee_slot(text: &str) -> Result<v1::FeeSlot, CliError> {
    let parts = text
        .split_once(':')
        .and_then(|(leaf, token)| Some((leaf.parse().ok()?, token.parse().ok()?)));
    let (leaf, token) = parts.ok_or_else(|| {
        CliError::usage(
            format!("not a fee slot: {text}"),
            "write --fee-slot LEAF:TOKEN, such as 0:1",
        )
    })?;
    Ok(v1::FeeSlot { leaf, token })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_has_a_key_of_its_own_within_the_limit() {
        assert_eq!(single_keys(None, 2).unwrap(), [b"", b""]);
        let keys = single_keys(Some("k"), 11).unwrap();
        assert_eq!((&keys[0][..], &keys[10][..]), (&b"k-0"[..], &b"k-10"[..]));
        // The positions of ten operations have one digit, that of an eleventh has two.
        let long = "k".repeat(IdempotencyKey::MAX_BYTES - 2);
        assert_eq!(single_keys(Some(&long), 10).unwrap().len(), 10);
        let error = single_keys(Some(&long), 11).unwrap_err();
        assert_eq!(error.exit(), super::super::Exit::Usage);
        assert!(error.report(false).contains("65 bytes, at most 64"), "{error:?}");
    }
}
