//! `Operation`, `OperationState`, `Execution` and `PriorityOutcome`.

use quittance_circuits::tx::SignedOperation;
use quittance_proto::v1::{self, operation::Kind};

use super::batch::stage_to_proto;
use super::{opening, priority, rotation, section, transfer, withdrawal};
use crate::batch::Stage;
use crate::grpc::fields::Violations;
use crate::operation::{Operation, OperationStage, OperationState, Outcome, Request};
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
        OperationState::Executed {
            batch,
            position,
            outcome,
        } => {
            execution = Some(v1::Execution {
                batch: *batch,
                position: *position,
                batch_state: stage.map_or(v1::BatchState::Unspecified, stage_to_proto).into(),
                section: section::to_proto(operation.request.section()).into(),
                outcome: outcome.as_ref().map(outcome_to_proto),
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
        kind: Some(kind(&operation.request)),
        accepted_at_ms: operation.accepted_at_ms,
        execution,
        rejection,
    }
}

fn kind(request: &Request) -> Kind {
    match request {
        Request::Priority(entry) => Kind::Priority(priority::to_proto(entry.index, &entry.priority)),
        Request::Signed(SignedOperation::Transfer(signed)) => Kind::Transfer(transfer::to_proto(signed)),
        Request::Signed(SignedOperation::Opening(signed)) => Kind::Opening(opening::to_proto(signed)),
        Request::Signed(SignedOperation::Withdrawal(signed)) => {
            Kind::Withdrawal(withdrawal::to_proto(signed))
        }
        Request::Signed(SignedOperation::Rotation(signed)) => Kind::Rotation(rotation::to_proto(signed)),
    }
}

fn outcome_to_proto(outcome: &Outcome) -> v1::PriorityOutcome {
    v1::PriorityOutcome {
        done: outcome.done,
        token: outcome.token,
        amount: outcome.amount.to_be_bytes().to_vec(),
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
