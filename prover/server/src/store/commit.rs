//! Storing executed batches: state, batch, what its proof needs, what takes it back, and its operations, in one transaction.

use std::ops::Range;

use quittance_circuits::batch::AppliedBatch;
use quittance_circuits::state::StateChanges;
use quittance_circuits::tx::{self, SignedOperation};
use redb::{ReadableTable, WriteTransaction};

use super::accept::{insert_queued, next_id, remember};
use super::applied::{counts, operation_at, outcome_at};
use super::record::undo::Before;
use super::record::{self, head::Head};
use super::rows::{decode_whole, read_key, read_operation};
use super::state::{put_node, root_lost, stored_leaf, stored_node};
use super::tables::{
    ACCOUNT_OPERATIONS, BATCHES, INPUTS, KEY_ACCOUNTS, KEYS, LEAVES, META, NODES, OPERATIONS, PENDING, UNDO,
    WHOLES, batch_row, inputs_row, operation_row, undo_row, whole_row,
};
use super::{Store, StoreError, begin, meta};
use crate::batch::{Batch, SectionCounts, Stage};
use crate::operation::{Keyed, Operation, OperationState, QueuePoint, Rejection, Remembered, Request, Whole};

/// A batch as a client submitted it.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    /// Its operations, in the client's order.
    pub operations: &'a [SignedOperation],
    /// Their number, and the fee slots.
    pub whole: &'a Whole,
    /// The key under which the client may repeat it.
    pub keyed: Option<&'a Keyed>,
    /// Now, in milliseconds since 1970-01-01 UTC.
    pub accepted_at_ms: u64,
}

impl Store {
    /// Stores a batch that was made of the front of the queue: the operations from the first queued one to before
    /// `batch.end_operation`, of which `rejected` (id with the reason, ascending) are rejected and all others are
    /// executed: those of each section are the batch's, in order. Operations that were rejected before stay so.
    ///
    /// Fails with [`StoreError::NotNext`] or [`StoreError::Mismatch`] and changes nothing if the batch does not follow the
    /// last one or is not what the queue begins with.
    pub fn commit_queued(
        &self,
        batch: &Batch,
        applied: &AppliedBatch,
        changes: &StateChanges,
        rejected: &[(u64, Rejection)],
    ) -> Result<(), StoreError> {
        self.health.write(|| {
            let (txn, mut head) = self.start(batch, applied, changes)?;
            let mismatch = |what| mismatch(batch, what);
            if batch.first_operation != head.next_operation {
                return Err(mismatch("operations do not begin where the queue begins"));
            }
            let settled = settle(&txn, &head, batch.end_operation, rejected, Some((batch, applied)))?;
            if settled.counts != batch.counts {
                return Err(mismatch("operations of the queue are fewer than the batch's"));
            }
            take_off(&mut head, batch.end_operation, &settled);
            if batch.queue_after != head.executed {
                return Err(mismatch("the root chain's queue stands elsewhere afterwards"));
            }
            finish(txn, head, batch, applied, changes)
        })
    }

    /// Rejects the front of the queue up to before `end` without making a batch: every operation there is in `rejected`
    /// (id with the reason, ascending), or was rejected before.
    pub fn reject_queued(&self, end: u64, rejected: &[(u64, Rejection)]) -> Result<(), StoreError> {
        self.health.write(|| {
            let txn = begin(self.db()?)?;
            let mut head = meta::read_head(&txn.open_table(META)?)?;
            let settled = settle(&txn, &head, end, rejected, None)?;
            take_off(&mut head, end, &settled);
            meta::write_head(&mut txn.open_table(META)?, &head)?;
            txn.commit()?;
            Ok(())
        })
    }

