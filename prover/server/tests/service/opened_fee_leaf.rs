//! A fee leaf that what waits is still to open, as after a rollback past its opening: the service starts with it, and pays to it as soon
//! as it is there.

use std::path::Path;
use std::sync::Arc;

use quittance::config::{Config, RawConfig, RawTokenFees};
use quittance::grpc::operation_to_proto;
use quittance::node::{Node, NodeError};
use quittance::policy::PolicyError;
use quittance::sequencer::StartError;
use quittance::store::Store;
use quittance_circuits::leaf::Leaf;
use quittance_circuits::replay::Replay;
use quittance_circuits::types::{AccountIndex, BatchNumber, TokenId};
use quittance_proto::v1;
use tonic::Code;

use crate::batching::NEVER;
use crate::harness::{
    BALANCE, Held, MIXED, OWNER, Service, TOKEN, config, deposit, fee, genesis, key, opening,
    priority_message, reason, transfer,
};
use crate::rollback::roll_back;

/// A place that only a deposit opens, and a token that nobody has at genesis.
const LATE: u32 = 9;
const NEW: u32 = 7;
/// The token of account 3.
const OTHER: u32 = TOKEN + 1;

/// Batches of at most so many operations, at once or only when so many wait; fees of one token more go to a leaf.
fn raw(directory: &Path, max_operations: u32, delay: u64, more: Option<(u32, u32)>) -> RawConfig {
    let mut raw = config(directory);
    raw.batching.max_operations = Some(max_operations);
    raw.batching.max_delay_ms = delay;
    raw.fees.tokens = more
        .map(|(token, leaf)| RawTokenFees {
            token,
            leaf,
            minimum: "0".to_owned(),
        })
        .into_iter()
        .collect();
    raw
}

async fn start(raw: RawConfig) -> Service {
    Service::restart(raw, Held::with_shape(MIXED)).await
}

fn refused(raw: RawConfig) -> NodeError {
    let config = Config::check(raw).unwrap();
    let store = Store::open(&config.store_directory, &config.rollup).unwrap();
    Node::start(Arc::new(store), Held::with_shape(MIXED), &config).unwrap_err()
}

/// Opens the late leaf in a token with 1000.
async fn open_late(service: &mut Service, index: u64, token: u32) {
    let deposit = deposit(LATE, |deposit| {
        deposit.token = TokenId(token);
        deposit.amount = 1000;
    });
    service
        .enter(vec![priority_message(index, &deposit)])
        .await
        .1
        .unwrap();
}

/// The leaf is opened in batch 1, takes the fee of batch 2, and is no account any more.
async fn rolled_back(directory: &Path) {
    genesis(directory);
    let mut service = start(raw(directory, 1, 1, None)).await;
    open_late(&mut service, 0, NEW).await;
    service.wait_for_queue(0).await;
    service.stop().await;
    let mut service = start(raw(directory, 1, 1, Some((NEW, LATE)))).await;
    let own = transfer(LATE, LATE, 0, |transfer| transfer.fee = fee(1));
    service.single(&own, "").await.unwrap();
    service.wait_for_queue(0).await;
    service.stop().await;
    roll_back(directory, 0);
}

