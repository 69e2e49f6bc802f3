//! The partial rounds of Poseidon as rows with few non-zeros.
//!
//! A partial round raises one element to the fifth power and mixes all of them linearly. Its three rows
//! `x·x = s`, `s·s = q`, `q·x = y` define three variables, and the third may be any variable in which `y` is linear.
//! Writing the input of the next S-box as that variable keeps A and B at one term, but then `y` is a combination of
//! everything since the last full round: the 60 rounds of t = 5 would cost about 2,200 non-zeros.
//!
//! So the rounds are cut into segments. In the last t rounds of a segment, the third variables are chosen to be the
//! t elements of the state *after* the segment. No row is added; the t − 1 inputs in between become combinations
//! (which appear three times each), and every later combination starts afresh from t variables.

use super::params::Params;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Coefficients of one segment of partial rounds.
///
/// They are over the segment's basis: the constant 1, the incoming state elements 1..t, the inputs of the S-boxes
/// of rounds 2..=k−t+1 (variables made here), the t elements of the outgoing state (variables made here).
#[derive(Debug)]
pub(super) struct Segment {
    /// Output of each S-box over the basis; length is the number of rounds.
    pub(super) outputs: Vec<Vec<Fr>>,
    /// Input of each of the last t − 1 S-boxes over the basis.
    pub(super) late_inputs: Vec<Vec<Fr>>,
}

impl Segment {
    /// Solves for one segment of `rounds ≥ t` rounds. `None` if the rounds do not determine the state, which is not
    /// the case for circomlib's parameters (a test runs every width in use).
    fn new(params: &Params, first_round: usize, rounds: usize) -> Option<Self> {
        let t = params.t;
        let free = rounds.checked_sub(t)?;
        let basis = rounds + t;
        // Columns while the outputs y are still unknown: 1, incoming 1..t, y_1..y_rounds.
        let unknowns = t + rounds;
        let unit = |column: usize| {
            let mut row = vec![Fr::ZERO; unknowns];
            row[column] = Fr::ONE;
            row
        };
        let mut state: Vec<Vec<Fr>> = (0..t).map(unit).collect();
        let mut firsts = Vec::with_capacity(rounds);
        for round in 0..rounds {
            state[0] = unit(t + round);
            let constants = &params.round_constants[(first_round + round + 1) * t..][..t];
            state = (0..t)
                .map(|i| {
                    let mut mixed = vec![Fr::ZERO; unknowns];
                    for (j, element) in state.iter().enumerate() {
                        add_scaled(&mut mixed, element, params.mds[i][j]);
                    }
                    mixed[0] += constants[i];
                    mixed
                })
                .collect();
            firsts.push(state[0].clone());
        }

        // Express y_1.. over the basis, in order.
        let substitute = |row: &[Fr], outputs: &[Vec<Fr>]| {
            let mut expressed = vec![Fr::ZERO; basis];
            expressed[..t].copy_from_slice(&row[..t]);
            for (y, output) in row[t..].iter().zip(outputs) {
                add_scaled(&mut expressed, output, *y);
            }
            expressed
        };
        let mut outputs: Vec<Vec<Fr>> = Vec::with_capacity(rounds);
        for round in 0..free {
            let inverse = firsts[round][t + round].inverse()?;
            let mut output = substitute(&firsts[round], &outputs);
            output.iter_mut().for_each(|c| *c *= -inverse);
            output[t + round] += inverse;
            outputs.push(output);
        }
        let pivot: Vec<Vec<Fr>> = state.iter().map(|row| row[t + free..].to_vec()).collect();
        let inverse = invert(&pivot)?;
        let known: Vec<Vec<Fr>> = state.iter().map(|row| substitute(row, &outputs)).collect();
        for row in &inverse {
            let mut output = vec![Fr::ZERO; basis];
            for (j, factor) in row.iter().enumerate() {
                add_scaled(&mut output, &known[j], -*factor);
                output[t + free + j] += factor;
            }
            outputs.push(output);
        }
        let late_inputs = (free..rounds - 1)
            .map(|round| substitute(&firsts[round], &outputs))
            .collect();
        Some(Self { outputs, late_inputs })
    }
}

/// Cuts the partial rounds of `params` into segments: the first round of each, counted over all rounds, and its length.
pub(super) fn cuts(params: &Params) -> Vec<(usize, usize)> {
    let total = params.partial_rounds;
    let count = (total / segment_length(params.t)).max(1);
    let mut first_round = params.full_rounds / 2;
    let mut left = total;
    (0..count)
        .map(|index| {
            let rounds = left.div_ceil(count - index);
            let cut = (first_round, rounds);
            first_round += rounds;
            left -= rounds;
            cut
        })
        .collect()
}

/// Solves for all segments.
pub(super) fn segments(params: &Params) -> Option<Vec<Segment>> {
    let cuts = cuts(params).into_iter();
    cuts.map(|(first_round, rounds)| Segment::new(params, first_round, rounds))
        .collect()
}

/// Rounds in a segment: measured to give the fewest non-zeros.
fn segment_length(t: usize) -> usize {
    t * 5 / 2
}

/// The inverse of a square matrix, by Gauss and Jordan; `None` if it is singular.
pub(super) fn invert(matrix: &[Vec<Fr>]) -> Option<Vec<Vec<Fr>>> {
    let n = matrix.len();
    let mut rows: Vec<Vec<Fr>> = matrix
        .iter()
        .enumerate()
        .map(|(i, row)| {
            let mut extended = row.clone();
            extended.extend((0..n).map(|j| Fr::from(i == j)));
            extended
        })
        .collect();
    for column in 0..n {
        let pivot = (column..n).find(|&i| rows[i][column] != Fr::ZERO)?;
        rows.swap(column, pivot);
        let inverse = rows[column][column].inverse()?;
        rows[column].iter_mut().for_each(|c| *c *= inverse);
        let pivot_row = rows[column].clone();
        for (i, row) in rows.iter_mut().enumerate() {
            if i != column {
                let factor = -row[column];
                add_scaled(row, &pivot_row, factor);
            }
        }
    }
    Some(rows.into_iter().map(|row| row[n..].to_vec()).collect())
}

fn add_scaled(target: &mut [Fr], source: &[Fr], factor: Fr) {
    if factor != Fr::ZERO {
        for (t, s) in target.iter_mut().zip(source) {
            *t += *s * factor;
        }
    }
}
