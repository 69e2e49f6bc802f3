//! A leaf of the account tree: who may spend, how much, in which token, and to whom a forced exit pays.
//!
//! hash = Poseidon(key x, key y, packed, owner) with initial capacity 1;
//! packed = balance·2^64 + nonce·2^32 + token, so balance < 2^128, nonce < 2^32, token < 2^32 give a number below 2^192
//! with one reading only. An empty position of the tree has no leaf; its hash is 0.

pub mod constraints;

use ark_bn254::Fr;
use ark_ff::BigInt;
use thiserror::Error;

use crate::babyjubjub::{PublicKey, PublicKeyError};
use crate::hash::{FieldHasher, RulesHasher};
use crate::types::RootAddress;

/// An account's leaf. No operation deletes one: key, owner, token and nonce survive a zero balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Leaf {
    /// The key that signs for the account.
    pub key: PublicKey,
    /// What the account holds, in the smallest unit of its token.
    pub balance: u128,
    /// The nonce that the account's next operation must carry.
    pub nonce: u32,
    /// The token that the account holds.
    pub token: u32,
    /// Not zero; not public so that it stays so.
    pub(crate) owner: RootAddress,
}

/// Why bytes or values are not a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LeafError {
    /// The owner is the zero address, to which nothing can be paid.
    #[error("owner of the leaf is the zero address")]
    OwnerZero,
    /// The key is not a public key.
    #[error("key of the leaf is invalid")]
    Key(#[from] PublicKeyError),
    /// The encoding has another length.
    #[error("leaf takes {expected} bytes, got {got}")]
    Length {
        /// Bytes given.
        got: usize,
        /// [`Leaf::BYTES`].
        expected: usize,
    },
}

impl Leaf {
    /// Length of the stored encoding in bytes.
    pub const BYTES: usize = 108;

    /// A leaf; refuses the zero address as owner.
    pub fn new(
        key: PublicKey,
        balance: u128,
        nonce: u32,
        token: u32,
        owner: RootAddress,
    ) -> Result<Self, LeafError> {
        if owner.is_zero() {
            return Err(LeafError::OwnerZero);
        }
        Ok(Self {
            key,
            balance,
            nonce,
            token,
            owner,
        })
    }

    /// The root-chain address to which forced and emergency exits are paid; never zero.
    #[must_use]
    pub const fn owner(&self) -> RootAddress {
        self.owner
    }

    /// balance·2^64 + nonce·2^32 + token, below 2^192.
    #[must_use]
    pub fn packed(&self) -> Fr {
        pack(self.balance, self.nonce, self.token)
    }

    /// The leaf's hash, which is its node at level 0.
    #[must_use]
    pub fn hash(&self) -> Fr {
        RulesHasher::leaf(&[self.key.x(), self.key.y(), self.packed(), self.owner.into()])
    }

    /// The stored encoding, [`Leaf::BYTES`] bytes, integers least significant byte first:
    /// key x 32 | key y 32 | balance 16 | nonce 4 | token 4 | owner 20 (in the root chain's order).
    /// It has no version byte; whoever stores it adds one.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..64].copy_from_slice(&self.key.to_bytes_le());
        bytes[64..80].copy_from_slice(&self.balance.to_le_bytes());
        bytes[80..84].copy_from_slice(&self.nonce.to_le_bytes());
        bytes[84..88].copy_from_slice(&self.token.to_le_bytes());
        bytes[88..].copy_from_slice(&self.owner.get());
        bytes
    }

    /// Reads the stored encoding, strictly: exact length, coordinates below r, a valid key, an owner that is not zero.
    /// Checking the key takes about 6 µs.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LeafError> {
        let bytes: &[u8; Self::BYTES] = bytes.try_into().map_err(|_| LeafError::Length {
            got: bytes.len(),
            expected: Self::BYTES,
        })?;
        Self::new(
            PublicKey::from_bytes_le(&field(bytes, 0))?,
            u128::from_le_bytes(field(bytes, 64)),
            u32::from_le_bytes(field(bytes, 80)),
            u32::from_le_bytes(field(bytes, 84)),
            RootAddress(field(bytes, 88)),
        )
    }
}

