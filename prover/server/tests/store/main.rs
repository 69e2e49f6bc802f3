//! The store: one transaction for each step, and refusal of what cannot be trusted.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod damaged_file;
mod damaged_rows;
mod formats;
mod harness;
mod keys;
mod model;
mod operations;
mod priority;
mod rollback;
mod steps;
