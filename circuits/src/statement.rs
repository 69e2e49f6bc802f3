//! The statement's hash h, natively; elements, z and y are the verifier's ([`quittance_verifier::elements`]).

pub mod constraints;

use crate::hash::{FieldHasher, RulesHasher};
use ark_bn254::Fr;
use quittance_verifier::{Facts, KeyId, Shape, StatementError};

/// The public inputs (h, z, y) of a batch with these facts, under the verifying key with this id.
pub fn public_inputs(facts: &Facts, shape: &Shape, key_id: &KeyId) -> Result<[Fr; 3], StatementError> {
    let elements = quittance_verifier::elements(facts, shape)?;
    let h = RulesHasher::statement(&elements);
    let z = quittance_verifier::challenge(key_id, &h, &elements);
    Ok([h, z, quittance_verifier::evaluate(&elements, &z)])
}
