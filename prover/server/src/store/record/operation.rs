//! The stored form of an [`Operation`]; its id is the key.
//!
//! | field | bytes |
//! |---|---|
//! | version = 2 | 1 |
//! | accepted at (ms) | 8 |
//! | kind: 1 transfer, 2 opening, 3 withdrawal, 4 rotation, 5 deposit, 6 forced exit | 1 |
//! | fields of the kind ([`signed`], [`priority`]) | |
//! | state: 1 queued, 2 executed, 3 rejected | 1 |
//! | executed: batch, position in its section | 4, 4 |
//! | executed priority operation: done 0 or 1, token, amount | 1, 4, 16 |
//! | rejected: at (ms); rule and message, each its length and UTF-8 | 8; 4, at most 64; 4, at most 1024 |

mod priority;
mod signed;

use super::codec::{Reader, RecordError, Writer};
use crate::operation::{Operation, OperationState, Outcome, Rejection, Request};

const VERSION: u8 = 2;
/// Longest name of a rule.
const MAX_RULE_BYTES: usize = 64;

pub(in crate::store) fn encode(operation: &Operation) -> Vec<u8> {
    let mut w = Writer::new(VERSION);
    w.u64(operation.accepted_at_ms);
    match &operation.request {
        Request::Priority(entry) => priority::encode(&mut w, entry),
        Request::Signed(operation) => signed::encode(&mut w, operation),
    }
    match &operation.state {
        OperationState::Queued => {
            w.u8(1);
        }
        OperationState::Executed {
            batch,
            position,
            outcome,
        } => {
            w.u8(2).u32(*batch).u32(*position);
            if let Some(outcome) = outcome {
                w.u8(u8::from(outcome.done))
                    .u32(outcome.token)
                    .u128(outcome.amount);
            }
        }
        OperationState::Rejected(rejection) => {
            w.u8(3)
                .u64(rejection.at_ms)
                .text(&rejection.rule, MAX_RULE_BYTES)
                .text(&rejection.message, Rejection::MAX_MESSAGE_BYTES);
        }
    }
    w.finish()
}

pub(in crate::store) fn decode(id: u64, bytes: &[u8]) -> Result<Operation, RecordError> {
    let mut r = Reader::new(bytes, VERSION)?;
    let accepted_at_ms = r.u64("accepted at")?;
    let kind = r.u8("kind")?;
    let request = if priority::is_kind(kind) {
        Request::Priority(priority::decode(kind, &mut r)?)
    } else {
        Request::Signed(signed::decode(kind, &mut r)?)
    };
    let state = match (r.u8("state")?, &request) {
        (1, _) => OperationState::Queued,
        (2, request) => OperationState::Executed {
            batch: r.u32("batch")?,
            position: r.u32("position")?,
            outcome: match request {
                Request::Priority(_) => Some(outcome(&mut r)?),
                Request::Signed(_) => None,
            },
        },
        // A priority operation is executed, whatever comes of it.
        (3, Request::Signed(_)) => OperationState::Rejected(Rejection {
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
        request,
        accepted_at_ms,
    })
}

fn outcome(r: &mut Reader<'_>) -> Result<Outcome, RecordError> {
    Ok(Outcome {
        done: match r.u8("outcome")? {
            0 => false,
            1 => true,
            _ => return Err(RecordError::Invalid { field: "outcome" }),
        },
        token: r.u32("token of the outcome")?,
        amount: r.u128("amount of the outcome")?,
    })
}

#[cfg(test)]
mod tests;
