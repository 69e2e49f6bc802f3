//! Which rollup a store belongs to: record `identity` of table `meta`.
//!
//! | field | bytes |
//! |---|---|
//! | version = 2 | 1 |
//! | rollup id, big-endian | 32 |
//! | levels, 1 to 16 | 1 |
//! | genesis root | 32 |

use ark_bn254::Fr;

use super::codec::{Reader, RecordError, Writer};

const VERSION: u8 = 2;

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

pub(in crate::store) fn encode(identity: &Identity) -> Vec<u8> {
    let mut w = Writer::new(VERSION);
    w.bytes(&identity.rollup_id)
        .u8(identity.levels)
        .fr(&identity.genesis_root);
    w.finish()
}

pub(in crate::store) fn decode(bytes: &[u8]) -> Result<Identity, RecordError> {
    let mut r = Reader::new(bytes, VERSION)?;
    let identity = Identity {
        rollup_id: r.array("rollup id")?,
        levels: r.u8("levels")?,
        genesis_root: r.fr("genesis root")?,
    };
    // Below 2^248: execution takes the id for a field element.
    if !matches!(identity.rollup_id, [0, ..]) {
        return Err(RecordError::Invalid { field: "rollup id" });
    }
    if !(1..=16).contains(&identity.levels) {
        return Err(RecordError::Invalid { field: "levels" });
    }
    r.finish()?;
    Ok(identity)
}

#[cfg(test)]
mod tests {
    use super::super::codec::assert_strict;
    use super::*;

    fn rollup_id() -> [u8; 32] {
        let mut id = [7; 32];
        id[0] = 0;
        id
    }

    /// Found while writing the fuzz target `stored_records`: ids that no statement can hold were read.
    #[test]
    fn rollup_ids_from_2_248_on_are_refused() {
        let identity = Identity {
            rollup_id: [7; 32],
            levels: 16,
            genesis_root: Fr::from(1u64),
        };
        let bytes = encode(&identity);
        assert_eq!(decode(&bytes), Err(RecordError::Invalid { field: "rollup id" }));
    }

    #[test]
    fn round_trip_and_strictness() {
        let identity = Identity {
            rollup_id: rollup_id(),
            levels: 16,
            genesis_root: -Fr::from(1u64),
        };
        assert_strict(&encode(&identity), &identity, decode);
        let mut bytes = encode(&identity);
        for levels in [0, 17] {
            bytes[33] = levels;
            assert_eq!(decode(&bytes), Err(RecordError::Invalid { field: "levels" }));
        }
    }
}
