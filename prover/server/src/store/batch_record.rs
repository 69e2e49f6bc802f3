//! The stored form of a [`Batch`].
//!
//! | field | bytes |
//! |---|---|
//! | version = 1 | 1 |
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

use quittance_engine::Phase;
use quittance_verifier::Shape;

use super::codec::{Reader, RecordError, Writer};
use crate::batch::{Batch, FeeCredit, PhaseTime, Stage};

const VERSION: u8 = 1;

/// Encodes a batch.
pub(super) fn encode(batch: &Batch) -> Vec<u8> {
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
    w.length(batch.failure.len()).bytes(batch.failure.as_bytes());
    w.length(batch.phases.len());
    for time in &batch.phases {
        w.u8(phase_code(time.phase)).u64(time.wall_us);
    }
    w.finish()
}

/// Decodes a batch, strictly.
pub(super) fn decode(bytes: &[u8]) -> Result<Batch, RecordError> {
    let mut r = Reader::new(bytes, VERSION)?;
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
    let length = r.length(1, "failure")?;
    if length > Batch::MAX_FAILURE_BYTES {
        return Err(RecordError::Invalid { field: "failure" });
    }
    let failure = std::str::from_utf8(r.slice(length, "failure")?)
        .map_err(|_| RecordError::Invalid { field: "failure" })?
        .to_owned();
    let phases = (0..r.length(9, "phases")?)
        .map(|_| {
            Ok(PhaseTime {
                phase: phase_of(r.u8("phase")?).ok_or(RecordError::Invalid { field: "phase" })?,
                wall_us: r.u64("phase time")?,
            })
        })
        .collect::<Result<_, RecordError>>()?;
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

    /// S38: truncated at every byte, extended, and with lengths far beyond the bytes: a typed error.
    #[test]
    fn s38_decoding_is_strict() {
        let bytes = encode(&batch());
        for end in 0..bytes.len() {
            assert!(
                matches!(decode(&bytes[..end]), Err(RecordError::Short { .. })),
                "{end}"
            );
        }
        let mut long = bytes.clone();
        long.push(0);
        assert_eq!(decode(&long), Err(RecordError::Long { extra: 1 }));
        let mut version = bytes.clone();
        version[0] = 2;
        assert_eq!(
            decode(&version),
            Err(RecordError::Version {
                found: 2,
                expected: 1
            })
        );
        let mut stage = bytes.clone();
        stage[5] = 6;
        assert_eq!(decode(&stage), Err(RecordError::Invalid { field: "stage" }));
        // The list of fees begins after number, stage, shape, transfers and roots.
        let mut huge = bytes;
        huge[83..87].fill(0xff);
        assert_eq!(decode(&huge), Err(RecordError::Short { field: "fees" }));
    }
}
