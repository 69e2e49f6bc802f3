//! A batch: operations of all kinds and fee slots applied to a state, natively.
//!
//! [`apply_batch`] is the one state-transition function: the service, the witness and the tests run it. A batch that breaks a
//! rule is refused here, before anything is proved, and leaves the overlay to be thrown away.

pub mod constraints;
mod encoding;
mod facts;
pub mod witness;

pub use encoding::AppliedDecodeError;

use crate::babyjubjub::PublicKey;
use crate::leaf::Leaf;
use crate::state::{Overlay, StateError, StateReader};
use crate::tree::{Levels, Path};
use crate::tx::fee::{self, FeeError, FeeSlot};
use crate::tx::priority::{self, Outcome, PriorityError};
use crate::tx::{
    Operation, Priority, RuleContext, RuleError, SenderEffect, SignedOpening, SignedOperation,
    SignedRotation, SignedTransfer, SignedWithdrawal, opening, rotation, transfer, withdrawal,
};
use crate::types::{AccountIndex, BatchNumber};
use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField};
use quittance_verifier::Section;
use thiserror::Error;

/// Bits of a rollup id.
const ROLLUP_ID_BITS: u32 = 248;

/// Where a batch stands: what its statement binds besides roots and operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchContext {
    /// The rollup's id, below 2^248.
    pub rollup_id: Fr,
    /// The batch's number.
    pub batch_number: BatchNumber,
    /// Running hash of the priority queue before the batch, big-endian, below 2^248.
    pub queue: [u8; 32],
}

/// What a batch is to execute: each section's operations in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    /// The next ones of the root chain's queue.
    pub priority: Vec<Priority>,
    /// Openings.
    pub openings: Vec<SignedOpening>,
    /// Transfers.
    pub transfers: Vec<SignedTransfer>,
    /// Withdrawals.
    pub withdrawals: Vec<SignedWithdrawal>,
    /// Rotations.
    pub rotations: Vec<SignedRotation>,
    /// Fee slots, at most one for each token.
    pub fees: Vec<FeeSlot>,
}

impl Operations {
    /// Adds an operation at the end of its section. Gives its position there.
    pub fn push(&mut self, operation: Operation) -> usize {
        fn at_end<T>(section: &mut Vec<T>, operation: T) -> usize {
            section.push(operation);
            section.len() - 1
        }
        match operation {
            Operation::Priority(priority) => at_end(&mut self.priority, priority),
            Operation::Signed(SignedOperation::Opening(signed)) => at_end(&mut self.openings, signed),
            Operation::Signed(SignedOperation::Transfer(signed)) => at_end(&mut self.transfers, signed),
            Operation::Signed(SignedOperation::Withdrawal(signed)) => at_end(&mut self.withdrawals, signed),
            Operation::Signed(SignedOperation::Rotation(signed)) => at_end(&mut self.rotations, signed),
        }
    }

    /// Number of operations or fee slots in a section.
    #[must_use]
    pub fn count(&self, section: Section) -> usize {
        match section {
            Section::Priority => self.priority.len(),
            Section::Openings => self.openings.len(),
            Section::Transfers => self.transfers.len(),
            Section::Withdrawals => self.withdrawals.len(),
            Section::Rotations => self.rotations.len(),
            Section::Fees => self.fees.len(),
        }
    }
}

/// One priority operation as it was executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedPriority {
    /// The operation.
    pub operation: Priority,
    /// Whether its conditions held.
    pub done: bool,
    /// The leaf before, `None` for an empty place.
    pub account: Option<Leaf>,
    /// Its path.
    pub path: Path,
}

impl AppliedPriority {
    /// What became of it, as published.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.operation.outcome(self.done, self.account.as_ref())
    }
}

/// One opening as it was executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedOpening {
    /// The operation.
    pub signed: SignedOpening,
    /// Sender's leaf before.
    pub sender: Leaf,
    /// Sender's path.
    pub sender_path: Path,
    /// Path of the new leaf after the sender's update.
    pub recipient_path: Path,
    /// The fee slot that received the fee.
    pub fee_slot: usize,
}

