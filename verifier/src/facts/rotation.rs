//! The published part of a rotation.

use alloc::vec::Vec;

use ark_bn254::Fr;

use super::Entry;
use crate::encoding::{Reader, fr_to_bytes_be};
use crate::{DecodeError, Section};

/// The published part of a rotation: 90 bytes, `from` 4 | `fee` 2 | `owner` 20 | key x 32 | key y 32, big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationData {
    /// Leaf index.
    pub from: u32,
    /// 16-bit float: 5 bits of exponent, then 11 bits of mantissa; value = mantissa · 10^exponent.
    pub fee: u16,
    /// The leaf's new owner on the root chain.
    pub owner: [u8; 20],
    /// The leaf's new key: x and y on BabyJubjub.
    pub key: [Fr; 2],
}

impl RotationData {
    /// Bytes of a rotation's data.
    pub const BYTES: usize = 90;
}

impl Entry for RotationData {
    const SECTION: Section = Section::Rotations;
    const BYTES: usize = Self::BYTES;

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.from.to_be_bytes());
        bytes.extend(self.fee.to_be_bytes());
        bytes.extend(self.owner);
        bytes.extend(self.key.iter().flat_map(fr_to_bytes_be));
    }

    fn read(reader: &mut Reader<'_>, _: u32) -> Result<Self, DecodeError> {
        let field = Self::SECTION.name();
        Ok(Self {
            from: reader.u32(field)?,
            fee: reader.array(field).map(u16::from_be_bytes)?,
            owner: reader.array(field)?,
            key: [reader.fr("rotations.key")?, reader.fr("rotations.key")?],
        })
    }
}
