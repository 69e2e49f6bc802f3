//! Entering priority operations: in the order of the root chain's queue, one transaction for all that have arrived.

use quittance_circuits::tx::priority::Priority;
use redb::{ReadableTable, WriteTransaction};
use thiserror::Error;

use super::accept::{insert_queued, next_id};
use super::rows::{read_operation, read_priority};
use super::tables::{ACCOUNT_OPERATIONS, META, OPERATIONS, PRIORITY, priority_row};
use super::{Store, StoreError, begin, meta};
use crate::operation::{Entry, Operation, OperationState, QueuePoint, Request};

/// A priority operation as the root chain has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewPriority {
    /// Its place in the root chain's queue, from 0.
    pub index: u64,
    /// The operation.
    pub priority: Priority,
}

/// A priority operation that has entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entered {
    /// Its place in the root chain's queue.
    pub index: u64,
    /// Id of its operation.
    pub operation: u64,
    /// The queue's running hash after it.
    pub hash: [u8; 32],
    /// Whether it had entered before.
    pub repeated: bool,
}

/// Why a priority operation does not enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EnterError {
    /// Operations before it have not entered.
    #[error("priority operation {index} comes after {next}, which has not entered yet")]
    Gap {
        /// Its place.
        index: u64,
        /// The place that comes next.
        next: u64,
    },
    /// Something else has entered in its place: the root chain's queue is another one than before.
    #[error("priority operation {index} has entered before, as operation {operation}, with other content")]
    Differs {
        /// Its place.
        index: u64,
        /// Id of the operation that is there.
        operation: u64,
    },
}

impl Store {
    /// Enters priority operations in their order, in one transaction, which is durable when the call returns. One that has entered
    /// before is compared, and nothing else. Gives what has entered, up to the first that is refused.
    pub fn enter(
        &self,
        items: &[NewPriority],
        now_ms: u64,
    ) -> Result<(Vec<Entered>, Option<EnterError>), StoreError> {
        self.health.write(|| {
            let txn = begin(self.db()?)?;
            let mut head = meta::read_head(&txn.open_table(META)?)?;
            let before = head.entered;
            let mut entered = Vec::with_capacity(items.len());
            let mut refused = None;
            for item in items {
                let NewPriority { index, priority } = *item;
                let next = head.entered.next;
                if index > next {
                    refused = Some(EnterError::Gap { index, next });
                    break;
                }
                if index < next {
                    let there = compared(&txn, item)?;
                    match there {
                        Ok(there) => entered.push(there),
                        Err(differs) => {
                            refused = Some(differs);
                            break;
                        }
                    }
                    continue;
                }
                let id = next_id(head.last_operation)?;
                // The head keeps room for the place after the last one.
                let after = index.checked_add(1).ok_or(StoreError::NoIdLeft)?;
                let hash = priority.request().hash_after(&head.entered.hash);
                let entry = Entry {
                    index,
                    priority,
                    hash,
                };
                let operation = Operation {
                    id,
                    state: OperationState::Queued,
                    request: Request::Priority(entry),
                    accepted_at_ms: now_ms,
                };
                insert_queued(
                    &mut txn.open_table(OPERATIONS)?,
                    &mut txn.open_table(ACCOUNT_OPERATIONS)?,
                    &operation,
                )?;
                let row = priority_row(index).seal(id.to_le_bytes().to_vec());
                txn.open_table(PRIORITY)?.insert(index, row.as_slice())?;
                head.last_operation = id;
                head.queued = head.queued.saturating_add(1);
                head.entered = QueuePoint { next: after, hash };
                entered.push(Entered {
                    index,
                    operation: id,
                    hash,
                    repeated: false,
                });
            }
            if head.entered == before {
                // Nothing is new, so nothing has to reach the disk.
                txn.abort()?;
            } else {
                meta::write_head(&mut txn.open_table(META)?, &head)?;
                txn.commit()?;
            }
            Ok((entered, refused))
        })
    }
}

/// What has entered in a place, if it is the same.
fn compared(txn: &WriteTransaction, item: &NewPriority) -> Result<Result<Entered, EnterError>, StoreError> {
    let (operation, entry) = entry_at(
        &txn.open_table(PRIORITY)?,
        &txn.open_table(OPERATIONS)?,
        item.index,
    )?;
    if entry.priority != item.priority {
        let index = item.index;
        return Ok(Err(EnterError::Differs { index, operation }));
    }
    Ok(Ok(Entered {
        index: item.index,
        operation,
        hash: entry.hash,
        repeated: true,
    }))
}

/// The operation in a place of the queue, which has to be there, and its id.
pub(super) fn entry_at(
    priority: &impl ReadableTable<u64, &'static [u8]>,
    operations: &impl ReadableTable<u64, &'static [u8]>,
    index: u64,
) -> Result<(u64, Entry), StoreError> {
    let id = read_priority(priority, index)?;
    match read_operation(operations, id)?.request {
        Request::Priority(entry) if entry.index == index => Ok((id, entry)),
        _ => Err(priority_row(index).invalid("operation: it is not the one of this place")),
    }
}
