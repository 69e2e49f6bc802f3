//! `quittance bench setup`: development keys of synthetic circuits, the engine's setup alone and beside a rival's generator.

use std::num::NonZeroUsize;

use quittance_engine::rivals::{ArkSetup, Cost, Side};
use quittance_engine::{Backend, Engine, R1cs, setup_development};
use serde::Serialize;

use super::super::args::{RivalArg, SetupBenchArgs};
use super::super::output::Output;
use super::super::{CliError, error, setup};
use super::columns::{Times, ratios};
use super::process;
use super::steps::Steps;
use super::synthetic_keys::{SHAPE, circuit};

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report {
    results: Vec<Row>,
}

/// One size.
#[derive(Debug, Serialize)]
struct Row {
    log2: u32,
    constraints: usize,
    threads: usize,
    backend: &'static str,
    runs: u32,
    engine: Times,
    rival: Option<Times>,
    /// The part of `rival` that is synthesis.
    rival_synthesis: Option<Times>,
    wall_ratio: Option<f64>,
    cpu_ratio: Option<f64>,
}

pub(super) fn run(args: &SetupBenchArgs, out: &mut Output) -> Result<(), CliError> {
    let engine = setup::engine(args.threads)?;
    let backend = process::backend()?;
    let mut results = Vec::new();
    for &log2 in &args.log2 {
        let row = measure(args, &engine, backend, log2)?;
        if !out.is_json() {
            if results.is_empty() {
                out.line(head(args, &row))?;
            }
            out.line(line(&row))?;
        }
        results.push(row);
    }
    if out.is_json() {
        out.result(&Report { results }, "")?;
    }
    Ok(())
}

fn measure(args: &SetupBenchArgs, engine: &Engine, backend: Backend, log2: u32) -> Result<Row, CliError> {
    let (r1cs, _) = circuit(log2)?;
    let sides = match args.rival {
        Some(RivalArg::ArkGroth16) => beside(args, engine, &r1cs, log2)?.map(Some),
        None => [Some(alone(args, engine, &r1cs, log2)?), None, None],
    };
    let [ours, rival, rival_synthesis] = sides.map(|costs| costs.map(|costs| Times::median(&costs)));
    let ours = ours.unwrap_or_else(|| Times::median(&[]));
    let [wall_ratio, cpu_ratio] = rival.map_or([None; 2], |rival| rival.over(&ours));
    Ok(Row {
        log2,
        constraints: r1cs.num_constraints(),
        threads: engine.threads(),
        backend: backend.name(),
        runs: args.runs,
        engine: ours,
        rival,
        rival_synthesis,
        wall_ratio,
        cpu_ratio,
    })
}

fn alone(args: &SetupBenchArgs, engine: &Engine, r1cs: &R1cs, log2: u32) -> Result<Vec<Cost>, CliError> {
    let steps = Steps::new(usize::try_from(args.runs).unwrap_or(usize::MAX));
    let mut costs = Vec::new();
    for run in 1..=args.runs {
        steps.begin(format_args!("2^{log2}: engine, {run} of {}", args.runs));
        let (cost, key) = Cost::of(|| engine.install(|| setup_development(r1cs, SHAPE, &|_| ())));
        key.map_err(|error| refused(log2, &error))?;
        costs.push(cost);
    }
    Ok(costs)
}

/// The engine's costs, ark-groth16's, and those of its synthesis.
fn beside(
    args: &SetupBenchArgs,
    engine: &Engine,
    r1cs: &R1cs,
    log2: u32,
) -> Result<[Vec<Cost>; 3], CliError> {
    let threads = NonZeroUsize::new(engine.threads()).unwrap_or(NonZeroUsize::MIN);
    let rival = ArkSetup::new(threads)
        .map_err(|error| CliError::refused(error::chain(&error), "choose fewer threads with --threads"))?;
    let steps = Steps::new(2 * usize::try_from(args.runs).unwrap_or(usize::MAX));
    let mut costs = [Vec::new(), Vec::new(), Vec::new()];
    for run in 1..=args.runs {
        let next = |side| {
            let who = match side {
                Side::Engine => "engine",
                Side::Rival => RivalArg::ArkGroth16.name(),
            };
            steps.begin(format_args!("2^{log2}: {who}, {run} of {}", args.runs));
        };
        let round = rival
            .round(engine, r1cs, SHAPE, &next)
            .map_err(|error| refused(log2, &error))?;
        for (costs, cost) in costs.iter_mut().zip([round.engine, round.rival, round.synthesis]) {
            costs.push(cost);
        }
    }
    Ok(costs)
}

fn refused(log2: u32, error: &dyn std::error::Error) -> CliError {
    CliError::refused(
        format!("2^{log2}: {}", error::chain(error)),
        "check the machine's memory, or choose smaller sizes with --log2",
    )
}

fn head(args: &SetupBenchArgs, row: &Row) -> String {
    let rival = args.rival.map_or_else(String::new, |rival| {
        format!("{:^22}{:^22}  rival / engine", rival.name(), "its synthesis")
    });
    let columns = if args.rival.is_some() {
        format!(
            "{:>11}{:>11}{:>11}{:>11}{:>8}{:>8}",
            "wall", "CPU", "wall", "CPU", "wall", "CPU"
        )
    } else {
        String::new()
    };
    format!(
        "{} threads, backend {}, medians of {}\n{:<6}{:^22}{rival}\n{:<6}{:>11}{:>11}{columns}",
        row.threads, row.backend, row.runs, "rows", "engine", "", "wall", "CPU",
    )
}

fn line(row: &Row) -> String {
    let mut text = format!("{:<6}{}", format!("2^{}", row.log2), row.engine.text());
    if let (Some(rival), Some(synthesis)) = (row.rival, row.rival_synthesis) {
        text += &rival.text();
        text += &synthesis.text();
        text += &ratios([row.wall_ratio, row.cpu_ratio]);
    }
    text
}
