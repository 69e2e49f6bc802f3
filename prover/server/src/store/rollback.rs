//! Taking executed batches back, the last ones first, in one transaction.
//!
//! Leaves come from the undo records; nodes are hashed anew, and the root has to be the one that the first batch taken back
//! started from. So a damaged undo record is found before anything is written for good.

use std::collections::{BTreeMap, BTreeSet};

use ark_bn254::Fr;
use quittance_circuits::hash::{FieldHasher, RulesHasher};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::tree::{self, Levels};
use redb::WriteTransaction;

use super::record::codec::RecordError;
use super::record::{self, head::Head};
use super::rows::{read_batch, read_operation, read_undo};
use super::state::{leaf_hash, put_node, stored_leaf, stored_node};
use super::tables::{
    BATCHES, INPUTS, KEY_ACCOUNTS, LEAVES, META, NODES, OPERATIONS, PENDING, PROOFS, UNDO, batch_row,
    operation_row, undo_row,
};
use super::{Store, StoreError, begin, meta};
use crate::batch::{Batch, SectionCounts};
use crate::operation::OperationState;

/// What a rollback did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RolledBack {
    /// How many batches were taken back.
    pub batches: u32,
    /// How many of their proofs were thrown away.
    pub proofs: u32,
    /// How many operations are queued again.
    pub operations: u64,
    /// Where the rollup stands now.
    pub head: Head,
}

impl Store {
    /// Takes back every batch after number `to`, in one transaction. Their operations are queued again under the same
    /// ids, in the same order; operations that were rejected stay so. Proofs of these batches are thrown away: one that
    /// was handed out still verifies, but its batch is not the rollup's any more.
    ///
    /// Fails with [`StoreError::RollbackAhead`] beyond the last batch. If undo records do not give the root that the first batch taken back
    /// started from, it fails with [`StoreError::Corrupt`]. A failure changes nothing.
    pub fn rollback(&self, to: u32) -> Result<RolledBack, StoreError> {
        self.health.write(|| {
            let txn = begin(self.db()?)?;
            let mut head = meta::read_head(&txn.open_table(META)?)?;
            let last = head.batch_number;
            if to > last {
                return Err(StoreError::RollbackAhead { to, last });
            }
            let mut done = RolledBack {
                batches: last - to,
                proofs: 0,
                operations: 0,
                head,
            };
            if to == last {
                return Ok(done);
            }
            let batches = taken_back(&txn, &head, to)?;
            let Some(first) = batches.first() else {
                return Ok(done);
            };
            let levels = Levels::new(self.identity.levels)?;
            let before = leaves_before(&txn, &batches, levels)?;
            if restore(&txn, &before, levels)? != first.old_root {
                return Err(
                    undo_row(first.number).invalid("leaf: the tree's root is not the one before the batch")
                );
            }
            done.operations = queue_again(&txn, &head, &batches)?;
            done.proofs = remove(&txn, to)?;
            head.batch_number = to;
            head.root = first.old_root;
            head.next_operation = first.first_operation;
            head.queued = head.queued.saturating_add(done.operations);
            head.executed = first.queue_before;
            meta::write_head(&mut txn.open_table(META)?, &head)?;
            txn.commit()?;
            done.head = head;
            Ok(done)
        })
    }
}

/// The batches after `to` in ascending order, checked to be one chain that ends at the head.
fn taken_back(txn: &WriteTransaction, head: &Head, to: u32) -> Result<Vec<Batch>, StoreError> {
    let table = txn.open_table(BATCHES)?;
    let mut batches: Vec<Batch> = Vec::new();
    for number in (to..head.batch_number).map(|before| before.saturating_add(1)) {
        let row = batch_row(number);
        let batch = read_batch(&table, number)?.ok_or_else(|| row.lost())?;
        if let Some(last) = batches.last() {
            if last.new_root != batch.old_root {
                return Err(row.invalid("old root"));
            }
            if last.end_operation > batch.first_operation {
                return Err(row.invalid("first operation"));
            }
            if last.queue_after != batch.queue_before {
                return Err(row.invalid("root chain's queue"));
            }
        }
        batches.push(batch);
    }
    match batches.last() {
        Some(last) if last.new_root != head.root => Err(batch_row(last.number).invalid("new root")),
        Some(last) if last.queue_after != head.executed => {
            Err(batch_row(last.number).invalid("root chain's queue"))
        }
        _ => Ok(batches),
    }
}

