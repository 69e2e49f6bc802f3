//! What a request means for its connection: whether it is at work, whether its answer has something to say, and how much of
//! it is in memory.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Body, Frame};
use tokio::sync::OwnedSemaphorePermit;
use tonic::Status;
use tonic::codegen::Bytes;
use tonic::codegen::http::{HeaderMap, Request, Response};
use tower::{Layer, Service};

use super::connections::{Origin, Rest};
use crate::grpc::ApiError;

/// Bytes that are handed to the transport at a time. What is handed over is held there until the client takes it, and counts
/// for nobody.
const PIECE: usize = 16 << 10;

/// The calls whose answers can be large. Their number is bounded on each connection.
const LARGE: [&str; 4] = [
    "/quittance.v1.Quittance/ListOperations",
    "/quittance.v1.Quittance/ListBatches",
    "/quittance.v1.Quittance/ListAccountsByKey",
    "/quittance.v1.Quittance/GetProof",
];

/// Puts the count around a service.
#[derive(Clone, Copy, Debug)]
pub(super) struct CountLayer;

impl<S> Layer<S> for CountLayer {
    type Service = Counting<S>;

    fn layer(&self, inner: S) -> Counting<S> {
        Counting { inner }
    }
}

/// A service with the count around it.
#[derive(Clone, Debug)]
pub(super) struct Counting<S> {
    inner: S,
}

impl<S, B, T> Service<Request<B>> for Counting<S>
where
    S: Service<Request<B>, Response = Response<T>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Send + 'static,
    T: Body<Data = Bytes> + Unpin + Send,
    T::Error: Send,
{
    type Response = Response<Counted<T>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let origin = request.extensions().get::<Origin>().cloned();
        let call = origin.as_ref().map(Origin::call);
        let large = LARGE.contains(&request.uri().path());
        // The one that is ready is used, and a copy of it left.
        let copy = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, copy);
        Box::pin(async move {
            let page = match &origin {
                // It is never closed.
                Some(origin) if large => origin.pages().acquire_owned().await.ok(),
                _ => None,
            };
            let (parts, mut body) = inner.call(request).await?.into_parts();
            // Bytes are less than what they are made of, which would wait for the client too.
            let first = if page.is_some() {
                poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await
            } else {
                None
            };
            let mut counted = Counted {
                body,
                first: None,
                left: Bytes::new(),
                origin,
                resting: None,
                place_needed: None,
                ended: false,
                _page: page,
            };
            counted.first = first.map(|frame| frame.map(|frame| counted.compact(frame)));
            drop(call);
            Ok(Response::from_parts(parts, counted))
        })
    }
}

/// The body of an answer.
pub(super) struct Counted<T: Body> {
    body: T,
    /// What was taken from the body already.
    first: Option<Result<Frame<Bytes>, T::Error>>,
    /// What is left of a large part of it.
    left: Bytes,
    origin: Option<Origin>,
    /// While it has nothing to say.
    resting: Option<Rest>,
    /// Ready when a body that rests has to end.
    place_needed: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    ended: bool,
    _page: Option<OwnedSemaphorePermit>,
}

impl<T: Body<Data = Bytes> + Unpin> Counted<T> {
    /// The same in no more memory than it needs.
    fn compact(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        match frame.into_data() {
            Ok(data) => Frame::data(Bytes::copy_from_slice(&data)),
            Err(other) => other,
        }
    }

    fn piece(&mut self) -> Option<Frame<Bytes>> {
        if self.left.is_empty() {
            return None;
        }
        let piece = self.left.split_to(self.left.len().min(PIECE));
        // A part of the whole would keep the whole.
        Some(Frame::data(Bytes::copy_from_slice(&piece)))
    }

    /// What the body has to say, or its end where it has nothing to say and its connection has to go.
    fn next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, T::Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(first));
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.resting = None;
            return Poll::Ready(frame);
        }
        let Some(origin) = &self.origin else {
            return Poll::Pending;
        };
        self.resting.get_or_insert_with(|| origin.rest());
        let needed = self
            .place_needed
            .get_or_insert_with(|| Box::pin(origin.clone().place_needed()));
        ready!(needed.as_mut().poll(context));
        self.resting = None;
        self.ended = true;
        let mut trailers = HeaderMap::new();
        // Trailers that cannot be written leave an answer without a status, which is an error too.
        let _ = Status::from(ApiError::PlaceNeeded).add_header(&mut trailers);
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }
}

