//! What the circuit of a shape is given for one batch.

use super::AppliedBatch;
use super::{
    AppliedFee, AppliedOpening, AppliedPriority, AppliedRotation, AppliedTransfer, AppliedWithdrawal,
};
use crate::babyjubjub::Point;
use crate::eddsa::Signature;
use crate::leaf::Leaf;
use crate::leaf::constraints::LeafWitness;
use crate::tree::Path;
use crate::tx::fee::constraints::FeeWitness;
use crate::tx::opening::constraints::OpeningWitness;
use crate::tx::priority::constraints::PriorityWitness;
use crate::tx::rotation::constraints::RotationWitness;
use crate::tx::sender::constraints::SignerWitness;
use crate::tx::transfer::constraints::TransferWitness;
use crate::tx::withdrawal::constraints::WithdrawalWitness;
use crate::tx::{Priority, SignedOperation};
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, PrimeField};
use quittance_verifier::{PriorityData, Section, Shape};
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
    /// Hash of the priority queue before the batch.
    pub queue: Fr,
    /// One for each priority slot.
    pub priority: Vec<PriorityWitness>,
    /// One for each opening slot.
    pub openings: Vec<OpeningWitness>,
    /// One for each transfer slot.
    pub transfers: Vec<TransferWitness>,
    /// One for each withdrawal slot.
    pub withdrawals: Vec<WithdrawalWitness>,
    /// One for each rotation slot.
    pub rotations: Vec<RotationWitness>,
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
        /// The section.
        section: Section,
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
        Self::padding_of(shape, Fr::ZERO)
    }

    /// A batch of padding with this number.
    fn padding_of(shape: &Shape, batch_number: Fr) -> Self {
        let (levels, fee_slots) = (usize::from(shape.levels), count(shape.fee_slots));
        Self {
            rollup_id: Fr::ZERO,
            batch_number,
            old_root: Fr::ZERO,
            new_root: Fr::ZERO,
            queue: Fr::ZERO,
            priority: vec![PriorityWitness::padding(levels); count(shape.priority)],
            openings: vec![OpeningWitness::padding(levels, fee_slots, batch_number); count(shape.openings)],
            transfers: vec![
                TransferWitness::padding(levels, fee_slots, batch_number);
                count(shape.transfers)
            ],
            withdrawals: vec![
                WithdrawalWitness::padding(levels, fee_slots, batch_number);
                count(shape.withdrawals)
            ],
            rotations: vec![
                RotationWitness::padding(levels, fee_slots, batch_number);
                count(shape.rotations)
            ],
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
        for section in Section::ALL {
            let (got, slots) = (batch.count(section), shape.slots(section));
            if got > count(slots) {
                return Err(WitnessError::TooLarge {
                    section,
                    got,
                    slots,
                    shape,
                });
            }
        }
        let levels = usize::from(shape.levels);
        if let Some(path) = batch.paths().find(|path| path.siblings.len() != levels) {
            return Err(WitnessError::PathLength {
                got: path.siblings.len(),
                expected: shape.levels,
                shape,
            });
        }
        let fee_slots = count(shape.fee_slots);
        let mut witness = Self {
            rollup_id: batch.context.rollup_id,
            old_root: batch.old_root,
            new_root: batch.new_root,
            // Below 2^248: nothing is reduced.
            queue: Fr::from_be_bytes_mod_order(&batch.context.queue),
            ..Self::padding_of(&shape, Fr::from(batch.context.batch_number.get()))
        };
        fill(&mut witness.priority, &batch.priority, PriorityWitness::new);
        fill(&mut witness.openings, &batch.openings, |applied| {
            OpeningWitness::new(applied, fee_slots)
        });
        fill(&mut witness.transfers, &batch.transfers, |applied| {
            TransferWitness::new(applied, fee_slots)
        });
        fill(&mut witness.withdrawals, &batch.withdrawals, |applied| {
            WithdrawalWitness::new(applied, fee_slots)
        });
        fill(&mut witness.rotations, &batch.rotations, |applied| {
            RotationWitness::new(applied, fee_slots)
        });
        fill(&mut witness.fees, &batch.fees, FeeWitness::new);
        Ok(witness)
    }
}

/// Puts operations into the first slots of a section.
fn fill<W, A>(slots: &mut [W], applied: &[A], witness: impl Fn(&A) -> W) {
    for (slot, applied) in slots.iter_mut().zip(applied) {
        *slot = witness(applied);
    }
}

impl AppliedBatch {
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

    fn paths(&self) -> impl Iterator<Item = &Path> {
        let priority = self.priority.iter().map(|applied| &applied.path);
        let openings = self
            .openings
            .iter()
            .flat_map(|applied| [&applied.sender_path, &applied.recipient_path]);
        let transfers = self
            .transfers
            .iter()
            .flat_map(|applied| [&applied.sender_path, &applied.recipient_path]);
        let withdrawals = self.withdrawals.iter().map(|applied| &applied.sender_path);
        let rotations = self.rotations.iter().map(|applied| &applied.sender_path);
        let fees = self.fees.iter().map(|applied| &applied.path);
        let signed = openings.chain(transfers).chain(withdrawals).chain(rotations);
        priority.chain(signed).chain(fees)
    }
}

