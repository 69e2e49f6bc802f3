//! The details of google.rpc that go with a status.

use std::collections::HashMap;
use std::time::Duration;

use tonic::Code;
use tonic_types::{ErrorDetails, ErrorInfo};

/// Domain of ErrorInfo.
pub const DOMAIN: &str = "quittance.v1";

/// ErrorInfo with facts.
pub(super) fn info<const N: usize>(reason: &str, metadata: [(&str, String); N]) -> ErrorDetails {
    let metadata: HashMap<String, String> = metadata
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    ErrorDetails::with_error_info(reason, DOMAIN, metadata)
}

/// QuotaFailure with the limit, and when to come back where waiting helps.
pub(super) fn quota(subject: &str, limit: String, retry: Option<Duration>) -> ErrorDetails {
    let mut details = ErrorDetails::with_quota_failure_violation(subject, limit);
    if retry.is_some() {
        details.set_retry_info(retry);
    }
    details
}

/// One wrong field.
pub(super) fn field(path: impl Into<String>, problem: String) -> (Code, ErrorDetails) {
    (
        Code::InvalidArgument,
        ErrorDetails::with_bad_request_violation(path, problem),
    )
}

/// The details of what refused one transfer of a stream, with its position and how many before it were accepted.
pub(super) fn in_stream(
    mut details: ErrorDetails,
    code: Code,
    transfer: usize,
    accepted: usize,
) -> ErrorDetails {
    let known = details.error_info().cloned();
    let ErrorInfo {
        reason, mut metadata, ..
    } = known.unwrap_or_else(|| ErrorInfo::new(reason(code), DOMAIN, HashMap::new()));
    metadata.insert("transfer".to_owned(), transfer.to_string());
    metadata.insert("accepted".to_owned(), accepted.to_string());
    details.set_error_info(reason, DOMAIN, metadata);
    details
}

/// A reason for what has no rule.
const fn reason(code: Code) -> &'static str {
    match code {
        Code::InvalidArgument => "MALFORMED",
        Code::ResourceExhausted => "LIMIT_REACHED",
        Code::DeadlineExceeded => "TOO_SLOW",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Cancelled => "CANCELLED",
        _ => "FAILED",
    }
}
