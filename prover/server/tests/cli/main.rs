//! The command, run as a process: exit codes, messages, and that every error says what to do next.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod bench;
mod configuration;
mod disk;
mod files;
mod harness;
mod kinds;
mod memory;
mod operations;
mod replay;
mod rollback;
mod service;
