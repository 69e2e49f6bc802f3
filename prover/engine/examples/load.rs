//! Times the opening of a key directory: `load LOG2 RUNS THREADS…`, for example
//! `cargo run --release -p quittance-engine --example load -- 20 5 1 2 4`, after `measure` has made the key of that size.

use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::num::NonZeroUsize;
use std::time::Instant;

use quittance_engine::{Engine, Expected, KeyDir, MANIFEST_FILE, Manifest, PROVING_KEY_FILE, Stopwatch};
use quittance_verifier::{DevelopmentKeys, Shape};

fn main() -> Result<(), Box<dyn Error>> {
    let numbers: Vec<usize> = std::env::args()
        .skip(1)
        .map(|text| text.parse())
        .collect::<Result<_, _>>()?;
    let [log2, runs, threads @ ..] = &numbers[..] else {
        return Err("load LOG2 RUNS THREADS…".into());
    };
    let dir = std::env::temp_dir().join(format!("quittance-measure-{log2}"));
    let mut out = std::io::stdout().lock();
    let manifest: Manifest = serde_json::from_reader(File::open(dir.join(MANIFEST_FILE))?)?;
    let shape = Shape::parse_name(&manifest.shape.name)?;
    let expected = Expected {
        shape,
        matrices: manifest.matrices,
    };
    let gigabytes = manifest.proving_key.bytes as f64 / 1e9;
    // Once, so that the cache is warm.
    let warm = fs::read(dir.join(PROVING_KEY_FILE))?.len();
    writeln!(out, "{warm} bytes")?;
    for &threads in threads {
        let engine = Engine::new(NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN))?;
        let mut fastest = f64::INFINITY;
        let mut least_cpu = f64::INFINITY;
        for _ in 0..*runs {
            let mut stopwatch = Stopwatch::start();
            let start = Instant::now();
            let key = engine.install(|| KeyDir::open(&dir, &expected, DevelopmentKeys::Accept))?;
            fastest = fastest.min(start.elapsed().as_secs_f64());
            let cpu = stopwatch.lap(quittance_engine::Phase::Verify).cpu;
            least_cpu = least_cpu.min(cpu.as_secs_f64());
            drop(key);
        }
        writeln!(
            out,
            "{threads} threads: {fastest:.3} s, {:.3} s for each gigabyte; CPU {least_cpu:.3} s",
            fastest / gigabytes
        )?;
    }
    // What is mapped counts as the file's, and is shared with every other process that maps it.
    let key = KeyDir::open(&dir, &expected, DevelopmentKeys::Accept)?;
    let status = fs::read_to_string("/proc/self/status")?;
    for line in status.lines().filter(|line| line.starts_with("Rss")) {
        writeln!(out, "{line}")?;
    }
    drop(key);
    Ok(())
}
