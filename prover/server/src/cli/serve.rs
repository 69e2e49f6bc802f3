//! `quittance serve`: logging, configuration, socket, store, keys, service, drain.

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::sync::Arc;

use serde_json::json;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};

use super::args::ServeArgs;
use super::output::Output;
use super::{CliError, error, setup};
use crate::config::{self, Config};
use crate::engine_backend::EngineBackend;
use crate::node::NodeError;
use crate::policy::PolicyError;
use crate::sequencer::StartError;
use crate::service::{self, ServiceError};
use crate::store::Store;
use crate::{keys, telemetry};

pub(super) fn run(args: &ServeArgs, out: &mut Output) -> Result<(), CliError> {
    let config = config::load(args.config.config.as_deref(), &args.overrides())?;
    telemetry::start(&config.log)
        .map_err(|error| CliError::usage(error::chain(&error), "correct log.filter, such as info"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        CliError::refused(format!("no runtime: {error}"), "check the limits of the system")
    })?;
    runtime.block_on(async {
        // The cheap checks first: a port in use is said before keys are read.
        let listener = listen(&config)?;
        let store = Store::open(&config.store_directory, &config.rollup)
            .map_err(|error| CliError::store(&config.store_directory, error))?;
        let store = Arc::new(store.with_idempotency_keys(config.idempotency_keys.get()));
        let backend = Arc::new(backend(&config)?);
        let stop = stop_signal()?;
        let address = address(&listener)?;
        let mut said = Ok(());
        let ready = || said = say_listening(&address, out);
        service::serve(listener, backend, store, &config, ready, stop).await?;
        said
    })
}

/// Connections that the system keeps until they are accepted: more than come in the time that a busy machine needs.
const BACKLOG: u32 = 1024;

fn listen(config: &Config) -> Result<TcpListener, CliError> {
    let address = config.service.listen;
    let listener = || {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        // The port of a service that has just ended is still in use by what it said last.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listener().map_err(|error| {
        let message = format!("cannot listen on {address}: {error}");
        match error.kind() {
            // The address may be right, and free in a moment.
            std::io::ErrorKind::AddrInUse => CliError::refused(
                message,
                "stop the program that listens there, or choose another --listen; port 0 takes a free one",
            ),
            _ => CliError::usage(
                message,
                "choose an address of this machine and a port that may be used (--listen)",
            ),
        }
    })
}

/// Opens the keys and measures the machine.
fn backend(config: &Config) -> Result<EngineBackend, CliError> {
    let engine = setup::engine(config.proving.threads)?;
    let engine = engine.with_memory_limit(config.proving.max_memory_bytes.map(NonZeroU64::get));
    let keys = keys::open_all(&engine, &config.keys, config.rollup.levels)?;
    let calibration = engine
        .calibrate()
        .map_err(|error| CliError::refused(error::chain(&error), "check the machine's memory"))?;
    Ok(EngineBackend::new(engine, keys, &calibration))
}

fn address(listener: &TcpListener) -> Result<SocketAddr, CliError> {
    listener
        .local_addr()
        .map_err(|error| CliError::refused(format!("no address: {error}"), "choose another --listen"))
}

/// Nobody to read the line is no reason not to serve: it is told at the end.
fn say_listening(address: &SocketAddr, out: &mut Output) -> Result<(), CliError> {
    tracing::info!(%address, "listening");
    out.result(
        &json!({ "listening": address.to_string() }),
        format_args!("listening on {address}"),
    )
}

/// Ends at the first SIGTERM or SIGINT.
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, CliError> {
    let watch = |kind| {
        signal(kind).map_err(|error| {
            CliError::refused(
                format!("signals cannot be watched: {error}"),
                "check the limits of the system",
            )
        })
    };
    let mut terminate = watch(SignalKind::terminate())?;
    let mut interrupt = watch(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

impl From<ServiceError> for CliError {
    fn from(error: ServiceError) -> Self {
        let message = error::chain(&error);
        match error {
            ServiceError::Node(NodeError::Store(error)) => error.into(),
            ServiceError::Node(NodeError::NoKey) => Self::usage(
                message,
                format!(
                    "make a key with `quittance setup --shape {}`",
                    setup::SMALLEST_MIXED.name()
                ),
            ),
            ServiceError::Node(NodeError::KeyNeeded { shape, .. }) => Self::usage(
                message,
                format!(
                    "load its key too (--shape {shape}); the batch is executed and has to be proved with it"
                ),
            ),
            ServiceError::Node(NodeError::Policy(error)) => policy_error(error, &message),
            ServiceError::Node(NodeError::Sequencer(error)) => match error {
                StartError::Store(error) => error.into(),
                StartError::ShapeNeeded(_) => Self::usage(
                    message,
                    "load the key of a shape that has these slots; the batch is executed again as it was submitted",
                ),
                StartError::TokenNeeded { token, .. } => Self::usage(
                    message,
                    format!(
                        "name a leaf for the fees of token {token} in [[fees.tokens]]; what was accepted has to be executed"
                    ),
                ),
                StartError::FeeLeafTooLate { token, .. } | StartError::FeeLeafNeeded { token, .. } => {
                    Self::usage(
                        message,
                        format!(
                            "name another account of token {token} as its fee leaf, until what waits is executed: the sender of that operation is one"
                        ),
                    )
                }
                StartError::CountsOnFees { token, leaf, .. } => Self::usage(
                    message,
                    format!(
                        "start with leaf {leaf} for the fees of token {token} until nothing is queued, then with the other one"
                    ),
                ),
                _ => Self::refused(message, "check the limits of the system"),
            },
            ServiceError::StoreFailed => Self::refused(
                message,
                "look at the log for the first error: free disk space if the disk is full, raise the limit of file sizes (ulimit -f) if the file is too large, restore a copy if a block is damaged; then start the service again",
            ),
            _ => Self::refused(message, "look at the log"),
        }
    }
}

fn policy_error(error: PolicyError, message: &str) -> CliError {
    let next = match error {
        PolicyError::NoAccount { .. } => {
            "name the leaf of an account (fees.leaf, --fee-leaf, or leaf in [[fees.tokens]]); `quittance account` shows them".to_owned()
        }
        PolicyError::OtherToken { token, holds, .. } => {
            format!("name a leaf that holds token {token}, or write token = {holds}")
        }
        PolicyError::TokenTwice { token, .. } => {
            format!("leave out fees.leaf (--fee-leaf), or the entry for token {token} in [[fees.tokens]]")
        }
        PolicyError::MaxOperations { limit, .. } => {
            format!("set batching.max_operations to at most {limit}, or load the key of a larger shape")
        }
        PolicyError::Store(error) => return error.into(),
    };
    CliError::usage(message, next)
}
