//! A fee leaf that cannot hold all fees: acceptance does not ask for that. What does not fit is rejected when the batch is made,
//! and nothing behind it waits for ever.

use quittance::config::Config;
use quittance::store::Store;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::replay::Replay;
use quittance_circuits::tx::transfer::Transfer;
use quittance_circuits::types::AccountIndex;
use quittance_proto::v1;
use tonic::Code;

use crate::batching::NEVER;
use crate::harness::{
    BALANCE, Held, MIXED, OPERATOR, OWNER, Service, TOKEN, config, deposit, genesis_with, key,
    priority_message, reason, transfer,
};

/// What the fee leaf can still take.
const ROOM: u128 = 15;

fn fee(value: u128) -> impl FnOnce(&mut Transfer) {
    move |transfer| transfer.fee = FloatFee::encode_exact(value).unwrap()
}

fn balance(index: u32) -> u128 {
    match index {
        OPERATOR => u128::MAX - ROOM,
        _ => BALANCE,
    }
}

/// A service that makes batches of two, whose fee leaf is nearly full.
async fn start(directory: &tempfile::TempDir) -> Service {
    genesis_with(directory.path(), balance);
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = NEVER;
    Service::restart(raw, Held::new()).await
}

fn assert_overflow(operation: &v1::Operation, balance: u128, amount: u128) {
    let rejection = operation.rejection.as_ref().unwrap();
    assert_eq!(rejection.rule, "recipient_not_overflowed");
    assert!(
        rejection.message.contains(&format!(
            "fee account's balance {balance} plus {amount} reaches 2^128"
        )),
        "{rejection:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fee_that_its_leaf_cannot_hold_is_rejected_at_the_cut_and_the_queue_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = start(&directory).await;
    // Each fits alone: 10 of 15. Both are accepted, because the leaf is not asked.
    service
        .stream(&[transfer(0, 1, 0, |_| ()), transfer(1, 0, 0, |_| ())])
        .await
        .unwrap();
    let state = service.wait_for_queue(0).await;
    assert_eq!((state.batch_number, state.last_operation), (1, 2));
    let executed = service.operation(1).await.execution.unwrap();
    assert_eq!((executed.batch, executed.position), (1, 0));
    assert_overflow(&service.operation(2).await, u128::MAX - ROOM, 20);
    assert_eq!(service.balance(OPERATOR).await, u128::MAX - 5);
    // The rejected one has moved nothing, and its nonce is free again.
    assert_eq!(service.balance(1).await, BALANCE + 100);

    // Neither fits: both are rejected, and no batch is made of nothing.
    service
        .stream(&[transfer(0, 1, 1, |_| ()), transfer(1, 0, 0, |_| ())])
        .await
        .unwrap();
    let state = service.wait_for_queue(0).await;
    assert_eq!((state.batch_number, state.last_operation), (1, 4));
    assert_overflow(&service.operation(3).await, u128::MAX - 5, 10);
    assert_overflow(&service.operation(4).await, u128::MAX - 5, 20);

    // To the last unit, and without a fee.
    service
        .stream(&[transfer(0, 1, 1, fee(5)), transfer(1, 0, 0, fee(0))])
        .await
        .unwrap();
    let state = service.wait_for_queue(0).await;
    assert_eq!(state.batch_number, 2);
    assert_eq!(service.balance(OPERATOR).await, u128::MAX);
    for (id, position) in [(5, 0), (6, 1)] {
        let executed = service.operation(id).await.execution.unwrap();
        assert_eq!((executed.batch, executed.position), (2, position));
    }

    // What the leaf sends away makes room for fees of the same batch.
    service
        .stream(&[transfer(OPERATOR, 0, 0, fee(0)), transfer(0, 1, 2, |_| ())])
        .await
        .unwrap();
    service.wait_for_queue(0).await;
    assert_eq!(service.batch(3).await.transfers, 2);
    assert_eq!(service.balance(OPERATOR).await, u128::MAX - 90);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_takes_the_room_that_a_fee_of_its_batch_would_need() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = start(&directory).await;
    let amount =
        |value| move |transfer: &mut Transfer| transfer.amount = FloatAmount::encode_exact(value).unwrap();
    // On acceptance the payment fits, and nobody asks whether its own fee does behind it. Both pay a fee of 10.
    service
        .stream(&[transfer(0, OPERATOR, 0, amount(15)), transfer(1, 0, 0, fee(0))])
        .await
        .unwrap();
    service.wait_for_queue(0).await;
    assert_overflow(&service.operation(1).await, u128::MAX, 10);
    assert_eq!(service.operation(2).await.execution.unwrap().batch, 1);
    // A payment that the leaf cannot hold whatever the fees are is seen on acceptance.
    let status = service
        .single(&transfer(0, OPERATOR, 0, amount(16)), "")
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).0.as_str()),
        (Code::FailedPrecondition, "RECIPIENT_NOT_OVERFLOWED")
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_batch_whose_fees_do_not_fit_is_refused_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = start(&directory).await;
    let before = service.state().await;
    let both = [transfer(0, 1, 0, |_| ()), transfer(1, 0, 0, |_| ())];
    let status = service.submit(&both).await.unwrap_err();
    let (rule, metadata) = reason(&status);
    assert_eq!(
        (status.code(), rule.as_str(), metadata["fee_slot"].as_str()),
        (Code::FailedPrecondition, "RECIPIENT_NOT_OVERFLOWED", "0")
    );
    assert_eq!(service.state().await, before);
    assert_eq!(service.submit(&both[..1]).await.unwrap().number, 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_comes_before_the_fees_of_its_batch_and_all_agree_on_its_outcome() {
    let directory = tempfile::tempdir().unwrap();
    genesis_with(directory.path(), balance);
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = NEVER;
    raw.batching.max_operations = Some(2);
    let mut service = Service::restart(raw, Held::with_shape(MIXED)).await;
    let pay = |amount| deposit(OPERATOR, |deposit| deposit.amount = amount);
    // In the order of acceptance the fee comes first, and the deposit would not fit behind it. In the batch it is the fee.
    service.single(&transfer(0, 1, 0, |_| ()), "").await.unwrap();
    service
        .enter(vec![priority_message(0, &pay(10))])
        .await
        .1
        .unwrap();
    service.wait_for_queue(0).await;
    assert_overflow(&service.operation(1).await, u128::MAX - 5, 10);
    // With the same fee in the batch before, it has no effect; there its leaf is full to the last unit.
    let two = [transfer(0, 1, 0, fee(5)), transfer(1, 0, 0, fee(0))];
    service.stream(&two).await.unwrap();
    service.wait_for_queue(0).await;
    service.enter(vec![priority_message(1, &pay(1))]).await.1.unwrap();
    let spent = transfer(OPERATOR, 0, 0, fee(0));
    service.single(&spent, "").await.unwrap();
    service.wait_for_queue(0).await;
    let mut done = Vec::new();
    for id in [2, 5] {
        let outcome = service.operation(id).await.execution.unwrap().outcome.unwrap();
        done.push(outcome.done);
    }
    assert_eq!(done, [true, false]);
    let (root, queue) = (service.state().await.root, service.queue().await);
    assert_eq!(service.balance(OPERATOR).await, u128::MAX - 100);
    assert_eq!(
        (queue.next_to_execute, service.state().await.batch_number),
        (2, 3)
    );
    service.stop().await;

    // Whoever has the facts alone comes to the same state, and to the same hash of the queue.
    let config = Config::check(config(directory.path())).unwrap();
    let store = Store::open(&config.store_directory, &config.rollup).unwrap();
    let state = store.snapshot().unwrap();
    let accounts = (0..5).map(|index| {
        let token = if index == 3 { TOKEN + 1 } else { TOKEN };
        let leaf = Leaf::new(key(index).public_key(), balance(index), 0, token, OWNER).unwrap();
        (AccountIndex(index), leaf)
    });
    let mut replay = Replay::new(config.rollup.levels, accounts.collect()).unwrap();
    for number in 1..=3 {
        let applied = state.applied(&state.batch(number).unwrap()).unwrap();
        replay.apply(&applied.facts()).unwrap();
    }
    assert_eq!(quittance::encoding::fr_to_bytes_be(&replay.root()).to_vec(), root);
    assert_eq!(replay.queue().to_vec(), queue.executed_hash);
}
