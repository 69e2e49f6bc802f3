//! What can be wrong with bytes and with a statement. One enum for each operation, facts as fields.

use core::fmt;

use ark_bn254::Fr;

use crate::encoding::{fr_to_bytes_be, to_hex};
use crate::{KeyId, Section};

/// Why bytes are not the encoding of a value.
///
/// `field` names the value being read, as in the tables of `verifier/README.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The input ends before the field does.
    Truncated {
        /// The field being read.
        field: &'static str,
        /// Bytes that the field needs.
        needed: u64,
        /// Bytes that were left.
        got: u64,
    },
    /// Bytes follow the encoded value.
    TrailingBytes {
        /// How many bytes follow.
        got: u64,
    },
    /// The input is not of the one length that the encoding has.
    Length {
        /// What is being decoded.
        field: &'static str,
        /// Its length in bytes.
        expected: u64,
        /// The length of the input in bytes.
        got: u64,
    },
    /// The input does not start with the format's magic bytes or tag.
    Format {
        /// What is being decoded.
        field: &'static str,
    },
    /// The format's version is unknown to this crate.
    Version {
        /// The version read.
        got: u32,
        /// The only version known.
        expected: u32,
    },
    /// A field element is at or above its modulus.
    NotCanonical {
        /// The element, or the point whose coordinate it is.
        field: &'static str,
    },
    /// A point's coordinates do not satisfy the curve equation.
    NotOnCurve {
        /// The point.
        field: &'static str,
    },
    /// A point of the twist is outside the subgroup of order r.
    NotInSubgroup {
        /// The point.
        field: &'static str,
    },
    /// A point is the identity where the protocol never has it.
    Identity {
        /// The point.
        field: &'static str,
    },
    /// delta = gamma or delta = −gamma: anyone could forge proofs for this key.
    DeltaIsGamma,
    /// delta is the generator of G2 or its negative: the key never had a phase 2, anyone could forge.
    DeltaIsGenerator,
    /// A number is outside its range.
    OutOfRange {
        /// The number.
        field: &'static str,
        /// Its least allowed value.
        min: u64,
        /// Its greatest allowed value.
        max: u64,
        /// The value read, or `u64::MAX` if it needs more than 64 bits.
        got: u64,
    },
    /// A rollup id is at or above 2^248.
    RollupIdOutOfRange,
    /// A hash of the priority queue is at or above 2^248.
    QueueOutOfRange,
    /// A priority operation is of no kind: neither 5, a deposit, nor 6, a forced exit.
    PriorityKind {
        /// Index of the operation.
        index: u32,
        /// The kind read.
        got: u8,
    },
    /// The flag that says whether a priority operation took effect is neither 0 nor 1.
    PriorityDone {
        /// Index of the operation.
        index: u32,
        /// The flag read.
        got: u8,
    },
    /// A forced exit has a key, or a token or an amount though nothing was paid.
    NotZero {
        /// The field.
        field: &'static str,
        /// Index of the operation.
        index: u32,
    },
    /// A shape has no slot for any operation.
    EmptyShape,
    /// A shape's name is not one that [`Shape::name`](crate::Shape::name) writes.
    ShapeName,
    /// A text is not `0x` followed by exactly the field's number of lower-case hexadecimal digits.
    Hex {
        /// The field.
        field: &'static str,
        /// Bytes that the field has.
        expected: u64,
    },
    /// A text is not a decimal number as this format writes it: digits, no sign, no leading zero.
    Decimal {
        /// The field.
        field: &'static str,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated { field, needed, got } => {
                write!(f, "input ends inside {field}: {needed} bytes needed, {got} left")
            }
            Self::TrailingBytes { got } => write!(f, "{got} bytes follow the encoded value"),
            Self::Length { field, expected, got } => {
                write!(f, "{field} has {expected} bytes, input has {got}")
            }
            Self::Format { field } => {
                write!(f, "input is not a {field}: its first bytes are not the format's")
            }
            Self::Version { got, expected } => write!(f, "format version {got} is not {expected}"),
            Self::NotCanonical { field } => write!(f, "{field} is at or above the field modulus"),
            Self::NotOnCurve { field } => write!(f, "{field} is not on the curve"),
            Self::NotInSubgroup { field } => write!(f, "{field} is not in the subgroup of order r"),
            Self::Identity { field } => write!(f, "{field} is the identity"),
            Self::DeltaIsGamma => write!(
                f,
                "delta equals gamma up to sign: proofs of this key can be forged"
            ),
            Self::DeltaIsGenerator => {
                write!(
                    f,
                    "delta equals the generator up to sign: proofs of this key can be forged"
                )
            }
            Self::OutOfRange { field, min, max, got } => {
                write!(f, "{field} is {got}, allowed are {min} to {max}")
            }
            Self::RollupIdOutOfRange => write!(f, "rollup_id is at or above 2^248"),
            Self::QueueOutOfRange => write!(f, "queue is at or above 2^248"),
            Self::PriorityKind { index, got } => write!(
                f,
                "kind {got} of priority operation {index} is neither 5 (deposit) nor 6 (forced exit)"
            ),
            Self::PriorityDone { index, got } => {
                write!(f, "flag {got} of priority operation {index} is neither 0 nor 1")
            }
            Self::NotZero { field, index } => {
                write!(f, "{field} of forced exit {index} is not 0")
            }
            Self::EmptyShape => write!(f, "shape has no slot for any operation"),
            Self::ShapeName => write!(f, "not a shape's name such as t8f1, t8f1l4 or p2o1t8w1r1f2"),
            Self::Hex { field, expected } => {
                write!(
                    f,
                    "{field} is not 0x and {expected} bytes in lower-case hexadecimal"
                )
            }
            Self::Decimal { field } => write!(f, "{field} is not a canonical decimal number in range"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// Why facts are not a statement of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatementError {
    /// The shape itself is invalid.
    Shape(DecodeError),
    /// The rollup id is at or above 2^248.
    RollupIdOutOfRange,
    /// The priority queue's hash is at or above 2^248.
    QueueOutOfRange,
    /// An encoded amount is at or above 2^40.
    AmountOutOfRange {
        /// Openings or transfers.
        section: Section,
        /// Index of the operation in its section.
        index: usize,
        /// The encoded amount.
        got: u64,
    },
    /// More operations, or fee slots, than a section of the shape, or of any shape, has slots.
    TooMany {
        /// The section.
        section: Section,
        /// Its entries in the facts.
        got: usize,
        /// Its slots.
        capacity: u32,
    },
}

