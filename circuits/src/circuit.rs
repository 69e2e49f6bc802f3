//! Circuits as a whole: the matrices of a shape, and the assignment of a batch.

use crate::batch::AppliedBatch;
use crate::batch::constraints::enforce_batch;
use crate::batch::witness::{BatchWitness, WitnessError};
use crate::hash::constraints::PoseidonGadget;
use crate::r1cs::{Assignment, LabelledMatrices, Structure};
use crate::shapes::predicted_constraints;
use crate::statement::public_inputs;
use ark_bn254::Fr;
use quittance_verifier::{KeyId, Shape, StatementError};
use thiserror::Error;

/// Public inputs of every batch circuit with the constant one: 1, h, z, y.
pub const NUM_INSTANCE: usize = 4;

/// The matrices of a shape that [`Shape::validate`] accepts. The same for every batch: no value of a batch goes in.
pub fn circuit(shape: &Shape) -> LabelledMatrices {
    let mut structure = Structure::new(NUM_INSTANCE);
    let levels = usize::from(shape.levels);
    enforce_batch::<_, PoseidonGadget>(&mut structure, levels, &BatchWitness::padding(shape));
    structure.into_matrices()
}

/// The full assignment of a batch under one verifying key: 1, h, z, y, witness.
///
/// Slots are filled side by side on the threads of the current rayon pool.
pub fn assign(shape: &Shape, key_id: &KeyId, batch: &AppliedBatch) -> Result<Vec<Fr>, AssignError> {
    let mut values = Vec::new();
    assign_into(shape, key_id, batch, &mut values)?;
    Ok(values)
}

/// [`assign`] in the memory of an earlier assignment, which stays as it is after an error. For a million variables, pages that
/// are new to the process cost a sixth of the time.
pub fn assign_into(
    shape: &Shape,
    key_id: &KeyId,
    batch: &AppliedBatch,
    values: &mut Vec<Fr>,
) -> Result<(), AssignError> {
    let witness = BatchWitness::new(shape, batch)?;
    let inputs = public_inputs(&batch.facts(), shape, key_id)?;
    *values = fill(shape, &inputs, &witness, core::mem::take(values));
    Ok(())
}

/// The full assignment for given hints, valid or not. Attacks start here.
pub fn assign_witness(shape: &Shape, public_inputs: &[Fr; 3], witness: &BatchWitness) -> Vec<Fr> {
    fill(shape, public_inputs, witness, Vec::new())
}

fn fill(shape: &Shape, public_inputs: &[Fr; 3], witness: &BatchWitness, mut buffer: Vec<Fr>) -> Vec<Fr> {
    buffer.clear();
    buffer.reserve(capacity(shape));
    let mut assignment = Assignment::in_buffer(public_inputs, buffer);
    enforce_batch::<_, PoseidonGadget>(&mut assignment, usize::from(shape.levels), witness);
    assignment.into_values()
}

/// Room for all variables: a shape has a few hundredths more of them than constraints.
fn capacity(shape: &Shape) -> usize {
    let constraints = predicted_constraints(shape);
    usize::try_from(constraints.saturating_add(constraints / 64)).unwrap_or(0)
}

/// Why a batch has no assignment.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum AssignError {
    /// It does not fit the shape.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// Its facts are not a statement of the shape.
    #[error("facts do not make a statement: {0}")]
    Statement(StatementError),
}

impl From<StatementError> for AssignError {
    fn from(error: StatementError) -> Self {
        Self::Statement(error)
    }
}
