//! The published part of a fee slot.

use alloc::vec::Vec;

use super::Entry;
use crate::encoding::Reader;
use crate::{DecodeError, Section};

/// The published part of a fee slot: 24 bytes, `leaf` 4 | `token` 4 | `amount` 16, big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FeeData {
    /// Leaf index that is credited.
    pub leaf: u32,
    /// The leaf's token.
    pub token: u32,
    /// The sum credited, in the token's smallest unit.
    pub amount: u128,
}

impl FeeData {
    /// Bytes of a fee slot's data.
    pub const BYTES: usize = 24;
}

impl Entry for FeeData {
    const SECTION: Section = Section::Fees;
    const BYTES: usize = Self::BYTES;

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.leaf.to_be_bytes());
        bytes.extend(self.token.to_be_bytes());
        bytes.extend(self.amount.to_be_bytes());
    }

    fn read(reader: &mut Reader<'_>, _: u32) -> Result<Self, DecodeError> {
        let field = Self::SECTION.name();
        Ok(Self {
            leaf: reader.u32(field)?,
            token: reader.u32(field)?,
            amount: reader.u128(field)?,
        })
    }
}
