//! The stored form of a [`QueuePoint`], a part of other records.
//!
//! | field | bytes |
//! |---|---|
//! | place of the next priority operation | 8 |
//! | running hash, big-endian, below 2^248; 0 before the first | 32 |

use super::codec::{Reader, RecordError, Writer};
use crate::operation::QueuePoint;

pub(super) fn encode(w: &mut Writer, point: &QueuePoint) {
    w.u64(point.next).bytes(&point.hash);
}

pub(super) fn decode(r: &mut Reader<'_>) -> Result<QueuePoint, RecordError> {
    let point = QueuePoint {
        next: r.u64("priority operation")?,
        hash: r.array("queue's hash")?,
    };
    if in_range(&point.hash) && (point.next > 0 || point.hash == [0; 32]) {
        Ok(point)
    } else {
        Err(RecordError::Invalid {
            field: "queue's hash",
        })
    }
}

/// Whether a hash is below 2^248.
pub(super) const fn in_range(hash: &[u8; 32]) -> bool {
    matches!(hash, [0, ..])
}
