//! Fees and limits that the operator decides about.

use std::sync::Arc;

use quittance::config::{Config, RawConfig, RawTokenFees};
use quittance::node::{Node, NodeError};
use quittance::policy::PolicyError;
use quittance::store::Store;
use quittance_circuits::float::FloatFee;
use quittance_proto::v1;
use quittance_verifier::Shape;
use tonic::Code;

use crate::batching::NEVER;
use crate::harness::{Held, OPERATOR, Service, config, genesis, reason, transfer};

/// Two tokens may be in one batch.
const TWO_TOKENS: Shape = Shape::transfers_only(2, 4, 2);

fn token(token: u32, leaf: u32, minimum: &str) -> RawTokenFees {
    RawTokenFees {
        token,
        leaf,
        minimum: minimum.to_owned(),
    }
}

fn fee(fee: u128) -> impl FnOnce(&mut quittance_circuits::tx::transfer::Transfer) {
    move |transfer| transfer.fee = FloatFee::encode_exact(fee).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fee_below_the_minimum_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.fees.leaf = None;
    raw.fees.tokens = vec![token(1, OPERATOR, "7")];
    raw.batching.max_delay_ms = NEVER;
    let mut service = Service::restart(raw.clone(), Held::new()).await;
    let before = service.state().await;
    let low = transfer(0, 1, 0, fee(6));
    let single = service.single(&low, "").await.unwrap_err();
    let stream = service.stream(&[low]).await.unwrap_err();
    let batch = service
        .submit(&[transfer(1, 0, 0, fee(7)), low])
        .await
        .unwrap_err();
    for (status, position) in [(single, "0"), (stream, "0"), (batch, "1")] {
        assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
        let (got, metadata) = reason(&status);
        assert_eq!(
            (got.as_str(), metadata["position"].as_str()),
            ("FEE_BELOW_MINIMUM", position)
        );
        assert_eq!(
            (
                metadata["token"].as_str(),
                metadata["minimum"].as_str(),
                metadata["got"].as_str()
            ),
            ("1", "7", "6")
        );
        assert!(
            status
                .message()
                .contains("fee 6 is below the minimum 7 of token 1"),
            "{status:?}"
        );
    }
    assert_eq!(service.state().await, before);
    service.single(&transfer(0, 1, 0, fee(7)), "").await.unwrap();
    // A fee slot of its own does not free a batch from the minimum of a token that the service takes, nor may the
    // minimum be paid to somebody else.
    for (paid, leaf, refusal) in [(6, 2, "FEE_BELOW_MINIMUM"), (7, 1, "FEE_LEAF")] {
        let request = v1::SubmitBatchRequest {
            operations: vec![quittance::grpc::operation_to_proto(&transfer(1, 0, 0, fee(paid)))],
            fee_slots: vec![v1::FeeSlot { leaf, token: 1 }],
            idempotency_key: Vec::new(),
        };
        let status = service.client.submit_batch(request).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).0.as_str()),
            (Code::FailedPrecondition, refusal)
        );
    }
    // Another token has none, and may be in a batch that names its leaf.
    let request = v1::SubmitBatchRequest {
        operations: vec![quittance::grpc::operation_to_proto(&transfer(3, 3, 0, fee(0)))],
        fee_slots: vec![v1::FeeSlot { leaf: 3, token: 2 }],
        idempotency_key: Vec::new(),
    };
    service.client.submit_batch(request).await.unwrap();
    let status = service.single(&transfer(3, 3, 1, |_| ()), "").await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).0.as_str()),
        (Code::FailedPrecondition, "FEE_ROUTED_ONCE")
    );
    // What was accepted under a lower minimum is executed under a higher one.
    service.single(&transfer(0, 1, 1, fee(7)), "").await.unwrap();
    assert_eq!(service.state().await.queued_operations, 1);
    service.stop().await;
    raw.fees.tokens = vec![token(1, OPERATOR, "1000")];
    raw.batching.max_delay_ms = 1;
    let mut service = Service::restart(raw, Held::new()).await;
    service.wait_for_operation(3, v1::OperationState::Executed).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_tokens_share_a_batch_as_far_as_its_fee_slots_go() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.fees.tokens = vec![token(2, 3, "0")];
    raw.batching.max_delay_ms = 1;
    raw.proving.max_unproved_batches = 1;
    let transfers = [
        transfer(0, 1, 0, |_| ()),
        transfer(3, 3, 0, |_| ()),
        transfer(1, 0, 0, |_| ()),
        transfer(3, 3, 1, |_| ()),
    ];
    // Both tokens fit into one batch of the larger shape, and each needs its own in the smaller one.
    for (backend, expected) in [(Held::with_shape(TWO_TOKENS), 1), (Held::new(), 4)] {
        let directory = tempfile::tempdir().unwrap();
        genesis(directory.path());
        let mut raw = raw.clone();
        raw.store.directory = directory.path().join("store");
        let mut service = Service::restart(raw, backend).await;
        // The proof of this one holds the others back, so that they wait together.
        service.submit(&[transfer(2, 2, 0, |_| ())]).await.unwrap();
        service.stream(&transfers).await.unwrap();
        for number in 1..=expected {
            service.wait_for(number, v1::BatchState::Proving).await;
            service
                .client
                .cancel_batch(v1::CancelBatchRequest { number })
                .await
                .unwrap();
        }
        let state = service.wait_for_queue(0).await;
        assert_eq!(state.batch_number, expected + 1);
        let batch = service.batch(2).await;
        let fees: Vec<_> = batch.fees.iter().map(|fee| (fee.token, fee.leaf)).collect();
        if expected == 1 {
            assert_eq!((batch.transfers, fees), (4, vec![(1, OPERATOR), (2, 3)]));
            assert!(batch.fees.iter().all(|fee| fee.amount == 20u128.to_be_bytes()));
        } else {
            assert_eq!((batch.transfers, fees), (1, vec![(1, OPERATOR)]));
        }
        // A batch without fee slots gets those of its tokens.
        service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_is_what_is_configured() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.fees.tokens = vec![token(2, 3, "20470000000000000000000000000000000")];
    raw.batching.max_operations = Some(3);
    raw.batching.max_queued = 77;
    raw.proving.max_unproved_batches = 9;
    raw.service.max_message_bytes = Some(5000);
    raw.service.max_page_size = 12;
    raw.service.max_stream_operations = 34;
    raw.store.idempotency_keys = 56;
    let mut service = Service::restart(raw, Held::with_shape(TWO_TOKENS)).await;
    let answer = service.client.get_policy(v1::GetPolicyRequest {}).await.unwrap();
    let policy = answer.into_inner().policy.unwrap();
    let expected = |token: u32, fee_leaf: u32, minimum: u128| v1::TokenPolicy {
        token,
        minimum_fee: minimum.to_be_bytes().to_vec(),
        fee_leaf,
    };
    assert_eq!(
        policy.tokens,
        [expected(1, OPERATOR, 0), expected(2, 3, 2047 * 10u128.pow(31))]
    );
    assert_eq!(
        policy.batching.unwrap(),
        v1::BatchingPolicy {
            max_operations: 3,
            max_delay_ms: 1000,
            max_unproved_batches: 9,
            max_queued: 77,
        }
    );
    assert_eq!(
        policy.limits.unwrap(),
        v1::Limits {
            max_message_bytes: 5000,
            max_batch_operations: 4,
            max_batch_fee_slots: 2,
            max_stream_operations: 34,
            max_page_size: 12,
            max_idempotency_key_bytes: 64,
            idempotency_keys_kept: 56,
        }
    );
    service.stop().await;
}

