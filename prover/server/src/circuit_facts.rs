//! What is known about a shape's circuit without a key: counts and the digest of its matrices.
//!
//! For the shipped shapes it is pinned in `circuit_facts.csv`, so that a start-up never synthesises a circuit; a test
//! recomputes every row. For other shapes (tests) the circuit is built. After a deliberate change of the circuits:
//! `QUITTANCE_UPDATE_COUNTS=1 cargo test -p quittance --lib circuit_facts`.

use std::str::FromStr;

use quittance_circuits::circuit::{NUM_INSTANCE, circuit};
use quittance_circuits::{exit, shapes};
use quittance_engine::{CircuitSize, Digest, ExitCircuit, R1cs, R1csError};
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
    /// Variables that are 0 or 1 in every assignment.
    pub booleans: u64,
    /// Non-zero entries of the three matrices together.
    pub nonzeros: u64,
    /// Distinct coefficients of the three matrices.
    pub coefficients: u64,
    /// Size of the evaluation domain.
    pub domain: u64,
    /// Points of a key's A query.
    pub a_points: u64,
    /// Points of its B query, in each group.
    pub b_points: u64,
    /// Digest of the matrices.
    pub matrices: Digest,
}

impl CircuitFacts {
    /// The facts of a shape; builds its circuit if they are not pinned.
    pub fn of(shape: &Shape) -> Result<Self, R1csError> {
        if let Some(facts) = Self::pinned(shape) {
            return Ok(facts);
        }
        Ok(Self::counted(shape, &matrices(shape)?))
    }

    /// The facts of a shipped shape.
    fn pinned(shape: &Shape) -> Option<Self> {
        let name = shape.name();
        let row = PINNED
            .lines()
            .find_map(|line| line.strip_prefix(&name)?.strip_prefix(','))?;
        let (numbers, matrices) = row.rsplit_once(',')?;
        let mut numbers = numbers.split(',').map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self {
            shape: *shape,
            constraints: shapes::predicted_constraints(shape),
            constraints_per_transfer: constraints_per_transfer(shape),
            witness: next()?,
            booleans: next()?,
            nonzeros: next()?,
            coefficients: next()?,
            a_points: next()?,
            b_points: next()?,
            domain: shapes::domain(shape),
            matrices: Digest::from_str(matrices).ok()?,
        })
    }

    /// The facts of a shape with these matrices.
    fn counted(shape: &Shape, r1cs: &R1cs) -> Self {
        let size = CircuitSize::from(r1cs);
        Self {
            shape: *shape,
            constraints: size.constraints,
            constraints_per_transfer: constraints_per_transfer(shape),
            witness: size.variables.saturating_sub(size.instance),
            booleans: size.booleans,
            nonzeros: size.nonzeros,
            coefficients: size.coefficients,
            a_points: size.a_points,
            b_points: size.b_points,
            domain: size.domain,
            matrices: r1cs.digest(),
        }
    }
}

impl CircuitFacts {
    /// What the engine plans with.
    #[must_use]
    pub fn size(&self) -> CircuitSize {
        let instance = u64::try_from(NUM_INSTANCE).unwrap_or(u64::MAX);
        CircuitSize {
            constraints: self.constraints,
            variables: self.witness.saturating_add(instance),
            instance,
            booleans: self.booleans,
            nonzeros: self.nonzeros,
            coefficients: self.coefficients,
            domain: self.domain,
            a_points: self.a_points,
            b_points: self.b_points,
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

/// The matrices of an exit circuit.
pub fn exit_matrices(circuit: &ExitCircuit) -> Result<R1cs, R1csError> {
    let built = exit::circuit(circuit.levels);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pinned_facts_are_those_of_the_circuits() {
        let update = std::env::var_os("QUITTANCE_UPDATE_COUNTS").is_some();
        let mut rows = "name,witness,booleans,nonzeros,coefficients,a_points,b_points,matrices\n".to_owned();
        for shape in shapes::SHAPES {
            let facts = CircuitFacts::counted(&shape, &matrices(&shape).expect("circuit"));
            rows += &format!(
                "{},{},{},{},{},{},{},{}\n",
                shape.name(),
                facts.witness,
                facts.booleans,
                facts.nonzeros,
                facts.coefficients,
                facts.a_points,
                facts.b_points,
                facts.matrices
            );
            if update {
                continue;
            }
            if let Some(pinned) = CircuitFacts::pinned(&shape) {
                assert_eq!(pinned, facts, "see the head of this module");
            }
        }
        if update {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/circuit_facts.csv");
            std::fs::write(path, rows).expect("circuit_facts.csv");
            return;
        }
        assert_eq!(PINNED, rows, "see the head of this module");
    }

    #[test]
    fn a_further_transfer_stays_below_the_bar() {
        for shape in shapes::SHAPES {
            assert!(constraints_per_transfer(&shape) <= 24_700, "{}", shape.name());
        }
    }
}
