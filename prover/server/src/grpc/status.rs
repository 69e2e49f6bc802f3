//! The one map from errors to gRPC statuses.
//!
//! | error | code | details |
//! |---|---|---|
//! | bytes that are no message of the call (see [`super::edge`]) | INVALID_ARGUMENT | |
//! | malformed field | INVALID_ARGUMENT | BadRequest: one violation for each field, with its path |
//! | rule broken by the message alone (signature, index out of range) | INVALID_ARGUMENT | BadRequest and ErrorInfo |
//! | rule broken against the state (nonce, balance, expiry, …) | FAILED_PRECONDITION | ErrorInfo: reason = rule |
//! | move that the batch's stage forbids, proof not made yet | FAILED_PRECONDITION | ErrorInfo |
//! | too many transfers, full queue, too many streams, message too large | RESOURCE_EXHAUSTED | QuotaFailure |
//! | no such batch, account, circuit | NOT_FOUND | ResourceInfo |
//! | request took too long | DEADLINE_EXCEEDED | |
//! | service is stopping, store busy, disk failed | UNAVAILABLE | RetryInfo |
//! | store cannot be trusted | DATA_LOSS | |
//! | anything else | INTERNAL | |

use std::collections::HashMap;
use std::time::Duration;

use quittance_circuits::batch::ApplyError;
use thiserror::Error;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::execute::SubmitError;
use crate::store::StoreError;

use super::fields::Violations;

/// Domain of ErrorInfo.
pub const DOMAIN: &str = "quittance.v1";

/// Why a request is not answered.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ApiError {
    /// Fields are malformed.
    #[error("{0}")]
    Fields(Violations),
    /// The submission became no batch.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The proof is not there yet.
    #[error("batch {number} is {stage}; its proof is not made yet")]
    NotProved {
        /// The batch.
        number: u32,
        /// Where it stands.
        stage: &'static str,
    },
    /// There is no such thing.
    #[error("there is no {kind} {name}")]
    NotFound {
        /// Kind of the thing.
        kind: &'static str,
        /// Which one.
        name: String,
    },
    /// As many streams are open as may be.
    #[error("{limit} watch streams are open, which is the limit")]
    TooManyStreams {
        /// Most that may be open.
        limit: usize,
    },
    /// The request took longer than the service allows.
    #[error("request took longer than {} ms; a submitted batch may have been executed, see ListBatches", .limit.as_millis())]
    Timeout {
        /// What the service allows.
        limit: Duration,
    },
    /// The service is about to end.
    #[error("the service is stopping; try again when it is back")]
    Stopping,
    /// A stored bundle cannot be read.
    #[error("stored bundle of batch {number} cannot be read")]
    StoredBundle {
        /// The batch.
        number: u32,
    },
    /// A task of the service ended by panicking.
    #[error("the request failed inside the service")]
    Panicked,
}

impl From<ApiError> for Status {
    fn from(error: ApiError) -> Self {
        let message = error.to_string();
        let (code, details) = classify(error);
        if matches!(code, Code::Internal | Code::DataLoss) {
            tracing::error!(%message, "request failed");
        }
        Status::with_error_details(code, message, details)
    }
}

fn classify(error: ApiError) -> (Code, ErrorDetails) {
    match error {
        ApiError::Fields(violations) => (
            Code::InvalidArgument,
            ErrorDetails::with_bad_request(violations.into_details()),
        ),
        ApiError::Submit(error) => submit(error),
        ApiError::Store(error) => store(&error),
        ApiError::NotProved { number, stage } => (
            Code::FailedPrecondition,
            info(
                "NOT_PROVED",
                [("batch", number.to_string()), ("state", stage.to_owned())],
            ),
        ),
        ApiError::NotFound { kind, name } => (
            Code::NotFound,
            ErrorDetails::with_resource_info(kind, name, "", ""),
        ),
        ApiError::TooManyStreams { limit } => (
            Code::ResourceExhausted,
            quota(
                "service.max_watch_streams",
                format!("{limit} streams"),
                Some(Duration::from_secs(5)),
            ),
        ),
        ApiError::Timeout { .. } => (Code::DeadlineExceeded, ErrorDetails::new()),
        ApiError::Stopping => (
            Code::Unavailable,
            ErrorDetails::with_retry_info(Some(Duration::from_secs(5))),
        ),
        ApiError::StoredBundle { .. } => (Code::DataLoss, ErrorDetails::new()),
        ApiError::Panicked => (Code::Internal, ErrorDetails::new()),
    }
}

fn submit(error: SubmitError) -> (Code, ErrorDetails) {
    let message = error.to_string();
    match error {
        SubmitError::Empty => field("transfers", message),
        SubmitError::RepeatedFeeToken { slot, .. } => field(format!("fee_slots[{slot}].token"), message),
        SubmitError::NoFeeSlot => field("fee_slots", message),
        SubmitError::TooManyTransfers { limit, .. } => (
            Code::ResourceExhausted,
            quota("transfers", format!("at most {limit} transfers in a batch"), None),
        ),
        SubmitError::TooManyFeeSlots { limit, .. } => (
            Code::ResourceExhausted,
            quota("fee_slots", format!("at most {limit} fee slots in a batch"), None),
        ),
        SubmitError::NoShape { transfers, fee_slots } => (
            Code::ResourceExhausted,
            quota(
                "shape",
                format!("no shape for {transfers} transfers and {fee_slots} fee slots"),
                None,
            ),
        ),
        SubmitError::QueueFull { pending, limit } => (
            Code::ResourceExhausted,
            quota(
                "proving.max_unproved_batches",
                format!("{pending} of {limit} batches wait"),
                Some(Duration::from_secs(10)),
            ),
        ),
        SubmitError::BadFeeLeaf { leaf } => (
            Code::FailedPrecondition,
            info("BAD_FEE_LEAF", [("leaf", leaf.to_string())]),
        ),
        SubmitError::NoNumberLeft => (Code::FailedPrecondition, info("NO_NUMBER_LEFT", [])),
        SubmitError::Rejected(error) => rejected(&error),
        SubmitError::Store(error) => store(&error),
    }
}

