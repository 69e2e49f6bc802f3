//! What the service asks of whatever makes proofs.

use std::fmt;
use std::time::Duration;

use quittance_circuits::batch::AppliedBatch;
use quittance_engine::{CancelFlag, Phase, Shortage};
use quittance_verifier::{Bundle, KeyId, Provenance, Shape};
use thiserror::Error;

use crate::batch::PhaseTime;

/// Makes proofs of batches, one at a time, for the shapes whose keys it has. Synchronous; called from the prover's thread.
pub trait Backend: fmt::Debug + Send + Sync {
    /// The circuits whose keys are loaded, smallest first.
    fn circuits(&self) -> &[Circuit];

    /// Whether a proof for one of these shapes finds the memory that it needs, as it is now.
    ///
    /// # Errors
    /// [`Shortage`] with both numbers.
    fn check_memory(&self, _shape: &Shape) -> Result<(), Shortage> {
        Ok(())
    }

    /// Proves a batch for one of these shapes. The bundle's proof has been verified.
    ///
    /// Calls `progress` with each phase and its done part, 0 to 1; ends soon after `cancel` is raised.
    fn prove(
        &self,
        shape: &Shape,
        batch: &AppliedBatch,
        cancel: &CancelFlag,
        progress: &(dyn Fn(Phase, f64) + Send + Sync),
    ) -> Result<Proved, BackendError>;
}

/// One circuit whose key is loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Circuit {
    /// Its shape.
    pub shape: Shape,
    /// Number of constraints.
    pub constraints: u64,
    /// Constraints of one further transfer slot.
    pub constraints_per_transfer: u64,
    /// Non-zero entries of the three matrices together.
    pub nonzeros: u64,
    /// Size of the evaluation domain.
    pub domain: u64,
    /// Size of the proving key file in bytes.
    pub key_bytes: u64,
    /// Resident memory of a process that holds the key and makes a proof, at its peak, in bytes, by the engine's plan.
    pub memory_bytes: u64,
    /// Wall times of the phases of one proof by the engine's plan.
    pub prove_phases: Vec<PhaseTime>,
    /// Key id.
    pub key_id: KeyId,
    /// Where the key comes from.
    pub provenance: Provenance,
    /// The verifying key's encoding, 992 bytes.
    pub verifying_key: Vec<u8>,
}

impl Circuit {
    /// Wall time of one proof by the engine's plan.
    #[must_use]
    pub fn prove_time(&self) -> Duration {
        self.prove_phases
            .iter()
            .map(|time| Duration::from_micros(time.wall_us))
            .sum()
    }
}

/// A finished proof.
#[derive(Clone, Debug)]
pub struct Proved {
    /// The bundle, verified.
    pub bundle: Bundle,
    /// Wall time of each phase.
    pub phases: Vec<PhaseTime>,
}

/// Why there is no proof.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BackendError {
    /// It was asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// A proof would not find its memory. None was begun; there may be more memory later.
    #[error("a proof finds too little memory: {0}")]
    Memory(Shortage),
    /// No key for the shape is loaded.
    #[error("no key for shape {} is loaded", .shape.name())]
    NoKey {
        /// The shape.
        shape: Shape,
    },
    /// The machine failed; another attempt may succeed.
    #[error("{reason}")]
    Transient {
        /// Why, for people.
        reason: String,
    },
    /// It would fail in the same way again.
    #[error("{reason}")]
    Permanent {
        /// Why, for people.
        reason: String,
    },
}
