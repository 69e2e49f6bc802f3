//! What becomes of operations whose batches were taken back while the service was stopped.

use std::path::Path;
use std::sync::Arc;

use quittance::config::{Config, RawConfig};
use quittance::node::{Node, NodeError};
use quittance::sequencer::StartError;
use quittance::store::Store;
use quittance_circuits::types::BatchNumber;
use quittance_proto::v1;
use quittance_verifier::Shape;
use tonic::Code;
use tonic_types::StatusExt;

use crate::batching::NEVER;
use crate::harness::{
    BALANCE, Held, MIXED, OPERATOR, Service, amount, config, fee, genesis, genesis_with, reason, transfer,
    withdrawal,
};

/// Takes back every batch after this one.
pub(crate) fn roll_back(directory: &Path, to: u32) {
    let config = Config::check(config(directory)).unwrap();
    let store = Store::open(&config.store_directory, &config.rollup).unwrap();
    store.rollback(to).unwrap();
}

/// Two singles in batch 1, a batch with a fee slot of its own as batch 2, a single in batch 3.
async fn three_batches(directory: &Path, valid_until: u32) -> Service {
    genesis(directory);
    let mut raw = config(directory);
    raw.batching.max_delay_ms = NEVER;
    let mut service = Service::restart(raw, Held::new()).await;
    service
        .stream(&[transfer(0, 1, 0, |_| ()), transfer(1, 0, 0, |_| ())])
        .await
        .unwrap();
    service.wait_for_queue(0).await;
    let answer = service
        .client
        .submit_batch(whole(valid_until))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.operation_ids, [3, 4]);
    service
        .single(&transfer(0, 1, 2, |_| ()), "single")
        .await
        .unwrap();
    service.single(&transfer(1, 0, 1, |_| ()), "").await.unwrap();
    let state = service.wait_for_queue(0).await;
    assert_eq!((state.batch_number, state.last_operation), (3, 6));
    service
}

