//! Faults: one variable holds another value than its hint says, and all that is computed from it follows.
//!
//! A forged witness can lie about what is hinted from outside. A fault can also lie about what the circuit computes, such as the root
//! between two slots or a bit of a range, with everything after it consistent.

use crate::attacks::rows_of;
use crate::forger::{Forger, public_inputs_of};
use crate::support::*;
use ark_bn254::Fr;
use quittance_circuits::batch::constraints::enforce_batch;
use quittance_circuits::hash::constraints::PoseidonGadget;
use quittance_circuits::r1cs::{Assignment, ConstraintSystem, FieldVar, Inverses, Label};
use std::collections::BTreeMap;

/// Values in order, with faults.
struct Tampered<'a> {
    values: Assignment,
    /// What is added to the value of a variable.
    faults: &'a BTreeMap<usize, Fr>,
}

impl ConstraintSystem for Tampered<'_> {
    type L = ();

    fn public_input(&self, index: u32) -> FieldVar<()> {
        self.values.public_input(index)
    }

    fn witness(&mut self, value: Fr) -> FieldVar<()> {
        let fault = self.faults.get(&self.values.len());
        self.values.witness(fault.map_or(value, |fault| value + fault))
    }

    fn enforce(&mut self, _: &FieldVar<()>, _: &FieldVar<()>, _: &FieldVar<()>) {}

    fn label(&mut self, _: Label) {}

    fn inverses(&mut self) -> &mut Inverses {
        self.values.inverses()
    }
}

impl Forger {
    /// The full assignment with faults: what is added to a variable, by its number.
    pub(crate) fn tampered(&self, faults: &BTreeMap<usize, Fr>) -> Vec<Fr> {
        self.tampered_stating(&self.elements(), faults)
    }

    /// The same under the statement of other elements, which the faults make.
    pub(crate) fn tampered_stating(&self, elements: &[Fr], faults: &BTreeMap<usize, Fr>) -> Vec<Fr> {
        let mut cs = Tampered {
            values: Assignment::new(&public_inputs_of(elements)),
            faults,
        };
        enforce_batch::<_, PoseidonGadget>(&mut cs, usize::from(SMALL.levels), &self.witness);
        cs.values.into_values()
    }

    /// The same with one fault, in the variable that the last row of a rule defines.
    pub(crate) fn tampered_result(&self, rule: &str, fault: Fr) -> Vec<Fr> {
        self.tampered(&BTreeMap::from([(result_of(rule), fault)]))
    }
}

/// The variable that the last row of a rule defines.
fn result_of(rule: &str) -> usize {
    let row = *rows_of(rule).last().unwrap();
    SMALL_CIRCUIT.c[row].last().unwrap().1
}
