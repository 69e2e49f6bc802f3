//! Why a submission is not accepted.

use std::sync::Arc;

use quittance_circuits::batch::ApplyError;
use quittance_circuits::tx::RuleError;
use quittance_circuits::tx::priority::PriorityError;
use quittance_engine::Shortage;
use quittance_verifier::{Section, Shape};
use thiserror::Error;

use crate::batch::SectionCounts;
use crate::store::{EnterError, KeyReused, StoreError};

/// Why a submission is not accepted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// There is nothing to do.
    #[error("a batch has at least one operation")]
    Empty,
    /// No loaded shape has a slot for operations of this kind.
    #[error("no loaded shape has a slot for {section}; the operator has to load the key of a shape that has")]
    NoSlots {
        /// The section of such operations.
        section: Section,
    },
    /// No shape has that many slots in a section.
    #[error("batch has {got} {section}, the largest shape has {limit} slots for them")]
    TooManyOperations {
        /// The section.
        section: Section,
        /// Operations submitted.
        got: usize,
        /// Slots of the shape that has most.
        limit: u32,
    },
    /// No shape has that many fee slots.
    #[error("batch has {got} fee slots, the largest shape has {limit}")]
    TooManyFeeSlots {
        /// Fee slots submitted.
        got: usize,
        /// Slots of the largest shape.
        limit: u32,
    },
    /// Shapes have enough of each, but none of both.
    #[error("no loaded shape has slots for {counts} together with {fee_slots} fee slots")]
    NoShape {
        /// Operations submitted.
        counts: SectionCounts,
        /// Fee slots that they need.
        fee_slots: usize,
    },
    /// A proof would not find its memory.
    #[error("a proof of shape {} finds too little memory: {shortage}", .shape.name())]
    Memory {
        /// The smallest loaded shape that has room for the batch.
        shape: Shape,
        /// What it needs, and what there is.
        shortage: Shortage,
    },
    /// Two fee slots for one token: the second would get nothing.
    #[error("fee slot {slot} names token {token} again")]
    RepeatedFeeToken {
        /// Position of the second slot, from 0.
        slot: usize,
        /// The token.
        token: u32,
    },
    /// Neither the batch nor the operator says who gets the fees.
    #[error("batch names no fee slot and the service takes the fees of no token")]
    NoFeeSlot,
    /// The operator wants more.
    #[error("fee_below_minimum: fee {got} is below the minimum {minimum} of token {token}")]
    FeeBelowMinimum {
        /// Section of the operation.
        section: Section,
        /// Position among the request's operations of this section, from 0.
        index: usize,
        /// Its token.
        token: u32,
        /// Least fee.
        minimum: u128,
        /// Its fee.
        got: u128,
    },
    /// The operator's minimum fee would go to somebody else.
    #[error("fee_leaf: fees of token {token} have a minimum and go to leaf {expected}, not to {got}")]
    OtherFeeLeaf {
        /// Position of the fee slot, from 0.
        slot: usize,
        /// Its token.
        token: u32,
        /// The leaf that takes the token's fees.
        expected: u32,
        /// The leaf that the slot names.
        got: u32,
    },
    /// As many operations wait as may: of clients, or of the root chain, which have room of their own.
    #[error("{queued} operations wait to be executed, the limit is {limit}")]
    QueueFull {
        /// Operations that wait.
        queued: u64,
        /// Most that may.
        limit: u64,
    },
    /// Enough batches wait for their proofs.
    #[error("{pending} batches wait for their proofs, the limit is {limit}")]
    TooManyUnproved {
        /// Batches that wait.
        pending: u64,
        /// Most that may.
        limit: u32,
    },
    /// What waits in the queue comes first, and would be too many batches.
    #[error(
        "{queued} queued operations come before the batch; with {pending} batches that wait for their proofs, they leave no room for it below the limit of {limit}"
    )]
    NoRoomBehindQueue {
        /// Operations that wait.
        queued: u64,
        /// Batches that wait for their proofs.
        pending: u64,
        /// Most that may.
        limit: u32,
    },
    /// The rollup has made its last batch.
    #[error("the rollup has used all batch numbers")]
    NoNumberLeft,
    /// An operation that was submitted by itself breaks a rule.
    #[error(transparent)]
    Rule(RuleError),
    /// A batch breaks a rule.
    #[error(transparent)]
    Batch(#[from] ApplyError),
    /// The idempotency key belongs to something else.
    #[error(transparent)]
    KeyReused(#[from] KeyReused),
    /// A priority operation is not the next one, or not the same as before.
    #[error(transparent)]
    Enter(EnterError),
    /// A priority operation is about a place that the tree does not have; a tree of 16 levels has all that can be named.
    #[error("priority operation is about leaf {leaf}, outside a tree of {capacity} places")]
    LeafOutOfRange {
        /// The leaf.
        leaf: u32,
        /// Places in the tree.
        capacity: u64,
    },
    /// The batch of this key was rolled back and is not executed again yet.
    #[error(
        "operations {first_operation} to {last_operation} of this key were rolled back and wait to be executed again"
    )]
    QueuedAgain {
        /// Id of its first operation.
        first_operation: u64,
        /// Id of its last operation.
        last_operation: u64,
    },
    /// The batch of this key was rolled back, and broke a rule when it was executed again.
    #[error("operation {operation} of this key was rolled back and then rejected: {message}")]
    RejectedLater {
        /// Id of the operation.
        operation: u64,
        /// Name of the rule.
        rule: String,
        /// The rule with its values.
        message: String,
    },
    /// What was accepted before cannot be executed, so that nothing more is accepted.
    #[error("queued operations cannot be executed: {reason}")]
    Stuck {
        /// Why not.
        #[source]
        reason: Arc<CutError>,
    },
    /// The service is about to end.
    #[error("the service is stopping; try again when it is back")]
    Stopping,
    /// The sequencer panicked.
    #[error("the request failed inside the service")]
    Panicked,
    /// The store failed.
    #[error(transparent)]
    Store(Arc<StoreError>),
}

impl From<StoreError> for SubmitError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<Failure> for SubmitError {
    fn from(error: Failure) -> Self {
        match error {
            Failure::Rule(error) => Self::Rule(error),
            Failure::Priority(error) => Self::Batch(ApplyError::Priority { index: 0, error }),
            Failure::Store(error) => error.into(),
        }
    }
}

/// A broken rule, or a store that could not be read.
#[derive(Debug)]
pub(super) enum Failure {
    Rule(RuleError),
    Priority(PriorityError),
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Why no batch can be made from the queue, though it is time.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CutError {
    /// The rollup has made its last batch.
    #[error("the rollup has used all batch numbers")]
    NoNumberLeft,
    /// What comes next needs a shape whose key is not loaded.
    #[error(
        "the batch of operation {operation} needs a shape with slots for {counts} and {fee_slots} fee slots"
    )]
    NoShape {
        /// Its first operation.
        operation: u64,
        /// Its operations.
        counts: SectionCounts,
        /// Its fee slots.
        fee_slots: usize,
    },
    /// The state refuses, though no rule is broken.
    #[error(transparent)]
    State(ApplyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
