//! What survives the end of the process, and what keeps it from starting.

use std::sync::Arc;

use quittance::config::Config;
use quittance::node::{Node, NodeError};
use quittance::store::{Store, StoreError};
use quittance_proto::v1;
use quittance_verifier::{Bundle, DevelopmentKeys, Verifier, verify_chain};

use crate::harness::{Held, KEYS, SHAPE, Service, config, engine, genesis, real_backend, transfer};

#[tokio::test(flavor = "multi_thread")]
async fn unproved_batches_are_proved_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, Held::new()).await;
    for nonce in 0..3 {
        service
            .submit(&[transfer(0, 1, nonce, |_| ()), transfer(1, 0, nonce, |_| ())])
            .await
            .unwrap();
    }
    service.wait_for(1, v1::BatchState::Proving).await;
    service
        .client
        .cancel_batch(v1::CancelBatchRequest { number: 2 })
        .await
        .unwrap();
    let state = service.state().await;
    // Ends while batch 1 is being proved: its proof is stopped when the drain time is over.
    service.stop().await;

    let mut service = Service::restart(config(directory.path()), real_backend()).await;
    let again = service.state().await;
    assert_eq!(
        (again.root, again.batch_number, again.accounts),
        (state.root, 3, 5)
    );
    service.wait_for(1, v1::BatchState::Proved).await;
    service.wait_for(3, v1::BatchState::Proved).await;
    // What was cancelled stays cancelled until it is resumed.
    assert_eq!(service.batch(2).await.state(), v1::BatchState::Cancelled);
    service
        .client
        .resume_batch(v1::ResumeBatchRequest { number: 2 })
        .await
        .unwrap();
    service.wait_for(2, v1::BatchState::Proved).await;

    let loaded = quittance::keys::open(&engine(), KEYS.path(), &SHAPE, DevelopmentKeys::Accept).unwrap();
    let verifier = Verifier::new(loaded.0.key().verifying_key(), DevelopmentKeys::Accept).unwrap();
    let mut bundles = Vec::new();
    for number in 1..=3 {
        let bytes = service.bundle(number, v1::BundleFormat::Binary).await.unwrap();
        let bundle = Bundle::from_bytes(&bytes).unwrap();
        verifier.verify(&bundle).unwrap();
        bundles.push(bundle);
    }
    verify_chain(&bundles.iter().collect::<Vec<_>>()).unwrap();
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_streams_and_the_proof_at_work() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, Held::new()).await;
    service.submit(&[transfer(0, 1, 0, |_| ())]).await.unwrap();
    let request = v1::WatchBatchRequest { number: 1 };
    let mut stream = service.client.watch_batch(request).await.unwrap().into_inner();
    let watching = tokio::spawn(async move {
        loop {
            match stream.message().await {
                Ok(Some(_)) => {}
                other => return other.map(|_| ()),
            }
        }
    });
    service.wait_for(1, v1::BatchState::Proving).await;
    service.stop().await;
    // Told so, or cut at the end of the drain time.
    assert_eq!(
        watching.await.unwrap().unwrap_err().code(),
        tonic::Code::Unavailable
    );
    let config = Config::check(config(directory.path())).unwrap();
    let store = Store::open(&config.store_directory, &config.rollup).unwrap();
    let batch = store.snapshot().unwrap().batch(1).unwrap();
    assert_eq!(batch.stage, quittance::batch::Stage::Executed);
}

#[test]
fn a_store_of_another_rollup_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let open = |change: fn(&mut quittance::config::RawConfig)| {
        let mut raw = config(directory.path());
        change(&mut raw);
        let config = Config::check(raw).unwrap();
        Store::open(&config.store_directory, &config.rollup)
    };
    assert!(matches!(
        open(|raw| raw.rollup.chain_id = 1),
        Err(StoreError::OtherRollup { .. })
    ));
    assert!(matches!(
        open(|raw| raw.rollup.levels = 3),
        Err(StoreError::OtherLevels {
            found: 2,
            expected: 3
        })
    ));
    let pin = |raw: &mut quittance::config::RawConfig| {
        raw.rollup.genesis_root = Some(format!("0x{}", "0".repeat(64)));
    };
    assert!(matches!(open(pin), Err(StoreError::OtherGenesis { .. })));
    assert!(matches!(
        open(|raw| raw.store.directory = "/nonexistent/quittance".into()),
        Err(StoreError::Missing { .. })
    ));
    let first = open(|_| ()).unwrap();
    assert!(matches!(open(|_| ()), Err(StoreError::InUse { .. })));
    drop(first);
    open(|_| ()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_batch_needs_its_key() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, Held::new()).await;
    service.submit(&[transfer(0, 1, 0, |_| ())]).await.unwrap();
    service.stop().await;
    let config = Config::check(config(directory.path())).unwrap();
    let store = || Arc::new(Store::open(&config.store_directory, &config.rollup).unwrap());
    let other = Held::with_shape(quittance_verifier::Shape {
        transfers: 3,
        ..SHAPE
    });
    let error = Node::start(store(), other, &config).unwrap_err();
    assert!(
        matches!(error, NodeError::KeyNeeded { number: 1, .. }),
        "{error:?}"
    );
    let error = Node::start(store(), Held::without_keys(), &config).unwrap_err();
    assert!(matches!(error, NodeError::NoKey), "{error:?}");
}
