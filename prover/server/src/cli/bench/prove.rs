//! `quittance bench prove`: synthetic circuits, the engine alone and beside a rival.

use std::num::NonZeroUsize;

use quittance_engine::memory::peak_rss_bytes;
use quittance_engine::rivals::{ArkGroth16, Cost, RivalError, Side};
use quittance_engine::synthetic::{self, Texture};
use quittance_engine::{Backend, Control, Engine, ProvingKey};
use serde::{Deserialize, Serialize};

use super::super::args::{ProveBenchArgs, RivalArg};
use super::super::circuits::mebibytes;
use super::super::output::Output;
use super::super::{CliError, error, setup};
use super::columns::{Times, ratios};
use super::process;
use super::steps::Steps;
use super::synthetic_keys::{SEED, SyntheticKeys, circuit};

/// What `--json` prints.
#[derive(Debug, Serialize, Deserialize)]
struct Report<R> {
    results: Vec<R>,
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
    wall_ratio: Option<f64>,
    cpu_ratio: Option<f64>,
    peak_rss_bytes: Option<u64>,
    circuit: Counted,
}

/// The circuit's [`Texture`].
#[derive(Debug, Serialize)]
struct Counted {
    nonzeros_per_row: [f64; 3],
    unit_coefficient_share: f64,
    wires_per_row: f64,
    zero_share: f64,
    boolean_share: f64,
    small_share: f64,
    absent_from_a_share: f64,
    absent_from_b_share: f64,
}

/// The engine alone, in a process of its own.
#[derive(Debug, Serialize, Deserialize)]
struct Alone {
    engine: Times,
    peak_rss_bytes: Option<u64>,
}