/// balance·2^64 + nonce·2^32 + token.
fn pack(balance: u128, nonce: u32, token: u32) -> Fr {
    let bytes = balance.to_le_bytes();
    let low = u64::from_le_bytes(field(&bytes, 0));
    let high = u64::from_le_bytes(field(&bytes, 8));
    let word = u64::from(nonce) << 32 | u64::from(token);
    // Below 2^192, hence below r: nothing is reduced.
    Fr::new(BigInt([word, low, high, 0]))
}

/// `N` bytes from `offset` on; the callers' offsets lie inside by construction.
fn field<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    let mut field = [0; N];
    field.copy_from_slice(&bytes[offset..offset + N]);
    field
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::babyjubjub::{BASE8, Point};
    use ark_ff::{BigInteger, Field, PrimeField};

    fn leaf() -> Leaf {
        let key = PublicKey::new(BASE8.mul(&[7, 0, 0, 0])).unwrap();
        Leaf::new(key, u128::MAX - 5, 3, 9, RootAddress([0x11; 20])).unwrap()
    }

    #[test]
    fn bytes_round_trip_and_have_their_layout() {
        let leaf = leaf();
        let bytes = leaf.to_bytes();
        assert_eq!(Leaf::from_bytes(&bytes), Ok(leaf));
        assert_eq!(bytes[64..80], (u128::MAX - 5).to_le_bytes());
        assert_eq!(bytes[80..88], [3, 0, 0, 0, 9, 0, 0, 0]);
        assert_eq!(bytes[88..], [0x11; 20]);
    }

    #[test]
    fn decoding_is_strict() {
        let bytes = leaf().to_bytes();
        for length in [0, 107] {
            assert_eq!(
                Leaf::from_bytes(&bytes[..length]),
                Err(LeafError::Length {
                    got: length,
                    expected: 108
                })
            );
        }
        let mut long = bytes.to_vec();
        long.push(0);
        assert_eq!(
            Leaf::from_bytes(&long),
            Err(LeafError::Length {
                got: 109,
                expected: 108
            })
        );
        let mut unowned = bytes;
        unowned[88..].fill(0);
        assert_eq!(Leaf::from_bytes(&unowned), Err(LeafError::OwnerZero));

        // x + r is another writing of the same coordinate.
        let mut aliased = bytes;
        let mut x = leaf().key.x().into_bigint();
        assert!(!x.add_with_carry(&Fr::MODULUS));
        aliased[..32].copy_from_slice(&x.to_bytes_le());
        assert_eq!(
            Leaf::from_bytes(&aliased),
            Err(LeafError::Key(PublicKeyError::NotCanonical { coordinate: 'x' }))
        );

        // (−x, −y) = P + (0, −1) is on the curve, outside the subgroup.
        let point = Point::new(-leaf().key.x(), -leaf().key.y());
        let mut twisted = bytes;
        twisted[..32].copy_from_slice(&point.x.into_bigint().to_bytes_le());
        twisted[32..64].copy_from_slice(&point.y.into_bigint().to_bytes_le());
        assert_eq!(
            Leaf::from_bytes(&twisted),
            Err(LeafError::Key(PublicKeyError::NotInSubgroup { point }))
        );
    }

    /// S49: each field sits at its own bits, and the largest values do not reach the next field.
    #[test]
    fn s49_packing_keeps_fields_apart() {
        let two = |k: u32| Fr::from(2u64).pow([u64::from(k)]);
        assert_eq!(pack(1, 0, 0), two(64));
        assert_eq!(pack(0, 1, 0), two(32));
        assert_eq!(pack(0, 0, 1), two(0));
        assert_eq!(pack(u128::MAX, u32::MAX, u32::MAX), two(192) - Fr::from(1u64));
    }

    #[test]
    fn s14_a_leaf_is_not_a_node() {
        let leaf = leaf();
        let inputs = [leaf.key.x(), leaf.key.y(), leaf.packed(), leaf.owner().into()];
        assert_ne!(leaf.hash(), RulesHasher::node(&inputs));
    }
}
