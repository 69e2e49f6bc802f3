//! What every request passes: a bound on its time, and the statuses that the transport chooses differently.
//!
//! tonic refuses a message above the limit with OUT_OF_RANGE, which in gRPC means a position in a sequence; clients
//! expect RESOURCE_EXHAUSTED. Bytes that are not the request's message are its client's mistake, INVALID_ARGUMENT, where
//! tonic says INTERNAL. Both get the details that refusals of the handlers have. A client that sends its request too slowly gets DEADLINE_EXCEEDED: the handlers' own
//! bound begins when the message is complete.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tonic::codegen::http::{HeaderMap, Request, Response};
use tonic::{Code, Status};
use tower::{Layer, Service};

use super::status::ApiError;

/// How much later than the handlers this bound strikes, so that a handler's better message goes first.
const GRACE: Duration = Duration::from_secs(1);

/// The call whose client sends a stream.
const CLIENT_STREAM: &str = "/quittance.v1.Quittance/SubmitOperations";

/// Beginning of tonic's message for a message above the limit.
const TOO_LARGE: &str = "Error, decoded message length too large: ";

/// Beginning of tonic's message for bytes that are not a message of the call.
const MALFORMED: &str = "failed to decode Protobuf message: ";

/// Puts the edge around a service.
#[derive(Clone, Copy, Debug)]
pub struct EdgeLayer {
    request_timeout: Duration,
}

impl EdgeLayer {
    /// A layer that answers after this time at the latest (streams: begins to answer).
    #[must_use]
    pub const fn new(request_timeout: Duration) -> Self {
        Self { request_timeout }
    }
}

impl<S> Layer<S> for EdgeLayer {
    type Service = Edge<S>;

    fn layer(&self, inner: S) -> Edge<S> {
        Edge {
            inner,
            limit: self.request_timeout + GRACE,
        }
    }
}

/// A service with the edge around it.
#[derive(Clone, Debug)]
pub struct Edge<S> {
    inner: S,
    limit: Duration,
}

impl<S, B, T> Service<Request<B>> for Edge<S>
where
    S: Service<Request<B>, Response = Response<T>>,
    S::Future: Send + 'static,
    T: Default,
{
    type Response = Response<T>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<T>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let limit = self.limit;
        // A stream may last; its handler bounds the time between two messages.
        let endless = request.uri().path() == CLIENT_STREAM;
        // A client that has given up needs no answer, and its request no place.
        let limit = match deadline(request.headers()) {
            Some(deadline) if endless || deadline < limit => Some(deadline),
            _ if endless => None,
            _ => Some(limit),
        };
        let answer = self.inner.call(request);
        Box::pin(async move {
            let Some(limit) = limit else {
                let mut response = answer.await?;
                rename(response.headers_mut());
                return Ok(response);
            };
            let answer = tokio::time::timeout(limit, answer).await;
            match answer {
                Ok(Ok(mut response)) => {
                    rename(response.headers_mut());
                    Ok(response)
                }
                Ok(Err(error)) => Err(error),
                Err(_) => {
                    let message = format!("request was not complete within {} ms", limit.as_millis());
                    Ok(Status::deadline_exceeded(message).into_http())
                }
            }
        })
    }
}

/// How long the client waits, as it says with at most 8 digits and a unit (gRPC over HTTP/2, Timeout).
fn deadline(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

/// Gives oversized and malformed messages the status that clients expect.
fn rename(headers: &mut HeaderMap) {
    let Some(error) =
        Status::from_header_map(headers).and_then(|status| refused(status.code(), status.message()))
    else {
        return;
    };
    // Headers that cannot be written leave the old status, which is still an error.
    let _ = Status::from(error).add_header(headers);
}

/// What the transport's refusal of a message means; `None` for other statuses.
fn refused(code: Code, message: &str) -> Option<ApiError> {
    match (message.strip_prefix(TOO_LARGE), message.strip_prefix(MALFORMED)) {
        (Some(sizes), _) if code == Code::OutOfRange => Some(ApiError::MessageTooLarge {
            sizes: sizes.to_owned(),
        }),
        (_, Some(problem)) if code == Code::Internal => Some(ApiError::NoMessage {
            problem: problem.to_owned(),
        }),
        _ => None,
    }
}

/// What a handler says about a stream of messages that broke.
pub(super) fn broken_stream(status: &Status) -> ApiError {
    refused(status.code(), status.message()).unwrap_or_else(|| ApiError::StreamBroken {
        code: status.code(),
        message: status.message().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt as _;

    use super::*;

    #[test]
    fn a_clients_deadline_is_read() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", text.parse().unwrap());
            deadline(&headers)
        };
        for (text, milliseconds) in [
            ("2H", 7_200_000),
            ("3M", 180_000),
            ("00000001S", 1_000),
            ("250m", 250),
            ("99999999u", 99_999),
            ("5000000n", 5),
        ] {
            assert_eq!(read(text).unwrap().as_millis(), milliseconds, "{text}");
        }
        for text in ["", "S", "12", "1s", "-1S", "+1S", "1.5S", "123456789S"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(deadline(&HeaderMap::new()), None);
    }

    #[test]
    fn an_oversized_message_is_resource_exhausted() {
        let mut headers = HeaderMap::new();
        let tonic = Status::out_of_range(format!("{TOO_LARGE}found 9 bytes, the limit is: 8 bytes"));
        tonic.add_header(&mut headers).unwrap();
        rename(&mut headers);
        let status = Status::from_header_map(&headers).unwrap();
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert!(status.message().contains("found 9 bytes"), "{}", status.message());
        let details = status.get_error_details();
        let quota = &details.quota_failure().unwrap().violations;
        assert_eq!(quota[0].subject, "service.max_message_bytes");
        assert!(
            quota[0].description.contains("the limit is: 8 bytes"),
            "{quota:?}"
        );
    }

    #[test]
    fn bytes_that_are_no_message_are_an_invalid_argument() {
        let mut headers = HeaderMap::new();
        let tonic = Status::internal(format!("{MALFORMED}invalid varint"));
        tonic.add_header(&mut headers).unwrap();
        rename(&mut headers);
        let status = Status::from_header_map(&headers).unwrap();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(
            status.message().ends_with(": invalid varint"),
            "{}",
            status.message()
        );
        let details = status.get_error_details();
        let violations = &details.bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "request");
        assert!(
            violations[0].description.starts_with("invalid varint; "),
            "{violations:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_never_ends_is_cut() {
        let silent =
            tower::service_fn(|_: Request<()>| std::future::pending::<Result<Response<()>, Status>>());
        let mut edge = EdgeLayer::new(Duration::from_millis(100)).layer(silent);
        let response = edge.call(Request::new(())).await.unwrap();
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_eq!(status.code(), Code::DeadlineExceeded);
    }

    #[test]
    fn other_statuses_stay() {
        for status in [
            Status::out_of_range("page"),
            Status::internal("store"),
            Status::not_found("batch"),
        ] {
            let mut headers = HeaderMap::new();
            status.add_header(&mut headers).unwrap();
            rename(&mut headers);
            assert_eq!(Status::from_header_map(&headers).unwrap().code(), status.code());
        }
    }
}
