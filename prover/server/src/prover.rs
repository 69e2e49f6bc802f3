//! The prover: a thread of its own that takes batches off the queue and stores their proofs.
//!
//! It never runs on the service's async threads, so requests and health never wait for a proof. One proof is made at a
//! time, because one proof uses all cores.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::backend::{Backend, BackendError, Proved};
use crate::batch::{Batch, Event, Moved, Retry, Stage};
use crate::clock::now_ms;
use crate::jobs::{Job, Jobs};
use crate::store::{Store, StoreError};

/// Pause before a batch is tried again after the store or the backend failed for a passing reason.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// What the prover's thread works with.
#[derive(Clone, Debug)]
pub struct Prover {
    /// Where batches come from and proofs go.
    pub store: Arc<Store>,
    /// The queue.
    pub jobs: Arc<Jobs>,
    /// What makes the proofs.
    pub backend: Arc<dyn Backend>,
    /// How often a proof is begun before its batch is failed.
    pub max_attempts: u32,
}

/// How an attempt ended, with the batch as it is stored afterwards.
enum Attempt {
    /// With or without a proof.
    Over(Batch),
    /// Before it began.
    ShortOfMemory(Batch),
}

impl Prover {
    /// Starts the thread. It ends after [`Jobs::close`], when the proof at work has ended, or when the
    /// store has failed for good.
    pub fn spawn(self) -> std::io::Result<JoinHandle<()>> {
        thread::Builder::new()
            .name("prover".to_owned())
            .spawn(move || self.run())
    }

    fn run(self) {
        while let Some(job) = self.jobs.take() {
            let span = tracing::info_span!("proof", batch = job.number);
            let outcome = span.in_scope(|| self.attempt(&job));
            self.jobs.release();
            match outcome {
                // Nothing else waits for it: another batch may need less.
                Ok(Attempt::ShortOfMemory(batch)) => {
                    if batch.stage == Stage::Executed {
                        self.jobs.postpone(batch.number, batch.shape, RETRY_PAUSE);
                    }
                    self.jobs.announce(&batch);
                }
                Ok(Attempt::Over(batch)) => {
                    self.jobs.announce(&batch);
                    if batch.stage == Stage::Executed {
                        // A passing failure; a stop of the service leaves the batch to the next start.
                        if self.jobs.wait_closed(RETRY_PAUSE) {
                            return;
                        }
                        self.jobs.enqueue(batch.number, batch.shape);
                    }
                }
                // The batch was cancelled between the queue and here.
                Err(StoreError::Move(_)) => {}
                // Waiting mends nothing: the service ends, and the next start takes the batch up again.
                Err(error) if self.store.has_failed() => {
                    span.in_scope(
                        || tracing::error!(%error, "store failed for good; no further proof is made"),
                    );
                    return;
                }
                Err(error) => {
                    span.in_scope(|| tracing::error!(%error, "store failed; the batch is tried again"));
                    self.try_later(&job);
                }
            }
        }
    }

    /// Makes one attempt.
    fn attempt(&self, job: &Job) -> Result<Attempt, StoreError> {
        if let Some(batch) = self.still_short(job)? {
            return Ok(Attempt::ShortOfMemory(batch));
        }
        let batch = match self.begin(job.number)? {
            batch if batch.stage == Stage::Proving => batch,
            failed => return Ok(Attempt::Over(failed)),
        };
        self.jobs.announce(&batch);
        let began = Instant::now();
        tracing::info!(
            shape = batch.shape.name(),
            attempt = batch.attempts,
            "proof begins"
        );
        match self.prove(&batch, job) {
            Ok((proved, bundle)) => {
                self.jobs.costs().record(batch.shape, &proved.phases);
                let finish = Event::Finish {
                    at_ms: now_ms(),
                    phases: proved.phases,
                };
                let batch = self.store.store_proof(job.number, finish, &bundle)?;
                tracing::info!(seconds = began.elapsed().as_secs_f64(), "proof stored");
                Ok(Attempt::Over(batch))
            }
            Err(BackendError::Cancelled) => {
                tracing::info!("proof stopped");
                self.store.advance(job.number, Event::Interrupt).map(over)
            }
            Err(BackendError::Memory(shortage)) => {
                tracing::warn!(%shortage, "too little memory; the proof waits");
                let reason = BackendError::Memory(shortage).to_string();
                self.store
                    .advance(job.number, Event::Postpone { reason })
                    .map(|moved| Attempt::ShortOfMemory(first(moved)))
            }
            Err(error) => {
                tracing::warn!(%error, "proof failed");
                let retry = match error {
                    BackendError::Transient { .. } => Retry::UpTo(self.max_attempts),
                    _ => Retry::Never,
                };
                let reason = error.to_string();
                self.store
                    .advance(job.number, Event::Fail { reason, retry })
                    .map(over)
            }
        }
    }

    /// The batch, if it has been postponed and there is still too little memory: nothing of it is read then, and nothing is stored. A
    /// process that is killed meanwhile was not at work on it.
    fn still_short(&self, job: &Job) -> Result<Option<Batch>, StoreError> {
        if !job.postponed {
            return Ok(None);
        }
        let batch = self.store.snapshot()?.batch(job.number)?;
        let short = self.backend.check_memory(&batch.shape).is_err();
        Ok(short.then_some(batch))
    }

    /// Takes a batch up. One that is being proved already was left there by an attempt whose end could not be stored:
    /// that attempt has failed, and the next one begins if there may be one.
    fn begin(&self, number: u32) -> Result<Batch, StoreError> {
        match self.store.advance(number, Event::Begin) {
            Err(StoreError::Move(refused)) if refused.stage == Stage::Proving => {
                let left = Event::Fail {
                    reason: "the end of the proof could not be stored".to_owned(),
                    retry: Retry::UpTo(self.max_attempts),
                };
                match self.store.advance(number, left).map(first)? {
                    batch if batch.stage == Stage::Executed => {
                        self.store.advance(number, Event::Begin).map(first)
                    }
                    batch => Ok(batch),
                }
            }
            other => other.map(first),
        }
    }

    fn prove(&self, batch: &Batch, job: &Job) -> Result<(Proved, Vec<u8>), BackendError> {
        let permanent = |error: &dyn std::error::Error| BackendError::Permanent {
            reason: error.to_string(),
        };
        let applied = self
            .store
            .snapshot()
            .and_then(|snapshot| snapshot.applied(batch))
            .map_err(|error| permanent(&error))?;
        let progress = |phase, fraction| self.jobs.phase(phase, fraction);
        let work = AssertUnwindSafe(|| self.backend.prove(&batch.shape, &applied, &job.stop, &progress));
        // Nothing of the backend is used again for this attempt, and the next one begins anew.
        let proved = catch_unwind(work).map_err(|_| BackendError::Transient {
            reason: "the prover panicked".to_owned(),
        })??;
        let bundle = proved.bundle.to_bytes().map_err(|error| permanent(&error))?;
        Ok((proved, bundle))
    }

    fn try_later(&self, job: &Job) {
        let shape = self.store.snapshot().and_then(|state| state.batch(job.number));
        if let Ok(batch) = shape
            && !self.jobs.wait_closed(RETRY_PAUSE)
        {
            self.jobs.enqueue(batch.number, batch.shape);
        }
    }
}

fn over(moved: (Batch, Moved)) -> Attempt {
    Attempt::Over(first(moved))
}

fn first((batch, _): (Batch, Moved)) -> Batch {
    batch
}
