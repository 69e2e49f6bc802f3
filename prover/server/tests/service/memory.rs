//! What a service does whose prover finds too little memory: it says so with both numbers, and loses nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use quittance::backend::{Backend, BackendError, Circuit, Proved};
use quittance::engine_backend::EngineBackend;
use quittance::keys::{self, KeysError};
use quittance_circuits::batch::AppliedBatch;
use quittance_engine::{CancelFlag, Phase, Shortage};
use quittance_proto::v1;
use quittance_verifier::{DevelopmentKeys, Shape};
use tonic_types::StatusExt;

use crate::harness::{KEYS, SHAPE, Service, config, engine, genesis, quota, real_backend, reason, transfer};

/// Less than any proof needs.
const LITTLE: u64 = 1 << 20;

/// A backend whose memory has shrunk since its key was loaded.
fn short() -> Arc<EngineBackend> {
    let engine = engine();
    let loaded = keys::open(&engine, KEYS.path(), &SHAPE, DevelopmentKeys::Accept).unwrap();
    let calibration = engine.calibrate().unwrap();
    let engine = engine.with_memory_limit(Some(LITTLE));
    Arc::new(EngineBackend::new(engine, vec![loaded], &calibration))
}

#[test]
fn a_key_that_does_not_fit_is_not_loaded() {
    let engine = engine().with_memory_limit(Some(LITTLE));
    match keys::open(&engine, KEYS.path(), &SHAPE, DevelopmentKeys::Accept) {
        Err(KeysError::Memory { shape, shortage }) => {
            let Shortage { needed, available } = shortage;
            assert_eq!((shape, available), (SHAPE.name(), LITTLE));
            assert!(needed > LITTLE);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_does_not_fit_is_refused_with_both_numbers() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, short()).await;
    let before = service.state().await;
    let status = service.submit(&[transfer(0, 1, 0, |_| ())]).await.unwrap_err();
    assert_eq!(quota(&status), "memory");
    let (reason, facts) = reason(&status);
    assert_eq!(reason, "MEMORY_SHORT");
    let circuits = service.client.list_circuits(v1::ListCircuitsRequest {}).await;
    let circuit = circuits.unwrap().into_inner().circuits.remove(0);
    assert!(circuit.memory_short);
    assert_eq!(facts["shape"], SHAPE.name());
    assert_eq!(facts["needed_bytes"], circuit.memory_bytes.to_string());
    assert_eq!(facts["available_bytes"], LITTLE.to_string());
    assert!(status.get_error_details().retry_info().is_some());
    for number in [circuit.memory_bytes, LITTLE] {
        assert!(status.message().contains(&number.to_string()), "{status:?}");
    }
    assert_eq!(service.state().await, before);
    service.stop().await;
}

/// Single transfers are accepted: their batches wait for better times, say what they lack, and are proved when it is there. Waiting is no
/// attempt: with one allowed, the proof is still made.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_is_proved_when_there_is_memory_again() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = 1;
    raw.proving.max_attempts = 1;
    let mut service = Service::restart(raw.clone(), short()).await;
    service.single(&transfer(0, 1, 0, |_| ()), "").await.unwrap();
    let waiting = loop {
        let request = v1::GetBatchRequest { number: 1 };
        if let Ok(answer) = service.client.get_batch(request).await {
            let batch = answer.into_inner().batch.unwrap();
            // It is looked at again and again: between two looks it waits.
            if !batch.failure.is_empty() && batch.state() != v1::BatchState::Proving {
                break batch;
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    assert_eq!((waiting.state(), waiting.attempts), (v1::BatchState::Executed, 0));
    let failure = waiting.failure;
    let available = format!("bytes of memory are needed, {LITTLE} are available");
    assert!(
        failure.starts_with("a proof finds too little memory: ") && failure.ends_with(&available),
        "{failure}"
    );
    service.stop().await;

    let mut service = Service::restart(raw, real_backend()).await;
    let proved = service.wait_for(1, v1::BatchState::Proved).await;
    assert_eq!((proved.attempts, proved.failure.as_str()), (1, ""));
    service.stop().await;
}

/// A backend that finds too little memory for one batch, as for a large one among small ones.
#[derive(Debug)]
struct Tight {
    backend: Arc<EngineBackend>,
    large: u32,
    short: AtomicBool,
}

impl Backend for Tight {
    fn circuits(&self) -> &[Circuit] {
        self.backend.circuits()
    }

    fn prove(
        &self,
        shape: &Shape,
        batch: &AppliedBatch,
        cancel: &CancelFlag,
        progress: &(dyn Fn(Phase, f64) + Send + Sync),
    ) -> Result<Proved, BackendError> {
        if batch.facts().batch_number == self.large && self.short.load(Ordering::Relaxed) {
            let (needed, available) = (2, 1);
            return Err(BackendError::Memory(Shortage { needed, available }));
        }
        self.backend.prove(shape, batch, cancel, progress)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_without_its_memory_does_not_keep_later_ones_from_theirs() {
    let directory = tempfile::tempdir().unwrap();
    let backend = Arc::new(Tight {
        backend: real_backend(),
        large: 1,
        short: AtomicBool::new(true),
    });
    let mut service = Service::start(&directory, Arc::clone(&backend) as Arc<dyn Backend>).await;
    for nonce in 0..3 {
        service.submit(&[transfer(0, 1, nonce, |_| ())]).await.unwrap();
    }
    for number in [2, 3] {
        service.wait_for(number, v1::BatchState::Proved).await;
    }
    let first = service.wait_for(1, v1::BatchState::Executed).await;
    assert_eq!(
        first.failure,
        "a proof finds too little memory: 2 bytes of memory are needed, 1 are available"
    );
    assert_eq!(service.state().await.unproved_batches, 1);
    backend.short.store(false, Ordering::Relaxed);
    let first = service.wait_for(1, v1::BatchState::Proved).await;
    assert_eq!(first.attempts, 1);
    service.stop().await;
}
