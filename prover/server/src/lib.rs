//! The Quittance prover service and command line.

pub mod backend;
pub mod batch;
mod causes;
pub mod circuit_facts;
pub mod cli;
pub mod clock;
pub mod config;
pub mod encoding;
pub mod engine_backend;
pub mod grpc;
pub mod jobs;
pub mod keys;
pub mod node;
pub mod operation;
pub mod policy;
pub mod progress;
pub mod prover;
pub mod sequencer;
pub mod service;
pub mod store;
pub mod telemetry;
