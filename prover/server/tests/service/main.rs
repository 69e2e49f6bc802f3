//! The service over real gRPC on a loopback port, with a small circuit (16 accounts; 2 transfers and 1 fee slot, or a few slots for
//! every kind).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod accounts;
mod batching;
mod connections;
mod damage;
mod edge;
mod full_fee_leaf;
mod harness;
mod history;
mod idempotency;
mod kinds;
mod lifecycle;
mod memory;
mod mixed;
mod model;
mod opened_fee_leaf;
mod policy;
mod priority;
mod proving;
mod refusals;
mod restart;
mod rollback;
mod standard;
mod streams;
