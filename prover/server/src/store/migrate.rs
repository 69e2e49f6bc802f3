//! From format 1 to format 2, in one transaction: a kill leaves the one or the other.
//!
//! Format 1 had no operations, no idempotency keys and no undo records, and its records had no seals. Its batches stay; history
//! and rollback begin after them.

use redb::{Database, ReadableTable, Table, WriteTransaction};

use super::meta::{read_identity_of_format_1, write_format, write_head, write_history, write_identity};
use super::record::batch;
use super::record::head::{self, Head};
use super::record::row::Row;
use super::tables::{self, BATCHES, FORMAT, HEAD, INPUTS, META, PROOFS, batch_row, inputs_row, proof_row};
use super::{StoreError, begin};

/// Brings a store of format 1 to format 2.
pub(super) fn migrate(db: &Database) -> Result<(), StoreError> {
    let txn = begin(db)?;
    let batches = from_format_1(&txn)?;
    txn.commit()?;
    tracing::info!(
        from = 1,
        to = FORMAT,
        batches,
        "store migrated; it cannot be rolled back to before its last batch"
    );
    Ok(())
}

fn from_format_1(txn: &WriteTransaction) -> Result<u32, StoreError> {
    let last = migrate_meta(txn)?;
    {
        let mut batches = txn.open_table(BATCHES)?;
        for number in (0..last).map(|before| before.saturating_add(1)) {
            let row = batch_row(number);
            let old = batches
                .get(number)?
                .map(|value| batch::decode_format_1(value.value()));
            let batch = old
                .ok_or_else(|| row.lost())?
                .map_err(|error| row.corrupt(error))?;
            if batch.number != number {
                return Err(row.invalid("number"));
            }
            batches.insert(number, row.seal(batch::encode(&batch)).as_slice())?;
        }
    }
    seal_all(&mut txn.open_table(INPUTS)?, inputs_row)?;
    seal_all(&mut txn.open_table(PROOFS)?, proof_row)?;
    tables::make_all(txn)?;
    Ok(last)
}

fn migrate_meta(txn: &WriteTransaction) -> Result<u32, StoreError> {
    let mut meta = txn.open_table(META)?;
    let identity = read_identity_of_format_1(&meta)?;
    let (batch_number, root) = {
        let value = meta.get("head")?.ok_or_else(|| HEAD.lost())?;
        head::decode_format_1(value.value()).map_err(|error| HEAD.corrupt(error))?
    };
    let head = Head {
        batch_number,
        root,
        next_operation: 1,
        last_operation: 0,
        queued: 0,
    };
    write_identity(&mut meta, &identity)?;
    write_head(&mut meta, &head)?;
    write_history(&mut meta, batch_number)?;
    write_format(&mut meta, FORMAT)?;
    Ok(batch_number)
}

/// Seals every row of a table, one after another.
fn seal_all(
    table: &mut Table<'_, u32, &'static [u8]>,
    row: impl Fn(u32) -> Row<'static>,
) -> Result<(), StoreError> {
    let numbers = table
        .iter()?
        .map(|row| Ok(row?.0.value()))
        .collect::<Result<Vec<u32>, StoreError>>()?;
    for number in numbers {
        let bytes = table.get(number)?.map(|value| value.value().to_vec());
        let sealed = row(number).seal(bytes.ok_or_else(|| row(number).lost())?);
        table.insert(number, sealed.as_slice())?;
    }
    Ok(())
}
