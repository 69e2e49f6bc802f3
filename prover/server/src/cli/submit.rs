//! `quittance submit`.

use quittance_proto::v1;
use serde_json::json;

use super::args::SubmitArgs;
use super::output::Output;
use super::{CliError, client, files, jobs, operations, progress, transfer_json};

pub(super) fn run(args: &SubmitArgs, out: &mut Output) -> Result<(), CliError> {
    let text = files::read_text(&args.transfers)?;
    let transfers = transfer_json::read(&args.transfers.display().to_string(), &text)?;
    if args.single {
        client::block_on(singles(args, transfers, out))
    } else {
        let request = v1::SubmitBatchRequest {
            transfers,
            fee_slots: args
                .fee_slots
                .iter()
                .map(|text| fee_slot(text))
                .collect::<Result<_, _>>()?,
            idempotency_key: args.idempotency_key.clone().unwrap_or_default().into_bytes(),
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
        let mut value = jobs::batch_json(&batch);
        if let Some(object) = value.as_object_mut() {
            object.insert("operations".to_owned(), json!(answer.operation_ids));
            object.insert("repeated".to_owned(), answer.repeated.into());
        }
        let state = jobs::state_name(batch.state);
        return out.result(
            &value,
            format_args!("batch {}: {state}, shape {}{again}", batch.number, batch.shape),
        );
    }
    let last = progress::follow(&mut client, batch.number).await?;
    let state = jobs::state_name(last.state);
    out.result(
        &json!({ "number": batch.number, "state": state }),
        format_args!("batch {}: {state}{again}", batch.number),
    )?;
    jobs::require_proved(&last)
}

/// Sends each transfer by itself, all in one stream.
async fn singles(
    args: &SubmitArgs,
    transfers: Vec<v1::SignedTransfer>,
    out: &mut Output,
) -> Result<(), CliError> {
    let mut client = client::connect(&args.server.server).await?;
    let messages = transfers.into_iter().map(|transfer| v1::SubmitTransfersRequest {
        transfer: Some(transfer),
        idempotency_key: Vec::new(),
    });
    let messages = tokio_stream::iter(messages.collect::<Vec<_>>());
    let answer = client.submit_transfers(messages).await?.into_inner();
    let ids = answer.operation_ids;
    if args.wait {
        // In order, as they are executed and proved: each but the first is nearly there when its turn comes.
        for id in &ids {
            operations::settled(&mut client, *id).await?;
        }
    }
    let state = if args.wait { "proved" } else { "accepted" };
    out.result(
        &json!({ "operations": ids, "state": state }),
        format_args!("operations {}: {state}", operations::ranges(&ids)),
    )
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
