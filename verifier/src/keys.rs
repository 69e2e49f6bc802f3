//! Verifying keys: their encoding, their identity, and what makes one unacceptable.

mod points;

use alloc::vec::Vec;
use core::{fmt, str::FromStr};

pub use points::KeyPoints;

use crate::encoding::{Reader, from_hex, keccak256, length, to_hex};
use crate::{DecodeError, Section, Shape, TAG_VERIFYING_KEY};

/// keccak256 of a verifying key's encoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 32]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = DecodeError;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, DecodeError> {
        from_hex(text, "key_id").map(Self)
    }
}

/// Who made a key's secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provenance {
    /// One machine, which could forge proofs: for tests and demonstrations.
    Development,
    /// A ceremony of several parties, one of whom must have been honest.
    Ceremony,
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Development => "development",
            Self::Ceremony => "ceremony",
        })
    }
}

/// A checked verifying key: a value of this type has a valid shape, points on their curves, in the subgroups
/// of order r, none of them the identity, and a δ that is neither ±γ nor ±generator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    provenance: Provenance,
    shape: Shape,
    points: KeyPoints,
}

impl VerifyingKey {
    /// Bytes of a key: 31 EVM words.
    pub const BYTES: usize = 992;

    /// Checks the parts of a key.
    ///
    /// # Errors
    /// [`DecodeError`] naming the first part that is unacceptable.
    pub fn new(provenance: Provenance, shape: Shape, points: KeyPoints) -> Result<Self, DecodeError> {
        shape.validate()?;
        points.check()?;
        Ok(Self {
            provenance,
            shape,
            points,
        })
    }

    /// Who made the key's secrets.
    pub fn provenance(&self) -> Provenance {
        self.provenance
    }

    /// The shape of the circuit that the key belongs to.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The key's points.
    pub fn points(&self) -> &KeyPoints {
        &self.points
    }

    /// The key's identity: keccak256 of [`VerifyingKey::to_bytes`].
    pub fn key_id(&self) -> KeyId {
        KeyId(keccak256([&self.to_bytes()[..]]))
    }

    /// The EVM encoding, which is also the file format: 31 big-endian words of 32 bytes, namely
    /// [`TAG_VERIFYING_KEY`], provenance (1 development, 2 ceremony), levels, slots of priority, openings,
    /// transfers, withdrawals, rotations and fees, α, β, γ, δ, and the four bases of the public inputs.
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = KeyHead {
            provenance: self.provenance,
            levels: self.shape.levels,
            slots: Section::ALL.map(|section| self.shape.slots(section)),
        };
        head.to_bytes(&TAG_VERIFYING_KEY, &self.points)
    }

    /// Reads exactly what [`VerifyingKey::to_bytes`] writes.
    ///
    /// # Errors
    /// [`DecodeError`] for another length or tag, numbers out of range or that make no valid shape, and every point
    /// that [`VerifyingKey::new`] refuses.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let most = Section::ALL.map(Section::max_slots);
        let (head, points) = KeyHead::from_bytes(bytes, "verifying key", &TAG_VERIFYING_KEY, most)?;
        let mut shape = Shape::transfers_only(head.levels, 0, 0);
        for (section, slots) in Section::ALL.into_iter().zip(head.slots) {
            *shape.slots_mut(section) = slots;
        }
        Self::new(head.provenance, shape, points)
    }
}

/// What stands before the points in a key's encoding, of batches and of exits.
pub(crate) struct KeyHead {
    pub(crate) provenance: Provenance,
    pub(crate) levels: u8,
    pub(crate) slots: [u32; 6],
}

impl KeyHead {
    pub(crate) fn to_bytes(&self, tag: &[u8; 32], points: &KeyPoints) -> Vec<u8> {
        let provenance: u32 = match self.provenance {
            Provenance::Development => 1,
            Provenance::Ceremony => 2,
        };
        let mut bytes = Vec::with_capacity(VerifyingKey::BYTES);
        bytes.extend(tag);
        for number in [provenance, self.levels.into()].into_iter().chain(self.slots) {
            bytes.extend([0; 28]);
            bytes.extend(number.to_be_bytes());
        }
        points.write(&mut bytes);
        bytes
    }

    /// Reads what [`KeyHead::to_bytes`] writes, with at most `most` slots in each section. Checks each point alone.
    pub(crate) fn from_bytes(
        bytes: &[u8],
        field: &'static str,
        tag: &[u8; 32],
        most: [u32; 6],
    ) -> Result<(Self, KeyPoints), DecodeError> {
        if bytes.len() != VerifyingKey::BYTES {
            return Err(DecodeError::Length {
                field,
                expected: length(VerifyingKey::BYTES),
                got: length(bytes.len()),
            });
        }
        let mut reader = Reader::new(bytes);
        if reader.array("tag")? != *tag {
            return Err(DecodeError::Format { field });
        }
        let provenance = match reader.word_u32("provenance", 1, 2)? {
            1 => Provenance::Development,
            _ => Provenance::Ceremony,
        };
        let levels = reader.word_u32("shape.levels", 1, Shape::PRODUCTION_LEVELS.into())?;
        // At most 16 by the line before: the fallback, which every key refuses, is never taken.
        let levels = u8::try_from(levels).unwrap_or(0);
        let mut slots = [0; 6];
        for ((slots, section), most) in slots.iter_mut().zip(Section::ALL).zip(most) {
            *slots = reader.word_u32(section.shape_field(), 0, most)?;
        }
        let points = KeyPoints::read(&mut reader)?;
        reader.finish()?;
        let head = Self {
            provenance,
            levels,
            slots,
        };
        Ok((head, points))
    }
}
