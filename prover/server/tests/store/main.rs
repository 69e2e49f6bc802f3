//! The store: one transaction for each step, and refusal of what cannot be trusted.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod damaged_file;
mod damaged_rows;
mod harness;
mod keys;
mod migration;
mod model;
mod operations;
mod rollback;
mod steps;
