//! Exits in an emergency: one leaf, proved to be in the last state root, so that the root chain can pay its owner
//! after an operator is gone. A small circuit of its own, with a statement in the style of a batch's.
//!
//! Four elements, the fields of a word from its most significant end down:
//!
//! ```text
//! e0        rollup id                                            < 2^248
//! e1        root                                                 < r
//! e2        leaf 32 bits | token 32 bits | balance 128 bits      < 2^192
//! e3        owner 160 bits
//! ```
//!
//! h is the sponge over them, z = keccak256([`TAG_EXIT_STATEMENT`] ‖ key id ‖ h ‖ keccak256(elements)) mod 2^248 and
//! y = Σ e_i · z^i, as of a batch; see [`elements()`](crate::elements()). An exit says nothing about a batch number:
//! whether `root` is the last one, and whether the leaf was paid before, is for whoever pays to know.

mod bundle;
mod key;
mod verify;

use alloc::vec::Vec;

use ark_bn254::Fr;

pub use bundle::ExitBundle;
pub use key::{ExitVerifyingKey, TAG_EXIT_KEY};
pub use verify::ExitVerifier;

use crate::encoding::{Reader, fr_to_bytes_be};
use crate::statement::{address_word, bytes_word, challenge_for, word};
use crate::{DecodeError, KeyId, StatementError, evaluate};

/// keccak256("quittance.exit-statement.v1").
pub const TAG_EXIT_STATEMENT: [u8; 32] = [
    0x6f, 0xb3, 0x40, 0xd9, 0xc4, 0x5c, 0x28, 0xf1, 0x1d, 0x54, 0x95, 0x8b, 0x16, 0x13, 0x2d, 0x1f, 0x80,
    0x89, 0xbd, 0x53, 0x4a, 0x81, 0xcf, 0xa1, 0xeb, 0xc0, 0x42, 0xd3, 0x85, 0x2e, 0xde, 0x78,
];

/// What an exit says about a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitFacts {
    /// The rollup, big-endian, below 2^248; see [`rollup_id`](crate::rollup_id()).
    pub rollup_id: [u8; 32],
    /// The state root that the leaf is in.
    pub root: Fr,
    /// Leaf index.
    pub leaf: u32,
    /// The leaf's token.
    pub token: u32,
    /// The leaf's balance, in the token's smallest unit.
    pub balance: u128,
    /// The leaf's owner on the root chain, who is paid.
    pub owner: [u8; 20],
}

impl ExitFacts {
    /// Bytes of the encoding.
    pub const BYTES: usize = 108;
    /// Elements of the statement.
    pub const ELEMENTS: usize = 4;

    /// The encoding: rollup id 32 | root 32 | leaf 4 | token 4 | balance 16 | owner 20. Big-endian.
    ///
    /// # Errors
    /// [`StatementError::RollupIdOutOfRange`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, StatementError> {
        let mut bytes = Vec::with_capacity(Self::BYTES);
        self.write(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads exactly what [`ExitFacts::to_bytes`] writes.
    ///
    /// # Errors
    /// [`DecodeError`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let facts = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(facts)
    }

    fn check(&self) -> Result<(), StatementError> {
        match self.rollup_id {
            [0, ..] => Ok(()),
            _ => Err(StatementError::RollupIdOutOfRange),
        }
    }

    fn write(&self, bytes: &mut Vec<u8>) -> Result<(), StatementError> {
        self.check()?;
        bytes.extend(self.rollup_id);
        bytes.extend(fr_to_bytes_be(&self.root));
        bytes.extend(self.leaf.to_be_bytes());
        bytes.extend(self.token.to_be_bytes());
        bytes.extend(self.balance.to_be_bytes());
        bytes.extend(self.owner);
        Ok(())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let rollup_id: [u8; 32] = reader.array("rollup_id")?;
        if !matches!(rollup_id, [0, ..]) {
            return Err(DecodeError::RollupIdOutOfRange);
        }
        Ok(Self {
            rollup_id,
            root: reader.fr("root")?,
            leaf: reader.u32("leaf")?,
            token: reader.u32("token")?,
            balance: reader.u128("balance")?,
            owner: reader.array("owner")?,
        })
    }
}

/// The elements of an exit's statement.
///
/// # Errors
/// [`StatementError::RollupIdOutOfRange`].
pub fn exit_elements(facts: &ExitFacts) -> Result<[Fr; ExitFacts::ELEMENTS], StatementError> {
    facts.check()?;
    Ok([
        bytes_word(&facts.rollup_id),
        facts.root,
        word(
            u128::from(facts.leaf) << 32 | u128::from(facts.token),
            facts.balance,
        ),
        address_word(0, &facts.owner),
    ])
}

/// The challenge z of an exit's statement, below 2^248.
pub fn exit_challenge(key_id: &KeyId, h: &Fr, elements: &[Fr; ExitFacts::ELEMENTS]) -> Fr {
    challenge_for(&TAG_EXIT_STATEMENT, key_id, h, elements)
}

/// The public inputs of an exit's proof, in order: h, z, y.
///
/// # Errors
/// As [`exit_elements`].
pub fn exit_public_inputs(key_id: &KeyId, facts: &ExitFacts, h: &Fr) -> Result<[Fr; 3], StatementError> {
    let elements = exit_elements(facts)?;
    let z = exit_challenge(key_id, h, &elements);
    Ok([*h, z, evaluate(&elements, &z)])
}
