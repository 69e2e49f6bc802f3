//! Facts: what a proved batch did, in the clear. They are what the statement's elements are made from.

use alloc::vec::Vec;

use ark_bn254::Fr;

use crate::encoding::{Reader, fr_to_bytes_be, length};
use crate::{DecodeError, Shape, StatementError};

/// What a batch did: everything public about it.
///
/// The fields can hold any number; encoding and [`elements`](crate::elements()) refuse facts out of range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The rollup that the batch belongs to, big-endian, below 2^248; see [`rollup_id`](crate::rollup_id()).
    pub rollup_id: [u8; 32],
    /// The batch's number; the next batch has the next number.
    pub batch_number: u32,
    /// State root before the batch.
    pub old_root: Fr,
    /// State root after the batch.
    pub new_root: Fr,
    /// The transfers in execution order, at most [`Shape::MAX_TRANSFERS`].
    pub transfers: Vec<TransferData>,
    /// The fee slots in order, at most [`Shape::MAX_FEE_SLOTS`].
    pub fees: Vec<FeeData>,
}

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

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let [_, bytes @ ..] = self.packed().to_be_bytes();
        bytes
    }

    fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let [f0, f1, f2, f3, t0, t1, t2, t3, a0, a1, a2, a3, a4, fee0, fee1] = bytes;
        Self {
            from: u32::from_be_bytes([f0, f1, f2, f3]),
            to: u32::from_be_bytes([t0, t1, t2, t3]),
            amount: u64::from_be_bytes([0, 0, 0, a0, a1, a2, a3, a4]),
            fee: u16::from_be_bytes([fee0, fee1]),
        }
    }
}

impl FeeData {
    /// Bytes of a fee slot's data.
    pub const BYTES: usize = 24;
}

impl Facts {
    /// The encoding: rollup id 32 | batch number 4 | old root 32 | new root 32 | number of transfers 4 | number
    /// of fee slots 4 | fee slots, 24 each | transfers, 15 each. Big-endian.
    ///
    /// # Errors
    /// [`StatementError`] for facts out of range, which have no encoding.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StatementError> {
        let mut bytes = Vec::new();
        self.write(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads exactly what [`Facts::to_bytes`] writes. Allocates no more than the input's length justifies.
    ///
    /// # Errors
    /// [`DecodeError`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let facts = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(facts)
    }

    /// Checks the ranges that hold for every shape.
    pub(crate) fn check(&self) -> Result<(), StatementError> {
        if !matches!(self.rollup_id, [0, ..]) {
            return Err(StatementError::RollupIdOutOfRange);
        }
        fits(self.transfers.len(), Shape::MAX_TRANSFERS).ok_or(StatementError::TooManyTransfers {
            got: self.transfers.len(),
            capacity: Shape::MAX_TRANSFERS,
        })?;
        fits(self.fees.len(), Shape::MAX_FEE_SLOTS).ok_or(StatementError::TooManyFees {
            got: self.fees.len(),
            capacity: Shape::MAX_FEE_SLOTS,
        })?;
        for (index, transfer) in self.transfers.iter().enumerate() {
            if transfer.amount > TransferData::MAX_AMOUNT {
                return Err(StatementError::AmountOutOfRange {
                    index,
                    got: transfer.amount,
                });
            }
        }
        Ok(())
    }

    pub(crate) fn write(&self, bytes: &mut Vec<u8>) -> Result<(), StatementError> {
        self.check()?;
        bytes.extend(self.rollup_id);
        bytes.extend(self.batch_number.to_be_bytes());
        bytes.extend(fr_to_bytes_be(&self.old_root));
        bytes.extend(fr_to_bytes_be(&self.new_root));
        for list in [self.transfers.len(), self.fees.len()] {
            // Bounded by `check`: the fallback is never taken.
            bytes.extend(u32::try_from(list).unwrap_or(u32::MAX).to_be_bytes());
        }
        for fee in &self.fees {
            bytes.extend(fee.leaf.to_be_bytes());
            bytes.extend(fee.token.to_be_bytes());
            bytes.extend(fee.amount.to_be_bytes());
        }
        for transfer in &self.transfers {
            bytes.extend(transfer.to_bytes());
        }
        Ok(())
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let rollup_id: [u8; 32] = reader.array("rollup_id")?;
        if !matches!(rollup_id, [0, ..]) {
            return Err(DecodeError::RollupIdOutOfRange);
        }
        let batch_number = reader.u32("batch_number")?;
        let old_root = reader.fr("old_root")?;
        let new_root = reader.fr("new_root")?;
        let transfer_count = reader.u32("transfer_count")?;
        let fee_count = reader.u32("fee_count")?;
        let fees = read_list(
            reader,
            "fees",
            fee_count,
            Shape::MAX_FEE_SLOTS,
            FeeData::BYTES,
            |reader| {
                Ok(FeeData {
                    leaf: reader.u32("fees")?,
                    token: reader.u32("fees")?,
                    amount: reader.array("fees").map(u128::from_be_bytes)?,
                })
            },
        )?;
        let transfers = read_list(
            reader,
            "transfers",
            transfer_count,
            Shape::MAX_TRANSFERS,
            TransferData::BYTES,
            |reader| reader.array("transfers").map(TransferData::from_bytes),
        )?;
        Ok(Self {
            rollup_id,
            batch_number,
            old_root,
            new_root,
            transfers,
            fees,
        })
    }
}

/// The length as a count, if it is at most `capacity`.
pub(crate) fn fits(length: usize, capacity: u32) -> Option<u32> {
    u32::try_from(length).ok().filter(|count| *count <= capacity)
}

/// Reads `count` items, after checking that `count` is at most `max` and that the input has that many bytes:
/// memory is never taken on the word of the input.
fn read_list<T>(
    reader: &mut Reader<'_>,
    field: &'static str,
    count: u32,
    max: u32,
    item_bytes: usize,
    mut item: impl FnMut(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    if count > max {
        return Err(DecodeError::OutOfRange {
            field,
            min: 0,
            max: max.into(),
            got: count.into(),
        });
    }
    let needed = u64::from(count).saturating_mul(length(item_bytes));
    let got = length(reader.remaining());
    if needed > got {
        return Err(DecodeError::Truncated { field, needed, got });
    }
    (0..count).map(|_| item(reader)).collect()
}
