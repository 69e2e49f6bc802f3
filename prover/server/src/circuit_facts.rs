//! What is known about a shape's circuit without a key: counts and the digest of its matrices.
//!
//! For the shipped shapes it is pinned in `circuit_facts.csv`, so that a start-up never synthesises a circuit; a test
//! recomputes every row. For other shapes (tests) the circuit is built.

use std::str::FromStr;

use quittance_circuits::circuit::circuit;
use quittance_circuits::shapes;
use quittance_engine::{Digest, R1cs, R1csError};
use quittance_verifier::Shape;

const PINNED: &str = include_str!("circuit_facts.csv");

/// Counts and digest of one circuit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitFacts {
    /// The shape.
    pub shape: Shape,
    /// Rows.
    pub constraints: u64,
    /// Rows of one further transfer slot, its share of the statement included, rounded up.
    pub constraints_per_transfer: u64,
    /// Witness variables.
    pub witness: u64,
    /// Non-zero entries of the three matrices together.
    pub nonzeros: u64,
    /// Distinct coefficients of the three matrices.
    pub coefficients: u64,
    /// Size of the evaluation domain.
    pub domain: u64,
    /// Digest of the matrices.
    pub matrices: Digest,
}

impl CircuitFacts {
    /// The facts of a shape; builds its circuit if they are not pinned.
    pub fn of(shape: &Shape) -> Result<Self, R1csError> {
        if let Some(facts) = Self::pinned(shape) {
            return Ok(facts);
        }
        let r1cs = matrices(shape)?;
        let witness = r1cs.num_variables() - r1cs.num_instance();
        Ok(Self::new(
            shape,
            count(witness),
            count(r1cs.nonzeros()),
            count(r1cs.num_coefficients()),
            r1cs.digest(),
        ))
    }

    /// The facts of a shipped shape.
    fn pinned(shape: &Shape) -> Option<Self> {
        let name = shape.name();
        let row = PINNED
            .lines()
            .find_map(|line| line.strip_prefix(&name)?.strip_prefix(','))?;
        let mut fields = row.split(',');
        Some(Self::new(
            shape,
            fields.next()?.parse().ok()?,
            fields.next()?.parse().ok()?,
            fields.next()?.parse().ok()?,
            Digest::from_str(fields.next()?).ok()?,
        ))
    }

    fn new(shape: &Shape, witness: u64, nonzeros: u64, coefficients: u64, matrices: Digest) -> Self {
        Self {
            shape: *shape,
            constraints: shapes::predicted_constraints(shape),
            constraints_per_transfer: constraints_per_transfer(shape),
            witness,
            nonzeros,
            coefficients,
            domain: shapes::domain(shape),
            matrices,
        }
    }
}

/// The matrices of a shape, as keys hold them. Takes memory and seconds for large shapes.
pub fn matrices(shape: &Shape) -> Result<R1cs, R1csError> {
    let built = circuit(shape);
    R1cs::from_matrices(
        &[built.a, built.b, built.c],
        built.num_instance,
        built.num_witness,
    )
}

/// The mean over 32 further slots, after which the statement's sponge has absorbed exactly one more block.
fn constraints_per_transfer(shape: &Shape) -> u64 {
    const FURTHER: u32 = 32;
    let larger = Shape {
        transfers: shape.transfers.saturating_add(FURTHER),
        ..*shape
    };
    let added = shapes::predicted_constraints(&larger).saturating_sub(shapes::predicted_constraints(shape));
    added.div_ceil(u64::from(FURTHER))
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pinned_facts_are_those_of_the_circuits() {
        for shape in shapes::SHAPES {
            let pinned = CircuitFacts::pinned(&shape).expect("every shipped shape is pinned");
            let r1cs = matrices(&shape).expect("circuit");
            assert_eq!(
                pinned.constraints,
                count(r1cs.num_constraints()),
                "{}",
                shape.name()
            );
            let row = format!(
                "{},{},{}",
                r1cs.nonzeros(),
                r1cs.num_coefficients(),
                r1cs.digest()
            );
            assert_eq!(
                format!("{},{},{}", pinned.nonzeros, pinned.coefficients, pinned.matrices),
                row,
                "{}",
                shape.name()
            );
            assert_eq!(pinned.witness, count(r1cs.num_variables() - r1cs.num_instance()));
        }
    }

    #[test]
    fn a_further_transfer_stays_below_the_bar() {
        for shape in shapes::SHAPES {
            assert!(constraints_per_transfer(&shape) <= 24_700, "{}", shape.name());
        }
    }
}
