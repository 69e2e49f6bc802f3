//! From submissions to executed batches: one thread that accepts transfers, makes batches of them, and is the only one to
//! write batches.
//!
//! A single transfer is checked by the native rules against the state with everything that was accepted before it, and
//! stored; all transfers that arrive while the store is writing are stored together in its next transaction. The thread
//! makes a batch of the queue's front as soon as enough transfers wait or the oldest has waited long enough, unless too many
//! batches wait for their proofs. A batch that a client submits as a whole is executed within its call, after everything
//! that was accepted before it.
//!
//! The truth is in the store: what the thread keeps in memory can be made again from it, and is, after a panic. A client
//! that gives up waiting changes nothing; what it submitted may have been accepted.

mod admit;
mod cut;
mod digest;
mod error;
mod inbox;
mod ledger;
mod memory;
mod whole;
mod worker;

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use ark_bn254::Fr;
use quittance_circuits::babyjubjub::PublicKey;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::transfer::{self, SignedTransfer, TransferError};
use tokio::sync::{oneshot, watch};

use crate::batch::Batch;
use crate::jobs::Jobs;
use crate::operation::{IdempotencyKey, Keyed};
use crate::policy::Policy;
use crate::store::{Acceptance, Store, StoreError};
use inbox::{Inbox, Request};
use worker::Worker;

pub use error::{CutError, SubmitError};
pub use memory::MemoryCheck;

/// Most transfers that [`Sequencer::submit`] takes at a time.
pub const CHUNK: usize = 256;

/// The thread, as everybody else sees it.
#[derive(Debug)]
pub struct Sequencer {
    inbox: Arc<Inbox>,
    policy: Arc<Policy>,
    changes: watch::Receiver<u64>,
}

/// A transfer, with what is known about its signature.
#[derive(Clone, Debug)]
pub struct CheckedTransfer {
    signed: SignedTransfer,
    /// The key that the signature was checked with, and the outcome.
    signature: Option<(PublicKey, Result<(), TransferError>)>,
}

/// A transfer to accept by itself.
#[derive(Clone, Debug)]
pub struct Single {
    transfer: CheckedTransfer,
    keyed: Option<Keyed>,
}

/// What became of transfers that were submitted by themselves.
#[derive(Debug)]
pub struct Admitted {
    /// What was accepted, in order.
    pub accepted: Vec<Acceptance>,
    /// Why the one after those was refused; none that comes after it was accepted.
    pub refused: Option<SubmitError>,
}

/// A batch to execute as a whole.
#[derive(Clone, Debug)]
pub struct WholeSubmission {
    transfers: Vec<CheckedTransfer>,
    /// As the client named them; empty for those of the policy.
    fee_slots: Vec<FeeSlot>,
    keyed: Option<Keyed>,
}

/// What became of a batch that was submitted as a whole.
#[derive(Clone, Debug)]
pub struct WholeResult {
    /// The executed batch.
    pub batch: Batch,
    /// Id of its first operation.
    pub first_operation: u64,
    /// Number of its operations, whose ids follow each other.
    pub operations: u32,
    /// Whether it was executed for an earlier submission under the same key.
    pub repeated: bool,
}

impl CheckedTransfer {
    /// Checks the signature with the key of the sender's account, which is the expensive part of a transfer's rules.
    #[must_use]
    pub fn new(rollup_id: &Fr, signed: SignedTransfer, sender: &PublicKey) -> Self {
        let outcome = transfer::check_signature(rollup_id, &signed, sender);
        Self {
            signed,
            signature: Some((*sender, outcome)),
        }
    }

    /// A transfer whose signature is still to be checked.
    #[must_use]
    pub const fn unchecked(signed: SignedTransfer) -> Self {
        Self {
            signed,
            signature: None,
        }
    }

    /// The rules of the signature, for the key that the sender has when the transfer is accepted.
    fn signature(&self, rollup_id: &Fr, key: &PublicKey) -> Result<(), TransferError> {
        match &self.signature {
            Some((checked, outcome)) if checked == key => outcome.clone(),
            _ => transfer::check_signature(rollup_id, &self.signed, key),
        }
    }
}

impl Single {
    /// A transfer, under a key or without one.
    #[must_use]
    pub fn new(transfer: CheckedTransfer, key: Option<IdempotencyKey>) -> Self {
        let keyed = key.map(|key| Keyed {
            key,
            digest: digest::of_transfer(&transfer.signed),
        });
        Self { transfer, keyed }
    }
}

