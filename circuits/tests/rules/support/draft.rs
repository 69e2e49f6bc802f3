//! Signed operations of all kinds from one set of fields.

use super::{BATCH, key, rollup_id};
use quittance_circuits::babyjubjub::Point;
use quittance_circuits::eddsa::{SecretKey, Signature};
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::tx::{
    Opening, Rotation, SignedOpening, SignedOperation, SignedRotation, SignedTransfer, SignedWithdrawal,
    Transfer, Withdrawal,
};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress};

/// The kinds that an account signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Opening,
    Transfer,
    Withdrawal,
    Rotation,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Opening, Self::Transfer, Self::Withdrawal, Self::Rotation];

    /// The name of its section in labels.
    pub(crate) const fn section(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Transfer => "transfer",
            Self::Withdrawal => "withdrawal",
            Self::Rotation => "rotation",
        }
    }
}

/// What an operation may say; each kind takes of it what it has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft {
    pub(crate) kind: Kind,
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) amount: u128,
    pub(crate) fee: u128,
    pub(crate) nonce: u32,
    pub(crate) valid_until: u32,
    pub(crate) key: Point,
    pub(crate) owner: RootAddress,
    pub(crate) address: RootAddress,
}

impl Draft {
    /// Account 0 moves 500 for a fee of 20: to account 1, to a new one at 3, or to the root chain.
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            from: 0,
            to: if kind == Kind::Opening { 3 } else { 1 },
            amount: if kind == Kind::Rotation { 0 } else { 500 },
            fee: 20,
            nonce: 0,
            valid_until: BATCH + 10,
            key: *key(30).public_key().point(),
            owner: RootAddress([0x77; 20]),
            address: RootAddress([0x99; 20]),
        }
    }

    pub(crate) const fn nonce(mut self, nonce: u32) -> Self {
        self.nonce = nonce;
        self
    }

    /// Signed by the account at `from`.
    pub(crate) fn sign(&self) -> SignedOperation {
        self.sign_by(&key(self.from))
    }

    pub(crate) fn sign_by(&self, key: &SecretKey) -> SignedOperation {
        let unsigned = self.with(Signature {
            r8: Point::IDENTITY,
            s: [0; 4],
        });
        self.with(key.sign(&unsigned.message(&rollup_id())))
    }

    /// With a signature made elsewhere.
    pub(crate) fn with(&self, signature: Signature) -> SignedOperation {
        let (from, to) = (AccountIndex(self.from), AccountIndex(self.to));
        let amount = FloatAmount::encode_floor(self.amount);
        let fee = FloatFee::encode_floor(self.fee);
        let (nonce, valid_until) = (Nonce(self.nonce), BatchNumber(self.valid_until));
        let (key, owner, address) = (self.key, self.owner, self.address);
        match self.kind {
            Kind::Opening => SignedOpening {
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
            }
            .into(),
            Kind::Transfer => SignedTransfer {
                transfer: Transfer {
                    from,
                    to,
                    amount,
                    fee,
                    nonce,
                    valid_until,
                },
                signature,
            }
            .into(),
            Kind::Withdrawal => SignedWithdrawal {
                withdrawal: Withdrawal {
                    from,
                    amount: self.amount,
                    fee,
                    nonce,
                    valid_until,
                    address,
                },
                signature,
            }
            .into(),
            Kind::Rotation => SignedRotation {
                rotation: Rotation {
                    from,
                    fee,
                    nonce,
                    valid_until,
                    key,
                    owner,
                },
                signature,
            }
            .into(),
        }
    }
}
