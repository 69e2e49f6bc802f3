//! An operation on its way into a batch, and the keys by which clients may repeat a submission.
//!
//! Operations of all kinds have ids from 1 in the order of acceptance and are taken into batches in that order, so that the
//! queue is a range of ids: everything before the store's cursor is executed or rejected, everything from it on is queued, but
//! for operations that were rejected before batches were rolled back.
//!
//! Priority operations have a second number, their place in the root chain's queue: from 0, without gaps, in the same order. A
//! hash runs over them ([`quittance_verifier::PriorityRequest::hash_after`]), by which the verifier notices one that was left out.

use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::priority::Priority;
use quittance_circuits::tx::{self, SignedOperation};
use quittance_circuits::types::AccountIndex;
use quittance_verifier::Section;
use thiserror::Error;

/// An accepted operation, as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Id, from 1 in the order of acceptance.
    pub id: u64,
    /// Where it stands.
    pub state: OperationState,
    /// What was asked for.
    pub request: Request,
    /// When it was accepted, in milliseconds since 1970-01-01 UTC.
    pub accepted_at_ms: u64,
}

/// What an operation asks for, and who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The root chain, in the name of whoever called its contract.
    Priority(Entry),
    /// A client, by a signature.
    Signed(SignedOperation),
}

/// A priority operation in the root chain's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place, from 0.
    pub index: u64,
    /// The operation.
    pub priority: Priority,
    /// The queue's running hash after it, below 2^248.
    pub hash: [u8; 32],
}

/// A place between two operations of the root chain's queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueuePoint {
    /// Place of the operation after it: as many are before it.
    pub next: u64,
    /// The running hash over those before it; zeros for none.
    pub hash: [u8; 32],
}

/// Where an operation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationState {
    /// Accepted and stored; it will be put into a batch.
    Queued,
    /// In the state.
    Executed {
        /// Number of the batch.
        batch: u32,
        /// Position in its section of the batch, from 0.
        position: u32,
        /// What came of a priority operation; `None` for a signed one, which does what it says.
        outcome: Option<Outcome>,
    },
    /// It broke a rule when its batch was made, and will never be executed. Never a priority operation.
    Rejected(Rejection),
}

/// What came of a priority operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it had an effect. Without one it is over, too.
    pub done: bool,
    /// Token deposited, or paid to the owner; 0 for a forced exit that paid nothing.
    pub token: u32,
    /// Amount deposited (whether done or not), or paid to the owner; 0 for a forced exit that paid nothing.
    pub amount: u128,
}

/// Where an operation stands, without the details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperationStage {
    /// See [`OperationState::Queued`].
    Queued,
    /// See [`OperationState::Executed`].
    Executed,
    /// See [`OperationState::Rejected`].
    Rejected,
}

impl Request {
    /// The section of a batch that executes it.
    #[must_use]
    pub const fn section(&self) -> Section {
        match self {
            Self::Priority(_) => Section::Priority,
            Self::Signed(signed) => signed.section(),
        }
    }

    /// The operation as the state-transition function takes it.
    #[must_use]
    pub const fn operation(&self) -> tx::Operation {
        match self {
            Self::Priority(entry) => tx::Operation::Priority(entry.priority),
            Self::Signed(signed) => tx::Operation::Signed(*signed),
        }
    }

    /// The leaves that it reads and may change; one twice if it is both.
    pub fn accounts(&self) -> impl Iterator<Item = AccountIndex> {
        let (one, other) = match self {
            Self::Priority(entry) => (entry.priority.leaf(), None),
            Self::Signed(signed) => (signed.from(), signed.to()),
        };
        std::iter::once(one).chain(other)
    }
}

impl OperationState {
    /// Where the operation stands, without the details.
    #[must_use]
    pub const fn stage(&self) -> OperationStage {
        match self {
            Self::Queued => OperationStage::Queued,
            Self::Executed { .. } => OperationStage::Executed,
            Self::Rejected(_) => OperationStage::Rejected,
        }
    }
}

/// Why an accepted operation was not executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Name of the broken rule, such as `not_expired`.
    pub rule: String,
    /// The rule with the values that broke it, for people; at most [`Rejection::MAX_MESSAGE_BYTES`].
    pub message: String,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub at_ms: u64,
}

impl Rejection {
    /// Longest message that is kept, in bytes.
    pub const MAX_MESSAGE_BYTES: usize = 1024;
}

/// A submission that is executed as one batch, as a whole or not at all, with its own fee slots.
///
/// In normal operation it is executed within the call that submits it. After a rollback it waits in the queue, and is
/// executed as a batch of its own again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Number of its operations, whose ids follow each other. At least 1.
    pub operations: u32,
    /// Its fee slots.
    pub fee_slots: Vec<FeeSlot>,
}

/// A key under which a client may repeat a submission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(Box<[u8]>);

impl IdempotencyKey {
    /// Longest key, in bytes.
    pub const MAX_BYTES: usize = 64;

    /// A key of 1 to 64 bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, IdempotencyKeyError> {
        match bytes.len() {
            1..=Self::MAX_BYTES => Ok(Self(bytes.into())),
            got => Err(IdempotencyKeyError { got }),
        }
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// An idempotency key of another length than 1 to 64 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("wants 1 to {} bytes, got {got}", IdempotencyKey::MAX_BYTES)]
pub struct IdempotencyKeyError {
    /// Its length.
    pub got: usize,
}

/// A key with the digest of what was submitted under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// The key.
    pub key: IdempotencyKey,
    /// Digest of the submission's content, so that another content under the same key is noticed.
    pub digest: [u8; 32],
}

/// What was submitted under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Digest of the submission's content.
    pub digest: [u8; 32],
    /// Id of its first operation.
    pub first_operation: u64,
    /// Number of its operations, whose ids follow each other.
    pub operations: u32,
}
