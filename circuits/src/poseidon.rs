//! Poseidon over the scalar field of BN254, native, with circomlib's parameters (x^5, R_F = 8; see [`params`]).
//!
//! Equal to circomlib's `poseidon` for 1 to 16 inputs: `hash_with_capacity(inputs, 0)`.

pub mod constraints;
pub mod params;
mod partial;
mod run;
mod sparse;

use ark_bn254::Fr;
use ark_ff::{Field, Zero};

use params::{MAX_WIDTH, Params};

/// Elements that the statement sponge absorbs with one permutation.
pub const SPONGE_RATE: usize = 16;

/// Applies the permutation of width `state.len()` in place. About 14.5 µs for t = 5 and 70 µs for t = 17 on one core; no
/// allocation after the first use of a width.
///
/// # Panics
///
/// If the length is outside 2..=17: there is no such permutation.
pub fn permute(state: &mut [Fr]) {
    sparse::permute(state);
}

/// circomlib's hash of 1 to 16 inputs, started with `capacity` in state\[0\]; the result is state\[0\].
///
/// # Panics
///
/// If the number of inputs is outside 1..=16.
#[must_use]
pub fn hash_with_capacity(inputs: &[Fr], capacity: Fr) -> Fr {
    let mut state = [Fr::zero(); MAX_WIDTH];
    let state = &mut state[..=inputs.len()];
    state[0] = capacity;
    state[1..].copy_from_slice(inputs);
    permute(state);
    state[0]
}

/// The statement hash: t = 17, state\[0\] starts as the number of elements, each block of 16 elements (the last one
/// padded with zeros) is added to state\[1..=16\] and followed by one permutation; the result is state\[1\].
///
/// Without elements there is no block and no permutation, and the result is 0; a statement is never empty.
#[must_use]
pub fn sponge(elements: &[Fr]) -> Fr {
    let mut state = [Fr::zero(); MAX_WIDTH];
    state[0] = Fr::from(elements.len() as u64);
    for block in elements.chunks(SPONGE_RATE) {
        for (lane, element) in state[1..].iter_mut().zip(block) {
            *lane += element;
        }
        permute(&mut state);
    }
    state[1]
}

/// The permutation exactly as specified, round by round; the oracle for [`permute`].
fn permute_reference(params: &Params, state: &mut [Fr]) {
    let mut next = [Fr::zero(); MAX_WIDTH];
    for round in 0..params.rounds() {
        for (x, c) in state.iter_mut().zip(params.constants_of_round(round)) {
            *x += c;
        }
        let boxes = if params.is_full(round) { params.t } else { 1 };
        state[..boxes].iter_mut().for_each(sbox);
        for (y, row) in next.iter_mut().zip(&params.mds) {
            *y = row.iter().zip(state.iter()).map(|(m, x)| *m * x).sum();
        }
        state.copy_from_slice(&next[..params.t]);
    }
}

fn sbox(x: &mut Fr) {
    let square = x.square();
    *x *= square.square();
}