impl fmt::Display for StatementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Shape(_) => write!(f, "shape is invalid"),
            Self::RollupIdOutOfRange => write!(f, "rollup_id is at or above 2^248"),
            Self::QueueOutOfRange => write!(f, "queue is at or above 2^248"),
            Self::AmountOutOfRange { section, index, got } => {
                write!(
                    f,
                    "encoded amount {got} at {index} of {section} is at or above 2^40"
                )
            }
            Self::TooMany {
                section,
                got,
                capacity,
            } => write!(f, "{got} {section} do not fit into {capacity} slots"),
        }
    }
}

impl core::error::Error for StatementError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Shape(source) => Some(source),
            _ => None,
        }
    }
}

/// Why a proof is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// The verifying key is a development key, and the caller does not accept those.
    DevelopmentKey {
        /// The key's identity.
        key_id: KeyId,
    },
    /// The verifying key is for a tree of fewer than 16 levels, which only tests have, and the caller does not accept those.
    TestTree {
        /// The key's identity.
        key_id: KeyId,
        /// Levels of its tree.
        levels: u8,
    },
    /// The proof was made for another key.
    KeyMismatch {
        /// The key that the bundle names.
        got: KeyId,
        /// The caller's key.
        expected: KeyId,
    },
    /// The facts are not a statement of the key's shape.
    Statement(StatementError),
    /// The number of public inputs is not three.
    InputCount {
        /// Inputs given.
        got: u64,
        /// Inputs that a proof has.
        expected: u64,
    },
    /// A public input is at or above r.
    InputNotCanonical {
        /// Its index: 0 for h, 1 for z, 2 for y.
        index: usize,
    },
    /// The pairing equation does not hold: the proof does not prove this statement.
    ProofRejected,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::DevelopmentKey { key_id } => {
                write!(
                    f,
                    "verifying key {key_id} is a development key: whoever made it can forge proofs"
                )
            }
            Self::TestTree { key_id, levels } => {
                write!(
                    f,
                    "verifying key {key_id} is for a tree of {levels} levels, which only tests have; a rollup's has 16"
                )
            }
            Self::KeyMismatch { got, expected } => {
                write!(
                    f,
                    "bundle is for key {got}, not for the given verifying key {expected}"
                )
            }
            Self::Statement(_) => write!(f, "facts are not a statement of the key's shape"),
            Self::InputCount { got, expected } => write!(f, "{got} public inputs instead of {expected}"),
            Self::InputNotCanonical { index } => {
                write!(f, "public input {index} is at or above the field modulus")
            }
            Self::ProofRejected => write!(f, "proof does not prove this statement"),
        }
    }
}

