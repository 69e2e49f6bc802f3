//! Where the rollup stands: record `head` of table `meta`.
//!
//! | field | bytes |
//! |---|---|
//! | version = 3 | 1 |
//! | number of the last executed batch | 4 |
//! | state root after it | 32 |
//! | next operation | 8 |
//! | last operation | 8 |
//! | queued operations | 8 |
//! | the root chain's queue: up to what has entered, up to what is executed | 40, 40 |

use ark_bn254::Fr;

use super::codec::{Reader, RecordError, Writer};
use super::queue;
use crate::operation::QueuePoint;

const VERSION: u8 = 3;

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
    /// Behind the last priority operation that has entered.
    pub entered: QueuePoint,
    /// Behind the last priority operation that is executed.
    pub executed: QueuePoint,
}

impl Head {
    /// How many of the queued operations are priority operations.
    #[must_use]
    pub const fn queued_priority(&self) -> u64 {
        // A record whose numbers are the other way round is not decoded.
        self.entered.next.saturating_sub(self.executed.next)
    }
}

pub(in crate::store) fn encode(head: &Head) -> Vec<u8> {
    let mut w = Writer::new(VERSION);
    w.u32(head.batch_number)
        .fr(&head.root)
        .u64(head.next_operation)
        .u64(head.last_operation)
        .u64(head.queued);
    queue::encode(&mut w, &head.entered);
    queue::encode(&mut w, &head.executed);
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
        entered: queue::decode(&mut r)?,
        executed: queue::decode(&mut r)?,
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
    let (entered, executed) = (&head.entered, &head.executed);
    let behind = entered.next.checked_sub(executed.next);
    // Priority operations are never rejected, so that those between are queued.
    if behind.is_none_or(|behind| behind > head.queued) || (behind == Some(0) && entered != executed) {
        return Err(RecordError::Invalid {
            field: "executed priority operations",
        });
    }
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
            entered: point(4, 9),
            executed: point(4, 9),
        }
    }

    fn point(next: u64, byte: u8) -> QueuePoint {
        let mut hash = [byte; 32];
        hash[0] = 0;
        QueuePoint { next, hash }
    }

    #[test]
    fn round_trip_and_strictness() {
        for head in [head(1, 0, 0), head(5, 9, 5), head(5, 9, 1), head(10, 9, 0)] {
            assert_strict(&encode(&head), &head, decode);
        }
    }

    #[test]
    fn priority_operations_that_cannot_be_are_refused() {
        let with = |entered, executed| Head {
            entered,
            executed,
            ..head(5, 9, 3)
        };
        for sound in [
            with(point(7, 1), point(4, 2)),
            with(point(3, 1), QueuePoint::default()),
            with(QueuePoint::default(), QueuePoint::default()),
        ] {
            assert_strict(&encode(&sound), &sound, decode);
        }
        let high = QueuePoint {
            next: 4,
            hash: [9; 32],
        };
        for (entered, executed, field) in [
            (point(3, 1), point(4, 1), "executed priority operations"),
            (point(4, 1), point(4, 2), "executed priority operations"),
            // More than are queued.
            (point(8, 1), point(4, 1), "executed priority operations"),
            (high, point(4, 9), "queue's hash"),
            (point(4, 9), point(0, 9), "queue's hash"),
        ] {
            let refused = decode(&encode(&with(entered, executed)));
            assert_eq!(refused, Err(RecordError::Invalid { field }));
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