    /// Stores a batch that was submitted as a whole, with its operations, whose ids are
    /// `batch.first_operation..batch.end_operation` and follow the last one.
    ///
    /// Changes nothing and fails with [`StoreError::QueueNotEmpty`] if operations are queued, which come first, with
    /// [`StoreError::KeyTaken`] if something was accepted under the key, and as [`Store::commit_queued`] does.
    pub fn commit_whole(
        &self,
        batch: &Batch,
        applied: &AppliedBatch,
        changes: &StateChanges,
        submission: &Submission<'_>,
    ) -> Result<(), StoreError> {
        let &Submission {
            operations,
            whole,
            keyed,
            accepted_at_ms,
        } = submission;
        self.health.write(|| {
            let (txn, mut head) = self.start(batch, applied, changes)?;
            if head.queued != 0 {
                let queued = head.queued;
                return Err(StoreError::QueueNotEmpty { queued });
            }
            let first = next_id(head.last_operation)?;
            let end = first
                .checked_add(u64::from(whole.operations))
                .ok_or(StoreError::NoIdLeft)?;
            if (batch.first_operation, batch.end_operation) != (first, end)
                || batch.counts.total() != whole.operations
                || usize::try_from(whole.operations) != Ok(operations.len())
                || operations.is_empty()
                || batch.queue_after != batch.queue_before
                || !has_slots(applied, whole)
            {
                return Err(mismatch(
                    batch,
                    "operations or fee slots are not those of the submission",
                ));
            }
            if let Some(Keyed { key, .. }) = keyed
                && let Some(known) = read_key(&txn.open_table(KEYS)?, key.as_bytes())?
            {
                let remembered = known.remembered;
                return Err(StoreError::KeyTaken { remembered });
            }
            insert_executed(&txn, batch, applied, operations, accepted_at_ms)?;
            txn.open_table(WHOLES)?.insert(
                first,
                whole_row(first).seal(record::whole::encode(whole)).as_slice(),
            )?;
            if let Some(Keyed { key, digest }) = keyed {
                let remembered = Remembered {
                    digest: *digest,
                    first_operation: first,
                    operations: whole.operations,
                };
                remember(&txn, [(key, remembered)], self.newest_keys)?;
            }
            head.next_operation = end;
            head.last_operation = end.saturating_sub(1);
            finish(txn, head, batch, applied, changes)
        })
    }

    /// Begins the transaction of a batch that follows the last one.
    fn start(
        &self,
        batch: &Batch,
        applied: &AppliedBatch,
        changes: &StateChanges,
    ) -> Result<(WriteTransaction, Head), StoreError> {
        let txn = begin(self.db()?)?;
        let head = meta::read_head(&txn.open_table(META)?)?;
        if head.batch_number.checked_add(1) != Some(batch.number) {
            return Err(StoreError::NotNext {
                number: batch.number,
                last: head.batch_number,
            });
        }
        let levels = self.identity.levels;
        if stored_node(&txn.open_table(NODES)?, levels, 0)? != head.root {
            return Err(root_lost(levels));
        }
        let mismatch = |what| Err(mismatch(batch, what));
        if head.root != batch.old_root {
            return mismatch("old root is not the state root");
        }
        if changes.old_root != batch.old_root || changes.root != batch.new_root {
            return mismatch("roots are not those of the changes");
        }
        if (applied.old_root, applied.new_root) != (batch.old_root, batch.new_root)
            || applied.context.batch_number.get() != batch.number
        {
            return mismatch("roots or number are not those of the operations");
        }
        if batch.queue_before != head.executed || applied.context.queue != head.executed.hash {
            return mismatch("the root chain's queue stands elsewhere");
        }
        if batch.stage != Stage::Executed {
            return mismatch("stage is not executed");
        }
        if batch.counts != counts(applied) || batch.counts.total() == 0 {
            return mismatch("numbers of operations are others");
        }
        Ok((txn, head))
    }
}

/// What became of the front of the queue.
#[derive(Default)]
struct Settled {
    /// Executed operations.
    counts: SectionCounts,
    rejected: u32,
    /// Behind the last executed priority operation, if there is one.
    queue: Option<QueuePoint>,
}

