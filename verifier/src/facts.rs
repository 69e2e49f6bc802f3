//! Facts: what a proved batch did, in the clear. They are what the statement's elements are made from.

mod fee;
mod opening;
mod priority;
mod rotation;
mod transfer;
mod withdrawal;

use alloc::vec::Vec;

use ark_bn254::Fr;

pub use fee::FeeData;
pub use opening::OpeningData;
#[cfg(feature = "cli")]
pub(crate) use priority::PriorityFields;
pub use priority::{Payout, PriorityData};
pub use rotation::RotationData;
pub use transfer::TransferData;
pub use withdrawal::WithdrawalData;

use crate::encoding::{Reader, fr_to_bytes_be, length};
use crate::shape::in_range;
use crate::{DecodeError, Section, Shape, StatementError};

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
    /// Running hash of the priority queue before the batch, big-endian, below 2^248; see [`Facts::queue_after`].
    pub queue: [u8; 32],
    /// The priority operations with their outcomes, in the queue's order; lists have at most
    /// [`Section::max_slots`] entries, all in execution order.
    pub priority: Vec<PriorityData>,
    /// The openings.
    pub openings: Vec<OpeningData>,
    /// The transfers.
    pub transfers: Vec<TransferData>,
    /// The withdrawals.
    pub withdrawals: Vec<WithdrawalData>,
    /// The rotations.
    pub rotations: Vec<RotationData>,
    /// The fee slots.
    pub fees: Vec<FeeData>,
}

/// An entry of one of the lists: a fixed number of bytes.
pub(crate) trait Entry: Sized {
    /// The list's section, which names it and bounds its length.
    const SECTION: Section;
    /// Bytes of an entry.
    const BYTES: usize;

    fn write(&self, bytes: &mut Vec<u8>);

    /// Reads what `write` writes; `index` is for errors.
    fn read(reader: &mut Reader<'_>, index: u32) -> Result<Self, DecodeError>;
}

impl Facts {
    /// The encoding, big-endian: rollup id 32 | batch number 4 | old root 32 | new root 32 | queue hash 32 | lengths
    /// of the six lists in the order of [`Section::ALL`], 4 each | fee slots, 24 each | priority operations, 110
    /// each | openings, 103 each | withdrawals, 46 each | rotations, 90 each | transfers, 15 each.
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

    /// How many operations, or fee slots, a section has.
    pub fn count(&self, section: Section) -> usize {
        match section {
            Section::Priority => self.priority.len(),
            Section::Openings => self.openings.len(),
            Section::Transfers => self.transfers.len(),
            Section::Withdrawals => self.withdrawals.len(),
            Section::Rotations => self.rotations.len(),
            Section::Fees => self.fees.len(),
        }
    }

    /// The priority queue's running hash after the batch: that of the next batch before it.
    pub fn queue_after(&self) -> [u8; 32] {
        self.priority.iter().fold(self.queue, |hash, operation| {
            operation.request().hash_after(&hash)
        })
    }

    /// Checks the ranges that hold for every shape.
    pub(crate) fn check(&self) -> Result<(), StatementError> {
        if !matches!(self.rollup_id, [0, ..]) {
            return Err(StatementError::RollupIdOutOfRange);
        }
        if !matches!(self.queue, [0, ..]) {
            return Err(StatementError::QueueOutOfRange);
        }
        for section in Section::ALL {
            self.count_within(section, section.max_slots())?;
        }
        let openings = self.openings.iter().map(|opening| opening.amount);
        let transfers = self.transfers.iter().map(|transfer| transfer.amount);
        amounts_fit(Section::Openings, openings)?;
        amounts_fit(Section::Transfers, transfers)
    }

    /// A section's count, if it is at most `capacity`.
    pub(crate) fn count_within(&self, section: Section, capacity: u32) -> Result<u32, StatementError> {
        let got = self.count(section);
        u32::try_from(got)
            .ok()
            .filter(|count| *count <= capacity)
            .ok_or(StatementError::TooMany {
                section,
                got,
                capacity,
            })
    }

    pub(crate) fn write(&self, bytes: &mut Vec<u8>) -> Result<(), StatementError> {
        self.check()?;
        bytes.extend(self.rollup_id);
        bytes.extend(self.batch_number.to_be_bytes());
        bytes.extend(fr_to_bytes_be(&self.old_root));
        bytes.extend(fr_to_bytes_be(&self.new_root));
        bytes.extend(self.queue);
        for section in Section::ALL {
            let count = self.count_within(section, section.max_slots())?;
            bytes.extend(count.to_be_bytes());
        }
        write_list(&self.fees, bytes);
        write_list(&self.priority, bytes);
        write_list(&self.openings, bytes);
        write_list(&self.withdrawals, bytes);
        write_list(&self.rotations, bytes);
        write_list(&self.transfers, bytes);
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
        let queue: [u8; 32] = reader.array("queue")?;
        if !matches!(queue, [0, ..]) {
            return Err(DecodeError::QueueOutOfRange);
        }
        let mut counts = Shape::transfers_only(0, 0, 0);
        for section in Section::ALL {
            *counts.slots_mut(section) = reader.u32("counts")?;
        }
        let fees = read_list(reader, &counts)?;
        let priority = read_list(reader, &counts)?;
        let openings = read_list(reader, &counts)?;
        let withdrawals = read_list(reader, &counts)?;
        let rotations = read_list(reader, &counts)?;
        let transfers = read_list(reader, &counts)?;
        Ok(Self {
            rollup_id,
            batch_number,
            old_root,
            new_root,
            queue,
            priority,
            openings,
            transfers,
            withdrawals,
            rotations,
            fees,
        })
    }
}

fn amounts_fit(section: Section, amounts: impl Iterator<Item = u64>) -> Result<(), StatementError> {
    for (index, got) in amounts.enumerate() {
        if got > TransferData::MAX_AMOUNT {
            return Err(StatementError::AmountOutOfRange { section, index, got });
        }
    }
    Ok(())
}

fn write_list<T: Entry>(list: &[T], bytes: &mut Vec<u8>) {
    for entry in list {
        entry.write(bytes);
    }
}

/// Reads a list, after checking that its count is within the section's limit and that the input has that many
/// bytes: memory is never taken on the word of the input.
fn read_list<T: Entry>(reader: &mut Reader<'_>, counts: &Shape) -> Result<Vec<T>, DecodeError> {
    let count = counts.slots(T::SECTION);
    let field = T::SECTION.name();
    in_range(field, count, 0, T::SECTION.max_slots())?;
    let needed = u64::from(count).saturating_mul(length(T::BYTES));
    let got = length(reader.remaining());
    if needed > got {
        return Err(DecodeError::Truncated { field, needed, got });
    }
    (0..count).map(|index| T::read(reader, index)).collect()
}
