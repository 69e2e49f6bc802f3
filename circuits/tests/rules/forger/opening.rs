//! Openings without rules.

use super::{Forger, place};
use ark_bn254::Fr;
use ark_ff::AdditiveGroup;
use quittance_circuits::leaf::constraints::LeafWitness;
use quittance_circuits::tx::SignedOpening;
use quittance_circuits::tx::opening::constraints::OpeningWitness;

impl Forger {
    /// Executes an opening as it is.
    pub(crate) fn opening(self, signed: &SignedOpening) -> Self {
        self.opening_with(signed, |_| {}, |_| {})
    }

    /// Executes an opening after a change to what its slot is told, and another one once the new leaf's place is read.
    pub(crate) fn opening_with(
        mut self,
        signed: &SignedOpening,
        change: impl FnOnce(&mut OpeningWitness),
        change_place: impl FnOnce(&mut OpeningWitness),
    ) -> Self {
        let opening = &signed.opening;
        let mut w = OpeningWitness {
            signer: self.signer(&(*signed).into()),
            to: Fr::from(opening.to.get()),
            amount: Fr::from(opening.amount.get()),
            key: [opening.key.x, opening.key.y],
            owner: Fr::from(opening.owner),
            occupied: Fr::ZERO,
            recipient_path: vec![[Fr::ZERO; 3]; 2],
        };
        change(&mut w);
        let amount = Fr::from(opening.amount.value());
        self.spend(&mut w.signer, amount, Fr::from(opening.fee.value()), None);
        if w.signer.enabled == Fr::ZERO {
            change_place(&mut w);
        } else {
            w.occupied = self.hash_at(w.to);
            w.recipient_path = self.path(place(w.to));
            change_place(&mut w);
            let opened = LeafWitness {
                key: w.key,
                balance: amount,
                nonce: Fr::ZERO,
                token: w.signer.leaf.token,
                owner: w.owner,
            };
            self.write(w.signer.enabled, w.to, opened);
        }
        self.witness.openings[self.openings] = w;
        self.openings += 1;
        self
    }
}
