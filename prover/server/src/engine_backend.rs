//! The backend that proves with the engine on this machine.

use std::time::Duration;

use quittance_circuits::batch::AppliedBatch;
use quittance_circuits::circuit::assign;
use quittance_engine::{
    Calibration, CancelFlag, Control, Engine, LoadedKey, Phase, ProveError, Shortage, Stopwatch,
};
use quittance_verifier::{Bundle, Shape};

use crate::backend::{Backend, BackendError, Circuit, Proved};
use crate::batch::PhaseTime;
use crate::causes::chain;
use crate::circuit_facts::CircuitFacts;

/// What the assignment takes of a proof's time, the engine's phases being 1.
const WITNESS_SHARE: f64 = 0.03;

/// The engine with the keys of some circuits.
#[derive(Debug)]
pub struct EngineBackend {
    engine: Engine,
    circuits: Vec<Circuit>,
    keys: Vec<LoadedKey>,
    facts: Vec<CircuitFacts>,
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
            .map(|(key, facts)| describe(&engine, key, facts, calibration))
            .collect();
        let (keys, facts) = keys.into_iter().unzip();
        Self {
            engine,
            circuits,
            keys,
            facts,
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

        // The engine looks again, when it knows what this process holds; a batch that waits should not be assigned every second.
        self.check_memory(shape).map_err(BackendError::Memory)?;
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

    fn check_memory(&self, shape: &Shape) -> Result<(), Shortage> {
        let mut facts = self.facts.iter();
        match facts.find(|facts| facts.shape == *shape) {
            Some(facts) => self.engine.check_memory(&facts.size()),
            None => Ok(()),
        }
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
                wall_us: microseconds(time.wall),
            })
            .collect();
        Ok(Proved { bundle, phases })
    }
}

fn failure(error: ProveError) -> BackendError {
    match error {
        ProveError::Cancelled { .. } => BackendError::Cancelled,
        ProveError::Memory(shortage) => BackendError::Memory(shortage),
        error if error.is_transient() => BackendError::Transient {
            reason: chain(&error),
        },
        error => BackendError::Permanent {
            reason: error.to_string(),
        },
    }
}

fn describe(engine: &Engine, loaded: &LoadedKey, facts: &CircuitFacts, calibration: &Calibration) -> Circuit {
    let key = loaded.key().verifying_key();
    let manifest = loaded.manifest();
    let plan = engine.plan(&facts.size(), calibration);
    let witness = (Phase::Witness, plan.time.wall().mul_f64(WITNESS_SHARE));
    let of_engine = plan.time.phases.iter().map(|time| (time.phase, time.wall));
    Circuit {
        shape: facts.shape,
        constraints: facts.constraints,
        constraints_per_transfer: facts.constraints_per_transfer,
        nonzeros: facts.nonzeros,
        domain: facts.domain,
        key_bytes: manifest.proving_key.bytes,
        memory_bytes: plan.memory.peak_bytes(),
        prove_phases: std::iter::once(witness)
            .chain(of_engine)
            .map(|(phase, wall)| PhaseTime {
                phase,
                wall_us: microseconds(wall),
            })
            .collect(),
        key_id: key.key_id(),
        provenance: key.provenance(),
        verifying_key: key.to_bytes(),
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
