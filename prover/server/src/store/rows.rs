//! Reading of sealed rows, the same for snapshots and for transactions that write.

use quittance_circuits::tree::Levels;
use redb::ReadableTable;

use super::StoreError;
use super::record::{self, remembered::Numbered, undo::Before};
use super::tables::{batch_row, key_row, operation_row, priority_row, undo_row, whole_row};
use crate::batch::Batch;
use crate::operation::{Operation, Whole};

/// The batch of this number, if it is there.
pub(super) fn read_batch(
    batches: &impl ReadableTable<u32, &'static [u8]>,
    number: u32,
) -> Result<Option<Batch>, StoreError> {
    batches
        .get(number)?
        .map(|value| decode_batch(number, value.value()))
        .transpose()
}

/// The batch of a row.
pub(super) fn decode_batch(number: u32, bytes: &[u8]) -> Result<Batch, StoreError> {
    let row = batch_row(number);
    let batch = row.decode(bytes, record::batch::decode)?;
    if batch.number == number {
        Ok(batch)
    } else {
        Err(row.invalid("number"))
    }
}

/// The operation of this id, which has to be there.
pub(super) fn read_operation(
    operations: &impl ReadableTable<u64, &'static [u8]>,
    id: u64,
) -> Result<Operation, StoreError> {
    let value = operations.get(id)?.ok_or_else(|| operation_row(id).lost())?;
    decode_operation(id, value.value())
}

/// The operation of a row.
pub(super) fn decode_operation(id: u64, bytes: &[u8]) -> Result<Operation, StoreError> {
    operation_row(id).decode(bytes, |bytes| record::operation::decode(id, bytes))
}

/// The id of the operation in a place of the root chain's queue, which has to be there.
pub(super) fn read_priority(
    priority: &impl ReadableTable<u64, &'static [u8]>,
    index: u64,
) -> Result<u64, StoreError> {
    let row = priority_row(index);
    let value = priority.get(index)?.ok_or_else(|| row.lost())?;
    let id = row.open(value.value())?.try_into();
    Ok(u64::from_le_bytes(id.map_err(|_| row.invalid("operation"))?))
}

/// The whole submission that begins with this operation.
pub(super) fn decode_whole(first: u64, bytes: &[u8]) -> Result<Whole, StoreError> {
    whole_row(first).decode(bytes, record::whole::decode)
}

/// What was submitted under a key, if it is remembered.
pub(super) fn read_key(
    keys: &impl ReadableTable<&'static [u8], &'static [u8]>,
    key: &[u8],
) -> Result<Option<Numbered>, StoreError> {
    keys.get(key)?
        .map(|value| key_row(key).decode(value.value(), record::remembered::decode))
        .transpose()
}

/// The leaves before a batch, which have to be there.
pub(super) fn read_undo(
    undo: &impl ReadableTable<u32, &'static [u8]>,
    number: u32,
    levels: Levels,
) -> Result<Vec<Before>, StoreError> {
    let row = undo_row(number);
    let value = undo.get(number)?.ok_or_else(|| row.lost())?;
    let leaves = row.decode(value.value(), record::undo::decode)?;
    if leaves
        .iter()
        .any(|before| levels.check_leaf(before.index).is_err())
    {
        return Err(row.invalid("index"));
    }
    Ok(leaves)
}
