//! Since when the store keeps what a rollback needs: record `history` of table `meta`.
//!
//! | field | bytes |
//! |---|---|
//! | version = 1 | 1 |
//! | number of the last batch without undo record: 0, or that of the last batch when the store was migrated | 4 |

use super::codec::{Reader, RecordError, Writer};

const VERSION: u8 = 1;

/// `lowest` is the lowest batch number that a rollback can go back to.
pub(in crate::store) fn encode(lowest: u32) -> Vec<u8> {
    let mut w = Writer::new(VERSION);
    w.u32(lowest);
    w.finish()
}

pub(in crate::store) fn decode(bytes: &[u8]) -> Result<u32, RecordError> {
    let mut r = Reader::new(bytes, VERSION)?;
    let lowest = r.u32("first batch")?;
    r.finish()?;
    Ok(lowest)
}

#[cfg(test)]
mod tests {
    use super::super::codec::assert_strict;
    use super::*;

    #[test]
    fn round_trip_and_strictness() {
        assert_strict(&encode(7), &7, decode);
    }
}
