//! A batch from submission to a verified bundle.

use quittance_engine::Phase;
use quittance_proto::v1;
use quittance_verifier::{Bundle, DevelopmentKeys, Verifier, VerifyingKey, json};

use crate::harness::{OPERATOR, SHAPE, Service, real_backend, transfer};

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_executed_proved_and_verified_by_anybody() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, real_backend()).await;
    let before = service.state().await;
    assert_eq!((before.batch_number, before.accounts, before.levels), (0, 5, 2));

    let transfers = [transfer(0, 1, 0, |_| ()), transfer(1, 0, 0, |_| ())];
    let batch = service.submit(&transfers).await.unwrap();
    assert_eq!((batch.number, batch.state()), (1, v1::BatchState::Executed));
    assert_eq!((batch.shape.as_str(), batch.transfers), ("t2f1l2", 2));
    assert_eq!(batch.old_root, before.root);
    let fee = &batch.fees[0];
    assert_eq!(
        (fee.leaf, fee.token, fee.amount.as_slice()),
        (OPERATOR, 1, 20u128.to_be_bytes().as_slice())
    );
    let after = service.state().await;
    assert_eq!((after.batch_number, &after.root), (1, &batch.new_root));
    assert_eq!(after.genesis_root, before.root);

    let events = service.watch(1).await;
    assert_eq!(events.last().unwrap().state(), v1::BatchState::Proved);
    let batch = service.batch(1).await;
    assert_eq!((batch.state(), batch.attempts), (v1::BatchState::Proved, 1));
    assert!(batch.proved_at_ms.unwrap() >= batch.executed_at_ms);
    assert_eq!(batch.phases.len(), Phase::ALL.len());
    assert_eq!(service.state().await.unproved_batches, 0);

    let bytes = service.bundle(1, v1::BundleFormat::Binary).await.unwrap();
    let bundle = Bundle::from_bytes(&bytes).unwrap();
    assert_eq!((bundle.facts.batch_number, bundle.facts.transfers.len()), (1, 2));
    let text = service.bundle(1, v1::BundleFormat::Json).await.unwrap();
    assert_eq!(json::from_json(&text).unwrap().to_bytes().unwrap(), bytes);

    for wanted in [
        v1::get_verifying_key_request::Key::Shape(SHAPE.name()),
        v1::get_verifying_key_request::Key::KeyId(bundle.key_id.0.to_vec()),
    ] {
        let request = v1::GetVerifyingKeyRequest { key: Some(wanted) };
        let answer = service
            .client
            .get_verifying_key(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(answer.provenance(), v1::Provenance::Development);
        let key = VerifyingKey::from_bytes(&answer.verifying_key).unwrap();
        let verifier = Verifier::new(&key, DevelopmentKeys::Accept).unwrap();
        verifier.verify(&bundle).unwrap();
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_shows_every_phase_in_order_and_never_goes_back() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, real_backend()).await;
    // The first proof holds the prover while the second one is watched from its place in the queue.
    service.submit(&[transfer(0, 1, 0, |_| ())]).await.unwrap();
    service.submit(&[transfer(0, 1, 1, |_| ())]).await.unwrap();
    let events = service.watch(2).await;

    assert_eq!(
        (events[0].state(), events[0].queue_ahead),
        (v1::BatchState::Executed, 1)
    );
    assert!(events[0].eta_ms.is_some());
    let mut phases: Vec<v1::Phase> = Vec::new();
    let mut fraction = 0.0;
    for event in events
        .iter()
        .filter(|event| event.state() == v1::BatchState::Proving)
    {
        if event.phase() != v1::Phase::Unspecified && phases.last() != Some(&event.phase()) {
            phases.push(event.phase());
        }
        assert!(event.fraction >= fraction && event.fraction <= 1.0);
        assert!((0.0..=1.0).contains(&event.phase_fraction));
        assert!(event.eta_ms.is_some());
        fraction = event.fraction;
    }
    assert_eq!(
        phases,
        [
            v1::Phase::Witness,
            v1::Phase::WitnessMap,
            v1::Phase::H,
            v1::Phase::L,
            v1::Phase::A,
            v1::Phase::B1,
            v1::Phase::B2,
            v1::Phase::Assemble,
            v1::Phase::Verify
        ]
    );
    let last = events.last().unwrap();
    assert_eq!(
        (last.state(), last.fraction, last.eta_ms),
        (v1::BatchState::Proved, 1.0, None)
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_listed_in_pages_and_by_state() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, crate::harness::Held::new()).await;
    for nonce in 0..5 {
        service.submit(&[transfer(0, 1, nonce, |_| ())]).await.unwrap();
    }
    for number in [2, 4] {
        service
            .client
            .cancel_batch(v1::CancelBatchRequest { number })
            .await
            .unwrap();
    }
    let mut list = async |state: v1::BatchState, page_size: u32| {
        let mut numbers = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = v1::ListBatchesRequest {
                page_size,
                page_token,
                state: state.into(),
            };
            let page = service.client.list_batches(request).await.unwrap().into_inner();
            assert!(page_size == 0 || page.batches.len() <= usize::try_from(page_size).unwrap());
            numbers.extend(page.batches.iter().map(|batch| batch.number));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return numbers;
            }
        }
    };
    assert_eq!(list(v1::BatchState::Unspecified, 0).await, [1, 2, 3, 4, 5]);
    assert_eq!(list(v1::BatchState::Unspecified, 2).await, [1, 2, 3, 4, 5]);
    assert_eq!(list(v1::BatchState::Cancelled, 1).await, [2, 4]);
    assert!(list(v1::BatchState::Proved, 1).await.is_empty());
    service.stop().await;
}
