//! The backend that proves with the engine on this machine.

use quittance_circuits::batch::AppliedBatch;
use quittance_circuits::circuit::assign;
use quittance_engine::memory::{Calibration, CircuitSize, estimate};
use quittance_engine::{CancelFlag, Control, Engine, LoadedKey, Phase, ProveError, Stopwatch};
use quittance_verifier::{Bundle, Shape};

use crate::backend::{Backend, BackendError, Circuit, Proved};
use crate::batch::PhaseTime;
use crate::circuit_facts::CircuitFacts;

/// The engine with the keys of some circuits.
#[derive(Debug)]
pub struct EngineBackend {
    engine: Engine,
    circuits: Vec<Circuit>,
    keys: Vec<LoadedKey>,
}

/// A proof with what it cost.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The bundle, verified.
    pub bundle: Bundle,
    /// Times of the phases, in their order.
    pub phases: Vec<quittance_engine::PhaseTime>,
}

impl EngineBackend {
    /// A backend for these keys; `calibration` says how fast the machine is.
    #[must_use]
    pub fn new(engine: Engine, mut keys: Vec<(LoadedKey, CircuitFacts)>, calibration: &Calibration) -> Self {
        keys.sort_by_key(|(_, facts)| facts.constraints);
        let circuits = keys
            .iter()
            .map(|(key, facts)| describe(key, facts, calibration))
            .collect();
        Self {
            engine,
            circuits,
            keys: keys.into_iter().map(|(key, _)| key).collect(),
        }
    }

    /// The engine.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The key of a shape.
    pub fn loaded(&self, shape: &Shape) -> Result<&LoadedKey, BackendError> {
        let mut keys = self.keys.iter();
        keys.find(|loaded| loaded.key().shape() == shape)
            .ok_or(BackendError::NoKey { shape: *shape })
    }

    /// Proves a batch and keeps what each phase cost.
    pub fn measure(
        &self,
        shape: &Shape,
        batch: &AppliedBatch,
        cancel: &CancelFlag,
        progress: &(dyn Fn(Phase, f64) + Send + Sync),
    ) -> Result<Measured, BackendError> {
        let key = self.loaded(shape)?.key();
        let key_id = key.verifying_key().key_id();

        progress(Phase::Witness, 0.0);
        let mut stopwatch = Stopwatch::start();
        let assignment = self
            .engine
            .install(|| assign(shape, &key_id, batch))
            .map_err(|error| BackendError::Permanent {
                reason: error.to_string(),
            })?;
        let mut phases = vec![stopwatch.lap(Phase::Witness)];
        progress(Phase::Witness, 1.0);
        // The assignment begins with 1, h, z, y.
        let h = *assignment.get(1).ok_or_else(|| BackendError::Permanent {
            reason: "the assignment has no public inputs".to_owned(),
        })?;

        let report = |step: quittance_engine::Progress| progress(step.phase, step.fraction);
        let control = Control::new(cancel.clone()).with_progress(&report);
        let proven = self.engine.prove(key, &assignment, &control).map_err(failure)?;
        phases.extend(proven.report.phases);
        Ok(Measured {
            bundle: Bundle {
                key_id,
                facts: batch.facts(),
                h,
                proof: proven.proof,
            },
            phases,
        })
    }
}

impl Backend for EngineBackend {
    fn circuits(&self) -> &[Circuit] {
        &self.circuits
    }

    fn prove(
        &self,
        shape: &Shape,
        batch: &AppliedBatch,
        cancel: &CancelFlag,
        progress: &(dyn Fn(Phase, f64) + Send + Sync),
    ) -> Result<Proved, BackendError> {
        let Measured { bundle, phases } = self.measure(shape, batch, cancel, progress)?;
        // The engine verified proof and inputs; this also covers the facts, which leave the machine with them.
        self.loaded(shape)?
            .key()
            .verifier()
            .verify(&bundle)
            .map_err(|error| BackendError::Permanent {
                reason: error.to_string(),
            })?;
        let phases = phases
            .iter()
            .map(|time| PhaseTime {
                phase: time.phase,
                wall_us: u64::try_from(time.wall.as_micros()).unwrap_or(u64::MAX),
            })
            .collect();
        Ok(Proved { bundle, phases })
    }
}

fn failure(error: ProveError) -> BackendError {
    match error {
        ProveError::Cancelled { .. } => BackendError::Cancelled,
        error if error.is_transient() => BackendError::Transient {
            reason: error.to_string(),
        },
        error => BackendError::Permanent {
            reason: error.to_string(),
        },
    }
}

fn describe(loaded: &LoadedKey, facts: &CircuitFacts, calibration: &Calibration) -> Circuit {
    let key = loaded.key().verifying_key();
    let manifest = loaded.manifest();
    let size = size(facts);
    Circuit {
        shape: facts.shape,
        constraints: facts.constraints,
        constraints_per_transfer: facts.constraints_per_transfer,
        nonzeros: facts.nonzeros,
        domain: facts.domain,
        key_bytes: manifest.proving_key.bytes,
        memory_bytes: estimate(&size).peak_bytes,
        prove_time: calibration.proof_time(facts.domain),
        key_id: key.key_id(),
        provenance: key.provenance(),
        verifying_key: key.to_bytes(),
    }
}

/// The sizes that the engine's memory model wants.
#[must_use]
pub fn size(facts: &CircuitFacts) -> CircuitSize {
    let instance = u64::try_from(quittance_circuits::circuit::NUM_INSTANCE).unwrap_or(u64::MAX);
    CircuitSize {
        constraints: facts.constraints,
        variables: facts.witness.saturating_add(instance),
        instance,
        nonzeros: facts.nonzeros,
        coefficients: facts.coefficients,
        domain: facts.domain,
        a_points: facts.a_points,
        b_points: facts.b_points,
    }
}
