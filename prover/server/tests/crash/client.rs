//! Clients that never give up: each repeats a request under its idempotency key until it has an answer, whatever
//! happens to the service meanwhile.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use quittance::grpc::operation_to_proto;
use quittance_circuits::tx::{Operation, SignedOperation};
use quittance_proto::v1;
use quittance_proto::v1::quittance_client::QuittanceClient;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use crate::accounts::{COUNT, FOREVER, Numbers, Signer};

/// Longest time that a request may need, kills and restarts of the service included.
const ANSWER: Duration = Duration::from_secs(240);
/// Longest time of one attempt.
const ATTEMPT: Duration = Duration::from_secs(20);
/// Pause before a request is repeated.
const PAUSE: Duration = Duration::from_millis(20);
/// Pauses within a stream are shorter than so many milliseconds.
const STREAM_PAUSE: u32 = 8;

/// Kinds that a client chooses by a number below 8; all others are transfers.
const TRANSFER: u32 = 0;
const OPENING: u32 = 5;
const WITHDRAWAL: u32 = 6;
const ROTATION: u32 = 7;

/// How a client submits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Batches of one or two operations.
    Batches,
    /// Single operations.
    Singles,
    /// Single transfers that expire soon.
    Expiring,
    /// Streams of one or two operations.
    Streams,
}

/// What all clients share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// One for each request that may still be begun; closed when no further one is to be begun. So the load depends on
    /// neither the speed of proofs nor that of the disk, and what has to be proved in the end is bounded.
    pub(crate) permits: Semaphore,
    /// Attempts so far.
    pub(crate) sent: AtomicUsize,
    /// Attempts that have not ended.
    pub(crate) in_flight: AtomicUsize,
    /// Answers to new requests so far.
    pub(crate) answers: AtomicUsize,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            permits: Semaphore::new(0),
            sent: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            answers: AtomicUsize::new(0),
        }
    }

    /// An attempt begins; it ends when this is dropped.
    pub(crate) fn flight(&self) -> Flight<'_> {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        self.sent.fetch_add(1, Ordering::SeqCst);
        Flight(self)
    }
}

/// An attempt that has begun.
pub(crate) struct Flight<'a>(&'a Shared);

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What came of a request.
struct Got {
    ids: Vec<u64>,
    /// How many of its operations had been accepted by an earlier attempt.
    repeated: usize,
    /// An earlier attempt went to a process that was killed before it had answered.
    killed: bool,
}

/// A request that was answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) operations: Vec<Operation>,
    /// Their ids.
    pub(crate) ids: Vec<u64>,
    /// Whether the service may reject the operations after it has accepted them.
    pub(crate) expires: bool,
    /// A process that was killed had accepted some or all of it and not answered; a later process gave the ids.
    pub(crate) recovered: bool,
}

/// One client with two accounts of its own.
pub(crate) struct Client {
    kind: Kind,
    name: u32,
    signers: [Signer; 2],
    /// How many leaves it has opened.
    opened: u32,
    numbers: Numbers,
    requests: u32,
    service: watch::Receiver<Option<String>>,
    /// The last connection, with its address.
    connection: Option<(String, QuittanceClient<Channel>)>,
    shared: Arc<Shared>,
    answered: Vec<Answered>,
}

/// The service's address, or none while it is down.
pub(crate) async fn connect(address: &str) -> Result<QuittanceClient<Channel>, Status> {
    let endpoint = Endpoint::from_shared(address.to_owned()).unwrap();
    let endpoint = endpoint.connect_timeout(Duration::from_secs(2)).timeout(ATTEMPT);
    let channel = endpoint
        .connect()
        .await
        .map_err(|error| Status::from_error(error.into()))?;
    Ok(QuittanceClient::new(channel))
}

impl Client {
    pub(crate) fn new(
        name: u32,
        kind: Kind,
        seed: u64,
        service: watch::Receiver<Option<String>>,
        shared: Arc<Shared>,
    ) -> Self {
        let first = 1 + 2 * name;
        assert!(first + 1 < COUNT);
        Self {
            kind,
            name,
            signers: [Signer::new(first, 0), Signer::new(first + 1, 0)],
            opened: 0,
            numbers: Numbers::new(seed),
            requests: 0,
            service,
            connection: None,
            shared,
            answered: Vec::new(),
        }
    }

