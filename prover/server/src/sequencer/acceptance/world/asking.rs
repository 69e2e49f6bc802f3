//! What clients and the root chain ask for.

use ark_bn254::Fr;
use quittance_circuits::babyjubjub::Point;
use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::tx::{
    Deposit, ForcedExit, Opening, Priority, Rotation, SignedOpening, SignedOperation, SignedRotation,
    SignedTransfer, SignedWithdrawal, Transfer, Withdrawal,
};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress, TokenId};

use super::model::Leaves;
use super::{KEYS, World};

/// A signed operation before its kind is chosen.
pub(in crate::sequencer::acceptance) struct Draft {
    pub(in crate::sequencer::acceptance) nonce: u32,
    from: AccountIndex,
    signer: SecretKey,
    fee: FloatFee,
    rollup_id: Fr,
}

impl Draft {
    /// The same with a fee.
    pub(in crate::sequencer::acceptance) fn paying(self, fee: u128) -> Self {
        let fee = FloatFee::encode_exact(fee).unwrap();
        Self { fee, ..self }
    }

    pub(in crate::sequencer::acceptance) fn transfer(&self, to: u32, amount: u128) -> SignedOperation {
        let transfer = Transfer {
            from: self.from,
            to: AccountIndex(to),
            amount: FloatAmount::encode_floor(amount),
            fee: self.fee,
            nonce: Nonce(self.nonce),
            valid_until: BatchNumber::MAX,
        };
        SignedOperation::Transfer(SignedTransfer {
            signature: self.signer.sign(&transfer.message(&self.rollup_id)),
            transfer,
        })
    }

    pub(in crate::sequencer::acceptance) fn opening(
        &self,
        to: u32,
        amount: u128,
        key: Point,
    ) -> SignedOperation {
        let opening = Opening {
            from: self.from,
            to: AccountIndex(to),
            amount: FloatAmount::encode_floor(amount),
            fee: self.fee,
            nonce: Nonce(self.nonce),
            valid_until: BatchNumber::MAX,
            key,
            owner: owner(to),
        };
        SignedOperation::Opening(SignedOpening {
            signature: self.signer.sign(&opening.message(&self.rollup_id)),
            opening,
        })
    }

    pub(in crate::sequencer::acceptance) fn withdrawal(&self, amount: u128) -> SignedOperation {
        let withdrawal = Withdrawal {
            from: self.from,
            amount,
            fee: self.fee,
            nonce: Nonce(self.nonce),
            valid_until: BatchNumber::MAX,
            address: owner(self.from.get()),
        };
        SignedOperation::Withdrawal(SignedWithdrawal {
            signature: self.signer.sign(&withdrawal.message(&self.rollup_id)),
            withdrawal,
        })
    }

    pub(in crate::sequencer::acceptance) fn rotation(
        &self,
        key: Point,
        next: RootAddress,
    ) -> SignedOperation {
        let rotation = Rotation {
            from: self.from,
            fee: self.fee,
            nonce: Nonce(self.nonce),
            valid_until: BatchNumber::MAX,
            key,
            owner: next,
        };
        SignedOperation::Rotation(SignedRotation {
            signature: self.signer.sign(&rotation.message(&self.rollup_id)),
            rotation,
        })
    }
}

impl World {
    /// What an account may sign next, without a fee.
    pub(in crate::sequencer::acceptance) fn draft(&self, from: u32) -> Draft {
        let leaf = self.pending().get(&from).copied();
        let signer = leaf.and_then(|leaf| self.keys.iter().position(|(_, key)| *key == leaf.key));
        Draft {
            nonce: leaf.map_or(0, |leaf| leaf.nonce),
            from: AccountIndex(from),
            signer: self.keys[signer.unwrap_or_default()].0.clone(),
            fee: FloatFee::encode_floor(0),
            rollup_id: self.rollup_id,
        }
    }

    /// The point of a key.
    pub(in crate::sequencer::acceptance) fn key(&self, number: u32) -> Point {
        *self.keys[usize::try_from(number).unwrap()].1.point()
    }

    pub(super) fn priority(&mut self, pending: &Leaves) -> Priority {
        let leaf = AccountIndex(self.one_of(&[0, 1, 2, 3, 4, 6, 9, 9, 10, 11]));
        let there = pending.get(&leaf.get()).copied();
        if self.below(2) == 0 {
            let token = match there {
                Some(leaf) if self.below(4) > 0 => leaf.token,
                _ => 1 + self.below(2),
            };
            let number = self.below(u32::from(KEYS));
            let mut key = self.key(number);
            if self.below(8) == 0 {
                key.x += Fr::from(1u64);
            }
            return Priority::Deposit(Deposit {
                leaf,
                token: TokenId(token),
                amount: u128::from(self.below(50)),
                owner: if self.below(8) == 0 {
                    RootAddress([0; 20])
                } else {
                    owner(leaf.get())
                },
                key,
            });
        }
        let caller = match there {
            Some(leaf) if self.below(3) > 0 => leaf.owner(),
            _ => owner(self.below(4)),
        };
        // What the exit of a leaf that takes fees pays depends on where batches end.
        let leaf = if leaf.get() == 4 { AccountIndex(3) } else { leaf };
        Priority::ForcedExit(ForcedExit { leaf, caller })
    }

    /// An operation that a client might send now: most are sound.
    pub(super) fn signed(&mut self, pending: &Leaves) -> SignedOperation {
        const ACCOUNTS: [u32; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10];
        let mut from = self.one_of(&ACCOUNTS);
        if !pending.contains_key(&from) && self.below(4) > 0 {
            from = self.below(4);
        }
        let leaf = pending.get(&from).copied();
        let mut nonce = leaf.map_or(0, |leaf| leaf.nonce);
        if self.below(16) == 0 {
            nonce += 1;
        }
        let signer = leaf.and_then(|leaf| self.keys.iter().position(|(_, key)| *key == leaf.key));
        let mut signer = signer.unwrap_or_default();
        if self.below(16) == 0 {
            signer = (signer + 1) % usize::from(KEYS);
        }
        let draft = Draft {
            nonce,
            from: AccountIndex(from),
            signer: self.keys[signer].0.clone(),
            fee: FloatFee::encode_floor(u128::from(self.below(3))),
            rollup_id: self.rollup_id,
        };
        let amount = u128::from(self.below(30));
        let next = self.below(u32::from(KEYS));
        let next = self.key(next);
        match self.below(8) {
            0 => {
                let to = self.one_of(&[6, 7, 7, 2, 12]);
                draft.opening(to, amount, next)
            }
            1 | 2 => draft.withdrawal(amount),
            3 | 4 => {
                let owned = self.below(4);
                draft.rotation(next, owner(owned))
            }
            _ => {
                let to = self.one_of(&ACCOUNTS);
                draft.transfer(to, amount)
            }
        }
    }
}

/// Who owns a leaf at first.
pub(in crate::sequencer::acceptance) fn owner(index: u32) -> RootAddress {
    RootAddress([u8::try_from(index).unwrap() + 1; 20])
}
