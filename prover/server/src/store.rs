//! The embedded store: state tree, batches, what their proofs need, and proofs, in one redb file.
//!
//! Every change is one transaction that is durable when the call returns: after a kill at any moment the store is as
//! before the call or as after it. Reading happens on a [`Snapshot`], which no later change touches. The tables and
//! their widths are written down in `store/tables.rs`.

mod batch_record;
mod codec;
mod error;
mod guard;
mod identity;
mod snapshot;
mod tables;

pub use codec::RecordError;
pub use error::StoreError;
pub use identity::{Head, Identity};
pub use snapshot::Snapshot;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ark_bn254::Fr;
use quittance_circuits::batch::AppliedBatch;
use quittance_circuits::leaf::Leaf;
use quittance_circuits::state::StateChanges;
use quittance_circuits::types::AccountIndex;
use redb::{Database, ReadableDatabase, WriteTransaction};
use tokio::sync::watch;

use crate::batch::{Batch, Event, Moved, Stage};
use crate::config::RollupConfig;
use crate::encoding::fr_to_bytes_be;
use codec::fr_to_le;
use guard::{Health, guarded};
use tables::{BATCHES, INPUTS, KEY_ACCOUNTS, LEAVES, META, NODES, PENDING, PROOFS};

/// Name of the database file in its directory.
const FILE: &str = "quittance.redb";
/// Name under which a new store is built; it gets its own name when it is complete.
const UNFINISHED_FILE: &str = "quittance.redb.unfinished";

/// An open store. One process has it open at a time.
#[derive(Debug)]
pub struct Store {
    /// There until it is closed.
    db: Option<Database>,
    identity: Identity,
    health: Arc<Health>,
}

impl Drop for Store {
    /// Closing writes to the file, so that a damaged one can make it panic, too.
    fn drop(&mut self) {
        let db = self.db.take();
        if let Err(error) = guarded(|| {
            drop(db);
            Ok(())
        }) {
            tracing::error!(%error, "the store was not closed in order; the next start checks it");
        }
    }
}

impl Store {
    /// Makes a store in the directory, which is created if needed, with the given accounts as genesis state.
    /// A kill leaves either no store or a complete one.
    pub fn create(
        directory: &Path,
        rollup_id: [u8; 32],
        levels: u8,
        accounts: Vec<(AccountIndex, Leaf)>,
    ) -> Result<Self, StoreError> {
        guarded(|| Self::create_new(directory, rollup_id, levels, accounts))
    }

    fn create_new(
        directory: &Path,
        rollup_id: [u8; 32],
        levels: u8,
        accounts: Vec<(AccountIndex, Leaf)>,
    ) -> Result<Self, StoreError> {
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
        {
            let mut meta = txn.open_table(META)?;
            meta.insert(tables::FORMAT_KEY, tables::FORMAT.to_le_bytes().as_slice())?;
            meta.insert(tables::IDENTITY_KEY, identity.encode().as_slice())?;
            // Opened once, so that readers find every table.
            txn.open_table(BATCHES)?;
            txn.open_table(INPUTS)?;
            txn.open_table(PROOFS)?;
            txn.open_table(PENDING)?;
        }
        let head = Head {
            batch_number: 0,
            root: changes.root,
        };
        write_state(&txn, &changes, &head)?;
        txn.commit()?;
        fs::rename(&unfinished, &file).map_err(unusable)?;
        // The new name has to survive a power loss, too.
        fs::File::open(directory)
            .and_then(|dir| dir.sync_all())
            .map_err(unusable)?;
        Ok(Self::of(db, identity))
    }

    /// Opens the store in the directory and checks that it belongs to the configured rollup.
    pub fn open(directory: &Path, expected: &RollupConfig) -> Result<Self, StoreError> {
        let store = Self::open_any(directory)?;
        let found = &store.identity;
        if found.rollup_id != expected.rollup_id {
            return Err(StoreError::OtherRollup {
                found: found.rollup_id,
                expected: expected.rollup_id,
            });
        }
        if found.levels != expected.levels {
            return Err(StoreError::OtherLevels {
                found: found.levels,
                expected: expected.levels,
            });
        }
        match expected.genesis_root {
            Some(root) if root != found.genesis_root => Err(StoreError::OtherGenesis {
                found: fr_to_bytes_be(&found.genesis_root),
                expected: fr_to_bytes_be(&root),
            }),
            _ => Ok(store),
        }
    }