impl core::error::Error for VerifyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Statement(source) => Some(source),
            _ => None,
        }
    }
}

/// Why a list of bundles is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BatchError {
    /// There is no bundle: nothing was proved.
    Empty,
    /// A bundle is not accepted.
    Item {
        /// Its index in the list.
        index: usize,
        /// Why.
        source: VerifyError,
    },
    /// The batched equation fails though each proof that was looked at alone holds. This cannot happen unless
    /// memory is corrupted; nothing is accepted.
    Unattributed,
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Empty => write!(f, "no bundle to verify"),
            Self::Item { index, .. } => write!(f, "bundle {index} is not accepted"),
            Self::Unattributed => write!(f, "batched equation fails though no single proof does"),
        }
    }
}

impl core::error::Error for BatchError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Item { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Why bundles do not follow each other. `index` is that of the bundle that does not follow the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainError {
    /// There is no bundle.
    Empty,
    /// The bundle is of another rollup.
    RollupId {
        /// Index of the bundle.
        index: usize,
    },
    /// The bundle's batch number is not the next one.
    BatchNumber {
        /// Index of the bundle.
        index: usize,
        /// Its batch number.
        got: u32,
        /// The next number.
        expected: u32,
    },
    /// The bundle before has the last batch number there is.
    NumbersExhausted {
        /// Index of the bundle.
        index: usize,
    },
    /// The bundle does not start from the root where the one before it ends.
    OldRoot {
        /// Index of the bundle.
        index: usize,
        /// Its old root.
        got: Fr,
        /// The new root before it.
        expected: Fr,
    },
    /// The bundle does not start from the priority queue's hash where the one before it ends: operations were
    /// skipped, reordered, invented or repeated.
    Queue {
        /// Index of the bundle.
        index: usize,
        /// Its queue hash.
        got: [u8; 32],
        /// The queue hash after the bundle before it.
        expected: [u8; 32],
    },
}

impl fmt::Display for ChainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "no bundle to check"),
            Self::RollupId { index } => {
                write!(f, "bundle {index} is of another rollup than the one before it")
            }
            Self::BatchNumber { index, got, expected } => {
                write!(f, "bundle {index} is batch {got}, the next batch is {expected}")
            }
            Self::NumbersExhausted { index } => write!(f, "bundle {index} follows the last batch number"),
            Self::OldRoot { index, got, expected } => write!(
                f,
                "bundle {index} starts from root {}, the one before it ends at {}",
                to_hex(&fr_to_bytes_be(got)),
                to_hex(&fr_to_bytes_be(expected))
            ),
            Self::Queue { index, got, expected } => write!(
                f,
                "bundle {index} starts from queue hash {}, the one before it ends at {}",
                to_hex(got),
                to_hex(expected)
            ),
        }
    }
}

impl core::error::Error for ChainError {}
