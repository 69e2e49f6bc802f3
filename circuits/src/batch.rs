//! A batch: transfers and fee slots applied to a state, natively.
//!
//! [`apply_batch`] is the one state-transition function: the service, the witness and the tests run it. A batch that breaks a
//! rule is refused here, before anything is proved, and leaves the overlay to be thrown away.

pub mod constraints;
mod encoding;
pub mod witness;

pub use encoding::AppliedDecodeError;

use crate::leaf::Leaf;
use crate::state::{Overlay, StateError, StateReader};
use crate::tree::{Levels, Path};
use crate::tx::fee::{self, FeeError, FeeSlot};
use crate::tx::transfer::{self, SignedTransfer, TransferError};
use crate::types::{AccountIndex, BatchNumber};
use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField};
use quittance_verifier::{Facts, FeeData, TransferData};
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
    /// Rollup and number.
    pub context: BatchContext,
    /// Root before.
    pub old_root: Fr,
    /// Root after.
    pub new_root: Fr,
    /// Transfers in order.
    pub transfers: Vec<AppliedTransfer>,
    /// Fee slots in order.
    pub fees: Vec<AppliedFee>,
}

/// Why a batch was refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// A transfer broke a rule.
    #[error("transfer {index}: {error}")]
    Transfer {
        /// Position of the transfer in the batch, from 0.
        index: usize,
        /// The rule and the values.
        error: TransferError,
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
    /// The state could not be read.
    #[error("state could not be read")]
    State(#[from] StateError),
}

impl ApplyError {
    /// Name of the broken rule; `None` if the state or the caller's rollup id failed.
    pub const fn rule(&self) -> Option<&'static str> {
        match self {
            Self::Transfer { error, .. } => Some(error.rule()),
            Self::Fee { error, .. } => Some(error.rule()),
            Self::RollupIdInRange { .. } | Self::State(_) => None,
        }
    }
}

/// Applies a batch on top of `overlay`.
///
/// On an error the overlay holds the operations before the failed one: the caller drops it.
pub fn apply_batch<R: StateReader + ?Sized>(
    overlay: &mut Overlay<'_, R>,
    context: &BatchContext,
    transfers: &[SignedTransfer],
    fees: &[FeeSlot],
) -> Result<AppliedBatch, ApplyError> {
    let rollup_id = context.rollup_id;
    if rollup_id.into_bigint().num_bits() > ROLLUP_ID_BITS {
        return Err(ApplyError::RollupIdInRange { rollup_id });
    }
    let levels = overlay.levels();
    let capacity = Levels::new(levels)?.width(0);
    let old_root = overlay.root();
    let rules = transfer::TransferContext {
        rollup_id: &context.rollup_id,
        batch_number: context.batch_number,
        capacity,
        fee_slots: fees,
    };
    // Sums of fees; `None` once one reaches 2^128.
    let mut amounts = vec![Some(0u128); fees.len()];
    let mut applied = Vec::with_capacity(transfers.len());
    for (index, signed) in transfers.iter().enumerate() {
        let (from, to) = (signed.transfer.from, signed.transfer.to);
        let sender = leaf_inside(overlay, capacity, from)?;
        let recipient = leaf_inside(overlay, capacity, to)?;
        let effect = transfer::check(&rules, signed, sender.as_ref(), recipient.as_ref())
            .map_err(|error| ApplyError::Transfer { index, error })?;
        let sender_path = overlay.path(from)?;
        overlay.set_leaf(from, effect.sender)?;
        let recipient_path = overlay.path(to)?;
        overlay.set_leaf(to, effect.recipient)?;
        if let Some(amount) = amounts.get_mut(effect.fee_slot) {
            *amount = amount.and_then(|sum| sum.checked_add(effect.fee));
        }
        applied.push(AppliedTransfer {
            signed: *signed,
            sender: effect.sender_before,
            sender_path,
            recipient: effect.recipient_before,
            recipient_path,
            fee_slot: effect.fee_slot,
        });
    }
    let mut credited = Vec::with_capacity(fees.len());
    for (slot, (fee_slot, amount)) in fees.iter().zip(amounts).enumerate() {
        let account = leaf_inside(overlay, capacity, fee_slot.leaf)?;
        let effect = fee::check(fee_slot, amount, capacity, account.as_ref())
            .map_err(|error| ApplyError::Fee { slot, error })?;
        let path = overlay.path(fee_slot.leaf)?;
        overlay.set_leaf(fee_slot.leaf, effect.credited)?;
        credited.push(AppliedFee {
            slot: *fee_slot,
            amount: effect.amount,
            account: effect.account,
            path,
        });
    }
    Ok(AppliedBatch {
        levels,
        context: *context,
        old_root,
        new_root: overlay.root(),
        transfers: applied,
        fees: credited,
    })
}

impl AppliedBatch {
    /// What the batch publishes.
    pub fn facts(&self) -> Facts {
        let mut rollup_id = [0; 32];
        let bytes = self.context.rollup_id.into_bigint().to_bytes_be();
        rollup_id.copy_from_slice(&bytes);
        Facts {
            rollup_id,
            batch_number: self.context.batch_number.get(),
            old_root: self.old_root,
            new_root: self.new_root,
            transfers: self
                .transfers
                .iter()
                .map(
                    |AppliedTransfer {
                         signed: SignedTransfer { transfer, .. },
                         ..
                     }| TransferData {
                        from: transfer.from.get(),
                        to: transfer.to.get(),
                        amount: transfer.amount.get(),
                        fee: transfer.fee.get(),
                    },
                )
                .collect(),
            fees: self
                .fees
                .iter()
                .map(|fee| FeeData {
                    leaf: fee.slot.leaf.get(),
                    token: fee.slot.token.get(),
                    amount: fee.amount,
                })
                .collect(),
        }
    }
}

fn leaf_inside<R: StateReader + ?Sized>(
    overlay: &Overlay<'_, R>,
    capacity: u64,
    index: AccountIndex,
) -> Result<Option<Leaf>, StateError> {
    if u64::from(index.get()) < capacity {
        overlay.leaf(index)
    } else {
        Ok(None)
    }
}
