//! The stored form of a [`Batch`].
//!
//! | field | bytes |
//! |---|---|
//! | version = 3 | 1 |
//! | number | 4 |
//! | stage: 1 executed, 2 proving, 3 proved, 4 cancelled, 5 failed | 1 |
//! | shape: levels, slots of each section | 1, 6 × 4 |
//! | operations in each section but fees | 5 × 4 |
//! | old root, new root | 32, 32 |
//! | fees: length, then leaf, token, amount | 4, then 4, 4, 16 |
//! | attempts | 4 |
//! | executed at (ms) | 8 |
//! | proved: 0, or 1 and at (ms) | 1, 8 |
//! | failure: length, then UTF-8 | 4, then at most 1024 |
//! | phases: length, then phase 1..9 and wall time (µs) | 4, then 1, 8 |
//! | operations: first, end | 8, 8 |
//! | the root chain's queue before and after the batch | 40, 40 |
//!
//! Sections are in the order of the statement: priority, openings, transfers, withdrawals, rotations, fees.

use quittance_engine::Phase;
use quittance_verifier::Shape;

use super::codec::{Reader, RecordError, Writer};
use super::queue;
use crate::batch::{Batch, FeeCredit, PhaseTime, SectionCounts, Stage};

const VERSION: u8 = 3;

/// Encodes a batch.
pub(in crate::store) fn encode(batch: &Batch) -> Vec<u8> {
    let mut w = Writer::new(VERSION);
    w.u32(batch.number)
        .u8(stage_code(batch.stage))
        .u8(batch.shape.levels)
        .u32(batch.shape.priority)
        .u32(batch.shape.openings)
        .u32(batch.shape.transfers)
        .u32(batch.shape.withdrawals)
        .u32(batch.shape.rotations)
        .u32(batch.shape.fee_slots)
        .u32(batch.counts.priority)
        .u32(batch.counts.openings)
        .u32(batch.counts.transfers)
        .u32(batch.counts.withdrawals)
        .u32(batch.counts.rotations)
        .fr(&batch.old_root)
        .fr(&batch.new_root)
        .length(batch.fees.len());
    for fee in &batch.fees {
        w.u32(fee.leaf).u32(fee.token).u128(fee.amount);
    }
    w.u32(batch.attempts).u64(batch.executed_at_ms);
    match batch.proved_at_ms {
        None => w.u8(0),
        Some(at) => w.u8(1).u64(at),
    };
    w.text(&batch.failure, Batch::MAX_FAILURE_BYTES)
        .length(batch.phases.len());
    for time in &batch.phases {
        w.u8(phase_code(time.phase)).u64(time.wall_us);
    }
    w.u64(batch.first_operation).u64(batch.end_operation);
    queue::encode(&mut w, &batch.queue_before);
    queue::encode(&mut w, &batch.queue_after);
    w.finish()
}

/// Decodes a batch, strictly.
pub(in crate::store) fn decode(bytes: &[u8]) -> Result<Batch, RecordError> {
    let mut r = Reader::new(bytes, VERSION)?;
    let number = r.u32("number")?;
    let stage = stage_of(r.u8("stage")?).ok_or(RecordError::Invalid { field: "stage" })?;
    let shape = Shape {
        levels: r.u8("levels")?,
        priority: r.u32("priority slots")?,
        openings: r.u32("opening slots")?,
        transfers: r.u32("transfer slots")?,
        withdrawals: r.u32("withdrawal slots")?,
        rotations: r.u32("rotation slots")?,
        fee_slots: r.u32("fee slots")?,
    };
    shape
        .validate()
        .map_err(|_| RecordError::Invalid { field: "shape" })?;
    let counts = SectionCounts {
        priority: r.u32("priority operations")?,
        openings: r.u32("openings")?,
        transfers: r.u32("transfers")?,
        withdrawals: r.u32("withdrawals")?,
        rotations: r.u32("rotations")?,
    };
    let old_root = r.fr("old root")?;
    let new_root = r.fr("new root")?;
    let fees = (0..r.length(24, "fees")?)
        .map(|_| {
            Ok(FeeCredit {
                leaf: r.u32("fee leaf")?,
                token: r.u32("fee token")?,
                amount: r.u128("fee amount")?,
            })
        })
        .collect::<Result<_, RecordError>>()?;
    let attempts = r.u32("attempts")?;
    let executed_at_ms = r.u64("executed at")?;
    let proved_at_ms = match r.u8("proved")? {
        0 => None,
        1 => Some(r.u64("proved at")?),
        _ => return Err(RecordError::Invalid { field: "proved" }),
    };
    let failure = r.text(Batch::MAX_FAILURE_BYTES, "failure")?;
    let phases = (0..r.length(9, "phases")?)
        .map(|_| {
            Ok(PhaseTime {
                phase: phase_of(r.u8("phase")?).ok_or(RecordError::Invalid { field: "phase" })?,
                wall_us: r.u64("phase time")?,
            })
        })
        .collect::<Result<_, RecordError>>()?;
    let (first_operation, end_operation) = (r.u64("first operation")?, r.u64("end of the operations")?);
    if first_operation > end_operation {
        return Err(RecordError::Invalid {
            field: "end of the operations",
        });
    }
    let (queue_before, queue_after) = (queue::decode(&mut r)?, queue::decode(&mut r)?);
    if queue_before.next.checked_add(u64::from(counts.priority)) != Some(queue_after.next) {
        return Err(RecordError::Invalid {
            field: "priority operations",
        });
    }
    r.finish()?;
    Ok(Batch {
        number,
        stage,
        shape,
        counts,
        old_root,
        new_root,
        fees,
        attempts,
        executed_at_ms,
        proved_at_ms,
        failure,
        phases,
        first_operation,
        end_operation,
        queue_before,
        queue_after,
    })
}

