//! The statement of what was executed, and the whole assignment.

use super::{Forger, two_to};
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::AdditiveGroup;
use quittance_circuits::circuit::assign_witness;
use quittance_circuits::hash::{FieldHasher, RulesHasher};
use quittance_circuits::tx::transfer::constraints::TransferWitness;
use quittance_verifier::{challenge, evaluate};

impl Forger {
    /// The statement's elements, as the circuit makes them of its variables.
    pub(crate) fn elements(&self) -> Vec<Fr> {
        let w = &self.witness;
        let counts = w.transfers.iter().map(|t| t.enabled).sum::<Fr>() * two_to(64)
            + w.fees.iter().map(|f| f.enabled).sum::<Fr>() * two_to(160);
        let mut elements = vec![w.rollup_id, w.batch_number, w.old_root, w.new_root, counts];
        for (fee, amount) in w.fees.iter().zip(self.credited) {
            elements.push(fee.leaf * two_to(160) + fee.token * two_to(128) + amount);
        }
        let word =
            |t: &TransferWitness| t.from * two_to(88) + t.to * two_to(56) + t.amount * two_to(16) + t.fee;
        for pair in w.transfers.chunks(2) {
            elements.push(word(&pair[0]) * two_to(120) + pair.get(1).map_or(Fr::ZERO, word));
        }
        elements
    }

    /// The public inputs (h, z, y) that a verifier derives for these elements.
    pub(crate) fn public_inputs(&self) -> [Fr; 3] {
        let elements = self.elements();
        let h = RulesHasher::statement(&elements);
        let z = challenge(&KEY_ID, &h, &elements);
        [h, z, evaluate(&elements, &z)]
    }

    /// The full assignment, with the public inputs of the statement that the witness makes.
    pub(crate) fn assignment(&self) -> Vec<Fr> {
        assign_witness(&SMALL, &self.public_inputs(), &self.witness)
    }
}