impl<T: Body<Data = Bytes> + Unpin> Body for Counted<T>
where
    T::Error: Unpin,
{
    type Data = Bytes;
    type Error = T::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, T::Error>>> {
        if let Some(piece) = self.piece() {
            return Poll::Ready(Some(Ok(piece)));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        let frame = match ready!(self.next(context)) {
            Some(Ok(frame)) => frame,
            other => return Poll::Ready(other),
        };
        Poll::Ready(Some(Ok(match frame.into_data() {
            Ok(data) => {
                self.left = data;
                self.piece().unwrap_or_else(|| Frame::data(Bytes::new()))
            }
            Err(other) => other,
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.ended || (self.first.is_none() && self.left.is_empty() && self.body.is_end_stream())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::time::Duration;

    use tokio::sync::watch;
    use tonic::Code;
    use tower::ServiceExt as _;

    use super::super::connections::{Connections, Limits, Order, PAGES, Place};
    use super::*;

    /// Says its parts, then waits for more for ever if it is to.
    #[derive(Debug)]
    struct Said {
        parts: VecDeque<Bytes>,
        then_waits: bool,
    }

    impl Body for Said {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match self.parts.pop_front() {
                None if self.then_waits => Poll::Pending,
                part => Poll::Ready(part.map(|part| Ok(Frame::data(part)))),
            }
        }
    }

    fn connection() -> (std::sync::Arc<Connections>, Place, watch::Receiver<Order>) {
        let connections = Connections::new(Limits {
            standing: 1,
            leaving: 1,
            request_timeout: Duration::from_secs(1),
        });
        let (place, told) = connections.enter();
        (connections, place, told)
    }

    async fn answer(place: &Place, path: &str, size: usize, then_waits: bool) -> Counted<Said> {
        let inner = tower::service_fn(move |_: Request<()>| async move {
            let parts = [Bytes::from(vec![7; size])].into();
            Ok::<_, Infallible>(Response::new(Said { parts, then_waits }))
        });
        let mut request = Request::builder().uri(path).body(()).unwrap();
        request.extensions_mut().insert(place.origin());
        CountLayer
            .layer(inner)
            .oneshot(request)
            .await
            .unwrap()
            .into_body()
    }

    async fn frame(body: &mut Counted<Said>) -> Option<Frame<Bytes>> {
        poll_fn(|context| Pin::new(&mut *body).poll_frame(context))
            .await
            .map(Result::unwrap)
    }

    #[tokio::test]
    async fn an_answer_comes_in_pieces_and_whole() {
        let (_connections, place, _told) = connection();
        for path in ["/small", LARGE[0]] {
            for size in [0, 1, PIECE, PIECE + 1, 5 * PIECE] {
                let mut body = answer(&place, path, size, false).await;
                let mut whole = 0;
                while let Some(frame) = frame(&mut body).await {
                    let data = frame.into_data().unwrap();
                    assert!(data.len() <= PIECE, "{path} {size}");
                    whole += data.len();
                }
                assert_eq!(whole, size, "{path}");
            }
        }
    }

    #[tokio::test]
    async fn a_connection_has_so_many_pages_in_memory_and_no_more() {
        let (_connections, place, _told) = connection();
        let mut held = Vec::new();
        for path in LARGE.iter().cycle().take(PAGES) {
            held.push(answer(&place, path, 9, false).await);
        }
        let mut next = Box::pin(answer(&place, LARGE[1], 9, false));
        assert!(
            tokio::time::timeout(Duration::from_millis(10), &mut next)
                .await
                .is_err()
        );
        // Others go on.
        answer(&place, "/small", 9, false).await;
        held.pop();
        next.await;
    }

    #[tokio::test]
    async fn an_answer_that_only_waits_ends_when_its_place_is_needed() {
        let (connections, place, _told) = connection();
        place.open_requests(1);
        let mut body = answer(&place, "/watch", 9, true).await;
        assert_eq!(frame(&mut body).await.unwrap().into_data().unwrap().len(), 9);
        let mut last = Box::pin(frame(&mut body));
        assert!(
            tokio::time::timeout(Duration::from_millis(10), &mut last)
                .await
                .is_err()
        );
        connections.make_room();
        let trailers = last.await.unwrap().into_trailers().unwrap();
        let status = Status::from_header_map(&trailers).unwrap();
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        assert!(frame(&mut body).await.is_none());
    }
}
