//! The sixteen accounts of the tests, operations of all kinds on them, and what those do to them.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use quittance::encoding::fr_from_bytes_be;
use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::{
    self, Deposit, ForcedExit, Opening, Operation, Priority, Rotation, RuleContext, SignedOpening,
    SignedOperation, SignedRotation, SignedTransfer, SignedWithdrawal, Transfer, Withdrawal, priority,
};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress, TokenId};
use quittance_proto::v1;
use quittance_verifier::{OpeningData, PriorityData, RotationData, TransferData, WithdrawalData};

use crate::harness::LEVELS;

/// Leaf that takes the fees.
pub(crate) const OPERATOR: u32 = 0;
/// Number of accounts at genesis; openings and deposits make more.
pub(crate) const COUNT: u32 = 16;
/// The first leaf that deposits open: the upper half of the tree begins before.
const DEPOSITED: u32 = 40;
/// Who owns every leaf.
const OWNER: RootAddress = RootAddress([9; 20]);
/// What each has at first.
const BALANCE: u128 = 1_000_000_000;
/// The token of all.
const TOKEN: u32 = 1;

pub(crate) fn rollup_id_bytes() -> [u8; 32] {
    quittance_verifier::rollup_id(0, [0; 20])
}

fn rollup_id() -> Fr {
    fr_from_bytes_be(&rollup_id_bytes()).unwrap()
}

/// The key of this number. An account's first one has the number of its leaf.
pub(crate) fn key(index: u32) -> SecretKey {
    SecretKey::from_bytes(&[u8::try_from(index).unwrap() + 1; 32])
}

/// The accounts with which the store begins.
pub(crate) fn genesis() -> Vec<(AccountIndex, Leaf)> {
    (0..COUNT)
        .map(|index| {
            let leaf = Leaf::new(key(index).public_key(), BALANCE, 0, TOKEN, OWNER);
            (AccountIndex(index), leaf.unwrap())
        })
        .collect()
}

/// The same as a file for `quittance genesis`.
pub(crate) fn csv() -> String {
    let mut text = "key,balance,token,owner\n".to_owned();
    for (_, leaf) in genesis() {
        let hex = |element| quittance::encoding::fr_to_hex(&element)[2..].to_owned();
        let key = format!("0x{}{}", hex(leaf.key.x()), hex(leaf.key.y()));
        text += &format!("{key},{BALANCE},{TOKEN},0x{}\n", "09".repeat(20));
    }
    text
}

/// Whoever signs: the account, its next nonce and the number of its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signer {
    pub(crate) account: u32,
    pub(crate) nonce: u32,
    pub(crate) key: u32,
}

impl Signer {
    /// An account with its first key.
    pub(crate) const fn new(account: u32, nonce: u32) -> Self {
        Self {
            account,
            nonce,
            key: account,
        }
    }

    pub(crate) fn transfer(&self, to: u32, amount: u128, fee: u128, valid_until: u32) -> SignedOperation {
        let transfer = Transfer {
            from: AccountIndex(self.account),
            to: AccountIndex(to),
            amount: FloatAmount::encode_exact(amount).unwrap(),
            fee: FloatFee::encode_exact(fee).unwrap(),
            nonce: Nonce(self.nonce),
            valid_until: BatchNumber(valid_until),
        };
        SignedOperation::Transfer(SignedTransfer {
            signature: key(self.key).sign(&transfer.message(&rollup_id())),
            transfer,
        })
    }

    pub(crate) fn opening(&self, to: u32, amount: u128, fee: u128) -> SignedOperation {
        let opening = Opening {
            from: AccountIndex(self.account),
            to: AccountIndex(to),
            amount: FloatAmount::encode_exact(amount).unwrap(),
            fee: FloatFee::encode_exact(fee).unwrap(),
            nonce: Nonce(self.nonce),
            valid_until: BatchNumber::MAX,
            key: *key(to).public_key().point(),
            owner: OWNER,
        };
        SignedOperation::Opening(SignedOpening {
            signature: key(self.key).sign(&opening.message(&rollup_id())),
            opening,
        })
    }

    pub(crate) fn withdrawal(&self, amount: u128, fee: u128) -> SignedOperation {
        let withdrawal = Withdrawal {
            from: AccountIndex(self.account),
            amount,
            fee: FloatFee::encode_exact(fee).unwrap(),
            nonce: Nonce(self.nonce),
            valid_until: BatchNumber::MAX,
            address: OWNER,
        };
        SignedOperation::Withdrawal(SignedWithdrawal {
            signature: key(self.key).sign(&withdrawal.message(&rollup_id())),
            withdrawal,
        })
    }

    pub(crate) fn rotation(&self, next: u32, fee: u128) -> SignedOperation {
        let rotation = Rotation {
            from: AccountIndex(self.account),
            fee: FloatFee::encode_exact(fee).unwrap(),
            nonce: Nonce(self.nonce),
            valid_until: BatchNumber::MAX,
            key: *key(next).public_key().point(),
            owner: OWNER,
        };
        SignedOperation::Rotation(SignedRotation {
            signature: key(self.key).sign(&rotation.message(&rollup_id())),
            rotation,
        })
    }
}

