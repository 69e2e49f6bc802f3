//! Times base field operations of every backend beside ark-ff, in turns: `field [RUNS]`, for example
//! `cargo run --release -p quittance-engine --example field -- 300`. Nanoseconds of CPU time for one element: the tenth percentile of the
//! runs, and their median. On a shared machine neighbours only add, so the first says what the code costs.
//! The figures of `docs/field.md` come from it.

use std::error::Error;
use std::hint::black_box;
use std::io::Write;

use ark_bn254::{Fq, Fq2};
use ark_ff::{AdditiveGroup, Field};
use quittance_engine::{Backend, FieldOperation};
use rustix::time::{ClockId, clock_gettime};

const OPERANDS: usize = 256;
const ROUNDS: usize = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let runs = std::env::args().nth(1).map_or(Ok(300), |text| text.parse())?;
    let backends = Backend::available();
    let mut out = std::io::stdout().lock();
    write!(out, "{:16} {:>16}", "ns", "ark-ff")?;
    for backend in &backends {
        write!(out, " {:>16}", backend.name())?;
    }
    writeln!(out)?;
    for operation in [
        FieldOperation::Add,
        FieldOperation::Subtract,
        FieldOperation::Multiply,
        FieldOperation::Square,
        FieldOperation::MultiplyPair,
        FieldOperation::Reduce,
        FieldOperation::Convert,
    ] {
        let mut times = vec![Vec::new(); backends.len() + 1];
        for _ in 0..runs {
            times[0].push(cpu_ns(|| arkworks(operation)));
            for (times, backend) in times[1..].iter_mut().zip(&backends) {
                times.push(cpu_ns(|| backend.exercise(operation, ROUNDS)));
            }
        }
        write!(out, "{:16}", format!("{operation:?}"))?;
        for mut times in times {
            times.sort_by(f64::total_cmp);
            let (tenth, median) = (times[times.len() / 10], times[times.len() / 2]);
            write!(out, " {tenth:8.2} {median:7.2}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Nanoseconds of this thread's CPU time for one of the operands.
fn cpu_ns(work: impl FnOnce()) -> f64 {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
    };
    let start = now();
    work();
    (now() - start) / (OPERANDS * ROUNDS) as f64
}

fn arkworks(operation: FieldOperation) {
    let mut element = Fq::ONE;
    let mut draw = || {
        element.double_in_place();
        element += Fq::ONE;
        element
    };
    let mut a: [Fq; OPERANDS] = std::array::from_fn(|_| draw());
    let mut b: [Fq; OPERANDS] = std::array::from_fn(|_| draw());
    let mut out = a;
    for _ in 0..ROUNDS {
        black_box((&mut a, &mut b, &mut out));
        for i in 0..OPERANDS {
            match operation {
                FieldOperation::Add => out[i] = a[i] + b[i],
                FieldOperation::Subtract => out[i] = a[i] - b[i],
                FieldOperation::Multiply => out[i] = a[i] * b[i],
                FieldOperation::Square => out[i] = a[i].square(),
                FieldOperation::MultiplyPair => {
                    let product = Fq2::new(a[i], out[i]) * Fq2::new(b[i], b[OPERANDS - 1 - i]);
                    (a[i], out[i]) = (product.c0, product.c1);
                }
                _ => return,
            }
        }
    }
    black_box((&a, &out));
}
