//! The root chain's watcher: enters the operations of its queue one after another, and after a kill begins again before the last one
//! that was answered.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use quittance::grpc::priority_to_proto;
use quittance_circuits::tx::{Operation, Priority};
use quittance_proto::v1;
use tokio::sync::watch;
use tonic::Status;

use crate::accounts::{Numbers, priority};
use crate::client::{Answered, Shared, connect, is_passing};

/// Longest time that an operation may need, kills and restarts of the service included.
const ANSWER: Duration = Duration::from_secs(240);
/// Pause before an attempt is repeated.
const PAUSE: Duration = Duration::from_millis(20);

/// Enters operations until no further request is to be begun.
pub(crate) struct Watcher {
    numbers: Numbers,
    queue: Vec<Priority>,
    /// Ids of those that were answered.
    ids: Vec<u64>,
    service: watch::Receiver<Option<String>>,
    shared: Arc<Shared>,
}

impl Watcher {
    pub(crate) fn new(seed: u64, service: watch::Receiver<Option<String>>, shared: Arc<Shared>) -> Self {
        Self {
            numbers: Numbers::new(seed + 77),
            queue: Vec::new(),
            ids: Vec::new(),
            service,
            shared,
        }
    }

    /// Enters operations until the clients are stopped; gives what was answered.
    pub(crate) async fn run(mut self) -> Vec<Answered> {
        let shared = Arc::clone(&self.shared);
        while let Ok(permit) = shared.permits.acquire().await {
            permit.forget();
            self.queue.push(priority(&mut self.numbers));
            let deadline = Instant::now() + ANSWER;
            while let Err(status) = self.attempt().await {
                assert!(is_passing(&status) && Instant::now() < deadline, "{status:?}");
                tokio::time::sleep(PAUSE).await;
            }
            shared.answers.fetch_add(1, Ordering::Relaxed);
        }
        vec![Answered {
            operations: self.queue.into_iter().map(Operation::Priority).collect(),
            ids: self.ids,
            expires: false,
            recovered: false,
        }]
    }

    /// Sends the last operation that was answered and all that were not.
    async fn attempt(&mut self) -> Result<(), Status> {
        let up = self.service.wait_for(Option::is_some);
        let address = tokio::time::timeout(ANSWER, up).await.unwrap();
        let Some(address) = address.ok().and_then(|address| address.clone()) else {
            // The test has failed, and says why.
            return std::future::pending().await;
        };
        let mut client = connect(&address).await?;
        let shared = Arc::clone(&self.shared);
        let _flight = shared.flight();
        let first = self.ids.len().saturating_sub(1);
        let requests: Vec<_> = (0..)
            .zip(&self.queue)
            .skip(first)
            .map(|(index, priority)| v1::SubmitPriorityRequest {
                operation: Some(priority_to_proto(index, priority)),
            })
            .collect();
        let mut answers = client
            .submit_priority(tokio_stream::iter(requests))
            .await?
            .into_inner();
        let mut at = first;
        while let Some(answer) = answers.message().await? {
            assert_eq!(usize::try_from(answer.index).unwrap(), at);
            match self.ids.get(at) {
                Some(id) => assert!(answer.repeated && answer.operation_id == *id, "{answer:?}"),
                None => self.ids.push(answer.operation_id),
            }
            at += 1;
        }
        if self.ids.len() == self.queue.len() {
            Ok(())
        } else {
            Err(Status::unavailable("the stream ended early"))
        }
    }
}
