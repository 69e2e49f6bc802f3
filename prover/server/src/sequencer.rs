//! From submissions to executed batches: one thread that accepts operations, makes batches of them, and is the only one to
//! write batches.
//!
//! A single operation is checked by the native rules against the state with everything that was accepted before it, and
//! stored; all operations that arrive while the store is writing are stored together in its next transaction. Operations of
//! the root chain's queue enter in its order and are accepted whatever will come of them. The thread
//! makes a batch of the queue's front as soon as enough operations wait or the oldest has waited long enough, unless too many
//! batches wait for their proofs. A batch that a client submits as a whole is executed within its call, after everything
//! that was accepted before it.
//!
//! The truth is in the store: what the thread keeps in memory can be made again from it, and is, after a panic. A client
//! that gives up waiting changes nothing; what it submitted may have been accepted.

#[cfg(test)]
mod acceptance;
mod admit;
mod cut;
mod digest;
mod error;
mod front;
mod inbox;
mod ledger;
mod memory;
mod priority;
mod queued;
mod trial;
mod whole;
mod worker;

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use ark_bn254::Fr;
use quittance_circuits::babyjubjub::PublicKey;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::{RuleError, SignedOperation};
use quittance_verifier::Section;
use tokio::sync::{oneshot, watch};

use crate::batch::Batch;
use crate::jobs::Jobs;
use crate::operation::{IdempotencyKey, Keyed};
use crate::policy::Policy;
use crate::store::{Acceptance, Entered, NewPriority, Store, StoreError};
use inbox::{Inbox, Request};
use worker::Worker;

pub use error::{CutError, SubmitError};
pub use memory::MemoryCheck;
pub(crate) use queued::token_to_be;

/// Most operations that [`Sequencer::submit`] and [`Sequencer::enter`] take at a time.
pub const CHUNK: usize = 256;

/// The thread, as everybody else sees it.
#[derive(Debug)]
pub struct Sequencer {
    inbox: Arc<Inbox>,
    policy: Arc<Policy>,
    changes: watch::Receiver<u64>,
}

/// A signed operation, with what is known about its signature.
#[derive(Clone, Debug)]
pub struct CheckedOperation {
    signed: SignedOperation,
    /// The key that the signature was checked with, and the outcome.
    signature: Option<(PublicKey, Result<(), RuleError>)>,
}

/// An operation to accept by itself.
#[derive(Clone, Debug)]
pub struct Single {
    operation: CheckedOperation,
    keyed: Option<Keyed>,
}

/// What became of operations that were submitted by themselves.
#[derive(Debug)]
pub struct Admitted {
    /// What was accepted, in order.
    pub accepted: Vec<Acceptance>,
    /// Why the one after those was refused; none that comes after it was accepted.
    pub refused: Option<SubmitError>,
}

/// What became of operations of the root chain's queue.
#[derive(Debug)]
pub struct Enrolled {
    /// What has entered, in order.
    pub entered: Vec<Entered>,
    /// Why the one after those was refused; none that comes after it has entered.
    pub refused: Option<SubmitError>,
}

/// A batch to execute as a whole.
#[derive(Clone, Debug)]
pub struct WholeSubmission {
    operations: Vec<CheckedOperation>,
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

impl CheckedOperation {
    /// Checks the signature with the key of the sender's account, which is the expensive part of an operation's rules.
    #[must_use]
    pub fn new(rollup_id: &Fr, signed: SignedOperation, sender: &PublicKey) -> Self {
        let outcome = signed.check_signature(rollup_id, sender);
        Self {
            signed,
            signature: Some((*sender, outcome)),
        }
    }

    /// An operation whose signature is still to be checked.
    #[must_use]
    pub const fn unchecked(signed: SignedOperation) -> Self {
        Self {
            signed,
            signature: None,
        }
    }

