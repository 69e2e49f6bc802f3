//! Counts open requests with the connections they came on, from their headers to the end of their answers.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use tonic::codegen::http::{Request, Response};
use tower::{Layer, Service};

use super::connections::{OpenRequest, Origin};

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
    S: Service<Request<B>, Response = Response<T>>,
    S::Future: Send + 'static,
{
    type Response = Response<Counted<T>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let mut open = request.extensions().get::<Origin>().cloned().map(Origin::request);
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            if let Some(open) = &mut open {
                open.answered();
            }
            Ok(answer.map(|body| Counted { body, _open: open }))
        })
    }
}

/// The body of an answer; the request is open as long as it is there.
#[derive(Debug)]
pub(super) struct Counted<T> {
    body: T,
    _open: Option<OpenRequest>,
}

impl<T: Body + Unpin> Body for Counted<T> {
    type Data = T::Data;
    type Error = T::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<T::Data>, T::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
