//! The embedded store: state tree, batches, what their proofs need, and proofs, in one redb file.
//!
//! Every change is one transaction that is durable when the call returns: after a kill at any moment the store is as
//! before the call or as after it. Reading happens on a [`Snapshot`], which no later change touches. The tables and
//! their widths are written down in `STORE.md`.

mod accept;
pub(crate) mod applied;
mod blocks;
mod check;
mod commit;
mod enter;
mod error;
#[cfg(test)]
mod faults;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod genesis;
mod guard;
mod meta;
mod proving;
mod record;
mod rollback;
mod rows;
mod snapshot;
mod state;
mod tables;

pub use accept::{Acceptance, KeyReused, NewOperation};
pub use blocks::{BlockError, BlockFile};
pub use commit::Submission;
pub use enter::{EnterError, Entered, NewPriority};
pub use error::StoreError;
pub use record::codec::RecordError;
pub use record::head::Head;
pub use record::identity::Identity;
pub use rollback::RolledBack;
pub use snapshot::{OperationQuery, Order, Snapshot};

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Database, ReadableDatabase, WriteTransaction};
use tokio::sync::watch;

use crate::config::RollupConfig;
use crate::encoding::fr_to_bytes_be;
use guard::{Health, guarded};
use record::row::{Key, Row};
use tables::{FORMAT, FORMAT_KEY, META};

/// Name of the database file in its directory.
pub(crate) const FILE: &str = "quittance.redb";
/// Largest file of which every page is verified when it is opened, in bytes: it takes a few tenths of a second.
const VERIFIED_BYTES: u64 = 128 << 20;
/// How many idempotency keys are kept unless told otherwise.
const NEWEST_KEYS: u64 = 1_000_000;

/// An open store. One process has it open at a time.
#[derive(Debug)]
pub struct Store {
    /// There until it is closed.
    db: Option<Database>,
    identity: Identity,
    /// How many idempotency keys are kept.
    newest_keys: u64,
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
    /// Opens the store in the directory, which has to belong to the configured rollup. A store of another format is refused.
    pub fn open(directory: &Path, expected: &RollupConfig) -> Result<Self, StoreError> {
        guarded(|| Self::open_file(directory, Some(expected)))
    }

    /// Opens the store in the directory, whatever rollup it belongs to.
    pub fn open_any(directory: &Path) -> Result<Self, StoreError> {
        guarded(|| Self::open_file(directory, None))
    }

    fn open_file(directory: &Path, expected: Option<&RollupConfig>) -> Result<Self, StoreError> {
        let file = directory.join(FILE);
        if !file.is_file() {
            return Err(StoreError::Missing {
                directory: directory.to_owned(),
            });
        }
        let unusable = |source| StoreError::Directory {
            directory: directory.to_owned(),
            source,
        };
        if blocks::is_plain(&file).map_err(unusable)? {
            // Formats before 3 began so. The database is only looked at.
            let plain = opened_database(Database::open(&file), directory)?;
            let (format, _) = format_and_identity(&plain)?;
            return Err(StoreError::Damaged {
                reason: format!("a store of format {format} lies in blocks"),
            });
        }
        let bytes = std::fs::metadata(&file).map_err(unusable)?.len();
        let db = BlockFile::open(&file).and_then(|file| Database::builder().create_with_backend(file));
        let mut db = opened_database(db, directory)?;
        if bytes <= VERIFIED_BYTES {
            verify_pages(&mut db)?;
        }
        Self::opened(db, expected)
    }

    /// The store in an open database.
    fn opened(db: Database, expected: Option<&RollupConfig>) -> Result<Self, StoreError> {
        let (_, identity) = format_and_identity(&db)?;
        if let Some(expected) = expected {
            belongs(&identity, expected)?;
        }
        check::check(&db.begin_read()?, &identity)?;
        Ok(Self::of(db, identity))
    }

    fn of(db: Database, identity: Identity) -> Self {
        Self {
            db: Some(db),
            identity,
            newest_keys: NEWEST_KEYS,
            health: Arc::new(Health::new()),
        }
    }

    /// The same store, keeping the newest `number` idempotency keys. Older ones are forgotten when the next one comes.
    #[must_use]
    pub const fn with_idempotency_keys(mut self, number: u64) -> Self {
        self.newest_keys = number;
        self
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
}

fn opened_database(
    opened: Result<Database, redb::DatabaseError>,
    directory: &Path,
) -> Result<Database, StoreError> {
    opened.map_err(|error| match error {
        redb::DatabaseError::DatabaseAlreadyOpen => StoreError::InUse {
            directory: PathBuf::from(directory),
        },
        // Too short for a header, or without one: there is a file, and it is no store.
        redb::DatabaseError::Storage(redb::StorageError::Io(error))
            if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof)
                && block_error(&error).is_none() =>
        {
            StoreError::Damaged {
                reason: error.to_string(),
            }
        }
        other => other.into(),
    })
}

/// What the file's own layout refused, if it was that.
fn block_error(error: &std::io::Error) -> Option<BlockError> {
    error.get_ref()?.downcast_ref().copied()
}

/// Compares every page with its checksum, so that the database never works with a damaged one: there it may panic while
/// it unwinds, which ends the process.
fn verify_pages(db: &mut Database) -> Result<(), StoreError> {
    let head = |db: &Database| -> Result<_, StoreError> {
        format_and_identity(db)?;
        let txn = db.begin_read()?;
        let meta = txn.open_table(META)?;
        let head = meta.get("head")?.map(|value| value.value().to_vec());
        Ok(head)
    };
    let before = head(db)?;
    // What can be repaired without loss, the list of free pages, is repaired.
    let sound = db.check_integrity()?;
    if sound || head(db)? == before {
        return Ok(());
    }
    Err(StoreError::Damaged {
        reason: "the last change of the store is damaged, and the database took it back".to_owned(),
    })
}

/// The format, before anything else is looked at, and which rollup the store belongs to.
fn format_and_identity(db: &Database) -> Result<(u32, Identity), StoreError> {
    let txn = db.begin_read()?;
    let meta = match txn.open_table(META) {
        Err(redb::TableError::TableDoesNotExist(_)) => {
            return Err(Row::new("meta", Key::Name(FORMAT_KEY)).lost());
        }
        other => other?,
    };
    let format = meta::read_format(&meta)?;
    let identity = match format {
        FORMAT => meta::read_identity(&meta)?,
        found => {
            return Err(StoreError::Format {
                found,
                expected: FORMAT,
            });
        }
    };
    Ok((format, identity))
}

/// Whether a store with this identity is the configured rollup's.
fn belongs(found: &Identity, expected: &RollupConfig) -> Result<(), StoreError> {
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
        _ => Ok(()),
    }
}

/// A write transaction after whose commit a kill needs no repair at the next start.
fn begin(db: &Database) -> Result<WriteTransaction, StoreError> {
    let mut txn = db.begin_write()?;
    txn.set_quick_repair(true);
    Ok(txn)
}
