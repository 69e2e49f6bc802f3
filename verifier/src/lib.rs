//! Offline verification of Quittance proofs: statement, keys, proofs and bundles.
//!
//! A bundle says: *this batch of operations moves the rollup from this state root to that one*, and carries a
//! Groth16 proof over BN254. An exit bundle says: *this leaf, with this balance and owner, is in the tree of this root*,
//! and has a circuit, a key and a verifier of its own, [`ExitVerifier`]. [`Verifier::verify`] recomputes the statement from the bundle's facts, and one
//! pairing product decides. The verifying key always comes from the caller, never from the bundle.
//!
//! ```
//! use quittance_verifier::{Bundle, DevelopmentKeys, Verifier, VerifyingKey};
//!
//! fn check(key: &[u8], bundle: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//!     let key = VerifyingKey::from_bytes(key)?; // curves, subgroups, phase 2
//!     let verifier = Verifier::new(&key, DevelopmentKeys::Refuse)?; // provenance
//!     verifier.verify(&Bundle::from_bytes(bundle)?)?; // statement and proof
//!     Ok(())
//! }
//! ```
//!
//! Every integer and field element at an edge of this crate is big-endian, and every decoder accepts exactly
//! one byte string for each value. The encodings are drawn, byte by byte, in `verifier/README.md`.
//!
//! What this crate must never reach: `std`, `ark-relations`, `ark-groth16`, `rayon`, and, but for the `cli`
//! feature, `serde`; no clock, no operating-system randomness, no threads, no hash maps, no unsafe code. It
//! depends on no other crate of ours: whoever checks a statement defines it.

#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::panic_in_result_fn,
    clippy::unreachable,
    clippy::host_endian_bytes,
    clippy::float_arithmetic
)]

extern crate alloc;

pub mod encoding;

mod batch;
mod bundle;
mod chain;
mod error;
mod exit;
mod facts;
#[cfg(feature = "cli")]
pub mod json;
mod keys;
mod proof;
mod queue;
mod shape;
#[cfg(feature = "cli")]
pub mod snarkjs;
mod statement;
mod verify;

pub use batch::{batch_scalars, verify_batch};
pub use bundle::Bundle;
pub use chain::verify_chain;
pub use error::{BatchError, ChainError, DecodeError, StatementError, VerifyError};
pub use exit::{
    ExitBundle, ExitFacts, ExitVerifier, ExitVerifyingKey, TAG_EXIT_KEY, TAG_EXIT_STATEMENT, exit_challenge,
    exit_elements, exit_public_inputs,
};
pub use facts::{
    Facts, FeeData, OpeningData, Payout, PriorityData, RotationData, TransferData, WithdrawalData,
};
pub use keys::{KeyId, KeyPoints, Provenance, VerifyingKey};
pub use proof::Proof;
pub use queue::{Deposit, EMPTY_QUEUE, ForcedExit, PriorityRequest, TAG_PRIORITY};
pub use shape::{Section, Shape};
pub use statement::{
    DEMO_ROLLUP_ID, TAG_BATCH_VERIFY, TAG_ROLLUP, TAG_STATEMENT, TAG_VERIFYING_KEY, challenge, elements,
    evaluate, pubdata, public_inputs, rollup_id,
};
pub use verify::{DevelopmentKeys, Verifier};
