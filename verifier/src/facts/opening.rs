//! The published part of an opening.

use alloc::vec::Vec;

use ark_bn254::Fr;

use super::{Entry, TransferData};
use crate::encoding::{Reader, fr_to_bytes_be};
use crate::{DecodeError, Section};

/// The published part of an opening: 103 bytes, `from` 4 | `to` 4 | `amount` 5 | `fee` 2 | `token` 4 | `owner` 20 |
/// key x 32 | key y 32, big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpeningData {
    /// Leaf index of the sender.
    pub from: u32,
    /// Leaf index that is opened.
    pub to: u32,
    /// The new leaf's first balance, a 40-bit float as in [`TransferData::amount`].
    pub amount: u64,
    /// 16-bit float as in [`TransferData::fee`].
    pub fee: u16,
    /// The new leaf's token, which is the sender's.
    pub token: u32,
    /// The new leaf's owner on the root chain.
    pub owner: [u8; 20],
    /// The new leaf's key: x and y on BabyJubjub.
    pub key: [Fr; 2],
}

impl OpeningData {
    /// Bytes of an opening's data.
    pub const BYTES: usize = 103;

    /// What moves from leaf to leaf.
    pub(crate) fn transfer(&self) -> TransferData {
        TransferData {
            from: self.from,
            to: self.to,
            amount: self.amount,
            fee: self.fee,
        }
    }
}

impl Entry for OpeningData {
    const SECTION: Section = Section::Openings;
    const BYTES: usize = Self::BYTES;

    fn write(&self, bytes: &mut Vec<u8>) {
        self.transfer().write(bytes);
        bytes.extend(self.token.to_be_bytes());
        bytes.extend(self.owner);
        bytes.extend(self.key.iter().flat_map(fr_to_bytes_be));
    }

    fn read(reader: &mut Reader<'_>, _: u32) -> Result<Self, DecodeError> {
        let field = Self::SECTION.name();
        Ok(Self {
            from: reader.u32(field)?,
            to: reader.u32(field)?,
            amount: reader.amount(field)?,
            fee: reader.array(field).map(u16::from_be_bytes)?,
            token: reader.u32(field)?,
            owner: reader.array(field)?,
            key: [reader.fr("openings.key")?, reader.fr("openings.key")?],
        })
    }
}
