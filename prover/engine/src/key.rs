//! A proving key with everything that a proof needs: bases, matrices, verifying key and a prepared verifier.

mod arkworks;
mod circuit;
pub(crate) mod classes;
pub(crate) mod dir;
pub(crate) mod file;
pub(crate) mod layout;
pub(crate) mod manifest;
pub(crate) mod points;
pub(crate) mod sizes;

pub use self::circuit::CircuitKey;

use std::ops::Deref;

use ark_bn254::{Bn254, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ec::pairing::Pairing;
use ark_ff::Zero;
use quittance_verifier::{DecodeError, KeyPoints, Provenance, Shape, Verifier, VerifyError};

use self::file::{Contents, Draft, FixedPoints};
use self::points::Subgroup;
use self::sizes::CircuitSizes;
use crate::{KeyFileError, R1cs};

/// The points of a Groth16 proving key as arkworks holds them, h_query in the order of the odd coset.
pub type Bases = ark_groth16::ProvingKey<Bn254>;

/// A complete, checked proving key for one circuit of a rollup, of batches unless `S` says otherwise, whose public inputs are a statement's. What every circuit's
/// key has is [`CircuitKey`]'s.
#[derive(Clone, Debug)]
pub struct ProvingKey<S: CircuitSizes = Shape> {
    sizes: S,
    verifying_key: S::VerifyingKey,
    verifier: S::Verifier,
    key: CircuitKey,
}

/// Why points and matrices do not make a key.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProvingKeyError {
    /// The circuit has another number of public inputs than the verifying key, or than a statement has.
    #[error("the circuit has {got} public inputs, {expected} are expected")]
    PublicInputs {
        /// Instance variables of the circuit without the constant.
        got: usize,
        /// Public inputs of a statement, or of the verifying key.
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
    /// A point that may not be the identity is: a prover could change what belongs to it at no cost (S32).
    #[error("point {index} of the {query} query is the identity")]
    Identity {
        /// Which list.
        query: QueryName,
        /// Position in arkworks' list.
        index: usize,
    },
    /// A point that belongs to a variable without an entry in the list's matrix is not the identity.
    #[error("point {index} of the {query} query is not the identity, though no row names its variable")]
    Stray {
        /// Which list, A, B1 or B2.
        query: QueryName,
        /// Position in arkworks' list.
        index: usize,
    },
    /// A coordinate is at or above the modulus.
    #[error("point {index} of the {query} query has a coordinate at or above the modulus")]
    NotCanonical {
        /// Which list.
        query: QueryName,
        /// Position in arkworks' list.
        index: usize,
    },
    /// A point is not on its curve.
    #[error("point {index} of the {query} query is not on the curve")]
    NotOnCurve {
        /// Which list.
        query: QueryName,
        /// Position in arkworks' list.
        index: usize,
    },
    /// A point is outside the subgroup of order r (S36).
    #[error("point {index} of the {query} query is outside the subgroup")]
    NotInSubgroup {
        /// Which list, B2: G1 has no other points.
        query: QueryName,
        /// Position in arkworks' list.
        index: usize,
    },
    /// The key's bytes are not well-formed.
    #[error("the key is malformed")]
    Malformed(#[from] KeyFileError),
    /// β or δ in G1 is the identity, or differs from its twin in G2.
    #[error("{name} in G1 does not belong to {name} in G2")]
    Twin {
        /// `beta`, `delta`, or `beta or delta` where the key may have any generators.
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
    /// Columns of A at τ, in G1; one point for each variable, the identity where no row of A names it.
    A,
    /// Columns of B at τ, in G1; one for each variable, the identity where no row of B names it.
    B1,
    /// As B1, in G2.
    B2,
    /// Odd Lagrange basis at τ over δ, in G1; one for each element of the domain.
    H,
    /// (β·A + α·B + C)/δ at τ, in G1; one for each witness variable.
    L,
}

impl QueryName {
    /// All of them, the cheapest to look at first.
    const ALL: [Self; 5] = [Self::H, Self::L, Self::A, Self::B1, Self::B2];
}

impl std::fmt::Display for QueryName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

impl<S: CircuitSizes> ProvingKey<S> {
    /// Puts a key that comes from elsewhere together and checks all of it, as [`CircuitKey::new`] does: three public inputs,
    /// list lengths, identities exactly where the matrices put them, no identity in the verifying key, every point on its
    /// curve and in its subgroup, γ ≠ ±δ, δ not ± the generator, β and δ the same in both groups. Runs on the current rayon
    /// pool.
    ///
    /// # Errors
    /// [`ProvingKeyError`].
    pub fn new(provenance: Provenance, sizes: S, bases: Bases, r1cs: R1cs) -> Result<Self, ProvingKeyError> {
        Self::from_arkworks(provenance, sizes, bases, &r1cs, Subgroup::Check)
    }

    /// As [`new`](Self::new), for points that this program computed from the generators: their subgroup is known.
    pub(crate) fn from_arkworks(
        provenance: Provenance,
        sizes: S,
        bases: Bases,
        r1cs: &R1cs,
        subgroup: Subgroup,
    ) -> Result<Self, ProvingKeyError> {
        let verifying_key = verifying_key(provenance, sizes, &bases.vk, r1cs.num_instance())?;
        check_twins(&bases.vk, bases.beta_g1, bases.delta_g1)?;
        Self::with(
            sizes,
            verifying_key,
            CircuitKey::from_arkworks(bases, r1cs, subgroup)?,
        )
    }

    /// A key whose points this program computed from the generators.
    pub(crate) fn from_draft(
        provenance: Provenance,
        sizes: S,
        fixed: &FixedPoints,
        draft: Draft,
    ) -> Result<Self, ProvingKeyError> {
        let instance = fixed.vk.gamma_abc_g1.len();
        let verifying_key = verifying_key(provenance, sizes, &fixed.vk, instance)?;
        check_twins(&fixed.vk, fixed.beta_g1, fixed.delta_g1)?;
        Self::with(sizes, verifying_key, CircuitKey::from_draft(draft)?)
    }

    /// The key that a file holds. Its lists are not looked at: the file's digest has to be the one of when they were.
    pub(crate) fn from_contents(
        provenance: Provenance,
        sizes: S,
        contents: Contents,
    ) -> Result<Self, ProvingKeyError> {
        let FixedPoints {
            vk,
            beta_g1,
            delta_g1,
        } = &contents.fixed;
        let verifying_key = verifying_key(provenance, sizes, vk, contents.r1cs.num_instance())?;
        check_twins(vk, *beta_g1, *delta_g1)?;
        Self::with(sizes, verifying_key, CircuitKey::assume_fixed(contents))
    }

    fn with(sizes: S, verifying_key: S::VerifyingKey, key: CircuitKey) -> Result<Self, ProvingKeyError> {
        Ok(Self {
            sizes,
            verifier: S::verifier(&verifying_key)?,
            verifying_key,
            key,
        })
    }

    /// The verifying key of every proof made with this key.
    #[must_use]
    pub fn verifying_key(&self) -> &S::VerifyingKey {
        &self.verifying_key
    }

    /// The verifying key, prepared. It takes development keys: whoever loaded this key has decided about that.
    #[must_use]
    pub fn verifier(&self) -> &S::Verifier {
        &self.verifier
    }

    /// The sizes that fix the circuit.
    #[must_use]
    pub fn shape(&self) -> &S {
        &self.sizes
    }
}

/// So that a key goes wherever the key of any circuit does.
impl<S: CircuitSizes> Deref for ProvingKey<S> {
    type Target = CircuitKey;

    fn deref(&self) -> &CircuitKey {
        &self.key
    }
}

fn verifying_key<S: CircuitSizes>(
    provenance: Provenance,
    sizes: S,
    vk: &ark_groth16::VerifyingKey<Bn254>,
    instance: usize,
) -> Result<S::VerifyingKey, ProvingKeyError> {
    let ic = <[G1Affine; Verifier::INPUTS + 1]>::try_from(vk.gamma_abc_g1.as_slice());
    let (Ok(ic), true) = (ic, instance == Verifier::INPUTS + 1) else {
        return Err(ProvingKeyError::PublicInputs {
            got: instance.saturating_sub(1),
            expected: Verifier::INPUTS,
        });
    };
    let points = KeyPoints {
        alpha_g1: vk.alpha_g1,
        beta_g2: vk.beta_g2,
        gamma_g2: vk.gamma_g2,
        delta_g2: vk.delta_g2,
        ic,
    };
    Ok(sizes.verifying_key(provenance, points)?)
}

/// e(β₁, g₂) = e(g₁, β₂) and the same for δ; g₁ and g₂ are the standard generators in every key of a rollup.
fn check_twins(
    vk: &ark_groth16::VerifyingKey<Bn254>,
    beta_g1: G1Affine,
    delta_g1: G1Affine,
) -> Result<(), ProvingKeyError> {
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    for (name, in_g1, in_g2) in [("beta", beta_g1, vk.beta_g2), ("delta", delta_g1, vk.delta_g2)] {
        if !in_g1.is_on_curve() || !Bn254::multi_pairing([in_g1, -g1], [g2, in_g2]).is_zero() {
            return Err(ProvingKeyError::Twin { name });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
