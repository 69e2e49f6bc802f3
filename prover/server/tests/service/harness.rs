//! A running service with four funded accounts, and backends that do what a test wants.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::time::Duration;

use ark_bn254::Fr;
use quittance::backend::{Backend, BackendError, Circuit, Proved};
use quittance::batch::Batch;
use quittance::circuit_facts;
use quittance::config::{Config, RawConfig};
use quittance::encoding::fr_from_bytes_be;
use quittance::engine_backend::EngineBackend;
use quittance::grpc::{operation_to_proto, priority_to_proto};
use quittance::node::{Node, Threads};
use quittance::sequencer::{CheckedOperation, SubmitError, WholeSubmission};
use quittance::service;
use quittance::store::Store;
use quittance_circuits::babyjubjub::Point;
use quittance_circuits::batch::AppliedBatch;
use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::tx::SignedOperation;
use quittance_circuits::tx::opening::{Opening, SignedOpening};
use quittance_circuits::tx::priority::{Deposit, ForcedExit, Priority};
use quittance_circuits::tx::rotation::{Rotation, SignedRotation};
use quittance_circuits::tx::transfer::{SignedTransfer, Transfer};
use quittance_circuits::tx::withdrawal::{SignedWithdrawal, Withdrawal};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress, TokenId};
use quittance_engine::{CancelFlag, Engine, KeyDir, Phase, setup_development};
use quittance_proto::v1;
use quittance_proto::v1::quittance_client::QuittanceClient;
use quittance_verifier::{DevelopmentKeys, Shape};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// The smallest circuit that is worth testing.
pub(crate) const SHAPE: Shape = Shape::transfers_only(2, 2, 1);

/// A circuit that has room for every kind.
pub(crate) const MIXED: Shape = Shape {
    levels: 2,
    priority: 2,
    openings: 1,
    transfers: 2,
    withdrawals: 1,
    rotations: 1,
    fee_slots: 2,
};

/// Token of accounts 0, 1, 2 and 4; account 3 has another one.
pub(crate) const TOKEN: u32 = 1;
/// Balance of every account.
pub(crate) const BALANCE: u128 = 1_000_000;
/// Leaf that takes the fees.
pub(crate) const OPERATOR: u32 = 2;
/// Owner of every account.
pub(crate) const OWNER: RootAddress = RootAddress([0x11; 20]);

/// A directory with a development key, made once for all tests of the process.
pub(crate) static KEYS: LazyLock<TempDir> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine();
    let r1cs = circuit_facts::matrices(&SHAPE).unwrap();
    let key = engine
        .install(|| setup_development(&r1cs, SHAPE, &|_| ()))
        .unwrap();
    KeyDir::create(directory.path().join(SHAPE.name()), &key).unwrap();
    directory
});

pub(crate) fn engine() -> Engine {
    Engine::new(NonZeroUsize::new(2).unwrap()).unwrap()
}

/// The backend of a real service.
pub(crate) fn real_backend() -> Arc<EngineBackend> {
    let engine = engine();
    let loaded = quittance::keys::open(&engine, KEYS.path(), &SHAPE, DevelopmentKeys::Accept).unwrap();
    let calibration = engine.calibrate().unwrap();
    Arc::new(EngineBackend::new(engine, vec![loaded], &calibration))
}

/// What a scripted backend does with the next proof.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Fail for a passing reason.
    FailTransiently,
    /// Fail for good.
    FailForGood,
    /// Panic.
    Panic,
}

/// A backend that holds every proof until it is told what to do, or is cancelled.
#[derive(Debug)]
pub(crate) struct Held {
    circuits: Vec<Circuit>,
    next: Mutex<Vec<Act>>,
    told: Condvar,
}

