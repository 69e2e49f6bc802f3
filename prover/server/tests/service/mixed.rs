//! Several kinds in one queue: what depends on each other, the order of sections, several tokens, and the way back.

use std::time::Duration;

use quittance::config::{Config, RawTokenFees};
use quittance::grpc::operation_to_proto;
use quittance::operation::OperationState;
use quittance::store::Store;
use quittance_circuits::tx::priority::Priority;
use quittance_circuits::types::BatchNumber;
use quittance_proto::v1;
use quittance_verifier::EMPTY_QUEUE;

use crate::batching::NEVER;
use crate::harness::{
    BALANCE, Held, MIXED, OPERATOR, OWNER, Service, TOKEN, config, deposit, forced_exit, genesis, opening,
    priority_message, reason, resigned, rotation, transfer, withdrawal,
};
use crate::rollback::roll_back;

/// A service with room for every kind that makes a batch of so many operations, or of less after a moment.
async fn start(directory: &tempfile::TempDir, max_operations: u32, max_delay_ms: u64) -> Service {
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_operations = Some(max_operations);
    raw.batching.max_delay_ms = max_delay_ms;
    Service::restart(raw, Held::with_shape(MIXED)).await
}

/// Batch, section and position of operations that are executed.
async fn places(service: &mut Service, ids: &[u64]) -> Vec<(u32, v1::Section, u32)> {
    let mut places = Vec::new();
    for id in ids {
        let operation = service
            .wait_for_operation(*id, v1::OperationState::Executed)
            .await;
        let execution = operation.execution.unwrap();
        places.push((execution.batch, execution.section(), execution.position));
    }
    places
}

async fn account(service: &mut Service, index: u32) -> v1::Account {
    let request = v1::GetAccountRequest {
        index,
        include_path: false,
    };
    let answer = service.client.get_account(request).await.unwrap();
    answer.into_inner().account.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_opened_and_used_in_the_same_batch() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = start(&directory, 4, NEVER).await;
    let answer = service
        .stream(&[
            opening(0, 5, 0, |o| o.amount = crate::harness::amount(400)),
            transfer(5, 1, 0, |_| ()),
            withdrawal(5, 1, |_| ()),
            rotation(5, 9, 2, |_| ()),
        ])
        .await
        .unwrap();
    assert_eq!(
        places(&mut service, &answer.operation_ids).await,
        [
            (1, v1::Section::Openings, 0),
            (1, v1::Section::Transfers, 0),
            (1, v1::Section::Withdrawals, 0),
            (1, v1::Section::Rotations, 0),
        ]
    );
    let batch = service.batch(1).await;
    assert_eq!(
        (batch.priority, batch.openings, batch.transfers),
        (0, 1, 1),
        "{batch:?}"
    );
    assert_eq!((batch.withdrawals, batch.rotations), (1, 1));
    assert_eq!(batch.shape, MIXED.name());
    // 400, less 110, 110 and 10.
    let opened = account(&mut service, 5).await;
    assert_eq!(u128::from_be_bytes(opened.balance.try_into().unwrap()), 170);
    assert_eq!((opened.nonce, opened.token), (3, TOKEN));
    assert_eq!(service.balance(0).await, BALANCE - 410);
    // It signs with its new key from now on.
    let status = service.single(&transfer(5, 1, 3, |_| ()), "").await.unwrap_err();
    assert_eq!(reason(&status).0, "SIGNATURE_VALID");
    let signed = resigned(9, transfer(5, 1, 3, |_| ()));
    service.single(&signed, "").await.unwrap();
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nonces_count_over_all_kinds() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = start(&directory, 5, NEVER).await;
    let operations = [
        opening(0, 5, 0, |_| ()),
        transfer(0, 1, 1, |_| ()),
        transfer(0, 1, 2, |_| ()),
        withdrawal(0, 3, |_| ()),
        rotation(0, 9, 4, |_| ()),
    ];
    // Out of order, the first one that does not fit is named.
    let status = service.stream(&[operations[0], operations[3]]).await.unwrap_err();
    let (got, metadata) = reason(&status);
    assert_eq!(
        (got.as_str(), metadata["position"].as_str()),
        ("NONCE_MATCHES", "1")
    );
    let answer = service.stream(&operations[1..]).await.unwrap();
    let places = places(&mut service, &answer.operation_ids).await;
    assert!(places.iter().all(|(batch, ..)| *batch == 1), "{places:?}");
    assert_eq!(account(&mut service, 0).await.nonce, 5);
    service.stop().await;
}