/// One transfer as it was executed: everything that its slot of the circuit reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedTransfer {
    /// The operation.
    pub signed: SignedTransfer,
    /// Sender's leaf before.
    pub sender: Leaf,
    /// Sender's path.
    pub sender_path: Path,
    /// Recipient's leaf after the sender's update.
    pub recipient: Leaf,
    /// Recipient's path after the sender's update.
    pub recipient_path: Path,
    /// The fee slot that received the fee.
    pub fee_slot: usize,
}

/// One withdrawal as it was executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedWithdrawal {
    /// The operation.
    pub signed: SignedWithdrawal,
    /// Sender's leaf before.
    pub sender: Leaf,
    /// Sender's path.
    pub sender_path: Path,
    /// The fee slot that received the fee.
    pub fee_slot: usize,
}

/// One rotation as it was executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedRotation {
    /// The operation.
    pub signed: SignedRotation,
    /// The leaf before.
    pub sender: Leaf,
    /// Its path.
    pub sender_path: Path,
    /// The fee slot that received the fee.
    pub fee_slot: usize,
}

/// One fee slot as it was executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedFee {
    /// The slot.
    pub slot: FeeSlot,
    /// Sum credited.
    pub amount: u128,
    /// The leaf before the credit.
    pub account: Leaf,
    /// Its path.
    pub path: Path,
}

/// A batch that passed every rule, with all that its proof needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedBatch {
    /// Levels of the tree.
    pub levels: u8,
    /// Rollup, number, queue.
    pub context: BatchContext,
    /// Root before.
    pub old_root: Fr,
    /// Root after.
    pub new_root: Fr,
    /// Priority operations in order.
    pub priority: Vec<AppliedPriority>,
    /// Openings in order.
    pub openings: Vec<AppliedOpening>,
    /// Transfers in order.
    pub transfers: Vec<AppliedTransfer>,
    /// Withdrawals in order.
    pub withdrawals: Vec<AppliedWithdrawal>,
    /// Rotations in order.
    pub rotations: Vec<AppliedRotation>,
    /// Fee slots in order.
    pub fees: Vec<AppliedFee>,
}

/// Why a batch was refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// A priority operation cannot be part of a batch.
    #[error("priority operation {index}: {error}")]
    Priority {
        /// Position of the operation in its section, from 0.
        index: usize,
        /// The rule and the values.
        error: PriorityError,
    },
    /// A signed operation broke a rule.
    #[error("{} {index}: {error}", .section.singular())]
    Operation {
        /// The operation's section.
        section: Section,
        /// Position of the operation in its section, from 0.
        index: usize,
        /// The rule and the values.
        error: RuleError,
    },
    /// A fee slot broke a rule.
    #[error("fee slot {slot}: {error}")]
    Fee {
        /// Position of the fee slot in the batch, from 0.
        slot: usize,
        /// The rule and the values.
        error: FeeError,
    },
    /// The rollup id has more than 248 bits; no statement could name it.
    #[error("rollup id {rollup_id} is not below 2^248")]
    RollupIdInRange {
        /// The id.
        rollup_id: Fr,
    },
    /// The queue's hash has more than 248 bits; no statement could name it.
    #[error("hash of the priority queue is not below 2^248")]
    QueueInRange,
    /// The state could not be read.
    #[error("state could not be read")]
    State(#[from] StateError),
}

impl ApplyError {
    /// Name of the broken rule; `None` if the state, or what the caller says of rollup and queue, failed.
    pub const fn rule(&self) -> Option<&'static str> {
        match self {
            Self::Priority { error, .. } => Some(error.rule()),
            Self::Operation { error, .. } => Some(error.rule()),
            Self::Fee { error, .. } => Some(error.rule()),
            Self::RollupIdInRange { .. } | Self::QueueInRange | Self::State(_) => None,
        }
    }
}

