//! The kernels at sizes where no other library is waited for: `large LOG2 THREADS`, for example
//! `cargo run --release -p quittance-engine --example large -- 24 4`. Needs some 800 bytes of memory for each element.
//!
//! Results are compared at a few places only, each computed from its definition: values of a transform by Horner's rule; a sum of
//! multiples of the generator by its discrete logarithm; values of a quotient from the rows' polynomials in barycentric form.

use std::error::Error;
use std::io::Write;

use ark_bn254::{Fr, G1Affine, G1Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, FftField, Field, PrimeField, batch_inversion};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use quittance_engine::ntt::forward;
use quittance_engine::{
    Backend, Control, G1Bases, MatrixName, Multiplier, R1cs, Stopwatch, WitnessMap, WitnessMapBuffers,
    synthetic,
};
use rayon::prelude::*;

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Elements that one task takes.
const TASK: usize = 1 << 14;

fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u32| arguments.next().map_or(Ok(default), |text| text.parse());
    let (log2, threads) = (number(20)?, number(4)?);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads as usize)
        .build()?;
    let backend = Backend::detect()?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "2^{log2}, backend {backend}, {threads} threads: wall s, CPU s"
    )?;
    let kernels: [(&str, Timed); 3] = [("transform", transform), ("sum in G1", sum), ("witness map", map)];
    for (name, kernel) in kernels {
        for (step, (wall, cpu)) in pool.install(|| kernel(backend, log2))? {
            writeln!(
                out,
                "{name}, {step}: {:.3}, {:.3}",
                wall.as_secs_f64(),
                cpu.as_secs_f64()
            )?;
        }
    }
    Ok(())
}

/// Runs a kernel at a size and compares what it gives; the times of its steps.
type Timed = fn(Backend, u32) -> Outcome<Stopwatches>;

