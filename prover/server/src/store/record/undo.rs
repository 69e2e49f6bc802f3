//! What a batch changed: the leaves before it, so that it can be taken back. The batch number is the key.
//!
//! | field | bytes |
//! |---|---|
//! | version = 1 | 1 |
//! | leaves: length | 4 |
//! | each: index, ascending | 4 |
//! | 0 if there was no leaf, or 1 and the leaf | 1, 108 |

use quittance_circuits::leaf::Leaf;

use super::codec::{Reader, RecordError, Writer};

const VERSION: u8 = 1;

/// One leaf before a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Before {
    /// Its index.
    pub(in crate::store) index: u32,
    /// What was there.
    pub(in crate::store) leaf: Option<Leaf>,
}

pub(in crate::store) fn encode(leaves: &[Before]) -> Vec<u8> {
    let mut w = Writer::new(VERSION);
    w.length(leaves.len());
    for before in leaves {
        w.u32(before.index);
        match &before.leaf {
            None => w.u8(0),
            Some(leaf) => w.u8(1).bytes(&leaf.to_bytes()),
        };
    }
    w.finish()
}

pub(in crate::store) fn decode(bytes: &[u8]) -> Result<Vec<Before>, RecordError> {
    let mut r = Reader::new(bytes, VERSION)?;
    let mut leaves: Vec<Before> = Vec::new();
    for _ in 0..r.length(5, "leaves")? {
        let index = r.u32("index")?;
        if leaves.last().is_some_and(|last| last.index >= index) {
            return Err(RecordError::Invalid { field: "index" });
        }
        let leaf = match r.u8("leaf")? {
            0 => None,
            1 => {
                let bytes = r.slice(Leaf::BYTES, "leaf")?;
                Some(Leaf::from_bytes(bytes).map_err(|_| RecordError::Invalid { field: "leaf" })?)
            }
            _ => return Err(RecordError::Invalid { field: "leaf" }),
        };
        leaves.push(Before { index, leaf });
    }
    r.finish()?;
    Ok(leaves)
}

#[cfg(test)]
mod tests {
    use super::super::codec::assert_strict;
    use super::*;
    use quittance_circuits::eddsa::SecretKey;
    use quittance_circuits::types::RootAddress;

    #[test]
    fn s38_round_trip_and_strictness() {
        let key = SecretKey::from_bytes(&[3; 32]).public_key();
        let leaf = Leaf::new(key, 5, 6, 7, RootAddress([8; 20])).unwrap();
        let leaves = vec![
            Before {
                index: 2,
                leaf: Some(leaf),
            },
            Before {
                index: u32::MAX,
                leaf: None,
            },
        ];
        let bytes = encode(&leaves);
        assert_strict(&bytes, &leaves, decode);
        assert_strict(&encode(&[]), &Vec::new(), decode);
        let mut huge = bytes.clone();
        huge[1..5].fill(0xff);
        assert_eq!(decode(&huge), Err(RecordError::Short { field: "leaves" }));
        let mut flag = bytes;
        flag[9] = 2;
        assert_eq!(decode(&flag), Err(RecordError::Invalid { field: "leaf" }));
        let twice = [leaves[0], leaves[0]];
        assert_eq!(
            decode(&encode(&twice)),
            Err(RecordError::Invalid { field: "index" })
        );
    }
}