/// Marks the operations from the head's next one to before `end`: those in `rejected` as rejected, all others as
/// executed by the batch.
fn settle(
    txn: &WriteTransaction,
    head: &Head,
    end: u64,
    rejected: &[(u64, Rejection)],
    made: Option<(&Batch, &AppliedBatch)>,
) -> Result<Settled, StoreError> {
    let number = made.map_or(0, |(batch, _)| batch.number);
    let mismatch = |what| StoreError::Mismatch { number, what };
    if end <= head.next_operation || end > head.last_operation.saturating_add(1) {
        return Err(mismatch("operations end outside of the queue"));
    }
    let mut operations = txn.open_table(OPERATIONS)?;
    let mut reasons = rejected.iter().peekable();
    let mut settled = Settled::default();
    let mut executed = Vec::new();
    for id in head.next_operation..end {
        let mut operation = read_operation(&operations, id)?;
        let reason = reasons.next_if(|(rejected, _)| *rejected == id);
        match &operation.state {
            OperationState::Queued => {}
            OperationState::Rejected(_) if reason.is_none() => continue,
            OperationState::Rejected(_) => return Err(mismatch("an operation is rejected again")),
            OperationState::Executed { .. } => {
                return Err(operation_row(id).invalid("state: it is executed already"));
            }
        }
        operation.state = if let Some((_, reason)) = reason {
            if matches!(operation.request, Request::Priority(_)) {
                return Err(mismatch("a priority operation is rejected"));
            }
            settled.rejected = settled.rejected.saturating_add(1);
            OperationState::Rejected(reason.clone())
        } else {
            let section = operation.request.section();
            let position = settled.counts.push(section);
            let place = usize::try_from(position).ok();
            match made.and_then(|(_, applied)| operation_at(applied, section, place?)) {
                Some(same) if same == operation.request.operation() => {}
                Some(_) => {
                    return Err(mismatch(
                        "an operation of the queue is not the batch's in its place",
                    ));
                }
                None => return Err(mismatch("operations of the queue are more than the batch's")),
            }
            let mut outcome = None;
            if let Request::Priority(entry) = &operation.request {
                let next = settled.queue.unwrap_or(head.executed).next;
                if entry.index != next {
                    return Err(operation_row(id).invalid("place in the queue"));
                }
                settled.queue = Some(QueuePoint {
                    next: next.saturating_add(1),
                    hash: entry.hash,
                });
                outcome = made.and_then(|(_, applied)| outcome_at(applied, place?));
            }
            executed.push(id);
            OperationState::Executed {
                batch: number,
                position,
                outcome,
            }
        };
        operations.insert(
            id,
            operation_row(id)
                .seal(record::operation::encode(&operation))
                .as_slice(),
        )?;
    }
    if reasons.next().is_some() {
        return Err(mismatch(
            "an operation is rejected that is not in its range, or out of order",
        ));
    }
    check_wholes(txn, head.next_operation..end, &executed, made)?;
    Ok(settled)
}

/// A submission that is executed as a whole is a batch of its own with its own fee slots, or nothing of it is executed.
fn check_wholes(
    txn: &WriteTransaction,
    range: Range<u64>,
    executed: &[u64],
    made: Option<(&Batch, &AppliedBatch)>,
) -> Result<(), StoreError> {
    let number = made.map_or(0, |(batch, _)| batch.number);
    for row in txn.open_table(WHOLES)?.range(range.clone())? {
        let (first, value) = row?;
        let first = first.value();
        let whole = decode_whole(first, value.value())?;
        let end = first.saturating_add(u64::from(whole.operations));
        let own = executed.iter().filter(|id| (first..end).contains(*id)).count();
        let complete = usize::try_from(whole.operations) == Ok(own) && executed.len() == own;
        if end > range.end || !(own == 0 || complete) {
            let what = "a submission that is executed as a whole is torn apart";
            return Err(StoreError::Mismatch { number, what });
        }
        if own > 0 && !made.is_some_and(|(_, applied)| has_slots(applied, &whole)) {
            let what = "fee slots are not those of the submission";
            return Err(StoreError::Mismatch { number, what });
        }
    }
    Ok(())
}

