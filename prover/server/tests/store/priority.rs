//! The root chain's queue in the store: entered in its order and once, executed in its order, never rejected.

use quittance::operation::{OperationState, Outcome, QueuePoint, Request};
use quittance::store::{EnterError, Entered, StoreError};
use quittance_circuits::tx::Priority;
use quittance_circuits::types::RootAddress;

use crate::harness::{
    OWNER, accept, commit, create, cut, deposit, enter, execute, forced_exit, key, open, opening, rejection,
    rotation, submit, transfer, withdrawal,
};

/// The running hash over operations, by the verifier's own function.
fn hash(operations: &[Priority]) -> [u8; 32] {
    operations
        .iter()
        .fold([0; 32], |hash, operation| operation.request().hash_after(&hash))
}

fn point(operations: &[Priority]) -> QueuePoint {
    QueuePoint {
        next: u64::try_from(operations.len()).unwrap(),
        hash: hash(operations),
    }
}

#[test]
fn operations_enter_once_and_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    let all = [deposit(9), forced_exit(9, OWNER), deposit(9), deposit(10)];
    accept(&store, &[transfer(0, 1, 0)]);
    assert_eq!(
        enter(&store, 1, &all[1..]),
        (Vec::new(), Some(EnterError::Gap { index: 1, next: 0 }))
    );
    let entered = |index: usize, operation, repeated| Entered {
        index: u64::try_from(index).unwrap(),
        operation,
        hash: hash(&all[..=index]),
        repeated,
    };
    let (two, none) = enter(&store, 0, &all[..2]);
    assert_eq!(two, [entered(0, 2, false), entered(1, 3, false)]);
    assert_eq!(none, None);
    accept(&store, &[transfer(0, 1, 1)]);
    drop(store);
    let store = open(&directory).unwrap();
    let head = store.snapshot().unwrap().head();
    assert_eq!(
        (head.entered, head.executed),
        (point(&all[..2]), QueuePoint::default())
    );
    assert_eq!((head.queued, head.queued_priority()), (4, 2));

    // Repeated ones change nothing, and those behind them enter.
    let (three, none) = enter(&store, 0, &all[..3]);
    assert_eq!(
        three,
        [entered(0, 2, true), entered(1, 3, true), entered(2, 5, false)]
    );
    assert_eq!(none, None);
    let head = store.snapshot().unwrap().head();
    assert_eq!(enter(&store, 1, &all[1..3]).0.len(), 2);
    assert_eq!(store.snapshot().unwrap().head(), head);

    // What differs is refused, and nothing behind it enters; what came before it has.
    let (one, refused) = enter(&store, 0, &[all[0], deposit(11), all[2], all[3]]);
    assert_eq!(one, [entered(0, 2, true)]);
    let differs = EnterError::Differs {
        index: 1,
        operation: 3,
    };
    assert_eq!(refused, Some(differs));
    assert_eq!(store.snapshot().unwrap().head(), head);

    let state = store.snapshot().unwrap();
    for (index, operation) in (0..).zip(&all) {
        let found = state.priority(index).unwrap().map(|found| found.request);
        let priority = found.map(|request| match request {
            Request::Priority(entry) => (entry.index, entry.priority),
            Request::Signed(_) => panic!("{request:?}"),
        });
        assert_eq!(priority, (index < 3).then_some((index, *operation)));
    }
}