    /// Opens the store in the directory, whatever rollup it belongs to.
    pub fn open_any(directory: &Path) -> Result<Self, StoreError> {
        guarded(|| Self::open_file(directory))
    }

    fn open_file(directory: &Path) -> Result<Self, StoreError> {
        let file = directory.join(FILE);
        if !file.is_file() {
            return Err(StoreError::Missing {
                directory: directory.to_owned(),
            });
        }
        let db = open_database(&file, directory)?;
        let identity = {
            let txn = db.begin_read()?;
            let meta = match txn.open_table(META) {
                Err(redb::TableError::TableDoesNotExist(_)) => return Err(lost("meta", tables::FORMAT_KEY)),
                other => other?,
            };
            identity::check_format(&meta)?;
            identity::read_identity(&meta)?
        };
        Ok(Self::of(db, identity))
    }

    fn of(db: Database, identity: Identity) -> Self {
        Self {
            db: Some(db),
            identity,
            health: Arc::new(Health::new()),
        }
    }

    fn db(&self) -> Result<&Database, StoreError> {
        self.db.as_ref().ok_or_else(|| StoreError::Broken {
            source: Box::new(redb::Error::DatabaseClosed),
        })
    }

    /// Turns true when the store has failed for good: every later change is refused with [`StoreError::Broken`], and
    /// only opening it again helps.
    #[must_use]
    pub fn failure(&self) -> watch::Receiver<bool> {
        self.health.failure()
    }

    /// Whether the store has failed for good.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.health.has_failed()
    }

    /// Which rollup the store belongs to.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The state of the store now.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.health.read(|| {
            let txn = self.db()?.begin_read()?;
            Snapshot::new(&txn, self.identity.levels, Arc::clone(&self.health))
        })
    }

    /// Stores an executed batch, what its proof needs, and the state after it, in one transaction.
    ///
    /// Fails with [`StoreError::NotNext`] and changes nothing if the batch does not follow the last one.
    pub fn commit_batch(
        &self,
        batch: &Batch,
        applied: &AppliedBatch,
        changes: &StateChanges,
    ) -> Result<(), StoreError> {
        self.health.write(|| self.insert_batch(batch, applied, changes))
    }

    fn insert_batch(
        &self,
        batch: &Batch,
        applied: &AppliedBatch,
        changes: &StateChanges,
    ) -> Result<(), StoreError> {
        let txn = begin(self.db()?)?;
        let head = {
            let meta = txn.open_table(META)?;
            identity::read_head(&meta)?
        };
        let follows = head.batch_number.checked_add(1) == Some(batch.number)
            && head.root == batch.old_root
            && changes.old_root == batch.old_root
            && changes.root == batch.new_root
            && applied.context.batch_number.get() == batch.number
            && (applied.old_root, applied.new_root) == (batch.old_root, batch.new_root)
            && batch.stage == Stage::Executed;
        if !follows {
            return Err(StoreError::NotNext {
                number: batch.number,
                last: head.batch_number,
            });
        }
        let head = Head {
            batch_number: batch.number,
            root: batch.new_root,
        };
        write_state(&txn, changes, &head)?;
        txn.open_table(BATCHES)?
            .insert(batch.number, batch_record::encode(batch).as_slice())?;
        txn.open_table(INPUTS)?
            .insert(batch.number, applied.to_bytes().as_slice())?;
        txn.open_table(PENDING)?.insert(batch.number, ())?;
        txn.commit()?;
        Ok(())
    }

    /// Moves a batch by one event, in one transaction, and gives it as it is then. A finished proof comes with its
    /// bundle through [`Store::store_proof`] instead.
    pub fn advance(&self, number: u32, event: Event) -> Result<(Batch, Moved), StoreError> {
        self.health.write(|| self.transition(number, event, None))
    }

    /// Stores the bundle of a verified proof and moves its batch to proved, in one transaction.
    pub fn store_proof(&self, number: u32, finish: Event, bundle: &[u8]) -> Result<Batch, StoreError> {
        self.health
            .write(|| self.transition(number, finish, Some(bundle)))
            .map(|(batch, _)| batch)
    }

    /// Takes every batch that was being proved back to executed, or to failed after its last attempt: nobody is
    /// proving when a process starts. Gives the batches that wait for a proof, in ascending order.
    pub fn recover(&self, max_attempts: u32) -> Result<Vec<Batch>, StoreError> {
        let mut waiting = Vec::new();
        for number in self.snapshot()?.pending()? {
            let (batch, _) = self.advance(number, Event::Lost { max_attempts })?;
            if batch.stage == Stage::Executed {
                waiting.push(batch);
            }
        }
        Ok(waiting)
    }

    fn transition(
        &self,
        number: u32,
        event: Event,
        bundle: Option<&[u8]>,
    ) -> Result<(Batch, Moved), StoreError> {
        let txn = begin(self.db()?)?;
        let mut batch = {
            let batches = txn.open_table(BATCHES)?;
            match snapshot::read_batch(&batches, number)? {
                Some(batch) => batch,
                None => {
                    let last = identity::read_head(&txn.open_table(META)?)?.batch_number;
                    return Err(StoreError::NoBatch { number, last });
                }
            }
        };
        let moved = batch.apply(event)?;
        if moved == Moved::Unchanged {
            return Ok((batch, moved));
        }
        txn.open_table(BATCHES)?
            .insert(number, batch_record::encode(&batch).as_slice())?;
        if let Some(bundle) = bundle {
            txn.open_table(PROOFS)?.insert(number, bundle)?;
        }
        if batch.stage == Stage::Proved {
            // The proof says all that they were kept for.
            txn.open_table(INPUTS)?.remove(number)?;
        }
        {
            let mut pending = txn.open_table(PENDING)?;
            if batch.stage.is_active() {
                pending.insert(number, ())?;
            } else {
                pending.remove(number)?;
            }
        }
        txn.commit()?;
        Ok((batch, moved))
    }
}

