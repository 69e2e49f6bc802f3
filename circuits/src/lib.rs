//! Native rules of the Quittance rollup and their circuits.

pub mod babyjubjub;
pub mod batch;
pub mod circuit;
pub mod eddsa;
pub mod float;
pub mod hash;
pub mod leaf;
pub mod poseidon;
pub mod r1cs;
pub mod range;
pub mod shapes;
pub mod state;
pub mod statement;
pub mod tree;
pub mod tx;
pub mod types;