impl PriorityWitness {
    /// The witness of an executed priority operation.
    pub fn new(applied: &AppliedPriority) -> Self {
        let account = applied.account.as_ref();
        let (owner, key) = match &applied.operation {
            Priority::Deposit(deposit) => (deposit.owner, deposit.key),
            Priority::ForcedExit(exit) => (exit.caller, Point::new(Fr::ZERO, Fr::ZERO)),
        };
        let (token, amount, exit) = match applied.operation.data(applied.done, account) {
            PriorityData::Deposit { deposit, .. } => (deposit.token, deposit.amount, false),
            PriorityData::ForcedExit { paid: Some(paid), .. } => (paid.token, paid.amount, true),
            PriorityData::ForcedExit { paid: None, .. } => (0, 0, true),
        };
        Self {
            enabled: Fr::ONE,
            exit: Fr::from(exit),
            done: Fr::from(applied.done),
            leaf: Fr::from(applied.operation.leaf().get()),
            token: Fr::from(token),
            amount: Fr::from(amount),
            owner: owner.into(),
            key: [key.x, key.y],
            exists: Fr::from(account.is_some()),
            account: account.map_or(LeafWitness::PADDING, LeafWitness::from),
            path: applied.path.siblings.clone(),
        }
    }
}

impl SignerWitness {
    /// The signer of an executed operation in a shape with `fee_slots` fee slots.
    fn new(signed: SignedOperation, leaf: &Leaf, path: &Path, fee_slot: usize, fee_slots: usize) -> Self {
        let Signature { r8, s } = *signed.signature();
        Self {
            enabled: Fr::ONE,
            from: Fr::from(signed.from().get()),
            fee: Fr::from(signed.fee().get()),
            nonce: Fr::from(signed.nonce().get()),
            valid_until: Fr::from(signed.valid_until().get()),
            leaf: leaf.into(),
            path: path.siblings.clone(),
            r8: [r8.x, r8.y],
            s,
            selectors: (0..fee_slots).map(|slot| Fr::from(slot == fee_slot)).collect(),
        }
    }
}

impl OpeningWitness {
    /// The witness of an executed opening in a shape with `fee_slots` fee slots.
    pub fn new(applied: &AppliedOpening, fee_slots: usize) -> Self {
        let opening = &applied.signed.opening;
        Self {
            signer: SignerWitness::new(
                applied.signed.into(),
                &applied.sender,
                &applied.sender_path,
                applied.fee_slot,
                fee_slots,
            ),
            to: Fr::from(opening.to.get()),
            amount: Fr::from(opening.amount.get()),
            key: [opening.key.x, opening.key.y],
            owner: opening.owner.into(),
            occupied: Fr::ZERO,
            recipient_path: applied.recipient_path.siblings.clone(),
        }
    }
}

impl TransferWitness {
    /// The witness of an executed transfer in a shape with `fee_slots` fee slots.
    pub fn new(applied: &AppliedTransfer, fee_slots: usize) -> Self {
        let transfer = &applied.signed.transfer;
        Self {
            signer: SignerWitness::new(
                applied.signed.into(),
                &applied.sender,
                &applied.sender_path,
                applied.fee_slot,
                fee_slots,
            ),
            to: Fr::from(transfer.to.get()),
            amount: Fr::from(transfer.amount.get()),
            recipient: (&applied.recipient).into(),
            recipient_path: applied.recipient_path.siblings.clone(),
        }
    }
}

impl WithdrawalWitness {
    /// The witness of an executed withdrawal in a shape with `fee_slots` fee slots.
    pub fn new(applied: &AppliedWithdrawal, fee_slots: usize) -> Self {
        let withdrawal = &applied.signed.withdrawal;
        Self {
            signer: SignerWitness::new(
                applied.signed.into(),
                &applied.sender,
                &applied.sender_path,
                applied.fee_slot,
                fee_slots,
            ),
            amount: Fr::from(withdrawal.amount),
            address: withdrawal.address.into(),
        }
    }
}

impl RotationWitness {
    /// The witness of an executed rotation in a shape with `fee_slots` fee slots.
    pub fn new(applied: &AppliedRotation, fee_slots: usize) -> Self {
        let rotation = &applied.signed.rotation;
        Self {
            signer: SignerWitness::new(
                applied.signed.into(),
                &applied.sender,
                &applied.sender_path,
                applied.fee_slot,
                fee_slots,
            ),
            key: [rotation.key.x, rotation.key.y],
            owner: rotation.owner.into(),
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
