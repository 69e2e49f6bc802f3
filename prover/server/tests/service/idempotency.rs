//! Submissions that are repeated under their keys.

use quittance::grpc::operation_to_proto;
use quittance_proto::v1;
use tonic::Code;

use crate::batching::NEVER;
use crate::harness::{Held, Service, config, fields, genesis, reason, transfer};

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_transfer_is_accepted_once_also_across_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = NEVER;
    let mut service = Service::restart(raw.clone(), Held::new()).await;
    let first = service
        .single(&transfer(0, 1, 0, |_| ()), "order 7")
        .await
        .unwrap();
    assert!(!first.repeated);
    for round in 0..2 {
        let again = service
            .single(&transfer(0, 1, 0, |_| ()), "order 7")
            .await
            .unwrap();
        assert_eq!((again.repeated, &again.operation), (true, &first.operation));
        // Something else under the key, of the same kind and of another.
        let other = service
            .single(&transfer(0, 1, 1, |_| ()), "order 7")
            .await
            .unwrap_err();
        let batch = service
            .keyed_batch(&[transfer(0, 1, 0, |_| ())], "order 7")
            .await
            .unwrap_err();
        for status in [other, batch] {
            assert_eq!(status.code(), Code::AlreadyExists, "{status:?}");
            let (got, metadata) = reason(&status);
            assert_eq!(
                (got.as_str(), metadata["operation"].as_str()),
                ("IDEMPOTENCY_KEY_REUSED", "1")
            );
        }
        let state = service.state().await;
        assert_eq!((state.queued_operations, state.last_operation), (1, 1), "{round}");
        if round == 0 {
            service.stop().await;
            service = Service::restart(raw.clone(), Held::new()).await;
        }
    }
    // Without a key it is a second transfer, and breaks a rule.
    let status = service.single(&transfer(0, 1, 0, |_| ()), "").await.unwrap_err();
    assert_eq!(reason(&status).0, "NONCE_MATCHES");
    // A repetition answers with what has become of the first one.
    service.single(&transfer(1, 0, 0, |_| ()), "").await.unwrap();
    service.wait_for_queue(0).await;
    let again = service
        .single(&transfer(0, 1, 0, |_| ()), "order 7")
        .await
        .unwrap();
    let operation = again.operation.unwrap();
    assert_eq!((operation.id, operation.execution.unwrap().batch), (1, 1));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_batch_is_executed_once_also_across_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let raw = config(directory.path());
    let mut service = Service::restart(raw.clone(), Held::new()).await;
    let transfers = [transfer(0, 1, 0, |_| ()), transfer(1, 0, 0, |_| ())];
    let first = service.keyed_batch(&transfers, "batch").await.unwrap();
    assert_eq!(
        (first.operation_ids.as_slice(), first.repeated),
        ([1, 2].as_slice(), false)
    );
    service.submit(&[transfer(0, 1, 1, |_| ())]).await.unwrap();
    for _ in 0..2 {
        let again = service.keyed_batch(&transfers, "batch").await.unwrap();
        assert_eq!(
            (again.operation_ids.as_slice(), again.repeated),
            ([1, 2].as_slice(), true)
        );
        assert_eq!(again.batch.unwrap().number, 1);
        let status = service.keyed_batch(&transfers[..1], "batch").await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).0.as_str()),
            (Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED")
        );
        // Other fee slots are another batch.
        let request = v1::SubmitBatchRequest {
            operations: transfers.iter().map(operation_to_proto).collect(),
            fee_slots: vec![v1::FeeSlot { leaf: 2, token: 1 }],
            idempotency_key: b"batch".to_vec(),
        };
        let status = service.client.submit_batch(request).await.unwrap_err();
        assert_eq!(status.code(), Code::AlreadyExists);
        assert_eq!(service.state().await.batch_number, 2);
        service.stop().await;
        service = Service::restart(raw.clone(), Held::new()).await;
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_submission_does_not_use_its_key_up() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = NEVER;
    let mut service = Service::restart(raw, Held::new()).await;
    let status = service.single(&transfer(0, 1, 5, |_| ()), "k").await.unwrap_err();
    assert_eq!(reason(&status).0, "NONCE_MATCHES");
    let status = service
        .keyed_batch(&[transfer(0, 1, 5, |_| ())], "k")
        .await
        .unwrap_err();
    assert_eq!(reason(&status).0, "NONCE_MATCHES");
    assert!(
        !service
            .single(&transfer(0, 1, 0, |_| ()), "k")
            .await
            .unwrap()
            .repeated
    );
    for length in [65, 1 << 12] {
        let status = service
            .single(&transfer(0, 1, 1, |_| ()), &"x".repeat(length))
            .await
            .unwrap_err();
        assert_eq!(
            (status.code(), fields(&status)),
            (Code::InvalidArgument, vec!["idempotency_key".to_owned()])
        );
        assert!(
            status
                .message()
                .contains(&format!("wants 1 to 64 bytes, got {length}")),
            "{status:?}"
        );
        let status = service
            .keyed_batch(&[transfer(0, 1, 1, |_| ())], &"x".repeat(length))
            .await
            .unwrap_err();
        assert_eq!(fields(&status), ["idempotency_key"]);
    }
    assert!(
        !service
            .single(&transfer(0, 1, 1, |_| ()), &"x".repeat(64))
            .await
            .unwrap()
            .repeated
    );
    service.stop().await;
}

