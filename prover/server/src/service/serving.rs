//! Drives one connection: HTTP/2 below, the service above, and in between what the connection is told.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::watch;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tower::limit::ConcurrencyLimit;
use tower::{Service, ServiceExt as _};

use super::connection::Connection;
use super::connections::Order;

/// Bytes that a client may send on a stream before they are read: what brakes a stream of transfers that comes faster than
/// the store commits.
pub(super) const STREAM_WINDOW: u32 = 64 << 10;
/// Bytes that a client may send on all streams of a connection, for each that it may open. HTTP/2's implementation takes many
/// small frames that nobody has read for an attack and ends the connection, at half of this and 256 bytes a frame: full
/// windows of transfers on every stream stay below.
const CONNECTION_WINDOW_PER_STREAM: u32 = 256 << 10;
/// The largest window of HTTP/2.
const LARGEST_WINDOW: u32 = (1 << 31) - 1;
/// Bytes of an answer that wait below the service for a slow client, and one piece.
const UNSENT: usize = 64 << 10;
/// Bytes of the headers of a request.
const HEADER_BYTES: u32 = 16 << 10;
/// How often a client that says nothing is asked whether it is still there, and how long it has for the answer.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How connections are served.
#[derive(Clone, Debug)]
pub(super) struct Server<S> {
    transport: http2::Builder<TokioExecutor>,
    requests: usize,
    service: S,
}

impl<S, T> Server<S>
where
    S: Service<Request<Body>, Response = Response<T>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    T: http_body::Body + Send + 'static,
    T::Data: Send,
    T::Error: std::error::Error + Send + Sync,
{
    /// Serves with at most so many requests at the same time on a connection.
    pub(super) fn new(requests: usize, service: S) -> Self {
        let streams = u32::try_from(requests).unwrap_or(u32::MAX);
        let window = streams
            .saturating_mul(CONNECTION_WINDOW_PER_STREAM)
            .min(LARGEST_WINDOW);
        let mut transport = http2::Builder::new(TokioExecutor::new());
        transport
            .timer(TokioTimer::new())
            .max_concurrent_streams(streams)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(window)
            .max_header_list_size(HEADER_BYTES)
            .max_send_buf_size(UNSENT)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT);
        Self {
            transport,
            requests,
            service,
        }
    }

    /// Serves one connection until it ends or has to.
    pub(super) async fn serve(self, connection: Connection, mut orders: watch::Receiver<Order>) {
        let origin = connection.origin();
        let service = ConcurrencyLimit::new(self.service, self.requests);
        let service = service.map_request(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(origin.clone());
            request
        });
        let service = TowerToHyperService::new(service);
        let mut serving = pin!(self.transport.serve_connection(TokioIo::new(connection), service));
        let mut told = Order::Stay;
        loop {
            tokio::select! {
                ended = serving.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended");
                    }
                    return;
                }
                order = next(&mut orders, told) => match order {
                    Order::Close => return,
                    order => {
                        if told == Order::Stay {
                            serving.as_mut().graceful_shutdown();
                        }
                        told = order;
                    }
                }
            }
        }
    }
}

/// The next higher order.
async fn next(orders: &mut watch::Receiver<Order>, told: Order) -> Order {
    // An error means that the connection was closed for all others.
    orders
        .wait_for(|order| *order > told)
        .await
        .map_or(Order::Close, |order| *order)
}
