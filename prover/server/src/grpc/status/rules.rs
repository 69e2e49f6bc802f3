//! Broken rules, and what the state and the store say.

use std::time::Duration;

use quittance_circuits::batch::ApplyError;
use quittance_circuits::state::StateError;
use quittance_circuits::tx::RuleError;
use tonic::Code;
use tonic_types::ErrorDetails;

use super::details::{field, info};
use super::place::Place;
use crate::store::StoreError;

/// A broken rule of a batch.
pub(super) fn batch(error: &ApplyError, place: &Place) -> (Code, ErrorDetails) {
    match error {
        ApplyError::Operation {
            section,
            index,
            error,
        } => {
            let (position, path) = place.of(*section, *index);
            broken(
                error.rule(),
                ("position", position),
                &path,
                "to",
                error.to_string(),
            )
        }
        ApplyError::Fee { slot, error } => {
            let path = format!("fee_slots[{slot}]");
            let values = error.to_string();
            broken(error.rule(), ("fee_slot", *slot), &path, "leaf", values)
        }
        ApplyError::State(error) => state(error),
        other => (
            Code::FailedPrecondition,
            info("REJECTED", [("values", other.to_string())]),
        ),
    }
}

/// A broken rule of an operation that was submitted by itself.
pub(super) fn single(error: &RuleError, place: &Place) -> (Code, ErrorDetails) {
    let path = place.single();
    broken(error.rule(), ("position", 0), &path, "to", error.to_string())
}

/// The only rule that refuses an operation of the root chain's queue.
pub(super) fn leaf_out_of_range(values: String, place: &Place) -> (Code, ErrorDetails) {
    let path = place.single();
    broken("recipient_in_range", ("position", 0), &path, "leaf", values)
}

/// Rules that are broken whatever the state is name the field; `recipient` is the field of the leaf that receives.
fn broken(
    rule: &str,
    (place, index): (&str, usize),
    path: &str,
    recipient: &str,
    values: String,
) -> (Code, ErrorDetails) {
    let mut details = info(
        &rule.to_ascii_uppercase(),
        [
            ("rule", rule.to_owned()),
            (place, index.to_string()),
            ("values", values.clone()),
        ],
    );
    let name = match rule {
        "signature_canonical" => "signature.s",
        "signature_valid" => "signature",
        "sender_in_range" => "from",
        "recipient_in_range" => recipient,
        "key_valid" => "key_x",
        "owner_nonzero" => "owner",
        "address_in_range" => "address",
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
