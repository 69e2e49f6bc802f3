//! Single transfers on their way into batches: by size, by time, ahead of proving up to the limit, and never beyond.

use quittance_circuits::types::BatchNumber;
use quittance_proto::v1;
use tonic::Code;
use tonic_types::StatusExt;

use crate::harness::{
    BALANCE, Held, OPERATOR, Service, config, genesis, quota, real_backend, reason, transfer,
};

/// A delay that no test lives to see.
pub(crate) const NEVER: u64 = 86_400_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_made_as_soon_as_it_is_full() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = NEVER;
    let mut service = Service::restart(raw, Held::new()).await;
    let first = service.single(&transfer(0, 1, 0, |_| ()), "").await.unwrap();
    let operation = first.operation.unwrap();
    assert_eq!(
        (operation.id, operation.state(), first.repeated),
        (1, v1::OperationState::Queued, false)
    );
    assert!(operation.accepted_at_ms > 0 && operation.execution.is_none() && operation.rejection.is_none());
    let state = service.state().await;
    assert_eq!(
        (state.queued_operations, state.last_operation, state.batch_number),
        (1, 1, 0)
    );
    // Accounts are as of the last executed batch.
    assert_eq!(service.balance(0).await, BALANCE);

    service
        .stream(&[transfer(1, 0, 0, |_| ()), transfer(0, 1, 1, |_| ())])
        .await
        .unwrap();
    let state = service.wait_for_queue(1).await;
    assert_eq!((state.batch_number, state.last_operation), (1, 3));
    let batch = service.batch(1).await;
    assert_eq!((batch.transfers, batch.fees[0].leaf), (2, OPERATOR));
    assert_eq!(batch.fees[0].amount, 20u128.to_be_bytes());
    for (id, position) in [(1, 0), (2, 1)] {
        let execution = service.operation(id).await.execution.unwrap();
        assert_eq!((execution.batch, execution.position), (1, position));
    }
    assert_eq!(service.operation(3).await.state(), v1::OperationState::Queued);
    assert_eq!(service.balance(0).await, BALANCE - 10);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_made_when_the_oldest_has_waited_long_enough_and_is_proved() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = 30;
    let mut service = Service::restart(raw, real_backend()).await;
    service.single(&transfer(0, 1, 0, |_| ()), "").await.unwrap();

    let request = v1::WatchOperationRequest { id: 1 };
    let mut stream = service
        .client
        .watch_operation(request)
        .await
        .unwrap()
        .into_inner();
    let mut events = Vec::new();
    while let Some(event) = stream.message().await.unwrap() {
        events.push(event);
    }
    let (first, last) = (&events[0], events.last().unwrap());
    // Nobody knows how far it is when the watcher comes; then it never goes back.
    let state = first.operation.as_ref().unwrap().state();
    assert_eq!(
        first.progress.is_none(),
        state == v1::OperationState::Queued,
        "{events:?}"
    );
    let operation = last.operation.clone().unwrap();
    let execution = operation.execution.clone().unwrap();
    assert_eq!(
        (operation.state(), execution.batch, execution.batch_state()),
        (v1::OperationState::Executed, 1, v1::BatchState::Proved)
    );
    let progress = last.progress.as_ref().unwrap();
    assert_eq!((progress.number, progress.fraction), (1, 1.0));
    assert!(events.len() > 3, "{events:?}");
    // The operation says the same.
    assert_eq!(service.operation(1).await, operation);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_made_ahead_of_proving_up_to_the_limit() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.proving.max_unproved_batches = 2;
    raw.batching.max_queued = 3;
    raw.batching.max_delay_ms = NEVER;
    let mut service = Service::restart(raw, Held::new()).await;
    for nonce in 0..4 {
        service.single(&transfer(0, 1, nonce, |_| ()), "").await.unwrap();
        if nonce % 2 == 1 {
            service.wait_for_queue(0).await;
        }
    }
    let made = service.state().await;
    assert_eq!(
        (made.batch_number, made.unproved_batches, made.last_operation),
        (2, 2, 4)
    );
    let transfers: Vec<_> = (4..8).map(|nonce| transfer(0, 1, nonce, |_| ())).collect();
    let status = service.stream(&transfers).await.unwrap_err();
    assert_eq!(quota(&status), "batching.max_queued");
    let details = status.get_error_details();
    assert!(details.retry_info().is_some());
    let (got, metadata) = reason(&status);
    assert_eq!(got, "LIMIT_REACHED");
    assert_eq!(
        (metadata["position"].as_str(), metadata["accepted"].as_str()),
        ("3", "3")
    );
    assert!(
        status
            .message()
            .contains("3 operations wait to be executed, the limit is 3"),
        "{status:?}"
    );
    let state = service.state().await;
    assert_eq!(
        (state.queued_operations, state.last_operation, state.root),
        (3, 7, made.root)
    );
    let status = service.single(&transfers[3], "").await.unwrap_err();
    assert_eq!(quota(&status), "batching.max_queued");
    // No batch fits behind the queue either.
    let status = service.submit(&[transfer(1, 0, 0, |_| ())]).await.unwrap_err();
    assert_eq!(quota(&status), "proving.max_unproved_batches");

    // A proof that is given up makes room for a batch at once.
    service
        .client
        .cancel_batch(v1::CancelBatchRequest { number: 1 })
        .await
        .unwrap();
    let state = service.wait_for_queue(1).await;
    assert_eq!((state.batch_number, state.unproved_batches), (3, 2));
    service.single(&transfers[3], "").await.unwrap();
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_expires_while_it_waits_is_rejected_and_the_others_go_on() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.proving.max_unproved_batches = 1;
    raw.batching.max_delay_ms = 1;
    let mut service = Service::restart(raw, Held::new()).await;
    service.single(&transfer(0, 1, 0, |_| ()), "").await.unwrap();
    service.wait_for_queue(0).await;
    // All of these wait for the proof of batch 1; the last batch for two of them is the next one.
    let transfers = [
        transfer(0, 1, 1, |_| ()),
        transfer(1, 0, 0, |_| ()),
        transfer(0, 1, 2, |t| t.valid_until = BatchNumber(2)),
        transfer(1, 0, 1, |_| ()),
        // Its nonce counts on the one that expires.
        transfer(0, 1, 3, |_| ()),
        transfer(2, 0, 0, |t| t.valid_until = BatchNumber(2)),
        transfer(1, 0, 2, |_| ()),
    ];
    let ids = service.stream(&transfers).await.unwrap().operation_ids;
    assert_eq!(ids, (2..=8).collect::<Vec<_>>());
    let request = v1::WatchOperationRequest { id: 4 };
    let mut watched = service
        .client
        .watch_operation(request)
        .await
        .unwrap()
        .into_inner();
    for number in 1..=3 {
        service
            .client
            .cancel_batch(v1::CancelBatchRequest { number })
            .await
            .unwrap();
        if number < 3 {
            service.wait_for(number + 1, v1::BatchState::Proving).await;
        }
    }
    let state = service.wait_for_queue(0).await;
    assert_eq!((state.batch_number, state.last_operation), (3, 8));
    for (id, rule, values) in [
        (
            4,
            "not_expired",
            "not_expired: operation is valid until batch 2, this is batch 3",
        ),
        (
            6,
            "nonce_matches",
            "nonce_matches: operation has nonce 3, the account expects 2",
        ),
        (
            7,
            "not_expired",
            "not_expired: operation is valid until batch 2, this is batch 3",
        ),
    ] {
        let operation = service.operation(id).await;
        assert_eq!(operation.state(), v1::OperationState::Rejected, "{id}");
        let rejection = operation.rejection.unwrap();
        assert_eq!(
            (rejection.rule.as_str(), rejection.message.as_str()),
            (rule, values)
        );
        assert!(rejection.rejected_at_ms >= operation.accepted_at_ms);
    }
    for (id, batch, position) in [(2, 2, 0), (3, 2, 1), (5, 3, 0), (8, 3, 1)] {
        let execution = service.operation(id).await.execution.unwrap();
        assert_eq!((execution.batch, execution.position), (batch, position), "{id}");
    }
    // The watcher of a rejected operation is told, and its stream ends.
    let mut states = Vec::new();
    while let Some(event) = watched.message().await.unwrap() {
        states.push(event.operation.unwrap().state());
    }
    assert_eq!(states, [v1::OperationState::Queued, v1::OperationState::Rejected]);
    // The next nonce is the one that was never used.
    service.single(&transfer(0, 1, 2, |_| ()), "").await.unwrap();
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submitted_batch_comes_after_what_was_accepted_before() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = NEVER;
    raw.batching.max_operations = Some(2);
    raw.proving.max_unproved_batches = 4;
    let mut service = Service::restart(raw, Held::new()).await;
    service.single(&transfer(0, 1, 0, |_| ()), "").await.unwrap();
    let before = service.state().await;
    // A batch that would be refused behind the queue does not make a batch of the queue.
    let status = service
        .submit(&[transfer(1, 0, 0, |_| ()), transfer(0, 1, 0, |_| ())])
        .await
        .unwrap_err();
    assert_eq!(
        (
            status.code(),
            reason(&status).0.as_str(),
            reason(&status).1["position"].as_str()
        ),
        (Code::FailedPrecondition, "NONCE_MATCHES", "1")
    );
    assert_eq!(service.state().await, before);

    let answer = service
        .keyed_batch(&[transfer(0, 1, 1, |_| ())], "")
        .await
        .unwrap();
    assert_eq!((answer.operation_ids, answer.repeated), (vec![2], false));
    assert_eq!(answer.batch.unwrap().number, 2);
    let state = service.state().await;
    assert_eq!(
        (state.batch_number, state.queued_operations, state.last_operation),
        (2, 0, 2)
    );
    for (id, batch) in [(1, 1), (2, 2)] {
        assert_eq!(service.operation(id).await.execution.unwrap().batch, batch);
    }
    // Two more fit below the limit: one of the queue, and one behind it; then none.
    service.single(&transfer(0, 1, 2, |_| ()), "").await.unwrap();
    service.submit(&[transfer(0, 1, 3, |_| ())]).await.unwrap();
    service.single(&transfer(0, 1, 4, |_| ()), "").await.unwrap();
    let before = service.state().await;
    let status = service.submit(&[transfer(0, 1, 5, |_| ())]).await.unwrap_err();
    assert_eq!(quota(&status), "proving.max_unproved_batches");
    assert_eq!(service.state().await, before);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = NEVER;
    let mut service = Service::restart(raw.clone(), Held::new()).await;
    service.single(&transfer(0, 1, 0, |_| ()), "").await.unwrap();
    service.stop().await;
    let mut service = Service::restart(raw.clone(), Held::new()).await;
    // What waits counts: the nonce is used.
    let status = service.single(&transfer(0, 1, 0, |_| ()), "").await.unwrap_err();
    assert_eq!(reason(&status).0, "NONCE_MATCHES");
    assert_eq!(service.operation(1).await.state(), v1::OperationState::Queued);
    service.stop().await;
    // It has waited longer than this when the service starts.
    raw.batching.max_delay_ms = 1;
    let mut service = Service::restart(raw, Held::new()).await;
    service.wait_for_operation(1, v1::OperationState::Executed).await;
    service.stop().await;
}