/// The order that a client has chosen is kept: what the sections would turn round is spread over two batches.
#[tokio::test(flavor = "multi_thread")]
async fn what_sections_would_turn_round_is_spread_over_batches_and_never_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = start(&directory, 6, 20).await;
    let answer = service
        .stream(&[
            withdrawal(0, 0, |_| ()),
            transfer(0, 1, 1, |_| ()),
            opening(1, 5, 0, |_| ()),
            rotation(4, 9, 0, |_| ()),
            resigned(9, transfer(4, 1, 1, |_| ())),
        ])
        .await
        .unwrap();
    let places = places(&mut service, &answer.operation_ids).await;
    let batches: Vec<u32> = places.iter().map(|(batch, ..)| *batch).collect();
    // An opening by account 1 comes before a transfer to it; a transfer by account 4 before its rotation.
    assert_eq!(batches, [1, 2, 3, 3, 4]);
    let state = service.state().await;
    assert_eq!((state.queued_operations, state.batch_number), (0, 4));
    let nonces = (
        account(&mut service, 0).await.nonce,
        account(&mut service, 4).await.nonce,
    );
    assert_eq!(nonces, (2, 2));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submitted_batch_runs_section_by_section_and_its_ids_are_in_the_requests_order() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = start(&directory, 6, NEVER).await;
    let operations = [
        rotation(0, 9, 2, |_| ()),
        transfer(5, 1, 0, |t| t.amount = crate::harness::amount(50)),
        withdrawal(0, 1, |_| ()),
        opening(0, 5, 0, |_| ()),
        transfer(1, 5, 0, |_| ()),
    ];
    let answer = service.keyed_batch(&operations, "mixed").await.unwrap();
    assert_eq!(answer.operation_ids, [1, 2, 3, 4, 5]);
    let places = places(&mut service, &answer.operation_ids).await;
    assert_eq!(
        places,
        [
            (1, v1::Section::Rotations, 0),
            (1, v1::Section::Transfers, 0),
            (1, v1::Section::Withdrawals, 0),
            (1, v1::Section::Openings, 0),
            (1, v1::Section::Transfers, 1),
        ]
    );
    for (id, operation) in (1..).zip(&operations) {
        let kind = match service.operation(id).await.kind.unwrap() {
            v1::operation::Kind::Transfer(it) => v1::signed_operation::Kind::Transfer(it),
            v1::operation::Kind::Opening(it) => v1::signed_operation::Kind::Opening(it),
            v1::operation::Kind::Withdrawal(it) => v1::signed_operation::Kind::Withdrawal(it),
            v1::operation::Kind::Rotation(it) => v1::signed_operation::Kind::Rotation(it),
            v1::operation::Kind::Priority(it) => panic!("{it:?}"),
        };
        assert_eq!(Some(kind), operation_to_proto(operation).kind);
    }
    // Under the same key, the same; with another order, another content.
    let again = service.keyed_batch(&operations, "mixed").await.unwrap();
    assert_eq!((again.operation_ids, again.repeated), (vec![1, 2, 3, 4, 5], true));
    let mut turned = operations;
    turned.swap(0, 1);
    let status = service.keyed_batch(&turned, "mixed").await.unwrap_err();
    assert_eq!(reason(&status).0, "IDEMPOTENCY_KEY_REUSED");
    // The position of a refused one is the request's, though another is executed first.
    let status = service
        .submit(&[transfer(1, 2, 1, |_| ()), opening(1, 6, 1, |_| ())])
        .await
        .unwrap_err();
    assert_eq!(
        (reason(&status).0.as_str(), reason(&status).1["position"].as_str()),
        ("NONCE_MATCHES", "0")
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fees_of_several_tokens_are_collected_by_one_batch() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_operations = Some(5);
    raw.batching.max_delay_ms = NEVER;
    raw.fees.tokens = vec![RawTokenFees {
        token: TOKEN + 1,
        leaf: 3,
        minimum: "4".to_owned(),
    }];
    let mut service = Service::restart(raw, Held::with_shape(MIXED)).await;
    // A minimum fee holds for every kind.
    for low in [
        opening(3, 5, 0, |o| o.fee = crate::harness::fee(3)),
        withdrawal(3, 0, |w| w.fee = crate::harness::fee(3)),
        rotation(3, 3, 0, |r| r.fee = crate::harness::fee(3)),
    ] {
        let status = service.single(&low, "").await.unwrap_err();
        assert_eq!(reason(&status).0, "FEE_BELOW_MINIMUM");
    }
    let answer = service
        .stream(&[
            opening(0, 5, 0, |_| ()),
            // The fee leaf of the other token pays too, into itself.
            transfer(3, 3, 0, |_| ()),
            transfer(1, OPERATOR, 0, |_| ()),
            withdrawal(3, 1, |w| w.fee = crate::harness::fee(4)),
            rotation(OPERATOR, 9, 0, |_| ()),
        ])
        .await
        .unwrap();
    let places = places(&mut service, &answer.operation_ids).await;
    assert!(places.iter().all(|(batch, ..)| *batch == 1), "{places:?}");
    let mut fees = service.batch(1).await.fees;
    fees.sort_by_key(|fee| fee.token);
    let expected = |leaf: u32, token: u32, amount: u128| v1::FeeCredit {
        leaf,
        token,
        amount: amount.to_be_bytes().to_vec(),
    };
    assert_eq!(fees, [expected(OPERATOR, TOKEN, 30), expected(3, TOKEN + 1, 14)]);
    // 100 came in, 10 went out for its rotation, 30 are fees.
    assert_eq!(service.balance(OPERATOR).await, BALANCE + 120);
    assert_eq!(service.balance(3).await, BALANCE - 100);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_with_priority_operations_are_taken_back_and_executed_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = start(&directory, 4, 5).await;
    let queue = [
        deposit(8, |_| ()),
        deposit(9, |d| d.amount = 33),
        forced_exit(1, OWNER),
        forced_exit(0, quittance_circuits::types::RootAddress([9; 20])),
    ];
    let messages = |operations: &[Priority]| -> Vec<v1::SubmitPriorityRequest> {
        let places = (0..).zip(operations);
        places
            .map(|(index, operation)| priority_message(index, operation))
            .collect()
    };
    let (answers, ended) = service.enter(messages(&queue)).await;
    ended.unwrap();
    let last = answers[3].operation_id;
    service
        .wait_for_operation(last, v1::OperationState::Executed)
        .await;
    // Signed by an account that a deposit has opened.
    let used = service.single(&transfer(8, 0, 0, |_| ()), "used").await.unwrap();
    let used = used.operation.unwrap().id;
    service
        .wait_for_operation(used, v1::OperationState::Executed)
        .await;
    let before = service.state().await;
    let entered = service.queue().await;
    assert_eq!(entered.hash, entered.executed_hash);
    let outcomes = |operations: Vec<v1::Operation>| -> Vec<v1::PriorityOutcome> {
        let executed = operations.into_iter().filter_map(|operation| operation.execution);
        executed.filter_map(|execution| execution.outcome).collect()
    };
    let mut first = Vec::new();
    for answer in &answers {
        first.push(service.operation(answer.operation_id).await);
    }
    service.stop().await;
    roll_back(directory.path(), 0);

    let rollup = Config::check(config(directory.path())).unwrap().rollup;
    let store = Store::open(&directory.path().join("store"), &rollup).unwrap();
    let state = store.snapshot().unwrap();
    let head = state.head();
    assert_eq!((head.entered.next, head.entered.hash.to_vec()), (4, entered.hash));
    assert_eq!((head.executed.next, head.executed.hash), (0, EMPTY_QUEUE));
    assert_eq!(state.operation(1).unwrap().state, OperationState::Queued);
    drop((state, store));
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = 5;
    let mut service = Service::restart(raw, Held::with_shape(MIXED)).await;
    // The watcher repeats itself, and goes on.
    let mut more = messages(&queue);
    more.push(priority_message(4, &deposit(10, |_| ())));
    let (again, ended) = service.enter(more).await;
    ended.unwrap();
    assert_eq!(again[3].operation_id, last);
    assert!(again[..4].iter().all(|answer| answer.repeated) && !again[4].repeated);
    let mut second = Vec::new();
    for answer in &again[..4] {
        let id = answer.operation_id;
        second.push(service.wait_for_operation(id, v1::OperationState::Executed).await);
    }
    assert_eq!(outcomes(second), outcomes(first));
    service
        .wait_for_operation(used, v1::OperationState::Executed)
        .await;
    service
        .wait_for_operation(again[4].operation_id, v1::OperationState::Executed)
        .await;
    let after = service.state().await;
    assert!(after.accounts > before.accounts);
    assert_eq!(service.queue().await.executed_hash, again[4].queue_hash);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_follows_every_kind() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = start(&directory, 3, 50).await;
    let (answers, ended) = service
        .enter(vec![priority_message(0, &deposit(8, |_| ()))])
        .await;
    ended.unwrap();
    let signed = [
        withdrawal(0, 0, |_| ()),
        rotation(1, 9, 0, |r| r.valid_until = BatchNumber(9)),
    ];
    let ids = service.stream(&signed).await.unwrap().operation_ids;
    for id in [answers[0].operation_id, ids[0], ids[1]] {
        let request = v1::WatchOperationRequest { id };
        let mut stream = service
            .client
            .watch_operation(request)
            .await
            .unwrap()
            .into_inner();
        let executed = loop {
            let event = tokio::time::timeout(Duration::from_secs(60), stream.message());
            let message = event.await.unwrap().unwrap().expect("an event");
            let operation = message.operation.unwrap();
            if let Some(execution) = operation.execution.clone() {
                break (operation, execution);
            }
        };
        let is_priority = matches!(executed.0.kind, Some(v1::operation::Kind::Priority(_)));
        assert_eq!(executed.1.outcome.is_some(), is_priority);
    }
    service.stop().await;
}
