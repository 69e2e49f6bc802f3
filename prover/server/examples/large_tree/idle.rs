//! A backend that proves nothing: it holds every proof until it is cancelled.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use quittance::backend::{Backend, BackendError, Circuit, Proved};
use quittance_circuits::batch::AppliedBatch;
use quittance_engine::{CancelFlag, Phase};
use quittance_verifier::{KeyId, Provenance, Shape};

#[derive(Debug)]
struct Idle {
    circuits: [Circuit; 1],
}

/// The backend, for one shape.
pub(crate) fn backend(shape: Shape) -> Arc<dyn Backend> {
    let circuit = Circuit {
        shape,
        constraints: 1,
        constraints_per_transfer: 1,
        nonzeros: 1,
        domain: 1,
        key_bytes: 1,
        memory_bytes: 1,
        prove_phases: Vec::new(),
        key_id: KeyId([0; 32]),
        provenance: Provenance::Development,
        verifying_key: Vec::new(),
    };
    Arc::new(Idle { circuits: [circuit] })
}

impl Backend for Idle {
    fn circuits(&self) -> &[Circuit] {
        &self.circuits
    }

    fn prove(
        &self,
        _shape: &Shape,
        _batch: &AppliedBatch,
        cancel: &CancelFlag,
        _progress: &(dyn Fn(Phase, f64) + Send + Sync),
    ) -> Result<Proved, BackendError> {
        while !cancel.is_cancelled() {
            thread::park_timeout(Duration::from_millis(5));
        }
        Err(BackendError::Cancelled)
    }
}
