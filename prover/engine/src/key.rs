//! A proving key with everything that a proof needs: bases, matrices, verifying key and a prepared verifier.

pub(crate) mod dir;
pub(crate) mod file;
pub(crate) mod manifest;
mod points;

use ark_bn254::{Bn254, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ec::pairing::Pairing;
use quittance_verifier::{
    DecodeError, DevelopmentKeys, KeyPoints, Provenance, Shape, Verifier, VerifyError, VerifyingKey,
};
use rayon::prelude::*;

use crate::R1cs;

/// The points of a Groth16 proving key as arkworks holds them, h_query in the order of the odd coset.
pub type Bases = ark_groth16::ProvingKey<Bn254>;

/// A complete, checked proving key for one circuit.
#[derive(Clone, Debug)]
pub struct ProvingKey {
    verifying_key: VerifyingKey,
    verifier: Verifier,
    bases: Bases,
    r1cs: R1cs,
}

/// Why points and matrices do not make a key.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProvingKeyError {
    /// The circuit has another number of public inputs than a statement has.
    #[error("the circuit has {got} public inputs, a statement has {expected}")]
    PublicInputs {
        /// Instance variables of the circuit without the constant.
        got: usize,
        /// Public inputs of a statement.
        expected: usize,
    },
    /// A list of bases has another length than the circuit needs.
    #[error("the {query} query has {got} points, the circuit needs {expected}")]
    QueryLength {
        /// Which list.
        query: QueryName,
        /// Its length.
        got: usize,
        /// The length that the matrices need.
        expected: usize,
    },
    /// A list that may not hold the identity does: a prover could change what belongs to it at no cost (S32).
    #[error("point {index} of the {query} query is the identity")]
    Identity {
        /// Which list, L or H.
        query: QueryName,
        /// Position in the list.
        index: usize,
    },
    /// β or δ in G1 is the identity, or differs from its twin in G2.
    #[error("{name} in G1 does not belong to {name} in G2")]
    Twin {
        /// `beta` or `delta`.
        name: &'static str,
    },
    /// The points of the verifying key are not acceptable (S31, S32).
    #[error("the key's verifying key is not acceptable")]
    VerifyingKey(#[from] DecodeError),
    /// The verifier does not take the verifying key.
    #[error("the verifier does not take the key")]
    Verifier(#[from] VerifyError),
}

/// A list of bases in a proving key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QueryName {
    /// Columns of A at τ, in G1; one point for each variable.
    A,
    /// Columns of B at τ, in G1; one for each variable.
    B1,
    /// Columns of B at τ, in G2; one for each variable.
    B2,
    /// Odd Lagrange basis at τ over δ, in G1; one for each element of the domain.
    H,
    /// (β·A + α·B + C)/δ at τ, in G1; one for each witness variable.
    L,
}

impl std::fmt::Display for QueryName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

impl ProvingKey {
    /// Puts a key together and checks it: list lengths, no identity in the verifying key, H or L, γ ≠ ±δ, δ not
    /// ± the generator, β and δ the same in both groups. A and B may hold identities: variables that they do not
    /// name.
    ///
    /// Whether points are on their curve and in their subgroup is the business of who made or decoded them; the
    /// verifying key's points are checked here too.
    ///
    /// # Errors
    /// [`ProvingKeyError`].
    pub fn new(
        provenance: Provenance,
        shape: Shape,
        bases: Bases,
        r1cs: R1cs,
    ) -> Result<Self, ProvingKeyError> {
        let ic = <[G1Affine; Verifier::INPUTS + 1]>::try_from(bases.vk.gamma_abc_g1.as_slice());
        let (Ok(ic), true) = (ic, r1cs.num_instance() == Verifier::INPUTS + 1) else {
            return Err(ProvingKeyError::PublicInputs {
                got: r1cs.num_instance() - 1,
                expected: Verifier::INPUTS,
            });
        };
        let verifying_key = VerifyingKey::new(
            provenance,
            shape,
            KeyPoints {
                alpha_g1: bases.vk.alpha_g1,
                beta_g2: bases.vk.beta_g2,
                gamma_g2: bases.vk.gamma_g2,
                delta_g2: bases.vk.delta_g2,
                ic,
            },
        )?;
        check_lengths(&bases, &r1cs)?;
        check_identities(&bases)?;
        check_twins(&bases)?;
        let verifier = Verifier::new(&verifying_key, DevelopmentKeys::Accept)?;
        Ok(Self {
            verifying_key,
            verifier,
            bases,
            r1cs,
        })
    }

    /// The verifying key of every proof made with this key.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying_key
    }

    /// The verifying key, prepared. It takes development keys: whoever loaded this key has decided about that.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The sizes that fix the circuit.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        self.verifying_key.shape()
    }

    /// The points, for ark-groth16 and for writers of other formats.
    #[must_use]
    pub fn bases(&self) -> &Bases {
        &self.bases
    }

    /// The circuit's matrices.
    #[must_use]
    pub fn r1cs(&self) -> &R1cs {
        &self.r1cs
    }
}

fn check_lengths(bases: &Bases, r1cs: &R1cs) -> Result<(), ProvingKeyError> {
    let variables = r1cs.num_variables();
    let lengths = [
        (QueryName::A, bases.a_query.len(), variables),
        (QueryName::B1, bases.b_g1_query.len(), variables),
        (QueryName::B2, bases.b_g2_query.len(), variables),
        (QueryName::H, bases.h_query.len(), r1cs.domain_size()),
        (QueryName::L, bases.l_query.len(), r1cs.num_witness()),
    ];
    for (query, got, expected) in lengths {
        if got != expected {
            return Err(ProvingKeyError::QueryLength { query, got, expected });
        }
    }
    Ok(())
}

fn check_identities(bases: &Bases) -> Result<(), ProvingKeyError> {
    for (query, points) in [(QueryName::H, &bases.h_query), (QueryName::L, &bases.l_query)] {
        if let Some(index) = points.par_iter().position_first(AffineRepr::is_zero) {
            return Err(ProvingKeyError::Identity { query, index });
        }
    }
    Ok(())
}

/// e(β₁, g₂) = e(g₁, β₂) and the same for δ; g₁ and g₂ are the standard generators in every key of ours.
fn check_twins(bases: &Bases) -> Result<(), ProvingKeyError> {
    let twins = [
        ("beta", bases.beta_g1, bases.vk.beta_g2),
        ("delta", bases.delta_g1, bases.vk.delta_g2),
    ];
    for (name, in_g1, in_g2) in twins {
        let left = Bn254::pairing(in_g1, G2Affine::generator());
        if left != Bn254::pairing(G1Affine::generator(), in_g2) {
            return Err(ProvingKeyError::Twin { name });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
