//! Verifying keys of exit circuits.

use alloc::vec::Vec;

use crate::encoding::keccak256;
use crate::keys::KeyHead;
use crate::shape::in_range;
use crate::{DecodeError, KeyId, KeyPoints, Provenance, Shape, VerifyingKey};

/// keccak256("quittance.exit-key.v1").
pub const TAG_EXIT_KEY: [u8; 32] = [
    0x3f, 0x49, 0x2f, 0xe3, 0x78, 0xda, 0x89, 0xf0, 0xeb, 0x9e, 0xb9, 0xd4, 0x97, 0x3d, 0x9d, 0x67, 0x7d,
    0x0a, 0x10, 0x15, 0x12, 0x5b, 0xc1, 0x1d, 0xc0, 0x28, 0x8b, 0x96, 0xbb, 0x82, 0xf9, 0xad,
];

/// A checked verifying key of an exit circuit: the same checks as of a batch's [`VerifyingKey`], and another type, so
/// that neither can stand for the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitVerifyingKey {
    provenance: Provenance,
    levels: u8,
    points: KeyPoints,
}

impl ExitVerifyingKey {
    /// Bytes of a key: 31 EVM words.
    pub const BYTES: usize = VerifyingKey::BYTES;

    /// Checks the parts of a key.
    ///
    /// # Errors
    /// [`DecodeError`] naming the first part that is unacceptable.
    pub fn new(provenance: Provenance, levels: u8, points: KeyPoints) -> Result<Self, DecodeError> {
        in_range("shape.levels", levels.into(), 1, Shape::PRODUCTION_LEVELS.into())?;
        points.check()?;
        Ok(Self {
            provenance,
            levels,
            points,
        })
    }

    /// Who made the key's secrets.
    pub fn provenance(&self) -> Provenance {
        self.provenance
    }

    /// Levels of the account tree that the circuit proves paths in.
    pub fn levels(&self) -> u8 {
        self.levels
    }

    /// The key's points.
    pub fn points(&self) -> &KeyPoints {
        &self.points
    }

    /// The key's identity: keccak256 of [`ExitVerifyingKey::to_bytes`].
    pub fn key_id(&self) -> KeyId {
        KeyId(keccak256([&self.to_bytes()[..]]))
    }

    /// The EVM encoding, which is also the file format: that of a [`VerifyingKey`], with [`TAG_EXIT_KEY`] and six
    /// counts of 0.
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = KeyHead {
            provenance: self.provenance,
            levels: self.levels,
            slots: [0; 6],
        };
        head.to_bytes(&TAG_EXIT_KEY, &self.points)
    }

    /// Reads exactly what [`ExitVerifyingKey::to_bytes`] writes.
    ///
    /// # Errors
    /// [`DecodeError`] for another length or tag, numbers out of range, slots of any section, and every point that
    /// [`ExitVerifyingKey::new`] refuses.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (head, points) = KeyHead::from_bytes(bytes, "exit verifying key", &TAG_EXIT_KEY, [0; 6])?;
        Self::new(head.provenance, head.levels, points)
    }
}
