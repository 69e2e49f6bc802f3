//! The one place through which the native rules call hashes.
//!
//! A rule names *what* it hashes (a leaf, a node, a message, ...), never a permutation; the gadgets do the same. So a
//! later proof of all hashes at once, or another hash, changes this module and its twin, and no rule.
//!
//! Domains are told apart by arity and by the initial capacity element:
//!
//! | domain    | inputs                          | width t | state\[0\] at the start | output     |
//! |-----------|---------------------------------|---------|-----------------------|------------|
//! | node      | 4 children                      | 5       | 0                     | state\[0\] |
//! | leaf      | key x, key y, packed, owner     | 5       | 1                     | state\[0\] |
//! | message   | rollup id, word 0, word 1       | 4       | 0                     | state\[0\] |
//! | holder    | key x, key y, owner             | 4       | 2                     | state\[0\] |
//! | challenge | R8 x, R8 y, A x, A y, message   | 6       | 0                     | state\[0\] |
//! | statement | m elements, 16 in a block       | 17      | m                     | state\[1\] |
//!
//! Node, message and challenge are exactly circomlib's `Poseidon(4)`, `Poseidon(3)` and `Poseidon(5)`; the last is what
//! circomlibjs signs with.

pub mod constraints;

use ark_bn254::Fr;

use crate::poseidon;

/// What a fixed-length hash is for; fixes its arity and its initial capacity element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Domain {
    /// An inner node of the account tree.
    Node,
    /// A leaf of the account tree.
    Leaf,
    /// The message that an account signs.
    Message,
    /// The challenge of a signature.
    Challenge,
    /// Whom a leaf belongs to, as signed by whoever opens or hands over an account.
    Holder,
}

impl Domain {
    /// Number of inputs.
    #[must_use]
    pub const fn arity(self) -> usize {
        match self {
            Self::Node | Self::Leaf => 4,
            Self::Message | Self::Holder => 3,
            Self::Challenge => 5,
        }
    }

    /// Initial value of the capacity element. It is 1 for a leaf, so that a leaf is never a node (S14), and 2 for a holder,
    /// which is never a message (S15).
    #[must_use]
    pub const fn capacity(self) -> u64 {
        match self {
            Self::Leaf => 1,
            Self::Holder => 2,
            Self::Node | Self::Message | Self::Challenge => 0,
        }
    }
}

/// The hashes that the rules call.
pub trait FieldHasher {
    /// Hash of an inner node from its four children, child 0 first.
    fn node(children: &[Fr; 4]) -> Fr;

    /// Hash of a leaf from `[key x, key y, packed, owner]`.
    fn leaf(inputs: &[Fr; 4]) -> Fr;

    /// Message to be signed, from `[rollup id, word 0, word 1]`.
    fn message(words: &[Fr; 3]) -> Fr;

    /// Whom a leaf belongs to, from `[key x, key y, owner]`.
    fn holder(inputs: &[Fr; 3]) -> Fr;

    /// Challenge of a signature, from `[R8 x, R8 y, A x, A y, message]`.
    fn challenge(inputs: &[Fr; 5]) -> Fr;

    /// Statement hash h over all elements of a statement.
    fn statement(elements: &[Fr]) -> Fr;
}

/// [`FieldHasher`] by Poseidon with circomlib's parameters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Poseidon;

impl FieldHasher for Poseidon {
    fn node(children: &[Fr; 4]) -> Fr {
        fixed(Domain::Node, children)
    }

    fn leaf(inputs: &[Fr; 4]) -> Fr {
        fixed(Domain::Leaf, inputs)
    }

    fn message(words: &[Fr; 3]) -> Fr {
        fixed(Domain::Message, words)
    }

    fn holder(inputs: &[Fr; 3]) -> Fr {
        fixed(Domain::Holder, inputs)
    }

    fn challenge(inputs: &[Fr; 5]) -> Fr {
        fixed(Domain::Challenge, inputs)
    }

    fn statement(elements: &[Fr]) -> Fr {
        poseidon::sponge(elements)
    }
}

/// The hasher of this rollup's rules: the one line that another hash would change.
pub type RulesHasher = Poseidon;

fn fixed<const N: usize>(domain: Domain, inputs: &[Fr; N]) -> Fr {
    debug_assert_eq!(domain.arity(), N);
    poseidon::hash_with_capacity(inputs, Fr::from(domain.capacity()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S14, S15: no two domains agree on inputs that could be mistaken for each other.
    #[test]
    fn s14_s15_domains_are_apart() {
        let x: [Fr; 4] = core::array::from_fn(|i| Fr::from(i as u64 + 1));
        let hashes = [
            Poseidon::node(&x),
            Poseidon::leaf(&x),
            Poseidon::message(&[x[0], x[1], x[2]]),
            Poseidon::challenge(&[x[0], x[1], x[2], x[3], Fr::from(0u64)]),
            Poseidon::challenge(&[Fr::from(0u64), x[0], x[1], x[2], x[3]]),
            Poseidon::message(&[x[1], x[2], x[3]]),
            Poseidon::holder(&[x[0], x[1], x[2]]),
            Poseidon::statement(&x),
            Poseidon::statement(&[x[0], x[1], x[2], x[3], Fr::from(0u64)]),
        ];
        for (i, a) in hashes.iter().enumerate() {
            assert!(hashes[..i].iter().all(|b| a != b), "hash {i} repeats");
        }
    }
}
