//! The points of a verifying key.

use alloc::vec::Vec;

use ark_bn254::{G1Affine, G2Affine};
use ark_ec::AffineRepr;

use crate::DecodeError;
use crate::encoding::{Reader, check_g1, check_g2, g1_to_words, g2_to_words};

/// The points of a Groth16 verifying key with three public inputs, before any check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPoints {
    /// α in G1.
    pub alpha_g1: G1Affine,
    /// β in G2.
    pub beta_g2: G2Affine,
    /// γ in G2.
    pub gamma_g2: G2Affine,
    /// δ in G2.
    pub delta_g2: G2Affine,
    /// The bases of the constant 1 and of the public inputs h, z, y.
    pub ic: [G1Affine; 4],
}

/// Names of the bases of the constant 1, h, z and y.
const IC_FIELDS: [&str; 4] = ["ic0", "ic1", "ic2", "ic3"];

impl KeyPoints {
    /// Checks that the points are on their curves, in the subgroups of order r, none of them the identity, and that
    /// δ is neither ±γ nor ±generator.
    pub(crate) fn check(&self) -> Result<(), DecodeError> {
        let Self {
            alpha_g1,
            beta_g2,
            gamma_g2,
            delta_g2,
            ic,
        } = self;
        check_g1(alpha_g1, "alpha")?;
        check_g2(beta_g2, "beta")?;
        check_g2(gamma_g2, "gamma")?;
        check_g2(delta_g2, "delta")?;
        for (point, field) in ic.iter().zip(IC_FIELDS) {
            check_g1(point, field)?;
        }
        // Equal x is equality up to sign: −γ forges as easily as γ does.
        if delta_g2.x == gamma_g2.x {
            return Err(DecodeError::DeltaIsGamma);
        }
        if delta_g2.x == G2Affine::generator().x {
            return Err(DecodeError::DeltaIsGenerator);
        }
        Ok(())
    }

    /// 22 EVM words: α, β, γ, δ, and the four bases of the public inputs.
    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(g1_to_words(&self.alpha_g1).as_flattened());
        for point in [&self.beta_g2, &self.gamma_g2, &self.delta_g2] {
            bytes.extend(g2_to_words(point).as_flattened());
        }
        for point in &self.ic {
            bytes.extend(g1_to_words(point).as_flattened());
        }
    }

    /// Reads what [`KeyPoints::write`] writes. Checks each point, not δ against the others.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let [ic0, ic1, ic2, ic3] = IC_FIELDS;
        Ok(Self {
            alpha_g1: reader.g1("alpha")?,
            beta_g2: reader.g2("beta")?,
            gamma_g2: reader.g2("gamma")?,
            delta_g2: reader.g2("delta")?,
            ic: [reader.g1(ic0)?, reader.g1(ic1)?, reader.g1(ic2)?, reader.g1(ic3)?],
        })
    }
}
