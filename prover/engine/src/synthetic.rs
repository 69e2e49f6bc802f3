//! A circuit of any size with the texture of a real one, for benchmarks, calibration and tests.
//!
//! A state of [`WIDTH`] values runs through rounds like those of a Poseidon permutation with its linear layers folded
//! into the rows: each value becomes the fifth power of a short weighted sum of state values, a public input and a constant, plus a
//! weighted sum of the whole state (three rows each). After every [`ROUNDS`] rounds one value is split into bits (one row for
//! each bit and one for the sum). Like the transfer circuit it has about as many wires as rows, three public inputs, few boolean
//! wires, a third of wires that B does not name, and some thousands of full-width coefficients in most of its terms;
//! [`Texture`] counts. The same size always gives the same circuit and assignment; nothing in it is secret.

mod texture;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use ark_relations::utils::matrix::Matrix;

use crate::{R1cs, R1csError};

pub use self::texture::Texture;

/// Values in the state.
pub const WIDTH: usize = 7;

/// Bits that one value is split into: the low bits, with the rest as one more wire.
const BITS: usize = 9;

/// Rounds from one split to the next.
pub const ROUNDS: usize = 8;

/// Weights of the sums, used in turn: as many as make a dictionary like the transfer circuit's, which has 6911 coefficients.
const WEIGHTS: usize = 3400;

/// Public inputs, the constant not counted: the number that every Quittance circuit has.
pub const PUBLIC_INPUTS: usize = 3;

/// Room that [`circuit`] leaves below the power of two, so that the domain has exactly this size.
const SLACK: usize = 8;

/// A circuit of 2^`log2` − 8 rows and an assignment that satisfies it. `seed` varies constants and values.
///
/// # Errors
/// [`R1csError::TooLarge`] above 2^27. Below 2^5 the circuit has 2^5 − 8 rows.
pub fn circuit(log2: u32, seed: u64) -> Result<(R1cs, Vec<Fr>), R1csError> {
    let mut matrices = [const { Vec::new() }; 3];
    let assignment = build(log2, seed, Some(&mut matrices))?;
    let num_instance = 1 + PUBLIC_INPUTS;
    let r1cs = R1cs::from_matrices(&matrices, num_instance, assignment.len() - num_instance)?;
    Ok((r1cs, assignment))
}

/// The assignment of [`circuit`] alone: the matrices are never in memory.
///
/// # Errors
/// As [`circuit`].
pub fn assignment(log2: u32, seed: u64) -> Result<Vec<Fr>, R1csError> {
    build(log2, seed, None)
}

/// Endless full-width values that a seed fixes; nothing about them is secret.
#[cfg(feature = "rivals")]
pub(crate) fn values(seed: u64) -> impl Iterator<Item = Fr> {
    let mut random = SplitMix(seed);
    std::iter::repeat_with(move || random.scalar())
}

/// The assignment; the rows go into `matrices`.
fn build(log2: u32, seed: u64, matrices: Option<&mut [Matrix<Fr>; 3]>) -> Result<Vec<Fr>, R1csError> {
    let size = 1usize
        .checked_shl(log2.max(5))
        .filter(|&size| size <= R1cs::MAX_DOMAIN);
    let Some(size) = size else {
        return Err(R1csError::TooLarge {
            what: "log2 of the number of rows",
            got: usize::try_from(log2).unwrap_or(usize::MAX),
            max: 27,
        });
    };
    let rows = size - SLACK;
    let mut builder = Builder::new(rows, seed, matrices);
    let mut state = [0; WIDTH];
    for wire in &mut state {
        let value = builder.random.scalar();
        *wire = builder.witness(value);
    }
    'rounds: for round in 1.. {
        let mut next = state;
        for (lane, out) in next.iter_mut().enumerate() {
            *out = builder.fifth_power(&state, lane);
            if builder.is_full() {
                break 'rounds;
            }
        }
        state = next;
        if round % ROUNDS == 0 {
            builder.split(state[0]);
        }
        if builder.is_full() {
            break;
        }
    }
    Ok(builder.finish())
}

/// Rows and values under construction. Column 0 is the constant, 1 to 3 the public inputs.
struct Builder<'a> {
    matrices: Option<&'a mut [Matrix<Fr>; 3]>,
    assignment: Vec<Fr>,
    /// Rows that there are to be, and rows that there are.
    rows: usize,
    done: usize,
    /// The last column that a row names.
    named: usize,
    weights: Vec<Fr>,
    /// Weights that were used so far.
    used: usize,
    random: SplitMix,
}

impl<'a> Builder<'a> {
    fn new(rows: usize, seed: u64, mut matrices: Option<&'a mut [Matrix<Fr>; 3]>) -> Self {
        for matrix in matrices.iter_mut().flat_map(|matrices| matrices.iter_mut()) {
            matrix.reserve(rows);
        }
        let mut random = SplitMix(seed);
        let weights = (0..WEIGHTS).map(|_| random.scalar()).collect();
        let mut assignment = vec![Fr::ONE];
        assignment.extend((0..PUBLIC_INPUTS).map(|_| random.scalar()));
        assignment.reserve(rows + WIDTH);
        Self {
            matrices,
            assignment,
            rows,
            done: 0,
            named: PUBLIC_INPUTS,
            weights,
            used: 0,
            random,
        }
    }

