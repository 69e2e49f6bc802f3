//! Times the opening of a key directory: `load LOG2 RUNS THREADS…`, for example
//! `cargo run --release -p quittance-engine --example load -- 20 5 1 2 4`, after `measure` has made the key of that size.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};
use std::time::Instant;

use quittance_engine::{Engine, Expected, KeyDir, MANIFEST_FILE, Manifest, PROVING_KEY_FILE, Stopwatch};
use quittance_verifier::{DevelopmentKeys, Shape};

/// Set in the second process, which only opens the key.
const SECOND: &str = "QUITTANCE_LOAD_SECOND";

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
    if std::env::var_os(SECOND).is_some() {
        let key = KeyDir::open(&dir, &expected, DevelopmentKeys::Accept)?;
        writeln!(out, "open")?;
        out.flush()?;
        std::io::stdin().read_to_end(&mut Vec::new())?;
        drop(key);
        return Ok(());
    }
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
            "{threads} threads: {fastest:.3} s, CPU {least_cpu:.3} s; for each gigabyte {:.3} s, CPU {:.3} s",
            fastest / gigabytes,
            least_cpu / gigabytes
        )?;
    }
    // What is mapped counts as the file's, and is shared with every other process that maps it: a second one shows it.
    let key = KeyDir::open(&dir, &expected, DevelopmentKeys::Accept)?;
    print_mapping(&mut out, "alone")?;
    let mut other = Command::new(std::env::current_exe()?)
        .args([&log2.to_string(), "0"])
        .env(SECOND, "")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    // It says when it has the key, and keeps it until its input ends.
    let mut said = String::new();
    BufReader::new(other.stdout.take().ok_or("no output")?).read_line(&mut said)?;
    print_mapping(&mut out, "beside a second process")?;
    drop(other.stdin.take());
    other.wait()?;
    drop(key);
    Ok(())
}

/// What the system says about the mapping of the key in this process, in kilobytes.
fn print_mapping(out: &mut impl Write, when: &str) -> std::io::Result<()> {
    let smaps = fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    let mut mappings = smaps.split("VmFlags");
    let Some(mapping) = mappings.find(|mapping| mapping.contains(PROVING_KEY_FILE)) else {
        return writeln!(out, "{when}: the system does not tell");
    };
    let fields: Vec<String> = mapping
        .lines()
        .filter(|line| {
            ["Rss:", "Pss:", "Shared_", "Private_"]
                .iter()
                .any(|field| line.starts_with(field))
        })
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    writeln!(out, "{when}: {}", fields.join(", "))
}
