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
    /// The record is not the one that was written to this table under this key.
    #[error("record does not match its seal")]
    Seal,
    /// A field has a value that nothing writes.
    #[error("record has an invalid {field}")]
    Invalid {
        /// The field.
        field: &'static str,
    },
}

/// Appends fields to a record.
#[derive(Debug, Default)]
pub(in crate::store) struct Writer(Vec<u8>);

impl Writer {
    /// A record that begins with its version.
    pub(in crate::store) fn new(version: u8) -> Self {
        Self(vec![version])
    }

    pub(in crate::store) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(in crate::store) fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }

    pub(in crate::store) fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(in crate::store) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(in crate::store) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(in crate::store) fn u128(&mut self, value: u128) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    /// 32 bytes, little-endian, canonical.
    pub(in crate::store) fn fr(&mut self, value: &Fr) -> &mut Self {
        self.bytes(&fr_to_le(value))
    }

    /// A length as u32. Longer lists than 2^32 − 1 exist nowhere; the limit is kept so that decoding would refuse them.
    pub(in crate::store) fn length(&mut self, length: usize) -> &mut Self {
        self.u32(u32::try_from(length).unwrap_or(u32::MAX))
    }

    /// A text as its length and its UTF-8, cut at a character's border to at most `limit` bytes.
    pub(in crate::store) fn text(&mut self, text: &str, limit: usize) -> &mut Self {
        let mut end = text.len().min(limit);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let kept = text.get(..end).unwrap_or_default();
        self.length(kept.len()).bytes(kept.as_bytes())
    }

    pub(in crate::store) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Takes fields off a record.
#[derive(Debug)]
pub(in crate::store) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Begins with the version, which has to be the expected one.
    pub(in crate::store) fn new(bytes: &'a [u8], expected: u8) -> Result<Self, RecordError> {
        let mut reader = Self(bytes);
        let found = reader.u8("version")?;
        if found == expected {
            Ok(reader)
        } else {
            Err(RecordError::Version { found, expected })
        }
    }

    pub(in crate::store) fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[u8; N], RecordError> {
        let (head, tail) = self.0.split_first_chunk().ok_or(RecordError::Short { field })?;
        self.0 = tail;
        Ok(*head)
    }

    pub(in crate::store) fn slice(
        &mut self,
        length: usize,
        field: &'static str,
    ) -> Result<&'a [u8], RecordError> {
        let (head, tail) = self
            .0
            .split_at_checked(length)
            .ok_or(RecordError::Short { field })?;
        self.0 = tail;
        Ok(head)
    }

    pub(in crate::store) fn u8(&mut self, field: &'static str) -> Result<u8, RecordError> {
        self.array(field).map(|[byte]| byte)
    }

    pub(in crate::store) fn u16(&mut self, field: &'static str) -> Result<u16, RecordError> {
        self.array(field).map(u16::from_le_bytes)
    }

    pub(in crate::store) fn u32(&mut self, field: &'static str) -> Result<u32, RecordError> {
        self.array(field).map(u32::from_le_bytes)
    }

    pub(in crate::store) fn u64(&mut self, field: &'static str) -> Result<u64, RecordError> {
        self.array(field).map(u64::from_le_bytes)
    }

    pub(in crate::store) fn u128(&mut self, field: &'static str) -> Result<u128, RecordError> {
        self.array(field).map(u128::from_le_bytes)
    }

    pub(in crate::store) fn fr(&mut self, field: &'static str) -> Result<Fr, RecordError> {
        fr_from_le(&self.array(field)?).ok_or(RecordError::Invalid { field })
    }

    /// A length as u32, refused if that many entries of `entry_bytes` bytes each cannot follow.
    pub(in crate::store) fn length(
        &mut self,
        entry_bytes: usize,
        field: &'static str,
    ) -> Result<usize, RecordError> {
        let length = usize::try_from(self.u32(field)?).map_err(|_| RecordError::Short { field })?;
        match length.checked_mul(entry_bytes) {
            Some(bytes) if bytes <= self.0.len() => Ok(length),
            _ => Err(RecordError::Short { field }),
        }
    }

    /// A text of at most `limit` bytes, as [`Writer::text`] writes it.
    pub(in crate::store) fn text(
        &mut self,
        limit: usize,
        field: &'static str,
    ) -> Result<String, RecordError> {
        let length = self.length(1, field)?;
        if length > limit {
            return Err(RecordError::Invalid { field });
        }
        let text = std::str::from_utf8(self.slice(length, field)?);
        Ok(text.map_err(|_| RecordError::Invalid { field })?.to_owned())
    }

    /// The record has to end here.
    pub(in crate::store) fn finish(self) -> Result<(), RecordError> {
        match self.0.len() {
            0 => Ok(()),
            extra => Err(RecordError::Long { extra }),
        }
    }
}

/// The 32 little-endian bytes of a field element.
pub(in crate::store) fn fr_to_le(value: &Fr) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(value.into_bigint().to_bytes_le()) {
        *to = from;
    }
    bytes
}

/// The field element of 32 little-endian bytes, or `None` at or above r.
pub(in crate::store) fn fr_from_le(bytes: &[u8; 32]) -> Option<Fr> {
    let value = Fr::from_le_bytes_mod_order(bytes);
    (fr_to_le(&value) == *bytes).then_some(value)
}

/// S38: what is encoded decodes to the same; truncated at every byte, extended and with every other version it is refused.
#[cfg(test)]
pub(super) fn assert_strict<T: PartialEq + std::fmt::Debug>(
    bytes: &[u8],
    value: &T,
    decode: impl Fn(&[u8]) -> Result<T, RecordError>,
) {
    assert_eq!(decode(bytes).as_ref(), Ok(value));
    for end in 0..bytes.len() {
        let refused = decode(&bytes[..end]);
        assert!(matches!(refused, Err(RecordError::Short { .. })), "{end}");
    }
    let mut long = bytes.to_vec();
    long.push(0);
    assert_eq!(decode(&long), Err(RecordError::Long { extra: 1 }));
    let expected = bytes[0];
    for found in (0..=u8::MAX).filter(|found| *found != expected) {
        let mut other = bytes.to_vec();
        other[0] = found;
        assert_eq!(decode(&other), Err(RecordError::Version { found, expected }));
    }
}
