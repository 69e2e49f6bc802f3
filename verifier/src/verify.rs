//! Verification of one proof: one product of pairings.

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective};
use ark_ec::bn::G2Prepared;
use ark_ec::pairing::{Pairing, PairingOutput};
use ark_ec::{CurveGroup, VariableBaseMSM};

use crate::encoding::{fr_from_bytes_be, length};
use crate::{Bundle, KeyId, KeyPoints, Proof, Provenance, Shape, VerifyError, VerifyingKey, public_inputs};

/// Whether keys of [`Provenance::Development`], and keys for trees of fewer levels than [`Shape::PRODUCTION_LEVELS`], which only
/// tests have, are good enough for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DevelopmentKeys {
    /// Refuse them, as everything that matters must.
    Refuse,
    /// Accept them: tests and demonstrations.
    Accept,
}

impl DevelopmentKeys {
    /// Whether the caller accepts a key of this provenance, for a tree of so many levels.
    pub(crate) fn judge(self, provenance: Provenance, levels: u8, key_id: KeyId) -> Result<(), VerifyError> {
        match (self, provenance) {
            (Self::Accept, _) => Ok(()),
            (Self::Refuse, Provenance::Development) => Err(VerifyError::DevelopmentKey { key_id }),
            (Self::Refuse, Provenance::Ceremony) if levels < Shape::PRODUCTION_LEVELS => {
                Err(VerifyError::TestTree { key_id, levels })
            }
            (Self::Refuse, Provenance::Ceremony) => Ok(()),
        }
    }
}

/// A verifying key made ready for verification.
#[derive(Clone, Debug)]
pub struct Verifier {
    key_id: KeyId,
    shape: Shape,
    pub(crate) equation: Equation,
}

impl Verifier {
    /// The number of public inputs: h, z, y.
    pub const INPUTS: usize = 3;

    /// Prepares a key.
    ///
    /// # Errors
    /// [`VerifyError::DevelopmentKey`] for a development key, [`VerifyError::TestTree`] for one of a smaller tree, under
    /// [`DevelopmentKeys::Refuse`].
    pub fn new(key: &VerifyingKey, development_keys: DevelopmentKeys) -> Result<Self, VerifyError> {
        development_keys.judge(key.provenance(), key.shape().levels, key.key_id())?;
        Ok(Self {
            key_id: key.key_id(),
            shape: *key.shape(),
            equation: Equation::new(key.points()),
        })
    }

    /// The key's identity.
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// The key's shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Verifies a bundle: its key id is this key's, its facts fit the key's shape, and its proof holds for the
    /// public inputs recomputed from its facts.
    ///
    /// # Errors
    /// [`VerifyError`] naming the first of these that fails.
    pub fn verify(&self, bundle: &Bundle) -> Result<(), VerifyError> {
        self.verify_inputs(&self.public_inputs(bundle)?, &bundle.proof)
    }

    /// Recomputes the public inputs (h, z, y) of a bundle for this key. Does not look at the proof.
    ///
    /// # Errors
    /// [`VerifyError::KeyMismatch`] or [`VerifyError::Statement`].
    pub fn public_inputs(&self, bundle: &Bundle) -> Result<[Fr; Self::INPUTS], VerifyError> {
        if bundle.key_id != self.key_id {
            return Err(VerifyError::KeyMismatch {
                got: bundle.key_id,
                expected: self.key_id,
            });
        }
        public_inputs(&self.key_id, &self.shape, &bundle.facts, &bundle.h).map_err(VerifyError::Statement)
    }

    /// Verifies a proof for public inputs given as 32 big-endian bytes each.
    ///
    /// # Errors
    /// [`VerifyError::InputCount`], [`VerifyError::InputNotCanonical`] for an input at or above r, which is
    /// never reduced, or [`VerifyError::ProofRejected`].
    pub fn verify_raw_inputs(&self, inputs: &[[u8; 32]], proof: &Proof) -> Result<(), VerifyError> {
        self.equation.verify_raw(inputs, proof)
    }

    /// Verifies a proof for public inputs: e(A, B) · e(−L, γ) · e(−C, δ) = e(α, β), where
    /// L = ic0 + h · ic1 + z · ic2 + y · ic3.
    ///
    /// # Errors
    /// [`VerifyError::InputCount`] unless there are exactly three, or [`VerifyError::ProofRejected`].
    pub fn verify_inputs(&self, inputs: &[Fr], proof: &Proof) -> Result<(), VerifyError> {
        self.equation.verify(inputs, proof)
    }
}

/// The pairing equation of one key.
#[derive(Clone, Debug)]
pub(crate) struct Equation {
    pub(crate) alpha_g1: G1Affine,
    pub(crate) beta_g2: G2Prepared<ark_bn254::Config>,
    pub(crate) gamma_g2: G2Prepared<ark_bn254::Config>,
    pub(crate) delta_g2: G2Prepared<ark_bn254::Config>,
    alpha_beta: PairingOutput<Bn254>,
    pub(crate) ic: [G1Affine; 4],
}

impl Equation {
    pub(crate) fn new(points: &KeyPoints) -> Self {
        Self {
            alpha_g1: points.alpha_g1,
            beta_g2: points.beta_g2.into(),
            gamma_g2: points.gamma_g2.into(),
            delta_g2: points.delta_g2.into(),
            alpha_beta: Bn254::pairing(points.alpha_g1, points.beta_g2),
            ic: points.ic,
        }
    }

    /// What [`Verifier::verify_raw_inputs`] says.
    pub(crate) fn verify_raw(&self, inputs: &[[u8; 32]], proof: &Proof) -> Result<(), VerifyError> {
        let inputs = three(inputs)?;
        let mut elements = [Fr::default(); Verifier::INPUTS];
        for (index, (element, bytes)) in elements.iter_mut().zip(inputs).enumerate() {
            *element = fr_from_bytes_be(bytes, "public input")
                .map_err(|_| VerifyError::InputNotCanonical { index })?;
        }
        self.verify(&elements, proof)
    }

    /// What [`Verifier::verify_inputs`] says.
    #[expect(clippy::arithmetic_side_effects, reason = "group arithmetic is total")]
    pub(crate) fn verify(&self, inputs: &[Fr], proof: &Proof) -> Result<(), VerifyError> {
        let inputs = three(inputs)?;
        let [constant, bases @ ..] = &self.ic;
        let l = G1Projective::msm_unchecked(bases, inputs) + constant;
        let product = Bn254::multi_miller_loop(
            [*proof.a(), (-l).into_affine(), -*proof.c()],
            [
                G2Prepared::from(proof.b()),
                self.gamma_g2.clone(),
                self.delta_g2.clone(),
            ],
        );
        match Bn254::final_exponentiation(product) {
            Some(product) if product == self.alpha_beta => Ok(()),
            _ => Err(VerifyError::ProofRejected),
        }
    }
}

/// Checks the number of public inputs. arkworks does not: it would take as many as it is given.
fn three<T>(inputs: &[T]) -> Result<&[T; Verifier::INPUTS], VerifyError> {
    inputs.try_into().map_err(|_| VerifyError::InputCount {
        got: length(inputs.len()),
        expected: length(Verifier::INPUTS),
    })
}
