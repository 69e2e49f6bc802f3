//! Native rules of the Quittance rollup and their circuits, side by side.
//!
//! Each rule is written twice: as plain Rust, which the service executes, and as constraints, which the proof shows. The
//! twin of `x.rs` is `x/constraints.rs`. This crate is synchronous and does no input or output; it never reaches a network
//! library or an async runtime.
//!
//! - Values: [`types`], [`float`] (amounts and fees in the pubdata).
//! - Hashes: [`poseidon`] with circomlib's parameters; [`hash`] is where rules call it.
//! - Signatures: [`babyjubjub`], [`eddsa`].
//! - State: [`leaf`], [`tree`], [`state`] (readers, overlays, changes).
//! - Rules: [`tx`] (one kind of operation each), [`batch`], [`statement`].
//! - Afterwards: [`replay`] (the state from published data), [`exit`] (one leaf proved under a root).
//! - Circuits: [`r1cs`] and [`range`] (what gadgets are made of), [`circuit`], [`shapes`].

pub mod babyjubjub;
pub mod batch;
pub mod circuit;
pub mod eddsa;
pub mod exit;
pub mod float;
pub mod hash;
mod inversion;
pub mod leaf;
pub mod poseidon;
pub mod r1cs;
pub mod range;
pub mod replay;
pub mod shapes;
pub mod state;
pub mod statement;
pub mod tree;
pub mod tx;
pub mod types;
