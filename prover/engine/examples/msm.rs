//! Measures multi-scalar multiplication beside ark-ec's, in turns, medians: `msm GROUP MIN_LOG2 MAX_LOG2 THREADS RUNS BACKEND`, for
//! example `cargo run --release -p quittance-engine --example msm -- g1 12 20 2 5 ifma`. With `alone` at the end, without ark-ec.
//!
//! Wall and CPU milliseconds of both and the ratios. Scalars are random; bases are multiples of one point without any pattern in their sums.

use std::error::Error;
use std::io::Write;
use std::time::{Duration, Instant};

use ark_bn254::{Fr, G1Projective, G2Projective};
use ark_ec::{CurveGroup, PrimeGroup, VariableBaseMSM};
use ark_ff::UniformRand;
use ark_std::rand::SeedableRng;
use ark_std::rand::rngs::StdRng;
use quittance_engine::{Backend, G1Bases, G2Bases, Multiplier, Phase, Stopwatch};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = |index: usize, default: &'static str| arguments.get(index).map_or(default, |text| text);
    let group = text(0, "g1").to_owned();
    let (min, max): (u32, u32) = (text(1, "12").parse()?, text(2, "18").parse()?);
    let (threads, runs): (usize, usize) = (text(3, "2").parse()?, text(4, "5").parse()?);
    let backend = match arguments.get(5) {
        Some(name) => Backend::named(name)?,
        None => Backend::detect()?,
    };
    let alone = text(6, "") == "alone";
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{group}, {backend}, {threads} threads, median of {runs}")?;
    writeln!(
        out,
        "log2  ours wall   cpu    ark wall   cpu   wall ratio  cpu ratio"
    )?;
    for log2 in min..=max {
        let size = 1usize << log2;
        let mut rng = StdRng::seed_from_u64(u64::from(log2));
        let scalars: Vec<Fr> = (0..size).map(|_| Fr::rand(&mut rng)).collect();
        let mut multiplier = Multiplier::new(backend);
        let times = if group == "g1" {
            let points = points::<G1Projective>(size);
            let bases = pool.install(|| G1Bases::new(&points));
            alternate(
                runs,
                alone,
                || pool.install(|| multiplier.g1(&bases, &scalars)),
                || pool.install(|| G1Projective::msm_unchecked(&points, &scalars)),
            )
        } else {
            let points = points::<G2Projective>(size);
            let bases = pool.install(|| G2Bases::new(&points));
            alternate(
                runs,
                alone,
                || pool.install(|| multiplier.g2(&bases, &scalars)),
                || pool.install(|| G2Projective::msm_unchecked(&points, &scalars)),
            )
        };
        let Some([ours, theirs]) = times else {
            return Err("results differ".into());
        };
        writeln!(
            out,
            "{log2:>4} {:>10.2} {:>8.2} {:>9.2} {:>8.2} {:>9.2} {:>10.2}",
            ours.0,
            ours.1,
            theirs.0,
            theirs.1,
            theirs.0 / ours.0,
            theirs.1 / ours.1,
        )?;
    }
    Ok(())
}

fn points<G: CurveGroup + PrimeGroup>(size: usize) -> Vec<G::Affine> {
    let (mut point, step) = (G::generator().double(), G::generator());
    let points: Vec<G> = (0..size)
        .map(|_| {
            // Not one step after the other: sums of such points would often be equal, as those of a key's are not.
            point.double_in_place();
            point += step;
            point
        })
        .collect();
    G::normalize_batch(&points)
}

/// Median wall and CPU milliseconds of both; None if their results differ.
fn alternate<T: Copy + PartialEq>(
    runs: usize,
    alone: bool,
    mut ours: impl FnMut() -> T,
    mut theirs: impl FnMut() -> T,
) -> Option<[(f64, f64); 2]> {
    let mut times = [Vec::new(), Vec::new()];
    for run in 0..=runs {
        let (mine, of_ours) = measure(&mut ours);
        let (reference, of_theirs) = if alone && run > 0 {
            (mine, of_ours)
        } else {
            measure(&mut theirs)
        };
        if mine != reference {
            return None;
        }
        // The first round only warms up.
        if run > 0 {
            times[0].push(of_ours);
            times[1].push(of_theirs);
        }
    }
    Some(times.map(median))
}

fn measure<T>(work: &mut impl FnMut() -> T) -> (T, (f64, f64)) {
    let mut stopwatch = Stopwatch::start();
    let start = Instant::now();
    let result = work();
    let wall = start.elapsed();
    let cpu = stopwatch.lap(Phase::H).cpu;
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    (result, (milliseconds(wall), milliseconds(cpu)))
}

fn median(mut times: Vec<(f64, f64)>) -> (f64, f64) {
    let middle = times.len() / 2;
    times.sort_by(|a, b| a.1.total_cmp(&b.1));
    let cpu = times[middle].1;
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    (times[middle].0, cpu)
}
