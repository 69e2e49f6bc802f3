//! The rules of a batch, native and in the circuit: that they accept, what they cost, and every attack on them.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside of test functions"
)]

mod assignment;
mod attacks;
mod completeness;
mod counts;
mod differential;
mod elimination;
mod forger;
mod mutants;
mod soundness;
mod support;
mod tampering;
