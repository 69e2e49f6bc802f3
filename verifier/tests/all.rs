//! All integration tests in one binary: known answers, attacks by class (`circuits/ATTACKS.md`), tampering, properties,
//! and, with the feature `cli`, JSON, files for snarkjs and the command line.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod known_answers;
mod properties;
#[path = "support/simulator.rs"]
mod simulator;
mod soundness;
mod tamper;
#[path = "support/toy.rs"]
mod toy;

#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "cli")]
mod json;
#[cfg(feature = "cli")]
mod snarkjs;
