//! The calls of the service. What touches the store runs on tokio's blocking threads, within the request's time.

use std::num::{NonZeroU32, NonZeroUsize};
use std::pin::Pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use quittance_proto::v1::{self, quittance_server};
use quittance_verifier::Bundle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use super::convert::{account, batch, circuit, operation, page, policy, queue, state};
use super::fields::Violations;
use super::status::ApiError;
use super::{priority, watching};
use crate::batch::Stage;
use crate::config::ServiceConfig;
use crate::node::Node;
use crate::policy::Policy;
use crate::store::{OperationQuery, Order, Snapshot};

/// Batches or operations that one call looks at while it filters.
const LIST_VISITS: usize = 10_000;

/// Most accounts in a page with their paths: so it is no larger than other pages, which wait in memory for their clients.
const MOST_PATHS: NonZeroU32 = NonZeroU32::MIN.saturating_add(127);

/// The service over a running node.
#[derive(Clone, Debug)]
pub struct Api {
    node: Arc<Node>,
    limits: ServiceConfig,
    max_message_bytes: usize,
    watch_streams: Arc<Semaphore>,
    /// One for each thread that may check signatures: more would take the time from each other and from the prover.
    signatures: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
}

impl Api {
    /// The service; `stopping` turns true when open streams have to end. `max_message_bytes` is what the transport reads.
    #[must_use]
    pub fn new(
        node: Arc<Node>,
        limits: ServiceConfig,
        max_message_bytes: usize,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self {
            watch_streams: Arc::new(Semaphore::new(
                limits.max_watch_streams.min(Semaphore::MAX_PERMITS),
            )),
            signatures: Arc::new(Semaphore::new(threads.get())),
            node,
            limits,
            max_message_bytes,
            stopping,
        }
    }

    /// The node.
    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    /// The node, for another thread.
    pub(super) fn shared_node(&self) -> Arc<Node> {
        Arc::clone(&self.node)
    }

    /// What the operator decided.
    pub(super) fn policy(&self) -> &Policy {
        self.node.sequencer().policy()
    }

    /// Longest time for one request.
    pub(super) const fn request_timeout(&self) -> Duration {
        self.limits.request_timeout
    }

    /// Turns true when open streams have to end.
    pub(super) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.clone()
    }

    /// Waits until a thread may check signatures.
    pub(super) async fn signature_place(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let place = Arc::clone(&self.signatures).acquire_owned().await;
        place.map_err(|_| ApiError::Stopping)
    }

    /// Takes one of the streams that may be open.
    fn watch_stream(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let limit = self.limits.max_watch_streams;
        Arc::clone(&self.watch_streams)
            .try_acquire_owned()
            .map_err(|_| ApiError::TooManyStreams { limit })
    }

    /// Runs a call on a blocking thread, for at most the request's time.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Node) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let node = Arc::clone(&self.node);
        let limit: Duration = self.limits.request_timeout;
        let span = tracing::Span::current();
        let task = tokio::task::spawn_blocking(move || span.in_scope(|| call(&node)));
        match tokio::time::timeout(limit, task).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(ApiError::Panicked),
            Err(_) => Err(ApiError::Timeout { limit }),
        }
    }

    /// The same for a call that reads one snapshot and answers with one message.
    async fn read<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Node, &Snapshot) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<Response<T>, Status> {
        let answer = self.run(move |node| call(node, &node.snapshot()?)).await?;
        Ok(Response::new(answer))
    }
}

pub(super) fn checked(violations: Violations) -> Result<(), ApiError> {
    if violations.is_empty() {
        Ok(())
    } else {
        Err(ApiError::Fields(violations))
    }
}

fn batch_number(number: u32) -> Result<u32, ApiError> {
    if number == 0 {
        Err(ApiError::Fields(Violations::one(
            "number",
            "wants a batch number of at least 1, got 0",
        )))
    } else {
        Ok(number)
    }
}

fn operation_id(id: u64) -> Result<u64, ApiError> {
    if id == 0 {
        Err(ApiError::Fields(Violations::one(
            "id",
            "wants an operation id of at least 1, got 0",
        )))
    } else {
        Ok(id)
    }
}

#[tonic::async_trait]
impl quittance_server::Quittance for Api {
    async fn submit_batch(
        &self,
        request: Request<v1::SubmitBatchRequest>,
    ) -> Result<Response<v1::SubmitBatchResponse>, Status> {
        let answer = self.execute_batch(request.into_inner()).await?;
        Ok(Response::new(answer))
    }

