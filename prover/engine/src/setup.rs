//! Development keys: every point a multiple of the generators that one machine has computed, from the system's randomness.
//!
//! Whoever ran the setup could have kept the trapdoor, and could then prove anything. Such a key is therefore
//! marked: its provenance is part of the verifying key's encoding, and so of the key id. Keys for production come
//! from a ceremony.
//!
//! For the same trapdoor the key is ark-groth16's under our reduction. It is computed by the engine's own kernels: the columns at τ
//! by one pass over the matrices, then each list's points by additions that share inversions
//! ([`FixedBase`](crate::msm::fixed_base::FixedBase)), written where they lie in the key.

mod columns;
mod points;
#[cfg(any(test, feature = "rivals"))]
pub(crate) mod reference;

use std::panic::{AssertUnwindSafe, catch_unwind};

use ark_bn254::Fr;
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use quittance_verifier::{Provenance, Verifier};
use rand_core::{OsRng, RngCore};

use self::columns::Columns;
use crate::backend::{Backend, BackendError};
use crate::entropy::{self, EntropyError};
use crate::key::sizes::CircuitSizes;
use crate::{ProvingKey, ProvingKeyError, R1cs, panics};

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
    /// The backend that the environment asks for does not run here.
    #[error("cannot use the backend that {} names", Backend::VARIABLE)]
    Backend(#[from] BackendError),
    /// The circuit's domain is too large for the field, or the trapdoor is one of the few that make no key: with fresh
    /// randomness the next try succeeds.
    #[error("the trapdoor makes no key for this circuit")]
    Trapdoor,
    /// The generated key is not acceptable.
    #[error("the generated key is not acceptable")]
    Key(#[from] ProvingKeyError),
    /// The setup panicked.
    #[error("the setup panicked: {message}")]
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
pub fn setup_development<S: CircuitSizes>(
    r1cs: &R1cs,
    sizes: S,
    progress: &(dyn Fn(SetupPhase) + Send + Sync),
) -> Result<ProvingKey<S>, SetupError> {
    let trapdoor = Trapdoor {
        alpha: entropy::scalar()?,
        beta: entropy::scalar()?,
        gamma: entropy::scalar()?,
        delta: entropy::scalar()?,
    };
    setup(r1cs, sizes, trapdoor, OsRng, progress)
}

/// Everything secret in a setup but τ, which is drawn when the domain is known.
#[derive(Clone, Copy)]
pub(crate) struct Trapdoor {
    pub(crate) alpha: Fr,
    pub(crate) beta: Fr,
    pub(crate) gamma: Fr,
    pub(crate) delta: Fr,
}

/// The setup for a given trapdoor; `random` draws τ. Outside tests only [`setup_development`] calls this.
pub(crate) fn setup<S: CircuitSizes>(
    r1cs: &R1cs,
    sizes: S,
    trapdoor: Trapdoor,
    mut random: impl RngCore,
    progress: &(dyn Fn(SetupPhase) + Send + Sync),
) -> Result<ProvingKey<S>, SetupError> {
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
    let backend = Backend::detect()?;
    let size = r1cs.num_constraints() + r1cs.num_instance();
    let domain = Radix2EvaluationDomain::<Fr>::new(size).ok_or(SetupError::Trapdoor)?;
    let tau = domain.sample_element_outside_domain(&mut random);
    let made = catch_unwind(AssertUnwindSafe(|| {
        let columns = Columns::at(r1cs, &domain, tau).ok_or(SetupError::Trapdoor)?;
        points::draft(backend, r1cs, columns, &trapdoor).ok_or(SetupError::Trapdoor)
    }));
    let (fixed, draft) = match made {
        Ok(made) => made?,
        Err(payload) => {
            let message = panics::message(payload.as_ref());
            return Err(SetupError::Panicked { message });
        }
    };
    progress(SetupPhase::CheckKey);
    Ok(ProvingKey::from_draft(
        Provenance::Development,
        sizes,
        &fixed,
        draft,
    )?)
}

#[cfg(test)]
mod tests;
