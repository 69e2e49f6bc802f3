//! The file under the database: blocks of 4,096 bytes, each with a checksum, of which none is read that does not match.
//!
//! redb keeps checksums of its pages, but compares them only in a check of the whole file, which takes too long for a
//! large store. What a flipped bit hides there, a row of an index for example, nobody would miss. Here every block that
//! is read from the disk is compared, whatever the size of the file, and the database never sees a damaged one.
//!
//! # Layout
//!
//! | block of the file | what |
//! |---|---|
//! | 0 | the header: `quittance store\n` 16, layout version 4, 0 up to 4,088 but for the confirmed commits, 24 each at 2,048 and 2,560, checksum 8 |
//! | 1 + 513·g | the checksums of the next 512 blocks, 8 bytes each |
//! | 2 + 513·g + i, i < 512 | block 512·g + i of the database |
//!
//! Integers are little-endian. A checksum is the first 8 bytes of BLAKE3(number of the database's block 8 | block), with 1
//! in place of 0; 0 stands for a block that was never written and is all zero. That of the header has the number 2⁶⁴ − 1
//! and the bytes before it, with zeros for the confirmed commits, which have checksums of their own. Checksums find accidents, not
//! forgers.
//!
//! Block 0 of the database has a checksum that nobody reads: it is redb's own header, the only block that is ever changed in
//! place. Its slots have checksums of redb's, and that the right one counts is seen by the confirmed commits. All other blocks are
//! written before a commit makes them part of the database. A kill or a power loss between a block and its checksum
//! therefore leaves a block that nothing refers to.

mod confirmed;
mod plain;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::backends::FileBackend;
use redb::{BackendError, DatabaseError, StorageBackend};
use thiserror::Error;

pub(super) use plain::is_plain;

use confirmed::{Confirmed, DatabaseHeader};

/// Bytes of a block.
const BLOCK: usize = 4096;
/// The same.
const BLOCK_BYTES: u64 = 4096;
/// Blocks of the database for each block of checksums.
const GROUP: u64 = 512;
/// Bytes of a checksum.
const SUM: usize = 8;
/// The same.
const SUM_BYTES: u64 = 8;
const MAGIC: &[u8; 16] = b"quittance store\n";
const LAYOUT: u32 = 1;
/// Stands for the header where the number of a block belongs.
const HEADER: u64 = u64::MAX;

/// The bytes of a database, stored as blocks with checksums. Errors of the kind `InvalidData` hold a [`BlockError`].
#[derive(Debug)]
pub struct BlockFile<F> {
    file: F,
    confirmed: Mutex<Confirmed>,
}

/// What is wrong with a file of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BlockError {
    /// The file does not begin as a store does.
    #[error("the file is no store")]
    NoStore,
    /// The file has another layout.
    #[error("the file has layout {found}, this program reads layout {LAYOUT}")]
    Layout {
        /// Layout found.
        found: u32,
    },
    /// The header is not what was written.
    #[error("the header of the file does not match its checksum")]
    Header,
    /// The database begins with an older commit than one that was on the disk.
    #[error("the header of the database is older than the last commit that was on the disk")]
    Older,
    /// A block is not what was written.
    #[error("block {block} of the file does not match its checksum")]
    Block {
        /// Number of the block in the file, so that it begins at byte 4,096 times this.
        block: u64,
    },
    /// The file was cut, or something was appended to it.
    #[error("the file has {bytes} bytes, which is no length of a store")]
    Length {
        /// Its length.
        bytes: u64,
    },
}

