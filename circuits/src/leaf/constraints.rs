//! A leaf in a circuit: twin of [`Leaf`].

use super::Leaf;
use crate::r1cs::{ConstraintSystem, FieldVar, Linear};
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Hints for one leaf, as field elements: a circuit must refuse values that no [`Leaf`] can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafWitness {
    /// Coordinates of the key.
    pub key: [Fr; 2],
    /// Balance.
    pub balance: Fr,
    /// Nonce.
    pub nonce: Fr,
    /// Token.
    pub token: Fr,
    /// Owner's address on the root chain.
    pub owner: Fr,
}

impl LeafWitness {
    /// What is read where no leaf is: zeros, which the circuit refuses because the owner is zero.
    pub const EMPTY: Self = Self {
        key: [Fr::ZERO; 2],
        balance: Fr::ZERO,
        nonce: Fr::ZERO,
        token: Fr::ZERO,
        owner: Fr::ZERO,
    };

    /// A leaf for disabled slots, which belongs to no account: every rule that is not switched off accepts it.
    pub const PADDING: Self = Self {
        key: [crate::babyjubjub::BASE8.x, crate::babyjubjub::BASE8.y],
        owner: Fr::ONE,
        ..Self::EMPTY
    };
}

impl From<&Leaf> for LeafWitness {
    fn from(leaf: &Leaf) -> Self {
        Self {
            key: [leaf.key.x(), leaf.key.y()],
            balance: Fr::from(leaf.balance),
            nonce: Fr::from(leaf.nonce),
            token: Fr::from(leaf.token),
            owner: Fr::from(leaf.owner()),
        }
    }
}

/// `balance·2^64 + nonce·2^32 + token`. No constraint; the fields are ranged by the rules that read them.
pub fn packed<L: Linear>(balance: &FieldVar<L>, nonce: &FieldVar<L>, token: &FieldVar<L>) -> FieldVar<L> {
    let mut packed = balance.scaled(Fr::from(1u128 << 64));
    packed.add_scaled(nonce, Fr::from(1u64 << 32));
    packed.add_scaled(token, Fr::ONE);
    packed
}

/// The leaf exists: its owner is not zero, as in every leaf of the tree and in no empty place. One constraint.
pub fn enforce_exists<C: ConstraintSystem>(cs: &mut C, owner: &FieldVar<C::L>) {
    cs.enforce_nonzero(owner);
}
