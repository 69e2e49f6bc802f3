//! Values of the variables, without rows.

use super::{ConstraintSystem, FieldVar, Inverses, Label};
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Collects the value of each variable in order: constant one, public inputs, witness.
#[derive(Debug)]
pub struct Assignment {
    values: Vec<Fr>,
    inverses: Inverses,
}

impl Assignment {
    /// Starts with the public inputs (without the constant one).
    pub fn new(public_inputs: &[Fr]) -> Self {
        let mut values = vec![Fr::ONE];
        values.extend_from_slice(public_inputs);
        Self {
            values,
            inverses: Inverses::default(),
        }
    }

    /// All values, the constant one first.
    pub fn into_values(self) -> Vec<Fr> {
        self.values
    }

    /// Number of variables so far.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Never true: the constant one is always there.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl ConstraintSystem for Assignment {
    type L = ();

    fn public_input(&self, index: u32) -> FieldVar<()> {
        let value = usize::try_from(index)
            .ok()
            .and_then(|index| self.values.get(index));
        FieldVar::variable(0, value.copied().unwrap_or(Fr::ZERO))
    }

    fn witness(&mut self, value: Fr) -> FieldVar<()> {
        self.values.push(value);
        FieldVar::variable(0, value)
    }

    fn enforce(&mut self, _: &FieldVar<()>, _: &FieldVar<()>, _: &FieldVar<()>) {}

    fn label(&mut self, _: Label) {}

    fn inverses(&mut self) -> &mut Inverses {
        &mut self.inverses
    }
}
