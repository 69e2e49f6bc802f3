//! Measures setup, a key directory and proofs of a synthetic circuit: `measure LOG2 THREADS RUNS`, for example
//! `cargo run --release -p quittance-engine --example measure -- 16 4 3`. The figures of `docs/costs.md` come from it.

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::num::NonZeroUsize;
use std::time::Instant;

use ark_bn254::Fr;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use quittance_engine::memory::{CircuitSize, estimate, peak_rss_bytes};
use quittance_engine::{
    Control, Engine, Expected, KeyDir, MANIFEST_FILE, Manifest, setup_development, synthetic,
};
use quittance_verifier::{DevelopmentKeys, Shape};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u32| arguments.next().map_or(Ok(default), |text| text.parse());
    let (log2, threads, runs) = (number(16)?, number(4)?, number(3)?);
    // A process of its own for the proofs: their peak is not the setup's.
    let dir = std::env::temp_dir().join(format!("quittance-measure-{log2}"));
    let mut out = std::io::stdout().lock();

    let engine = Engine::new(NonZeroUsize::new(usize::try_from(threads)?).unwrap_or(NonZeroUsize::MIN))?;
    let shape = Shape {
        levels: 16,
        transfers: 1,
        fee_slots: 1,
    };
    let assignment_file = dir.with_extension("assignment");
    if !dir.exists() {
        let (r1cs, assignment) = synthetic::circuit(log2, 1)?;
        assignment.serialize_uncompressed(File::create(assignment_file)?)?;
        let start = Instant::now();
        let key = engine.install(|| setup_development(&r1cs, shape, &|_| ()))?;
        writeln!(out, "setup {:.2} s", start.elapsed().as_secs_f64())?;
        let start = Instant::now();
        engine.install(|| KeyDir::create(&dir, &key))?;
        writeln!(
            out,
            "write {:.2} s; run again to prove",
            start.elapsed().as_secs_f64()
        )?;
        return Ok(());
    }
    let manifest: Manifest = serde_json::from_reader(File::open(dir.join(MANIFEST_FILE))?)?;
    let expected = Expected {
        shape,
        matrices: manifest.matrices,
    };
    let start = Instant::now();
    let key = engine.install(|| KeyDir::open(&dir, &expected, DevelopmentKeys::Accept))?;
    writeln!(
        out,
        "open {:.3} s, {} key bytes",
        start.elapsed().as_secs_f64(),
        manifest.proving_key.bytes
    )?;
    writeln!(out, "peak after open {} bytes", peak_rss_bytes().unwrap_or(0))?;
    let assignment = Vec::<Fr>::deserialize_uncompressed(File::open(assignment_file)?)?;
    for _ in 0..runs {
        let report = engine.prove(&key, &assignment, &Control::default())?.report;
        write!(
            out,
            "wall {:.3} s cpu {:.3} s:",
            report.wall().as_secs_f64(),
            report.cpu().as_secs_f64()
        )?;
        for time in &report.phases {
            write!(
                out,
                " {} {:.3}/{:.3}",
                time.phase,
                time.wall.as_secs_f64(),
                time.cpu.as_secs_f64()
            )?;
        }
        writeln!(out)?;
    }
    let size = CircuitSize::from(key.r1cs());
    let (peak, estimate) = (peak_rss_bytes().unwrap_or(0), estimate(&size));
    let ratio = estimate.peak_bytes as f64 / peak as f64;
    writeln!(
        out,
        "peak {peak} bytes, estimate {estimate:?} is {ratio:.2} of it; {size:?}"
    )?;
    if log2 == 12 {
        let calibration = engine.calibrate()?;
        for log2 in [12, 14, 16, 18, 20] {
            writeln!(
                out,
                "2^{log2} should take {:?}",
                calibration.proof_time(1 << log2)
            )?;
        }
    }
    Ok(())
}
