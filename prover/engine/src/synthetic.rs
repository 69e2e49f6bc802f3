//! A circuit of any size with the texture of a real one, for benchmarks, calibration and tests.
//!
//! A state of [`WIDTH`] values runs through rounds like those of a Poseidon permutation: each value becomes the
//! fifth power of a short sum of state values and a constant (three rows each), and after each round one value is
//! split into bits (one row for each bit and one for the sum). Like the transfer circuit it has about as many
//! wires as rows, three public inputs, about a quarter boolean wires, a quarter of wires that B does not name, and
//! coefficients that are mostly 1. The same size always gives the same circuit and assignment; nothing in it
//! is secret.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use ark_relations::utils::matrix::Matrix;

use crate::{R1cs, R1csError};

/// Values in the state.
pub const WIDTH: usize = 7;

/// Bits that one value is split into after each round: the low bits, with the rest as one more wire.
const BITS: usize = 9;

/// Public inputs, the constant not counted: the number that every Quittance circuit has.
pub const PUBLIC_INPUTS: usize = 3;

/// Room that [`circuit`] leaves below the power of two, so that the domain has exactly this size.
const SLACK: usize = 8;

/// A circuit of 2^`log2` − 8 rows and an assignment that satisfies it. `seed` varies constants and values.
///
/// # Errors
/// [`R1csError::TooLarge`] above 2^27. Below 2^5 the circuit has 2^5 − 8 rows.
pub fn circuit(log2: u32, seed: u64) -> Result<(R1cs, Vec<Fr>), R1csError> {
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
    let mut builder = Builder::new(rows, seed);
    let mut state = [0; WIDTH];
    for wire in &mut state {
        let value = builder.random.scalar();
        *wire = builder.witness(value);
    }
    'rounds: loop {
        let mut next = state;
        for (lane, out) in next.iter_mut().enumerate() {
            *out = builder.fifth_power(&state, lane);
            if builder.is_full() {
                break 'rounds;
            }
        }
        state = next;
        builder.split(state[0]);
        if builder.is_full() {
            break;
        }
    }
    builder.finish()
}

/// Rows and values under construction. Column 0 is the constant, 1 to 3 the public inputs.
struct Builder {
    matrices: [Matrix<Fr>; 3],
    assignment: Vec<Fr>,
    rows: usize,
    random: SplitMix,
}

impl Builder {
    fn new(rows: usize, seed: u64) -> Self {
        let mut random = SplitMix(seed);
        let mut assignment = vec![Fr::ONE];
        assignment.extend((0..PUBLIC_INPUTS).map(|_| random.scalar()));
        assignment.reserve(rows + WIDTH);
        Self {
            matrices: [const { Vec::new() }; 3].map(|_: Matrix<Fr>| Vec::with_capacity(rows)),
            assignment,
            rows,
            random,
        }
    }

    fn is_full(&self) -> bool {
        self.matrices[0].len() >= self.rows
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
        if !self.is_full() {
            for (matrix, row) in self.matrices.iter_mut().zip([a, b, c]) {
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

    /// (Σ state + constant)^5; the public inputs come in through the first lanes.
    fn fifth_power(&mut self, state: &[usize; WIDTH], lane: usize) -> usize {
        let public = 1 + lane % PUBLIC_INPUTS;
        // Few distinct coefficients, as in a circuit with fixed round constants.
        let constant = Fr::from(self.random.next() % 61 + 2);
        let mut sum = vec![(constant, 0), (Fr::ONE, public)];
        sum.extend(
            state
                .iter()
                .cycle()
                .skip(lane)
                .take(4)
                .map(|&wire| (Fr::ONE, wire)),
        );
        let square = self.multiply(&sum, &sum);
        let fourth = self.multiply(&[(Fr::ONE, square)], &[(Fr::ONE, square)]);
        self.multiply(&[(Fr::ONE, fourth)], &sum)
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
    fn finish(self) -> Result<(R1cs, Vec<Fr>), R1csError> {
        let Self {
            matrices,
            mut assignment,
            ..
        } = self;
        let named = matrices
            .iter()
            .flatten()
            .flatten()
            .map(|&(_, column)| column)
            .max()
            .unwrap_or(0);
        assignment.truncate(named.max(PUBLIC_INPUTS) + 1);
        let num_instance = 1 + PUBLIC_INPUTS;
        let r1cs = R1cs::from_matrices(&matrices, num_instance, assignment.len() - num_instance)?;
        Ok((r1cs, assignment))
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
    use crate::MatrixName;

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

    /// What the module's documentation and the benchmarks say about density.
    #[test]
    fn texture_is_that_of_a_real_circuit() {
        let (r1cs, assignment) = circuit(14, 1).unwrap();
        let rows = r1cs.num_constraints();
        let wires = r1cs.num_variables();
        assert!(wires.abs_diff(rows) < rows / 20, "{wires} wires, {rows} rows");
        let boolean = assignment
            .iter()
            .filter(|&value| *value == Fr::ZERO || *value == Fr::ONE)
            .count();
        assert!(
            (20..30).contains(&(100 * boolean / wires)),
            "{boolean} of {wires} boolean"
        );
        let terms = |name| (0..rows).map(|row| r1cs.row(name, row).count()).sum::<usize>() * 10 / rows;
        let [a, b, c] = MatrixName::ALL.map(terms);
        assert!(
            (20..40).contains(&a) && (30..50).contains(&b) && (6..11).contains(&c),
            "{a} {b} {c}"
        );
    }
}
