//! The records of table `meta`: which rollup, and where it stands.

use ark_bn254::Fr;
use redb::ReadableTable;

use super::codec::{Reader, RecordError, Writer};
use super::tables::{FORMAT, FORMAT_KEY, HEAD_KEY, IDENTITY_KEY};
use super::{StoreError, corrupt, lost};

const VERSION: u8 = 1;

/// Which rollup a store belongs to; never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Rollup id, 32 bytes big-endian, below 2^248.
    pub rollup_id: [u8; 32],
    /// Levels of the state tree, 1 to 16.
    pub levels: u8,
    /// State root before batch 1.
    pub genesis_root: Fr,
}

/// Where the rollup stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of the last executed batch, 0 after genesis.
    pub batch_number: u32,
    /// State root after it.
    pub root: Fr,
}

impl Identity {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(VERSION);
        w.bytes(&self.rollup_id).u8(self.levels).fr(&self.genesis_root);
        w.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut r = Reader::new(bytes, VERSION)?;
        let identity = Self {
            rollup_id: r.array("rollup id")?,
            levels: r.u8("levels")?,
            genesis_root: r.fr("genesis root")?,
        };
        if !(1..=16).contains(&identity.levels) {
            return Err(RecordError::Invalid { field: "levels" });
        }
        r.finish()?;
        Ok(identity)
    }
}

impl Head {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new(VERSION);
        w.u32(self.batch_number).fr(&self.root);
        w.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut r = Reader::new(bytes, VERSION)?;
        let head = Self {
            batch_number: r.u32("batch number")?,
            root: r.fr("root")?,
        };
        r.finish()?;
        Ok(head)
    }
}

/// Refuses a store of another format; called before any other record is read.
pub(super) fn check_format(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<(), StoreError> {
    let row = meta.get(FORMAT_KEY)?.ok_or_else(|| lost("meta", FORMAT_KEY))?;
    let bytes: [u8; 4] = row
        .value()
        .try_into()
        .map_err(|_| corrupt("meta", FORMAT_KEY)(RecordError::Invalid { field: "format" }))?;
    match u32::from_le_bytes(bytes) {
        FORMAT => Ok(()),
        found => Err(StoreError::Format {
            found,
            expected: FORMAT,
        }),
    }
}

pub(super) fn read_identity(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<Identity, StoreError> {
    let row = meta
        .get(IDENTITY_KEY)?
        .ok_or_else(|| lost("meta", IDENTITY_KEY))?;
    Identity::decode(row.value()).map_err(corrupt("meta", IDENTITY_KEY))
}

pub(super) fn read_head(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<Head, StoreError> {
    let row = meta.get(HEAD_KEY)?.ok_or_else(|| lost("meta", HEAD_KEY))?;
    Head::decode(row.value()).map_err(corrupt("meta", HEAD_KEY))
}
