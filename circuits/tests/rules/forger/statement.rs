//! The statement of what was executed, and the whole assignment.

use super::priority::priority_words;
use super::{Forger, two_to};
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::AdditiveGroup;
use quittance_circuits::circuit::assign_witness;
use quittance_circuits::hash::{FieldHasher, RulesHasher};
use quittance_circuits::tx::sender::constraints::SignerWitness;
use quittance_circuits::tx::transfer::constraints::TransferWitness;
use quittance_verifier::{challenge, evaluate};

impl Forger {
    /// The statement's elements, as the circuit makes them of its variables.
    pub(crate) fn elements(&self) -> Vec<Fr> {
        let w = &self.witness;
        let flags: [Vec<Fr>; 6] = [
            w.priority.iter().map(|w| w.enabled).collect(),
            w.openings.iter().map(|w| w.signer.enabled).collect(),
            w.transfers.iter().map(|w| w.signer.enabled).collect(),
            w.withdrawals.iter().map(|w| w.signer.enabled).collect(),
            w.rotations.iter().map(|w| w.signer.enabled).collect(),
            w.fees.iter().map(|w| w.enabled).collect(),
        ];
        let counts = (0u64..)
            .zip(flags)
            .map(|(section, flags)| flags.into_iter().sum::<Fr>() * two_to(32 * section))
            .sum();
        let mut elements = vec![
            w.rollup_id,
            w.batch_number,
            w.old_root,
            w.new_root,
            counts,
            w.queue,
        ];
        for (fee, amount) in w.fees.iter().zip(self.credited) {
            elements.push(fee.leaf * two_to(160) + fee.token * two_to(128) + amount);
        }
        elements.extend(w.priority.iter().flat_map(priority_words));
        for w in &w.openings {
            let first = transfer_word(&w.signer, w.to, w.amount);
            elements.push(w.signer.leaf.token * two_to(120) + first);
            elements.extend([w.owner, w.key[0], w.key[1]]);
        }
        for w in &w.withdrawals {
            let SignerWitness { from, fee, leaf, .. } = &w.signer;
            elements.push(*from * two_to(160) + leaf.token * two_to(128) + w.amount);
            elements.push(*fee * two_to(160) + w.address);
        }
        for w in &w.rotations {
            elements.push(w.signer.from * two_to(16) + w.signer.fee);
            elements.extend([w.owner, w.key[0], w.key[1]]);
        }
        let word = |w: &TransferWitness| transfer_word(&w.signer, w.to, w.amount);
        for pair in w.transfers.chunks(2) {
            elements.push(word(&pair[0]) * two_to(120) + pair.get(1).map_or(Fr::ZERO, word));
        }
        elements
    }

    /// The public inputs (h, z, y) that a verifier derives for these elements.
    pub(crate) fn public_inputs(&self) -> [Fr; 3] {
        public_inputs_of(&self.elements())
    }

    /// The full assignment, with the public inputs of the statement that the witness makes.
    pub(crate) fn assignment(&self) -> Vec<Fr> {
        assign_witness(&SMALL, &self.public_inputs(), &self.witness)
    }
}

/// 120 bits: from, to, amount, fee.
fn transfer_word(signer: &SignerWitness, to: Fr, amount: Fr) -> Fr {
    signer.from * two_to(88) + to * two_to(56) + amount * two_to(16) + signer.fee
}

/// The public inputs (h, z, y) that a verifier derives for these elements.
pub(crate) fn public_inputs_of(elements: &[Fr]) -> [Fr; 3] {
    let h = RulesHasher::statement(elements);
    let z = challenge(&KEY_ID, &h, elements);
    [h, z, evaluate(elements, &z)]
}
