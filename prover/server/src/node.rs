//! One node: store, sequencer, queue of proofs and prover put together. The gRPC service and the command line talk to this.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use thiserror::Error;

use crate::backend::Backend;
use crate::batch::{Batch, Event, Moved, Stage};
use crate::config::Config;
use crate::jobs::Jobs;
use crate::policy::{Policy, PolicyError};
use crate::progress::CostModel;
use crate::prover::Prover;
use crate::sequencer::{MemoryCheck, Sequencer, StartError};
use crate::store::{Snapshot, Store, StoreError};

/// Proved batches whose measured phases the cost model begins with.
const REMEMBERED: u32 = 16;

/// A running node. It stops with [`Node::stop`].
#[derive(Debug)]
pub struct Node {
    store: Arc<Store>,
    jobs: Arc<Jobs>,
    backend: Arc<dyn Backend>,
    sequencer: Arc<Sequencer>,
    /// Held from a client's move of a batch in the store until the queue says the same.
    moves: Mutex<()>,
}

/// The threads of a node.
#[derive(Debug)]
pub struct Threads {
    /// Ends after [`Node::stop`], when the proof at work has ended.
    pub prover: JoinHandle<()>,
    /// Ends after [`Sequencer::stop`], when what waits is answered.
    pub sequencer: JoinHandle<()>,
}

/// Why a node does not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NodeError {
    /// No key is loaded, so nothing could be proved.
    #[error("no proving key is loaded")]
    NoKey,
    /// A waiting batch needs a key that is not loaded.
    #[error("batch {number} waits for a proof with shape {shape}, whose key is not loaded")]
    KeyNeeded {
        /// The batch.
        number: u32,
        /// Name of its shape.
        shape: String,
    },
    /// The configured policy cannot be kept.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The sequencer does not start.
    #[error(transparent)]
    Sequencer(#[from] StartError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The prover's thread could not be made.
    #[error("the prover's thread cannot be made")]
    Thread(#[source] std::io::Error),
}

impl Node {
    /// Starts sequencer and prover, and queues every batch that waits for its proof.
    pub fn start(
        store: Arc<Store>,
        backend: Arc<dyn Backend>,
        config: &Config,
    ) -> Result<(Arc<Self>, Threads), NodeError> {
        let circuits = backend.circuits();
        if circuits.is_empty() {
            return Err(NodeError::NoKey);
        }
        let costs = CostModel::new(
            circuits
                .iter()
                .map(|circuit| (circuit.shape, circuit.prove_phases.clone())),
        );
        let shapes: Vec<_> = circuits.iter().map(|circuit| circuit.shape).collect();
        let jobs = Arc::new(Jobs::new(Arc::new(costs)));
        let policy = Policy::new(config, shapes.clone(), &store.snapshot()?)?;
        let pending = store.recover(config.proving.max_attempts.get())?;
        for batch in &pending {
            if !shapes.contains(&batch.shape) {
                return Err(NodeError::KeyNeeded {
                    number: batch.number,
                    shape: batch.shape.name(),
                });
            }
            jobs.enqueue(batch.number, batch.shape);
        }
        if !pending.is_empty() {
            tracing::info!(batches = pending.len(), "unproved batches are queued again");
        }
        let snapshot = store.snapshot()?;
        remember(&snapshot, jobs.costs())?;
        drop(snapshot);
        let memory = MemoryCheck::new({
            let backend = Arc::clone(&backend);
            move |shape| backend.check_memory(shape)
        });
        let (sequencer, sequencer_thread) =
            Sequencer::start(Arc::clone(&store), Arc::clone(&jobs), Arc::new(policy), memory)?;
        let sequencer = Arc::new(sequencer);
        let prover = Prover {
            store: Arc::clone(&store),
            jobs: Arc::clone(&jobs),
            backend: Arc::clone(&backend),
            max_attempts: config.proving.max_attempts.get(),
        };
        // A proof that is there or given up makes room for another batch.
        let waiting = Arc::downgrade(&sequencer);
        jobs.on_settled(move || {
            if let Some(sequencer) = waiting.upgrade() {
                sequencer.nudge();
            }
        });
        let threads = Threads {
            prover: prover.spawn().map_err(NodeError::Thread)?,
            sequencer: sequencer_thread,
        };
        let node = Self {
            store,
            jobs,
            backend,
            sequencer,
            moves: Mutex::default(),
        };
        Ok((Arc::new(node), threads))
    }

    /// Stops the work of a batch's proof.
    pub fn cancel(&self, number: u32) -> Result<Batch, StoreError> {
        let _moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        let (batch, moved) = self.store.advance(number, Event::Cancel)?;
        // Also where the store had it already: a repeated call may be there because the first one was cut short.
        self.jobs.cancel(number);
        if moved == Moved::Changed {
            tracing::info!(batch = number, "proof cancelled");
            self.jobs.announce(&batch);
        }
        Ok(batch)
    }

    /// Queues the proof of a cancelled or failed batch again.
    pub fn resume(&self, number: u32) -> Result<Batch, StoreError> {
        let _moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        let (batch, moved) = self.store.advance(number, Event::Resume)?;
        if moved == Moved::Changed {
            tracing::info!(batch = number, "proof queued again");
            self.jobs.announce(&batch);
        }
        if batch.stage == Stage::Executed {
            self.jobs.enqueue(number, batch.shape);
        }
        Ok(batch)
    }

    /// The store as it is now.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.store.snapshot()
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What accepts operations and makes batches.
    #[must_use]
    pub fn sequencer(&self) -> &Sequencer {
        &self.sequencer
    }

    /// The queue and its events.
    #[must_use]
    pub fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// What makes the proofs.
    #[must_use]
    pub fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    /// Begins no further proof. The proof at work goes on, [`Jobs::stop_active`] stops it; operations are accepted until
    /// [`Sequencer::stop`].
    pub fn stop(&self) {
        self.jobs.close();
    }
}

/// Feeds the cost model with the last proofs in the store.
fn remember(snapshot: &Snapshot, costs: &CostModel) -> Result<(), StoreError> {
    let last = snapshot.head().batch_number;
    for number in last.saturating_sub(REMEMBERED - 1).max(1)..=last {
        let batch = snapshot.batch(number)?;
        if batch.stage == Stage::Proved {
            costs.record(batch.shape, &batch.phases);
        }
    }
    Ok(())
}
