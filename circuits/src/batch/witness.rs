//! What the circuit of a shape is given for one batch.

use super::{AppliedBatch, AppliedFee, AppliedTransfer};
use crate::tree::Path;
use crate::tx::fee::constraints::FeeWitness;
use crate::tx::transfer::constraints::TransferWitness;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_verifier::Shape;
use thiserror::Error;

/// Hints for all slots of a shape. Total: padding slots are witnesses like the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchWitness {
    /// The rollup's id.
    pub rollup_id: Fr,
    /// The batch's number.
    pub batch_number: Fr,
    /// Root before the batch.
    pub old_root: Fr,
    /// Root after the batch.
    pub new_root: Fr,
    /// One for each transfer slot.
    pub transfers: Vec<TransferWitness>,
    /// One for each fee slot.
    pub fees: Vec<FeeWitness>,
}

/// Why a batch has no witness in a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// More operations than slots.
    #[error("batch has {got} {section}, shape {shape} has {slots}", shape = .shape.name())]
    TooLarge {
        /// `transfers` or `fee slots`.
        section: &'static str,
        /// Operations in the batch.
        got: usize,
        /// Slots in the shape.
        slots: u32,
        /// The shape.
        shape: Shape,
    },
    /// The tree has other levels than the shape.
    #[error("tree has {got} levels, shape {shape} has {expected}", shape = .shape.name())]
    Levels {
        /// Levels of the tree.
        got: u8,
        /// Levels of the shape.
        expected: u8,
        /// The shape.
        shape: Shape,
    },
    /// A path does not have one entry for each level.
    #[error("a path has {got} levels, shape {shape} has {expected}", shape = .shape.name())]
    PathLength {
        /// Entries of the path.
        got: usize,
        /// Levels of the shape.
        expected: u8,
        /// The shape.
        shape: Shape,
    },
}

impl BatchWitness {
    /// A batch of padding: the instance from which a circuit's structure is made.
    pub fn padding(shape: &Shape) -> Self {
        let (levels, fee_slots) = (usize::from(shape.levels), count(shape.fee_slots));
        Self {
            rollup_id: Fr::ZERO,
            batch_number: Fr::ZERO,
            old_root: Fr::ZERO,
            new_root: Fr::ZERO,
            transfers: vec![TransferWitness::padding(levels, fee_slots, Fr::ZERO); count(shape.transfers)],
            fees: vec![FeeWitness::padding(levels); fee_slots],
        }
    }

    /// The witness of an applied batch in a shape that has room for it.
    pub fn new(shape: &Shape, batch: &AppliedBatch) -> Result<Self, WitnessError> {
        let shape = *shape;
        if batch.levels != shape.levels {
            return Err(WitnessError::Levels {
                got: batch.levels,
                expected: shape.levels,
                shape,
            });
        }
        for (section, got, slots) in [
            ("transfers", batch.transfers.len(), shape.transfers),
            ("fee slots", batch.fees.len(), shape.fee_slots),
        ] {
            if got > count(slots) {
                return Err(WitnessError::TooLarge {
                    section,
                    got,
                    slots,
                    shape,
                });
            }
        }
        let (levels, fee_slots) = (usize::from(shape.levels), count(shape.fee_slots));
        let mut paths = batch
            .transfers
            .iter()
            .flat_map(|t| [&t.sender_path, &t.recipient_path]);
        let mut fee_paths = batch.fees.iter().map(|fee| &fee.path);
        let wrong = |path: &&Path| path.siblings.len() != levels;
        if let Some(path) = paths.find(wrong).or_else(|| fee_paths.find(wrong)) {
            let got = path.siblings.len();
            return Err(WitnessError::PathLength {
                got,
                expected: shape.levels,
                shape,
            });
        }
        let batch_number = Fr::from(batch.context.batch_number.get());
        let mut transfers: Vec<_> = batch
            .transfers
            .iter()
            .map(|applied| TransferWitness::new(applied, fee_slots))
            .collect();
        transfers.resize(
            count(shape.transfers),
            TransferWitness::padding(levels, fee_slots, batch_number),
        );
        let mut fees: Vec<_> = batch.fees.iter().map(FeeWitness::new).collect();
        fees.resize(fee_slots, FeeWitness::padding(levels));
        Ok(Self {
            rollup_id: batch.context.rollup_id,
            batch_number,
            old_root: batch.old_root,
            new_root: batch.new_root,
            transfers,
            fees,
        })
    }
}

impl TransferWitness {
    /// The witness of an executed transfer in a shape with `fee_slots` fee slots.
    pub fn new(applied: &AppliedTransfer, fee_slots: usize) -> Self {
        let transfer = &applied.signed.transfer;
        let signature = &applied.signed.signature;
        Self {
            enabled: Fr::ONE,
            from: Fr::from(transfer.from.get()),
            to: Fr::from(transfer.to.get()),
            amount: Fr::from(transfer.amount.get()),
            fee: Fr::from(transfer.fee.get()),
            nonce: Fr::from(transfer.nonce.get()),
            valid_until: Fr::from(transfer.valid_until.get()),
            sender: (&applied.sender).into(),
            sender_path: applied.sender_path.siblings.clone(),
            recipient: (&applied.recipient).into(),
            recipient_path: applied.recipient_path.siblings.clone(),
            r8: [signature.r8.x, signature.r8.y],
            s: signature.s,
            selectors: (0..fee_slots)
                .map(|slot| Fr::from(slot == applied.fee_slot))
                .collect(),
        }
    }
}

impl FeeWitness {
    /// The witness of an executed fee slot.
    pub fn new(applied: &AppliedFee) -> Self {
        Self {
            enabled: Fr::ONE,
            leaf: Fr::from(applied.slot.leaf.get()),
            token: Fr::from(applied.slot.token.get()),
            account: (&applied.account).into(),
            path: applied.path.siblings.clone(),
        }
    }
}

/// Slots as a length; usize has at least 32 bits wherever a proof can be made.
fn count(slots: u32) -> usize {
    usize::try_from(slots).unwrap_or(usize::MAX)
}
