//! `Batch`, `BatchState` and `Phase`.

use quittance_engine::Phase;
use quittance_proto::v1;

use super::fee;
use crate::batch::{Batch, Stage};
use crate::encoding::fr_to_bytes_be;
use crate::grpc::fields::Violations;

/// Writes one batch.
pub(crate) fn to_proto(batch: &Batch) -> v1::Batch {
    v1::Batch {
        number: batch.number,
        state: stage_to_proto(batch.stage).into(),
        shape: batch.shape.name(),
        transfers: batch.counts.transfers,
        old_root: fr_to_bytes_be(&batch.old_root).to_vec(),
        new_root: fr_to_bytes_be(&batch.new_root).to_vec(),
        fees: batch.fees.iter().map(fee::credit).collect(),
        attempts: batch.attempts,
        executed_at_ms: batch.executed_at_ms,
        proved_at_ms: batch.proved_at_ms,
        failure: batch.failure.clone(),
        phases: batch
            .phases
            .iter()
            .map(|time| v1::PhaseTime {
                phase: phase_to_proto(time.phase).into(),
                wall_us: time.wall_us,
            })
            .collect(),
        priority: batch.counts.priority,
        openings: batch.counts.openings,
        withdrawals: batch.counts.withdrawals,
        rotations: batch.counts.rotations,
        queue_before: batch.queue_before.hash.to_vec(),
        queue_after: batch.queue_after.hash.to_vec(),
    }
}

/// The state of a message for a stage.
pub(crate) const fn stage_to_proto(stage: Stage) -> v1::BatchState {
    match stage {
        Stage::Executed => v1::BatchState::Executed,
        Stage::Proving => v1::BatchState::Proving,
        Stage::Proved => v1::BatchState::Proved,
        Stage::Cancelled => v1::BatchState::Cancelled,
        Stage::Failed => v1::BatchState::Failed,
    }
}

/// A stage to filter by; `Ok(None)` for all.
pub(crate) fn stage_from_proto(state: i32, path: &str, violations: &mut Violations) -> Option<Stage> {
    match v1::BatchState::try_from(state) {
        Ok(v1::BatchState::Unspecified) => None,
        Ok(v1::BatchState::Executed) => Some(Stage::Executed),
        Ok(v1::BatchState::Proving) => Some(Stage::Proving),
        Ok(v1::BatchState::Proved) => Some(Stage::Proved),
        Ok(v1::BatchState::Cancelled) => Some(Stage::Cancelled),
        Ok(v1::BatchState::Failed) => Some(Stage::Failed),
        Err(_) => {
            violations.add(path, format_args!("is no state: {state}"));
            None
        }
    }
}

/// The phase of a message.
pub(crate) const fn phase_to_proto(phase: Phase) -> v1::Phase {
    match phase {
        Phase::Witness => v1::Phase::Witness,
        Phase::WitnessMap => v1::Phase::WitnessMap,
        Phase::H => v1::Phase::H,
        Phase::L => v1::Phase::L,
        Phase::A => v1::Phase::A,
        Phase::B1 => v1::Phase::B1,
        Phase::B2 => v1::Phase::B2,
        Phase::Assemble => v1::Phase::Assemble,
        Phase::Verify => v1::Phase::Verify,
    }
}
