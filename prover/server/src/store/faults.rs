//! A disk in memory that goes wrong at a chosen operation, and what the store is afterwards.
//!
//! Operations are those that change the file: write, set_len, sync and close. Whatever happens at the k-th one of a
//! scenario that goes through every transaction of the store, the bytes that are left have to be a store that is
//! exactly as before the step in progress, or exactly as after it, and that goes on from there.

mod damage;
mod dump;
mod scenario;
mod tests;

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use redb::{Database, StorageBackend};

use super::blocks::BlockFile;
use super::guard::guarded;
use super::{Store, StoreError};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The process is killed: the operation and all later ones do not happen, all earlier ones did.
    Kill,
    /// The process is killed in the middle of the operation: the first half of a write is there.
    KillWithin,
    /// The power fails: of what was written since the last sync, any part of any write may be lost, in pieces of so
    /// many bytes.
    PowerLoss {
        /// Bytes that the disk writes or loses together.
        piece: usize,
        /// Which pieces are lost.
        seed: u64,
    },
    /// From the operation on, all of them fail with this error of the operating system; reading works.
    Errno(i32),
    /// The operation fails with this error, and later ones work.
    Once(i32),
}

/// The file of a database, in memory; clones share it.
#[derive(Clone)]
pub(super) struct Disk(Arc<Mutex<File>>);

struct File {
    /// What a process reads.
    bytes: Vec<u8>,
    /// What is certainly on the disk, and the changes after that.
    synced: Vec<u8>,
    unsynced: Vec<Change>,
    /// Operations so far.
    operations: usize,
    /// What goes wrong, from 0 counted, if it does.
    fault: Option<(usize, Fault)>,
}

enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

/// Opens the store on the disk, as [`Store::open_any`] does on a file.
pub(super) fn open(disk: &Disk) -> Result<Store, StoreError> {
    guarded(|| {
        let file = BlockFile::over(disk.clone()).map_err(redb::StorageError::Io)?;
        let mut db = Database::builder().create_with_backend(file)?;
        super::verify_pages(&mut db)?;
        // Few keys, so that some are forgotten on the way.
        Ok(Store::opened(db, None)?.with_idempotency_keys(3))
    })
}

/// The same as a large file is opened: without a comparison of all pages, and with a cache that holds next to nothing
/// of it.
pub(super) fn open_as_large(disk: &Disk) -> Result<Store, StoreError> {
    guarded(|| {
        let file = BlockFile::over(disk.clone()).map_err(redb::StorageError::Io)?;
        let db = Database::builder().set_cache_size(0).create_with_backend(file)?;
        Ok(Store::opened(db, None)?.with_idempotency_keys(3))
    })
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").finish_non_exhaustive()
    }
}

/// What becomes of one operation.
enum Fate {
    Done,
    Half,
    Refused(io::Error),
}

impl Disk {
    /// A disk with this content, all of it synced, on which this goes wrong at the operation of this number.
    pub(super) fn new(bytes: Vec<u8>, fault: Option<(usize, Fault)>) -> Self {
        Self(Arc::new(Mutex::new(File {
            synced: bytes.clone(),
            bytes,
            unsynced: Vec::new(),
            operations: 0,
            fault,
        })))
    }

    /// Flips one bit.
    pub(super) fn flip(&self, byte: usize, bit: usize) {
        self.file().bytes[byte] ^= 1 << bit;
    }

    /// How many operations there were.
    pub(super) fn operations(&self) -> usize {
        self.file().operations
    }

    /// Whether the fault has come.
    pub(super) fn has_failed(&self) -> bool {
        let file = self.file();
        file.fault.is_some_and(|(at, _)| file.operations > at)
    }

    /// What is on the disk when the machine runs again.
    pub(super) fn surviving(&self) -> Vec<u8> {
        let file = self.file();
        let Some((_, Fault::PowerLoss { piece, seed })) = file.fault else {
            return file.bytes.clone();
        };
        let mut numbers = Numbers::new(seed);
        let mut left = file.synced.clone();
        for change in &file.unsynced {
            match change {
                Change::Length(length) if numbers.below(2) == 0 => left.resize(*length, 0),
                Change::Length(_) => {}
                Change::Write { offset, bytes } => {
                    for (at, part) in bytes.chunks(piece).enumerate() {
                        if numbers.below(2) == 0 {
                            put(&mut left, offset + at * piece, part);
                        }
                    }
                }
            }
        }
        left
    }

    fn file(&self) -> MutexGuard<'_, File> {
        self.0.lock().unwrap()
    }
}

impl File {
    /// Counts an operation and says what becomes of it.
    fn operation(&mut self) -> Fate {
        let number = self.operations;
        self.operations += 1;
        let gone = || Fate::Refused(io::Error::other("the process is gone"));
        match self.fault {
            Some((at, Fault::KillWithin)) if number == at => Fate::Half,
            Some((at, Fault::Kill | Fault::KillWithin | Fault::PowerLoss { .. })) if number >= at => gone(),
            Some((at, Fault::Errno(errno))) if number >= at => {
                Fate::Refused(io::Error::from_raw_os_error(errno))
            }
            Some((at, Fault::Once(errno))) if number == at => {
                Fate::Refused(io::Error::from_raw_os_error(errno))
            }
            _ => Fate::Done,
        }
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) {
        put(&mut self.bytes, offset, bytes);
        self.unsynced.push(Change::Write {
            offset,
            bytes: bytes.to_vec(),
        });
    }
}

/// Writes into the bytes, which grow if needed.
fn put(bytes: &mut Vec<u8>, offset: usize, part: &[u8]) {
    let end = offset + part.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(part);
}

fn position(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(io::Error::other)
}

fn half_done() -> io::Error {
    io::Error::other("the process is gone in the middle of a write")
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        u64::try_from(self.file().bytes.len()).map_err(io::Error::other)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = position(offset)?;
        let file = self.file();
        let from = file.bytes.get(offset..offset + out.len());
        out.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let length = position(length)?;
        let mut file = self.file();
        match file.operation() {
            Fate::Done => {
                file.bytes.resize(length, 0);
                file.unsynced.push(Change::Length(length));
                Ok(())
            }
            Fate::Half => Err(half_done()),
            Fate::Refused(error) => Err(error),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut file = self.file();
        match file.operation() {
            Fate::Done => {
                file.synced = file.bytes.clone();
                file.unsynced.clear();
                Ok(())
            }
            Fate::Half => Err(half_done()),
            Fate::Refused(error) => Err(error),
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let offset = position(offset)?;
        let mut file = self.file();
        match file.operation() {
            Fate::Done => {
                file.write(offset, data);
                Ok(())
            }
            Fate::Half => {
                file.write(offset, &data[..data.len() / 2]);
                Err(half_done())
            }
            Fate::Refused(error) => Err(error),
        }
    }

    fn close(&self) -> io::Result<()> {
        match self.file().operation() {
            Fate::Done => Ok(()),
            Fate::Half => Err(half_done()),
            Fate::Refused(error) => Err(error),
        }
    }
}

/// Numbers that are the same in every run (xorshift).
pub(super) struct Numbers(u64);

impl Numbers {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
