//! What was submitted under an idempotency key; the client's key is the key.
//!
//! | field | bytes |
//! |---|---|
//! | version = 1 | 1 |
//! | digest of the submission | 32 |
//! | id of its first operation | 8 |
//! | number of its operations | 4 |
//! | the key's number in the order of acceptance | 8 |

use super::codec::{Reader, RecordError, Writer};
use crate::operation::Remembered;

const VERSION: u8 = 1;

/// A remembered submission with its number among all keys, by which the oldest are forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Numbered {
    pub(in crate::store) remembered: Remembered,
    pub(in crate::store) number: u64,
}

pub(in crate::store) fn encode(numbered: &Numbered) -> Vec<u8> {
    let Numbered { remembered, number } = numbered;
    let mut w = Writer::new(VERSION);
    w.bytes(&remembered.digest)
        .u64(remembered.first_operation)
        .u32(remembered.operations)
        .u64(*number);
    w.finish()
}

pub(in crate::store) fn decode(bytes: &[u8]) -> Result<Numbered, RecordError> {
    let mut r = Reader::new(bytes, VERSION)?;
    let remembered = Remembered {
        digest: r.array("digest")?,
        first_operation: r.u64("first operation")?,
        operations: r.u32("operations")?,
    };
    let number = r.u64("number")?;
    r.finish()?;
    Ok(Numbered { remembered, number })
}

#[cfg(test)]
mod tests {
    use super::super::codec::assert_strict;
    use super::*;

    #[test]
    fn s38_round_trip_and_strictness() {
        let numbered = Numbered {
            remembered: Remembered {
                digest: [9; 32],
                first_operation: 6,
                operations: 2,
            },
            number: u64::MAX,
        };
        assert_strict(&encode(&numbered), &numbered, decode);
    }
}