/// Applies a batch on top of `overlay`.
///
/// On an error the overlay holds the operations before the failed one: the caller drops it.
pub fn apply_batch<R: StateReader + ?Sized>(
    overlay: &mut Overlay<'_, R>,
    context: &BatchContext,
    operations: &Operations,
) -> Result<AppliedBatch, ApplyError> {
    let rollup_id = context.rollup_id;
    if rollup_id.into_bigint().num_bits() > ROLLUP_ID_BITS {
        return Err(ApplyError::RollupIdInRange { rollup_id });
    }
    if context.queue[0] != 0 {
        return Err(ApplyError::QueueInRange);
    }
    let levels = overlay.levels();
    let old_root = overlay.root();
    let mut run = Run {
        rules: RuleContext {
            rollup_id: &context.rollup_id,
            batch_number: context.batch_number,
            capacity: Levels::new(levels)?.width(0),
            fee_slots: &operations.fees,
        },
        overlay,
        amounts: vec![Some(0); operations.fees.len()],
    };
    let priority = run.all(&operations.priority, Run::priority)?;
    let openings = run.all(&operations.openings, Run::opening)?;
    let transfers = run.all(&operations.transfers, Run::transfer)?;
    let withdrawals = run.all(&operations.withdrawals, Run::withdrawal)?;
    let rotations = run.all(&operations.rotations, Run::rotation)?;
    let fees = run.all(&operations.fees, Run::fee)?;
    Ok(AppliedBatch {
        levels,
        context: *context,
        old_root,
        new_root: run.overlay.root(),
        priority,
        openings,
        transfers,
        withdrawals,
        rotations,
        fees,
    })
}

/// A batch on its way.
struct Run<'a, 'o, R: StateReader + ?Sized> {
    rules: RuleContext<'a>,
    overlay: &'a mut Overlay<'o, R>,
    /// Sums of fees by slot; `None` once one reaches 2^128.
    amounts: Vec<Option<u128>>,
}

impl<R: StateReader + ?Sized> Run<'_, '_, R> {
    /// One section.
    fn all<T, A>(
        &mut self,
        section: &[T],
        one: impl Fn(&mut Self, usize, &T) -> Result<A, ApplyError>,
    ) -> Result<Vec<A>, ApplyError> {
        section
            .iter()
            .enumerate()
            .map(|(index, operation)| one(self, index, operation))
            .collect()
    }

    fn priority(&mut self, index: usize, operation: &Priority) -> Result<AppliedPriority, ApplyError> {
        let account = self.leaf_inside(operation.leaf())?;
        let effect = priority::check(operation, self.rules.capacity, account.as_ref())
            .map_err(|error| ApplyError::Priority { index, error })?;
        let path = self.overlay.path(operation.leaf())?;
        if let Some(after) = effect.after {
            self.overlay.set_leaf(operation.leaf(), after)?;
        }
        Ok(AppliedPriority {
            operation: *operation,
            done: effect.outcome.is_done(),
            account,
            path,
        })
    }

    fn opening(&mut self, index: usize, signed: &SignedOpening) -> Result<AppliedOpening, ApplyError> {
        let sender = self.leaf_inside(signed.opening.from)?;
        let place = self.leaf_inside(signed.opening.to)?;
        let operation: SignedOperation = (*signed).into();
        let effect = opening::check(
            &self.rules,
            &signed.opening,
            sender.as_ref(),
            place.as_ref(),
            self.signature(&operation),
        )
        .map_err(|error| refused(&operation, index, error))?;
        let sender_path = self.spend(&operation, &effect.sender)?;
        let recipient_path = self.overlay.path(effect.index)?;
        self.overlay.set_leaf(effect.index, effect.opened)?;
        Ok(AppliedOpening {
            signed: *signed,
            sender: effect.sender.before,
            sender_path,
            recipient_path,
            fee_slot: effect.sender.fee_slot,
        })
    }

