//! Where the rollup stands: record `head` of table `meta`.
//!
//! | field | bytes |
//! |---|---|
//! | version = 2 | 1 |
//! | number of the last executed batch | 4 |
//! | state root after it | 32 |
//! | next operation | 8 |
//! | last operation | 8 |
//! | queued operations | 8 |
//!
//! Format 1 had version 1, number and root, and no seal.

use ark_bn254::Fr;

use super::codec::{Reader, RecordError, Writer};

const VERSION: u8 = 2;
const FORMAT_1_VERSION: u8 = 1;

/// Where the rollup stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of the last executed batch, 0 after genesis.
    pub batch_number: u32,
    /// State root after it.
    pub root: Fr,
    /// Id of the first operation that may be queued: every one before it is executed or rejected. From 1 to
    /// `last_operation` + 1, and that if none is queued.
    pub next_operation: u64,
    /// Id of the last accepted operation, 0 for none.
    pub last_operation: u64,
    /// How many operations are queued.
    pub queued: u64,
}

pub(in crate::store) fn encode(head: &Head) -> Vec<u8> {
    let mut w = Writer::new(VERSION);
    w.u32(head.batch_number)
        .fr(&head.root)
        .u64(head.next_operation)
        .u64(head.last_operation)
        .u64(head.queued);
    w.finish()
}

pub(in crate::store) fn decode(bytes: &[u8]) -> Result<Head, RecordError> {
    let mut r = Reader::new(bytes, VERSION)?;
    let head = Head {
        batch_number: r.u32("batch number")?,
        root: r.fr("root")?,
        next_operation: r.u64("next operation")?,
        last_operation: r.u64("last operation")?,
        queued: r.u64("queued operations")?,
    };
    r.finish()?;
    let end = head.last_operation.checked_add(1).ok_or(RecordError::Invalid {
        field: "last operation",
    })?;
    let waiting = match head.next_operation {
        0 => None,
        next => end.checked_sub(next),
    };
    let waiting = waiting.ok_or(RecordError::Invalid {
        field: "next operation",
    })?;
    if head.queued > waiting || (head.queued == 0) != (waiting == 0) {
        return Err(RecordError::Invalid {
            field: "queued operations",
        });
    }
    Ok(head)
}

/// Batch number and root of a record of format 1.
pub(in crate::store) fn decode_format_1(bytes: &[u8]) -> Result<(u32, Fr), RecordError> {
    let mut r = Reader::new(bytes, FORMAT_1_VERSION)?;
    let head = (r.u32("batch number")?, r.fr("root")?);
    r.finish()?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::super::codec::assert_strict;
    use super::*;

    fn head(next_operation: u64, last_operation: u64, queued: u64) -> Head {
        Head {
            batch_number: 3,
            root: -Fr::from(1u64),
            next_operation,
            last_operation,
            queued,
        }
    }

    #[test]
    fn round_trip_and_strictness() {
        for head in [head(1, 0, 0), head(5, 9, 5), head(5, 9, 1), head(10, 9, 0)] {
            assert_strict(&encode(&head), &head, decode);
        }
    }

    #[test]
    fn a_queue_that_cannot_be_is_refused() {
        for (next, last, queued, field) in [
            (0, 0, 0, "next operation"),
            (2, 0, 0, "next operation"),
            (5, 9, 6, "queued operations"),
            (5, 9, 0, "queued operations"),
            (10, 9, 1, "queued operations"),
            (1, u64::MAX, 0, "last operation"),
        ] {
            let refused = decode(&encode(&head(next, last, queued)));
            assert_eq!(
                refused,
                Err(RecordError::Invalid { field }),
                "{next} {last} {queued}"
            );
        }
    }
}
