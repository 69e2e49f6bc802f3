//! The store's records: batch, head, identity, operation, whole submission, idempotency key, undo. The first byte of the input
//! says which.

use arbitrary::Unstructured;
use quittance::batch::{Batch, FeeCredit, PhaseTime, SectionCounts, Stage};
use quittance::operation::{
    Entry, Operation, OperationState, Outcome, QueuePoint, Rejection, Remembered, Request, Whole,
};
use quittance::store::fuzzing::{self, Kind, Record};
use quittance::store::{Head, Identity};
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::types::{AccountIndex, TokenId};
use quittance_engine::Phase;

use crate::damage::damage;
use crate::leaf::arbitrary_leaf;
use crate::memory::Budget;
use crate::operations::{arbitrary_hash, arbitrary_priority, arbitrary_signed};
use crate::verifying_key::arbitrary_shape;
use crate::{points, recipe};

/// A leaf that was not there takes 5 bytes in an undo record and 144 in memory, in a list that grows by doubling.
const BUDGET: Budget = Budget {
    base: 4096,
    for_each: 128,
};

/// The key of the operations here.
const ID: u64 = 5;

/// Accepted bytes are the bytes of the record. A seal opens nothing but
/// what it was made for.
pub fn check(data: &[u8]) {
    if let Some((&kind, record)) = data.split_first()
        && let Some(&kind) = Kind::ALL.get(usize::from(kind))
    {
        decode(kind, record);
        sealed(record);
    }
    if let Some(mut recipe) = recipe(data) {
        let _ = build(&mut recipe);
    }
}

fn decode(kind: Kind, data: &[u8]) {
    let Ok(record) = BUDGET.within(data.len(), || fuzzing::decode(kind, ID, data)) else {
        return;
    };
    assert_eq!(fuzzing::encode(&record), data);
}

fn sealed(record: &[u8]) {
    // Whether the bytes themselves are sealed says nothing: libFuzzer sees what a seal is compared with, and writes it there.
    let _ = fuzzing::open(ID, record);
    let bytes = fuzzing::seal(ID, record.to_vec());
    assert!(fuzzing::open(ID, &bytes).is_ok_and(|opened| opened == record));
    assert!(fuzzing::open(ID + 1, &bytes).is_err());
}

fn build(recipe: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let (kind, record) = arbitrary_record(recipe)?;
    let mut bytes = fuzzing::encode(&record);
    assert_eq!(fuzzing::decode(kind, ID, &bytes).as_ref(), Ok(&record));
    let mut closed = fuzzing::seal(ID, bytes.clone());
    damage(&mut bytes, recipe);
    decode(kind, &bytes);
    // One bit under the seal, or of it. libFuzzer sees comparisons: allowed to change
    // more, it writes the seal that the changed record wants.
    let bit = recipe.choose_index(8 * closed.len())?;
    if let Some(byte) = closed.get_mut(bit / 8) {
        *byte ^= 1 << (bit % 8);
    }
    assert!(fuzzing::open(ID, &closed).is_err());
    Ok(())
}

fn arbitrary_record(recipe: &mut Unstructured<'_>) -> arbitrary::Result<(Kind, Record)> {
    Ok(match recipe.int_in_range(0..=6u8)? {
        0 => (Kind::Batch, Record::Batch(arbitrary_stored_batch(recipe)?)),
        1 => (Kind::Head, Record::Head(arbitrary_head(recipe)?)),
        2 => {
            let mut rollup_id: [u8; 32] = recipe.arbitrary()?;
            rollup_id[0] = 0;
            let levels = recipe.int_in_range(1..=16u8)?;
            (
                Kind::Identity,
                Record::Identity(Identity {
                    rollup_id,
                    levels,
                    genesis_root: points::fr(recipe)?,
                }),
            )
        }
        3 => (Kind::Operation, Record::Operation(arbitrary_operation(recipe)?)),
        4 => {
            let operations = recipe.int_in_range(1..=u32::MAX)?;
            let slots = recipe.int_in_range(0..=5usize)?;
            let fee_slots = (0..slots)
                .map(|_| {
                    Ok(FeeSlot {
                        leaf: AccountIndex(recipe.arbitrary()?),
                        token: TokenId(recipe.arbitrary()?),
                    })
                })
                .collect::<arbitrary::Result<_>>()?;
            (
                Kind::Whole,
                Record::Whole(Whole {
                    operations,
                    fee_slots,
                }),
            )
        }
        5 => {
            let remembered = Remembered {
                digest: recipe.arbitrary()?,
                first_operation: recipe.arbitrary()?,
                operations: recipe.arbitrary()?,
            };
            (
                Kind::Remembered,
                Record::Remembered(remembered, recipe.arbitrary()?),
            )
        }
        _ => {
            let mut indices = recipe.arbitrary::<[u32; 4]>()?.to_vec();
            indices.sort_unstable();
            indices.dedup();
            let leaves = indices
                .into_iter()
                .map(|index| {
                    Ok((
                        index,
                        if recipe.arbitrary()? {
                            Some(arbitrary_leaf(recipe)?)
                        } else {
                            None
                        },
                    ))
                })
                .collect::<arbitrary::Result<_>>()?;
            (Kind::Undo, Record::Undo(leaves))
        }
    })
}

