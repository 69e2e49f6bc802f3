//! The published part of a withdrawal.

use alloc::vec::Vec;

use super::Entry;
use crate::encoding::Reader;
use crate::{DecodeError, Section};

/// The published part of a withdrawal: 46 bytes, `from` 4 | `token` 4 | `amount` 16 | `fee` 2 | `address` 20,
/// big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WithdrawalData {
    /// Leaf index of the sender.
    pub from: u32,
    /// The leaf's token.
    pub token: u32,
    /// The sum that leaves the rollup, in the token's smallest unit.
    pub amount: u128,
    /// 16-bit float: 5 bits of exponent, then 11 bits of mantissa; value = mantissa · 10^exponent.
    pub fee: u16,
    /// Whom the root chain pays.
    pub address: [u8; 20],
}

impl WithdrawalData {
    /// Bytes of a withdrawal's data.
    pub const BYTES: usize = 46;
}

impl Entry for WithdrawalData {
    const SECTION: Section = Section::Withdrawals;
    const BYTES: usize = Self::BYTES;

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.from.to_be_bytes());
        bytes.extend(self.token.to_be_bytes());
        bytes.extend(self.amount.to_be_bytes());
        bytes.extend(self.fee.to_be_bytes());
        bytes.extend(self.address);
    }

    fn read(reader: &mut Reader<'_>, _: u32) -> Result<Self, DecodeError> {
        let field = Self::SECTION.name();
        Ok(Self {
            from: reader.u32(field)?,
            token: reader.u32(field)?,
            amount: reader.u128(field)?,
            fee: reader.array(field).map(u16::from_be_bytes)?,
            address: reader.array(field)?,
        })
    }
}