impl WholeSubmission {
    /// A batch, under a key or without one. Without fee slots, those of the policy take the fees.
    #[must_use]
    pub fn new(
        transfers: Vec<CheckedTransfer>,
        fee_slots: Vec<FeeSlot>,
        key: Option<IdempotencyKey>,
    ) -> Self {
        let keyed = key.map(|key| Keyed {
            key,
            digest: digest::of_batch(transfers.iter().map(|transfer| &transfer.signed), &fee_slots),
        });
        Self {
            transfers,
            fee_slots,
            keyed,
        }
    }

    /// Checks what can be checked without the state.
    fn check_form(&self, policy: &Policy) -> Result<(), SubmitError> {
        let exceeds = |got: usize, limit: u32| usize::try_from(limit).is_ok_and(|limit| got > limit);
        if self.transfers.is_empty() {
            return Err(SubmitError::Empty);
        }
        let (got, limit) = (self.transfers.len(), policy.max_batch_transfers());
        if exceeds(got, limit) {
            return Err(SubmitError::TooManyTransfers { got, limit });
        }
        let (got, limit) = (self.fee_slots.len(), policy.max_batch_fee_slots());
        if exceeds(got, limit) {
            return Err(SubmitError::TooManyFeeSlots { got, limit });
        }
        for (slot, fee) in self.fee_slots.iter().enumerate() {
            let token = fee.token;
            if self
                .fee_slots
                .iter()
                .take(slot)
                .any(|earlier| earlier.token == token)
            {
                let token = token.get();
                return Err(SubmitError::RepeatedFeeToken { slot, token });
            }
        }
        Ok(())
    }
}

impl Sequencer {
    /// Reads what waits in the store and starts the thread. It ends after [`Sequencer::stop`], when all requests that wait
    /// are answered.
    pub fn start(
        store: Arc<Store>,
        jobs: Arc<Jobs>,
        policy: Arc<Policy>,
        memory: MemoryCheck,
    ) -> Result<(Self, JoinHandle<()>), StartError> {
        let inbox = Arc::new(Inbox::new());
        let changed = watch::Sender::new(0);
        let changes = changed.subscribe();
        let worker = Worker::new(
            store,
            jobs,
            Arc::clone(&policy),
            memory,
            Arc::clone(&inbox),
            changed,
        )?;
        let thread = thread::Builder::new()
            .name("sequencer".to_owned())
            .spawn(move || worker.run())
            .map_err(StartError::Thread)?;
        let sequencer = Self {
            inbox,
            policy,
            changes,
        };
        Ok((sequencer, thread))
    }

    /// What the operator decided.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Accepts transfers in order, up to the first that is refused; at most [`CHUNK`]. What it gives is stored durably.
    pub async fn submit(&self, items: Vec<Single>) -> Result<Admitted, SubmitError> {
        let (answer, answered) = oneshot::channel();
        self.inbox.put(Request::Singles { items, answer }).await?;
        answered.await.map_err(|_| SubmitError::Panicked)
    }

    /// Executes a batch, after everything that was accepted before it.
    pub async fn submit_whole(&self, submission: WholeSubmission) -> Result<WholeResult, SubmitError> {
        submission.check_form(&self.policy)?;
        let (answer, answered) = oneshot::channel();
        let submission = Box::new(submission);
        self.inbox.put(Request::Whole { submission, answer }).await?;
        answered.await.map_err(|_| SubmitError::Panicked)?
    }

    /// Changes whenever operations were executed or rejected.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    /// Says that a batch waits for its proof no longer, so that there may be room for another one.
    pub fn nudge(&self) {
        self.inbox.nudge();
    }

    /// Takes nothing further; what waits is still answered, then the thread ends.
    pub fn stop(&self) {
        self.inbox.close();
    }
}

impl Drop for Sequencer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Why the thread does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// What waits cannot be executed with these keys.
    #[error("the queue holds a batch that was rolled back: {0}")]
    ShapeNeeded(#[source] CutError),
    /// What waits has a token whose fees nobody takes.
    #[error("queued operation {operation} is in token {token}, whose fees the service does not take")]
    TokenNeeded {
        /// The operation.
        operation: u64,
        /// Its token.
        token: u32,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The thread could not be made.
    #[error("the sequencer's thread cannot be made")]
    Thread(#[source] std::io::Error),
}
