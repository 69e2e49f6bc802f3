//! Bundles that verify, without a prover.
//!
//! Whoever knows a key's secrets can make a proof for any public inputs: with A = a·G1 and B = b·G2 for any a and
//! b, the equation of Groth16 leaves C = (a·b − α·β − γ·l) / δ · G1, where l is the inputs' combination. To
//! the verifier, which is what gets measured, such a proof is like any other.

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::Field;
use quittance_verifier::{
    Bundle, DEMO_ROLLUP_ID, DevelopmentKeys, Facts, FeeData, KeyPoints, Proof, Provenance, Shape,
    TransferData, Verifier, VerifyingKey, public_inputs,
};

use crate::array;

/// A key whose secrets are fixed, and everything needed to make bundles for it.
#[derive(Clone, Debug)]
pub struct Forge {
    key: VerifyingKey,
    shape: Shape,
    alpha: Fr,
    beta: Fr,
    gamma: Fr,
    delta: Fr,
    ic: [Fr; 4],
}

impl Forge {
    /// Makes the key of a shape; `None` for a shape that no key can have.
    #[must_use]
    pub fn new(shape: Shape) -> Option<Self> {
        let [alpha, beta, gamma, delta, ic @ ..] = array::<8>(7);
        let points = KeyPoints {
            alpha_g1: g1(alpha),
            beta_g2: g2(beta),
            gamma_g2: g2(gamma),
            delta_g2: g2(delta),
            // The key's bases carry γ⁻¹ in setup; here ic are the exponents themselves.
            ic: ic.map(g1),
        };
        let key = VerifyingKey::new(Provenance::Development, shape, points).ok()?;
        Some(Self {
            key,
            shape,
            alpha,
            beta,
            gamma,
            delta,
            ic,
        })
    }

    /// The key, ready to verify with.
    #[must_use]
    pub fn verifier(&self) -> Option<Verifier> {
        Verifier::new(&self.key, DevelopmentKeys::Accept).ok()
    }

    /// The key as a verifier reads it.
    #[must_use]
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// A bundle of a full batch that verifies; `seed` above 0 makes it different from others.
    #[must_use]
    pub fn bundle(&self, seed: u32) -> Option<Bundle> {
        let [old_root, new_root, h, a, b] = array(1000 + u64::from(seed));
        let transfer = |from| TransferData {
            from,
            to: seed,
            amount: 1_000_000,
            fee: 100,
        };
        let facts = Facts {
            rollup_id: DEMO_ROLLUP_ID,
            batch_number: seed,
            old_root,
            new_root,
            queue: [0; 32],
            priority: Vec::new(),
            openings: Vec::new(),
            transfers: (0..self.shape.transfers).map(transfer).collect(),
            withdrawals: Vec::new(),
            rotations: Vec::new(),
            fees: (0..self.shape.fee_slots)
                .map(|leaf| FeeData {
                    leaf,
                    token: 0,
                    amount: 100,
                })
                .collect(),
        };
        let key_id = self.key.key_id();
        let inputs = public_inputs(&key_id, &self.shape, &facts, &h).ok()?;
        let [constant, bases @ ..] = self.ic;
        let l = bases
            .iter()
            .zip(inputs)
            .fold(constant, |sum, (base, input)| sum + *base * input);
        let c = (a * b - self.alpha * self.beta - self.gamma * l) * self.delta.inverse()?;
        let proof = Proof::new(g1(a), g2(b), g1(c)).ok()?;
        Some(Bundle {
            key_id,
            facts,
            h,
            proof,
        })
    }
}

fn g1(exponent: Fr) -> G1Affine {
    (G1Affine::generator() * exponent).into_affine()
}

fn g2(exponent: Fr) -> G2Affine {
    (G2Affine::generator() * exponent).into_affine()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quittance_verifier::verify_batch;

    #[test]
    fn forged_bundles_verify_alone_and_together() {
        let shape = Shape::transfers_only(16, 3, 2);
        let forge = Forge::new(shape).unwrap();
        let verifier = forge.verifier().unwrap();
        let bundles: Vec<_> = (1..=3).map(|seed| forge.bundle(seed).unwrap()).collect();
        for bundle in &bundles {
            verifier.verify(bundle).unwrap();
        }
        let items: Vec<_> = bundles.iter().map(|bundle| (&verifier, bundle)).collect();
        verify_batch(&items).unwrap();
    }

    #[test]
    fn a_changed_bundle_is_rejected() {
        let shape = Shape::transfers_only(16, 3, 2);
        let forge = Forge::new(shape).unwrap();
        let mut bundle = forge.bundle(1).unwrap();
        bundle.facts.transfers[0].to += 1;
        assert!(forge.verifier().unwrap().verify(&bundle).is_err());
    }
}
