//! The published part of a transfer.

use alloc::vec::Vec;

use super::Entry;
use crate::encoding::Reader;
use crate::{DecodeError, Section};

/// The published part of a transfer: 15 bytes, `from` 4 | `to` 4 | `amount` 5 | `fee` 2, big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransferData {
    /// Leaf index of the sender.
    pub from: u32,
    /// Leaf index of the recipient.
    pub to: u32,
    /// 40-bit float: 5 bits of exponent, then 35 bits of mantissa; value = mantissa · 10^exponent.
    pub amount: u64,
    /// 16-bit float: 5 bits of exponent, then 11 bits of mantissa; value = mantissa · 10^exponent.
    pub fee: u16,
}

impl TransferData {
    /// Bytes of a transfer's data.
    pub const BYTES: usize = 15;
    /// The greatest encoded amount, 2^40 − 1.
    pub const MAX_AMOUNT: u64 = 0xff_ffff_ffff;

    /// The 15 bytes as a number: from·2^88 + to·2^56 + amount·2^16 + fee.
    pub(crate) fn packed(&self) -> u128 {
        u128::from(self.from) << 88
            | u128::from(self.to) << 56
            | u128::from(self.amount) << 16
            | u128::from(self.fee)
    }
}

impl Entry for TransferData {
    const SECTION: Section = Section::Transfers;
    const BYTES: usize = Self::BYTES;

    fn write(&self, bytes: &mut Vec<u8>) {
        let [_, packed @ ..] = self.packed().to_be_bytes();
        bytes.extend(packed);
    }

    fn read(reader: &mut Reader<'_>, _: u32) -> Result<Self, DecodeError> {
        let field = Self::SECTION.name();
        Ok(Self {
            from: reader.u32(field)?,
            to: reader.u32(field)?,
            amount: reader.amount(field)?,
            fee: reader.array(field).map(u16::from_be_bytes)?,
        })
    }
}
