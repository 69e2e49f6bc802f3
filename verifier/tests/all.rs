//! All integration tests in one binary: known answers, attacks by row of SOUNDNESS.md, tampering, properties,
//! and, with the feature `cli`, JSON and the command line.

mod known_answers;
#[path = "support/simulator.rs"]
mod simulator;
