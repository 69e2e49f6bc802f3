//! What can go wrong with the store.

use std::path::PathBuf;

use quittance_circuits::state::StateError;
use thiserror::Error;

use super::blocks::BlockError;
use super::record::codec::RecordError;
use crate::batch::IllegalMove;
use crate::encoding::to_hex;
use crate::operation::Remembered;

/// Why the store refused or failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no store in the directory.
    #[error("no store in {}", directory.display())]
    Missing {
        /// The directory.
        directory: PathBuf,
    },
    /// A store is there already.
    #[error("{} has a store already", directory.display())]
    Exists {
        /// The directory.
        directory: PathBuf,
    },
    /// Another process has the store open.
    #[error("store in {} is in use by another process", directory.display())]
    InUse {
        /// The directory.
        directory: PathBuf,
    },
    /// The directory cannot be used.
    #[error("store directory {} cannot be used", directory.display())]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The store has another format.
    #[error("store has format {found}, this program reads format {expected}{}", advice(*found, *expected))]
    Format {
        /// Format found.
        found: u32,
        /// Format that is read.
        expected: u32,
    },
    /// The store belongs to another rollup.
    #[error(
        "store belongs to rollup {}, the configuration names {}",
        to_hex(found),
        to_hex(expected)
    )]
    OtherRollup {
        /// Rollup id in the store.
        found: [u8; 32],
        /// Rollup id of the configuration.
        expected: [u8; 32],
    },
    /// The store's tree has another number of levels.
    #[error("store has a tree of {found} levels, the configuration says {expected}")]
    OtherLevels {
        /// Levels in the store.
        found: u8,
        /// Levels of the configuration.
        expected: u8,
    },
    /// The store began with another state.
    #[error(
        "store began with state root {}, the configuration pins {}",
        to_hex(found),
        to_hex(expected)
    )]
    OtherGenesis {
        /// Root in the store, big-endian.
        found: [u8; 32],
        /// Root of the configuration, big-endian.
        expected: [u8; 32],
    },
    /// A record is not what was written.
    #[error("table {table}, entry {key}: {source}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The key, for people.
        key: String,
        /// What is wrong.
        source: RecordError,
    },
    /// A record that others refer to is not there.
    #[error("table {table} lacks entry {key}")]
    Lost {
        /// The table.
        table: &'static str,
        /// The key, for people.
        key: String,
    },
    /// There is no batch of this number.
    #[error("there is no batch {number}; the last one is {last}")]
    NoBatch {
        /// Number asked for.
        number: u32,
        /// Number of the last executed batch, 0 for none.
        last: u32,
    },
    /// The batch cannot make this move.
    #[error(transparent)]
    Move(#[from] IllegalMove),
    /// There is no operation of this id.
    #[error("there is no operation {id}; the last one is {last}")]
    NoOperation {
        /// Id asked for.
        id: u64,
        /// Id of the last accepted operation, 0 for none.
        last: u64,
    },
    /// All operation ids are used.
    #[error("the rollup has used all operation ids")]
    NoIdLeft,
    /// A submission that is executed as a whole has to wait for queued operations.
    #[error("{queued} operations are queued; they are executed first")]
    QueueNotEmpty {
        /// How many are queued.
        queued: u64,
    },
    /// Something was accepted under the same idempotency key.
    #[error("the idempotency key was used for operation {}", .remembered.first_operation)]
    KeyTaken {
        /// What was accepted.
        remembered: Remembered,
    },
    /// A rollback can go back to the last batch at most.
    #[error("cannot roll back to batch {to}; the last one is {last}")]
    RollbackAhead {
        /// Number asked for.
        to: u32,
        /// Number of the last executed batch.
        last: u32,
    },
    /// What is to be stored contradicts itself or the store: an error of the program, not of the store.
    #[error("batch {number} cannot be stored: {what}")]
    Mismatch {
        /// Number of the batch, 0 where no batch is made.
        number: u32,
        /// What does not match.
        what: &'static str,
    },
    /// The batch does not follow the last one.
    #[error("batch {number} does not follow the store's last batch {last}")]
    NotNext {
        /// Number of the batch.
        number: u32,
        /// Number of the last executed batch.
        last: u32,
    },
    /// The state tree refused.
    #[error(transparent)]
    State(#[from] StateError),
    /// The file is damaged so that the database cannot go on reading it.
    #[error("the store's file is damaged: {reason}")]
    Damaged {
        /// What the database said.
        reason: String,
    },
    /// The file is not what was written to it. The open store takes no more work.
    #[error("the store's file is damaged: {0}")]
    Blocks(BlockError),
    /// The database refuses all work after an earlier failure, until it is opened again.
    #[error(
        "the store has failed and takes no more work; nothing accepted is lost: restart the service ({source})"
    )]
    Broken {
        /// What the database says now.
        source: Box<redb::Error>,
    },
    /// The database failed.
    #[error("database failed: {0}")]
    Database(#[source] Box<redb::Error>),
}

/// What to do about a store of an older format: there is no way from it to this one.
const fn advice(found: u32, expected: u32) -> &'static str {
    if found < expected {
        ": its batches and keys belong to circuits that this version cannot prove; go on with the version that made it, or \
         begin a new store with `quittance genesis` and new keys with `quittance setup`"
    } else {
        ": a newer version made it"
    }
}

impl StoreError {
    /// Whether the same call on the same open store may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::InUse { .. })
    }

    /// Whether the open store has failed for good: after a failed read or write the database answers nothing more. It
    /// works again when it is opened again and the disk allows it.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Broken { .. } | Self::Blocks(_) => true,
            Self::Database(error) => matches!(**error, redb::Error::Io(_)),
            _ => false,
        }
    }

    /// What the operating system said, if it was that which failed.
    #[must_use]
    pub fn io(&self) -> Option<&std::io::Error> {
        match self {
            Self::Directory { source, .. } => Some(source),
            Self::Database(error) => match &**error {
                redb::Error::Io(error) => Some(error),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether the store's bytes cannot be trusted.
    #[must_use]
    pub fn is_corruption(&self) -> bool {
        match self {
            Self::Corrupt { .. } | Self::Lost { .. } | Self::Damaged { .. } | Self::Blocks(_) => true,
            Self::Database(error) => matches!(**error, redb::Error::Corrupted(_)),
            _ => false,
        }
    }
}

impl StoreError {
    fn of_database(error: redb::Error) -> Self {
        if let redb::Error::Io(error) = &error
            && let Some(error) = super::block_error(error)
        {
            return Self::Blocks(error);
        }
        let source = Box::new(error);
        match *source {
            redb::Error::PreviousIo | redb::Error::DatabaseClosed | redb::Error::LockPoisoned(_) => {
                Self::Broken { source }
            }
            _ => Self::Database(source),
        }
    }
}

macro_rules! database_errors {
    ($($error:ty),*) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::of_database(error.into())
            }
        }
    )*};
}

database_errors!(
    redb::DatabaseError,
    redb::TransactionError,
    redb::TableError,
    redb::StorageError,
    redb::CommitError,
    redb::SetDurabilityError
);