/// A broken rule. Rules that the message breaks by itself, whatever the state, name the field.
fn rejected(error: &ApplyError) -> (Code, ErrorDetails) {
    let (place, index, values) = match error {
        ApplyError::Transfer { index, error } => ("transfer", index, error.to_string()),
        ApplyError::Fee { slot, error } => ("fee_slot", slot, error.to_string()),
        ApplyError::State(error) => return state(error),
        other => {
            return (
                Code::FailedPrecondition,
                info("REJECTED", [("values", other.to_string())]),
            );
        }
    };
    let rule = error.rule().unwrap_or("rejected");
    let mut details = info(
        &rule.to_ascii_uppercase(),
        [
            ("rule", rule.to_owned()),
            (place, index.to_string()),
            ("values", values.clone()),
        ],
    );
    let path = match (place, rule) {
        ("transfer", "signature_canonical") => "signature.s",
        ("transfer", "signature_valid") => "signature",
        ("transfer", "sender_in_range") => "from",
        ("transfer", "recipient_in_range") => "to",
        ("fee_slot", "recipient_in_range") => "leaf",
        _ => return (Code::FailedPrecondition, details),
    };
    details.add_bad_request_violation(format!("{place}s[{index}].{path}"), values);
    (Code::InvalidArgument, details)
}

fn state(error: &quittance_circuits::state::StateError) -> (Code, ErrorDetails) {
    use quittance_circuits::state::StateError;
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

fn store(error: &StoreError) -> (Code, ErrorDetails) {
    match error {
        StoreError::NoBatch { number, .. } => (
            Code::NotFound,
            ErrorDetails::with_resource_info("batch", number.to_string(), "", error.to_string()),
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
        StoreError::State(error) => state(error),
        error if error.is_corruption() => (Code::DataLoss, ErrorDetails::new()),
        error if error.is_transient() || error.is_fatal() => (
            Code::Unavailable,
            ErrorDetails::with_retry_info(Some(Duration::from_secs(5))),
        ),
        _ => (Code::Internal, ErrorDetails::new()),
    }
}

fn field(path: impl Into<String>, problem: String) -> (Code, ErrorDetails) {
    (
        Code::InvalidArgument,
        ErrorDetails::with_bad_request_violation(path, problem),
    )
}

fn info<const N: usize>(reason: &str, metadata: [(&str, String); N]) -> ErrorDetails {
    let metadata: HashMap<String, String> = metadata
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    ErrorDetails::with_error_info(reason, DOMAIN, metadata)
}

fn quota(subject: &str, limit: String, retry: Option<Duration>) -> ErrorDetails {
    let mut details = ErrorDetails::with_quota_failure_violation(subject, limit);
    if retry.is_some() {
        details.set_retry_info(retry);
    }
    details
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::RecordError;

    #[test]
    fn failures_of_the_store_say_whether_to_try_again() {
        let io = || redb::Error::Io(std::io::Error::other("disk"));
        let cases = [
            (StoreError::Database(Box::new(io())), Code::Unavailable),
            (
                StoreError::Database(Box::new(redb::Error::Corrupted("page".to_owned()))),
                Code::DataLoss,
            ),
            (
                StoreError::Corrupt {
                    table: "batches",
                    key: "1".to_owned(),
                    source: RecordError::Long { extra: 1 },
                },
                Code::DataLoss,
            ),
            (
                StoreError::Lost {
                    table: "inputs",
                    key: "1".to_owned(),
                },
                Code::DataLoss,
            ),
            (StoreError::NotNext { number: 3, last: 1 }, Code::Internal),
        ];
        for (error, code) in cases {
            let text = error.to_string();
            // The same behind the state tree, where execution meets it.
            let wrapped = quittance_circuits::state::StateError::Store(Box::new(error));
            assert_eq!(state(&wrapped).0, code, "{text}");
            let quittance_circuits::state::StateError::Store(error) = wrapped else {
                panic!("{text}");
            };
            let error = *error.downcast::<StoreError>().unwrap();
            assert_eq!(Status::from(ApiError::from(error)).code(), code, "{text}");
        }
    }

    #[test]
    fn what_passes_says_when_to_come_back() {
        let status = Status::from(ApiError::Stopping);
        let retry = status.get_error_details().retry_info().cloned();
        assert_eq!((status.code(), retry.is_some()), (Code::Unavailable, true));
        let limit = Duration::from_millis(7);
        let status = Status::from(ApiError::Timeout { limit });
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert!(status.message().contains("7 ms"));
    }
}
