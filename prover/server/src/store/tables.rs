//! The tables of format 3. All integers inside values are little-endian; `STORE.md` says what each transaction does to them.
//!
//! | table | key | value |
//! |---|---|---|
//! | `meta` | `format` | format version, 4 bytes: read before anything else, the only record without a seal |
//! | | `identity`, `head` | which rollup, where it stands; sealed |
//! | `leaves` | account index | leaf, 108 bytes ([`quittance_circuits::leaf::Leaf::to_bytes`]) |
//! | `nodes` | level·2^56 + index | hash, 32 bytes; empty subtrees are not stored |
//! | `key_accounts` | key x 32, key y 32, account index: one row for each leaf | nothing |
//! | `batches` | batch number | batch, sealed |
//! | `inputs` | batch number | what its proof needs ([`quittance_circuits::batch::AppliedBatch::to_bytes`]), sealed; removed when it is proved |
//! | `proofs` | batch number | bundle, as `quittance-verify` reads it, sealed |
//! | `pending` | number of each batch that is executed or proving | nothing |
//! | `undo` | batch number | the leaves before it, sealed |
//! | `operations` | id | operation, sealed |
//! | `account_operations` | account index, id: one row for each account that an operation touches | nothing |
//! | `priority` | place in the root chain's queue | id of the operation, sealed |
//! | `wholes` | id of the first operation | submission that is executed as one batch, sealed |
//! | `keys` | idempotency key, 1 to 64 bytes | what was submitted under it, sealed |
//! | `key_order` | number of a key in the order of acceptance | the key, sealed |
//!
//! Sealed records are in [`super::record`], each with its layout.

use redb::{TableDefinition, WriteTransaction};

use super::StoreError;
use super::record::row::{Key, Row};

/// Version of the format. A store of another one is refused.
pub(super) const FORMAT: u32 = 3;

pub(super) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
pub(super) const LEAVES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("leaves");
pub(super) const NODES: TableDefinition<'_, u64, &[u8; 32]> = TableDefinition::new("nodes");
pub(super) const KEY_ACCOUNTS: TableDefinition<'_, (&[u8; 64], u32), ()> =
    TableDefinition::new("key_accounts");
pub(super) const BATCHES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("batches");
pub(super) const INPUTS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("inputs");
pub(super) const PROOFS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("proofs");
pub(super) const PENDING: TableDefinition<'_, u32, ()> = TableDefinition::new("pending");
pub(super) const UNDO: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("undo");
pub(super) const OPERATIONS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("operations");
pub(super) const ACCOUNT_OPERATIONS: TableDefinition<'_, (u32, u64), ()> =
    TableDefinition::new("account_operations");
pub(super) const PRIORITY: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("priority");
pub(super) const WHOLES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("wholes");
pub(super) const KEYS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("keys");
pub(super) const KEY_ORDER: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("key_order");

pub(super) const FORMAT_KEY: &str = "format";
pub(super) const IDENTITY: Row<'_> = Row::new("meta", Key::Name("identity"));
pub(super) const HEAD: Row<'_> = Row::new("meta", Key::Name("head"));

/// Key of a node; levels are at most 16 and indices below 2^32.
pub(super) const fn node_key(level: u8, index: u64) -> u64 {
    (u64::from_le_bytes([0, 0, 0, 0, 0, 0, 0, level])) | index
}

/// Leaves have no seal: their hashes are bound by the state root.
pub(super) const fn leaf_row(index: u32) -> Row<'static> {
    Row::new("leaves", Key::Short(index))
}

pub(super) const fn batch_row(number: u32) -> Row<'static> {
    Row::new("batches", Key::Short(number))
}

pub(super) const fn inputs_row(number: u32) -> Row<'static> {
    Row::new("inputs", Key::Short(number))
}

pub(super) const fn proof_row(number: u32) -> Row<'static> {
    Row::new("proofs", Key::Short(number))
}

pub(super) const fn undo_row(number: u32) -> Row<'static> {
    Row::new("undo", Key::Short(number))
}

pub(super) const fn operation_row(id: u64) -> Row<'static> {
    Row::new("operations", Key::Long(id))
}

pub(super) const fn priority_row(index: u64) -> Row<'static> {
    Row::new("priority", Key::Long(index))
}

pub(super) const fn whole_row(first: u64) -> Row<'static> {
    Row::new("wholes", Key::Long(first))
}

pub(super) const fn key_row(key: &[u8]) -> Row<'_> {
    Row::new("keys", Key::Bytes(key))
}

pub(super) const fn key_order_row(number: u64) -> Row<'static> {
    Row::new("key_order", Key::Long(number))
}

/// Opens every table that readers open, so that they find it.
pub(super) fn make_all(txn: &WriteTransaction) -> Result<(), StoreError> {
    txn.open_table(META)?;
    txn.open_table(LEAVES)?;
    txn.open_table(NODES)?;
    txn.open_table(KEY_ACCOUNTS)?;
    txn.open_table(BATCHES)?;
    txn.open_table(INPUTS)?;
    txn.open_table(PROOFS)?;
    txn.open_table(PENDING)?;
    txn.open_table(UNDO)?;
    txn.open_table(OPERATIONS)?;
    txn.open_table(ACCOUNT_OPERATIONS)?;
    txn.open_table(PRIORITY)?;
    txn.open_table(WHOLES)?;
    txn.open_table(KEYS)?;
    txn.open_table(KEY_ORDER)?;
    Ok(())
}
