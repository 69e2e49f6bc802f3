//! Measures transforms beside ark-poly's, and witness maps beside rows and transforms in arkworks' types:
//! `ntt BACKEND THREADS RUNS LOG2…`, for example
//! `cargo run --release -p quittance-engine --example ntt -- ifma 2 5 12 16 20`. Medians; ratios are rival / engine.

use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

use ark_bn254::Fr;
use ark_ff::{PrimeField, UniformRand};
use ark_groth16::r1cs_to_qap::R1CSToQAP;
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use ark_std::rand::SeedableRng;
use ark_std::rand::rngs::StdRng;
use quittance_engine::ntt::Transform;
use quittance_engine::{
    Backend, Control, SnarkjsReduction, Stopwatch, WitnessMap, WitnessMapBuffers, synthetic,
};

type Domain = Radix2EvaluationDomain<Fr>;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut arguments = std::env::args().skip(1);
    let backend = Backend::named(arguments.next().unwrap_or_default())?;
    let mut numbers = arguments.map(|text| text.parse::<usize>());
    let mut number = || numbers.next().unwrap_or(Ok(4));
    let (threads, runs) = (number()?, number()?);
    let sizes = numbers.collect::<Result<Vec<_>, _>>()?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{backend}, {threads} threads: engine and rival, wall / CPU ms; ratios of wall / CPU time"
    )?;
    for log2 in sizes {
        let (table, note) = pool.install(|| measure(backend, log2, runs))?;
        for (name, [engine, rival]) in table {
            writeln!(
                out,
                "2^{log2} {name:12} {:8.2} / {:8.2}  {:8.2} / {:8.2}  {:5.2} / {:5.2}",
                engine.wall,
                engine.cpu,
                rival.wall,
                rival.cpu,
                rival.wall / engine.wall,
                rival.cpu / engine.cpu
            )?;
        }
        writeln!(out, "{note}")?;
    }
    Ok(())
}

/// Milliseconds.
struct Times {
    wall: f64,
    cpu: f64,
}

type Table = Vec<(&'static str, [Times; 2])>;

fn measure(
    backend: Backend,
    log2: usize,
    runs: usize,
) -> Result<(Table, String), Box<dyn Error + Send + Sync>> {
    let length = 1 << log2;
    let mut rng = StdRng::seed_from_u64(1);
    let mut values: Vec<Fr> = (0..length).map(|_| Fr::rand(&mut rng)).collect();
    let mut rival_values = values.clone();
    let domain = Domain::new(length).ok_or("no such domain")?;
    let mut forward = Transform::forward(backend, length)?;
    let mut inverse = Transform::inverse(backend, length)?;
    let mut table = vec![
        (
            "forward",
            alternate(
                runs,
                || forward.apply(&mut values),
                || domain.fft_in_place(&mut rival_values),
            ),
        ),
        (
            "inverse",
            alternate(
                runs,
                || inverse.apply(&mut values),
                || domain.ifft_in_place(&mut rival_values),
            ),
        ),
    ];
    drop((forward, inverse, rival_values));
    drop(values);

    let (r1cs, assignment) = synthetic::circuit(u32::try_from(log2)?, 1)?;
    let matrices = r1cs.to_matrices();
    let start = Instant::now();
    let map = WitnessMap::new(backend, r1cs.domain_size())?;
    let prepared = start.elapsed().as_secs_f64() * 1e3;
    let mut buffers = WitnessMapBuffers::default();
    let control = Control::default();
    let rival = || {
        let h = SnarkjsReduction::witness_map_from_matrices::<Fr, Domain>(
            &matrices,
            r1cs.num_instance(),
            r1cs.num_constraints(),
            &assignment,
        );
        h.map(|h| h.iter().map(|value| value.into_bigint()).collect::<Vec<_>>())
    };
    let engine = || {
        map.quotient(&r1cs, &assignment, &mut buffers, &control)
            .map(|quotient| quotient.get(0))
    };
    table.push(("witness map", alternate(runs, engine, rival)));
    let note = format!(
        "2^{log2} tables in {prepared:.2} ms: {} bytes for each element; buffers: {}",
        map.bytes() / length,
        buffers.bytes() / length
    );
    Ok((table, note))
}

/// Medians of calls in turn, after one of each that is not counted.
fn alternate<A, B>(runs: usize, mut engine: impl FnMut() -> A, mut rival: impl FnMut() -> B) -> [Times; 2] {
    let mut times = [Vec::new(), Vec::new()];
    black_box((engine(), rival()));
    for _ in 0..runs {
        times[0].push(time(&mut engine));
        times[1].push(time(&mut rival));
    }
    times.map(|times| {
        let median = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(0.0)
        };
        Times {
            wall: median(times.iter().map(|time| time.wall).collect()),
            cpu: median(times.iter().map(|time| time.cpu).collect()),
        }
    })
}

fn time<T>(work: impl FnOnce() -> T) -> Times {
    let mut stopwatch = Stopwatch::start();
    black_box(work());
    let lap = stopwatch.lap(quittance_engine::Phase::WitnessMap);
    Times {
        wall: lap.wall.as_secs_f64() * 1e3,
        cpu: lap.cpu.as_secs_f64() * 1e3,
    }
}
