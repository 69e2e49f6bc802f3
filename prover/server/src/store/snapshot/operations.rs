//! Reading operations, the queue, and what was submitted under idempotency keys.

use std::ops::RangeInclusive;

use super::Snapshot;
use crate::operation::{IdempotencyKey, Operation, OperationStage, OperationState, Remembered, Whole};
use crate::store::StoreError;
use crate::store::enter::entry_at;
use crate::store::rows::{decode_operation, decode_whole, read_key, read_operation};
use crate::store::tables::operation_row;

/// Which operations are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationQuery {
    /// Only what reads or changes this account.
    pub account: Option<u32>,
    /// Only what stands there.
    pub stage: Option<OperationStage>,
    /// Id to begin with, and to go on from in `order`; without it, the first or the last.
    pub from: Option<u64>,
    /// Which way.
    pub order: Order,
    /// Most operations that are given.
    pub limit: usize,
    /// Most operations that are looked at.
    pub visits: usize,
}

/// Order of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Ascending.
    OldestFirst,
    /// Descending.
    NewestFirst,
}

impl Snapshot {
    /// The operation of this id.
    pub fn operation(&self, id: u64) -> Result<Operation, StoreError> {
        let last = self.head.last_operation;
        if !(1..=last).contains(&id) {
            return Err(StoreError::NoOperation { id, last });
        }
        self.health.read(|| read_operation(&self.operations, id))
    }

    /// Up to `limit` queued operations with ids from `first` on, ascending. Operations that were rejected before a
    /// rollback are left out.
    pub fn queued(&self, first: u64, limit: usize) -> Result<Vec<Operation>, StoreError> {
        self.health.read(|| {
            let mut found = Vec::new();
            for id in first.max(self.head.next_operation)..=self.head.last_operation {
                if found.len() >= limit {
                    break;
                }
                let operation = read_operation(&self.operations, id)?;
                match operation.state {
                    OperationState::Queued => found.push(operation),
                    OperationState::Rejected(_) => {}
                    OperationState::Executed { .. } => {
                        return Err(operation_row(id).invalid("state: it is executed behind the cursor"));
                    }
                }
            }
            Ok(found)
        })
    }

    /// The priority operation in a place of the root chain's queue; `None` for one that has not entered.
    pub fn priority(&self, index: u64) -> Result<Option<Operation>, StoreError> {
        if index >= self.head.entered.next {
            return Ok(None);
        }
        self.health.read(|| {
            let (id, _) = entry_at(&self.priority, &self.operations, index)?;
            read_operation(&self.operations, id).map(Some)
        })
    }

    /// The submission that is executed as a whole and begins with this operation, if one does.
    pub fn whole_at(&self, first: u64) -> Result<Option<Whole>, StoreError> {
        self.health.read(|| {
            self.wholes
                .get(first)?
                .map(|value| decode_whole(first, value.value()))
                .transpose()
        })
    }

    /// What was submitted under an idempotency key, if it is still remembered.
    pub fn remembered(&self, key: &IdempotencyKey) -> Result<Option<Remembered>, StoreError> {
        self.health
            .read(|| Ok(read_key(&self.keys, key.as_bytes())?.map(|numbered| numbered.remembered)))
    }

    /// Operations by their ids. Gives also the id from which the next page goes on, if there is one.
    pub fn operations(&self, query: &OperationQuery) -> Result<(Vec<Operation>, Option<u64>), StoreError> {
        self.health.read(|| {
            let ids = match query.order {
                Order::OldestFirst => query.from.unwrap_or(0)..=u64::MAX,
                Order::NewestFirst => 0..=query.from.unwrap_or(u64::MAX),
            };
            match query.account {
                Some(account) => self.of_account(account, ids, query),
                None => self.of_all(ids, query),
            }
        })
    }

    fn of_all(&self, ids: RangeInclusive<u64>, query: &OperationQuery) -> Result<Page, StoreError> {
        let mut rows = self.operations.range(ids)?;
        collect(query, || {
            let row = match query.order {
                Order::OldestFirst => rows.next(),
                Order::NewestFirst => rows.next_back(),
            };
            let Some(row) = row.transpose()? else {
                return Ok(None);
            };
            let id = row.0.value();
            Ok(Some((id, move || decode_operation(id, row.1.value()))))
        })
    }

    fn of_account(
        &self,
        account: u32,
        ids: RangeInclusive<u64>,
        query: &OperationQuery,
    ) -> Result<Page, StoreError> {
        let range = (account, *ids.start())..=(account, *ids.end());
        let mut rows = self.account_operations.range(range)?;
        collect(query, || {
            let row = match query.order {
                Order::OldestFirst => rows.next(),
                Order::NewestFirst => rows.next_back(),
            };
            let Some(row) = row.transpose()? else {
                return Ok(None);
            };
            let id = row.0.value().1;
            Ok(Some((id, move || {
                let operation = read_operation(&self.operations, id)?;
                if operation.request.accounts().any(|index| index.get() == account) {
                    Ok(operation)
                } else {
                    Err(operation_row(id).invalid("account: it is listed under another"))
                }
            })))
        })
    }
}

type Page = (Vec<Operation>, Option<u64>);

/// Takes operations until the query has enough. Each row gives its id and, if it is to be looked at, its operation.
fn collect<F: FnOnce() -> Result<Operation, StoreError>>(
    query: &OperationQuery,
    mut next: impl FnMut() -> Result<Option<(u64, F)>, StoreError>,
) -> Result<Page, StoreError> {
    let mut found = Vec::new();
    let mut visited = 0;
    while let Some((id, read)) = next()? {
        if found.len() >= query.limit || visited >= query.visits {
            return Ok((found, Some(id)));
        }
        visited += 1;
        let operation = read()?;
        if query.stage.is_none_or(|stage| stage == operation.state.stage()) {
            found.push(operation);
        }
    }
    Ok((found, None))
}
