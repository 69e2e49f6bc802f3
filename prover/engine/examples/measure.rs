//! Measures proofs of synthetic circuits beside their plans: `measure LOG2,… THREADS,… RUNS`, for example
//! `cargo run --release -p quittance-engine --example measure -- 16,18,20 1,2,4 3`, on every backend of this machine, each in a process of
//! its own. The table of `docs/costs.md` comes from it.
//!
//! A process measures the machine, opens the key, proves once to warm up and RUNS times to be timed, and measures the machine again; the
//! plan is the mean of before and after. Times are medians. Keys are made first, and kept in the temporary directory.

use std::env;
use std::error::Error;
use std::fs::File;
use std::io::{Write, stdout};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use quittance_engine::memory::peak_rss_bytes;
use quittance_engine::{
    Backend, CircuitSize, Control, Engine, Expected, KeyDir, MANIFEST_FILE, Manifest, Phase, PhaseTime,
    setup_development, synthetic,
};
use quittance_verifier::{DevelopmentKeys, Shape};

const SHAPE: Shape = Shape::transfers_only(16, 1, 1);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [one, log2, threads, runs] = &arguments[..]
        && one == "one"
    {
        return measure(log2.parse()?, threads.parse()?, runs.parse()?);
    }
    let list = |index: usize, default: &str| {
        let text = arguments.get(index).map_or(default, String::as_str);
        text.split(',').map(str::parse).collect::<Result<Vec<u32>, _>>()
    };
    let (sizes, threads, runs) = (list(0, "16")?, list(1, "4")?, list(2, "3")?);
    let mut out = stdout().lock();
    writeln!(
        out,
        "| backend | threads | rows | peak MB: measured | plan | error | CPU s: measured | plan | error | wall s: measured | plan | error |"
    )?;
    writeln!(out, "|{}", "---|".repeat(12))?;
    for &log2 in &sizes {
        make_key(log2)?;
        for backend in Backend::available() {
            for threads in &threads {
                let status = Command::new(env::current_exe()?)
                    .args(["one".to_owned(), log2.to_string(), threads.to_string()])
                    .arg(runs.first().unwrap_or(&3).to_string())
                    .env(Backend::VARIABLE, backend.name())
                    .status()?;
                if !status.success() {
                    return Err(format!("2^{log2} with {threads} threads failed").into());
                }
            }
        }
    }
    Ok(())
}

fn directory(log2: u32) -> PathBuf {
    env::temp_dir().join(format!("quittance-measure-{log2}"))
}

fn make_key(log2: u32) -> Result<(), Box<dyn Error>> {
    let directory = directory(log2);
    if directory.exists() {
        return Ok(());
    }
    let engine = Engine::new(std::thread::available_parallelism()?)?;
    let (r1cs, _) = synthetic::circuit(log2, 1)?;
    let key = engine.install(|| setup_development(&r1cs, SHAPE, &|_| ()))?;
    engine.install(|| KeyDir::create(&directory, &key))?;
    Ok(())
}

fn measure(log2: u32, threads: usize, runs: u32) -> Result<(), Box<dyn Error>> {
    let engine = Engine::new(NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN))?;
    let before = engine.calibrate()?;
    let directory = directory(log2);
    let manifest: Manifest = serde_json::from_reader(File::open(directory.join(MANIFEST_FILE))?)?;
    let expected = Expected {
        shape: SHAPE,
        matrices: manifest.matrices,
    };
    let key = engine.install(|| KeyDir::open(&directory, &expected, DevelopmentKeys::Accept))?;
    let assignment = synthetic::assignment(log2, 1)?;
    let mut reports = Vec::new();
    for run in 0..=runs {
        let report = engine.prove(key.key(), &assignment, &Control::default())?.report;
        if run > 0 {
            reports.push(report);
        }
    }
    let after = engine.calibrate()?;
    let size = CircuitSize::from(&**key.key());
    let plans = [before, after].map(|calibration| engine.plan(&size, &calibration));

    let median = |of: &dyn Fn(&[PhaseTime]) -> Duration| {
        let mut times: Vec<Duration> = reports.iter().map(|report| of(&report.phases)).collect();
        times.sort_unstable();
        times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64)
    };
    let planned = |of: &dyn Fn(&[PhaseTime]) -> Duration| {
        let seconds = plans.each_ref().map(|plan| of(&plan.time.phases).as_secs_f64());
        (seconds[0] + seconds[1]) / 2.0
    };
    let compare = |of: &dyn Fn(&[PhaseTime]) -> Duration| (median(of), planned(of));
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let peak = (
        megabytes(peak_rss_bytes().unwrap_or(0)),
        megabytes(plans[0].memory.peak_bytes()),
    );
    let cpu = compare(&|phases| phases.iter().map(|time| time.cpu).sum());
    let wall = compare(&|phases| phases.iter().map(|time| time.wall).sum());
    let mut out = stdout().lock();
    write!(out, "| {} | {threads} | 2^{log2} |", engine.backend())?;
    for ((measured, plan), digits) in [(peak, 1), (cpu, 3), (wall, 3)] {
        let error = 100.0 * (plan / measured - 1.0);
        write!(out, " {measured:.digits$} | {plan:.digits$} | {error:+.0} % |")?;
    }
    writeln!(out)?;
    if env::var_os("PHASES").is_some() {
        writeln!(out, "{:?}", plans[0].memory)?;
        for phase in &Phase::ALL[1..] {
            let of = |phases: &[PhaseTime]| {
                let own = phases.iter().filter(|time| time.phase == *phase);
                own.map(|time| time.cpu).sum()
            };
            let (measured, plan) = compare(&of);
            writeln!(out, "  {phase}: {measured:.4} {plan:.4} s of CPU time")?;
        }
    }
    Ok(())
}