    /// Submits until the clients are stopped; gives what was answered.
    pub(crate) async fn run(mut self) -> Vec<Answered> {
        while let Ok(permit) = Arc::clone(&self.shared).permits.acquire().await {
            permit.forget();
            self.submit().await;
        }
        self.answered
    }

    async fn submit(&mut self) {
        let count = match self.kind {
            Kind::Batches => 1 + self.numbers.below(2),
            Kind::Singles | Kind::Expiring => 1,
            Kind::Streams => 1 + self.numbers.below(2),
        };
        let valid_until = match self.kind {
            Kind::Expiring => self.state().await.batch_number + 1 + self.numbers.below(3),
            _ => FOREVER,
        };
        let (signers, opened) = (self.signers, self.opened);
        let signed = self.operations(count, valid_until);
        let (signers_after, opened_after) = (self.signers, self.opened);
        (self.signers, self.opened) = (signers, opened);
        self.requests += 1;
        let Some(got) = self.until_answered(&signed).await else {
            // Refused because it has expired: it is as if it had never been sent.
            return;
        };
        self.shared.answers.fetch_add(1, Ordering::Relaxed);
        let ids = got.ids;
        if self.numbers.below(4) == 0 {
            let again = self.until_answered(&signed).await.unwrap();
            assert_eq!(again.repeated, signed.len(), "{:?}", self.answered.last());
            assert_eq!(
                again.ids, ids,
                "client {}: another answer under the same key",
                self.name
            );
        }
        let executed = self.kind != Kind::Expiring || self.was_executed(ids[0]).await;
        if executed {
            (self.signers, self.opened) = (signers_after, opened_after);
        }
        self.answered.push(Answered {
            operations: signed.into_iter().map(Operation::Signed).collect(),
            ids,
            expires: self.kind == Kind::Expiring,
            recovered: got.killed && got.repeated > 0,
        });
    }

    /// Operations of all kinds, as if those before had been executed; a batch has them in the order of its sections.
    fn operations(&mut self, count: u32, valid_until: u32) -> Vec<SignedOperation> {
        let mut kinds: Vec<u32> = (0..count).map(|_| self.numbers.below(8)).collect();
        // A loaded shape has two slots for transfers, one for each other kind; leaves to open are few.
        if kinds.len() > 1 || self.kind == Kind::Expiring {
            kinds[0] = TRANSFER;
        }
        if kinds.last() == Some(&OPENING) && self.opened >= 2 {
            kinds.pop();
            kinds.push(TRANSFER);
        }
        if kinds.last() == Some(&OPENING) {
            kinds.reverse();
        }
        kinds
            .into_iter()
            .map(|kind| {
                let which = usize::from(self.numbers.below(2) == 1);
                let (to, amount) = (self.numbers.below(COUNT), 1 + self.numbers.below(1000));
                let fee = self.numbers.below(4).into();
                let signer = self.signers[which];
                self.signers[which].nonce += 1;
                match kind {
                    OPENING => {
                        self.opened += 1;
                        signer.opening(COUNT + 2 * self.name + self.opened - 1, amount.into(), fee)
                    }
                    WITHDRAWAL => signer.withdrawal(amount.into(), fee),
                    ROTATION => {
                        let next = 100 + self.numbers.below(100);
                        self.signers[which].key = next;
                        signer.rotation(next, fee)
                    }
                    _ => signer.transfer(to, amount.into(), fee, valid_until),
                }
            })
            .collect()
    }

    /// Sends the request until it is answered; gives nothing if the operations have expired before they were accepted.
    async fn until_answered(&mut self, signed: &[SignedOperation]) -> Option<Got> {
        let deadline = Instant::now() + ANSWER;
        let mut unanswered: Vec<String> = Vec::new();
        loop {
            let result = self.attempt(signed).await;
            // Each process has an address of its own.
            let address = self.connection.as_ref().map(|(address, _)| address);
            match result {
                Ok((ids, repeated)) => {
                    return Some(Got {
                        ids,
                        repeated,
                        killed: unanswered.iter().any(|earlier| Some(earlier) != address),
                    });
                }
                Err(status) if is_passing(&status) => {
                    // The connection broke, instead of a refusal.
                    if status.source().is_some() {
                        unanswered.extend(address.cloned());
                    }
                    assert!(
                        Instant::now() < deadline,
                        "client {}: no answer in {ANSWER:?}: {status:?}",
                        self.name
                    );
                    tokio::time::sleep(PAUSE).await;
                }
                Err(status) if self.kind == Kind::Expiring && status.code() == Code::FailedPrecondition => {
                    return None;
                }
                Err(status) => panic!("client {}: {status:?}", self.name),
            }
        }
    }