fn has_slots(applied: &AppliedBatch, whole: &Whole) -> bool {
    whole
        .fee_slots
        .iter()
        .eq(applied.fees.iter().map(|fee| &fee.slot))
}

fn take_off(head: &mut Head, end: u64, settled: &Settled) {
    let count = settled.counts.total().saturating_add(settled.rejected);
    head.queued = head.queued.saturating_sub(u64::from(count));
    // Behind the last queued operation there may be some that were rejected before a rollback.
    head.next_operation = match head.queued {
        0 => head.last_operation.saturating_add(1),
        _ => end,
    };
    head.executed = settled.queue.unwrap_or(head.executed);
}

fn insert_executed(
    txn: &WriteTransaction,
    batch: &Batch,
    applied: &AppliedBatch,
    signed: &[SignedOperation],
    accepted_at_ms: u64,
) -> Result<(), StoreError> {
    let mut operations = txn.open_table(OPERATIONS)?;
    let mut history = txn.open_table(ACCOUNT_OPERATIONS)?;
    let mut counts = SectionCounts::default();
    for (id, signed) in (batch.first_operation..).zip(signed) {
        let section = signed.section();
        let position = counts.push(section);
        let place = usize::try_from(position).unwrap_or(usize::MAX);
        if operation_at(applied, section, place) != Some(tx::Operation::Signed(*signed)) {
            return Err(mismatch(
                batch,
                "an operation of the submission is not the batch's in its place",
            ));
        }
        let operation = Operation {
            id,
            state: OperationState::Executed {
                batch: batch.number,
                position,
                outcome: None,
            },
            request: Request::Signed(*signed),
            accepted_at_ms,
        };
        insert_queued(&mut operations, &mut history, &operation)?;
    }
    Ok(())
}

/// Writes the batch and the state after it, and commits.
fn finish(
    txn: WriteTransaction,
    mut head: Head,
    batch: &Batch,
    applied: &AppliedBatch,
    changes: &StateChanges,
) -> Result<(), StoreError> {
    let number = batch.number;
    (head.batch_number, head.root) = (number, batch.new_root);
    let before = write_state(&txn, changes)?;
    txn.open_table(UNDO)?.insert(
        number,
        undo_row(number).seal(record::undo::encode(&before)).as_slice(),
    )?;
    txn.open_table(BATCHES)?.insert(
        number,
        batch_row(number).seal(record::batch::encode(batch)).as_slice(),
    )?;
    txn.open_table(INPUTS)?
        .insert(number, inputs_row(number).seal(applied.to_bytes()).as_slice())?;
    txn.open_table(PENDING)?.insert(number, ())?;
    meta::write_head(&mut txn.open_table(META)?, &head)?;
    txn.commit()?;
    Ok(())
}

/// Writes leaves and nodes. Gives the leaves as they were.
fn write_state(txn: &WriteTransaction, changes: &StateChanges) -> Result<Vec<Before>, StoreError> {
    let mut leaves = txn.open_table(LEAVES)?;
    let mut key_accounts = txn.open_table(KEY_ACCOUNTS)?;
    let mut before = Vec::with_capacity(changes.leaves.len());
    for (index, leaf) in &changes.leaves {
        let index = *index;
        let old = match leaves.insert(index, leaf.to_bytes().as_slice())? {
            Some(old) => Some(stored_leaf(index, old.value())?),
            None => None,
        };
        if old.map(|old| old.key) != Some(leaf.key) {
            if let Some(old) = old {
                key_accounts.remove((&old.key.to_bytes_le(), index))?;
            }
            key_accounts.insert((&leaf.key.to_bytes_le(), index), ())?;
        }
        before.push(Before { index, leaf: old });
    }
    let mut nodes = txn.open_table(NODES)?;
    for ((level, index), node) in &changes.nodes {
        put_node(&mut nodes, *level, *index, *node)?;
    }
    Ok(before)
}

fn mismatch(batch: &Batch, what: &'static str) -> StoreError {
    StoreError::Mismatch {
        number: batch.number,
        what,
    }
}