type Stopwatches = Vec<(&'static str, (std::time::Duration, std::time::Duration))>;

/// Full-width elements that follow no short pattern.
fn elements(count: usize) -> Vec<Fr> {
    let mut values = vec![Fr::ZERO; count];
    let tasks = values.par_chunks_mut(TASK).enumerate();
    tasks.for_each(|(task, values)| {
        let mut value = Fr::from(0x9e37_79b9_u64 + task as u64).square().square();
        for out in values {
            value = value.square() + Fr::ONE;
            *out = value;
        }
    });
    values
}

fn transform(backend: Backend, log2: u32) -> Outcome<Stopwatches> {
    let coefficients = elements(1 << log2);
    let mut values = coefficients.clone();
    let stopwatch = Stopwatch::start();
    forward(backend, &mut values)?;
    let time = stopwatch.elapsed();
    let root = Fr::get_root_of_unity(1 << log2).ok_or("no root of unity")?;
    for place in places(1 << log2) {
        let point = root.pow([place as u64]);
        let step = point.pow([TASK as u64]);
        let parts: Vec<Fr> = coefficients
            .par_chunks(TASK)
            .map(|part| horner(part.iter().copied(), point))
            .collect();
        let expected = horner(parts.iter().copied(), step);
        (values[place] == expected)
            .then_some(())
            .ok_or("a value of the transform is wrong")?;
    }
    Ok(vec![("tables and all", time)])
}

fn horner(coefficients: impl DoubleEndedIterator<Item = Fr>, point: Fr) -> Fr {
    coefficients
        .rev()
        .fold(Fr::ZERO, |sum, coefficient| sum * point + coefficient)
}

fn places(count: usize) -> [usize; 4] {
    [0, count / 3, count / 2 + 1, count - 1]
}

/// Base i is (i + 1)·G.
fn sum(backend: Backend, log2: u32) -> Outcome<Stopwatches> {
    let generator = G1Affine::generator();
    let mut points = vec![generator; 1 << log2];
    let tasks = points.par_chunks_mut(TASK).enumerate();
    tasks.for_each(|(task, points)| {
        let mut point = generator * Fr::from((task * TASK) as u64);
        let multiples: Vec<G1Projective> = points
            .iter()
            .map(|_| {
                point += generator;
                point
            })
            .collect();
        points.copy_from_slice(&G1Projective::normalize_batch(&multiples));
    });
    let bases = G1Bases::new(&points);
    drop(points);
    let scalars = elements(1 << log2);
    let mut multiplier = Multiplier::new(backend);
    let mut times = Vec::new();
    let logarithm: Fr = scalars
        .par_iter()
        .enumerate()
        .map(|(index, scalar)| Fr::from(index as u64 + 1) * scalar)
        .sum();
    for name in ["first", "with kept memory"] {
        let stopwatch = Stopwatch::start();
        let found = multiplier.g1(&bases, &scalars);
        times.push((name, stopwatch.elapsed()));
        (found == generator * logarithm)
            .then_some(())
            .ok_or("the sum is wrong")?;
    }
    Ok(times)
}

fn map(backend: Backend, log2: u32) -> Outcome<Stopwatches> {
    let (r1cs, assignment) = synthetic::circuit(log2, 1)?;
    let stopwatch = Stopwatch::start();
    let map = WitnessMap::new(backend, r1cs.domain_size())?;
    let tables = stopwatch.elapsed();
    let mut buffers = WitnessMapBuffers::default();
    let mut times = vec![("tables", tables)];
    for name in ["first", "with kept memory"] {
        let stopwatch = Stopwatch::start();
        map.quotient(&r1cs, &assignment, &mut buffers, &Control::default())?;
        times.push((name, stopwatch.elapsed()));
    }
    let quotient = map.quotient(&r1cs, &assignment, &mut buffers, &Control::default())?;
    let size = r1cs.domain_size();
    let root = Fr::get_root_of_unity(2 * size as u64).ok_or("no root of unity")?;
    for place in places(size) {
        let point = root.pow([2 * place as u64 + 1]);
        (quotient.get(place) == expected(&r1cs, &assignment, point)?)
            .then_some(())
            .ok_or("a value of the quotient is wrong")?;
    }
    Ok(times)
}

/// a·b − c at a point outside the domain, as an integer: with ω^j the domain, f(x) = (xⁿ − 1)/n · Σ f_j·ω^j/(x − ω^j).
fn expected(r1cs: &R1cs, assignment: &[Fr], point: Fr) -> Outcome<[u64; 4]> {
    let domain = Radix2EvaluationDomain::<Fr>::new(r1cs.domain_size()).ok_or("no domain")?;
    let (rows, instance) = (r1cs.num_constraints(), r1cs.num_instance());
    let inner = |name, row| -> Fr {
        let terms = r1cs.row(name, row);
        terms
            .map(|(coefficient, column)| *coefficient * assignment[column])
            .sum()
    };
    let tasks = (0..domain.size().div_ceil(TASK)).into_par_iter().map(|task| {
        let range = task * TASK..((task + 1) * TASK).min(domain.size());
        let powers: Vec<Fr> = range.clone().map(|row| domain.element(row)).collect();
        let mut weights: Vec<Fr> = powers.iter().map(|power| point - power).collect();
        batch_inversion(&mut weights);
        let mut sums = [Fr::ZERO; 3];
        for ((row, power), weight) in range.zip(powers).zip(weights) {
            let weight = weight * power;
            if row < rows {
                for (sum, name) in sums.iter_mut().zip(MatrixName::ALL) {
                    *sum += inner(name, row) * weight;
                }
            } else if row < rows + instance {
                sums[0] += assignment[row - rows] * weight;
            }
        }
        sums
    });
    let sums = tasks.reduce(
        || [Fr::ZERO; 3],
        |left, right| [left[0] + right[0], left[1] + right[1], left[2] + right[2]],
    );
    let factor = domain.evaluate_vanishing_polynomial(point) * domain.size_inv();
    let [a, b, c] = sums.map(|sum| sum * factor);
    Ok((a * b - c).into_bigint().0)
}
