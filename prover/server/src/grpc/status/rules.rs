//! Broken rules, and what the state and the store say.

use std::time::Duration;

use quittance_circuits::batch::ApplyError;
use quittance_circuits::state::StateError;
use quittance_circuits::tx::transfer::TransferError;
use tonic::Code;
use tonic_types::ErrorDetails;

use super::details::{field, info};
use crate::store::StoreError;

/// A broken rule of a batch.
pub(super) fn batch(error: &ApplyError) -> (Code, ErrorDetails) {
    let (place, index, values) = match error {
        ApplyError::Transfer { index, error } => ("transfer", *index, error.to_string()),
        ApplyError::Fee { slot, error } => ("fee_slot", *slot, error.to_string()),
        ApplyError::State(error) => return state(error),
        other => {
            return (
                Code::FailedPrecondition,
                info("REJECTED", [("values", other.to_string())]),
            );
        }
    };
    let rule = error.rule().unwrap_or("rejected");
    broken(rule, place, index, &format!("{place}s[{index}]"), values)
}

/// A broken rule of a transfer that was submitted by itself.
pub(super) fn transfer(error: &TransferError) -> (Code, ErrorDetails) {
    broken(error.rule(), "transfer", 0, "transfer", error.to_string())
}

/// Rules that the message breaks by itself, whatever the state, name the field.
fn broken(rule: &str, place: &str, index: usize, path: &str, values: String) -> (Code, ErrorDetails) {
    let mut details = info(
        &rule.to_ascii_uppercase(),
        [
            ("rule", rule.to_owned()),
            (place, index.to_string()),
            ("values", values.clone()),
        ],
    );
    let name = match (place, rule) {
        ("transfer", "signature_canonical") => "signature.s",
        ("transfer", "signature_valid") => "signature",
        ("transfer", "sender_in_range") => "from",
        ("transfer", "recipient_in_range") => "to",
        ("fee_slot", "recipient_in_range") => "leaf",
        _ => return (Code::FailedPrecondition, details),
    };
    details.add_bad_request_violation(format!("{path}.{name}"), values);
    (Code::InvalidArgument, details)
}

pub(super) fn state(error: &StateError) -> (Code, ErrorDetails) {
    match error {
        StateError::Store(source) => source
            .downcast_ref::<StoreError>()
            .map_or((Code::Internal, ErrorDetails::new()), store),
        StateError::LeafOutOfRange { capacity, .. } => {
            field("index", format!("wants an index below {capacity}"))
        }
        _ => (Code::Internal, ErrorDetails::new()),
    }
}

pub(super) fn store(error: &StoreError) -> (Code, ErrorDetails) {
    match error {
        StoreError::NoBatch { number, .. } => (
            Code::NotFound,
            ErrorDetails::with_resource_info("batch", number.to_string(), "", error.to_string()),
        ),
        StoreError::NoOperation { id, .. } => (
            Code::NotFound,
            ErrorDetails::with_resource_info("operation", id.to_string(), "", error.to_string()),
        ),
        StoreError::Move(illegal) => (
            Code::FailedPrecondition,
            info(
                "ILLEGAL_MOVE",
                [
                    ("batch", illegal.number.to_string()),
                    ("state", illegal.stage.name().to_owned()),
                ],
            ),
        ),
        StoreError::NoIdLeft => (Code::FailedPrecondition, info("NO_ID_LEFT", [])),
        StoreError::State(error) => state(error),
        error if error.is_corruption() => (Code::DataLoss, ErrorDetails::new()),
        error if error.is_transient() || error.is_fatal() => (
            Code::Unavailable,
            ErrorDetails::with_retry_info(Some(Duration::from_secs(5))),
        ),
        _ => (Code::Internal, ErrorDetails::new()),
    }
}
