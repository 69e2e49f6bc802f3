//! `Operation` and `OperationState`.

use quittance_proto::v1;

use super::batch::stage_to_proto;
use super::transfer;
use crate::batch::Stage;
use crate::grpc::fields::Violations;
use crate::operation::{Operation, OperationStage, OperationState};
use crate::store::{Snapshot, StoreError};

/// Writes one operation, with the stage of its batch as this snapshot has it.
pub(crate) fn to_proto(operation: &Operation, state: &Snapshot) -> Result<v1::Operation, StoreError> {
    let stage = match &operation.state {
        OperationState::Executed { batch, .. } => Some(state.batch(*batch)?.stage),
        _ => None,
    };
    Ok(with_stage(operation, stage))
}

/// Writes one operation whose batch, if it has one, stands there.
pub(crate) fn with_stage(operation: &Operation, stage: Option<Stage>) -> v1::Operation {
    let (mut execution, mut rejection) = (None, None);
    match &operation.state {
        OperationState::Queued => {}
        OperationState::Executed { batch, position } => {
            execution = Some(v1::Execution {
                batch: *batch,
                position: *position,
                batch_state: stage.map_or(v1::BatchState::Unspecified, stage_to_proto).into(),
            });
        }
        OperationState::Rejected(reason) => {
            rejection = Some(v1::Rejection {
                rule: reason.rule.clone(),
                message: reason.message.clone(),
                rejected_at_ms: reason.at_ms,
            });
        }
    }
    v1::Operation {
        id: operation.id,
        state: match operation.state {
            OperationState::Queued => v1::OperationState::Queued,
            OperationState::Executed { .. } => v1::OperationState::Executed,
            OperationState::Rejected(_) => v1::OperationState::Rejected,
        }
        .into(),
        transfer: Some(transfer::to_proto(&operation.signed)),
        accepted_at_ms: operation.accepted_at_ms,
        execution,
        rejection,
    }
}

/// A state to filter by; `None` for all.
pub(crate) fn stage_from_proto(
    state: i32,
    path: &str,
    violations: &mut Violations,
) -> Option<OperationStage> {
    match v1::OperationState::try_from(state) {
        Ok(v1::OperationState::Unspecified) => None,
        Ok(v1::OperationState::Queued) => Some(OperationStage::Queued),
        Ok(v1::OperationState::Executed) => Some(OperationStage::Executed),
        Ok(v1::OperationState::Rejected) => Some(OperationStage::Rejected),
        Err(_) => {
            violations.add(path, format_args!("is no state: {state}"));
            None
        }
    }
}
