//! Rotations without rules.

use super::Forger;
use ark_bn254::Fr;
use ark_ff::AdditiveGroup;
use quittance_circuits::tx::SignedRotation;
use quittance_circuits::tx::rotation::constraints::RotationWitness;

impl Forger {
    /// Executes a rotation as it is.
    pub(crate) fn rotation(self, signed: &SignedRotation) -> Self {
        self.rotation_with(signed, |_| {})
    }

    /// Executes a rotation after a change to what its slot is told.
    pub(crate) fn rotation_with(
        mut self,
        signed: &SignedRotation,
        change: impl FnOnce(&mut RotationWitness),
    ) -> Self {
        let rotation = &signed.rotation;
        let mut w = RotationWitness {
            signer: self.signer(&(*signed).into()),
            key: [rotation.key.x, rotation.key.y],
            owner: Fr::from(rotation.owner),
        };
        change(&mut w);
        let holder = Some((w.key, w.owner));
        self.spend(&mut w.signer, Fr::ZERO, Fr::from(rotation.fee.value()), holder);
        self.witness.rotations[self.rotations] = w;
        self.rotations += 1;
        self
    }
}
