//! Development keys: ark-groth16's generator under our reduction, on one machine, from the system's randomness.
//!
//! Whoever ran the generator could have kept the trapdoor, and could then prove anything. Such a key is therefore
//! marked: its provenance is part of the verifying key's encoding, and so of the key id. Keys for production come
//! from a ceremony.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ark_bn254::{Bn254, Fr, G1Projective, G2Projective};
use ark_ec::PrimeGroup;
use ark_groth16::Groth16;
use ark_relations::gr1cs::{
    ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, SynthesisError, Variable,
};
use quittance_verifier::{Provenance, Shape, Verifier};
use rand_core::{OsRng, RngCore};

use crate::entropy::{self, EntropyError};
use crate::key::points::Subgroup;
use crate::{Bases, MatrixName, ProvingKey, ProvingKeyError, R1cs, SnarkjsReduction, panics};

/// What the setup is doing. The order of the variants is the order of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SetupPhase {
    /// The circuit is checked: every variable is used.
    CheckCircuit,
    /// The points are computed. Nearly all of the time.
    Generate,
    /// The points are checked.
    CheckKey,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The circuit has another number of public inputs than a statement has.
    #[error("the circuit has {got} public inputs, a statement has {expected}")]
    PublicInputs {
        /// Instance variables without the constant.
        got: usize,
        /// Public inputs of a statement.
        expected: usize,
    },
    /// No row names this witness variable: its base would be the identity, and its value would mean nothing (S32).
    #[error("no row of the circuit names variable {index}")]
    UnusedVariable {
        /// Column of the variable.
        index: usize,
    },
    /// The operating system gave no randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// arkworks' generator failed.
    #[error("ark-groth16's generator failed")]
    Generator(#[source] SynthesisError),
    /// The generated key is not acceptable.
    #[error("the generated key is not acceptable")]
    Key(#[from] ProvingKeyError),
    /// The generator panicked.
    #[error("the generator panicked: {message}")]
    Panicked {
        /// What it said.
        message: String,
    },
}

/// Makes a development key for `r1cs`, marked as such, with the trapdoor drawn from the operating system and
/// dropped. Runs on the current rayon pool: call it through [`Engine::install`](crate::Engine::install).
///
/// # Errors
/// [`SetupError`].
pub fn setup_development(
    r1cs: &R1cs,
    shape: Shape,
    progress: &(dyn Fn(SetupPhase) + Send + Sync),
) -> Result<ProvingKey, SetupError> {
    let trapdoor = Trapdoor {
        alpha: entropy::scalar()?,
        beta: entropy::scalar()?,
        gamma: entropy::scalar()?,
        delta: entropy::scalar()?,
    };
    setup(r1cs, shape, trapdoor, OsRng, progress)
}

/// Everything secret in a setup but τ, which ark-groth16 draws itself.
pub(crate) struct Trapdoor {
    pub(crate) alpha: Fr,
    pub(crate) beta: Fr,
    pub(crate) gamma: Fr,
    pub(crate) delta: Fr,
}

/// The setup for a given trapdoor; `random` draws τ. Outside tests only [`setup_development`] calls this.
pub(crate) fn setup(
    r1cs: &R1cs,
    shape: Shape,
    trapdoor: Trapdoor,
    mut random: impl RngCore,
    progress: &(dyn Fn(SetupPhase) + Send + Sync),
) -> Result<ProvingKey, SetupError> {
    progress(SetupPhase::CheckCircuit);
    if r1cs.num_instance() != Verifier::INPUTS + 1 {
        return Err(SetupError::PublicInputs {
            got: r1cs.num_instance() - 1,
            expected: Verifier::INPUTS,
        });
    }
    // The reduction gives each instance variable a row of its own; a witness variable needs one of the circuit's.
    let used = r1cs.used_variables();
    if let Some(index) = (r1cs.num_instance()..used.len()).find(|&index| !used[index]) {
        return Err(SetupError::UnusedVariable { index });
    }
    progress(SetupPhase::Generate);
    let generated = catch_unwind(AssertUnwindSafe(|| generate(r1cs, trapdoor, &mut random)));
    let bases = match generated {
        Ok(bases) => bases.map_err(SetupError::Generator)?,
        Err(payload) => {
            let message = panics::message(payload.as_ref());
            return Err(SetupError::Panicked { message });
        }
    };
    progress(SetupPhase::CheckKey);
    Ok(ProvingKey::from_arkworks(
        Provenance::Development,
        shape,
        bases,
        r1cs,
        Subgroup::Known,
    )?)
}

fn generate(r1cs: &R1cs, trapdoor: Trapdoor, random: &mut impl RngCore) -> Result<Bases, SynthesisError> {
    Groth16::<Bn254, SnarkjsReduction>::generate_parameters_with_qap(
        Replay(r1cs),
        trapdoor.alpha,
        trapdoor.beta,
        trapdoor.gamma,
        trapdoor.delta,
        // The standard generators, as in ceremonies, so that "delta is the generator" means what it says.
        G1Projective::generator(),
        G2Projective::generator(),
        random,
    )
}

/// Replays matrices into arkworks' constraint system: the same rows in the same order, the same variables.
pub(crate) struct Replay<'a>(pub(crate) &'a R1cs);

impl ConstraintSynthesizer<Fr> for Replay<'_> {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let Self(r1cs) = self;
        let mut variables = Vec::with_capacity(r1cs.num_variables());
        variables.push(Variable::One);
        // There are no values in setup mode: arkworks never asks.
        let unassigned = || Err(SynthesisError::AssignmentMissing);
        for _ in 1..r1cs.num_instance() {
            variables.push(cs.new_input_variable(unassigned)?);
        }
        for _ in 0..r1cs.num_witness() {
            variables.push(cs.new_witness_variable(unassigned)?);
        }
        for row in 0..r1cs.num_constraints() {
            let combination = |name: MatrixName| {
                let terms = r1cs.row(name, row);
                LinearCombination(
                    terms
                        .map(|(coefficient, column)| (*coefficient, variables[column]))
                        .collect(),
                )
            };
            cs.enforce_r1cs_constraint(
                || combination(MatrixName::A),
                || combination(MatrixName::B),
                || combination(MatrixName::C),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
