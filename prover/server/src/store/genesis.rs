//! Making a store: built under another name, which it loses when it is complete.

use std::fs;
use std::path::Path;

use quittance_circuits::leaf::Leaf;
use quittance_circuits::state::StateChanges;
use quittance_circuits::types::AccountIndex;
use redb::Database;

use super::commit::write_state;
use super::guard::guarded;
use super::record::head::Head;
use super::record::identity::Identity;
use super::tables::{self, META};
use super::{FILE, Store, StoreError, begin, meta};

/// Name under which a new store is built; it gets its own name when it is complete.
const UNFINISHED_FILE: &str = "quittance.redb.unfinished";

impl Store {
    /// Makes a store in the directory, which is created if needed, with the given accounts as genesis state.
    /// A kill leaves either no store or a complete one.
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
    let changes = StateChanges::genesis(levels, accounts)?;
    let identity = Identity {
        rollup_id,
        levels,
        genesis_root: changes.root,
    };
    let unfinished = directory.join(UNFINISHED_FILE);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(unusable(error)),
        _ => {}
    }
    let db = Database::create(&unfinished)?;
    let txn = begin(&db)?;
    tables::make_all(&txn)?;
    write_state(&txn, &changes)?;
    {
        let mut meta = txn.open_table(META)?;
        meta::write_format(&mut meta, tables::FORMAT)?;
        meta::write_identity(&mut meta, &identity)?;
        meta::write_history(&mut meta, 0)?;
        let head = Head {
            batch_number: 0,
            root: changes.root,
            next_operation: 1,
            last_operation: 0,
            queued: 0,
        };
        meta::write_head(&mut meta, &head)?;
    }
    txn.commit()?;
    fs::rename(&unfinished, &file).map_err(unusable)?;
    // The new name has to survive a power loss, too.
    fs::File::open(directory)
        .and_then(|dir| dir.sync_all())
        .map_err(unusable)?;
    Ok(Store::of(db, identity))
}