    async fn submit_operation(
        &self,
        request: Request<v1::SubmitOperationRequest>,
    ) -> Result<Response<v1::SubmitOperationResponse>, Status> {
        let answer = self.accept_operation(request.into_inner()).await?;
        Ok(Response::new(answer))
    }

    async fn submit_operations(
        &self,
        request: Request<tonic::Streaming<v1::SubmitOperationsRequest>>,
    ) -> Result<Response<v1::SubmitOperationsResponse>, Status> {
        let answer = self.accept_stream(request.into_inner()).await?;
        Ok(Response::new(answer))
    }

    type SubmitPriorityStream =
        Pin<Box<dyn Stream<Item = Result<v1::SubmitPriorityResponse, Status>> + Send>>;

    async fn submit_priority(
        &self,
        request: Request<tonic::Streaming<v1::SubmitPriorityRequest>>,
    ) -> Result<Response<Self::SubmitPriorityStream>, Status> {
        let stream = priority::stream(self.clone(), request.into_inner());
        Ok(Response::new(Box::pin(stream)))
    }

    async fn get_queue(
        &self,
        _request: Request<v1::GetQueueRequest>,
    ) -> Result<Response<v1::GetQueueResponse>, Status> {
        self.read(|_, snapshot| {
            Ok(v1::GetQueueResponse {
                queue: Some(queue::to_proto(snapshot)),
            })
        })
        .await
    }

    async fn get_operation(
        &self,
        request: Request<v1::GetOperationRequest>,
    ) -> Result<Response<v1::GetOperationResponse>, Status> {
        let id = operation_id(request.into_inner().id)?;
        self.read(move |_, snapshot| {
            Ok(v1::GetOperationResponse {
                operation: Some(operation::to_proto(&snapshot.operation(id)?, snapshot)?),
            })
        })
        .await
    }

    async fn list_operations(
        &self,
        request: Request<v1::ListOperationsRequest>,
    ) -> Result<Response<v1::ListOperationsResponse>, Status> {
        let message = request.into_inner();
        let mut violations = Violations::default();
        let from = page::start_operation(&message.page_token, &mut violations);
        let stage = operation::stage_from_proto(message.state, "state", &mut violations);
        let levels = self.node.store().identity().levels;
        if let Some(account) = message.account
            && u64::from(account) >> (2 * levels) != 0
        {
            violations.add(
                "account",
                format_args!("wants an index below 4^{levels}, got {account}"),
            );
        }
        checked(violations)?;
        let query = OperationQuery {
            account: message.account,
            stage,
            from,
            order: if message.newest_first {
                Order::NewestFirst
            } else {
                Order::OldestFirst
            },
            limit: page::size(message.page_size, self.limits.max_page_size),
            visits: LIST_VISITS,
        };
        self.read(move |_, snapshot| {
            let (operations, next) = snapshot.operations(&query)?;
            let operations = operations
                .iter()
                .map(|operation| operation::to_proto(operation, snapshot));
            Ok(v1::ListOperationsResponse {
                operations: operations.collect::<Result<_, _>>()?,
                next_page_token: page::token_of_operation(next),
            })
        })
        .await
    }

    type WatchOperationStream =
        Pin<Box<dyn Stream<Item = Result<v1::WatchOperationResponse, Status>> + Send>>;

    async fn watch_operation(
        &self,
        request: Request<v1::WatchOperationRequest>,
    ) -> Result<Response<Self::WatchOperationStream>, Status> {
        let id = operation_id(request.into_inner().id)?;
        let permit = self.watch_stream()?;
        // An operation that is not there is refused here, not inside the stream.
        self.run(move |node| Ok(node.snapshot()?.operation(id)?)).await?;
        let stream = watching::operation(Arc::clone(&self.node), id, self.stopping.clone(), permit);
        Ok(Response::new(Box::pin(stream)))
    }

    async fn get_policy(
        &self,
        _request: Request<v1::GetPolicyRequest>,
    ) -> Result<Response<v1::GetPolicyResponse>, Status> {
        Ok(Response::new(v1::GetPolicyResponse {
            policy: Some(policy::to_proto(self.policy(), self.max_message_bytes)),
        }))
    }

