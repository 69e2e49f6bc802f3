//! The stored form of a [`Whole`]; the id of its first operation is the key.
//!
//! | field | bytes |
//! |---|---|
//! | version = 1 | 1 |
//! | operations, at least 1 | 4 |
//! | fee slots: length, then leaf, token | 4, then 4, 4 |

use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::types::{AccountIndex, TokenId};

use super::codec::{Reader, RecordError, Writer};
use crate::operation::Whole;

const VERSION: u8 = 1;

pub(in crate::store) fn encode(whole: &Whole) -> Vec<u8> {
    let mut w = Writer::new(VERSION);
    w.u32(whole.operations).length(whole.fee_slots.len());
    for slot in &whole.fee_slots {
        w.u32(slot.leaf.get()).u32(slot.token.get());
    }
    w.finish()
}

pub(in crate::store) fn decode(bytes: &[u8]) -> Result<Whole, RecordError> {
    let mut r = Reader::new(bytes, VERSION)?;
    let operations = r.u32("operations")?;
    if operations == 0 {
        return Err(RecordError::Invalid { field: "operations" });
    }
    let fee_slots = (0..r.length(8, "fee slots")?)
        .map(|_| {
            Ok(FeeSlot {
                leaf: AccountIndex(r.u32("fee leaf")?),
                token: TokenId(r.u32("fee token")?),
            })
        })
        .collect::<Result<_, RecordError>>()?;
    r.finish()?;
    Ok(Whole {
        operations,
        fee_slots,
    })
}

#[cfg(test)]
mod tests {
    use super::super::codec::assert_strict;
    use super::*;

    #[test]
    fn s38_round_trip_and_strictness() {
        let slot = |leaf| FeeSlot {
            leaf: AccountIndex(leaf),
            token: TokenId(3),
        };
        let whole = Whole {
            operations: 4,
            fee_slots: vec![slot(1), slot(u32::MAX)],
        };
        let bytes = encode(&whole);
        assert_strict(&bytes, &whole, decode);
        let mut huge = bytes.clone();
        huge[5..9].fill(0xff);
        assert_eq!(decode(&huge), Err(RecordError::Short { field: "fee slots" }));
        let mut none = bytes;
        none[1..5].fill(0);
        assert_eq!(decode(&none), Err(RecordError::Invalid { field: "operations" }));
    }
}
