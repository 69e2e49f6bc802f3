//! `quittance circuits`: the shipped shapes, and what a proof of each needs on this machine.

use quittance_circuits::shapes::SHAPES;
use quittance_engine::Engine;
use serde::Serialize;

use super::args::CircuitsArgs;
use super::output::Output;
use super::{CliError, error, setup};
use crate::circuit_facts::CircuitFacts;

/// One circuit.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    priority: u32,
    openings: u32,
    transfers: u32,
    withdrawals: u32,
    rotations: u32,
    fee_slots: u32,
    levels: u8,
    constraints: u64,
    constraints_per_transfer: u64,
    nonzeros: u64,
    domain: u64,
    key_bytes: u64,
    memory_bytes: u64,
    prove_seconds: f64,
    /// The same of all threads together.
    prove_cpu_seconds: f64,
    /// Whether the most that an assignment can take is more than there is.
    memory_short: bool,
}

pub(super) fn run(args: &CircuitsArgs, out: &mut Output) -> Result<(), CliError> {
    let engine = setup::engine(args.threads)?.with_memory_limit(args.max_memory);
    let available = engine.available_memory();
    let calibration = engine
        .calibrate()
        .map_err(|error| CliError::refused(error::chain(&error), "check the machine's memory"))?;
    let rows = SHAPES
        .iter()
        .map(|shape| {
            let facts = CircuitFacts::of(shape).map_err(|error| {
                CliError::refused(
                    format!("shape {}: {}", shape.name(), error::chain(&error)),
                    "report this",
                )
            })?;
            let plan = engine.plan(&facts.size(), &calibration);
            Ok(Row {
                name: shape.name(),
                priority: shape.priority,
                openings: shape.openings,
                transfers: shape.transfers,
                withdrawals: shape.withdrawals,
                rotations: shape.rotations,
                fee_slots: shape.fee_slots,
                levels: shape.levels,
                constraints: facts.constraints,
                constraints_per_transfer: facts.constraints_per_transfer,
                nonzeros: facts.nonzeros,
                domain: facts.domain,
                key_bytes: plan.memory.key_bytes,
                memory_bytes: plan.memory.peak_bytes(),
                prove_seconds: plan.time.wall().as_secs_f64(),
                prove_cpu_seconds: plan.time.cpu().as_secs_f64(),
                memory_short: engine.check_memory(&facts.size()).is_err(),
            })
        })
        .collect::<Result<Vec<_>, CliError>>()?;
    out.result(&rows, table(&rows, &engine, available))
}

fn table(rows: &[Row], engine: &Engine, available: Option<u64>) -> String {
    let mut text = format!(
        "{:<16} {:>11} {:>12} {:>10} {:>9} {:>9} {:>9} {:>9}\n",
        "name", "constraints", "per transfer", "nonzeros", "domain", "key", "memory", "proof"
    );
    for row in rows {
        text.push_str(&format!(
            "{:<16} {:>11} {:>12} {:>10} {:>9} {:>9} {:>9} {:>7.1} s{}\n",
            row.name,
            row.constraints,
            row.constraints_per_transfer,
            row.nonzeros,
            format!("2^{}", row.domain.trailing_zeros()),
            mebibytes(row.key_bytes),
            mebibytes(row.memory_bytes),
            row.prove_seconds,
            if row.memory_short { "  does not fit" } else { "" }
        ));
    }
    text.push_str(
        "A name counts slots: p for deposits and forced exits, o openings, t transfers, w withdrawals, r rotations, f fee slots.\n",
    );
    text.push_str(&format!(
        "Trees have 2^32 accounts. Memory and time: planned for one proof on {} threads of this machine, backend {}.",
        engine.threads(),
        engine.backend()
    ));
    if let Some(available) = available {
        text.push_str(&format!(" A process may hold {}.", mebibytes(available)));
    }
    text
}

/// Bytes in MiB, rounded up.
pub(super) fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}
