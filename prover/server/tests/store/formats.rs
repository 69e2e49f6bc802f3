//! Stores of older formats: refused in one sentence that says what to do, and left as they are.

use std::path::PathBuf;

use quittance::store::{BlockFile, StoreError};
use redb::{StorageBackend as _, TableDefinition};
use tempfile::TempDir;

use crate::harness::{create, damage, open, with_file};

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// A store that says that it has this format.
fn of_format(format: u32) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    drop(create(&directory));
    damage(&directory, |txn| {
        let mut meta = txn.open_table(META).unwrap();
        meta.insert("format", format.to_le_bytes().as_slice()).unwrap();
    });
    directory
}

fn file(directory: &TempDir) -> PathBuf {
    directory.path().join("store/quittance.redb")
}

/// The store's database as a plain file, as it was kept before it had checksums for each block.
fn plain(directory: &TempDir) -> Vec<u8> {
    let file = BlockFile::open(&file(directory)).unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read(0, &mut bytes).unwrap();
    bytes
}

#[test]
fn an_older_format_is_refused_with_what_to_do() {
    for format in [1, 2] {
        let directory = of_format(format);
        let plain = with_file(&plain(&directory));
        for directory in [directory, plain] {
            let refused = open(&directory).unwrap_err();
            assert!(matches!(refused, StoreError::Format { found, expected: 3 } if found == format));
            let message = refused.to_string();
            assert!(
                message.contains(&format!("format {format}"))
                    && message.contains("cannot prove")
                    && message.contains("quittance genesis"),
                "{message}"
            );
            assert!(!refused.is_corruption() && !refused.is_transient());
            // Once more: the first attempt has changed nothing that matters.
            assert!(matches!(open(&directory), Err(StoreError::Format { found, .. }) if found == format));
        }
    }
    let newer = open(&of_format(4)).unwrap_err();
    assert!(newer.to_string().contains("a newer version made it"), "{newer}");
}

#[test]
fn a_plain_file_is_never_taken_for_a_store() {
    let made = tempfile::tempdir().unwrap();
    drop(create(&made));
    let bytes = plain(&made);
    let directory = with_file(&bytes);
    assert!(matches!(open(&directory), Err(StoreError::Damaged { .. })));
    let other = redb::Database::open(file(&directory)).unwrap();
    assert!(matches!(open(&directory), Err(StoreError::InUse { .. })));
    drop(other);
}
