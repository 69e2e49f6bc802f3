//! The real command, killed at random moments under load, and on disks that are full, read-only, damaged or shared.
//!
//! `CRASH_ROUNDS` sets how often the service is killed (50 without it), `CRASH_SEED` another schedule.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod accounts;
mod audit;
mod client;
mod exclusive;
mod full_disk;
mod harness;
mod kill;
mod mount;
mod read_only;
mod watcher;
mod wire;
