//! Native rules of the Quittance rollup and their circuits.

pub mod babyjubjub;
pub mod eddsa;
pub mod float;
pub mod hash;
pub mod leaf;
pub mod poseidon;
pub mod r1cs;
pub mod range;
pub mod state;
pub mod tree;
pub mod types;
