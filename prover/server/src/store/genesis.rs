//! Making a store: built under another name, and given its own when it is complete.

use std::fs;
use std::io;
use std::path::Path;

use ark_bn254::Fr;
use quittance_circuits::leaf::Leaf;
use quittance_circuits::state::build_tree;
use quittance_circuits::types::AccountIndex;
use redb::{Database, WriteTransaction};
use tempfile::TempPath;

use super::blocks::BlockFile;
use super::guard::guarded;
use super::record::head::Head;
use super::record::identity::Identity;
use super::state::put_node;
use super::tables::{self, KEY_ACCOUNTS, LEAVES, META, NODES};
use super::{FILE, Store, StoreError, begin, meta};
use crate::operation::QueuePoint;

/// Name under which a new store is built; it gets its own name when it is complete.
const UNFINISHED_FILE: &str = "quittance.redb.unfinished";
/// Rows that are written in one transaction: a few hundred megabytes.
const ROWS_PER_TRANSACTION: usize = 1_000_000;

impl Store {
    /// Makes a store in the directory, which is created if needed, with the given accounts as genesis state.
    /// A kill leaves either no store or a complete one. Takes about 300 bytes of memory for each account beside the database's
    /// cache of 1 GiB.
    pub fn create(
        directory: &Path,
        rollup_id: [u8; 32],
        levels: u8,
        accounts: Vec<(AccountIndex, Leaf)>,
    ) -> Result<Self, StoreError> {
        guarded(|| create(directory, rollup_id, levels, accounts))
    }
}

fn create(
    directory: &Path,
    rollup_id: [u8; 32],
    levels: u8,
    accounts: Vec<(AccountIndex, Leaf)>,
) -> Result<Store, StoreError> {
    let unusable = |source| StoreError::Directory {
        directory: directory.to_owned(),
        source,
    };
    fs::create_dir_all(directory).map_err(unusable)?;
    let file = directory.join(FILE);
    if file.exists() {
        return Err(StoreError::Exists {
            directory: directory.to_owned(),
        });
    }
    let unfinished = directory.join(UNFINISHED_FILE);
    remove_left(&unfinished, directory)?;
    // Whatever fails from here on takes the file with it.
    let unfinished = TempPath::try_from_path(unfinished).map_err(unusable)?;
    let db = Database::builder().create_with_backend(BlockFile::create(&unfinished)?)?;
    let identity = build(&db, rollup_id, levels, accounts)?;
    // A store that another process has made meanwhile is not replaced.
    unfinished
        .persist_noclobber(&file)
        .map_err(|refused| match refused.error.kind() {
            io::ErrorKind::AlreadyExists => StoreError::Exists {
                directory: directory.to_owned(),
            },
            _ => unusable(refused.error),
        })?;
    sync_directory(directory)?;
    Ok(Store::of(db, identity))
}

/// A new name has to survive a power loss, too.
fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    fs::File::open(directory)
        .and_then(|dir| dir.sync_all())
        .map_err(|source| StoreError::Directory {
            directory: directory.to_owned(),
            source,
        })
}

/// Removes what a process left that died while it built a store. One that lives holds a lock on its file.
fn remove_left(unfinished: &Path, directory: &Path) -> Result<(), StoreError> {
    let unusable = |source| StoreError::Directory {
        directory: directory.to_owned(),
        source,
    };
    let left = match fs::File::options().read(true).write(true).open(unfinished) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(unusable)?,
    };
    if matches!(left.try_lock(), Err(fs::TryLockError::WouldBlock)) {
        return Err(StoreError::InUse {
            directory: directory.to_owned(),
        });
    }
    fs::remove_file(unfinished).map_err(unusable)
}

/// Writes everything of a new store.
fn build(
    db: &Database,
    rollup_id: [u8; 32],
    levels: u8,
    accounts: Vec<(AccountIndex, Leaf)>,
) -> Result<Identity, StoreError> {
    let genesis_root = write_tree(db, levels, accounts)?;
    let identity = Identity {
        rollup_id,
        levels,
        genesis_root,
    };
    let head = Head {
        batch_number: 0,
        root: genesis_root,
        next_operation: 1,
        last_operation: 0,
        queued: 0,
        entered: QueuePoint::default(),
        executed: QueuePoint::default(),
    };
    let txn = begin(db)?;
    tables::make_all(&txn)?;
    {
        let mut meta = txn.open_table(META)?;
        meta::write_format(&mut meta, tables::FORMAT)?;
        meta::write_identity(&mut meta, &identity)?;
        meta::write_head(&mut meta, &head)?;
    }
    txn.commit()?;
    Ok(identity)
}

/// Writes leaves and nodes, each table in the order of its keys and in several transactions, so that memory holds the
/// accounts and little more. Gives the root.
fn write_tree(db: &Database, levels: u8, mut accounts: Vec<(AccountIndex, Leaf)>) -> Result<Fr, StoreError> {
    let root = build_tree(levels, &mut accounts, |level, row| {
        in_parts(db, row, |txn, part| {
            let mut nodes = txn.open_table(NODES)?;
            for (index, node) in part {
                put_node(&mut nodes, level, *index, *node)?;
            }
            Ok(())
        })
    })?;
    in_parts(db, &accounts, |txn, part| {
        let mut leaves = txn.open_table(LEAVES)?;
        for (index, leaf) in part {
            leaves.insert(index.get(), leaf.to_bytes().as_slice())?;
        }
        Ok(())
    })?;
    let mut keys: Vec<([u8; 64], u32)> = accounts
        .drain(..)
        .map(|(index, leaf)| (leaf.key.to_bytes_le(), index.get()))
        .collect();
    drop(accounts);
    keys.sort_unstable();
    in_parts(db, &keys, |txn, part| {
        let mut key_accounts = txn.open_table(KEY_ACCOUNTS)?;
        for (key, index) in part {
            key_accounts.insert((key, *index), ())?;
        }
        Ok(())
    })?;
    Ok(root)
}

/// Writes rows, so many in one transaction. None of them is kept if the process dies before the file has its name.
fn in_parts<T>(
    db: &Database,
    rows: &[T],
    write: impl Fn(&WriteTransaction, &[T]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for part in rows.chunks(ROWS_PER_TRANSACTION) {
        let txn = db.begin_write()?;
        write(&txn, part)?;
        txn.commit()?;
    }
    Ok(())
}
