//! Digest of a submission's content, by which a key that is used again for something else is noticed.
//!
//! BLAKE3 over a tag for the kind of the submission and the decoded values, integers little-endian, each list after its
//! length: two submissions have the same digest only if they ask for the same.

use blake3::Hasher;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::transfer::SignedTransfer;

use crate::encoding::fr_to_bytes_be;

/// The digest of one transfer by itself.
pub(super) fn of_transfer(signed: &SignedTransfer) -> [u8; 32] {
    let mut hasher = Hasher::new();
    hasher.update(b"quittance.v1 transfer");
    transfer(&mut hasher, signed);
    hasher.finalize().into()
}

/// The digest of a batch with the fee slots that the client named.
pub(super) fn of_batch<'a>(
    transfers: impl ExactSizeIterator<Item = &'a SignedTransfer>,
    fee_slots: &[FeeSlot],
) -> [u8; 32] {
    let mut hasher = Hasher::new();
    hasher.update(b"quittance.v1 batch");
    length(&mut hasher, transfers.len());
    for signed in transfers {
        transfer(&mut hasher, signed);
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

fn transfer(hasher: &mut Hasher, signed: &SignedTransfer) {
    let transfer = &signed.transfer;
    hasher.update(&transfer.from.get().to_le_bytes());
    hasher.update(&transfer.to.get().to_le_bytes());
    hasher.update(&transfer.amount.get().to_le_bytes());
    hasher.update(&transfer.fee.get().to_le_bytes());
    hasher.update(&transfer.nonce.get().to_le_bytes());
    hasher.update(&transfer.valid_until.get().to_le_bytes());
    hasher.update(&fr_to_bytes_be(&signed.signature.r8.x));
    hasher.update(&fr_to_bytes_be(&signed.signature.r8.y));
    for limb in signed.signature.s {
        hasher.update(&limb.to_le_bytes());
    }
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