/// The leaves as they were before the first of the batches.
fn leaves_before(
    txn: &WriteTransaction,
    batches: &[Batch],
    levels: Levels,
) -> Result<BTreeMap<u32, Option<Leaf>>, StoreError> {
    let undo = txn.open_table(UNDO)?;
    let mut leaves = BTreeMap::new();
    for batch in batches.iter().rev() {
        // An earlier batch's record comes later and stands.
        let before = read_undo(&undo, batch.number, levels)?;
        leaves.extend(before.into_iter().map(|before| (before.index, before.leaf)));
    }
    Ok(leaves)
}

/// Writes these leaves and all nodes above them. Gives the root.
fn restore(
    txn: &WriteTransaction,
    before: &BTreeMap<u32, Option<Leaf>>,
    levels: Levels,
) -> Result<Fr, StoreError> {
    let mut nodes = txn.open_table(NODES)?;
    {
        let mut leaves = txn.open_table(LEAVES)?;
        let mut key_accounts = txn.open_table(KEY_ACCOUNTS)?;
        for (&index, leaf) in before {
            let now = match leaves.remove(index)? {
                Some(now) => Some(stored_leaf(index, now.value())?),
                None => None,
            };
            if let Some(now) = now {
                key_accounts.remove((&now.key.to_bytes_le(), index))?;
            }
            if let Some(leaf) = leaf {
                leaves.insert(index, leaf.to_bytes().as_slice())?;
                key_accounts.insert((&leaf.key.to_bytes_le(), index), ())?;
            }
            put_node(&mut nodes, 0, u64::from(index), leaf_hash(leaf.as_ref()))?;
        }
    }
    let mut row: BTreeSet<u64> = before.keys().map(|index| u64::from(*index)).collect();
    for level in 1..=levels.get() {
        row = row.iter().map(|index| index >> 2).collect();
        for &index in &row {
            let mut children = [Fr::default(); tree::ARITY];
            for (child, place) in (index << 2..).zip(&mut children) {
                *place = stored_node(&nodes, level - 1, child)?;
            }
            put_node(&mut nodes, level, index, RulesHasher::node(&children))?;
        }
    }
    stored_node(&nodes, levels.get(), 0)
}

/// Queues the executed operations of these batches again. Gives how many.
fn queue_again(txn: &WriteTransaction, head: &Head, batches: &[Batch]) -> Result<u64, StoreError> {
    let mut operations = txn.open_table(OPERATIONS)?;
    let mut queued = 0u64;
    for batch in batches {
        let row = batch_row(batch.number);
        if batch.end_operation > head.next_operation {
            return Err(row.invalid("operations"));
        }
        let mut counts = SectionCounts::default();
        for id in batch.first_operation..batch.end_operation {
            let mut operation = read_operation(&operations, id)?;
            match operation.state {
                OperationState::Executed { batch: number, .. } if number == batch.number => {}
                OperationState::Rejected(_) => continue,
                _ => return Err(operation_row(id).invalid("state: it is not of the batch that took it")),
            }
            operation.state = OperationState::Queued;
            let record = operation_row(id).seal(record::operation::encode(&operation));
            operations.insert(id, record.as_slice())?;
            counts.push(operation.request.section());
        }
        if counts != batch.counts {
            return Err(row.corrupt(RecordError::Invalid {
                field: "number of operations",
            }));
        }
        queued = queued.saturating_add(u64::from(counts.total()));
    }
    Ok(queued)
}

/// Removes everything of batches after `to`. Gives how many proofs went.
fn remove(txn: &WriteTransaction, to: u32) -> Result<u32, StoreError> {
    let Some(first) = to.checked_add(1) else {
        return Ok(0);
    };
    let mut proofs = 0u32;
    txn.open_table(PROOFS)?.retain_in(first.., |_, _| {
        proofs = proofs.saturating_add(1);
        false
    })?;
    for table in [BATCHES, INPUTS, UNDO] {
        txn.open_table(table)?.retain_in(first.., |_, _| false)?;
    }
    txn.open_table(PENDING)?.retain_in(first.., |_, ()| false)?;
    Ok(proofs)
}
