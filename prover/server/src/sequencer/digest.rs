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
    use ark_bn254::Fr;
    use quittance_circuits::eddsa::Signature;
    use quittance_circuits::float::{FloatAmount, FloatFee};
    use quittance_circuits::tx::{
        Opening, Rotation, SignedOpening, SignedRotation, SignedTransfer, SignedWithdrawal, Transfer,
        Withdrawal,
    };
    use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, TokenId};

    use super::*;

    /// The numbers of an operation, whatever its kind.
    #[derive(Clone, Copy)]
    struct Numbers {
        from: u32,
        to: u32,
        amount: u64,
        fee: u16,
        nonce: u32,
        valid_until: u32,
        key: [u64; 2],
        owner: u8,
        r8: [u64; 2],
        s: u64,
    }

    const NUMBERS: Numbers = Numbers {
        from: 1,
        to: 2,
        amount: 3,
        fee: 4,
        nonce: 5,
        valid_until: 6,
        key: [7, 8],
        owner: 9,
        r8: [10, 11],
        s: 12,
    };

    /// One operation of each kind; those that have a recipient, and those that have a holder, come first.
    fn all(numbers: &Numbers) -> [SignedOperation; 4] {
        let pair = |[x, y]: [u64; 2]| Point::new(Fr::from(x), Fr::from(y));
        let from = AccountIndex(numbers.from);
        let to = AccountIndex(numbers.to);
        let amount = FloatAmount::new(numbers.amount).unwrap();
        let fee = FloatFee::new(numbers.fee);
        let nonce = Nonce(numbers.nonce);
        let valid_until = BatchNumber(numbers.valid_until);
        let key = pair(numbers.key);
        let owner = RootAddress([numbers.owner; 20]);
        let signature = Signature {
            r8: pair(numbers.r8),
            s: [0, 0, 0, numbers.s],
        };
        [
            SignedOperation::Opening(SignedOpening {
                opening: Opening {
                    from,
                    to,
                    amount,
                    fee,
                    nonce,
                    valid_until,
                    key,
                    owner,
                },
                signature,
            }),
            SignedOperation::Transfer(SignedTransfer {
                transfer: Transfer {
                    from,
                    to,
                    amount,
                    fee,
                    nonce,
                    valid_until,
                },
                signature,
            }),
            SignedOperation::Rotation(SignedRotation {
                rotation: Rotation {
                    from,
                    fee,
                    nonce,
                    valid_until,
                    key,
                    owner,
                },
                signature,
            }),
            SignedOperation::Withdrawal(SignedWithdrawal {
                withdrawal: Withdrawal {
                    from,
                    amount: u128::from(numbers.amount),
                    fee,
                    nonce,
                    valid_until,
                    address: owner,
                },
                signature,
            }),
        ]
    }

    #[test]
    fn every_value_and_the_kind_count() {
        let changed = |change: fn(&mut Numbers)| {
            let mut numbers = NUMBERS;
            change(&mut numbers);
            numbers
        };
        // What every kind has.
        let variants = [
            NUMBERS,
            changed(|n| n.from = 99),
            changed(|n| n.fee = 99),
            changed(|n| n.nonce = 99),
            changed(|n| n.valid_until = 99),
            changed(|n| n.r8[0] = 99),
            changed(|n| n.r8[1] = 99),
            changed(|n| n.s = 99),
        ];
        let mut digests: Vec<_> = variants
            .iter()
            .flat_map(all)
            .map(|one| of_operation(&one))
            .collect();
        let [opening, transfer, rotation, withdrawal] = [0, 1, 2, 3];
        for (change, kinds) in [
            ((|n| n.to = 99) as fn(&mut Numbers), &[opening, transfer][..]),
            (|n| n.amount = 99, &[opening, transfer, withdrawal]),
            (|n| n.key[0] = 99, &[opening, rotation]),
            (|n| n.key[1] = 99, &[opening, rotation]),
            (|n| n.owner = 99, &[opening, rotation, withdrawal]),
        ] {
            let operations = all(&changed(change));
            digests.extend(kinds.iter().map(|kind| of_operation(&operations[*kind])));
        }
        let slot = |leaf, token| FeeSlot {
            leaf: AccountIndex(leaf),
            token: TokenId(token),
        };
        let [one, other, ..] = all(&NUMBERS);
        digests.extend([
            of_batch([&one].into_iter(), &[]),
            of_batch([&one, &one].into_iter(), &[]),
            of_batch([&one, &other].into_iter(), &[]),
            of_batch([&other, &one].into_iter(), &[]),
            of_batch([&one].into_iter(), &[slot(1, 2)]),
            of_batch([&one].into_iter(), &[slot(2, 1)]),
        ]);
        assert_eq!(of_operation(&one), digests[0]);
        let count = digests.len();
        assert_eq!(count, 8 * 4 + 12 + 6);
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), count);
    }
}
