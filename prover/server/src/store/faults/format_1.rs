//! A store as format 1 had it: no operations, no keys, no undo records, and records without seals.

use redb::{Database, ReadableTable, TableDefinition};

use super::Disk;
use crate::store::blocks::BlockFile;
use crate::store::record::seal;
use crate::store::tables::{
    ACCOUNT_OPERATIONS, BATCHES, FORMAT_KEY, INPUTS, KEY_ORDER, KEYS, META, OPERATIONS, PROOFS, UNDO, WHOLES,
};

/// Bytes by which a batch's record has grown.
const BATCH_GREW: usize = 16;
/// Version, batch number and root: what the head's record held.
const HEAD_BYTES: usize = 1 + 4 + 32;

/// The same store in format 1.
pub(super) fn downgraded(image: Vec<u8>) -> Vec<u8> {
    let disk = Disk::new(image, None);
    let file = BlockFile::over(disk.clone()).unwrap();
    let db = Database::builder().create_with_backend(file).unwrap();
    let txn = db.begin_write().unwrap();
    {
        let mut meta = txn.open_table(META).unwrap();
        meta.insert(FORMAT_KEY, 1u32.to_le_bytes().as_slice()).unwrap();
        meta.remove("history").unwrap();
        for name in ["identity", "head"] {
            let mut record = meta.get(name).unwrap().unwrap().value().to_vec();
            record[0] = 1;
            record.truncate(record.len() - seal::BYTES);
            if name == "head" {
                record.truncate(HEAD_BYTES);
            }
            meta.insert(name, record.as_slice()).unwrap();
        }
    }
    for (table, grew) in [(BATCHES, BATCH_GREW), (INPUTS, 0), (PROOFS, 0)] {
        shorten(&txn, table, seal::BYTES + grew, grew > 0);
    }
    txn.delete_table(UNDO).unwrap();
    txn.delete_table(OPERATIONS).unwrap();
    txn.delete_table(ACCOUNT_OPERATIONS).unwrap();
    txn.delete_table(WHOLES).unwrap();
    txn.delete_table(KEYS).unwrap();
    txn.delete_table(KEY_ORDER).unwrap();
    txn.commit().unwrap();
    drop(db);
    disk.surviving()
}

fn shorten(
    txn: &redb::WriteTransaction,
    table: TableDefinition<'_, u32, &'static [u8]>,
    bytes: usize,
    versioned: bool,
) {
    let mut table = txn.open_table(table).unwrap();
    let rows: Vec<(u32, Vec<u8>)> = table
        .iter()
        .unwrap()
        .map(|row| {
            let (key, value) = row.unwrap();
            (key.value(), value.value().to_vec())
        })
        .collect();
    for (key, mut record) in rows {
        record.truncate(record.len() - bytes);
        if versioned {
            record[0] = 1;
        }
        table.insert(key, record.as_slice()).unwrap();
    }
}
