//! The place of a record: its table and its key. Whatever is wrong with a record is said with its place.

use std::fmt;

use super::codec::RecordError;
use super::seal;
use crate::encoding::to_hex;
use crate::store::StoreError;

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Row<'a> {
    /// Name of the table.
    pub(in crate::store) table: &'static str,
    /// The key in it.
    pub(in crate::store) key: Key<'a>,
}

/// The key of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Key<'a> {
    /// A name, in table `meta`.
    Name(&'static str),
    /// A batch number or an account index.
    Short(u32),
    /// An operation's id, or another running number.
    Long(u64),
    /// A client's idempotency key.
    Bytes(&'a [u8]),
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Short(number) => write!(f, "{number}"),
            Self::Long(number) => write!(f, "{number}"),
            Self::Bytes(bytes) => f.write_str(&to_hex(bytes)),
        }
    }
}

impl<'a> Row<'a> {
    pub(in crate::store) const fn new(table: &'static str, key: Key<'a>) -> Self {
        Self { table, key }
    }

    /// The record with its seal.
    pub(in crate::store) fn seal(&self, record: Vec<u8>) -> Vec<u8> {
        self.with_key(|key| seal::seal(self.table, key, record))
    }

    /// The record of sealed bytes.
    pub(in crate::store) fn open<'b>(&self, bytes: &'b [u8]) -> Result<&'b [u8], StoreError> {
        self.with_key(|key| seal::open(self.table, key, bytes))
            .map_err(|error| self.corrupt(error))
    }

    /// The value of sealed bytes.
    pub(in crate::store) fn decode<T>(
        &self,
        bytes: &[u8],
        decode: impl FnOnce(&[u8]) -> Result<T, RecordError>,
    ) -> Result<T, StoreError> {
        decode(self.open(bytes)?).map_err(|error| self.corrupt(error))
    }

    /// The record is not what was written.
    pub(in crate::store) fn corrupt(&self, source: RecordError) -> StoreError {
        StoreError::Corrupt {
            table: self.table,
            key: self.key.to_string(),
            source,
        }
    }

    /// The record says what cannot be.
    pub(in crate::store) fn invalid(&self, field: &'static str) -> StoreError {
        self.corrupt(RecordError::Invalid { field })
    }

    /// The record is not there.
    pub(in crate::store) fn lost(&self) -> StoreError {
        StoreError::Lost {
            table: self.table,
            key: self.key.to_string(),
        }
    }

    fn with_key<T>(&self, call: impl FnOnce(&[u8]) -> T) -> T {
        match self.key {
            Key::Name(name) => call(name.as_bytes()),
            Key::Short(number) => call(&number.to_le_bytes()),
            Key::Long(number) => call(&number.to_le_bytes()),
            Key::Bytes(bytes) => call(bytes),
        }
    }
}
