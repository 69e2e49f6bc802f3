//! Accepting operations, cutting batches from the queue, and submissions as a whole.

use quittance::operation::{OperationStage, OperationState, Request, Whole};
use quittance::store::{OperationQuery, Order, StoreError};

use crate::harness::{
    FEE, Made, MadeWhole, OTHER_FEE, accept, commit, commit_whole, create, cut, execute, execute_whole, make,
    make_whole, open, operations, rejection, submit, transfer,
};

#[test]
fn operations_are_numbered_queued_and_executed_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    assert!(accept(&store, &[]).is_empty());
    assert_eq!(accept(&store, &[transfer(0, 1, 0), transfer(1, 2, 0)]), [1, 2]);
    assert_eq!(accept(&store, &[transfer(0, 1, 1)]), [3]);
    let state = store.snapshot().unwrap();
    let head = state.head();
    assert_eq!((head.next_operation, head.last_operation, head.queued), (1, 3, 3));
    assert_eq!((head.batch_number, head.root), (0, store.identity().genesis_root));
    let queued = state.queued(2, 9).unwrap();
    assert_eq!(
        queued.iter().map(|operation| operation.id).collect::<Vec<_>>(),
        [2, 3]
    );
    assert_eq!(queued[0].request, Request::Signed(transfer(1, 2, 0)));
    assert_eq!(
        (queued[0].accepted_at_ms, &queued[0].state),
        (7, &OperationState::Queued)
    );
    assert_eq!(state.queued(0, 1).unwrap().len(), 1);
    for id in [0, 4, u64::MAX] {
        assert!(matches!(
            state.operation(id),
            Err(StoreError::NoOperation { last: 3, .. })
        ));
    }
    drop((state, store));

    let store = open(&directory).unwrap();
    assert_eq!(execute(&store, 3, &[]), 1);
    let head = store.snapshot().unwrap().head();
    assert_eq!((head.next_operation, head.last_operation, head.queued), (3, 3, 1));
    assert_eq!(execute(&store, 4, &[]), 2);
    let head = store.snapshot().unwrap().head();
    assert_eq!((head.next_operation, head.last_operation, head.queued), (4, 3, 0));
    let states: Vec<_> = operations(&store)
        .into_iter()
        .map(|operation| operation.state)
        .collect();
    let executed = |batch, position| OperationState::Executed {
        batch,
        position,
        outcome: None,
    };
    assert_eq!(states, [executed(1, 0), executed(1, 1), executed(2, 0)]);
    let batch = store.snapshot().unwrap().batch(1).unwrap();
    assert_eq!((batch.first_operation, batch.end_operation), (1, 3));
}

#[test]
fn rejected_operations_leave_the_queue_with_their_reason() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    accept(&store, &[transfer(0, 1, 0), transfer(1, 2, 5), transfer(0, 1, 1)]);
    execute(&store, 4, &[2]);
    let states = operations(&store);
    assert_eq!(
        states[2].state,
        OperationState::Executed {
            batch: 1,
            position: 1,
            outcome: None,
        }
    );
    assert_eq!(states[1].state, OperationState::Rejected(rejection("test")));

    accept(&store, &[transfer(3, 1, 9), transfer(3, 1, 8), transfer(3, 1, 0)]);
    let reject = |end, ids: &[u64]| {
        let rejected: Vec<_> = ids.iter().map(|id| (*id, rejection("nonce"))).collect();
        store.reject_queued(end, &rejected)
    };
    let before = store.snapshot().unwrap().head();
    for (end, ids) in [
        (6, &[4][..]),
        (6, &[5, 4]),
        (6, &[4, 5, 6]),
        (6, &[4, 4, 5]),
        (4, &[]),
        (8, &[4, 5, 6, 7]),
        (u64::MAX, &[4, 5, 6]),
    ] {
        let refused = reject(end, ids);
        assert!(
            matches!(refused, Err(StoreError::Mismatch { number: 0, .. })),
            "{end} {ids:?}: {refused:?}"
        );
    }
    assert_eq!(store.snapshot().unwrap().head(), before);
    reject(6, &[4, 5]).unwrap();
    let head = store.snapshot().unwrap().head();
    assert_eq!((head.next_operation, head.queued, head.batch_number), (6, 1, 1));
    execute(&store, 7, &[]);
    assert_eq!(store.snapshot().unwrap().batch(2).unwrap().first_operation, 6);
}

