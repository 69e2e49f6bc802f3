//! What is checked when a store is opened: everything that has to hold between its tables and is cheap to look at.
//!
//! Leaves and nodes are checked when they are read, by climbing to the root; sealed records, by their seals.

use std::cmp::Ordering;

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};

use super::enter::entry_at;
use super::record::codec::RecordError;
use super::record::head::Head;
use super::record::identity::Identity;
use super::rows::{decode_batch, decode_operation, read_batch, read_operation};
use super::state::{root_lost, stored_node};
use super::tables::{
    BATCHES, HEAD, INPUTS, KEY_ACCOUNTS, KEY_ORDER, KEYS, LEAVES, META, NODES, OPERATIONS, PENDING, PRIORITY,
    UNDO, batch_row, inputs_row, operation_row, undo_row,
};
use super::{StoreError, meta};
use crate::operation::OperationState;

/// Most rows of one table that are looked at.
const VISITS: u64 = 4096;

/// Checks an opened store of this program's format.
pub(super) fn check(txn: &ReadTransaction, identity: &Identity) -> Result<(), StoreError> {
    let meta = txn.open_table(META)?;
    let head = meta::read_head(&meta)?;
    if stored_node(&txn.open_table(NODES)?, identity.levels, 0)? != head.root {
        return Err(root_lost(identity.levels));
    }
    last_batch(txn, identity, &head)?;
    if head.batch_number > 0 && txn.open_table(UNDO)?.get(head.batch_number)?.is_none() {
        return Err(undo_row(head.batch_number).lost());
    }
    pending(txn, &head)?;
    queue(txn, &head)?;
    priority(txn, &head)?;
    lengths(txn, &head)
}

fn last_batch(txn: &ReadTransaction, identity: &Identity, head: &Head) -> Result<(), StoreError> {
    let batches = txn.open_table(BATCHES)?;
    let last = batches
        .last()?
        .map(|(number, value)| decode_batch(number.value(), value.value()))
        .transpose()?;
    match last {
        None if head.batch_number == 0 && head.executed.next > 0 => {
            Err(HEAD.invalid("executed priority operations"))
        }
        None if head.batch_number == 0 && head.root == identity.genesis_root => Ok(()),
        None if head.batch_number == 0 => Err(HEAD.invalid("root")),
        None => Err(batch_row(head.batch_number).lost()),
        Some(last) if last.number < head.batch_number => Err(batch_row(head.batch_number).lost()),
        Some(last) if last.number > head.batch_number => Err(batch_row(last.number).invalid("number")),
        Some(last) if last.new_root != head.root => Err(batch_row(last.number).invalid("new root")),
        Some(last) if last.queue_after != head.executed => Err(HEAD.invalid("executed priority operations")),
        Some(last) if last.end_operation > head.next_operation => Err(HEAD.invalid("next operation")),
        Some(_) => Ok(()),
    }
}

/// Tables whose lengths are known have them; the database keeps the lengths, so that nothing is counted.
fn lengths(txn: &ReadTransaction, head: &Head) -> Result<(), StoreError> {
    let batches = u64::from(head.batch_number);
    let wrong = |table, rows| StoreError::Corrupt {
        table,
        key: format!("all {rows}"),
        source: RecordError::Invalid {
            field: "number of rows",
        },
    };
    let counted = [
        ("batches", txn.open_table(BATCHES)?.len()?, batches),
        ("undo", txn.open_table(UNDO)?.len()?, batches),
        ("priority", txn.open_table(PRIORITY)?.len()?, head.entered.next),
        (
            "operations",
            txn.open_table(OPERATIONS)?.len()?,
            head.last_operation,
        ),
    ];
    for (table, rows, expected) in counted {
        if rows != expected {
            return Err(wrong(table, rows));
        }
    }
    let pairs = [
        [
            ("leaves", txn.open_table(LEAVES)?.len()?),
            ("key_accounts", txn.open_table(KEY_ACCOUNTS)?.len()?),
        ],
        [
            ("keys", txn.open_table(KEYS)?.len()?),
            ("key_order", txn.open_table(KEY_ORDER)?.len()?),
        ],
    ];
    for [one, other] in pairs {
        // Rows are lost sooner than made.
        match one.1.cmp(&other.1) {
            Ordering::Less => return Err(wrong(one.0, one.1)),
            Ordering::Greater => return Err(wrong(other.0, other.1)),
            Ordering::Equal => {}
        }
    }
    Ok(())
}

/// Every pending batch is there with what its proof needs, and active, and of the newest batches every active one is pending.
fn pending(txn: &ReadTransaction, head: &Head) -> Result<(), StoreError> {
    let batches = txn.open_table(BATCHES)?;
    let pending = txn.open_table(PENDING)?;
    let inputs = txn.open_table(INPUTS)?;
    let visits = usize::try_from(VISITS).unwrap_or(usize::MAX);
    for row in pending.iter()?.take(visits) {
        let number = row?.0.value();
        let batch = read_batch(&batches, number)?.ok_or_else(|| batch_row(number).lost())?;
        if !batch.stage.is_active() {
            return Err(batch_row(number).invalid("stage: it is pending"));
        }
        if inputs.get(number)?.is_none() {
            return Err(inputs_row(number).lost());
        }
    }
    let newest = head.batch_number.saturating_sub(63).max(1);
    for row in batches.range(newest..)? {
        let (number, value) = row?;
        let number = number.value();
        if decode_batch(number, value.value())?.stage.is_active() && pending.get(number)?.is_none() {
            return Err(StoreError::Lost {
                table: "pending",
                key: number.to_string(),
            });
        }
    }
    Ok(())
}

/// The last operation is there and none after it; a short queue is counted.
fn queue(txn: &ReadTransaction, head: &Head) -> Result<(), StoreError> {
    let operations = txn.open_table(OPERATIONS)?;
    match operations.last()?.map(|(id, _)| id.value()) {
        Some(last) if last > head.last_operation => return Err(operation_row(last).invalid("id")),
        _ if head.last_operation > 0 => drop(read_operation(&operations, head.last_operation)?),
        _ => {}
    }
    let end = head.last_operation.saturating_add(1);
    if end.saturating_sub(head.next_operation) > VISITS {
        return Ok(());
    }
    let mut queued = 0u64;
    for row in operations.range(head.next_operation..)? {
        let (id, value) = row?;
        match decode_operation(id.value(), value.value())?.state {
            OperationState::Queued => queued += 1,
            OperationState::Rejected(_) => {}
            OperationState::Executed { .. } => {
                return Err(operation_row(id.value()).invalid("state: it is executed behind the cursor"));
            }
        }
    }
    if queued == head.queued {
        Ok(())
    } else {
        Err(HEAD.invalid("queued operations"))
    }
}

/// The last priority operations that have entered and that are executed are there, with the head's hashes.
fn priority(txn: &ReadTransaction, head: &Head) -> Result<(), StoreError> {
    let (places, operations) = (txn.open_table(PRIORITY)?, txn.open_table(OPERATIONS)?);
    for point in [&head.entered, &head.executed] {
        if let Some(last) = point.next.checked_sub(1)
            && entry_at(&places, &operations, last)?.1.hash != point.hash
        {
            return Err(HEAD.invalid("queue's hash"));
        }
    }
    Ok(())
}
