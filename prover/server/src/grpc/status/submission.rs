//! Why a submission is not accepted.

use std::collections::HashMap;
use std::time::Duration;

use quittance_circuits::shapes;
use quittance_engine::Shortage;
use tonic::Code;
use tonic_types::ErrorDetails;

use super::details::{DOMAIN, field, info, quota};
use super::place::Place;
use super::rules;
use crate::sequencer::{CutError, SubmitError};
use crate::store::EnterError;

/// When to come back while operations wait to be executed.
const QUEUE: Duration = Duration::from_secs(1);
/// When to come back while batches wait for their proofs.
const PROOFS: Duration = Duration::from_secs(10);
/// When to come back while other programs hold the memory.
const MEMORY: Duration = Duration::from_secs(60);
/// When to come back after a failure that may pass.
const FAILURE: Duration = Duration::from_secs(5);

pub(super) fn refused(error: &SubmitError, place: &Place) -> (Code, ErrorDetails) {
    let message = error.to_string();
    match error {
        SubmitError::Empty => field("operations", message),
        SubmitError::RepeatedFeeToken { slot, .. } => field(format!("fee_slots[{slot}].token"), message),
        SubmitError::NoFeeSlot => field("fee_slots", message),
        SubmitError::NoSlots { section } => {
            exhausted("shape", format!("no slot for {section} in any shape"), None)
        }
        SubmitError::TooManyOperations { section, limit, .. } => exhausted(
            "operations",
            format!("at most {limit} {section} in a batch"),
            None,
        ),
        SubmitError::TooManyFeeSlots { limit, .. } => {
            exhausted("fee_slots", format!("at most {limit} fee slots in a batch"), None)
        }
        SubmitError::NoShape { counts, fee_slots } => exhausted(
            "shape",
            match shapes::plan(&shapes::SHAPES, &counts.with_fee_slots(*fee_slots)) {
                Some(shape) => format!(
                    "{counts} and {fee_slots} fee slots want shape {}: the operator has to load its key",
                    shape.name()
                ),
                None => format!("no shape for {counts} and {fee_slots} fee slots: send fewer in a batch"),
            },
            None,
        ),
        SubmitError::Memory { shape, shortage } => {
            let Shortage { needed, available } = shortage;
            let limit = format!("{available} bytes are available, a proof needs {needed}");
            let (code, mut details) = exhausted("memory", limit, Some(MEMORY));
            let numbers = [
                ("shape", shape.name()),
                ("needed_bytes", needed.to_string()),
                ("available_bytes", available.to_string()),
            ];
            let numbers = numbers.map(|(name, value)| (name.to_owned(), value));
            details.set_error_info("MEMORY_SHORT", DOMAIN, HashMap::from(numbers));
            (code, details)
        }
        SubmitError::QueueFull { queued, limit } => exhausted(
            "batching.max_queued",
            format!("{queued} of {limit} operations wait"),
            Some(QUEUE),
        ),
        SubmitError::TooManyUnproved { pending, limit } => exhausted(
            "proving.max_unproved_batches",
            format!("{pending} of {limit} batches wait"),
            Some(PROOFS),
        ),
        SubmitError::NoRoomBehindQueue {
            queued,
            pending,
            limit,
        } => exhausted(
            "proving.max_unproved_batches",
            format!("{pending} of {limit} batches wait, and {queued} queued operations come first"),
            Some(PROOFS),
        ),
        SubmitError::FeeBelowMinimum {
            section,
            index,
            token,
            minimum,
            got,
        } => failed(info(
            "FEE_BELOW_MINIMUM",
            [
                ("position", place.of(*section, *index).0.to_string()),
                ("token", token.to_string()),
                ("minimum", minimum.to_string()),
                ("got", got.to_string()),
            ],
        )),
        SubmitError::OtherFeeLeaf {
            slot,
            token,
            expected,
            got,
        } => failed(info(
            "FEE_LEAF",
            [
                ("fee_slot", slot.to_string()),
                ("token", token.to_string()),
                ("expected", expected.to_string()),
                ("got", got.to_string()),
            ],
        )),
        SubmitError::KeyReused(error) => (
            Code::AlreadyExists,
            info(
                "IDEMPOTENCY_KEY_REUSED",
                [("operation", error.remembered.first_operation.to_string())],
            ),
        ),
        SubmitError::QueuedAgain { .. } => unavailable(),
        SubmitError::RejectedLater {
            operation,
            rule,
            message,
        } => failed(info(
            &rule.to_ascii_uppercase(),
            [
                ("rule", rule.clone()),
                ("operation", operation.to_string()),
                ("values", message.clone()),
            ],
        )),
        SubmitError::NoNumberLeft => failed(info("NO_NUMBER_LEFT", [])),
        SubmitError::Rule(error) => rules::single(error, place),
        SubmitError::Batch(error) => rules::batch(error, place),
        SubmitError::Stuck { reason } => match &**reason {
            CutError::NoNumberLeft => failed(info("NO_NUMBER_LEFT", [])),
            CutError::State(error) => rules::batch(error, place),
            CutError::Store(error) => rules::store(error),
            CutError::NoShape { .. } => (Code::Internal, ErrorDetails::new()),
        },
        SubmitError::Enter(EnterError::Gap { index, next }) => failed(info(
            "QUEUE_GAP",
            [("expected", next.to_string()), ("got", index.to_string())],
        )),
        SubmitError::Enter(EnterError::Differs { index, operation }) => (
            Code::AlreadyExists,
            info(
                "PRIORITY_DIFFERS",
                [("index", index.to_string()), ("operation", operation.to_string())],
            ),
        ),
        SubmitError::LeafOutOfRange { .. } => rules::leaf_out_of_range(message, place),
        SubmitError::Stopping => unavailable(),
        SubmitError::Panicked => (Code::Internal, ErrorDetails::new()),
        SubmitError::Store(error) => rules::store(error),
    }
}

fn exhausted(subject: &str, limit: String, retry: Option<Duration>) -> (Code, ErrorDetails) {
    (Code::ResourceExhausted, quota(subject, limit, retry))
}

fn failed(details: ErrorDetails) -> (Code, ErrorDetails) {
    (Code::FailedPrecondition, details)
}

fn unavailable() -> (Code, ErrorDetails) {
    (Code::Unavailable, ErrorDetails::with_retry_info(Some(FAILURE)))
}