    async fn get_batch(
        &self,
        request: Request<v1::GetBatchRequest>,
    ) -> Result<Response<v1::GetBatchResponse>, Status> {
        let number = batch_number(request.into_inner().number)?;
        self.read(move |_, snapshot| {
            Ok(v1::GetBatchResponse {
                batch: Some(batch::to_proto(&snapshot.batch(number)?)),
            })
        })
        .await
    }

    async fn list_batches(
        &self,
        request: Request<v1::ListBatchesRequest>,
    ) -> Result<Response<v1::ListBatchesResponse>, Status> {
        let message = request.into_inner();
        let mut violations = Violations::default();
        let first = page::start(&message.page_token, 1, &mut violations);
        let stage = batch::stage_from_proto(message.state, "state", &mut violations);
        checked(violations)?;
        let limit = page::size(message.page_size, self.limits.max_page_size);
        self.read(move |_, snapshot| {
            let (batches, next) = snapshot.batches(first, stage, limit, LIST_VISITS)?;
            Ok(v1::ListBatchesResponse {
                batches: batches.iter().map(batch::to_proto).collect(),
                next_page_token: page::token(next),
            })
        })
        .await
    }

    type WatchBatchStream = Pin<Box<dyn Stream<Item = Result<v1::WatchBatchResponse, Status>> + Send>>;

    async fn watch_batch(
        &self,
        request: Request<v1::WatchBatchRequest>,
    ) -> Result<Response<Self::WatchBatchStream>, Status> {
        let number = batch_number(request.into_inner().number)?;
        let permit = self.watch_stream()?;
        // A batch that is not there is refused here, not inside the stream.
        self.run(move |node| Ok(node.snapshot()?.batch(number)?)).await?;
        let stream = watching::batch(Arc::clone(&self.node), number, self.stopping.clone(), permit);
        Ok(Response::new(Box::pin(stream)))
    }

    async fn cancel_batch(
        &self,
        request: Request<v1::CancelBatchRequest>,
    ) -> Result<Response<v1::CancelBatchResponse>, Status> {
        let number = batch_number(request.into_inner().number)?;
        let batch = self.run(move |node| Ok(node.cancel(number)?)).await?;
        Ok(Response::new(v1::CancelBatchResponse {
            batch: Some(batch::to_proto(&batch)),
        }))
    }

    async fn resume_batch(
        &self,
        request: Request<v1::ResumeBatchRequest>,
    ) -> Result<Response<v1::ResumeBatchResponse>, Status> {
        let number = batch_number(request.into_inner().number)?;
        let batch = self.run(move |node| Ok(node.resume(number)?)).await?;
        Ok(Response::new(v1::ResumeBatchResponse {
            batch: Some(batch::to_proto(&batch)),
        }))
    }

    async fn get_proof(
        &self,
        request: Request<v1::GetProofRequest>,
    ) -> Result<Response<v1::GetProofResponse>, Status> {
        let message = request.into_inner();
        let number = batch_number(message.number)?;
        let format = match v1::BundleFormat::try_from(message.format) {
            Ok(v1::BundleFormat::Unspecified | v1::BundleFormat::Binary) => v1::BundleFormat::Binary,
            Ok(v1::BundleFormat::Json) => v1::BundleFormat::Json,
            Err(_) => {
                let problem = format!("is no format: {}", message.format);
                return Err(ApiError::Fields(Violations::one("format", problem)).into());
            }
        };
        self.read(move |_, snapshot| {
            let batch = snapshot.batch(number)?;
            let bytes = match snapshot.proof(number)? {
                Some(bytes) if batch.stage == Stage::Proved => bytes,
                _ => {
                    let stage = batch.stage.name();
                    return Err(ApiError::NotProved { number, stage });
                }
            };
            let bundle = Bundle::from_bytes(&bytes).map_err(|_| ApiError::StoredBundle { number })?;
            let key_id = bundle.key_id.0.to_vec();
            let bundle = match format {
                v1::BundleFormat::Json => {
                    let json = quittance_verifier::json::to_json(&bundle);
                    json.map_err(|_| ApiError::StoredBundle { number })?.into_bytes()
                }
                _ => bytes,
            };
            Ok(v1::GetProofResponse {
                bundle,
                format: format.into(),
                key_id,
            })
        })
        .await
    }