    fn is_full(&self) -> bool {
        self.done >= self.rows
    }

    fn witness(&mut self, value: Fr) -> usize {
        self.assignment.push(value);
        self.assignment.len() - 1
    }

    /// One row whose product is a new wire.
    fn multiply(&mut self, a: &[(Fr, usize)], b: &[(Fr, usize)]) -> usize {
        let value = self.value(a) * self.value(b);
        let product = self.witness(value);
        self.push(a, b, &[(Fr::ONE, product)]);
        product
    }

    fn push(&mut self, a: &[(Fr, usize)], b: &[(Fr, usize)], c: &[(Fr, usize)]) {
        if self.is_full() {
            return;
        }
        self.done += 1;
        let columns = [a, b, c].into_iter().flatten().map(|&(_, column)| column);
        self.named = columns.fold(self.named, usize::max);
        if let Some(matrices) = &mut self.matrices {
            for (matrix, row) in matrices.iter_mut().zip([a, b, c]) {
                matrix.push(row.to_vec());
            }
        }
    }

    fn value(&self, terms: &[(Fr, usize)]) -> Fr {
        terms
            .iter()
            .map(|(coefficient, column)| *coefficient * self.assignment[*column])
            .sum()
    }

    /// The next weight.
    fn weight(&mut self) -> Fr {
        let weight = self.weights[self.used % WEIGHTS];
        self.used += 1;
        weight
    }

    /// (two or three weighted state values + a public input + constant)^5 + Σ weighted state + constant.
    fn fifth_power(&mut self, state: &[usize; WIDTH], lane: usize) -> usize {
        let public = 1 + lane % PUBLIC_INPUTS;
        // Few distinct coefficients, as in a circuit with fixed round constants.
        let constant = Fr::from(self.random.next() % 61 + 2);
        let mut sum = vec![(constant, 0), (Fr::ONE, public)];
        for &wire in state.iter().cycle().skip(lane).take(2 + lane % 2) {
            sum.push((self.weight(), wire));
        }
        let square = self.multiply(&sum, &sum);
        let fourth = self.multiply(&[(Fr::ONE, square)], &[(Fr::ONE, square)]);
        // fourth · sum = new − Σ weighted state − constant.
        let mut linear = vec![(constant, 0)];
        for &wire in state {
            linear.push((self.weight(), wire));
        }
        let fourth = [(Fr::ONE, fourth)];
        let value = self.value(&fourth) * self.value(&sum) + self.value(&linear);
        let new = self.witness(value);
        for (coefficient, _) in &mut linear {
            *coefficient = -*coefficient;
        }
        linear.push((Fr::ONE, new));
        self.push(&fourth, &sum, &linear);
        new
    }

    /// A row b·(1 − b) = 0 for each low bit, and one that says bits + 2^BITS · rest = value.
    fn split(&mut self, wire: usize) {
        let value = self.assignment[wire];
        let low = ark_ff::PrimeField::into_bigint(value).0[0] % (1 << BITS);
        let mut sum = Vec::with_capacity(BITS + 1);
        let mut weight = Fr::ONE;
        for bit in 0..BITS {
            if self.is_full() {
                return;
            }
            let bit = self.witness(Fr::from((low >> bit) & 1));
            self.push(&[(Fr::ONE, bit)], &[(Fr::ONE, 0), (-Fr::ONE, bit)], &[]);
            sum.push((weight, bit));
            weight.double_in_place();
        }
        if self.is_full() {
            return;
        }
        let rest = (value - Fr::from(low)) * weight.inverse().unwrap_or(Fr::ZERO);
        let rest = self.witness(rest);
        sum.push((weight, rest));
        self.push(&sum, &[(Fr::ONE, 0)], &[(Fr::ONE, wire)]);
    }

    /// Drops wires that no row came to name: a key could not hold them.
    fn finish(self) -> Vec<Fr> {
        let mut assignment = self.assignment;
        assignment.truncate(self.named + 1);
        assignment
    }
}

/// SplitMix64: reproducible, and unfit for anything secret.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn scalar(&mut self) -> Fr {
        (0..4).fold(Fr::ZERO, |sum, _| {
            sum * Fr::from(u64::MAX) + Fr::from(self.next())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circuits_are_satisfied_and_fill_their_domain() {
        for log2 in [5, 6, 8, 12] {
            let (r1cs, assignment) = circuit(log2, 1).unwrap();
            assert_eq!(r1cs.num_constraints(), (1 << log2) - SLACK);
            assert_eq!(r1cs.domain_size(), 1 << log2);
            assert_eq!(r1cs.first_unsatisfied(&assignment), None);
            assert!(r1cs.used_variables().into_iter().all(|used| used));
        }
        assert!(circuit(28, 1).is_err());
        assert!(circuit(99, 1).is_err());
    }

    #[test]
    fn the_assignment_alone_is_the_same() {
        for log2 in [5, 7, 10] {
            assert_eq!(assignment(log2, 3).unwrap(), circuit(log2, 3).unwrap().1);
        }
    }
}