#[test]
fn a_batch_that_is_not_what_the_queue_begins_with_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    accept(&store, &[transfer(0, 1, 0), transfer(1, 2, 0), transfer(2, 0, 0)]);
    let good = cut(&store, 3, &[]);
    let other = make(&store, &[transfer(1, 2, 0), transfer(0, 1, 0)], FEE, 3);
    let fewer = make(&store, &[transfer(0, 1, 0)], FEE, 3);
    let more = make(&store, &[transfer(0, 1, 0), transfer(1, 2, 0)], FEE, 2);
    let later = |first, end| {
        let mut made: Made = good.clone();
        (made.batch.first_operation, made.batch.end_operation) = (first, end);
        made
    };
    for (made, rejected) in [
        (&other, &[][..]),
        (&fewer, &[]),
        (&more, &[]),
        (&good, &[2]),
        (&good, &[3]),
        (&later(2, 3), &[]),
        (&later(1, 1), &[]),
        (&later(1, 9), &[]),
        (&later(1, 4), &[]),
    ] {
        let refused = commit(&store, made, rejected);
        assert!(
            matches!(refused, Err(StoreError::Mismatch { number: 1, .. })),
            "{refused:?}"
        );
        assert_eq!(store.snapshot().unwrap().head().queued, 3);
    }
    commit(&store, &good, &[]).unwrap();
    assert_eq!(store.snapshot().unwrap().head().queued, 1);
}

#[test]
fn a_whole_submission_waits_for_the_queue_and_takes_its_ids() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    accept(&store, &[transfer(0, 1, 0)]);
    let (made, whole) = make_whole(&store, &[transfer(2, 1, 0), transfer(2, 0, 1)]);
    assert!(matches!(
        commit_whole(&store, &made, &whole),
        Err(StoreError::QueueNotEmpty { queued: 1 })
    ));
    execute(&store, 2, &[]);
    let (made, whole) = make_whole(&store, &[transfer(2, 1, 0), transfer(2, 0, 1)]);
    for wrong in [
        Whole {
            operations: 1,
            ..whole.whole.clone()
        },
        Whole {
            fee_slots: vec![FEE],
            ..whole.whole.clone()
        },
        Whole {
            fee_slots: vec![OTHER_FEE, FEE],
            ..whole.whole.clone()
        },
    ] {
        let wrong = MadeWhole {
            whole: wrong,
            ..whole.clone()
        };
        let refused = commit_whole(&store, &made, &wrong);
        assert!(matches!(refused, Err(StoreError::Mismatch { .. })), "{refused:?}");
    }
    for operations in [
        vec![transfer(2, 0, 1), transfer(2, 1, 0)],
        vec![transfer(2, 1, 0)],
    ] {
        let wrong = MadeWhole {
            operations,
            ..whole.clone()
        };
        let refused = commit_whole(&store, &made, &wrong);
        assert!(matches!(refused, Err(StoreError::Mismatch { .. })), "{refused:?}");
    }
    commit_whole(&store, &made, &whole).unwrap();
    let state = store.snapshot().unwrap();
    let head = state.head();
    assert_eq!((head.next_operation, head.last_operation, head.queued), (4, 3, 0));
    assert_eq!(state.whole_at(2).unwrap(), Some(whole.whole));
    assert_eq!(
        (state.whole_at(1).unwrap(), state.whole_at(3).unwrap()),
        (None, None)
    );
    assert_eq!(
        state.operation(3).unwrap().state,
        OperationState::Executed {
            batch: 2,
            position: 1,
            outcome: None,
        }
    );
}