impl From<BlockError> for io::Error {
    fn from(error: BlockError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

impl BlockFile<FileBackend> {
    /// Opens the file of a store, which is there.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        let file = File::options().read(true).write(true).open(path).map_err(io)?;
        let file = Self::over(FileBackend::new(file)?).map_err(io)?;
        if file.len().map_err(io)? == 0 {
            return Err(io(BlockError::NoStore.into()));
        }
        Ok(file)
    }

    /// Makes a file with nothing in it. It must not be there.
    pub fn create(path: &Path) -> Result<Self, DatabaseError> {
        let file = File::options().read(true).write(true).create_new(true).open(path);
        Self::over(FileBackend::new(file.map_err(io)?)?).map_err(io)
    }
}

fn io(error: io::Error) -> DatabaseError {
    redb::StorageError::Io(error).into()
}

impl<F: StorageBackend> BlockFile<F> {
    /// The blocks in this file, which gets its header if it is empty.
    pub(super) fn over(file: F) -> io::Result<Self> {
        if file.len()? == 0 {
            file.set_len(BLOCK_BYTES)?;
            file.write(0, &header(LAYOUT))?;
            let confirmed = Mutex::default();
            return Ok(Self { file, confirmed });
        }
        if file.len()? < BLOCK_BYTES {
            return Err(BlockError::NoStore.into());
        }
        let mut found = [0; BLOCK];
        file.read(0, &mut found)?;
        let confirmed = Confirmed::take(&mut found);
        if found == header(LAYOUT) {
            let confirmed = confirmed?;
            if let (Some(commit), Some(header)) = (confirmed.commit, DatabaseHeader::read(&file)?)
                && !header.includes(commit)
            {
                return Err(BlockError::Older.into());
            }
            let confirmed = Mutex::new(confirmed);
            let file = Self { file, confirmed };
            file.len()?;
            return Ok(file);
        }
        if !found.starts_with(MAGIC) {
            return Err(BlockError::NoStore.into());
        }
        let [.., a, b, c, d] = found.first_chunk::<20>().copied().unwrap_or_default();
        let layout = u32::from_le_bytes([a, b, c, d]);
        if found == header(layout) {
            return Err(BlockError::Layout { found: layout }.into());
        }
        Err(BlockError::Header.into())
    }

    fn confirmed(&self) -> MutexGuard<'_, Confirmed> {
        self.confirmed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives each run's blocks and their checksums, checked.
    fn read_blocks(&self, run: &Run, blocks: &mut [u8]) -> io::Result<()> {
        let mut sums = vec![0; blocks.len() / BLOCK * SUM];
        self.file.read(run.sums(), &mut sums)?;
        self.file.read(run.data(), blocks)?;
        let pairs = blocks.chunks(BLOCK).zip(sums.chunks(SUM));
        for (block, (bytes, sum)) in (run.first..).zip(pairs) {
            let matches = match sum {
                _ if block == 0 => true,
                [0, 0, 0, 0, 0, 0, 0, 0] => bytes.iter().all(|byte| *byte == 0),
                sum => sum == checksum(block, bytes),
            };
            if !matches {
                let block = place(block) / BLOCK_BYTES;
                return Err(BlockError::Block { block }.into());
            }
        }
        Ok(())
    }

    fn write_blocks(&self, run: &Run, blocks: &[u8]) -> io::Result<()> {
        let sums: Vec<u8> = (run.first..)
            .zip(blocks.chunks(BLOCK))
            .flat_map(|(block, bytes)| checksum(block, bytes))
            .collect();
        self.file.write(run.data(), blocks)?;
        self.file.write(run.sums(), &sums)
    }
}

/// Blocks of one group that follow each other, and where bytes of a request lie in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// Number of the first block.
    first: u64,
    /// How many blocks.
    blocks: usize,
    /// Bytes before the requested ones in the first block.
    skip: usize,
    /// Requested bytes.
    bytes: usize,
}

impl Run {
    /// The runs of these bytes of the database, in order.
    fn all(mut offset: u64, mut left: usize) -> impl Iterator<Item = Self> {
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            let first = offset / BLOCK_BYTES;
            let skip = usize::try_from(offset % BLOCK_BYTES).ok()?;
            let in_group = usize::try_from(GROUP - first % GROUP).ok()?;
            let bytes = left.min(in_group * BLOCK - skip);
            offset += u64::try_from(bytes).ok()?;
            left -= bytes;
            Some(Self {
                first,
                blocks: (skip + bytes).div_ceil(BLOCK),
                skip,
                bytes,
            })
        })
    }

    const fn is_whole(&self) -> bool {
        self.skip == 0 && self.bytes == self.blocks * BLOCK
    }

    /// Where the blocks lie in the file.
    const fn data(&self) -> u64 {
        place(self.first)
    }

    /// Where their checksums lie in the file.
    const fn sums(&self) -> u64 {
        place(self.first - self.first % GROUP) - BLOCK_BYTES + self.first % GROUP * SUM_BYTES
    }
}