#[test]
fn a_policy_that_cannot_be_kept_is_refused_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let start = |change: fn(&mut RawConfig)| {
        let mut raw = config(directory.path());
        change(&mut raw);
        let config = Config::check(raw).unwrap();
        let store = Arc::new(Store::open(&config.store_directory, &config.rollup).unwrap());
        match Node::start(store, Held::new(), &config) {
            Err(NodeError::Policy(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    for leaf in [5, 16, u32::MAX] {
        let error = match leaf {
            5 => start(|raw| raw.fees.leaf = Some(5)),
            16 => start(|raw| raw.fees.leaf = Some(16)),
            _ => start(|raw| raw.fees.leaf = Some(u32::MAX)),
        };
        assert!(
            matches!(error, PolicyError::NoAccount { key: "fees.leaf", leaf: got } if got == leaf),
            "{error:?}"
        );
    }
    let error = start(|raw| raw.fees.tokens = vec![token(2, 1, "0")]);
    assert!(
        matches!(
            error,
            PolicyError::OtherToken {
                leaf: 1,
                token: 2,
                holds: 1
            }
        ),
        "{error:?}"
    );
    let error = start(|raw| raw.fees.tokens = vec![token(1, 0, "0")]);
    assert!(
        matches!(error, PolicyError::TokenTwice { leaf: 2, token: 1 }),
        "{error:?}"
    );
    let error = start(|raw| raw.batching.max_operations = Some(3));
    assert!(
        matches!(error, PolicyError::MaxOperations { got: 3, limit: 2 }),
        "{error:?}"
    );
}