    /// Gives the ids, and how many of them are results of an earlier attempt.
    async fn attempt(&mut self, signed: &[SignedOperation]) -> Result<(Vec<u64>, usize), Status> {
        let operations: Vec<_> = signed.iter().map(operation_to_proto).collect();
        let mut client = self.connected().await?;
        let shared = Arc::clone(&self.shared);
        let _flight = shared.flight();
        let key = |position: usize| format!("{}-{}-{position}", self.name, self.requests).into_bytes();
        match self.kind {
            Kind::Batches => {
                let request = v1::SubmitBatchRequest {
                    operations,
                    fee_slots: Vec::new(),
                    idempotency_key: key(0),
                };
                let answer = client.submit_batch(request).await?.into_inner();
                let repeated = if answer.repeated { signed.len() } else { 0 };
                Ok((answer.operation_ids, repeated))
            }
            Kind::Singles | Kind::Expiring => {
                let request = v1::SubmitOperationRequest {
                    operation: operations.into_iter().next(),
                    idempotency_key: key(0),
                };
                let answer = client.submit_operation(request).await?.into_inner();
                let operation = answer.operation.unwrap();
                Ok((vec![operation.id], usize::from(answer.repeated)))
            }
            Kind::Streams => {
                let requests: Vec<_> = operations
                    .into_iter()
                    .enumerate()
                    .map(|(position, operation)| v1::SubmitOperationsRequest {
                        operation: Some(operation),
                        idempotency_key: key(position),
                    })
                    .collect();
                // With pauses, also before the end: what has come is accepted, and the answer comes only after it all.
                let pause = Duration::from_millis(self.numbers.below(STREAM_PAUSE).into());
                let (sender, receiver) = mpsc::channel(1);
                tokio::spawn(async move {
                    for request in requests {
                        if sender.send(request).await.is_err() {
                            return;
                        }
                        tokio::time::sleep(pause).await;
                    }
                });
                let answer = client
                    .submit_operations(ReceiverStream::new(receiver))
                    .await?
                    .into_inner();
                let repeated = usize::try_from(answer.repeated).unwrap();
                Ok((answer.operation_ids, repeated))
            }
        }
    }

    /// A connection to the service, as soon as it is up.
    async fn connected(&mut self) -> Result<QuittanceClient<Channel>, Status> {
        let up = self.service.wait_for(Option::is_some);
        let address = tokio::time::timeout(ANSWER, up).await.unwrap();
        let Some(address) = address.ok().and_then(|address| address.clone()) else {
            // The test has failed, and says why.
            return std::future::pending().await;
        };
        if let Some((known, client)) = &self.connection
            && *known == address
        {
            return Ok(client.clone());
        }
        let client = connect(&address).await?;
        self.connection = Some((address, client.clone()));
        Ok(client)
    }

    async fn state(&mut self) -> v1::State {
        let deadline = Instant::now() + ANSWER;
        loop {
            let got = match self.connected().await {
                Ok(mut client) => client.get_state(v1::GetStateRequest {}).await,
                Err(status) => Err(status),
            };
            match got {
                Ok(answer) => return answer.into_inner().state.unwrap(),
                Err(status) => assert!(is_passing(&status) && Instant::now() < deadline, "{status:?}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits until an accepted operation is not queued any more.
    async fn was_executed(&mut self, id: u64) -> bool {
        let deadline = Instant::now() + ANSWER;
        loop {
            let got = match self.connected().await {
                Ok(mut client) => client.get_operation(v1::GetOperationRequest { id }).await,
                Err(status) => Err(status),
            };
            match got.map(|answer| answer.into_inner().operation.unwrap()) {
                Ok(operation) => match operation.state() {
                    v1::OperationState::Executed => return true,
                    v1::OperationState::Rejected => return false,
                    _ => assert!(Instant::now() < deadline, "still queued: {operation:?}"),
                },
                Err(status) => assert!(is_passing(&status) && Instant::now() < deadline, "{status:?}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Whether sending the request again is right: the service is gone, is stopping, or is full for now.
pub(crate) fn is_passing(status: &Status) -> bool {
    // A source is the transport's, not the service's.
    status.source().is_some()
        || matches!(
            status.code(),
            Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded | Code::Cancelled
        )
}