#[test]
fn a_whole_submission_in_the_queue_is_not_torn_apart() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    submit(&store, &[transfer(2, 1, 0), transfer(2, 0, 1)]);
    accept(&store, &[transfer(0, 1, 0)]);
    store.rollback(0).unwrap();
    assert_eq!(store.snapshot().unwrap().head().queued, 3);
    let torn = |made: &Made, rejected: &[u64]| {
        let refused = commit(&store, made, rejected);
        assert!(matches!(refused, Err(StoreError::Mismatch { .. })), "{refused:?}");
    };
    torn(&cut(&store, 2, &[]), &[]);
    torn(&cut(&store, 4, &[]), &[]);
    torn(&cut(&store, 4, &[2]), &[2]);
    torn(&cut(&store, 3, &[2]), &[2]);
    let half = store.reject_queued(2, &[(1, rejection("x"))]);
    assert!(matches!(half, Err(StoreError::Mismatch { .. })));
    // With the queue's fee slots instead of its own.
    torn(&cut(&store, 3, &[]), &[]);
    execute_whole(&store, 3);
    execute(&store, 4, &[]);
    assert_eq!(store.snapshot().unwrap().head().batch_number, 2);
}

#[test]
fn operations_are_listed_by_account_and_stage_page_by_page() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    // 0 pays itself once, which is one entry.
    accept(
        &store,
        &[
            transfer(0, 0, 0),
            transfer(1, 2, 0),
            transfer(0, 2, 1),
            transfer(3, 0, 7),
        ],
    );
    execute(&store, 5, &[4]);
    accept(&store, &[transfer(1, 0, 1), transfer(2, 3, 0)]);
    let state = store.snapshot().unwrap();
    let all = OperationQuery {
        account: None,
        stage: None,
        from: None,
        order: Order::OldestFirst,
        limit: 100,
        visits: 100,
    };
    let ids = |query: OperationQuery| {
        let (operations, next) = state.operations(&query).unwrap();
        (
            operations
                .iter()
                .map(|operation| operation.id)
                .collect::<Vec<_>>(),
            next,
        )
    };
    let newest = Order::NewestFirst;
    assert_eq!(ids(all), (vec![1, 2, 3, 4, 5, 6], None));
    assert_eq!(
        ids(OperationQuery {
            order: newest,
            limit: 2,
            ..all
        }),
        (vec![6, 5], Some(4))
    );
    assert_eq!(
        ids(OperationQuery {
            order: newest,
            from: Some(4),
            ..all
        }),
        (vec![4, 3, 2, 1], None)
    );
    assert_eq!(ids(OperationQuery { from: Some(7), ..all }), (vec![], None));
    assert_eq!(ids(OperationQuery { limit: 0, ..all }), (vec![], Some(1)));
    let of_0 = OperationQuery {
        account: Some(0),
        ..all
    };
    assert_eq!(ids(of_0), (vec![1, 3, 4, 5], None));
    assert_eq!(ids(OperationQuery { limit: 3, ..of_0 }), (vec![1, 3, 4], Some(5)));
    assert_eq!(
        ids(OperationQuery {
            from: Some(5),
            ..of_0
        }),
        (vec![5], None)
    );
    assert_eq!(
        ids(OperationQuery {
            order: newest,
            visits: 1,
            ..of_0
        }),
        (vec![5], Some(4))
    );
    let stage = |stage| OperationQuery {
        stage: Some(stage),
        ..of_0
    };
    assert_eq!(ids(stage(OperationStage::Executed)), (vec![1, 3], None));
    assert_eq!(ids(stage(OperationStage::Rejected)), (vec![4], None));
    assert_eq!(ids(stage(OperationStage::Queued)), (vec![5], None));
    let visits = OperationQuery {
        visits: 2,
        ..stage(OperationStage::Queued)
    };
    assert_eq!(ids(visits), (vec![], Some(4)));
    assert_eq!(
        ids(OperationQuery {
            account: Some(4),
            ..all
        }),
        (vec![], None)
    );
}
