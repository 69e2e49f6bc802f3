//! The stored form of an [`Operation`]; its id is the key.
//!
//! | field | bytes |
//! |---|---|
//! | version = 1 | 1 |
//! | from, to | 4, 4 |
//! | amount, fee, as floats | 8, 2 |
//! | nonce, valid until | 4, 4 |
//! | signature: R8's x and y, S | 32, 32, 32 |
//! | accepted at (ms) | 8 |
//! | state: 1 queued, 2 executed, 3 rejected | 1 |
//! | executed: batch, position | 4, 4 |
//! | rejected: at (ms); rule and message, each its length and UTF-8 | 8; 4, at most 64; 4, at most 1024 |

use quittance_circuits::babyjubjub::Point;
use quittance_circuits::eddsa::Signature;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::tx::transfer::{SignedTransfer, Transfer};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce};

use super::codec::{Reader, RecordError, Writer};
use crate::operation::{Operation, OperationState, Rejection};

const VERSION: u8 = 1;
/// Longest name of a rule.
const MAX_RULE_BYTES: usize = 64;

pub(in crate::store) fn encode(operation: &Operation) -> Vec<u8> {
    let SignedTransfer { transfer, signature } = &operation.signed;
    let mut w = Writer::new(VERSION);
    w.u32(transfer.from.get())
        .u32(transfer.to.get())
        .u64(transfer.amount.get())
        .u16(transfer.fee.get())
        .u32(transfer.nonce.get())
        .u32(transfer.valid_until.get())
        .fr(&signature.r8.x)
        .fr(&signature.r8.y);
    for limb in signature.s {
        w.u64(limb);
    }
    w.u64(operation.accepted_at_ms);
    match &operation.state {
        OperationState::Queued => w.u8(1),
        OperationState::Executed { batch, position } => w.u8(2).u32(*batch).u32(*position),
        OperationState::Rejected(rejection) => w
            .u8(3)
            .u64(rejection.at_ms)
            .text(&rejection.rule, MAX_RULE_BYTES)
            .text(&rejection.message, Rejection::MAX_MESSAGE_BYTES),
    };
    w.finish()
}

pub(in crate::store) fn decode(id: u64, bytes: &[u8]) -> Result<Operation, RecordError> {
    let mut r = Reader::new(bytes, VERSION)?;
    let transfer = Transfer {
        from: AccountIndex(r.u32("from")?),
        to: AccountIndex(r.u32("to")?),
        amount: FloatAmount::new(r.u64("amount")?).map_err(|_| RecordError::Invalid { field: "amount" })?,
        fee: FloatFee::new(r.u16("fee")?),
        nonce: Nonce(r.u32("nonce")?),
        valid_until: BatchNumber(r.u32("valid until")?),
    };
    let r8 = Point::new(r.fr("signature's x")?, r.fr("signature's y")?);
    let mut s = [0; 4];
    for limb in &mut s {
        *limb = r.u64("signature's S")?;
    }
    let accepted_at_ms = r.u64("accepted at")?;
    let state = match r.u8("state")? {
        1 => OperationState::Queued,
        2 => OperationState::Executed {
            batch: r.u32("batch")?,
            position: r.u32("position")?,
        },
        3 => OperationState::Rejected(Rejection {
            at_ms: r.u64("rejected at")?,
            rule: r.text(MAX_RULE_BYTES, "rule")?,
            message: r.text(Rejection::MAX_MESSAGE_BYTES, "message")?,
        }),
        _ => return Err(RecordError::Invalid { field: "state" }),
    };
    r.finish()?;
    Ok(Operation {
        id,
        state,
        signed: SignedTransfer {
            transfer,
            signature: Signature { r8, s },
        },
        accepted_at_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::super::codec::assert_strict;
    use super::*;
    use ark_bn254::Fr;

    fn operation(state: OperationState) -> Operation {
        Operation {
            id: 5,
            state,
            signed: SignedTransfer {
                transfer: Transfer {
                    from: AccountIndex(1),
                    to: AccountIndex(u32::MAX),
                    amount: FloatAmount::encode_exact(1_000_000).unwrap(),
                    fee: FloatFee::encode_exact(3).unwrap(),
                    nonce: Nonce(4),
                    valid_until: BatchNumber::MAX,
                },
                signature: Signature {
                    r8: Point::new(Fr::from(8u64), -Fr::from(9u64)),
                    s: [1, 2, 3, u64::MAX],
                },
            },
            accepted_at_ms: 77,
        }
    }

    fn rejected(rule: &str, message: &str) -> Operation {
        operation(OperationState::Rejected(Rejection {
            rule: rule.to_owned(),
            message: message.to_owned(),
            at_ms: 6,
        }))
    }

    #[test]
    fn s38_round_trip_and_strictness() {
        let all = [
            operation(OperationState::Queued),
            operation(OperationState::Executed {
                batch: 9,
                position: 2,
            }),
            rejected("not_expired", "transfer is valid until batch 3, zu spät"),
            rejected("", ""),
        ];
        for operation in all {
            assert_strict(&encode(&operation), &operation, |bytes| decode(5, bytes));
        }
    }

    #[test]
    fn lengths_beyond_the_record_and_its_limits_are_refused() {
        let mut huge = encode(&rejected("rule", "message"));
        let length = huge.len() - (4 + 4 + 4 + 7);
        huge[length..length + 4].fill(0xff);
        assert_eq!(decode(5, &huge), Err(RecordError::Short { field: "rule" }));
        let state = length - 9;
        huge[state] = 4;
        assert_eq!(decode(5, &huge), Err(RecordError::Invalid { field: "state" }));

        // Too long texts are cut where they are written, at a character's border.
        let long = rejected(&"r".repeat(70), &"ü".repeat(600));
        let OperationState::Rejected(kept) = decode(5, &encode(&long)).unwrap().state else {
            panic!("rejected");
        };
        assert_eq!((kept.rule.len(), kept.message.len()), (64, 1024));
    }
}