    /// The rules of the signature, for the key that the sender has when the operation is accepted: a rotation that was accepted
    /// before it may have changed it.
    fn signature(&self, rollup_id: &Fr, key: &PublicKey) -> Result<(), RuleError> {
        match &self.signature {
            Some((checked, outcome)) if checked == key => outcome.clone(),
            _ => self.signed.check_signature(rollup_id, key),
        }
    }
}

impl Single {
    /// An operation, under a key or without one.
    #[must_use]
    pub fn new(operation: CheckedOperation, key: Option<IdempotencyKey>) -> Self {
        let keyed = key.map(|key| Keyed {
            key,
            digest: digest::of_operation(&operation.signed),
        });
        Self { operation, keyed }
    }
}

impl WholeSubmission {
    /// A batch, under a key or without one. Without fee slots, those of the policy take the fees.
    #[must_use]
    pub fn new(
        operations: Vec<CheckedOperation>,
        fee_slots: Vec<FeeSlot>,
        key: Option<IdempotencyKey>,
    ) -> Self {
        let keyed = key.map(|key| Keyed {
            key,
            digest: digest::of_batch(operations.iter().map(|operation| &operation.signed), &fee_slots),
        });
        Self {
            operations,
            fee_slots,
            keyed,
        }
    }

    /// Checks what can be checked without the state.
    fn check_form(&self, policy: &Policy) -> Result<(), SubmitError> {
        let exceeds = |got: usize, limit: u32| usize::try_from(limit).is_ok_and(|limit| got > limit);
        if self.operations.is_empty() {
            return Err(SubmitError::Empty);
        }
        for section in Section::ALL {
            let of_section = |operation: &&CheckedOperation| operation.signed.section() == section;
            let got = self.operations.iter().filter(of_section).count();
            let limit = policy.max_batch(section);
            if got > 0 && limit == 0 {
                return Err(SubmitError::NoSlots { section });
            }
            if exceeds(got, limit) {
                return Err(SubmitError::TooManyOperations { section, got, limit });
            }
        }
        let (got, limit) = (self.fee_slots.len(), policy.max_batch(Section::Fees));
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

    /// Accepts operations in order, up to the first that is refused; at most [`CHUNK`]. What it gives is stored durably.
    pub async fn submit(&self, items: Vec<Single>) -> Result<Admitted, SubmitError> {
        let (answer, answered) = oneshot::channel();
        self.inbox.put(Request::Singles { items, answer }).await?;
        answered.await.map_err(|_| SubmitError::Panicked)
    }

    /// Enters operations of the root chain's queue in order, up to the first that is refused; at most [`CHUNK`]. What it gives is
    /// stored durably. One that has entered before is compared and changes nothing.
    pub async fn enter(&self, items: Vec<NewPriority>) -> Result<Enrolled, SubmitError> {
        let (answer, answered) = oneshot::channel();
        self.inbox.put(Request::Priority { items, answer }).await?;
        answered.await.map_err(|_| SubmitError::Panicked)?
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
    /// What waits has no slot in any loaded shape.
    #[error("queued operation {operation} needs a shape with slots for {section}, of which no key is loaded")]
    SlotsNeeded {
        /// The operation.
        operation: u64,
        /// Its section.
        section: Section,
    },
    /// What waits has a token whose fees nobody takes.
    #[error("queued operation {operation} is in token {token}, whose fees the service does not take")]
    TokenNeeded {
        /// The operation.
        operation: u64,
        /// Its token.
        token: u32,
    },
    /// What waits pays fees to a leaf that is opened behind it.
    #[error(
        "queued operation {operation} pays a fee in token {token}, and nothing before it opens fee leaf {leaf}"
    )]
    FeeLeafTooLate {
        /// The operation.
        operation: u64,
        /// Its token.
        token: u32,
        /// The leaf that is to take its fee.
        leaf: u32,
    },
    /// The leaf that is to take fees is empty, and stays so.
    #[error("fee leaf {leaf} is not an account, and what waits does not open it in token {token} any more")]
    FeeLeafNeeded {
        /// The token whose fees it is to take.
        token: u32,
        /// The leaf.
        leaf: u32,
    },
    /// What waits was accepted because fees went to another leaf.
    #[error(
        "queued operation {operation} spends fees of token {token} that go to leaf {leaf}, and the configuration names another leaf for them"
    )]
    CountsOnFees {
        /// The operation.
        operation: u64,
        /// The token.
        token: u32,
        /// The leaf that has to take its fees.
        leaf: u32,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The thread could not be made.
    #[error("the sequencer's thread cannot be made")]
    Thread(#[source] std::io::Error),
}
