//! Digest of a submission's content, by which a key that is used again for something else is noticed.
//!
//! BLAKE3 over a tag for the kind of the submission and the decoded values, integers little-endian, each list after its
//! length: two submissions have the same digest only if they ask for the same.

use blake3::Hasher;
use quittance_circuits::babyjubjub::Point;
use quittance_circuits::tx::SignedOperation;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::types::RootAddress;

use crate::encoding::fr_to_bytes_be;

/// The digest of one operation by itself.
pub(super) fn of_operation(signed: &SignedOperation) -> [u8; 32] {
    let mut hasher = Hasher::new();
    hasher.update(b"quittance.v1 operation");
    operation(&mut hasher, signed);
    hasher.finalize().into()
}

/// The digest of a batch with the fee slots that the client named.
pub(super) fn of_batch<'a>(
    operations: impl ExactSizeIterator<Item = &'a SignedOperation>,
    fee_slots: &[FeeSlot],
) -> [u8; 32] {
    let mut hasher = Hasher::new();
    hasher.update(b"quittance.v1 batch of operations");
    length(&mut hasher, operations.len());
    for signed in operations {
        operation(&mut hasher, signed);
    }
    length(&mut hasher, fee_slots.len());
    for slot in fee_slots {
        hasher.update(&slot.leaf.get().to_le_bytes());
        hasher.update(&slot.token.get().to_le_bytes());
    }
    hasher.finalize().into()
}

fn length(hasher: &mut Hasher, length: usize) {
    hasher.update(&u64::try_from(length).unwrap_or(u64::MAX).to_le_bytes());
}

/// The kind's number, what all kinds have, then what the kind has: each kind has a fixed length.
fn operation(hasher: &mut Hasher, signed: &SignedOperation) {
    let kind: u8 = match signed {
        SignedOperation::Transfer(_) => 1,
        SignedOperation::Opening(_) => 2,
        SignedOperation::Withdrawal(_) => 3,
        SignedOperation::Rotation(_) => 4,
    };
    hasher.update(&[kind]);
    hasher.update(&signed.from().get().to_le_bytes());
    hasher.update(&signed.fee().get().to_le_bytes());
    hasher.update(&signed.nonce().get().to_le_bytes());
    hasher.update(&signed.valid_until().get().to_le_bytes());
    let signature = signed.signature();
    point(hasher, &signature.r8);
    for limb in signature.s {
        hasher.update(&limb.to_le_bytes());
    }
    match signed {
        SignedOperation::Transfer(signed) => {
            hasher.update(&signed.transfer.to.get().to_le_bytes());
            hasher.update(&signed.transfer.amount.get().to_le_bytes());
        }
        SignedOperation::Opening(signed) => {
            hasher.update(&signed.opening.to.get().to_le_bytes());
            hasher.update(&signed.opening.amount.get().to_le_bytes());
            holder(hasher, &signed.opening.key, &signed.opening.owner);
        }
        SignedOperation::Withdrawal(signed) => {
            hasher.update(&signed.withdrawal.amount.to_le_bytes());
            hasher.update(&signed.withdrawal.address.get());
        }
        SignedOperation::Rotation(signed) => {
            holder(hasher, &signed.rotation.key, &signed.rotation.owner);
        }
    }
}

fn holder(hasher: &mut Hasher, key: &Point, owner: &RootAddress) {
    point(hasher, key);
    hasher.update(&owner.get());
}

fn point(hasher: &mut Hasher, point: &Point) {
    hasher.update(&fr_to_bytes_be(&point.x));
    hasher.update(&fr_to_bytes_be(&point.y));
}

#[cfg(test)]
mod tests {
    use super::*;
    use quittance_circuits::eddsa::SecretKey;
    use quittance_circuits::float::{FloatAmount, FloatFee};
    use quittance_circuits::tx::transfer::Transfer;
    use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, TokenId};

    fn signed(change: impl FnOnce(&mut SignedTransfer)) -> SignedTransfer {
        let transfer = Transfer {
            from: AccountIndex(1),
            to: AccountIndex(2),
            amount: FloatAmount::encode_floor(3),
            fee: FloatFee::encode_floor(4),
            nonce: Nonce(5),
            valid_until: BatchNumber(6),
        };
        let key = SecretKey::from_bytes(&[1; 32]);
        let mut signed = SignedTransfer {
            signature: key.sign(&transfer.message(&1u64.into())),
            transfer,
        };
        change(&mut signed);
        signed
    }

    #[test]
    fn every_value_and_the_kind_count() {
        let slot = |leaf, token| FeeSlot {
            leaf: AccountIndex(leaf),
            token: TokenId(token),
        };
        let one = signed(|_| ());
        let mut all = vec![
            of_transfer(&one),
            of_transfer(&signed(|s| s.transfer.from = AccountIndex(9))),
            of_transfer(&signed(|s| s.transfer.to = AccountIndex(9))),
            of_transfer(&signed(|s| s.transfer.amount = FloatAmount::encode_floor(9))),
            of_transfer(&signed(|s| s.transfer.fee = FloatFee::encode_floor(9))),
            of_transfer(&signed(|s| s.transfer.nonce = Nonce(9))),
            of_transfer(&signed(|s| s.transfer.valid_until = BatchNumber(9))),
            of_transfer(&signed(|s| s.signature.s[3] ^= 1)),
            of_transfer(&signed(|s| s.signature.r8.x += ark_bn254::Fr::from(1u64))),
            of_transfer(&signed(|s| s.signature.r8.y += ark_bn254::Fr::from(1u64))),
            of_batch([&one].into_iter(), &[]),
            of_batch([&one, &one].into_iter(), &[]),
            of_batch([&one].into_iter(), &[slot(1, 2)]),
            of_batch([&one].into_iter(), &[slot(2, 1)]),
        ];
        assert_eq!(of_transfer(&signed(|_| ())), all[0]);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 14);
    }
}
