//! The one map from errors to gRPC statuses.
//!
//! | error | code | details |
//! |---|---|---|
//! | bytes that are no message of the call (see [`super::edge`]) | INVALID_ARGUMENT | BadRequest: the field that cannot be read, or `request` |
//! | malformed field | INVALID_ARGUMENT | BadRequest: one violation for each field, with its path |
//! | rule broken whatever the state is (signature, key, owner, address, index out of range) | INVALID_ARGUMENT | BadRequest and ErrorInfo |
//! | rule broken against the state (nonce, balance, expiry, …), fee below the minimum | FAILED_PRECONDITION | ErrorInfo: reason = rule |
//! | move that the batch's stage forbids, proof not made yet | FAILED_PRECONDITION | ErrorInfo |
//! | priority operation that is not the next one | FAILED_PRECONDITION | ErrorInfo: `QUEUE_GAP`, expected and got |
//! | idempotency key of another content; priority operation of another content | ALREADY_EXISTS | ErrorInfo |
//! | too many operations, full queue, too many streams, message too large | RESOURCE_EXHAUSTED | QuotaFailure |
//! | too little memory for a proof of the batch | RESOURCE_EXHAUSTED | QuotaFailure, RetryInfo and ErrorInfo: `MEMORY_SHORT`, needed and available bytes |
//! | no such batch, operation, account, circuit | NOT_FOUND | ResourceInfo |
//! | request took too long, stream fell silent | DEADLINE_EXCEEDED | |
//! | service is stopping, store busy, disk failed, batch of this key waits again | UNAVAILABLE | RetryInfo |
//! | store cannot be trusted | DATA_LOSS | |
//! | anything else | INTERNAL | |
//!
//! What refuses a stream has ErrorInfo with `position` and `accepted` in any case.

mod details;
mod place;
mod rules;
mod submission;

use std::time::Duration;

use thiserror::Error;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::fields::Violations;
use crate::causes::chain;
use crate::sequencer::SubmitError;
use crate::store::StoreError;
use details::{info, quota};

pub use details::{DOMAIN, PLACE_NEEDED};
pub use place::Place;

/// Why a request is not answered.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ApiError {
    /// Fields are malformed.
    #[error("{0}")]
    Fields(Violations),
    /// The submission was not accepted.
    #[error("{error}")]
    Submit {
        /// Where its operations stand in the request.
        place: Place,
        /// Why.
        #[source]
        error: SubmitError,
    },
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
    #[error(
        "request took longer than {} ms; what was submitted may have been accepted: repeat it under the same idempotency key, or see ListOperations and ListBatches",
        .limit.as_millis()
    )]
    Timeout {
        /// What the service allows.
        limit: Duration,
    },
    /// A stream holds more operations than the service allows.
    #[error("the stream has more than {limit} operations; send the others in another one")]
    StreamTooLong {
        /// What the service allows.
        limit: u32,
    },
    /// A stream's client sends nothing.
    #[error("no message came for {} ms", .limit.as_millis())]
    StreamIdle {
        /// What the service allows.
        limit: Duration,
    },
    /// A message is larger than the transport reads.
    #[error("message is too large: {sizes}; send less at a time, or raise service.max_message_bytes")]
    MessageTooLarge {
        /// Its size and the limit, in the transport's words.
        sizes: String,
    },
    /// Bytes that are not the message of the call.
    #[error("request is not a message of this call: {problem}")]
    NoMessage {
        /// What the decoder said: the way to the field as far as it is known, `Message.field: ` for each step, and what is
        /// wrong.
        problem: String,
    },
    /// A stream ended other than by its client's last message.
    #[error("{message}")]
    StreamBroken {
        /// The code for what happened.
        code: Code,
        /// What the transport said.
        message: String,
    },
    /// A stream was refused.
    #[error("operation {position} of the stream: {error}; {accepted} before it were accepted")]
    Stream {
        /// Position of the refused operation, from 0.
        position: usize,
        /// How many before it were accepted.
        accepted: usize,
        /// Why.
        error: Box<ApiError>,
    },
    /// The service is about to end.
    #[error("the service is stopping; try again when it is back")]
    Stopping,
    /// The connection of a watch is needed for somebody else.
    #[error("the connection makes room for others; watch again on a new one")]
    PlaceNeeded,
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

impl ApiError {
    /// The error with everything that caused it.
    fn with_causes(&self) -> String {
        match self {
            Self::Stream {
                position,
                accepted,
                error,
            } => {
                let error = error.with_causes();
                format!("operation {position} of the stream: {error}; {accepted} before it were accepted")
            }
            other => chain(other),
        }
    }
}

impl From<ApiError> for Status {
    fn from(error: ApiError) -> Self {
        let (code, details) = classify(&error);
        // Whoever has to mend the store needs to know where it is damaged.
        let message = match code {
            Code::Internal | Code::DataLoss => error.with_causes(),
            _ => error.to_string(),
        };
        if matches!(code, Code::Internal | Code::DataLoss) {
            tracing::error!(%message, "request failed");
        }
        Status::with_error_details(code, message, details)
    }
}

fn classify(error: &ApiError) -> (Code, ErrorDetails) {
    match error {
        ApiError::Fields(violations) => (
            Code::InvalidArgument,
            ErrorDetails::with_bad_request(violations.details()),
        ),
        ApiError::Submit { place, error } => submission::refused(error, place),
        ApiError::Store(error) => rules::store(error),
        ApiError::NotProved { number, stage } => (
            Code::FailedPrecondition,
            info(
                "NOT_PROVED",
                [("batch", number.to_string()), ("state", (*stage).to_owned())],
            ),
        ),
        ApiError::NotFound { kind, name } => (
            Code::NotFound,
            ErrorDetails::with_resource_info(*kind, name, "", ""),
        ),
        ApiError::TooManyStreams { limit } => (
            Code::ResourceExhausted,
            quota(
                "service.max_watch_streams",
                format!("{limit} streams"),
                Some(Duration::from_secs(5)),
            ),
        ),
        ApiError::StreamTooLong { limit } => (
            Code::ResourceExhausted,
            quota(
                "service.max_stream_operations",
                format!("at most {limit} operations in a stream"),
                None,
            ),
        ),
        ApiError::Stream {
            position,
            accepted,
            error,
        } => {
            let (code, details) = classify(error);
            (code, details::in_stream(details, code, *position, *accepted))
        }
        ApiError::MessageTooLarge { sizes } => (
            Code::ResourceExhausted,
            quota(
                "service.max_message_bytes",
                format!("{sizes}; send less at a time, or raise service.max_message_bytes"),
                None,
            ),
        ),
        ApiError::NoMessage { problem } => details::unread(problem),
        ApiError::StreamBroken { code, .. } => (*code, ErrorDetails::new()),
        ApiError::Timeout { .. } | ApiError::StreamIdle { .. } => {
            (Code::DeadlineExceeded, ErrorDetails::new())
        }
        ApiError::Stopping => (
            Code::Unavailable,
            ErrorDetails::with_retry_info(Some(Duration::from_secs(5))),
        ),
        ApiError::PlaceNeeded => {
            let mut details = info(PLACE_NEEDED, []);
            details.set_retry_info(Some(Duration::from_secs(1)));
            (Code::Unavailable, details)
        }
        ApiError::StoredBundle { .. } => (Code::DataLoss, ErrorDetails::new()),
        ApiError::Panicked => (Code::Internal, ErrorDetails::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::rules::state;
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
