//! Private decoders for the fuzz targets, behind the feature `fuzzing`. Nothing else may use it.

use std::io;
use std::sync::Arc;

use quittance_circuits::leaf::Leaf;
use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use super::blocks::BlockFile;
use super::record::codec::RecordError;
use super::record::remembered::Numbered;
use super::record::undo::Before;
use super::record::{batch, head, identity, operation, remembered, undo, whole};
use super::{Head, Identity, StoreError, tables};
use crate::batch::Batch;
use crate::operation::{Operation, Remembered, Whole};

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Table `batches`.
    Batch,
    /// Record `head`.
    Head,
    /// Record `identity`.
    Identity,
    /// Table `operations`.
    Operation,
    /// Table `wholes`.
    Whole,
    /// Table `keys`.
    Remembered,
    /// Table `undo`.
    Undo,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Batch,
        Self::Head,
        Self::Identity,
        Self::Operation,
        Self::Whole,
        Self::Remembered,
        Self::Undo,
    ];
}

/// A decoded record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A batch.
    Batch(Batch),
    /// Where the rollup stands.
    Head(Head),
    /// Which rollup it is.
    Identity(Identity),
    /// An operation.
    Operation(Operation),
    /// A submission that is executed as one batch.
    Whole(Whole),
    /// What was submitted under a key, with the key's number.
    Remembered(Remembered, u64),
    /// Leaves before a batch: index, and what was there.
    Undo(Vec<(u32, Option<Leaf>)>),
}

/// Decodes a record without its seal; `id` is the key of an operation.
pub fn decode(kind: Kind, id: u64, bytes: &[u8]) -> Result<Record, RecordError> {
    Ok(match kind {
        Kind::Batch => Record::Batch(batch::decode(bytes)?),
        Kind::Head => Record::Head(head::decode(bytes)?),
        Kind::Identity => Record::Identity(identity::decode(bytes)?),
        Kind::Operation => Record::Operation(operation::decode(id, bytes)?),
        Kind::Whole => Record::Whole(whole::decode(bytes)?),
        Kind::Remembered => {
            let Numbered { remembered, number } = remembered::decode(bytes)?;
            Record::Remembered(remembered, number)
        }
        Kind::Undo => {
            let leaves = undo::decode(bytes)?.into_iter();
            Record::Undo(leaves.map(|Before { index, leaf }| (index, leaf)).collect())
        }
    })
}

/// Encodes a record in this program's format, without its seal.
#[must_use]
pub fn encode(record: &Record) -> Vec<u8> {
    match record {
        Record::Batch(batch) => batch::encode(batch),
        Record::Head(head) => head::encode(head),
        Record::Identity(identity) => identity::encode(identity),
        Record::Operation(operation) => operation::encode(operation),
        Record::Whole(whole) => whole::encode(whole),
        Record::Remembered(remembered, number) => remembered::encode(&Numbered {
            remembered: *remembered,
            number: *number,
        }),
        Record::Undo(leaves) => {
            let leaves = leaves.iter().map(|&(index, leaf)| Before { index, leaf });
            undo::encode(&leaves.collect::<Vec<_>>())
        }
    }
}

/// The operation's record with its seal.
#[must_use]
pub fn seal(id: u64, record: Vec<u8>) -> Vec<u8> {
    tables::operation_row(id).seal(record)
}

/// The record of an operation's sealed bytes.
pub fn open(id: u64, bytes: &[u8]) -> Result<&[u8], StoreError> {
    tables::operation_row(id).open(bytes)
}

/// Every block of a store's file, or nothing where it is refused.
pub fn read_file(bytes: &[u8]) -> io::Result<Vec<Option<Vec<u8>>>> {
    let file = BlockFile::over(in_memory(bytes)?)?;
    let blocks = file.len()? / BLOCK;
    Ok((0..blocks)
        .map(|block| {
            let mut bytes = vec![0; 4096];
            let read = file.read(block * BLOCK, &mut bytes);
            read.is_ok().then_some(bytes)
        })
        .collect())
}

/// The file of a store whose database is these bytes, a whole number of blocks.
#[must_use]
pub fn write_file(database: &[u8]) -> Vec<u8> {
    let written = || -> io::Result<Vec<u8>> {
        let memory = Arc::new(in_memory(&[])?);
        let file = BlockFile::over(Shared(Arc::clone(&memory)))?;
        file.set_len(database.len() as u64)?;
        file.write(0, database)?;
        let mut bytes = vec![0; usize::try_from(memory.len()?).unwrap_or_default()];
        memory.read(0, &mut bytes)?;
        Ok(bytes)
    };
    written().unwrap_or_default()
}

/// Bytes of a block.
const BLOCK: u64 = 4096;

fn in_memory(bytes: &[u8]) -> io::Result<InMemoryBackend> {
    let memory = InMemoryBackend::new();
    memory.set_len(bytes.len() as u64)?;
    memory.write(0, bytes)?;
    Ok(memory)
}

/// Memory that is looked at beside the file that is written to it.
#[derive(Debug)]
struct Shared(Arc<InMemoryBackend>);

impl StorageBackend for Shared {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
}