impl Held {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            circuits: real_backend().circuits().to_vec(),
            next: Mutex::default(),
            told: Condvar::new(),
        })
    }

    /// The same with a key for another shape.
    pub(crate) fn with_shape(shape: Shape) -> Arc<Self> {
        Self::with_shapes(&[shape])
    }

    /// The same with keys for other shapes, the smallest first.
    pub(crate) fn with_shapes(shapes: &[Shape]) -> Arc<Self> {
        let known = real_backend().circuits()[0].clone();
        let circuit = |shape: &Shape| Circuit {
            shape: *shape,
            ..known.clone()
        };
        Arc::new(Self {
            circuits: shapes.iter().map(circuit).collect(),
            next: Mutex::default(),
            told: Condvar::new(),
        })
    }

    /// The same with no key.
    pub(crate) fn without_keys() -> Arc<Self> {
        Arc::new(Self {
            circuits: Vec::new(),
            next: Mutex::default(),
            told: Condvar::new(),
        })
    }

    /// Lets the proof at work, or the next one, do this.
    pub(crate) fn tell(&self, act: Act) {
        self.next.lock().unwrap().push(act);
        self.told.notify_all();
    }
}

impl Backend for Held {
    fn circuits(&self) -> &[Circuit] {
        &self.circuits
    }

    fn prove(
        &self,
        _shape: &Shape,
        _batch: &AppliedBatch,
        cancel: &CancelFlag,
        progress: &(dyn Fn(Phase, f64) + Send + Sync),
    ) -> Result<Proved, BackendError> {
        progress(Phase::Witness, 0.5);
        let mut next = self.next.lock().unwrap();
        loop {
            if cancel.is_cancelled() {
                return Err(BackendError::Cancelled);
            }
            match next.pop() {
                Some(Act::FailTransiently) => {
                    return Err(BackendError::Transient {
                        reason: "out of luck".to_owned(),
                    });
                }
                Some(Act::FailForGood) => {
                    return Err(BackendError::Permanent {
                        reason: "out of order".to_owned(),
                    });
                }
                Some(Act::Panic) => {
                    drop(next);
                    panic!("told to");
                }
                None => next = self.told.wait_timeout(next, Duration::from_millis(5)).unwrap().0,
            }
        }
    }
}

/// A running service.
pub(crate) struct Service {
    pub(crate) client: QuittanceClient<Channel>,
    pub(crate) address: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), service::ServiceError>>,
}

/// The configuration of the tests.
pub(crate) fn config(directory: &Path) -> RawConfig {
    let mut raw = RawConfig::default();
    raw.rollup.levels = SHAPE.levels;
    raw.service.listen = "127.0.0.1:0".to_owned();
    raw.service.drain_timeout_ms = 100;
    raw.store.directory = directory.join("store");
    raw.keys.directory = KEYS.path().to_owned();
    raw.keys.allow_development_keys = true;
    raw.fees.leaf = Some(OPERATOR);
    raw
}

/// A new store with the accounts of [`key`].
pub(crate) fn genesis(directory: &Path) {
    genesis_with(directory, |_| BALANCE);
}

/// The same with another balance for each account.
pub(crate) fn genesis_with(directory: &Path, balance: impl Fn(u32) -> u128) {
    let accounts = (0..5)
        .map(|index| {
            let token = if index == 3 { TOKEN + 1 } else { TOKEN };
            let leaf = Leaf::new(key(index).public_key(), balance(index), 0, token, OWNER).unwrap();
            (AccountIndex(index), leaf)
        })
        .collect();
    let rollup_id = quittance_verifier::rollup_id(0, [0; 20]);
    Store::create(&directory.join("store"), rollup_id, SHAPE.levels, accounts).unwrap();
}

/// The key of an account; 0 and 4 share one, the others of a tree of 16 have their own.
pub(crate) fn key(index: u32) -> SecretKey {
    let number = if index == 4 { 0 } else { index % 16 };
    SecretKey::from_bytes(&[u8::try_from(number).unwrap() + 1; 32])
}

impl Service {
    /// A service over a new store.
    pub(crate) async fn start(directory: &TempDir, backend: Arc<dyn Backend>) -> Self {
        genesis(directory.path());
        Self::restart(config(directory.path()), backend).await
    }

