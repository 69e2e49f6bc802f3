//! Verification of an exit's proof.

use ark_bn254::Fr;

use crate::verify::Equation;
use crate::{
    DevelopmentKeys, ExitBundle, ExitVerifyingKey, KeyId, Proof, Verifier, VerifyError, exit_public_inputs,
};

/// An exit circuit's verifying key made ready for verification.
#[derive(Clone, Debug)]
pub struct ExitVerifier {
    key_id: KeyId,
    levels: u8,
    equation: Equation,
}

impl ExitVerifier {
    /// Prepares a key.
    ///
    /// # Errors
    /// [`VerifyError::DevelopmentKey`] for a development key, [`VerifyError::TestTree`] for one of a smaller tree, under
    /// [`DevelopmentKeys::Refuse`].
    pub fn new(key: &ExitVerifyingKey, development_keys: DevelopmentKeys) -> Result<Self, VerifyError> {
        development_keys.judge(key.provenance(), key.levels(), key.key_id())?;
        Ok(Self {
            key_id: key.key_id(),
            levels: key.levels(),
            equation: Equation::new(key.points()),
        })
    }

    /// The key's identity.
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// Levels of the account tree that the circuit proves paths in.
    pub fn levels(&self) -> u8 {
        self.levels
    }

    /// Verifies an exit bundle: its key id is this key's, and its proof holds for the public inputs recomputed from
    /// its facts.
    ///
    /// # Errors
    /// [`VerifyError`] naming the first of these that fails.
    pub fn verify(&self, bundle: &ExitBundle) -> Result<(), VerifyError> {
        self.verify_inputs(&self.public_inputs(bundle)?, &bundle.proof)
    }

    /// Recomputes the public inputs (h, z, y) of an exit bundle for this key. Does not look at the proof.
    ///
    /// # Errors
    /// [`VerifyError::KeyMismatch`] or [`VerifyError::Statement`].
    pub fn public_inputs(&self, bundle: &ExitBundle) -> Result<[Fr; Verifier::INPUTS], VerifyError> {
        if bundle.key_id != self.key_id {
            return Err(VerifyError::KeyMismatch {
                got: bundle.key_id,
                expected: self.key_id,
            });
        }
        exit_public_inputs(&self.key_id, &bundle.facts, &bundle.h).map_err(VerifyError::Statement)
    }

    /// Verifies a proof for public inputs given as 32 big-endian bytes each.
    ///
    /// # Errors
    /// As [`Verifier::verify_raw_inputs`].
    pub fn verify_raw_inputs(&self, inputs: &[[u8; 32]], proof: &Proof) -> Result<(), VerifyError> {
        self.equation.verify_raw(inputs, proof)
    }

    /// Verifies a proof for public inputs.
    ///
    /// # Errors
    /// As [`Verifier::verify_inputs`].
    pub fn verify_inputs(&self, inputs: &[Fr], proof: &Proof) -> Result<(), VerifyError> {
        self.equation.verify(inputs, proof)
    }
}