fn whole(valid_until: u32) -> v1::SubmitBatchRequest {
    let transfers = [
        transfer(0, 1, 1, |t| t.valid_until = BatchNumber(valid_until)),
        transfer(4, 4, 0, |_| ()),
    ];
    v1::SubmitBatchRequest {
        operations: transfers
            .iter()
            .map(quittance::grpc::operation_to_proto)
            .collect(),
        fee_slots: vec![v1::FeeSlot { leaf: 1, token: 1 }],
        idempotency_key: b"whole".to_vec(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_are_executed_again_under_their_ids_and_a_batch_as_one() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = three_batches(directory.path(), u32::MAX).await;
    let root = service.state().await.root;
    service.stop().await;
    roll_back(directory.path(), 0);

    // One batch at a time, so that the queue can be looked at.
    let mut raw = config(directory.path());
    raw.proving.max_unproved_batches = 1;
    let mut service = Service::restart(raw, Held::new()).await;
    let state = service.wait_for_queue(4).await;
    assert_eq!((state.batch_number, state.last_operation), (1, 6));
    // The batch waits, and its key says so; a single transfer's key gives its operation.
    let status = service.client.submit_batch(whole(u32::MAX)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(status.get_error_details().retry_info().is_some());
    assert!(status.message().contains("operations 3 to 4"), "{status:?}");
    let again = service
        .single(&transfer(0, 1, 2, |_| ()), "single")
        .await
        .unwrap();
    assert_eq!(
        (again.repeated, again.operation.unwrap().state()),
        (true, v1::OperationState::Queued)
    );
    // What waits counts.
    let status = service.single(&transfer(0, 1, 2, |_| ()), "").await.unwrap_err();
    assert_eq!(reason(&status).0, "NONCE_MATCHES");

    for number in 1..=2 {
        service.wait_for(number, v1::BatchState::Proving).await;
        service
            .client
            .cancel_batch(v1::CancelBatchRequest { number })
            .await
            .unwrap();
    }
    let state = service.wait_for_queue(0).await;
    // The same operations on the same state.
    assert_eq!((state.batch_number, state.root), (3, root));
    let batch = service.batch(2).await;
    assert_eq!((batch.transfers, batch.fees[0].leaf), (2, 1));
    let again = service
        .client
        .submit_batch(whole(u32::MAX))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (again.repeated, again.operation_ids, again.batch.unwrap().number),
        (true, vec![3, 4], 2)
    );
    assert_eq!(service.balance(4).await, BALANCE - 10);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_breaks_a_rule_afterwards_is_rejected_as_a_whole() {
    let directory = tempfile::tempdir().unwrap();
    let service = three_batches(directory.path(), 2).await;
    service.stop().await;
    roll_back(directory.path(), 0);

    // Two smaller batches come before it now, and it may be in batch 2 at the latest.
    let mut raw = config(directory.path());
    raw.batching.max_operations = Some(1);
    let mut service = Service::restart(raw, Held::new()).await;
    let state = service.wait_for_queue(0).await;
    assert_eq!((state.batch_number, state.last_operation), (3, 6));
    for id in [3, 4] {
        let rejection = service.operation(id).await.rejection.unwrap();
        assert_eq!(
            (rejection.rule.as_str(), rejection.message.as_str()),
            (
                "not_expired",
                "transfer 0: not_expired: operation is valid until batch 2, this is batch 3"
            )
        );
    }
    // The single behind it counted on its nonce; the other one goes on.
    assert_eq!(
        service.operation(5).await.rejection.unwrap().rule,
        "nonce_matches"
    );
    assert_eq!(service.operation(6).await.execution.unwrap().batch, 3);
    let before = service.state().await;
    let status = service.client.submit_batch(whole(2)).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    let (got, metadata) = reason(&status);
    assert_eq!(
        (got.as_str(), metadata["operation"].as_str()),
        ("NOT_EXPIRED", "3")
    );
    let again = service
        .single(&transfer(0, 1, 2, |_| ()), "single")
        .await
        .unwrap();
    assert_eq!(
        (again.repeated, again.operation.unwrap().state()),
        (true, v1::OperationState::Rejected)
    );
    assert_eq!(service.state().await, before);
    // A second rollback leaves what was rejected as it is.
    service.stop().await;
    roll_back(directory.path(), 1);
    let mut service = Service::restart(config(directory.path()), Held::new()).await;
    let state = service.wait_for_queue(0).await;
    assert_eq!((state.batch_number, state.root), (2, before.root));
    assert_eq!(service.operation(6).await.execution.unwrap().batch, 2);
    assert_eq!(service.operation(5).await.state(), v1::OperationState::Rejected);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_needs_its_keys_and_tokens_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let service = three_batches(directory.path(), u32::MAX).await;
    service.stop().await;
    roll_back(directory.path(), 0);
    let start = |raw, backend| {
        let config = Config::check(raw).unwrap();
        let store = Store::open(&config.store_directory, &config.rollup).unwrap();
        Node::start(Arc::new(store), backend, &config).unwrap_err()
    };
    let mut raw = config(directory.path());
    raw.fees.leaf = Some(3);
    let error = start(raw, Held::new());
    assert!(
        matches!(
            error,
            NodeError::Sequencer(StartError::TokenNeeded {
                operation: 1,
                token: 1
            })
        ),
        "{error:?}"
    );
    let shape = Shape::transfers_only(2, 1, 1);
    let error = start(config(directory.path()), Held::with_shape(shape));
    assert!(
        matches!(error, NodeError::Sequencer(StartError::ShapeNeeded(_))),
        "{error:?}"
    );
}

/// Two tokens may be in one batch.
const TWO_TOKENS: Shape = Shape::transfers_only(2, 8, 2);

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_waits_again_pays_to_its_own_fee_slots() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = NEVER;
    let mut service = Service::restart(raw.clone(), Held::with_shape(TWO_TOKENS)).await;
    // The policy takes fees in token 1 only.
    let operations = [transfer(0, 1, 0, |_| ()), transfer(3, 3, 0, |_| ())];
    let slot = |leaf, token| v1::FeeSlot { leaf, token };
    let request = v1::SubmitBatchRequest {
        operations: operations
            .iter()
            .map(quittance::grpc::operation_to_proto)
            .collect(),
        fee_slots: vec![slot(OPERATOR, 1), slot(3, 2)],
        idempotency_key: Vec::new(),
    };
    service.client.submit_batch(request).await.unwrap();
    service.stop().await;
    roll_back(directory.path(), 0);

    let mut service = Service::restart(raw.clone(), Held::with_shape(TWO_TOKENS)).await;
    assert_eq!(service.state().await.queued_operations, 2);
    // What was executed counts, with its fees.
    let status = service.single(&transfer(0, 1, 0, |_| ()), "").await.unwrap_err();
    assert_eq!(reason(&status).0, "NONCE_MATCHES");
    service.single(&transfer(0, 1, 1, |_| ()), "").await.unwrap();
    let spend = |nonce, value| transfer(OPERATOR, 0, nonce, |transfer| transfer.amount = amount(value));
    // The fees of both that wait; what it pays itself comes back later.
    let status = service.single(&spend(0, BALANCE + 11), "").await.unwrap_err();
    assert_eq!(reason(&status).0, "BALANCE_COVERS");
    service.single(&spend(0, BALANCE + 10), "").await.unwrap();
    service.single(&spend(1, 0), "").await.unwrap();
    service.stop().await;

    raw.batching.max_delay_ms = 1;
    let mut service = Service::restart(raw, Held::with_shape(TWO_TOKENS)).await;
    service.wait_for_queue(0).await;
    for id in 1..=5 {
        let operation = service.operation(id).await;
        assert_eq!(operation.state(), v1::OperationState::Executed, "{operation:?}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fees_of_what_waits_go_to_the_leaf_of_the_policy_that_makes_the_batch() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = NEVER;
    // Two batches that pay to a leaf, whose owner spends these fees in the second one; then the same with another leaf.
    let mut nonces = [0, 0];
    for (leaf, fees) in [(OPERATOR, 10), (1, 10)] {
        raw.fees.leaf = Some(leaf);
        let mut service = Service::restart(raw.clone(), Held::new()).await;
        let two = [
            transfer(0, 4, nonces[0], |_| ()),
            transfer(4, 0, nonces[1], |_| ()),
        ];
        service.stream(&two).await.unwrap();
        service.wait_for_queue(0).await;
        let spent = transfer(leaf, 0, 0, |transfer| transfer.amount = amount(BALANCE + fees));
        service.single(&spent, "").await.unwrap();
        service
            .single(&transfer(0, 4, nonces[0] + 1, |_| ()), "")
            .await
            .unwrap();
        service.wait_for_queue(0).await;
        service.stop().await;
        nonces = [nonces[0] + 2, nonces[1] + 1];
        if leaf == OPERATOR {
            roll_back(directory.path(), 0);
            let mut other = raw.clone();
            other.fees.leaf = Some(1);
            assert_counts_on_fees(other, 3);
            // As it was before.
            let mut service = Service::restart(raw.clone(), Held::new()).await;
            service.wait_for_queue(0).await;
            assert_eq!(service.operation(3).await.state(), v1::OperationState::Executed);
            service.stop().await;
        }
    }
    roll_back(directory.path(), 0);

    // No leaf is right for both.
    raw.batching.max_delay_ms = 1;
    let mut service = Service::restart(raw, Held::new()).await;
    service.wait_for_queue(0).await;
    // The old leaf has not got what it spends.
    assert_eq!(
        service.operation(3).await.rejection.unwrap().rule,
        "balance_covers"
    );
    assert_eq!(service.operation(7).await.state(), v1::OperationState::Executed);
    service
        .single(&transfer(OPERATOR, 0, 0, |_| ()), "")
        .await
        .unwrap();
    service.stop().await;
}

/// The start is refused for the sake of an operation by the old fee leaf.
fn assert_counts_on_fees(raw: RawConfig, operation: u64) {
    let config = Config::check(raw).unwrap();
    let store = Store::open(&config.store_directory, &config.rollup).unwrap();
    let error = Node::start(Arc::new(store), Held::with_shape(MIXED), &config).unwrap_err();
    assert!(
        matches!(
            error,
            NodeError::Sequencer(StartError::CountsOnFees {
                operation: got,
                token: 1,
                leaf: OPERATOR
            }) if got == operation
        ),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fee_leaf_stays_until_what_counts_on_its_fees_is_executed() {
    let directory = tempfile::tempdir().unwrap();
    genesis_with(
        directory.path(),
        |index| if index == OPERATOR { 0 } else { BALANCE },
    );
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = NEVER;
    raw.batching.max_operations = Some(4);
    let mut service = Service::restart(raw.clone(), Held::with_shape(MIXED)).await;
    service.single(&transfer(0, 1, 0, |_| ()), "").await.unwrap();
    let paid_out = withdrawal(OPERATOR, 0, |withdrawal| {
        withdrawal.amount = 10;
        withdrawal.fee = fee(0);
    });
    service.single(&paid_out, "").await.unwrap();
    service.stop().await;
    let mut other = raw.clone();
    other.fees.leaf = Some(1);
    assert_counts_on_fees(other.clone(), 2);
    raw.batching.max_delay_ms = 1;
    let mut service = Service::restart(raw, Held::with_shape(MIXED)).await;
    service.wait_for_queue(0).await;
    for id in [1, 2] {
        assert_eq!(service.operation(id).await.state(), v1::OperationState::Executed);
    }
    service.stop().await;
    Service::restart(other, Held::with_shape(MIXED))
        .await
        .stop()
        .await;
}
