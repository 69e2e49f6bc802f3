//! The seal of a record: the first 8 bytes of
//! BLAKE3(length of the table's name 1 | table's name | length of the key 4 | key | record), appended to the record.
//!
//! It finds damage by chance, which slips through once in 2^64 times. It is no protection against somebody who writes to
//! the file on purpose: state, batches and proofs are bound by the state root and by the proofs themselves.

use super::codec::RecordError;

/// Length of a seal in bytes.
pub(in crate::store) const BYTES: usize = 8;

/// The record with its seal behind it.
pub(super) fn seal(table: &str, key: &[u8], mut record: Vec<u8>) -> Vec<u8> {
    let seal = digest(table, key, &record);
    record.extend_from_slice(&seal);
    record
}

/// The record before its seal, if the seal is right.
pub(super) fn open<'a>(table: &str, key: &[u8], bytes: &'a [u8]) -> Result<&'a [u8], RecordError> {
    let (record, seal) = bytes
        .split_last_chunk::<BYTES>()
        .ok_or(RecordError::Short { field: "seal" })?;
    if digest(table, key, record) == *seal {
        Ok(record)
    } else {
        Err(RecordError::Seal)
    }
}

fn digest(table: &str, key: &[u8], record: &[u8]) -> [u8; BYTES] {
    let mut hasher = blake3::Hasher::new();
    // Names of tables are short constants, keys at most 64 bytes.
    hasher.update(&[u8::try_from(table.len()).unwrap_or(u8::MAX)]);
    hasher.update(table.as_bytes());
    hasher.update(&u32::try_from(key.len()).unwrap_or(u32::MAX).to_le_bytes());
    hasher.update(key);
    hasher.update(record);
    let mut seal = [0; BYTES];
    hasher.finalize_xof().fill(&mut seal);
    seal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_the_table_and_the_key_are_bound() {
        let record = b"some record".to_vec();
        let sealed = seal("table", b"key", record.clone());
        assert_eq!(sealed.len(), record.len() + BYTES);
        assert_eq!(open("table", b"key", &sealed), Ok(&record[..]));
        for other in [open("tabl", b"ekey", &sealed), open("table", b"kex", &sealed)] {
            assert_eq!(other, Err(RecordError::Seal));
        }
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open("table", b"key", &flipped), Err(RecordError::Seal), "{bit}");
        }
        for end in 0..sealed.len() {
            let refused = open("table", b"key", &sealed[..end]).unwrap_err();
            let expected = if end < BYTES {
                RecordError::Short { field: "seal" }
            } else {
                RecordError::Seal
            };
            assert_eq!(refused, expected, "{end}");
        }
        let mut long = sealed;
        long.push(0);
        assert_eq!(open("table", b"key", &long), Err(RecordError::Seal));
    }

    #[test]
    fn empty_records_and_keys_have_seals_of_their_own() {
        let sealed = seal("t", b"", Vec::new());
        assert_eq!(open("t", b"", &sealed), Ok(&[][..]));
        assert_ne!(sealed, seal("t", b"\0", Vec::new()));
    }
}
