//! The Quittance prover service and command line.