fn arbitrary_stored_batch(recipe: &mut Unstructured<'_>) -> arbitrary::Result<Batch> {
    let fees = recipe.int_in_range(0..=3usize)?;
    let phases = recipe.int_in_range(0..=9usize)?;
    let first_operation = recipe.arbitrary()?;
    let queue_before = arbitrary_point(recipe)?;
    let mut counts = SectionCounts {
        priority: recipe.arbitrary()?,
        openings: recipe.arbitrary()?,
        transfers: recipe.arbitrary()?,
        withdrawals: recipe.arbitrary()?,
        rotations: recipe.arbitrary()?,
    };
    if queue_before
        .next
        .checked_add(u64::from(counts.priority))
        .is_none()
    {
        counts.priority = 0;
    }
    let next = queue_before.next + u64::from(counts.priority);
    let queue_after = QueuePoint {
        next,
        hash: if next == 0 {
            [0; 32]
        } else {
            arbitrary_hash(recipe)?
        },
    };
    let stages = [
        Stage::Executed,
        Stage::Proving,
        Stage::Proved,
        Stage::Cancelled,
        Stage::Failed,
    ];
    Ok(Batch {
        number: recipe.arbitrary()?,
        stage: *recipe.choose(&stages)?,
        shape: arbitrary_shape(recipe)?,
        counts,
        old_root: points::fr(recipe)?,
        new_root: points::fr(recipe)?,
        fees: (0..fees)
            .map(|_| {
                Ok(FeeCredit {
                    leaf: recipe.arbitrary()?,
                    token: recipe.arbitrary()?,
                    amount: recipe.arbitrary()?,
                })
            })
            .collect::<arbitrary::Result<_>>()?,
        attempts: recipe.arbitrary()?,
        executed_at_ms: recipe.arbitrary()?,
        proved_at_ms: recipe.arbitrary()?,
        failure: text(Batch::MAX_FAILURE_BYTES, recipe)?,
        phases: (0..phases)
            .map(|_| {
                Ok(PhaseTime {
                    phase: *recipe.choose(&Phase::ALL)?,
                    wall_us: recipe.arbitrary()?,
                })
            })
            .collect::<arbitrary::Result<_>>()?,
        first_operation,
        end_operation: recipe.int_in_range(first_operation..=u64::MAX)?,
        queue_before,
        queue_after,
    })
}

fn arbitrary_head(recipe: &mut Unstructured<'_>) -> arbitrary::Result<Head> {
    let last_operation = recipe.int_in_range(0..=u64::MAX - 1)?;
    let next_operation = recipe.int_in_range(1..=last_operation + 1)?;
    let waiting = last_operation + 1 - next_operation;
    let queued = if waiting == 0 {
        0
    } else {
        recipe.int_in_range(1..=waiting)?
    };
    let executed = arbitrary_point(recipe)?;
    let behind = recipe.int_in_range(0..=queued.min(u64::MAX - executed.next))?;
    let entered = if behind == 0 {
        executed
    } else {
        QueuePoint {
            next: executed.next + behind,
            hash: arbitrary_hash(recipe)?,
        }
    };
    Ok(Head {
        batch_number: recipe.arbitrary()?,
        root: points::fr(recipe)?,
        next_operation,
        last_operation,
        queued,
        entered,
        executed,
    })
}

fn arbitrary_point(recipe: &mut Unstructured<'_>) -> arbitrary::Result<QueuePoint> {
    Ok(if recipe.arbitrary()? {
        QueuePoint {
            next: recipe.int_in_range(1..=u64::MAX)?,
            hash: arbitrary_hash(recipe)?,
        }
    } else {
        QueuePoint::default()
    })
}

fn arbitrary_operation(recipe: &mut Unstructured<'_>) -> arbitrary::Result<Operation> {
    let request = if recipe.arbitrary()? {
        Request::Priority(Entry {
            index: recipe.arbitrary()?,
            priority: arbitrary_priority(recipe)?,
            hash: arbitrary_hash(recipe)?,
        })
    } else {
        Request::Signed(arbitrary_signed(recipe)?)
    };
    let state = match (recipe.int_in_range(0..=2u8)?, &request) {
        (0, _) => OperationState::Queued,
        (1, Request::Signed(_)) => OperationState::Rejected(Rejection {
            rule: text(64, recipe)?,
            message: text(Rejection::MAX_MESSAGE_BYTES, recipe)?,
            at_ms: recipe.arbitrary()?,
        }),
        (_, request) => OperationState::Executed {
            batch: recipe.arbitrary()?,
            position: recipe.arbitrary()?,
            outcome: match request {
                Request::Priority(_) => Some(Outcome {
                    done: recipe.arbitrary()?,
                    token: recipe.arbitrary()?,
                    amount: recipe.arbitrary()?,
                }),
                Request::Signed(_) => None,
            },
        },
    };
    Ok(Operation {
        id: ID,
        state,
        request,
        accepted_at_ms: recipe.arbitrary()?,
    })
}

/// A text of at most `limit` bytes: longer ones are cut when they are written.
fn text(limit: usize, recipe: &mut Unstructured<'_>) -> arbitrary::Result<String> {
    let text: &str = recipe.arbitrary()?;
    Ok(text
        .char_indices()
        .take_while(|(at, it)| at + it.len_utf8() <= limit)
        .map(|(_, it)| it)
        .collect())
}

/// A valid input: a record of each kind in turn.
pub fn seed(number: usize, recipe: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let wanted = number % Kind::ALL.len();
    let record = loop {
        let (kind, record) = arbitrary_record(recipe)?;
        if Kind::ALL[wanted] == kind {
            break record;
        }
    };
    let kind = u8::try_from(wanted).unwrap_or(u8::MAX);
    Ok([&[kind], fuzzing::encode(&record).as_slice()].concat())
}
