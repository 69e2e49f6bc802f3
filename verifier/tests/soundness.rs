//! Attacks, each named after its row of the known bug classes in `circuits/ATTACKS.md`. Every test starts from something valid, mounts the attack
//! and names the exact error.
//!
//! Rows of circuits, signatures, service and contract have their tests there; here are those of the verifier.

mod batches;
mod decoding;
mod exits;
mod inputs;
mod keys;
mod proofs;
mod pubdata;
mod queue;
mod statements;