/// Eight tasks send the same at once, transfers and batches: each is accepted once, and all get the same answer.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_from_eight_tasks_at_once_is_executed_once() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = 5;
    let mut service = Service::restart(raw, Held::new()).await;
    for nonce in 0..5 {
        let signed = operation_to_proto(&transfer(0, 1, nonce, |_| ()));
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let mut client = service.client.clone();
                let (signed, key) = (signed.clone(), format!("{nonce}").into_bytes());
                tokio::spawn(async move {
                    if nonce % 2 == 0 {
                        let request = v1::SubmitOperationRequest {
                            operation: Some(signed),
                            idempotency_key: key,
                        };
                        let answer = client.submit_operation(request).await.unwrap().into_inner();
                        (answer.operation.unwrap().id, answer.repeated)
                    } else {
                        let request = v1::SubmitBatchRequest {
                            operations: vec![signed],
                            fee_slots: Vec::new(),
                            idempotency_key: key,
                        };
                        let answer = client.submit_batch(request).await.unwrap().into_inner();
                        (answer.operation_ids[0], answer.repeated)
                    }
                })
            })
            .collect();
        let mut first = 0;
        for task in tasks {
            let (id, repeated) = task.await.unwrap();
            assert_eq!(id, u64::from(nonce) + 1);
            first += usize::from(!repeated);
        }
        assert_eq!(first, 1, "{nonce}");
    }
    let state = service.wait_for_queue(0).await;
    assert_eq!(state.last_operation, 5);
    service.stop().await;
}

/// A stream with keys that broke off is sent again as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_stream_gives_the_same_ids() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = NEVER;
    let mut service = Service::restart(raw, Held::new()).await;
    let messages = |count: u32| -> Vec<_> {
        (0..count)
            .map(|nonce| v1::SubmitOperationsRequest {
                operation: Some(operation_to_proto(&transfer(0, 1, nonce, |_| ()))),
                idempotency_key: format!("stream {nonce}").into_bytes(),
            })
            .collect()
    };
    let mut send = async |messages: Vec<_>| {
        service
            .client
            .submit_operations(tokio_stream::iter(messages))
            .await
    };
    let first = send(messages(3)).await.unwrap().into_inner();
    assert_eq!((first.operation_ids, first.repeated), (vec![1, 2, 3], 0));
    let again = send(messages(5)).await.unwrap().into_inner();
    assert_eq!((again.operation_ids, again.repeated), (vec![1, 2, 3, 4, 5], 3));
    // Twice in one stream; then with another content, which ends it.
    let mut twice = messages(7);
    twice.push(twice[6].clone());
    let mut reused = twice[0].clone();
    match reused.operation.as_mut().unwrap().kind.as_mut() {
        Some(v1::signed_operation::Kind::Transfer(transfer)) => transfer.nonce = 7,
        other => panic!("{other:?}"),
    }
    twice.push(reused);
    twice.push(messages(8).pop().unwrap());
    let status = send(twice).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists, "{status:?}");
    let (got, metadata) = reason(&status);
    assert_eq!(got, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(
        (metadata["position"].as_str(), metadata["accepted"].as_str()),
        ("8", "8")
    );
    assert_eq!(service.state().await.last_operation, 7);
    service.stop().await;
}
