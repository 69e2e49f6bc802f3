//! Private conversions for the fuzz targets, behind the feature `fuzzing`. Nothing else may use it.

use quittance_circuits::babyjubjub::PublicKey;
use quittance_circuits::tx::SignedOperation;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::priority::Priority;
use quittance_proto::v1;

use super::convert::{self, account, batch, operation, page, signed};
use super::fields::Violations;
use super::{ApiError, priority, submitting};
use crate::batch::Stage;
use crate::operation::{IdempotencyKey, Operation, OperationStage};
use crate::store::NewPriority;

/// What a single submission holds.
pub fn submission(
    operation: Option<&v1::SignedOperation>,
    idempotency_key: &[u8],
) -> Result<(SignedOperation, Option<IdempotencyKey>), ApiError> {
    submitting::decode(operation, idempotency_key)
}

/// What a message of the root chain's queue holds.
pub fn priority(message: &v1::SubmitPriorityRequest) -> Result<NewPriority, ApiError> {
    priority::decode(message)
}

/// What a submission of a batch holds.
#[expect(clippy::type_complexity, reason = "the type of the function behind it")]
pub fn batch(
    message: &v1::SubmitBatchRequest,
) -> Result<(Vec<SignedOperation>, Vec<FeeSlot>, Option<IdempotencyKey>), ApiError> {
    submitting::decode_batch(message)
}

/// The message of an operation whose batch, if it has one, stands there.
#[must_use]
pub fn operation_message(operation: &Operation, stage: Option<Stage>) -> v1::Operation {
    operation::with_stage(operation, stage)
}

/// The message of a signed operation.
#[must_use]
pub fn signed_message(signed: &SignedOperation) -> v1::SignedOperation {
    signed::to_proto(signed)
}

/// The message of an operation of the root chain's queue.
#[must_use]
pub fn priority_message(index: u64, priority: &Priority) -> v1::PriorityOperation {
    convert::priority::to_proto(index, priority)
}

/// A public key of a request.
pub fn public_key(message: Option<&v1::PublicKey>) -> Result<PublicKey, Violations> {
    checked(|violations| account::key_from_proto(message, "public_key", violations))
}

/// The key at which a page begins, 0 for an empty token.
pub fn page_start(token: &str) -> Result<u32, Violations> {
    checked(|violations| Some(page::start(token, 0, violations)))
}

/// The token of the page that begins at `key`.
#[must_use]
pub fn page_token(key: u32) -> String {
    page::token(Some(key))
}

/// The operation at which a page begins; `None` for an empty token.
pub fn operations_start(token: &str) -> Result<Option<u64>, Violations> {
    checked(|violations| Some(page::start_operation(token, violations)))
}

/// The token of the page that begins at the operation.
#[must_use]
pub fn operations_token(id: u64) -> String {
    page::token_of_operation(Some(id))
}

/// The stage to filter operations by; `None` for all.
pub fn operation_stage(state: i32) -> Result<Option<OperationStage>, Violations> {
    checked(|violations| Some(operation::stage_from_proto(state, "state", violations)))
}

/// The stage to filter by; `None` for all.
pub fn stage(state: i32) -> Result<Option<Stage>, Violations> {
    checked(|violations| Some(batch::stage_from_proto(state, "state", violations)))
}

/// What a conversion says, with the service's promise: no value without violations, none beside them.
fn checked<T>(convert: impl FnOnce(&mut Violations) -> Option<T>) -> Result<T, Violations> {
    let mut violations = Violations::default();
    match convert(&mut violations) {
        Some(value) if violations.is_empty() => Ok(value),
        _ => Err(violations),
    }
}
