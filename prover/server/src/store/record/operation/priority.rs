//! The fields of a priority operation, behind its kind.
//!
//! | kind | field | bytes |
//! |---|---|---|
//! | both | place in the queue | 8 |
//! | | running hash after it, big-endian, below 2^248 | 32 |
//! | deposit (5) | leaf, token | 4, 4 |
//! | | amount | 16 |
//! | | owner | 20 |
//! | | key's x and y, canonical, of whatever point | 32, 32 |
//! | forced exit (6) | leaf | 4 |
//! | | caller | 20 |

use quittance_circuits::babyjubjub::Point;
use quittance_circuits::tx::priority::{Deposit, ForcedExit, Priority};
use quittance_circuits::types::{AccountIndex, RootAddress, TokenId};

use crate::operation::Entry;
use crate::store::record::codec::{Reader, RecordError, Writer};
use crate::store::record::queue;

const DEPOSIT: u8 = 5;
const FORCED_EXIT: u8 = 6;

pub(super) const fn is_kind(kind: u8) -> bool {
    matches!(kind, DEPOSIT | FORCED_EXIT)
}

pub(super) fn encode(w: &mut Writer, entry: &Entry) {
    let kind = match entry.priority {
        Priority::Deposit(_) => DEPOSIT,
        Priority::ForcedExit(_) => FORCED_EXIT,
    };
    w.u8(kind).u64(entry.index).bytes(&entry.hash);
    match &entry.priority {
        Priority::Deposit(deposit) => w
            .u32(deposit.leaf.get())
            .u32(deposit.token.get())
            .u128(deposit.amount)
            .bytes(&deposit.owner.0)
            .fr(&deposit.key.x)
            .fr(&deposit.key.y),
        Priority::ForcedExit(exit) => w.u32(exit.leaf.get()).bytes(&exit.caller.0),
    };
}

pub(super) fn decode(kind: u8, r: &mut Reader<'_>) -> Result<Entry, RecordError> {
    let index = r.u64("place in the queue")?;
    let hash = r.array("queue's hash")?;
    if !queue::in_range(&hash) {
        return Err(RecordError::Invalid {
            field: "queue's hash",
        });
    }
    let leaf = AccountIndex(r.u32("leaf")?);
    let priority = match kind {
        DEPOSIT => Priority::Deposit(Deposit {
            leaf,
            token: TokenId(r.u32("token")?),
            amount: r.u128("amount")?,
            owner: RootAddress(r.array("owner")?),
            key: Point::new(r.fr("key's x")?, r.fr("key's y")?),
        }),
        _ => Priority::ForcedExit(ForcedExit {
            leaf,
            caller: RootAddress(r.array("caller")?),
        }),
    };
    Ok(Entry {
        index,
        priority,
        hash,
    })
}
