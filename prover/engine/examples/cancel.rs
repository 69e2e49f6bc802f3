//! Cancels proofs at many moments and measures how soon they end: `cancel LOG2 THREADS POINTS`, for example
//! `cargo run --release -p quittance-engine --example cancel -- 20 4 60`, after `measure` has made the key of that size.
//!
//! Moments are spread evenly over a proof that begins without a workspace, as every proof after a cancelled one does, so that they
//! fall into the making of tables and the first touch of pages, too; then each report of progress cancels once. For each
//! phase: time on the clock from the flag to the return, and CPU time of all threads meanwhile, which a busy machine does not
//! stretch. Resident memory of its own, without the mapped key, is compared with that before the first proof.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::time::Duration;

use ark_bn254::Fr;
use quittance_engine::{
    CancelFlag, CircuitKey, Control, Engine, Expected, KeyDir, MANIFEST_FILE, Manifest, Phase, Progress,
    ProveError, Stopwatch, synthetic,
};
use quittance_verifier::{DevelopmentKeys, Shape};

/// From the flag to the return: wall and CPU time, in milliseconds, by the phase that was cut short.
type Latencies = BTreeMap<Phase, Vec<(f64, f64)>>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: usize| arguments.next().map_or(Ok(default), |text| text.parse());
    let (log2, threads, points) = (number(16)?, number(4)?, number(60)?);
    let dir = std::env::temp_dir().join(format!("quittance-measure-{log2}"));
    let manifest: Manifest = serde_json::from_reader(File::open(dir.join(MANIFEST_FILE))?)?;
    let expected = Expected {
        shape: Shape::parse_name(&manifest.shape.name)?,
        matrices: manifest.matrices,
    };
    let mut engine = Engine::new(NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN))?;
    let key = engine.install(|| KeyDir::open(&dir, &expected, DevelopmentKeys::Accept))?;
    let (_, assignment) = synthetic::circuit(u32::try_from(log2)?, 1)?;

    let before = own_memory();
    // The faster of two, so that the moments lie within a proof. Each begins without a workspace, and drops its own at the end.
    let mut times = Vec::new();
    for _ in 0..2 {
        let engine = Engine::new(NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN))?;
        let start = Stopwatch::start();
        engine.prove(&key, &assignment, &Control::default())?;
        times.push(start.elapsed());
    }
    let (whole, cpu) = times.into_iter().min().unwrap_or_default();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "backend {}, {threads} threads; a whole proof takes {:.3} s, CPU {:.3} s; own memory before {:.1} MiB, after {:.1} MiB",
        engine.backend().name(),
        whole.as_secs_f64(),
        cpu.as_secs_f64(),
        before,
        own_memory()
    )?;

    let mut latencies = Latencies::new();
    let mut largest = 0f64;
    for point in 0..points {
        let delay = whole.mul_f64((point as f64 + 0.5) / points as f64);
        if let Some((phase, latency)) = cancel_after(&engine, &key, &assignment, delay)? {
            latencies.entry(phase).or_default().push(latency);
            largest = largest.max(own_memory());
        } else {
            // The proof was there before the flag, and its workspace is kept for the next one.
            engine = Engine::new(NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN))?;
        }
    }
    print(&mut out, "spread over a proof", &mut latencies)?;
    writeln!(out, "own memory after a cancelled proof at most {largest:.1} MiB")?;

    let mut latencies = Latencies::new();
    for phase in &Phase::ALL[1..] {
        for fraction in [0.0, 0.5, 1.0] {
            if let Some((phase, latency)) = cancel_at(&engine, &key, &assignment, *phase, fraction)? {
                latencies.entry(phase).or_default().push(latency);
                largest = largest.max(own_memory());
            } else {
                engine = Engine::new(NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN))?;
            }
        }
    }
    print(&mut out, "at borders and reports", &mut latencies)?;
    writeln!(out, "own memory after a cancelled proof at most {largest:.1} MiB")?;
    Ok(())
}

type Cancelled = Option<(Phase, (f64, f64))>;

/// Raises the flag after a time. Nothing where the proof was there before.
fn cancel_after(
    engine: &Engine,
    key: &CircuitKey,
    assignment: &[Fr],
    delay: Duration,
) -> Result<Cancelled, Box<dyn Error>> {
    let flag = CancelFlag::new();
    let control = Control::new(flag.clone());
    std::thread::scope(|scope| {
        let raised = scope.spawn(move || {
            std::thread::sleep(delay);
            flag.cancel();
            Stopwatch::start()
        });
        let result = engine.prove(key, assignment, &control);
        let end = Stopwatch::start();
        let raised = raised.join().map_err(|_| "the cancelling thread panicked")?;
        cut_short(result.err(), raised, end)
    })
}

/// Raises the flag at the first report of this phase that says at least this share.
fn cancel_at(
    engine: &Engine,
    key: &CircuitKey,
    assignment: &[Fr],
    phase: Phase,
    fraction: f64,
) -> Result<Cancelled, Box<dyn Error>> {
    let flag = CancelFlag::new();
    let raise = flag.clone();
    let raised = Mutex::new(None);
    let report = |progress: Progress| {
        if progress.phase == phase && progress.fraction >= fraction && !raise.is_cancelled() {
            raise.cancel();
            *raised.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Stopwatch::start());
        }
    };
    let result = engine.prove(key, assignment, &Control::new(flag).with_progress(&report));
    let end = Stopwatch::start();
    let raised = *raised.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    raised.map_or(Ok(None), |raised| cut_short(result.err(), raised, end))
}

fn cut_short(
    error: Option<ProveError>,
    raised: Stopwatch,
    end: Stopwatch,
) -> Result<Cancelled, Box<dyn Error>> {
    let milliseconds = |time: Duration| 1e3 * time.as_secs_f64();
    match error {
        Some(ProveError::Cancelled { phase }) => {
            let (wall, cpu) = end.since(&raised);
            Ok(Some((phase, (milliseconds(wall), milliseconds(cpu)))))
        }
        Some(error) => Err(error.into()),
        None => Ok(None),
    }
}

fn print(out: &mut impl Write, title: &str, latencies: &mut Latencies) -> std::io::Result<()> {
    writeln!(out, "{title}: milliseconds from flag to return, wall (CPU)")?;
    for (phase, times) in latencies {
        let of = |sorted: &mut dyn FnMut(&(f64, f64)) -> f64| {
            let mut values: Vec<f64> = times.iter().map(sorted).collect();
            values.sort_by(f64::total_cmp);
            (values[values.len() / 2], values[values.len() - 1])
        };
        let (wall, cpu) = (of(&mut |time| time.0), of(&mut |time| time.1));
        writeln!(
            out,
            "{:<12} {:>3} times, median {:>6.1} ({:>6.1}), worst {:>6.1} ({:>6.1})",
            phase.name(),
            times.len(),
            wall.0,
            cpu.0,
            wall.1,
            cpu.1
        )?;
    }
    Ok(())
}

/// Resident memory that is no file's, in mebibytes; 0 where the system does not tell.
fn own_memory() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    kibibytes.unwrap_or(0.0) / 1024.0
}
