//! `quittance submit`.

use quittance_proto::v1;
use serde_json::json;

use super::args::SubmitArgs;
use super::output::Output;
use super::{CliError, client, files, jobs, progress, transfer_json};

pub(super) fn run(args: &SubmitArgs, out: &mut Output) -> Result<(), CliError> {
    let text = files::read_text(&args.transfers)?;
    let request = v1::SubmitBatchRequest {
        transfers: transfer_json::read(&args.transfers.display().to_string(), &text)?,
        fee_slots: args
            .fee_slots
            .iter()
            .map(|text| fee_slot(text))
            .collect::<Result<_, _>>()?,
        idempotency_key: Vec::new(),
    };
    client::block_on(async {
        let mut client = client::connect(&args.server.server).await?;
        let answer = client.submit_batch(request).await?.into_inner();
        let batch = client::required(answer.batch, "the batch")?;
        if !args.wait {
            return out.result(
                &jobs::batch_json(&batch),
                format_args!("batch {}: executed, shape {}", batch.number, batch.shape),
            );
        }
        let last = progress::follow(&mut client, batch.number).await?;
        let state = jobs::state_name(last.state);
        out.result(
            &json!({ "number": batch.number, "state": state }),
            format_args!("batch {}: {state}", batch.number),
        )?;
        jobs::require_proved(&last)
    })
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