fn open_database(file: &Path, directory: &Path) -> Result<Database, StoreError> {
    Database::open(file).map_err(|error| match error {
        redb::DatabaseError::DatabaseAlreadyOpen => StoreError::InUse {
            directory: PathBuf::from(directory),
        },
        other => other.into(),
    })
}

/// A write transaction after whose commit a kill needs no repair at the next start.
fn begin(db: &Database) -> Result<WriteTransaction, StoreError> {
    let mut txn = db.begin_write()?;
    txn.set_quick_repair(true);
    Ok(txn)
}

fn write_state(txn: &WriteTransaction, changes: &StateChanges, head: &Head) -> Result<(), StoreError> {
    let mut leaves = txn.open_table(LEAVES)?;
    let mut key_accounts = txn.open_table(KEY_ACCOUNTS)?;
    for (index, leaf) in &changes.leaves {
        let old = leaves.insert(index, leaf.to_bytes().as_slice())?;
        let had_key = old.is_some_and(|old| old.value().get(..64) == Some(leaf.key.to_bytes_le().as_slice()));
        if !had_key {
            key_accounts.insert((&leaf.key.to_bytes_le(), *index), ())?;
        }
    }
    let mut nodes = txn.open_table(NODES)?;
    for ((level, index), node) in &changes.nodes {
        nodes.insert(tables::node_key(*level, *index), &fr_to_le(node))?;
    }
    txn.open_table(META)?
        .insert(tables::HEAD_KEY, head.encode().as_slice())?;
    Ok(())
}

fn lost(table: &'static str, key: impl ToString) -> StoreError {
    StoreError::Lost {
        table,
        key: key.to_string(),
    }
}

fn corrupt(table: &'static str, key: impl ToString) -> impl FnOnce(RecordError) -> StoreError {
    move |source| StoreError::Corrupt {
        table,
        key: key.to_string(),
        source,
    }
}

/// The field element of 32 stored bytes.
fn stored_fr(table: &'static str, key: impl ToString, bytes: &[u8; 32]) -> Result<Fr, StoreError> {
    codec::fr_from_le(bytes).ok_or_else(|| {
        corrupt(table, key)(RecordError::Invalid {
            field: "field element",
        })
    })
}
