//! Reading and writing of stored records: little-endian, fixed widths, strict.
//!
//! A list is written as its length and its entries. A length is checked against the bytes that are left before anything
//! is allocated (S38), and a record has to end where its bytes end.

use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField};
use thiserror::Error;

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The record ends within a field.
    #[error("record ends within {field}")]
    Short {
        /// The field.
        field: &'static str,
    },
    /// Bytes follow the record's end.
    #[error("{extra} bytes follow the record")]
    Long {
        /// How many.
        extra: usize,
    },
    /// The record has another version.
    #[error("record has version {found}, this program reads {expected}")]
    Version {
        /// Version found.
        found: u8,
        /// Version that is read.
        expected: u8,
    },
    /// A field has a value that nothing writes.
    #[error("record has an invalid {field}")]
    Invalid {
        /// The field.
        field: &'static str,
    },
}

/// Appends fields to a record.
#[derive(Debug, Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// A record that begins with its version.
    pub(super) fn new(version: u8) -> Self {
        Self(vec![version])
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(super) fn u128(&mut self, value: u128) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    /// 32 bytes, little-endian, canonical.
    pub(super) fn fr(&mut self, value: &Fr) -> &mut Self {
        self.bytes(&fr_to_le(value))
    }

    /// A length as u32. Longer lists than 2^32 − 1 exist nowhere; the limit is kept so that decoding would refuse them.
    pub(super) fn length(&mut self, length: usize) -> &mut Self {
        self.u32(u32::try_from(length).unwrap_or(u32::MAX))
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Takes fields off a record.
#[derive(Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Begins with the version, which has to be the expected one.
    pub(super) fn new(bytes: &'a [u8], expected: u8) -> Result<Self, RecordError> {
        let mut reader = Self(bytes);
        let found = reader.u8("version")?;
        if found == expected {
            Ok(reader)
        } else {
            Err(RecordError::Version { found, expected })
        }
    }

    pub(super) fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], RecordError> {
        let (head, tail) = self.0.split_first_chunk().ok_or(RecordError::Short { field })?;
        self.0 = tail;
        Ok(*head)
    }

    pub(super) fn slice(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], RecordError> {
        let (head, tail) = self
            .0
            .split_at_checked(length)
            .ok_or(RecordError::Short { field })?;
        self.0 = tail;
        Ok(head)
    }

    pub(super) fn u8(&mut self, field: &'static str) -> Result<u8, RecordError> {
        self.array(field).map(|[byte]| byte)
    }

    pub(super) fn u32(&mut self, field: &'static str) -> Result<u32, RecordError> {
        self.array(field).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self, field: &'static str) -> Result<u64, RecordError> {
        self.array(field).map(u64::from_le_bytes)
    }

    pub(super) fn u128(&mut self, field: &'static str) -> Result<u128, RecordError> {
        self.array(field).map(u128::from_le_bytes)
    }

    pub(super) fn fr(&mut self, field: &'static str) -> Result<Fr, RecordError> {
        fr_from_le(&self.array(field)?).ok_or(RecordError::Invalid { field })
    }

    /// A length as u32, refused if that many entries of `entry_bytes` bytes each cannot follow.
    pub(super) fn length(&mut self, entry_bytes: usize, field: &'static str) -> Result<usize, RecordError> {
        let length = usize::try_from(self.u32(field)?).map_err(|_| RecordError::Short { field })?;
        match length.checked_mul(entry_bytes) {
            Some(bytes) if bytes <= self.0.len() => Ok(length),
            _ => Err(RecordError::Short { field }),
        }
    }

    /// The record has to end here.
    pub(super) fn finish(self) -> Result<(), RecordError> {
        match self.0.len() {
            0 => Ok(()),
            extra => Err(RecordError::Long { extra }),
        }
    }
}

/// The 32 little-endian bytes of a field element.
pub(super) fn fr_to_le(value: &Fr) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(value.into_bigint().to_bytes_le()) {
        *to = from;
    }
    bytes
}

/// The field element of 32 little-endian bytes, or `None` at or above r.
pub(super) fn fr_from_le(bytes: &[u8; 32]) -> Option<Fr> {
    let value = Fr::from_le_bytes_mod_order(bytes);
    (fr_to_le(&value) == *bytes).then_some(value)
}