pub(super) fn run(args: &ProveBenchArgs, out: &mut Output) -> Result<(), CliError> {
    let engine = setup::engine(args.threads)?;
    let backend = process::backend()?;
    let keys = SyntheticKeys::new(args.keys.as_deref())?;
    if args.alone {
        let results = args.log2.iter().map(|&log2| alone(args, &engine, &keys, log2));
        let results = results.collect::<Result<Vec<_>, _>>()?;
        return out.result(&Report { results }, "");
    }
    let mut results = Vec::new();
    for &log2 in &args.log2 {
        let row = measure(args, &engine, backend, &keys, log2)?;
        if !out.is_json() {
            if results.is_empty() {
                out.line(head(args, &engine, backend.name()))?;
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

fn measure(
    args: &ProveBenchArgs,
    engine: &Engine,
    backend: Backend,
    keys: &SyntheticKeys,
    log2: u32,
) -> Result<Row, CliError> {
    let (r1cs, assignment) = circuit(log2)?;
    keys.ensure(engine, log2, &r1cs)?;
    let key = keys.open(engine, log2, &r1cs.digest())?;
    let Alone {
        engine: mut ours,
        peak_rss_bytes,
    } = measure_alone(args, keys, log2)?;
    let mut theirs = None;
    if let Some(RivalArg::ArkGroth16) = args.rival {
        let sides = beside(engine, &key, &assignment, args.runs, &format!("2^{log2}"))?;
        [ours, _] = sides;
        theirs = Some(sides[1]);
    }
    let [wall_ratio, cpu_ratio] = theirs.map_or([None; 2], |theirs| theirs.over(&ours));
    let texture = Texture::of(&r1cs, &assignment);
    Ok(Row {
        log2,
        constraints: r1cs.num_constraints(),
        threads: engine.threads(),
        backend: backend.name(),
        runs: args.runs,
        engine: ours,
        rival: theirs,
        wall_ratio,
        cpu_ratio,
        peak_rss_bytes,
        circuit: Counted {
            nonzeros_per_row: texture.nonzeros_per_row,
            unit_coefficient_share: texture.unit_coefficients,
            wires_per_row: texture.variables_per_row,
            zero_share: texture.zero,
            boolean_share: texture.boolean,
            small_share: texture.small,
            absent_from_a_share: texture.absent_from_a,
            absent_from_b_share: texture.absent_from_b,
        },
    })
}

/// Medians of the engine's and of ark-groth16's proofs, made in turn.
pub(super) fn beside(
    engine: &Engine,
    key: &ProvingKey,
    assignment: &[ark_bn254::Fr],
    runs: u32,
    name: &str,
) -> Result<[Times; 2], CliError> {
    let failed = |error: &RivalError| {
        CliError::refused(
            format!("{name}: {}", error::chain(error)),
            "report this; the proofs of one side are wrong, or the machine is",
        )
    };
    let threads = NonZeroUsize::new(engine.threads()).unwrap_or(NonZeroUsize::MIN);
    let rival = ArkGroth16::new(key, threads)
        .map_err(|error| CliError::refused(error::chain(&error), "choose fewer threads with --threads"))?;
    let steps = Steps::new(2 * usize::try_from(runs).unwrap_or(usize::MAX));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for run in 1..=runs {
        let next = |side| {
            let who = match side {
                Side::Engine => "engine",
                Side::Rival => RivalArg::ArkGroth16.name(),
            };
            steps.begin(format_args!("{name}: {who}, {run} of {runs}"));
        };
        let round = rival
            .round(engine, assignment, &next)
            .map_err(|error| failed(&error))?;
        ours.push(round.engine);
        theirs.push(round.rival);
    }
    Ok([Times::median(&ours), Times::median(&theirs)])
}

/// Measures the engine in a process that has done nothing else.
fn measure_alone(args: &ProveBenchArgs, keys: &SyntheticKeys, log2: u32) -> Result<Alone, CliError> {
    let mut command = process::this_program()?;
    command
        .args(["bench", "prove", "--json", "--alone"])
        .args(["--log2", &log2.to_string(), "--runs", &args.runs.to_string()])
        .arg("--keys")
        .arg(keys.path());
    process::with_threads(&mut command, args.threads);
    let Report { results } = process::json(command, &format!("2^{log2}"))?;
    let [alone] = <[Alone; 1]>::try_from(results)
        .map_err(|_| CliError::refused(format!("2^{log2} was not measured"), "report this"))?;
    Ok(alone)
}

/// That measurement, in this process.
fn alone(args: &ProveBenchArgs, engine: &Engine, keys: &SyntheticKeys, log2: u32) -> Result<Alone, CliError> {
    let failed = |error: &dyn std::error::Error| {
        CliError::refused(
            format!("2^{log2}: {}", error::chain(error)),
            "check the machine's memory",
        )
    };
    // Whoever started this process has compared the circuits; making this one would cost memory.
    let key = keys.open(engine, log2, &keys.circuit(log2)?)?;
    let assignment = synthetic::assignment(log2, SEED).map_err(|error| failed(&error))?;
    super::batches::reset_peak();
    let steps = Steps::new(usize::try_from(args.runs).unwrap_or(usize::MAX));
    let mut costs = Vec::new();
    for run in 1..=args.runs {
        steps.begin(format_args!("2^{log2}: engine alone, {run} of {}", args.runs));
        let (cost, proven) = Cost::of(|| engine.prove(&key, &assignment, &Control::default()));
        proven.map_err(|error| failed(&error))?;
        costs.push(cost);
    }
    Ok(Alone {
        engine: Times::median(&costs),
        peak_rss_bytes: peak_rss_bytes(),
    })
}

fn head(args: &ProveBenchArgs, engine: &Engine, backend: &str) -> String {
    let rival = args.rival.map_or_else(String::new, |rival| {
        format!("{:^22}  rival / engine", rival.name())
    });
    format!(
        "{} threads, backend {backend}, medians of {}\n{:<6}{:^22}{:>10}{rival}\n{:<6}{:>11}{:>11}{:>10}{}",
        engine.threads(),
        args.runs,
        "rows",
        "engine",
        "peak",
        "",
        "wall",
        "CPU",
        "memory",
        if args.rival.is_some() {
            format!("{:>11}{:>11}{:>8}{:>8}", "wall", "CPU", "wall", "CPU")
        } else {
            String::new()
        }
    )
}

fn line(row: &Row) -> String {
    let memory = row.peak_rss_bytes.map_or_else(|| "unknown".to_owned(), mebibytes);
    let rival = row.rival.map_or_else(String::new, |rival| {
        rival.text() + &ratios([row.wall_ratio, row.cpu_ratio])
    });
    format!(
        "{:<6}{}{memory:>10}{rival}",
        format!("2^{}", row.log2),
        row.engine.text()
    )
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use quittance_circuits::circuit::assign;
    use quittance_verifier::KeyId;

    use super::super::full_batch::batch;
    use super::*;
    use crate::circuit_facts::matrices;
    use crate::cli::args::Arguments;

    fn synthetic() -> Texture {
        let (r1cs, assignment) = circuit(14).unwrap();
        Texture::of(&r1cs, &assignment)
    }

    fn transfers() -> Texture {
        let shape = quittance_circuits::shapes::SHAPES[0];
        let r1cs = matrices(&shape).unwrap();
        let assignment = assign(&shape, &KeyId([0; 32]), &batch(&shape).unwrap()).unwrap();
        Texture::of(&r1cs, &assignment)
    }

    /// Both columns of the table, as counted.
    #[test]
    fn the_help_describes_the_circuits_as_they_are() {
        type Share = fn(&Texture) -> f64;
        let mut command = Arguments::command();
        let bench = command.find_subcommand_mut("bench").unwrap();
        let help = bench.find_subcommand_mut("prove").unwrap().render_long_help();
        let help: Vec<_> = help.to_string().split_whitespace().map(str::to_owned).collect();
        let help = help.join(" ");
        let (ours, real) = (synthetic(), transfers());
        let figures = |name: &str, figure: fn(&Texture) -> String| {
            let row = format!("{name} {} {}", figure(&ours), figure(&real));
            assert!(help.contains(&row), "{row}: {help}");
        };
        figures("non-zeros per row of A, B, C", |texture| {
            texture
                .nonzeros_per_row
                .map(|count| format!("{count:.1}"))
                .join(" ")
        });
        let percent: [(&str, Share); 6] = [
            ("coefficients that are 1 or -1", |texture| {
                texture.unit_coefficients
            }),
            ("values that are 0", |texture| texture.zero),
            ("values that are 0 or 1", |texture| texture.boolean),
            ("values from 2 to 2^128", |texture| texture.small),
            ("wires absent from A", |texture| texture.absent_from_a),
            ("wires absent from B", |texture| texture.absent_from_b),
        ];
        for (name, share) in percent {
            let row = |texture| format!("{:.0} %", 100.0 * share(texture));
            let row = format!("{name} {} {}", row(&ours), row(&real));
            assert!(help.contains(&row), "{row}: {help}");
        }
    }

    #[test]
    fn the_circuit_is_like_that_of_transfers() {
        let (ours, real) = (synthetic(), transfers());
        let near = |a: f64, b: f64, within: f64| assert!((a - b).abs() < within, "{ours:?}, {real:?}");
        for (ours, real) in ours.nonzeros_per_row.into_iter().zip(real.nonzeros_per_row) {
            near(ours, real, 0.3);
        }
        near(ours.unit_coefficients, real.unit_coefficients, 0.05);
        near(ours.variables_per_row, real.variables_per_row, 0.01);
        near(ours.zero, real.zero, 0.02);
        near(ours.boolean, real.boolean, 0.02);
        near(ours.small, real.small, 0.01);
        near(ours.absent_from_b, real.absent_from_b, 0.05);
        near(ours.absent_from_a, real.absent_from_a, 0.07);
        // Of the same size as the transfer circuit's dictionary, so that it takes as much of a cache.
        let coefficients = ours.coefficients.abs_diff(real.coefficients);
        assert!(coefficients * 10 < real.coefficients, "{ours:?}, {real:?}");
    }
}
