//! Accepting signed operations: one transaction for all that wait.

use std::collections::HashMap;

use quittance_circuits::tx::SignedOperation;
use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};
use thiserror::Error;

use super::record::{self, remembered::Numbered};
use super::rows::{read_key, read_operation};
use super::tables::{
    ACCOUNT_OPERATIONS, KEY_ORDER, KEYS, META, OPERATIONS, key_order_row, key_row, operation_row,
};
use super::{Store, StoreError, begin, meta};
use crate::operation::{IdempotencyKey, Keyed, Operation, OperationState, Remembered, Request};

/// An operation that was checked and is to be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOperation {
    /// What the client submitted.
    pub signed: SignedOperation,
    /// Now, in milliseconds since 1970-01-01 UTC.
    pub accepted_at_ms: u64,
    /// The key under which the client may repeat the submission.
    pub keyed: Option<Keyed>,
}

/// An accepted operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// The operation as it stands.
    pub operation: Operation,
    /// Whether it was accepted before, under the same key.
    pub repeated: bool,
}

/// Something else was submitted under the same key before.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the idempotency key was used for operation {} with other content", .remembered.first_operation)]
pub struct KeyReused {
    /// The key.
    pub key: IdempotencyKey,
    /// What was submitted under it.
    pub remembered: Remembered,
}

impl Store {
    /// Accepts operations in their order, in one transaction, which is durable when the call returns. Gives for each item the
    /// operation, or the one that was accepted before under the same key with the same digest; the same key may come twice
    /// in one call. An item whose key was used with another digest is refused, and the others are accepted.
    pub fn accept(&self, items: Vec<NewOperation>) -> Result<Vec<Result<Acceptance, KeyReused>>, StoreError> {
        self.health.write(|| self.insert_operations(items))
    }

    fn insert_operations(
        &self,
        items: Vec<NewOperation>,
    ) -> Result<Vec<Result<Acceptance, KeyReused>>, StoreError> {
        let txn = begin(self.db()?)?;
        let mut head = meta::read_head(&txn.open_table(META)?)?;
        let before = head.last_operation;
        let mut answers = Vec::with_capacity(items.len());
        // What this call accepts under keys; the table gets it afterwards, in one go.
        let mut fresh: HashMap<IdempotencyKey, Remembered> = HashMap::new();
        let mut order: Vec<Keyed> = Vec::new();
        {
            let mut operations = txn.open_table(OPERATIONS)?;
            let mut history = txn.open_table(ACCOUNT_OPERATIONS)?;
            let keys = txn.open_table(KEYS)?;
            for NewOperation {
                signed,
                accepted_at_ms,
                keyed,
            } in items
            {
                if let Some(Keyed { key, digest }) = &keyed {
                    let stored = read_key(&keys, key.as_bytes())?.map(|numbered| numbered.remembered);
                    if let Some(remembered) = fresh.get(key).copied().or(stored) {
                        answers.push(if remembered.digest == *digest {
                            Ok(Acceptance {
                                operation: read_operation(&operations, remembered.first_operation)?,
                                repeated: true,
                            })
                        } else {
                            Err(KeyReused {
                                key: key.clone(),
                                remembered,
                            })
                        });
                        continue;
                    }
                }
                let id = next_id(head.last_operation)?;
                let operation = Operation {
                    id,
                    state: OperationState::Queued,
                    request: Request::Signed(signed),
                    accepted_at_ms,
                };
                insert_queued(&mut operations, &mut history, &operation)?;
                head.last_operation = id;
                head.queued = head.queued.saturating_add(1);
                if let Some(keyed) = keyed {
                    let remembered = Remembered {
                        digest: keyed.digest,
                        first_operation: id,
                        operations: 1,
                    };
                    fresh.insert(keyed.key.clone(), remembered);
                    order.push(keyed);
                }
                answers.push(Ok(Acceptance {
                    operation,
                    repeated: false,
                }));
            }
        }
        if head.last_operation == before {
            // Nothing is new, so nothing has to reach the disk.
            txn.abort()?;
            return Ok(answers);
        }
        let remembered = order
            .iter()
            .filter_map(|keyed| Some((&keyed.key, *fresh.get(&keyed.key)?)));
        remember(&txn, remembered, self.newest_keys)?;
        meta::write_head(&mut txn.open_table(META)?, &head)?;
        txn.commit()?;
        Ok(answers)
    }
}

/// Writes a new operation, and lists it under each account that it touches.
pub(super) fn insert_queued(
    operations: &mut Table<'_, u64, &'static [u8]>,
    history: &mut Table<'_, (u32, u64), ()>,
    operation: &Operation,
) -> Result<(), StoreError> {
    let id = operation.id;
    let record = operation_row(id).seal(record::operation::encode(operation));
    operations.insert(id, record.as_slice())?;
    for account in operation.request.accounts() {
        history.insert((account.get(), id), ())?;
    }
    Ok(())
}

/// The id after `last`.
pub(super) fn next_id(last: u64) -> Result<u64, StoreError> {
    // The head keeps room for the end of the last range.
    match last.checked_add(1) {
        Some(id) if id < u64::MAX => Ok(id),
        _ => Err(StoreError::NoIdLeft),
    }
}

/// Writes what was submitted under new keys, and forgets the oldest keys beyond `newest`.
pub(super) fn remember<'a>(
    txn: &WriteTransaction,
    submitted: impl IntoIterator<Item = (&'a IdempotencyKey, Remembered)>,
    newest: u64,
) -> Result<(), StoreError> {
    let mut keys = txn.open_table(KEYS)?;
    let mut order = txn.open_table(KEY_ORDER)?;
    let mut number = order.last()?.map_or(0, |(last, _)| last.value());
    for (key, remembered) in submitted {
        number = number.saturating_add(1);
        let bytes = key.as_bytes();
        let record = record::remembered::encode(&Numbered { remembered, number });
        keys.insert(bytes, key_row(bytes).seal(record).as_slice())?;
        order.insert(number, key_order_row(number).seal(bytes.to_vec()).as_slice())?;
    }
    let mut surplus = order.len()?.saturating_sub(newest);
    while surplus > 0 {
        let Some((number, value)) = order
            .pop_first()?
            .map(|(number, value)| (number.value(), value.value().to_vec()))
        else {
            break;
        };
        keys.remove(key_order_row(number).open(&value)?)?;
        surplus -= 1;
    }
    Ok(())
}
