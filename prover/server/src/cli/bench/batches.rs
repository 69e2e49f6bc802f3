//! `quittance bench`: proves real batches and measures them, the engine alone and beside a rival.

use std::process::Command;
use std::time::{Duration, Instant};

use quittance_circuits::circuit::assign;
use quittance_circuits::shapes::SHAPES;
use quittance_engine::memory::peak_rss_bytes;
use quittance_engine::{CancelFlag, Engine, Phase};
use quittance_verifier::{DevelopmentKeys, Shape, Verifier};
use serde::{Deserialize, Serialize};

use super::super::args::{BatchBenchArgs, RivalArg};
use super::super::circuits::mebibytes;
use super::super::output::{Output, note};
use super::super::{CliError, error, setup};
use super::columns::{Times, ratios};
use super::full_batch::{self, batch};
use super::{process, prove};
use crate::engine_backend::{EngineBackend, Measured};
use crate::keys;

/// Verifications that are timed for each shape.
const VERIFICATIONS: usize = 25;

/// Fewest proofs of each side that are compared.
const MIN_RUNS: u32 = 3;

/// What one shape costs on this machine. Medians over the runs.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    shape: String,
    threads: usize,
    runs: usize,
    /// Of all kinds, in a full batch.
    operations: u32,
    transfers: u32,
    constraints: u64,
    nonzeros: u64,
    domain: u64,
    execute_seconds: f64,
    phases: Vec<PhaseRow>,
    wall_seconds: f64,
    cpu_seconds: f64,
    peak_memory_bytes: Option<u64>,
    transfers_per_second: f64,
    core_seconds_per_transfer: f64,
    verify_seconds: f64,
    /// Only with a rival.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    beside: Option<Beside>,
}

/// The proof alone, from a finished assignment, by the engine and by a rival in turn; ratios are rival / engine.
#[derive(Debug, Serialize, Deserialize)]
struct Beside {
    backend: String,
    engine: Times,
    rival: Times,
    wall_ratio: Option<f64>,
    cpu_ratio: Option<f64>,
}

/// One phase of the median run.
#[derive(Debug, Serialize, Deserialize)]
struct PhaseRow {
    phase: String,
    wall_seconds: f64,
    cpu_seconds: f64,
}

pub(super) fn run(args: &BatchBenchArgs, out: &mut Output) -> Result<(), CliError> {
    let shapes = shapes(args)?;
    let backend = process::backend()?;
    let runs = u32::try_from(args.runs.get()).unwrap_or(u32::MAX);
    if args.rival.is_some() && runs < MIN_RUNS {
        return Err(CliError::usage(
            format!("{runs} runs are too few for a comparison"),
            format!("choose {MIN_RUNS} or more with --runs"),
        ));
    }
    let mut rows = Vec::new();
    for shape in &shapes {
        // Memory that an earlier shape, a setup or a rival has used stays with the process, and would count as the proof's.
        let mut row = match (&shapes[..], args.rival) {
            ([_], None) => measure(args, shape)?,
            _ => measure_apart(args, shape)?,
        };
        if let Some(RivalArg::ArkGroth16) = args.rival {
            let [engine, rival] = beside(args, shape, runs)?;
            let [wall_ratio, cpu_ratio] = rival.over(&engine);
            row.beside = Some(Beside {
                backend: backend.name().to_owned(),
                engine,
                rival,
                wall_ratio,
                cpu_ratio,
            });
        }
        if !out.is_json() {
            out.line(text(&row))?;
        }
        rows.push(row);
    }
    if out.is_json() {
        out.result(&rows, "")?;
    }
    Ok(())
}

fn shapes(args: &BatchBenchArgs) -> Result<Vec<Shape>, CliError> {
    if !args.shapes.is_empty() {
        return args.shapes.iter().map(|name| setup::shape(name)).collect();
    }
    let with_key = SHAPES
        .iter()
        .filter(|shape| keys::directory(&args.keys, *shape).is_dir());
    let shapes: Vec<Shape> = with_key.copied().collect();
    if shapes.is_empty() {
        return Ok(SHAPES.first().copied().into_iter().collect());
    }
    Ok(shapes)
}

/// Measures one shape in a process of its own.
fn measure_apart(args: &BatchBenchArgs, shape: &Shape) -> Result<Row, CliError> {
    let mut command = this_command("bench", args, shape)?;
    command.args(["--json", "--runs", &args.runs.to_string()]);
    let [row] = process::json(command, &format!("shape {}", shape.name()))?;
    Ok(row)
}

/// Makes the shape's key, if there is none, in a process of its own.
fn setup_apart(args: &BatchBenchArgs, shape: &Shape) -> Result<(), CliError> {
    if keys::directory(&args.keys, shape).is_dir() || process::succeeds(this_command("setup", args, shape)?)?
    {
        return Ok(());
    }
    Err(CliError::refused(
        format!("no key for shape {}", shape.name()),
        "see the messages above",
    ))
}

/// This program with a subcommand for one shape.
fn this_command(subcommand: &str, args: &BatchBenchArgs, shape: &Shape) -> Result<Command, CliError> {
    let mut command = process::this_program()?;
    command
        .args([subcommand, "--shape", &shape.name(), "--keys"])
        .arg(&args.keys);
    process::with_threads(&mut command, args.threads);
    Ok(command)
}

