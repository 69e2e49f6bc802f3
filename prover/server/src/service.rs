//! The service as a whole: the caller brings the socket, the store, the prover's backend and the signal to stop.

mod connection;
mod connections;
mod files;
mod frames;
mod listening;
mod lobby;
mod requests;
mod serving;

use std::future::Future;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use quittance_proto::DESCRIPTOR_SET;
use quittance_proto::v1::quittance_server::QuittanceServer;
use quittance_verifier::Section;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::service::Routes;
use tower::ServiceBuilder;

use crate::backend::{Backend, Circuit};
use crate::config::Config;
use crate::grpc::{Api, EdgeLayer};
use crate::node::{Node, NodeError, Threads};
use crate::store::Store;

use connections::{Connections, Limits};
use listening::Door;
use requests::CountLayer;
use serving::Server;

/// Bytes of one encoded transfer or withdrawal at most: its signature, the integers, for a withdrawal amount and address. An
/// idempotency key fits beside it.
const TRANSFER_BYTES: usize = 192;
/// Bytes of one encoded opening or rotation at most: the same with a key and an owner.
const OPENING_BYTES: usize = 256;
/// Bytes of one encoded fee slot at most.
const FEE_SLOT_BYTES: usize = 16;
/// Room beside the largest batch, so that a batch a little too large gets its better refusal.
const MESSAGE_ROOM: usize = 64 << 10;

/// How often it is looked for connections that have taken too long.
const LOOK: Duration = Duration::from_millis(200);

/// Why the service ended other than by being asked to.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The node did not start.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// Reflection has no use for the descriptors.
    #[error("reflection cannot be set up")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The store failed while the service ran, so that it had to end. What was accepted is in the store.
    #[error(
        "the store failed, so the service ended; no accepted batch is lost, and unproved ones are queued again at the next start"
    )]
    StoreFailed,
}

/// Serves until `shutdown` ends, then drains: no new requests, streams end, the proof at work may end until
/// `service.drain_timeout_ms` is over and is stopped then (its batch is queued again at the next start).
///
/// `ready` is called once, when all that could refuse to start has started.
///
/// A store that fails for good ends the service in the same way, with [`ServiceError::StoreFailed`]; the proof at work
/// could not be stored and is stopped at once.
pub async fn serve(
    listener: TcpListener,
    backend: Arc<dyn Backend>,
    store: Arc<Store>,
    config: &Config,
    ready: impl FnOnce(),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServiceError> {
    let limits = &config.service;
    let max_message = limits
        .max_message_bytes
        .unwrap_or_else(|| message_bound(backend.circuits()));
    let mut failure = store.failure();
    let (node, threads) = Node::start(store, backend, config)?;
    let (stop, stopping) = watch::channel(false);
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<QuittanceServer<Api>>().await;

    let api = Api::new(Arc::clone(&node), limits.clone(), max_message, stopping.clone());
    let api = QuittanceServer::new(api)
        .max_decoding_message_size(max_message)
        .max_encoding_message_size(usize::MAX);
    let routes = Routes::new(health_service)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .add_service(api)
        .prepare();
    let service = ServiceBuilder::new()
        .layer(CountLayer)
        .layer(EdgeLayer::new(limits.request_timeout))
        .service(routes);
    let server = Server::new(limits.max_requests_per_connection.get(), service);
    let places = files::places(limits.max_connections);
    let connections = Connections::new(Limits {
        standing: places.standing,
        leaving: places.leaving,
        request_timeout: limits.request_timeout,
    });
    let door = Door::new(Arc::clone(&connections), places.lobby);
    ready();

    let drain_node = Arc::clone(&node);
    let signal = async move {
        tokio::select! {
            () = shutdown => tracing::info!("stopping: no new requests, open ones may end"),
            _ = failure.wait_for(|failed| *failed) => {
                tracing::error!("the store has failed: stopping; restart the service when the disk is in order");
            }
        }
        health.set_not_serving::<QuittanceServer<Api>>().await;
        drain_node.stop();
        // Nobody listening means that no stream is open.
        let _ = stop.send(true);
    };
    let drain = limits.drain_timeout;
    let serve = move |connection, orders| server.clone().serve(connection, orders);
    tokio::spawn(door.stand_open(listener, stopping, serve));
    tokio::select! {
        () = signal => {}
        () = overdue(&connections) => {}
    }
    connections.stop();
    tokio::select! {
        () = connections.gone() => {}
        () = overdue(&connections) => {}
        () = tokio::time::sleep(drain) => {
            let requests = connections.requests();
            tracing::warn!(requests, "open requests are cut: the drain time is over");
        }
    }
    node.stop();
    // What still waits is answered, if anybody is there to hear it, and stored.
    node.sequencer().stop();
    let failed = node.store().has_failed();
    end_proof(
        &node,
        &threads.prover,
        if failed { Duration::ZERO } else { drain },
    )
    .await;
    end(threads).await;
    connections.close_all();
    // Also a failure that came while the service was stopping: its last move is not in the store.
    if node.store().has_failed() {
        return Err(ServiceError::StoreFailed);
    }
    Ok(())
}

/// Closes connections that have taken too long, as long as it is polled.
async fn overdue(connections: &Connections) {
    loop {
        tokio::time::sleep(LOOK).await;
        connections.close_overdue();
    }
}

/// Lets the proof at work end within the time, then stops it, and waits for the prover's thread.
async fn end_proof(node: &Arc<Node>, prover: &JoinHandle<()>, time: Duration) {
    let deadline = Instant::now() + time;
    let mut warned = false;
    while !prover.is_finished() {
        if Instant::now() >= deadline && !warned {
            warned = true;
            tracing::warn!("the proof at work is stopped; its batch is queued again at the next start");
            node.jobs().stop_active();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits for the threads, which are about to end.
async fn end(threads: Threads) {
    for (name, thread) in [("prover", threads.prover), ("sequencer", threads.sequencer)] {
        while !thread.is_finished() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if thread.join().is_err() {
            tracing::error!("the {name}'s thread panicked");
        }
    }
    tracing::info!("stopped");
}

fn reflection<'b>() -> tonic_reflection::server::Builder<'b> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

/// The largest message that a batch of the largest shape can need, with some room: what a message may make the decoder
/// hold follows from it.
fn message_bound(circuits: &[Circuit]) -> usize {
    let slots = |count: u32, bytes: usize| usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(bytes);
    circuits
        .iter()
        .map(|circuit| {
            let shape = &circuit.shape;
            Section::ALL
                .into_iter()
                .map(|section| match section {
                    Section::Fees => slots(shape.fee_slots, FEE_SLOT_BYTES),
                    // They come by their own stream, one in a message.
                    Section::Priority => 0,
                    Section::Transfers => slots(shape.transfers, TRANSFER_BYTES),
                    Section::Withdrawals => slots(shape.withdrawals, TRANSFER_BYTES),
                    Section::Openings => slots(shape.openings, OPENING_BYTES),
                    Section::Rotations => slots(shape.rotations, OPENING_BYTES),
                })
                .fold(0, usize::saturating_add)
        })
        .max()
        .unwrap_or(0)
        .saturating_add(MESSAGE_ROOM)
}
