//! The stored form of a [`Batch`].
//!
//! | field | bytes |
//! |---|---|
//! | version = 2 | 1 |
//! | number | 4 |
//! | stage: 1 executed, 2 proving, 3 proved, 4 cancelled, 5 failed | 1 |
//! | shape: levels, transfers, fee slots | 1, 4, 4 |
//! | transfers | 4 |
//! | old root, new root | 32, 32 |
//! | fees: length, then leaf, token, amount | 4, then 4, 4, 16 |
//! | attempts | 4 |
//! | executed at (ms) | 8 |
//! | proved: 0, or 1 and at (ms) | 1, 8 |
//! | failure: length, then UTF-8 | 4, then at most 1024 |
//! | phases: length, then phase 1..9 and wall time (µs) | 4, then 1, 8 |
//! | operations: first, end; 0, 0 for a batch of format 1 | 8, 8 |
//!
//! Format 1 had version 1, no operations and no seal.

use quittance_engine::Phase;
use quittance_verifier::Shape;

use super::codec::{Reader, RecordError, Writer};
use crate::batch::{Batch, FeeCredit, PhaseTime, Stage};

const VERSION: u8 = 2;
const FORMAT_1_VERSION: u8 = 1;

/// Encodes a batch.
pub(in crate::store) fn encode(batch: &Batch) -> Vec<u8> {
    let mut w = Writer::new(VERSION);
    w.u32(batch.number)
        .u8(stage_code(batch.stage))
        .u8(batch.shape.levels)
        .u32(batch.shape.transfers)
        .u32(batch.shape.fee_slots)
        .u32(batch.transfers)
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
    w.finish()
}

/// Decodes a batch, strictly.
pub(in crate::store) fn decode(bytes: &[u8]) -> Result<Batch, RecordError> {
    decode_version(bytes, VERSION)
}

/// Decodes a batch of format 1, strictly.
pub(in crate::store) fn decode_format_1(bytes: &[u8]) -> Result<Batch, RecordError> {
    decode_version(bytes, FORMAT_1_VERSION)
}

fn decode_version(bytes: &[u8], version: u8) -> Result<Batch, RecordError> {
    let mut r = Reader::new(bytes, version)?;
    let number = r.u32("number")?;
    let stage = stage_of(r.u8("stage")?).ok_or(RecordError::Invalid { field: "stage" })?;
    let shape = Shape {
        levels: r.u8("levels")?,
        transfers: r.u32("transfer slots")?,
        fee_slots: r.u32("fee slots")?,
    };
    shape
        .validate()
        .map_err(|_| RecordError::Invalid { field: "shape" })?;
    let transfers = r.u32("transfers")?;
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
    let (first_operation, end_operation) = match version {
        FORMAT_1_VERSION => (0, 0),
        _ => (r.u64("first operation")?, r.u64("end of the operations")?),
    };
    if first_operation > end_operation {
        return Err(RecordError::Invalid {
            field: "end of the operations",
        });
    }
    r.finish()?;
    Ok(Batch {
        number,
        stage,
        shape,
        transfers,
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
    use ark_bn254::Fr;

    fn batch() -> Batch {
        Batch {
            number: 9,
            stage: Stage::Proved,
            shape: Shape {
                levels: 16,
                transfers: 8,
                fee_slots: 1,
            },
            transfers: 5,
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
        }
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
        huge[83..87].fill(0xff);
        assert_eq!(decode(&huge), Err(RecordError::Short { field: "fees" }));
        let mut swapped = bytes;
        let operations = swapped.len() - 16;
        swapped[operations] = 10;
        let field = "end of the operations";
        assert_eq!(decode(&swapped), Err(RecordError::Invalid { field }));
    }

    #[test]
    fn s38_format_1_is_decoded_strictly_too() {
        let mut bytes = encode(&batch());
        bytes.truncate(bytes.len() - 16);
        bytes[0] = 1;
        let old = Batch {
            first_operation: 0,
            end_operation: 0,
            ..batch()
        };
        assert_strict(&bytes, &old, decode_format_1);
        assert!(decode(&bytes).is_err());
    }
}
