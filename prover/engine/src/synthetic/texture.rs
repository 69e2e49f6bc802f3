//! What decides the cost of a proof beside the number of rows.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

use crate::{MatrixName, R1cs};

/// Density of a circuit and of its assignment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Texture {
    /// Non-zeros for each row in A, B and C.
    pub nonzeros_per_row: [f64; 3],
    /// Variables for each row.
    pub variables_per_row: f64,
    /// Share of values that are 0 or 1, from 0 to 1: their scalars cost next to nothing.
    pub boolean: f64,
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
        let nonzeros = |name| (0..rows).map(|row| r1cs.row(name, row).count()).sum();
        let absent = |name| {
            let mut named = vec![false; variables];
            for row in 0..rows {
                for (_, column) in r1cs.row(name, row) {
                    named[column] = true;
                }
            }
            share(named.iter().filter(|&&named| !named).count(), variables)
        };
        let boolean = assignment
            .iter()
            .filter(|&value| *value == Fr::ZERO || *value == Fr::ONE);
        Self {
            nonzeros_per_row: MatrixName::ALL.map(|name| share(nonzeros(name), rows)),
            variables_per_row: share(variables, rows),
            boolean: share(boolean.count(), variables),
            absent_from_a: absent(MatrixName::A),
            absent_from_b: absent(MatrixName::B),
        }
    }
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
        near(small.variables_per_row, 1.0, 0.01);
        near(small.boolean, large.boolean, 0.01);
        near(small.absent_from_a, large.absent_from_a, 0.01);
        near(small.absent_from_b, large.absent_from_b, 0.01);
    }
}
