//! The thread: takes what waits, answers it, and makes a batch when it is time.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ark_bn254::Fr;
use tokio::sync::{oneshot, watch};

use super::inbox::{Inbox, Request};
use super::ledger::{Ledger, PAGE};
use super::{CutError, MemoryCheck, StartError};
use crate::batch::{Batch, Stage};
use crate::causes::chain;
use crate::clock::now_ms;
use crate::encoding::fr_from_bytes_be;
use crate::jobs::Jobs;
use crate::policy::Policy;
use crate::store::{Snapshot, Store, StoreError};

/// Transfers that are accepted in one transaction, a chunk more or less.
const GROUP: usize = 1024;

/// Pause before making a batch is tried again after the store or the state failed.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// What the thread works with.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) store: Arc<Store>,
    pub(super) jobs: Arc<Jobs>,
    pub(super) policy: Arc<Policy>,
    pub(super) memory: MemoryCheck,
    pub(super) rollup_id: Fr,
    inbox: Arc<Inbox>,
    changed: watch::Sender<u64>,
    /// `None` after a panic, until it is read again.
    ledger: Option<Ledger>,
    /// The oldest operation that waits, and since when this process has known that.
    oldest: Option<(u64, Instant)>,
    /// Why the last try to make a batch failed, and when.
    stuck: Option<(Arc<CutError>, Instant)>,
}

impl Worker {
    pub(super) fn new(
        store: Arc<Store>,
        jobs: Arc<Jobs>,
        policy: Arc<Policy>,
        memory: MemoryCheck,
        inbox: Arc<Inbox>,
        changed: watch::Sender<u64>,
    ) -> Result<Self, StartError> {
        // The store refuses rollup ids of 2^248 and above, so the element is always there.
        let rollup_id = fr_from_bytes_be(&store.identity().rollup_id).unwrap_or_default();
        let snapshot = store.snapshot()?;
        check_queue(&snapshot, &policy)?;
        let queued = snapshot.head().queued;
        if queued > 0 {
            tracing::info!(operations = queued, "operations wait to be executed");
        }
        Ok(Self {
            ledger: Some(Ledger::load(&snapshot)?),
            store,
            jobs,
            policy,
            memory,
            rollup_id,
            inbox,
            changed,
            oldest: None,
            stuck: None,
        })
    }

    pub(super) fn run(mut self) {
        let mut deadline = Some(Instant::now());
        while let Some(requests) = self.inbox.take(deadline, GROUP) {
            // What a panic left half done is in memory only, and is read again from the store. Whoever asked loses the
            // sender of the answer, and with it the wait.
            let turn = catch_unwind(AssertUnwindSafe(|| self.turn(requests)));
            deadline = turn.unwrap_or_else(|_| {
                tracing::error!("the sequencer panicked; its queue is read again from the store");
                self.ledger = None;
                self.tell_again();
                Some(Instant::now() + RETRY_PAUSE)
            });
        }
    }

    /// What the panic may have kept from being told: a batch that is in the store waits for its proof, and operations have
    /// moved on.
    fn tell_again(&self) {
        let queued = self.store.snapshot().and_then(|state| {
            for number in state.pending()? {
                let batch = state.batch(number)?;
                // The prover drops what it has proved meanwhile.
                if batch.stage == Stage::Executed {
                    self.jobs.enqueue(number, batch.shape);
                }
            }
            Ok(())
        });
        if let Err(error) = queued {
            tracing::error!(
                error = chain(&error),
                "batches that wait for their proofs cannot be read"
            );
        }
        self.announce_operations();
    }

    /// Answers requests in order, then makes at most one batch. Gives the time of the next turn without requests.
    fn turn(&mut self, requests: Vec<Request>) -> Option<Instant> {
        let mut singles = Vec::new();
        for request in requests {
            match request {
                // Nobody waits for it any more, so that it may as well not have arrived.
                Request::Singles { answer, .. } if answer.is_closed() => {}
                Request::Whole { answer, .. } if answer.is_closed() => {}
                Request::Singles { items, answer } => singles.push((items, answer)),
                Request::Whole { submission, answer } => {
                    self.admit_all(std::mem::take(&mut singles));
                    reply(answer, self.execute_whole(*submission));
                }
            }
        }
        self.admit_all(singles);
        self.next_cut()
    }