/// Where a block of the database lies in the file.
const fn place(block: u64) -> u64 {
    (2 + block / GROUP * (GROUP + 1) + block % GROUP) * BLOCK_BYTES
}

fn checksum(block: u64, bytes: &[u8]) -> [u8; SUM] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&block.to_le_bytes()).update(bytes);
    let sum = hasher.finalize();
    match sum.as_bytes().first_chunk() {
        Some(sum) if *sum != [0; SUM] => *sum,
        _ => [1, 0, 0, 0, 0, 0, 0, 0],
    }
}

fn header(layout: u32) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    header[..16].copy_from_slice(MAGIC);
    header[16..20].copy_from_slice(&layout.to_le_bytes());
    let (bytes, sum) = header.split_at_mut(BLOCK - SUM);
    sum.copy_from_slice(&checksum(HEADER, bytes));
    header
}

impl<F: StorageBackend> StorageBackend for BlockFile<F> {
    fn len(&self) -> io::Result<u64> {
        let bytes = self.file.len()?;
        let after_header = (bytes / BLOCK_BYTES).saturating_sub(1);
        let (groups, rest) = (after_header / (GROUP + 1), after_header % (GROUP + 1));
        if !bytes.is_multiple_of(BLOCK_BYTES) || bytes == 0 || rest == 1 {
            return Err(BlockError::Length { bytes }.into());
        }
        Ok((groups * GROUP + rest.saturating_sub(1)) * BLOCK_BYTES)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut out = out;
        for run in Run::all(offset, out.len()) {
            let (part, rest) = out.split_at_mut(run.bytes);
            if run.is_whole() {
                self.read_blocks(&run, part)?;
            } else {
                let mut blocks = vec![0; run.blocks * BLOCK];
                self.read_blocks(&run, &mut blocks)?;
                part.copy_from_slice(&blocks[run.skip..run.skip + run.bytes]);
            }
            out = rest;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let blocks = len / BLOCK_BYTES;
        if !len.is_multiple_of(BLOCK_BYTES) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a length within a block",
            ));
        }
        let before = self.len()? / BLOCK_BYTES;
        if blocks > before && !before.is_multiple_of(GROUP) {
            // The group may have been longer once; its new blocks are zero, and their checksums with them.
            let left = usize::try_from(GROUP - before % GROUP).map_err(io::Error::other)?;
            let run = Run {
                first: before,
                blocks: left,
                skip: 0,
                bytes: left * BLOCK,
            };
            self.file.write(run.sums(), &vec![0; left * SUM])?;
        }
        let end = match blocks {
            0 => BLOCK_BYTES,
            blocks => place(blocks - 1) + BLOCK_BYTES,
        };
        self.file.set_len(end)
    }

    fn sync_data(&self) -> io::Result<()> {
        // What is there before the sync is on the disk after it.
        let header = DatabaseHeader::read(&self.file)?;
        self.file.sync_data()?;
        match header {
            Some(header) => self.confirmed().confirm(header.primary(), &self.file),
            None => Ok(()),
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        // A database that was opened by an older commit would say so here, and is stopped before it goes on from there.
        if offset == 0
            && let Some(header) = DatabaseHeader::parse(data)
            && let Some(commit) = self.confirmed().commit
            && !header.includes(commit)
        {
            return Err(BlockError::Older.into());
        }
        let mut data = data;
        for run in Run::all(offset, data.len()) {
            let (part, rest) = data.split_at(run.bytes);
            if run.is_whole() {
                self.write_blocks(&run, part)?;
            } else if run.first == 0 && run.blocks == 1 {
                self.file.write(run.data() + offset, part)?;
            } else {
                let mut blocks = vec![0; run.blocks * BLOCK];
                self.read_blocks(&run, &mut blocks)?;
                blocks[run.skip..run.skip + run.bytes].copy_from_slice(part);
                self.write_blocks(&run, &blocks)?;
            }
            data = rest;
        }
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    // Locks are about positions that no data has, or about all of the file.
    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}