/// Whoever has the facts alone comes to the state of the store.
fn assert_replayed(directory: &Path, batches: u32) {
    let config = Config::check(config(directory)).unwrap();
    let store = Store::open(&config.store_directory, &config.rollup).unwrap();
    let state = store.snapshot().unwrap();
    let accounts = (0..5).map(|index| {
        let token = if index == 3 { OTHER } else { TOKEN };
        let leaf = Leaf::new(key(index).public_key(), BALANCE, 0, token, OWNER).unwrap();
        (AccountIndex(index), leaf)
    });
    let mut replay = Replay::new(config.rollup.levels, accounts.collect()).unwrap();
    for number in 1..=batches {
        let applied = state.applied(&state.batch(number).unwrap()).unwrap();
        replay.apply(&applied.facts()).unwrap();
    }
    assert_eq!(
        (replay.batch_number(), replay.root()),
        (batches, state.head().root)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_past_its_opening_is_executed_again_in_one_batch_or_in_two() {
    for (max_operations, batches) in [(3, 1), (1, 3)] {
        let directory = tempfile::tempdir().unwrap();
        rolled_back(directory.path()).await;
        // Nothing is made yet; what waits counts, with its fees, and a start finds it again.
        for nonce in [1, 2] {
            let mut waiting = raw(directory.path(), 4, NEVER, Some((NEW, LATE)));
            if nonce == 2 {
                // The short form learns the token from the leaf that is to be.
                waiting.fees.leaf = Some(LATE);
                waiting.fees.tokens.clear();
            }
            let mut service = start(waiting).await;
            if nonce == 1 {
                let more = transfer(LATE, LATE, nonce, |transfer| transfer.fee = fee(3));
                service.single(&more, "").await.unwrap();
            }
            assert_eq!(service.state().await.batch_number, 0);
            service.stop().await;
        }
        let delay = if max_operations == 1 { 1 } else { NEVER };
        let mut service = start(raw(directory.path(), max_operations, delay, Some((NEW, LATE)))).await;
        let state = service.wait_for_queue(0).await;
        assert_eq!((state.batch_number, state.last_operation), (batches, 3));
        assert_eq!(service.balance(LATE).await, 1000);
        let last = service.batch(batches).await;
        assert_eq!((last.fees[0].leaf, last.fees[0].token), (LATE, NEW));
        service.stop().await;
        assert_replayed(directory.path(), batches);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_pays_to_it_behind_its_opening_and_again_after_a_rollback() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    // Its own fee slot, in a token that the policy does not know, and one of the policy.
    let mut service = start(raw(directory.path(), 4, NEVER, None)).await;
    open_late(&mut service, 0, NEW).await;
    let batch = |nonce, fee_slots| v1::SubmitBatchRequest {
        operations: vec![operation_to_proto(&transfer(LATE, LATE, nonce, |_| ()))],
        fee_slots,
        idempotency_key: Vec::new(),
    };
    let slot = v1::FeeSlot {
        leaf: LATE,
        token: NEW,
    };
    service.client.submit_batch(batch(0, vec![slot])).await.unwrap();
    service.stop().await;
    let mut service = start(raw(directory.path(), 4, NEVER, Some((NEW, LATE)))).await;
    service.client.submit_batch(batch(1, Vec::new())).await.unwrap();
    assert_eq!(service.state().await.batch_number, 3);
    service.stop().await;
    roll_back(directory.path(), 0);

    let mut service = start(raw(directory.path(), 4, NEVER, Some((NEW, LATE)))).await;
    // Behind all that waits.
    service.client.submit_batch(batch(2, Vec::new())).await.unwrap();
    assert_eq!(service.state().await.batch_number, 4);
    assert_eq!(service.batch(4).await.fees[0].leaf, LATE);
    assert_eq!(service.balance(LATE).await, 1000);
    service.stop().await;
    assert_replayed(directory.path(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn if_nothing_opens_it_any_more_its_fees_are_rejected_and_the_queue_goes_on() {
    const OPENED: u32 = 5;
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut service = start(raw(directory.path(), 3, NEVER, Some((OTHER, 3)))).await;
    service.single(&transfer(0, 1, 0, |_| ()), "").await.unwrap();
    open_late(&mut service, 0, OTHER).await;
    let opening = opening(3, OPENED, 0, |opening| opening.valid_until = BatchNumber(1));
    service.single(&opening, "").await.unwrap();
    service.wait_for_queue(0).await;
    service.stop().await;
    let mut service = start(raw(directory.path(), 2, NEVER, Some((OTHER, OPENED)))).await;
    service
        .stream(&[transfer(LATE, LATE, 0, |_| ()), transfer(1, 0, 0, |_| ())])
        .await
        .unwrap();
    service.wait_for_queue(0).await;
    service.stop().await;
    roll_back(directory.path(), 0);

    // Smaller batches: the opening has expired when its turn comes, but not yet at the start.
    let again = || raw(directory.path(), 1, 1, Some((OTHER, OPENED)));
    let mut service = start(again()).await;
    let state = service.wait_for_queue(0).await;
    assert_eq!((state.batch_number, state.last_operation), (3, 5));
    for (id, rule) in [(3, "not_expired"), (4, "recipient_exists")] {
        let rejection = service.operation(id).await.rejection.unwrap();
        assert_eq!(rejection.rule, rule, "{rejection:?}");
    }
    assert_eq!(service.operation(5).await.execution.unwrap().batch, 3);
    // Nobody could take the fee of another one.
    let status = service
        .single(&transfer(LATE, LATE, 0, |_| ()), "")
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).0.as_str()),
        (Code::FailedPrecondition, "RECIPIENT_EXISTS")
    );
    service.stop().await;
    let error = refused(again());
    assert!(
        matches!(
            error,
            NodeError::Policy(PolicyError::NoAccount {
                key: "fees.tokens",
                leaf: OPENED
            })
        ),
        "{error:?}"
    );
    let mut service = start(raw(directory.path(), 1, 1, Some((OTHER, LATE)))).await;
    service
        .single(&transfer(LATE, LATE, 0, |_| ()), "")
        .await
        .unwrap();
    service.wait_for_queue(0).await;
    service.stop().await;
    assert_replayed(directory.path(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_must_not_pay_to_it_before_its_opening() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let of_other = |leaf| raw(directory.path(), 1, 1, Some((OTHER, leaf)));
    let mut service = start(of_other(3)).await;
    service.single(&transfer(3, 3, 0, |_| ()), "").await.unwrap();
    open_late(&mut service, 0, OTHER).await;
    service.wait_for_queue(0).await;
    service.stop().await;
    roll_back(directory.path(), 0);
    let error = refused(of_other(LATE));
    assert!(
        matches!(
            error,
            NodeError::Sequencer(StartError::FeeLeafTooLate {
                operation: 1,
                token: OTHER,
                leaf: LATE
            })
        ),
        "{error:?}"
    );
    let error = refused(raw(directory.path(), 1, 1, Some((NEW, LATE))));
    assert!(
        matches!(
            error,
            NodeError::Policy(PolicyError::OtherToken {
                leaf: LATE,
                token: NEW,
                holds: OTHER
            })
        ),
        "{error:?}"
    );
    let mut service = start(of_other(3)).await;
    service.wait_for_queue(0).await;
    assert_eq!(service.operation(1).await.state(), v1::OperationState::Executed);
    service.stop().await;
}
