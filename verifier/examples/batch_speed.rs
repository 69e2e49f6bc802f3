//! Measures verification: one bundle at a time, and in batches. Prints one line for each batch size.
//!
//! Usage: `cargo run --release -p quittance-verifier --example batch_speed [SHAPE]` (default t8f1)

#![expect(clippy::unwrap_used, reason = "a measurement fails by panicking")]

#[expect(dead_code, reason = "tests use the rest")]
#[path = "../tests/support/simulator.rs"]
mod simulator;

use std::io::Write;
use std::time::{Duration, Instant};

use quittance_verifier::{Shape, verify_batch};
use simulator::Simulator;

fn main() {
    let shape = std::env::args().nth(1).unwrap_or_else(|| "t8f1".to_owned());
    let transfers = Shape::parse_name(&shape).unwrap().transfers.try_into().unwrap();
    let simulator = Simulator::ceremony(1, &shape);
    let verifier = simulator.verifier();
    let bundles: Vec<_> = (0..64)
        .map(|seed| simulator.bundle(simulator::facts(seed, transfers, 1), seed))
        .collect();
    let mut out = std::io::stdout().lock();
    for size in [1, 2, 4, 8, 16, 32, 64] {
        let bundles = &bundles[..size];
        let items: Vec<_> = bundles.iter().map(|bundle| (&verifier, bundle)).collect();
        let single = median(|| bundles.iter().for_each(|bundle| verifier.verify(bundle).unwrap()));
        let batched = median(|| verify_batch(&items).unwrap());
        let each = |time: Duration| time.as_secs_f64() * 1e3 / f64::from(u32::try_from(size).unwrap());
        let ratio = single.as_secs_f64() / batched.as_secs_f64();
        writeln!(
            out,
            "{size:>3} bundles of {shape}: singly {:.3} ms each, batched {:.3} ms each, {ratio:.2} x faster",
            each(single),
            each(batched)
        )
        .unwrap();
    }
}

/// The median of seven runs.
fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<_> = (0..7)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[3]
}