    async fn get_account(
        &self,
        request: Request<v1::GetAccountRequest>,
    ) -> Result<Response<v1::GetAccountResponse>, Status> {
        let message = request.into_inner();
        self.read(move |node, snapshot| {
            let index = message.index;
            let leaf = snapshot.account(index)?.ok_or_else(|| ApiError::NotFound {
                kind: "account",
                name: index.to_string(),
            })?;
            let path = message.include_path.then(|| snapshot.path(index)).transpose()?;
            Ok(v1::GetAccountResponse {
                account: Some(account::to_proto(index, &leaf, path.as_ref())),
                state: Some(state::to_proto(node.store().identity(), snapshot)?),
            })
        })
        .await
    }

    async fn list_accounts_by_key(
        &self,
        request: Request<v1::ListAccountsByKeyRequest>,
    ) -> Result<Response<v1::ListAccountsByKeyResponse>, Status> {
        let message = request.into_inner();
        let mut violations = Violations::default();
        let first = page::start(&message.page_token, 0, &mut violations);
        let key = account::key_from_proto(message.public_key.as_ref(), "public_key", &mut violations);
        let most = if message.include_paths {
            self.limits.max_page_size.min(MOST_PATHS)
        } else {
            self.limits.max_page_size
        };
        let limit = page::size(message.page_size, most);
        checked(violations)?;
        self.read(move |node, snapshot| {
            // Without a violation there is a key.
            let found = match key {
                Some(key) => snapshot.accounts_of(&key, first, limit)?,
                None => Vec::new(),
            };
            // A full page may be the last one; the page after it is then empty.
            let next = match found.last() {
                Some((last, _)) if found.len() >= limit => last.checked_add(1),
                _ => None,
            };
            let accounts = found
                .iter()
                .map(|(index, leaf)| {
                    let path = message.include_paths.then(|| snapshot.path(*index)).transpose()?;
                    Ok(account::to_proto(*index, leaf, path.as_ref()))
                })
                .collect::<Result<_, ApiError>>()?;
            Ok(v1::ListAccountsByKeyResponse {
                accounts,
                next_page_token: page::token(next),
                state: Some(state::to_proto(node.store().identity(), snapshot)?),
            })
        })
        .await
    }

    async fn get_state(
        &self,
        _request: Request<v1::GetStateRequest>,
    ) -> Result<Response<v1::GetStateResponse>, Status> {
        self.read(|node, snapshot| {
            Ok(v1::GetStateResponse {
                state: Some(state::to_proto(node.store().identity(), snapshot)?),
            })
        })
        .await
    }

    async fn list_circuits(
        &self,
        _request: Request<v1::ListCircuitsRequest>,
    ) -> Result<Response<v1::ListCircuitsResponse>, Status> {
        let costs = self.node.jobs().costs();
        let circuits = self.node.backend().circuits();
        Ok(Response::new(v1::ListCircuitsResponse {
            circuits: circuits
                .iter()
                .map(|entry| {
                    let memory = self.node.backend().check_memory(&entry.shape);
                    circuit::to_proto(entry, costs.expected(&entry.shape), memory)
                })
                .collect(),
        }))
    }

    async fn get_verifying_key(
        &self,
        request: Request<v1::GetVerifyingKeyRequest>,
    ) -> Result<Response<v1::GetVerifyingKeyResponse>, Status> {
        use v1::get_verifying_key_request::Key;
        let circuits = self.node.backend().circuits();
        let (found, name) = match request.into_inner().key {
            Some(Key::Shape(name)) => (circuits.iter().find(|entry| entry.shape.name() == name), name),
            Some(Key::KeyId(id)) => {
                let Ok(id) = <[u8; 32]>::try_from(id.as_slice()) else {
                    let problem = format!("wants 32 bytes, got {}", id.len());
                    return Err(ApiError::Fields(Violations::one("key_id", problem)).into());
                };
                let id = quittance_verifier::KeyId(id);
                (circuits.iter().find(|entry| entry.key_id == id), id.to_string())
            }
            None => return Err(ApiError::Fields(Violations::one("key", "is required")).into()),
        };
        let found = found.ok_or(ApiError::NotFound {
            kind: "verifying key",
            name: name.chars().take(80).collect(),
        })?;
        Ok(Response::new(v1::GetVerifyingKeyResponse {
            verifying_key: found.verifying_key.clone(),
            key_id: found.key_id.0.to_vec(),
            provenance: circuit::provenance_to_proto(found.provenance).into(),
            shape: found.shape.name(),
        }))
    }
}