    fn transfer(&mut self, index: usize, signed: &SignedTransfer) -> Result<AppliedTransfer, ApplyError> {
        let sender = self.leaf_inside(signed.transfer.from)?;
        let recipient = self.leaf_inside(signed.transfer.to)?;
        let operation: SignedOperation = (*signed).into();
        let effect = transfer::check(
            &self.rules,
            &signed.transfer,
            sender.as_ref(),
            recipient.as_ref(),
            self.signature(&operation),
        )
        .map_err(|error| refused(&operation, index, error))?;
        let sender_path = self.spend(&operation, &effect.sender)?;
        let recipient_path = self.overlay.path(effect.index)?;
        self.overlay.set_leaf(effect.index, effect.recipient)?;
        Ok(AppliedTransfer {
            signed: *signed,
            sender: effect.sender.before,
            sender_path,
            recipient: effect.recipient_before,
            recipient_path,
            fee_slot: effect.sender.fee_slot,
        })
    }

    fn withdrawal(
        &mut self,
        index: usize,
        signed: &SignedWithdrawal,
    ) -> Result<AppliedWithdrawal, ApplyError> {
        let sender = self.leaf_inside(signed.withdrawal.from)?;
        let operation: SignedOperation = (*signed).into();
        let signature = self.signature(&operation);
        let effect = withdrawal::check(&self.rules, &signed.withdrawal, sender.as_ref(), signature)
            .map_err(|error| refused(&operation, index, error))?;
        let sender_path = self.spend(&operation, &effect)?;
        Ok(AppliedWithdrawal {
            signed: *signed,
            sender: effect.before,
            sender_path,
            fee_slot: effect.fee_slot,
        })
    }

    fn rotation(&mut self, index: usize, signed: &SignedRotation) -> Result<AppliedRotation, ApplyError> {
        let sender = self.leaf_inside(signed.rotation.from)?;
        let operation: SignedOperation = (*signed).into();
        let signature = self.signature(&operation);
        let effect = rotation::check(&self.rules, &signed.rotation, sender.as_ref(), signature)
            .map_err(|error| refused(&operation, index, error))?;
        let sender_path = self.spend(&operation, &effect)?;
        Ok(AppliedRotation {
            signed: *signed,
            sender: effect.before,
            sender_path,
            fee_slot: effect.fee_slot,
        })
    }

    fn signature(&self, operation: &SignedOperation) -> impl FnOnce(&PublicKey) -> Result<(), RuleError> {
        let rollup_id = self.rules.rollup_id;
        move |key| operation.check_signature(rollup_id, key)
    }

    /// The signer's update, and the fee on its way. Gives the path before.
    fn spend(&mut self, operation: &SignedOperation, effect: &SenderEffect) -> Result<Path, StateError> {
        let path = self.overlay.path(operation.from())?;
        self.overlay.set_leaf(operation.from(), effect.after)?;
        if let Some(amount) = self.amounts.get_mut(effect.fee_slot) {
            *amount = amount.and_then(|sum| sum.checked_add(effect.fee));
        }
        Ok(path)
    }

    fn fee(&mut self, slot: usize, fee_slot: &FeeSlot) -> Result<AppliedFee, ApplyError> {
        let account = self.leaf_inside(fee_slot.leaf)?;
        let amount = self.amounts.get(slot).copied().flatten();
        let effect = fee::check(fee_slot, amount, self.rules.capacity, account.as_ref())
            .map_err(|error| ApplyError::Fee { slot, error })?;
        let path = self.overlay.path(fee_slot.leaf)?;
        self.overlay.set_leaf(fee_slot.leaf, effect.credited)?;
        Ok(AppliedFee {
            slot: *fee_slot,
            amount: effect.amount,
            account: effect.account,
            path,
        })
    }

    fn leaf_inside(&self, index: AccountIndex) -> Result<Option<Leaf>, StateError> {
        if u64::from(index.get()) < self.rules.capacity {
            self.overlay.leaf(index)
        } else {
            Ok(None)
        }
    }
}

fn refused(operation: &SignedOperation, index: usize, error: RuleError) -> ApplyError {
    ApplyError::Operation {
        section: operation.section(),
        index,
        error,
    }
}
