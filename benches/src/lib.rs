//! Fixtures of the benchmarks, one file per subject under `benches/`.
//!
//! Every input is made outside the timer from fixed seeds, so that two runs measure the same work. Run them
//! with `cargo bench -p quittance-benches`, one subject with `--bench hashing`. Whole proofs are measured by the
//! command `quittance bench`, which has keys and a state.

pub mod batches;
pub mod proofs;

use ark_bn254::Fr;
use ark_ff::Field;

/// An endless sequence of field elements that a seed fixes: x ← x² + seed, starting at seed.
///
/// Full-width after a few steps; nothing about it is random.
pub fn elements(seed: u64) -> impl Iterator<Item = Fr> {
    let seed = Fr::from(seed);
    // Skips the first, short values.
    core::iter::successors(Some(seed), move |x| Some(x.square() + seed)).skip(16)
}

/// An array of such elements.
#[must_use]
pub fn array<const N: usize>(seed: u64) -> [Fr; N] {
    let mut elements = elements(seed);
    core::array::from_fn(|_| elements.next().unwrap_or_default())
}
