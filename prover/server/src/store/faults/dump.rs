//! Everything that a store file says, entry by entry.

use std::collections::BTreeMap;

use redb::{
    Database, Key, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableHandle, Value,
};

use super::Disk;
use crate::store::blocks::BlockFile;
use crate::store::tables::{
    ACCOUNT_OPERATIONS, BATCHES, INPUTS, KEY_ACCOUNTS, KEY_ORDER, KEYS, LEAVES, META, NODES, OPERATIONS,
    PENDING, PRIORITY, PROOFS, UNDO, WHOLES,
};

/// Tables by name, each with its entries' bytes by key.
pub(super) type Dump = BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>>;

/// Reads all tables of the file, without any of the store's code.
pub(super) fn dump(bytes: &[u8]) -> Dump {
    let disk = Disk::new(bytes.to_vec(), None);
    let file = BlockFile::over(disk).unwrap();
    let db = Database::builder().create_with_backend(file).unwrap();
    let txn = db.begin_read().unwrap();
    let mut dump = Dump::new();
    table(&txn, META, &mut dump);
    table(&txn, LEAVES, &mut dump);
    table(&txn, NODES, &mut dump);
    table(&txn, KEY_ACCOUNTS, &mut dump);
    table(&txn, BATCHES, &mut dump);
    table(&txn, INPUTS, &mut dump);
    table(&txn, PROOFS, &mut dump);
    table(&txn, PENDING, &mut dump);
    table(&txn, UNDO, &mut dump);
    table(&txn, OPERATIONS, &mut dump);
    table(&txn, ACCOUNT_OPERATIONS, &mut dump);
    table(&txn, PRIORITY, &mut dump);
    table(&txn, WHOLES, &mut dump);
    table(&txn, KEYS, &mut dump);
    table(&txn, KEY_ORDER, &mut dump);
    let names: Vec<String> = txn
        .list_tables()
        .unwrap()
        .map(|table| table.name().to_owned())
        .collect();
    for name in &names {
        assert!(dump.contains_key(name), "table {name} is not in the dump");
    }
    dump
}

fn table<K: Key + 'static, V: Value + 'static>(
    txn: &ReadTransaction,
    definition: TableDefinition<'_, K, V>,
    dump: &mut Dump,
) {
    let name = definition.name().to_owned();
    let table = match txn.open_table(definition) {
        Err(redb::TableError::TableDoesNotExist(_)) => return,
        other => other.unwrap(),
    };
    let entries = table
        .iter()
        .unwrap()
        .map(|row| {
            let (key, value) = row.unwrap();
            let key = K::as_bytes(&key.value()).as_ref().to_vec();
            (key, V::as_bytes(&value.value()).as_ref().to_vec())
        })
        .collect();
    dump.insert(name, entries);
}

/// The first entry in which two dumps differ, for people.
pub(super) fn difference(got: &Dump, want: &Dump) -> Option<String> {
    if got == want {
        return None;
    }
    let empty = BTreeMap::new();
    let names = got.keys().chain(want.keys());
    for name in names {
        let (got, want) = (got.get(name).unwrap_or(&empty), want.get(name).unwrap_or(&empty));
        let key = got
            .keys()
            .chain(want.keys())
            .find(|key| got.get(*key) != want.get(*key));
        if let Some(key) = key {
            let (got, want) = (got.get(key), want.get(key));
            return Some(format!(
                "table {name}, key {key:02x?}: {got:02x?} instead of {want:02x?}"
            ));
        }
    }
    Some("another set of tables".to_owned())
}