    /// A service over the store that is there.
    pub(crate) async fn restart(raw: RawConfig, backend: Arc<dyn Backend>) -> Self {
        let config = Config::check(raw).unwrap();
        let store = Arc::new(Store::open(&config.store_directory, &config.rollup).unwrap());
        let listener = TcpListener::bind(config.service.listen).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let shutdown = async { drop(stopped.await) };
            service::serve(listener, backend, store, &config, || (), shutdown).await
        });
        let client = QuittanceClient::connect(address.clone()).await.unwrap();
        Self {
            client,
            address,
            stop,
            task,
        }
    }

    /// Stops as SIGTERM does, and waits for the end.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.task.await.unwrap().unwrap();
    }

    pub(crate) async fn submit(&mut self, operations: &[SignedOperation]) -> Result<v1::Batch, Status> {
        self.submit_raw(operations.iter().map(operation_to_proto).collect())
            .await
    }

    pub(crate) async fn submit_raw(
        &mut self,
        operations: Vec<v1::SignedOperation>,
    ) -> Result<v1::Batch, Status> {
        let request = v1::SubmitBatchRequest {
            operations,
            fee_slots: Vec::new(),
            idempotency_key: Vec::new(),
        };
        Ok(self
            .client
            .submit_batch(request)
            .await?
            .into_inner()
            .batch
            .unwrap())
    }

    /// Submits one operation by itself, under a key or without one.
    pub(crate) async fn single(
        &mut self,
        signed: &SignedOperation,
        key: &str,
    ) -> Result<v1::SubmitOperationResponse, Status> {
        let request = v1::SubmitOperationRequest {
            operation: Some(operation_to_proto(signed)),
            idempotency_key: key.as_bytes().to_vec(),
        };
        Ok(self.client.submit_operation(request).await?.into_inner())
    }

    /// Submits a stream of operations, all of which are there at once.
    pub(crate) async fn stream(
        &mut self,
        operations: &[SignedOperation],
    ) -> Result<v1::SubmitOperationsResponse, Status> {
        let messages: Vec<_> = operations
            .iter()
            .map(|signed| v1::SubmitOperationsRequest {
                operation: Some(operation_to_proto(signed)),
                idempotency_key: Vec::new(),
            })
            .collect();
        let request = tokio_stream::iter(messages);
        Ok(self.client.submit_operations(request).await?.into_inner())
    }

    /// Submits a batch under a key.
    pub(crate) async fn keyed_batch(
        &mut self,
        operations: &[SignedOperation],
        key: &str,
    ) -> Result<v1::SubmitBatchResponse, Status> {
        let request = v1::SubmitBatchRequest {
            operations: operations.iter().map(operation_to_proto).collect(),
            fee_slots: Vec::new(),
            idempotency_key: key.as_bytes().to_vec(),
        };
        Ok(self.client.submit_batch(request).await?.into_inner())
    }

    /// Sends operations of the root chain, all of which are there at once, and gives the answers up to the stream's end.
    pub(crate) async fn enter(
        &mut self,
        messages: Vec<v1::SubmitPriorityRequest>,
    ) -> (Vec<v1::SubmitPriorityResponse>, Result<(), Status>) {
        let mut answers = self
            .client
            .submit_priority(tokio_stream::iter(messages))
            .await
            .unwrap()
            .into_inner();
        let mut entered = Vec::new();
        loop {
            match answers.message().await {
                Ok(Some(answer)) => entered.push(answer),
                Ok(None) => return (entered, Ok(())),
                Err(status) => return (entered, Err(status)),
            }
        }
    }

    /// How far the root chain's queue has come.
    pub(crate) async fn queue(&mut self) -> v1::Queue {
        let answer = self.client.get_queue(v1::GetQueueRequest {}).await.unwrap();
        answer.into_inner().queue.unwrap()
    }

    pub(crate) async fn operation(&mut self, id: u64) -> v1::Operation {
        let request = v1::GetOperationRequest { id };
        let answer = self.client.get_operation(request).await.unwrap().into_inner();
        answer.operation.unwrap()
    }

    /// Waits until an operation is in a state.
    pub(crate) async fn wait_for_operation(&mut self, id: u64, state: v1::OperationState) -> v1::Operation {
        for _ in 0..2_000 {
            let operation = self.operation(id).await;
            if operation.state() == state {
                return operation;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("operation {id} is still {:?}", self.operation(id).await.state());
    }

    /// Waits until nothing is queued, or so many operations are.
    pub(crate) async fn wait_for_queue(&mut self, queued: u64) -> v1::State {
        for _ in 0..2_000 {
            let state = self.state().await;
            if state.queued_operations == queued {
                return state;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not {queued} in the queue: {:?}", self.state().await);
    }

    pub(crate) async fn balance(&mut self, index: u32) -> u128 {
        let include_path = false;
        let request = v1::GetAccountRequest { index, include_path };
        let answer = self.client.get_account(request).await.unwrap().into_inner();
        u128::from_be_bytes(answer.account.unwrap().balance.try_into().unwrap())
    }

    pub(crate) async fn batch(&mut self, number: u32) -> v1::Batch {
        let request = v1::GetBatchRequest { number };
        self.client
            .get_batch(request)
            .await
            .unwrap()
            .into_inner()
            .batch
            .unwrap()
    }

    pub(crate) async fn state(&mut self) -> v1::State {
        let answer = self.client.get_state(v1::GetStateRequest {}).await.unwrap();
        answer.into_inner().state.unwrap()
    }

    /// All events until the stream ends.
    pub(crate) async fn watch(&mut self, number: u32) -> Vec<v1::BatchProgress> {
        let request = v1::WatchBatchRequest { number };
        let mut stream = self.client.watch_batch(request).await.unwrap().into_inner();
        let mut events = Vec::new();
        while let Some(message) = stream.message().await.unwrap() {
            events.push(message.progress.unwrap());
        }
        events
    }

    /// Waits until a batch is there, and in a state.
    pub(crate) async fn wait_for(&mut self, number: u32, state: v1::BatchState) -> v1::Batch {
        for _ in 0..2_000 {
            let request = v1::GetBatchRequest { number };
            match self.client.get_batch(request).await {
                Ok(answer) => {
                    let batch = answer.into_inner().batch.unwrap();
                    if batch.state() == state {
                        return batch;
                    }
                }
                Err(status) => assert_eq!(status.code(), Code::NotFound, "{status:?}"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("batch {number} is still {:?}", self.batch(number).await.state());
    }

    pub(crate) async fn bundle(&mut self, number: u32, format: v1::BundleFormat) -> Result<Vec<u8>, Status> {
        let request = v1::GetProofRequest {
            number,
            format: format.into(),
        };
        Ok(self.client.get_proof(request).await?.into_inner().bundle)
    }
}

/// Submits a batch to a node without a service around it.
pub(crate) fn submit(node: &Node, operations: Vec<SignedOperation>) -> Result<Batch, SubmitError> {
    let operations = operations.into_iter().map(CheckedOperation::unchecked).collect();
    let submission = WholeSubmission::new(operations, Vec::new(), None);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let result = runtime.block_on(node.sequencer().submit_whole(submission))?;
    Ok(result.batch)
}

/// Ends a node without a service around it, and the proof at work.
pub(crate) fn end(node: &Node, threads: Threads) {
    node.stop();
    node.jobs().stop_active();
    node.sequencer().stop();
    threads.prover.join().unwrap();
    threads.sequencer.join().unwrap();
}

pub(crate) fn rollup_id() -> Fr {
    fr_from_bytes_be(&quittance_verifier::rollup_id(0, [0; 20])).unwrap()
}

/// A transfer of 100 with a fee of 10, changed as a test wants and signed by the sender.
pub(crate) fn transfer(
    from: u32,
    to: u32,
    nonce: u32,
    change: impl FnOnce(&mut Transfer),
) -> SignedOperation {
    SignedOperation::Transfer(signed_transfer(from, to, nonce, change))
}

/// The same, to be changed after it was signed.
pub(crate) fn signed_transfer(
    from: u32,
    to: u32,
    nonce: u32,
    change: impl FnOnce(&mut Transfer),
) -> SignedTransfer {
    let mut transfer = Transfer {
        from: AccountIndex(from),
        to: AccountIndex(to),
        amount: amount(100),
        fee: fee(10),
        nonce: Nonce(nonce),
        valid_until: BatchNumber::MAX,
    };
    change(&mut transfer);
    SignedTransfer {
        signature: key(from).sign(&transfer.message(&rollup_id())),
        transfer,
    }
}

/// An opening of leaf `to` with 100 and a fee of 10 for the key of that number, changed and signed as above.
pub(crate) fn opening(from: u32, to: u32, nonce: u32, change: impl FnOnce(&mut Opening)) -> SignedOperation {
    let mut opening = Opening {
        from: AccountIndex(from),
        to: AccountIndex(to),
        amount: amount(100),
        fee: fee(10),
        nonce: Nonce(nonce),
        valid_until: BatchNumber::MAX,
        key: point(&key(to)),
        owner: OWNER,
    };
    change(&mut opening);
    SignedOperation::Opening(SignedOpening {
        signature: key(from).sign(&opening.message(&rollup_id())),
        opening,
    })
}

/// A withdrawal of 100 with a fee of 10, changed and signed as above.
pub(crate) fn withdrawal(from: u32, nonce: u32, change: impl FnOnce(&mut Withdrawal)) -> SignedOperation {
    let mut withdrawal = Withdrawal {
        from: AccountIndex(from),
        amount: 100,
        fee: fee(10),
        nonce: Nonce(nonce),
        valid_until: BatchNumber::MAX,
        address: RootAddress([0x77; 20]),
    };
    change(&mut withdrawal);
    SignedOperation::Withdrawal(SignedWithdrawal {
        signature: key(from).sign(&withdrawal.message(&rollup_id())),
        withdrawal,
    })
}

/// A rotation to the key of number `to` with a fee of 10, changed and signed as above.
pub(crate) fn rotation(
    from: u32,
    to: u32,
    nonce: u32,
    change: impl FnOnce(&mut Rotation),
) -> SignedOperation {
    let mut rotation = Rotation {
        from: AccountIndex(from),
        fee: fee(10),
        nonce: Nonce(nonce),
        valid_until: BatchNumber::MAX,
        key: point(&key(to)),
        owner: OWNER,
    };
    change(&mut rotation);
    SignedOperation::Rotation(SignedRotation {
        signature: key(from).sign(&rotation.message(&rollup_id())),
        rotation,
    })
}

/// The same operation, signed by the key of another number than its account's.
pub(crate) fn resigned(number: u32, mut signed: SignedOperation) -> SignedOperation {
    let own = key(number).sign(&signed.message(&rollup_id()));
    match &mut signed {
        SignedOperation::Transfer(signed) => signed.signature = own,
        SignedOperation::Opening(signed) => signed.signature = own,
        SignedOperation::Withdrawal(signed) => signed.signature = own,
        SignedOperation::Rotation(signed) => signed.signature = own,
    }
    signed
}

/// A deposit of 500 of [`TOKEN`] for the key of number `leaf`.
pub(crate) fn deposit(leaf: u32, change: impl FnOnce(&mut Deposit)) -> Priority {
    let mut deposit = Deposit {
        leaf: AccountIndex(leaf),
        token: TokenId(TOKEN),
        amount: 500,
        owner: OWNER,
        key: point(&key(leaf)),
    };
    change(&mut deposit);
    Priority::Deposit(deposit)
}

/// A forced exit.
pub(crate) fn forced_exit(leaf: u32, caller: RootAddress) -> Priority {
    Priority::ForcedExit(ForcedExit {
        leaf: AccountIndex(leaf),
        caller,
    })
}

/// The message of an operation in its place of the root chain's queue.
pub(crate) fn priority_message(index: u64, priority: &Priority) -> v1::SubmitPriorityRequest {
    v1::SubmitPriorityRequest {
        operation: Some(priority_to_proto(index, priority)),
    }
}

pub(crate) fn amount(value: u128) -> FloatAmount {
    FloatAmount::encode_exact(value).unwrap()
}

pub(crate) fn fee(value: u128) -> FloatFee {
    FloatFee::encode_exact(value).unwrap()
}

/// The public key as an operation names it.
pub(crate) fn point(key: &SecretKey) -> Point {
    let key = key.public_key();
    Point::new(key.x(), key.y())
}

/// The paths of the fields that a status complains about.
pub(crate) fn fields(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let violations = details.bad_request().map(|bad| bad.field_violations.clone());
    violations
        .unwrap_or_default()
        .into_iter()
        .map(|violation| violation.field)
        .collect()
}

/// Reason and metadata of a status.
pub(crate) fn reason(status: &Status) -> (String, HashMap<String, String>) {
    let details = status.get_error_details();
    let info = details.error_info().expect("ErrorInfo");
    assert_eq!(info.domain, "quittance.v1");
    (info.reason.clone(), info.metadata.clone())
}

/// The subject of a refused quota.
pub(crate) fn quota(status: &Status) -> String {
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    let details = status.get_error_details();
    details.quota_failure().expect("QuotaFailure").violations[0]
        .subject
        .clone()
}
