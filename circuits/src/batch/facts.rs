//! What an applied batch publishes.

use super::{AppliedBatch, AppliedOpening, AppliedRotation, AppliedTransfer, AppliedWithdrawal};
use crate::tx::{SignedOpening, SignedRotation, SignedTransfer, SignedWithdrawal};
use ark_ff::{BigInteger, PrimeField};
use quittance_verifier::{Facts, FeeData, OpeningData, RotationData, TransferData, WithdrawalData};

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
            queue: self.context.queue,
            priority: self
                .priority
                .iter()
                .map(|applied| applied.operation.data(applied.done, applied.account.as_ref()))
                .collect(),
            openings: self.openings.iter().map(opening).collect(),
            transfers: self.transfers.iter().map(transfer).collect(),
            withdrawals: self.withdrawals.iter().map(withdrawal).collect(),
            rotations: self.rotations.iter().map(rotation).collect(),
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

fn opening(applied: &AppliedOpening) -> OpeningData {
    let SignedOpening { opening, .. } = &applied.signed;
    OpeningData {
        from: opening.from.get(),
        to: opening.to.get(),
        amount: opening.amount.get(),
        fee: opening.fee.get(),
        token: applied.sender.token,
        owner: opening.owner.get(),
        key: [opening.key.x, opening.key.y],
    }
}

fn transfer(applied: &AppliedTransfer) -> TransferData {
    let SignedTransfer { transfer, .. } = &applied.signed;
    TransferData {
        from: transfer.from.get(),
        to: transfer.to.get(),
        amount: transfer.amount.get(),
        fee: transfer.fee.get(),
    }
}

fn withdrawal(applied: &AppliedWithdrawal) -> WithdrawalData {
    let SignedWithdrawal { withdrawal, .. } = &applied.signed;
    WithdrawalData {
        from: withdrawal.from.get(),
        token: applied.sender.token,
        amount: withdrawal.amount,
        fee: withdrawal.fee.get(),
        address: withdrawal.address.get(),
    }
}

fn rotation(applied: &AppliedRotation) -> RotationData {
    let SignedRotation { rotation, .. } = &applied.signed;
    RotationData {
        from: rotation.from.get(),
        fee: rotation.fee.get(),
        owner: rotation.owner.get(),
        key: [rotation.key.x, rotation.key.y],
    }
}
