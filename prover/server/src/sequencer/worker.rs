//! The thread: takes what waits, answers it, and makes a batch when it is time.

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ark_bn254::Fr;
use quittance_circuits::tree::Levels;
use quittance_circuits::types::BatchNumber;
use tokio::sync::{oneshot, watch};

use super::inbox::{Inbox, Request};
use super::ledger::Ledger;
use super::queued::{self, check_queue};
use super::trial::Rules;
use super::{CutError, MemoryCheck, StartError, SubmitError};
use crate::batch::{Batch, Stage};
use crate::causes::chain;
use crate::clock::now_ms;
use crate::encoding::fr_from_bytes_be;
use crate::jobs::Jobs;
use crate::policy::Policy;
use crate::store::{Snapshot, Store, StoreError};

/// Operations that are accepted in one transaction, a chunk more or less.
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
    /// Places in the tree.
    pub(super) capacity: u64,
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
        let levels = Levels::new(store.identity().levels).map_err(StoreError::from)?;
        let queued = snapshot.head().queued;
        if queued > 0 {
            tracing::info!(operations = queued, "operations wait to be executed");
        }
        Ok(Self {
            ledger: Some(queued::load(&snapshot, &rules(&snapshot, &rollup_id, &policy))?),
            capacity: levels.width(0),
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
                Request::Priority { answer, .. } if answer.is_closed() => {}
                Request::Whole { answer, .. } if answer.is_closed() => {}
                Request::Singles { items, answer } => singles.push((items, answer)),
                Request::Priority { items, answer } => {
                    self.admit_all(std::mem::take(&mut singles));
                    reply(answer, self.enter(&items).map_err(SubmitError::from));
                }
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
        let policy = Arc::clone(&self.policy);
        let batching = &policy.batching;
        if head.queued == 0 || snapshot.pending_count()? >= u64::from(batching.max_unproved_batches) {
            return Ok(Due::Never);
        }
        if head.queued >= u64::from(batching.max_operations) {
            return Ok(Due::Now);
        }
        if !policy.has_room_behind(&self.ledger_of(&snapshot)?.counts()) {
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

    /// What waits, and the state that it belongs to.
    pub(super) fn view(&mut self) -> Result<(Snapshot, &mut Ledger), StoreError> {
        let snapshot = self.store.snapshot()?;
        let ledger = self.ledger_of(&snapshot)?;
        Ok((snapshot, ledger))
    }

    /// What waits in this state, the last one that the ledger has followed.
    pub(super) fn ledger_of(&mut self, state: &Snapshot) -> Result<&mut Ledger, StoreError> {
        let rules = rules(state, &self.rollup_id, &self.policy);
        match &mut self.ledger {
            Some(ledger) => ledger.refresh(state, &rules)?,
            None => self.ledger = Some(Ledger::load(state, &rules)?),
        }
        Ok(self.ledger.get_or_insert_default())
    }

    /// What waits, after a change of the store that it is about to follow.
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
            operations = batch.counts.total(),
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

/// What the next batch's operations are checked against.
fn rules<'a>(state: &Snapshot, rollup_id: &'a Fr, policy: &'a Policy) -> Rules<'a> {
    Rules {
        rollup_id,
        // Without a number left no batch is made.
        batch_number: BatchNumber(state.head().batch_number.saturating_add(1)),
        fee_slots: policy.fee_slots(),
    }
}
