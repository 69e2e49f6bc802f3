//! The details of google.rpc that go with a status.

use std::collections::HashMap;
use std::time::Duration;

use tonic::Code;
use tonic_types::{ErrorDetails, ErrorInfo};

/// Domain of ErrorInfo.
pub const DOMAIN: &str = "quittance.v1";

/// Reason of a watch that ended because its connection was needed for somebody else.
pub const PLACE_NEEDED: &str = "PLACE_NEEDED";

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

/// Bytes that the decoder cannot read: the field where it stopped, without positions in lists, or `request` if it names none.
pub(super) fn unread(problem: &str) -> (Code, ErrorDetails) {
    let (mut path, mut rest) = (Vec::new(), problem);
    while let Some((step, after)) = rest.split_once(": ")
        && let Some((_, field)) = step.split_once('.')
        && !step.contains(' ')
    {
        path.push(field);
        rest = after;
    }
    let path = if path.is_empty() {
        "request".to_owned()
    } else {
        path.join(".")
    };
    field(
        path,
        format!("{rest}; send the request message of this call as quittance.v1 describes it"),
    )
}

/// The details of what refused one operation of a stream, with its position and how many before it were accepted.
pub(super) fn in_stream(
    mut details: ErrorDetails,
    code: Code,
    position: usize,
    accepted: usize,
) -> ErrorDetails {
    let known = details.error_info().cloned();
    let ErrorInfo {
        reason, mut metadata, ..
    } = known.unwrap_or_else(|| ErrorInfo::new(reason(code), DOMAIN, HashMap::new()));
    metadata.insert("position".to_owned(), position.to_string());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_that_cannot_be_read_is_named() {
        for (problem, path, rest) in [
            ("invalid varint", "request", "invalid varint"),
            (
                "SubmitBatchRequest.operations: SignedOperation.transfer: SignedTransfer.nonce: invalid wire type: Varint (expected LengthDelimited)",
                "operations.transfer.nonce",
                "invalid wire type: Varint (expected LengthDelimited)",
            ),
            (
                "GetStateRequest.x: invalid string value: data is not UTF-8 encoded",
                "x",
                "invalid string value: data is not UTF-8 encoded",
            ),
            ("", "request", ""),
        ] {
            let (code, details) = unread(problem);
            assert_eq!(code, Code::InvalidArgument);
            let violation = &details.bad_request().unwrap().field_violations[0];
            assert_eq!(violation.field, path);
            assert!(
                violation.description.starts_with(&format!("{rest}; ")),
                "{violation:?}"
            );
        }
    }
}
