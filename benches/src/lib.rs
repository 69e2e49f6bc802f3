//! Benchmarks of Quittance.