const fn stage_code(stage: Stage) -> u8 {
    match stage {
        Stage::Executed => 1,
        Stage::Proving => 2,
        Stage::Proved => 3,
        Stage::Cancelled => 4,
        Stage::Failed => 5,
    }
}

const fn stage_of(code: u8) -> Option<Stage> {
    Some(match code {
        1 => Stage::Executed,
        2 => Stage::Proving,
        3 => Stage::Proved,
        4 => Stage::Cancelled,
        5 => Stage::Failed,
        _ => return None,
    })
}

const fn phase_code(phase: Phase) -> u8 {
    match phase {
        Phase::Witness => 1,
        Phase::WitnessMap => 2,
        Phase::H => 3,
        Phase::L => 4,
        Phase::A => 5,
        Phase::B1 => 6,
        Phase::B2 => 7,
        Phase::Assemble => 8,
        Phase::Verify => 9,
    }
}

fn phase_of(code: u8) -> Option<Phase> {
    Phase::ALL.into_iter().find(|phase| phase_code(*phase) == code)
}

#[cfg(test)]
mod tests {
    use super::super::codec::assert_strict;
    use super::*;
    use crate::operation::QueuePoint;
    use ark_bn254::Fr;

    fn batch() -> Batch {
        Batch {
            number: 9,
            stage: Stage::Proved,
            shape: Shape {
                levels: 16,
                priority: 1,
                openings: 2,
                transfers: 8,
                withdrawals: 3,
                rotations: 4,
                fee_slots: 1,
            },
            counts: SectionCounts {
                priority: 1,
                openings: 2,
                transfers: 5,
                withdrawals: 3,
                rotations: 4,
            },
            old_root: Fr::from(1u64),
            new_root: -Fr::from(1u64),
            fees: vec![FeeCredit {
                leaf: 3,
                token: 4,
                amount: u128::MAX,
            }],
            attempts: 2,
            executed_at_ms: 10,
            proved_at_ms: Some(20),
            failure: "grün".to_owned(),
            phases: Phase::ALL.map(|phase| PhaseTime { phase, wall_us: 77 }).to_vec(),
            first_operation: 3,
            end_operation: 9,
            queue_before: point(7),
            queue_after: point(8),
        }
    }

    fn point(next: u64) -> QueuePoint {
        let mut hash = [5; 32];
        hash[0] = 0;
        QueuePoint { next, hash }
    }

    #[test]
    fn round_trip() {
        let batch = batch();
        assert_eq!(decode(&encode(&batch)), Ok(batch.clone()));
        for stage in [Stage::Executed, Stage::Proving, Stage::Cancelled, Stage::Failed] {
            let other = Batch {
                stage,
                proved_at_ms: None,
                phases: Vec::new(),
                ..batch.clone()
            };
            assert_eq!(decode(&encode(&other)), Ok(other));
        }
    }

    #[test]
    fn s38_decoding_is_strict() {
        let bytes = encode(&batch());
        assert_strict(&bytes, &batch(), decode);
        let mut stage = bytes.clone();
        stage[5] = 6;
        assert_eq!(decode(&stage), Err(RecordError::Invalid { field: "stage" }));
        // The list of fees begins after number, stage, shape, transfers and roots.
        let mut huge = bytes.clone();
        huge[115..119].fill(0xff);
        assert_eq!(decode(&huge), Err(RecordError::Short { field: "fees" }));
        let mut queue = bytes.clone();
        let after = queue.len() - 40;
        queue[after] = 9;
        let field = "priority operations";
        assert_eq!(decode(&queue), Err(RecordError::Invalid { field }));
        let mut swapped = bytes;
        let operations = swapped.len() - 16 - 80;
        swapped[operations] = 10;
        let field = "end of the operations";
        assert_eq!(decode(&swapped), Err(RecordError::Invalid { field }));
    }
}