#[test]
fn outcomes_are_kept_and_a_rollback_queues_them_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    let all = [
        deposit(9),
        deposit(7),
        forced_exit(9, RootAddress([1; 20])),
        forced_exit(9, OWNER),
    ];
    enter(&store, 0, &all);
    execute(&store, 4, &[]);
    execute(&store, 5, &[]);
    let outcome = |done, token, amount| Some(Outcome { done, token, amount });
    let expected = [
        (1, 0, outcome(true, 1, 10)),
        (1, 1, outcome(false, 1, 10)),
        (1, 2, outcome(false, 0, 0)),
        (2, 0, outcome(true, 1, 10)),
    ];
    let check = || {
        let state = store.snapshot().unwrap();
        for (id, (batch, position, outcome)) in (1..).zip(expected) {
            let executed = OperationState::Executed {
                batch,
                position,
                outcome,
            };
            assert_eq!(state.operation(id).unwrap().state, executed);
        }
        assert_eq!(state.head().executed, point(&all));
        for (number, executed) in [(1, 0), (2, 3)] {
            let batch = state.batch(number).unwrap();
            assert_eq!(batch.queue_before, point(&all[..executed]));
            let facts = state.applied(&batch).unwrap().facts();
            assert_eq!(facts.queue_after(), batch.queue_after.hash);
            assert_eq!(facts.queue, batch.queue_before.hash);
        }
        assert_eq!(state.account(9).unwrap().unwrap().balance, 0);
    };
    check();
    store.rollback(1).unwrap();
    let head = store.snapshot().unwrap().head();
    assert_eq!((head.executed, head.entered), (point(&all[..3]), point(&all)));
    assert_eq!(head.queued_priority(), 1);
    store.rollback(0).unwrap();
    let head = store.snapshot().unwrap().head();
    assert_eq!((head.executed, head.queued), (QueuePoint::default(), 4));
    assert!(store.snapshot().unwrap().account(9).unwrap().is_none());
    execute(&store, 4, &[]);
    execute(&store, 5, &[]);
    check();
}

#[test]
fn a_priority_operation_is_not_rejected() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    enter(&store, 0, &[deposit(9)]);
    accept(&store, &[transfer(0, 1, 0)]);
    let refused = store.reject_queued(2, &[(1, rejection("test"))]);
    assert!(matches!(refused, Err(StoreError::Mismatch { .. })), "{refused:?}");
    let made = cut(&store, 3, &[1]);
    let refused = commit(&store, &made, &[1]);
    assert!(matches!(refused, Err(StoreError::Mismatch { .. })), "{refused:?}");
    // Nor is its place skipped by a batch that stands elsewhere in the queue.
    let mut elsewhere = cut(&store, 3, &[]);
    elsewhere.batch.queue_before.next = 1;
    let refused = commit(&store, &elsewhere, &[]);
    assert!(matches!(refused, Err(StoreError::Mismatch { .. })), "{refused:?}");
    execute(&store, 3, &[]);
}

#[test]
fn a_batch_of_every_section_keeps_each_place() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    let accepted = accept(
        &store,
        &[
            rotation(2, 0, &key(12)),
            withdrawal(3, 0, &key(3)),
            transfer(0, 1, 0),
            withdrawal(3, 1, &key(3)),
        ],
    );
    assert_eq!(accepted, [1, 2, 3, 4]);
    enter(&store, 0, &[deposit(9)]);
    accept(&store, &[transfer(1, 0, 0)]);
    execute(&store, 7, &[]);
    let state = store.snapshot().unwrap();
    let places: Vec<_> = (1..=6)
        .map(|id| match state.operation(id).unwrap().state {
            OperationState::Executed { position, .. } => position,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(places, [0, 0, 0, 1, 0, 1]);
    let counts = state.batch(1).unwrap().counts;
    assert_eq!((counts.priority, counts.transfers, counts.total()), (1, 2, 6));
    assert_eq!(
        counts.to_string(),
        "1 priority, 2 transfers, 2 withdrawals, 1 rotations"
    );
    drop(state);
    // A submission keeps the client's order of ids.
    submit(&store, &[transfer(0, 6, 2), opening(0, 6, 1)]);
    let state = store.snapshot().unwrap();
    for id in [7, 8] {
        assert!(matches!(
            state.operation(id).unwrap().state,
            OperationState::Executed {
                batch: 2,
                position: 0,
                outcome: None
            }
        ));
    }
    store.rollback(1).unwrap();
    crate::harness::execute_whole(&store, 9);
}
