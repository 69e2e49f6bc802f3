//! The connection to a service.

use std::future::Future;
use std::time::Duration;

use quittance_proto::v1::quittance_client::QuittanceClient;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};
use tonic_types::StatusExt as _;

use super::output::note;
use super::{CliError, error};
use crate::grpc::PLACE_NEEDED;

/// Longest time to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Pause before a stream goes on over a new connection.
const PAUSE: Duration = Duration::from_secs(1);

/// A connected client.
pub(super) type Client = QuittanceClient<Channel>;

/// Connects to the service at a URL such as `http://127.0.0.1:50051`.
pub(super) async fn connect(url: &str) -> Result<Client, CliError> {
    let endpoint = Endpoint::from_shared(url.to_owned())
        .ok()
        .filter(|endpoint| endpoint.uri().scheme_str() == Some("http"))
        .ok_or_else(|| {
            CliError::usage(
                format!("not a URL of a service: {url}"),
                "write --server http://ADDRESS:PORT",
            )
        })?;
    let channel = endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .connect()
        .await
        .map_err(|source| {
            CliError::refused(
                format!("no service at {url}: {}", error::chain(&source)),
                "start it with `quittance serve`, or point --server to it",
            )
        })?;
    // Bundles and paths may be larger than the default of 4 MiB.
    Ok(QuittanceClient::new(channel).max_decoding_message_size(usize::MAX))
}

/// Runs one conversation with a service to its end.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime
        .map_err(|error| CliError::refused(format!("no runtime: {error}"), "check the limits of the system"))?
        .block_on(work)
}

/// Waits a moment if a stream ended only because its connection was needed, so that it goes on over a new one, which the
/// channel opens; any other end is an error.
pub(super) async fn watch_again(status: Status) -> Result<(), CliError> {
    let details = status.get_error_details();
    if details
        .error_info()
        .is_none_or(|info| info.reason != PLACE_NEEDED)
    {
        return Err(status.into());
    }
    note("the service needed the connection for others: going on over a new one");
    tokio::time::sleep(PAUSE).await;
    Ok(())
}

/// The part of an answer that has to be there.
pub(super) fn required<T>(part: Option<T>, name: &str) -> Result<T, CliError> {
    part.ok_or_else(|| {
        CliError::refused(
            format!("the service's answer lacks {name}"),
            "check that --server is a Quittance service of this version",
        )
    })
}
