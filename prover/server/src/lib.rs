//! The Quittance prover service and command line.

pub mod batch;
pub mod config;
pub mod encoding;
pub mod jobs;
pub mod progress;
pub mod stop;
pub mod store;
