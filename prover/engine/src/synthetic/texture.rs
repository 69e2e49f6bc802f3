//! What decides the cost of a proof beside the number of rows.

use std::ops::RangeInclusive;

use ark_bn254::Fr;
use ark_ff::{BigInteger, Field, PrimeField};

use crate::{MatrixName, R1cs};

/// Density of a circuit and of its assignment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Texture {
    /// Non-zeros for each row in A, B and C.
    pub nonzeros_per_row: [f64; 3],
    /// Different coefficients.
    pub coefficients: usize,
    /// Variables for each row.
    pub variables_per_row: f64,
    /// Share of non-zeros whose coefficient is 1 or −1, from 0 to 1: no multiplication in a row.
    pub unit_coefficients: f64,
    /// Share of values that are 0, from 0 to 1: no addition in any sum.
    pub zero: f64,
    /// Share of values that are 0 or 1: their scalars cost next to nothing.
    pub boolean: f64,
    /// Share of values from 2 to 2^128 − 1: their scalars cost half or less.
    pub small: f64,
    /// Share of variables that A does not name: no addition in the A query.
    pub absent_from_a: f64,
    /// Share of variables that B does not name: no addition in the two B queries.
    pub absent_from_b: f64,
}

impl Texture {
    /// Counts. `assignment` has one value for each variable.
    #[must_use]
    pub fn of(r1cs: &R1cs, assignment: &[Fr]) -> Self {
        let (rows, variables) = (r1cs.num_constraints(), r1cs.num_variables());
        let nonzeros = MatrixName::ALL.map(|name| terms(r1cs, name).count());
        let units = terms(r1cs, MatrixName::A)
            .chain(terms(r1cs, MatrixName::B))
            .chain(terms(r1cs, MatrixName::C))
            .filter(|(coefficient, _)| **coefficient == Fr::ONE || **coefficient == -Fr::ONE)
            .count();
        let absent = |name| {
            let mut named = vec![false; variables];
            for (_, column) in terms(r1cs, name) {
                named[column] = true;
            }
            share(named.iter().filter(|&&named| !named).count(), variables)
        };
        let bits: Vec<u32> = assignment
            .iter()
            .map(|value| value.into_bigint().num_bits())
            .collect();
        let values = |range: RangeInclusive<u32>| {
            share(
                bits.iter().filter(|&bits| range.contains(bits)).count(),
                variables,
            )
        };
        Self {
            nonzeros_per_row: nonzeros.map(|count| share(count, rows)),
            unit_coefficients: share(units, nonzeros.iter().sum()),
            coefficients: r1cs.num_coefficients(),
            variables_per_row: share(variables, rows),
            zero: values(0..=0),
            boolean: values(0..=1),
            small: values(2..=128),
            absent_from_a: absent(MatrixName::A),
            absent_from_b: absent(MatrixName::B),
        }
    }
}

/// All non-zeros of a matrix, row by row.
fn terms(r1cs: &R1cs, name: MatrixName) -> impl Iterator<Item = (&Fr, usize)> {
    (0..r1cs.num_constraints()).flat_map(move |row| r1cs.row(name, row))
}

fn share(part: usize, of: usize) -> f64 {
    let number = |count: usize| u32::try_from(count).map_or(f64::INFINITY, f64::from);
    number(part) / number(of.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::circuit;

    /// The same texture at every size, so that one description does.
    #[test]
    fn texture_does_not_depend_on_size() {
        let texture = |log2| {
            let (r1cs, assignment) = circuit(log2, 1).unwrap();
            Texture::of(&r1cs, &assignment)
        };
        let (small, large) = (texture(12), texture(15));
        let near = |a: f64, b: f64, within: f64| assert!((a - b).abs() < within, "{small:?}, {large:?}");
        for (small, large) in small.nonzeros_per_row.into_iter().zip(large.nonzeros_per_row) {
            near(small, large, 0.05);
        }
        near(small.unit_coefficients, large.unit_coefficients, 0.01);
        assert!(small.coefficients > 4000 && large.coefficients < 7500);
        near(small.variables_per_row, 1.0, 0.01);
        near(small.boolean, large.boolean, 0.01);
        near(small.absent_from_a, large.absent_from_a, 0.01);
        near(small.absent_from_b, large.absent_from_b, 0.01);
    }
}