/// The same batch proved by the engine and by ark-groth16 in turn.
fn beside(args: &BatchBenchArgs, shape: &Shape, runs: u32) -> Result<[Times; 2], CliError> {
    let failed = |error: &dyn std::error::Error| {
        CliError::refused(
            format!("shape {}: {}", shape.name(), error::chain(error)),
            "check the machine's memory",
        )
    };
    let engine = setup::engine(args.threads)?;
    let (key, _, _) = setup::ensure(&engine, &args.keys, shape)?;
    let batch = batch(shape).map_err(|error| failed(&*error))?;
    let key_id = key.key().verifying_key().key_id();
    let assignment = engine
        .install(|| assign(shape, &key_id, &batch))
        .map_err(|error| failed(&error))?;
    prove::beside(&engine, key.key(), &assignment, runs, &shape.name())
}

fn measure(args: &BatchBenchArgs, shape: &Shape) -> Result<Row, CliError> {
    setup_apart(args, shape)?;
    let failed = |error: &dyn std::error::Error| {
        CliError::refused(
            format!("shape {}: {}", shape.name(), error::chain(error)),
            "check the machine's memory",
        )
    };
    let engine: Engine = setup::engine(args.threads)?;
    let threads = engine.threads();
    let (key, facts, _) = setup::ensure(&engine, &args.keys, shape)?;
    let verifying_key = key.key().verifying_key().clone();
    let calibration = engine.calibrate().map_err(|error| failed(&error))?;
    let (constraints, nonzeros, domain) = (facts.constraints, facts.nonzeros, facts.domain);
    let backend = EngineBackend::new(engine, vec![(key, facts)], &calibration);

    let began = Instant::now();
    let batch = batch(shape).map_err(|error| failed(&*error))?;
    let execute = began.elapsed();

    reset_peak();
    let mut proofs = Vec::new();
    for run in 1..=args.runs.get() {
        note(format_args!("{}: proof {run} of {}", shape.name(), args.runs));
        let proof = backend.measure(shape, &batch, &CancelFlag::new(), &|_, _| ());
        proofs.push(proof.map_err(|error| failed(&error))?);
    }
    let peak_memory_bytes = peak_rss_bytes();
    proofs.sort_by_key(wall);
    let median = proofs.swap_remove(proofs.len() / 2);

    let verifier = Verifier::new(&verifying_key, DevelopmentKeys::Accept).map_err(|error| failed(&error))?;
    let mut times = Vec::new();
    for _ in 0..VERIFICATIONS {
        let began = Instant::now();
        verifier.verify(&median.bundle).map_err(|error| failed(&error))?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let verify = times.get(times.len() / 2).copied().unwrap_or_default();

    let wall = wall(&median).as_secs_f64();
    let cpu: Duration = median.phases.iter().map(|time| time.cpu).sum();
    let transfers = f64::from(shape.transfers);
    Ok(Row {
        shape: shape.name(),
        threads,
        runs: args.runs.get(),
        operations: full_batch::operations(shape),
        transfers: shape.transfers,
        constraints,
        nonzeros,
        domain,
        execute_seconds: execute.as_secs_f64(),
        phases: Phase::ALL
            .into_iter()
            .filter_map(|phase| phase_row(&median, phase))
            .collect(),
        wall_seconds: wall,
        cpu_seconds: cpu.as_secs_f64(),
        peak_memory_bytes,
        transfers_per_second: transfers / wall,
        core_seconds_per_transfer: cpu.as_secs_f64() / transfers,
        verify_seconds: verify.as_secs_f64(),
        beside: None,
    })
}

fn wall(proof: &Measured) -> Duration {
    proof.phases.iter().map(|time| time.wall).sum()
}

fn phase_row(proof: &Measured, phase: Phase) -> Option<PhaseRow> {
    let time = proof.phases.iter().find(|time| time.phase == phase)?;
    Some(PhaseRow {
        phase: phase.name().to_owned(),
        wall_seconds: time.wall.as_secs_f64(),
        cpu_seconds: time.cpu.as_secs_f64(),
    })
}

/// Lets the peak of resident memory begin anew, where the system can; otherwise it is the process' peak so far.
pub(super) fn reset_peak() {
    if std::fs::write("/proc/self/clear_refs", "5").is_err() {
        note("the peak of memory cannot be reset here: it covers the whole process");
    }
}

fn text(row: &Row) -> String {
    let mut text = format!(
        "{}: {} operations, {} of them transfers, {} constraints, {} threads\n",
        row.shape, row.operations, row.transfers, row.constraints, row.threads
    );
    for phase in &row.phases {
        text.push_str(&format!(
            "  {:<12} {:>9.3} s wall {:>9.3} s CPU\n",
            phase.phase, phase.wall_seconds, phase.cpu_seconds
        ));
    }
    let memory = row
        .peak_memory_bytes
        .map_or_else(|| "unknown".to_owned(), mebibytes);
    text.push_str(&format!(
        "  {:<12} {:>9.3} s wall {:>9.3} s CPU, peak memory {memory}\n  \
         {:.2} transfers per second, {:.2} core-seconds per transfer, verification {:.2} ms",
        "proof",
        row.wall_seconds,
        row.cpu_seconds,
        row.transfers_per_second,
        row.core_seconds_per_transfer,
        row.verify_seconds * 1000.0
    ));
    if let Some(beside) = &row.beside {
        text.push_str(&format!(
            "\n  {:<12}{:>11}{:>11}\n  {:<12}{}\n  {:<12}{}{}",
            "side by side",
            "wall",
            "CPU",
            "engine",
            beside.engine.text(),
            RivalArg::ArkGroth16.name(),
            beside.rival.text(),
            ratios([beside.wall_ratio, beside.cpu_ratio])
        ));
    }
    text
}
