//! Accounts and operations for `bench` and `demo`.

use ark_bn254::Fr;
use quittance_circuits::babyjubjub::Point;
use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::leaf::{Leaf, LeafError};
use quittance_circuits::tx::{
    Deposit, Opening, Priority, Rotation, SignedOpening, SignedRotation, SignedTransfer, SignedWithdrawal,
    Transfer, Withdrawal,
};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress, TokenId};

/// Balance of every account.
pub(super) const BALANCE: u128 = 1_000_000;

/// Whom withdrawals pay, and who owns what is opened.
const OWNER: RootAddress = RootAddress([0x22; 20]);

/// The account at `index` with its key.
pub(super) fn account(index: u32, key: &SecretKey, token: u32) -> Result<(AccountIndex, Leaf), LeafError> {
    let mut owner = [0x11; 20];
    owner[16..].copy_from_slice(&index.to_be_bytes());
    let leaf = Leaf::new(key.public_key(), BALANCE, 0, token, RootAddress(owner))?;
    Ok((AccountIndex(index), leaf))
}

/// A deposit that opens a leaf for a key of its own.
pub(super) fn deposit(leaf: u32, token: u32) -> Priority {
    let mut seed = [0x43; 32];
    seed[..4].copy_from_slice(&leaf.to_le_bytes());
    Priority::Deposit(Deposit {
        leaf: AccountIndex(leaf),
        token: TokenId(token),
        amount: BALANCE,
        owner: OWNER,
        key: point(&SecretKey::from_bytes(&seed)),
    })
}

/// An account that signs one operation after another, each with a fee of 10.
pub(super) struct Signer {
    key: SecretKey,
    index: u32,
    nonce: u32,
}

impl Signer {
    /// The account at `index`, which has signed nothing yet.
    pub(super) const fn new(key: SecretKey, index: u32) -> Self {
        Self { key, index, nonce: 0 }
    }

    /// Its leaf.
    pub(super) const fn index(&self) -> u32 {
        self.index
    }

    /// Pays another account.
    pub(super) fn transfer(&mut self, rollup_id: &Fr, to: u32, amount: u128) -> SignedTransfer {
        let transfer = Transfer {
            from: AccountIndex(self.index),
            to: AccountIndex(to),
            amount: FloatAmount::encode_floor(amount),
            fee: fee(),
            nonce: self.next_nonce(),
            valid_until: BatchNumber::MAX,
        };
        SignedTransfer {
            signature: self.key.sign(&transfer.message(rollup_id)),
            transfer,
        }
    }

    /// Opens an account for its own key.
    pub(super) fn opening(&mut self, rollup_id: &Fr, to: u32, amount: u128) -> SignedOpening {
        let opening = Opening {
            from: AccountIndex(self.index),
            to: AccountIndex(to),
            amount: FloatAmount::encode_floor(amount),
            fee: fee(),
            nonce: self.next_nonce(),
            valid_until: BatchNumber::MAX,
            key: point(&self.key),
            owner: OWNER,
        };
        SignedOpening {
            signature: self.key.sign(&opening.message(rollup_id)),
            opening,
        }
    }

    /// Takes money out.
    pub(super) fn withdrawal(&mut self, rollup_id: &Fr, amount: u128) -> SignedWithdrawal {
        let withdrawal = Withdrawal {
            from: AccountIndex(self.index),
            amount,
            fee: fee(),
            nonce: self.next_nonce(),
            valid_until: BatchNumber::MAX,
            address: OWNER,
        };
        SignedWithdrawal {
            signature: self.key.sign(&withdrawal.message(rollup_id)),
            withdrawal,
        }
    }

    /// Names a new owner, and its key again.
    pub(super) fn rotation(&mut self, rollup_id: &Fr) -> SignedRotation {
        let rotation = Rotation {
            from: AccountIndex(self.index),
            fee: fee(),
            nonce: self.next_nonce(),
            valid_until: BatchNumber::MAX,
            key: point(&self.key),
            owner: OWNER,
        };
        SignedRotation {
            signature: self.key.sign(&rotation.message(rollup_id)),
            rotation,
        }
    }

    const fn next_nonce(&mut self) -> Nonce {
        let nonce = self.nonce;
        self.nonce = nonce.saturating_add(1);
        Nonce(nonce)
    }
}

fn fee() -> FloatFee {
    FloatFee::encode_floor(10)
}

fn point(key: &SecretKey) -> Point {
    let key = key.public_key();
    Point::new(key.x(), key.y())
}