/// What the root chain asks for: deposits that open and credit leaves, and exits that are paid or not.
pub(crate) fn priority(numbers: &mut Numbers) -> Priority {
    let new = DEPOSITED + numbers.below(8);
    match numbers.below(4) {
        kind @ 0..2 => {
            let leaf = if kind == 0 {
                new
            } else {
                1 + numbers.below(COUNT - 1)
            };
            Priority::Deposit(Deposit {
                leaf: AccountIndex(leaf),
                token: TokenId(TOKEN + u32::from(numbers.below(8) == 0)),
                amount: u128::from(numbers.below(1000)) << 40,
                owner: OWNER,
                key: *key(leaf).public_key().point(),
            })
        }
        kind => Priority::ForcedExit(ForcedExit {
            leaf: AccountIndex(new),
            caller: if kind == 2 { OWNER } else { RootAddress([8; 20]) },
        }),
    }
}

/// What a batch publishes of its operations, and the place of each in its section.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) priority: Vec<PriorityData>,
    pub(crate) openings: Vec<OpeningData>,
    pub(crate) transfers: Vec<TransferData>,
    pub(crate) withdrawals: Vec<WithdrawalData>,
    pub(crate) rotations: Vec<RotationData>,
}

/// The leaves after operations.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Model(pub(crate) BTreeMap<u32, Leaf>);

impl Model {
    pub(crate) fn genesis() -> Self {
        let leaves = genesis().into_iter();
        Self(leaves.map(|(index, leaf)| (index.get(), leaf)).collect())
    }

    /// One executed operation, by the native rules; its fee goes to the operator. Gives its place in its section.
    pub(crate) fn apply(&mut self, operation: &Operation, batch: u32, contents: &mut Contents) -> usize {
        let capacity = 1 << (2 * LEVELS);
        let at = |leaves: &BTreeMap<u32, Leaf>, index: AccountIndex| leaves.get(&index.get()).copied();
        let signed = match operation {
            Operation::Signed(signed) => signed,
            Operation::Priority(asked) => {
                let before = at(&self.0, asked.leaf());
                let effect = priority::check(asked, capacity, before.as_ref()).unwrap();
                let data = asked.data(effect.after.is_some(), before.as_ref());
                contents.priority.push(data);
                self.0
                    .extend(effect.after.map(|after| (asked.leaf().get(), after)));
                return contents.priority.len() - 1;
            }
        };
        let fees = [FeeSlot {
            leaf: AccountIndex(OPERATOR),
            token: TokenId(TOKEN),
        }];
        let rollup_id = rollup_id();
        let context = RuleContext {
            rollup_id: &rollup_id,
            batch_number: BatchNumber(batch),
            capacity,
            fee_slots: &fees,
        };
        let sender = at(&self.0, signed.from());
        let other = signed.to().and_then(|to| at(&self.0, to));
        let signature = |key: &_| signed.check_signature(&rollup_id, key);
        let effect = tx::check(&context, signed, sender.as_ref(), other.as_ref(), signature);
        let effect =
            effect.unwrap_or_else(|error| panic!("executed out of order or twice: {signed:?}: {error}"));
        self.0.insert(signed.from().get(), effect.sender.after);
        if let Some(other) = effect.other {
            self.0.insert(other.index.get(), other.after);
        }
        self.0.get_mut(&OPERATOR).unwrap().balance += effect.sender.fee;
        let (from, fee, token) = (
            signed.from().get(),
            signed.fee().get(),
            effect.sender.before.token,
        );
        match signed {
            SignedOperation::Opening(SignedOpening { opening, .. }) => {
                contents.openings.push(OpeningData {
                    from,
                    to: opening.to.get(),
                    amount: opening.amount.get(),
                    fee,
                    token,
                    owner: opening.owner.get(),
                    key: [opening.key.x, opening.key.y],
                });
                contents.openings.len() - 1
            }
            SignedOperation::Transfer(SignedTransfer { transfer, .. }) => {
                contents.transfers.push(TransferData {
                    from,
                    to: transfer.to.get(),
                    amount: transfer.amount.get(),
                    fee,
                });
                contents.transfers.len() - 1
            }
            SignedOperation::Withdrawal(SignedWithdrawal { withdrawal, .. }) => {
                contents.withdrawals.push(WithdrawalData {
                    from,
                    token,
                    amount: withdrawal.amount,
                    fee,
                    address: withdrawal.address.get(),
                });
                contents.withdrawals.len() - 1
            }
            SignedOperation::Rotation(SignedRotation { rotation, .. }) => {
                contents.rotations.push(RotationData {
                    from,
                    fee,
                    owner: rotation.owner.get(),
                    key: [rotation.key.x, rotation.key.y],
                });
                contents.rotations.len() - 1
            }
        }
    }

    /// What the service says about one account.
    pub(crate) fn check(&self, account: &v1::Account) {
        let balance = u128::from_be_bytes(account.balance[..].try_into().unwrap());
        let leaf = &self.0[&account.index];
        assert_eq!(
            (leaf.balance, leaf.nonce, leaf.token),
            (balance, account.nonce, account.token),
            "account {}",
            account.index
        );
        assert_eq!(leaf.owner().get(), account.owner[..]);
    }
}

/// A transfer without expiry.
pub(crate) const FOREVER: u32 = u32::MAX;

/// Numbers that are the same in every run (xorshift).
#[derive(Clone, Debug)]
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        let mut numbers = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        numbers.below(2);
        numbers
    }

    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from((self.0 >> 16) % u64::from(limit)).unwrap()
    }
}
