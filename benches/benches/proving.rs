//! Setup and proofs of a synthetic circuit, by the binary logarithm of its domain and by threads.
//!
//! Its rows have the form of ours (fifth powers of dense combinations, bits), so time over size reads across. The
//! command `quittance bench` measures the real circuits.

use std::num::NonZeroUsize;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use quittance_engine::{CancelFlag, Control, Engine, setup_development, synthetic};
use quittance_verifier::Shape;

fn main() {
    divan::main();
}

/// The keys carry a shape; a synthetic circuit has none, any will do.
const SHAPE: Shape = Shape::transfers_only(16, 2, 1);

const SEED: u64 = 1;

#[divan::bench(args = [10, 12], sample_count = 5)]
fn setup(bencher: Bencher, log2: u32) {
    let Ok((circuit, _)) = synthetic::circuit(log2, SEED) else {
        return;
    };
    bencher
        .counter(ItemsCount::new(circuit.num_constraints()))
        .bench(|| setup_development(black_box(&circuit), SHAPE, &|_| {}).is_ok());
}

fn prove_with(bencher: Bencher, log2: u32, threads: NonZeroUsize) {
    let Ok((circuit, assignment)) = synthetic::circuit(log2, SEED) else {
        return;
    };
    let Ok(engine) = Engine::new(threads) else {
        return;
    };
    let constraints = circuit.num_constraints();
    let Ok(key) = engine.install(|| setup_development(&circuit, SHAPE, &|_| {})) else {
        return;
    };
    bencher.counter(ItemsCount::new(constraints)).bench(|| {
        let control = Control::new(CancelFlag::new());
        engine.prove(&key, black_box(&assignment), &control).is_ok()
    });
}

/// On one thread: the work.
#[divan::bench(args = [10, 12, 14], sample_count = 10)]
fn prove_on_one_thread(bencher: Bencher, log2: u32) {
    prove_with(bencher, log2, NonZeroUsize::MIN);
}

/// On as many threads as the machine has cores: the wait.
#[divan::bench(args = [10, 12, 14], sample_count = 10)]
fn prove_on_all_cores(bencher: Bencher, log2: u32) {
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    prove_with(bencher, log2, cores);
}
