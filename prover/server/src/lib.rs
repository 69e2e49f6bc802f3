//! The Quittance prover service and command line.

pub mod backend;
pub mod batch;
pub mod circuit_facts;
pub mod cli;
pub mod config;
pub mod encoding;
pub mod engine_backend;
pub mod execute;
pub mod grpc;
pub mod jobs;
pub mod keys;
pub mod node;
pub mod operation;
pub mod progress;
pub mod prover;
pub mod service;
pub mod store;
pub mod telemetry;
