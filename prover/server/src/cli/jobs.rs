//! `quittance watch`, `cancel` and `resume`, and what commands say about a batch.

use quittance_proto::v1;
use serde_json::{Value, json};

use super::args::{BatchArgs, WatchArgs};
use super::output::Output;
use super::{CliError, client, operation_json, progress};
use crate::encoding::to_hex;

pub(super) fn watch(args: &WatchArgs, out: &mut Output) -> Result<(), CliError> {
    client::block_on(async {
        let mut client = client::connect(&args.server.server).await?;
        let last = if out.is_json() {
            progress::follow_json(&mut client, args.number, out).await?
        } else {
            let last = progress::follow(&mut client, args.number).await?;
            out.line(format_args!("batch {}: {}", args.number, state_name(last.state)))?;
            last
        };
        require_proved(&last)
    })
}

pub(super) fn cancel(args: &BatchArgs, out: &mut Output) -> Result<(), CliError> {
    client::block_on(async {
        let mut client = client::connect(&args.server.server).await?;
        let request = v1::CancelBatchRequest { number: args.number };
        let answer = client.cancel_batch(request).await?.into_inner();
        show(&client::required(answer.batch, "the batch")?, out)
    })
}

pub(super) fn resume(args: &BatchArgs, out: &mut Output) -> Result<(), CliError> {
    client::block_on(async {
        let mut client = client::connect(&args.server.server).await?;
        let request = v1::ResumeBatchRequest { number: args.number };
        let answer = client.resume_batch(request).await?.into_inner();
        show(&client::required(answer.batch, "the batch")?, out)
    })
}

fn show(batch: &v1::Batch, out: &mut Output) -> Result<(), CliError> {
    out.result(
        &batch_json(batch),
        format_args!("batch {}: {}", batch.number, state_name(batch.state)),
    )
}

/// A batch that will not be proved by waiting is a refusal.
pub(super) fn require_proved(last: &v1::BatchProgress) -> Result<(), CliError> {
    if last.state == i32::from(v1::BatchState::Proved) {
        return Ok(());
    }
    let reason = if last.failure.is_empty() {
        String::new()
    } else {
        format!(": {}", last.failure)
    };
    Err(CliError::refused(
        format!(
            "batch {} is {} and not proved{reason}",
            last.number,
            state_name(last.state)
        ),
        format!("queue its proof again with `quittance resume {}`", last.number),
    ))
}

/// The name of a state for people and programs.
pub(super) fn state_name(state: i32) -> &'static str {
    match v1::BatchState::try_from(state) {
        Ok(v1::BatchState::Executed) => "executed",
        Ok(v1::BatchState::Proving) => "proving",
        Ok(v1::BatchState::Proved) => "proved",
        Ok(v1::BatchState::Cancelled) => "cancelled",
        Ok(v1::BatchState::Failed) => "failed",
        _ => "unknown",
    }
}

/// The name of a phase for people and programs.
pub(super) fn phase_name(phase: i32) -> &'static str {
    match v1::Phase::try_from(phase) {
        Ok(v1::Phase::Witness) => "witness",
        Ok(v1::Phase::WitnessMap) => "witness_map",
        Ok(v1::Phase::H) => "h",
        Ok(v1::Phase::L) => "l",
        Ok(v1::Phase::A) => "a",
        Ok(v1::Phase::B1) => "b1",
        Ok(v1::Phase::B2) => "b2",
        Ok(v1::Phase::Assemble) => "assemble",
        Ok(v1::Phase::Verify) => "verify",
        _ => "starting",
    }
}

/// A batch for programs.
pub(super) fn batch_json(batch: &v1::Batch) -> Value {
    json!({
        "number": batch.number,
        "state": state_name(batch.state),
        "shape": batch.shape,
        "priority": batch.priority,
        "openings": batch.openings,
        "transfers": batch.transfers,
        "withdrawals": batch.withdrawals,
        "rotations": batch.rotations,
        "fees": batch.fees.iter().map(fee_json).collect::<Vec<_>>(),
        "queue_before": to_hex(&batch.queue_before),
        "queue_after": to_hex(&batch.queue_after),
        "old_root": to_hex(&batch.old_root),
        "new_root": to_hex(&batch.new_root),
        "attempts": batch.attempts,
        "failure": batch.failure,
    })
}

fn fee_json(fee: &v1::FeeCredit) -> Value {
    json!({ "leaf": fee.leaf, "token": fee.token, "amount": operation_json::digits(&fee.amount) })
}