    /// Makes a batch if it is time, and gives when to look again; `None` if only a request or a nudge changes anything.
    fn next_cut(&mut self) -> Option<Instant> {
        if let Some((_, failed)) = &self.stuck {
            let again = *failed + RETRY_PAUSE;
            if Instant::now() < again {
                return Some(again);
            }
        }
        let outcome = self.due().and_then(|due| match due {
            Due::Never => Ok(None),
            Due::At(time) => Ok(Some(time)),
            Due::Now => self.cut().map(|_| Some(Instant::now())),
        });
        match outcome {
            Ok(next) => {
                self.stuck = None;
                next
            }
            Err(error) => {
                let now = Instant::now();
                tracing::error!(
                    error = chain(&error),
                    "no batch can be made from the queue; it is tried again"
                );
                self.stuck = Some((Arc::new(error), now));
                Some(now + RETRY_PAUSE)
            }
        }
    }

    fn due(&mut self) -> Result<Due, CutError> {
        let snapshot = self.store.snapshot()?;
        let head = snapshot.head();
        let batching = &self.policy.batching;
        if head.queued == 0 || snapshot.pending_count()? >= u64::from(batching.max_unproved_batches) {
            return Ok(Due::Never);
        }
        if head.queued >= u64::from(batching.max_transfers) {
            return Ok(Due::Now);
        }
        let oldest = snapshot.queued(head.next_operation, 1)?;
        let Some(oldest) = oldest.first() else {
            return Ok(Due::Never);
        };
        let now = Instant::now();
        let seen = match self.oldest {
            Some((id, seen)) if id == oldest.id => seen,
            _ => now,
        };
        self.oldest = Some((oldest.id, seen));
        // The time of day counts across restarts; this process' own clock bounds the wait if somebody sets it back.
        let waited = Duration::from_millis(now_ms().saturating_sub(oldest.accepted_at_ms));
        let rest = batching
            .max_delay
            .saturating_sub(waited.max(now.saturating_duration_since(seen)));
        Ok(if rest.is_zero() {
            Due::Now
        } else {
            Due::At(now + rest)
        })
    }

    /// The sums of what waits, and the state that they belong to.
    pub(super) fn view(&mut self) -> Result<(Snapshot, &mut Ledger), StoreError> {
        let snapshot = self.store.snapshot()?;
        if self.ledger.is_none() {
            self.ledger = Some(Ledger::load(&snapshot)?);
        }
        Ok((snapshot, self.ledger.get_or_insert_default()))
    }

    /// The sums of what waits, after a change of the store that they are about to follow.
    pub(super) fn ledger_mut(&mut self) -> &mut Ledger {
        self.ledger.get_or_insert_default()
    }

    /// Why no batch can be made at the moment, though it is time; nothing more is accepted then.
    pub(super) fn stuck(&self) -> Option<Arc<CutError>> {
        self.stuck.as_ref().map(|(reason, _)| Arc::clone(reason))
    }

    /// Tells the prover and the watchers about a new batch.
    pub(super) fn announce(&self, batch: &Batch) {
        tracing::info!(
            batch = batch.number,
            transfers = batch.transfers,
            shape = batch.shape.name(),
            "batch executed"
        );
        // Announced first: the prover may take it up at once, and events come in the order of the moves.
        self.jobs.announce(batch);
        self.jobs.enqueue(batch.number, batch.shape);
        self.announce_operations();
    }

    /// Tells the watchers that operations were executed or rejected.
    pub(super) fn announce_operations(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// When the next batch is made.
enum Due {
    Never,
    Now,
    At(Instant),
}

/// Whoever asked may have gone.
pub(super) fn reply<T>(answer: oneshot::Sender<T>, result: T) {
    drop(answer.send(result));
}

/// Everything that waits has to have a way into a batch: the operator may have taken away a key or a token.
fn check_queue(state: &Snapshot, policy: &Policy) -> Result<(), StartError> {
    let mut next = state.head().next_operation;
    // Operations below this id belong to a batch with fee slots of its own.
    let mut end_of_whole = 0u64;
    let mut seen = HashSet::new();
    loop {
        let page = state.queued(next, PAGE)?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        next = last.id.saturating_add(1);
        for operation in &page {
            if let Some(whole) = state.whole_at(operation.id)? {
                let (transfers, fee_slots) = (
                    usize::try_from(whole.operations).unwrap_or(usize::MAX),
                    whole.fee_slots.len(),
                );
                if policy.plan(transfers, fee_slots).is_none() {
                    return Err(StartError::ShapeNeeded(CutError::NoShape {
                        operation: operation.id,
                        transfers,
                        fee_slots,
                    }));
                }
                end_of_whole = operation.id.saturating_add(u64::from(whole.operations));
            }
            let sender = operation.signed.transfer.from.get();
            if operation.id < end_of_whole || !seen.insert(sender) {
                continue;
            }
            if let Some(account) = state.account(sender)?
                && policy.token(account.token).is_none()
            {
                return Err(StartError::TokenNeeded {
                    operation: operation.id,
                    token: account.token,
                });
            }
        }
    }
}
