//! A batch from its execution to its proof, each step one transaction.

use ark_bn254::Fr;
use quittance::batch::{Batch, Event, Moved, Retry, Stage};
use quittance::store::{Store, StoreError};
use quittance_circuits::state::{StateError, StateReader};
use redb::{ReadableDatabase, ReadableTable, TableDefinition};

use crate::harness::{
    ACCOUNTS, Made, accounts, commit_whole, config, create, database, make_whole, open, submit, transfer,
};

const NODES: TableDefinition<'_, u64, &[u8; 32]> = TableDefinition::new("nodes");

#[test]
fn a_batch_its_state_and_its_inputs_come_together_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    let genesis = store.snapshot().unwrap();
    let (made, whole) = make_whole(&store, &[transfer(0, 1, 0)]);
    let batch = made.batch.clone();
    let wrong = |change: fn(&mut Batch)| {
        let mut wrong = batch.clone();
        change(&mut wrong);
        wrong
    };
    for wrong in [
        wrong(|batch| batch.number = 2),
        wrong(|batch| batch.old_root = Fr::from(1u64)),
        wrong(|batch| batch.new_root = Fr::from(1u64)),
        wrong(|batch| batch.stage = Stage::Proved),
        wrong(|batch| batch.counts.transfers = 2),
        wrong(|batch| batch.counts.rotations = 1),
        wrong(|batch| batch.queue_before.next = 1),
        wrong(|batch| batch.queue_before.hash[31] = 1),
        wrong(|batch| batch.queue_after.next = 1),
        wrong(|batch| batch.queue_after.hash[31] = 1),
        wrong(|batch| batch.first_operation = 2),
        wrong(|batch| batch.end_operation = 3),
    ] {
        let number = wrong.number;
        let refused = commit_whole(
            &store,
            &Made {
                batch: wrong,
                ..made.clone()
            },
            &whole,
        );
        let expected = match number {
            1 => matches!(refused, Err(StoreError::Mismatch { number: 1, .. })),
            _ => matches!(refused, Err(StoreError::NotNext { number: 2, last: 0 })),
        };
        assert!(expected, "{refused:?}");
        assert_eq!(store.snapshot().unwrap().head(), genesis.head());
    }
    commit_whole(&store, &made, &whole).unwrap();
    // The same batch again stands on a root that is gone.
    assert!(matches!(
        commit_whole(&store, &made, &whole),
        Err(StoreError::NotNext { number: 1, last: 1 })
    ));

    let after = store.snapshot().unwrap();
    assert_eq!(
        (after.head().batch_number, after.head().root),
        (1, batch.new_root)
    );
    assert_eq!(after.root().unwrap(), batch.new_root);
    assert_eq!(after.pending().unwrap(), [1]);
    assert_eq!(after.applied(&batch).unwrap(), made.applied);
    // An older snapshot sees nothing of it.
    assert_eq!(
        (genesis.root().unwrap(), genesis.head().batch_number),
        (batch.old_root, 0)
    );
    assert_eq!(genesis.account(0).unwrap().unwrap().balance, 1000);
    assert_eq!(after.account(0).unwrap().unwrap().balance, 989);

    drop((genesis, after, store));
    let store = open(&directory).unwrap();
    let again = store.snapshot().unwrap();
    assert_eq!(again.batch(1).unwrap(), batch);
    for index in 0..ACCOUNTS {
        let leaf = again.account(index).unwrap().unwrap();
        assert_eq!(
            again.path(index).unwrap().root(index, leaf.hash()),
            batch.new_root
        );
    }
}

#[test]
fn a_proof_ends_the_need_for_inputs() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    submit(&store, &[transfer(0, 1, 0)]);
    let batch = store.snapshot().unwrap().batch(1).unwrap();
    assert_eq!(store.advance(1, Event::Begin).unwrap().0.stage, Stage::Proving);
    assert!(matches!(store.advance(1, Event::Begin), Err(StoreError::Move(_))));
    for number in [0, 2] {
        assert!(matches!(
            store.advance(number, Event::Begin),
            Err(StoreError::NoBatch { last: 1, .. })
        ));
    }
    // As after a kill while proving.
    let waiting = store.recover(3).unwrap();
    assert_eq!(waiting.iter().map(|batch| batch.number).collect::<Vec<_>>(), [1]);
    assert_eq!(store.snapshot().unwrap().batch(1).unwrap().stage, Stage::Executed);
    assert_eq!(store.advance(1, Event::Interrupt).unwrap().1, Moved::Unchanged);

    store.advance(1, Event::Begin).unwrap();
    let fail = Event::Fail {
        reason: "x".to_owned(),
        retry: Retry::Never,
    };
    store.advance(1, fail).unwrap();
    assert!(store.snapshot().unwrap().pending().unwrap().is_empty());
    store.advance(1, Event::Resume).unwrap();
    assert_eq!(store.snapshot().unwrap().pending().unwrap(), [1]);
    let finish = Event::Finish {
        at_ms: 2,
        phases: Vec::new(),
    };
    store.store_proof(1, finish, b"bundle").unwrap();
    let state = store.snapshot().unwrap();
    assert_eq!(state.proof(1).unwrap().unwrap(), b"bundle");
    assert!(state.pending().unwrap().is_empty());
    assert!(matches!(state.applied(&batch), Err(StoreError::Lost { .. })));
}

#[test]
fn an_unfinished_genesis_is_no_store() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("store")).unwrap();
    std::fs::write(directory.path().join("store/quittance.redb.unfinished"), "half").unwrap();
    assert!(matches!(open(&directory), Err(StoreError::Missing { .. })));
    let unfinished = directory.path().join("store/quittance.redb.unfinished");
    let builder = std::fs::File::open(&unfinished).unwrap();
    builder.lock().unwrap();
    let config = config(directory.path());
    let create_too = || Store::create(&config.store_directory, config.rollup.rollup_id, 2, Vec::new());
    assert!(matches!(create_too(), Err(StoreError::InUse { .. })));
    drop(builder);
    drop(create(&directory));
    open(&directory).unwrap();
    assert!(!directory.path().join("store/quittance.redb.unfinished").exists());
    assert!(matches!(create_too(), Err(StoreError::Exists { .. })));
}

#[test]
fn accounts_that_make_no_tree_leave_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path());
    let twice = [accounts(), accounts()].concat();
    let refused = Store::create(&config.store_directory, config.rollup.rollup_id, 2, twice);
    assert!(matches!(
        refused,
        Err(StoreError::State(StateError::Duplicate { index: 0 }))
    ));
    assert_eq!(std::fs::read_dir(&config.store_directory).unwrap().count(), 0);
}

#[test]
fn only_nodes_that_are_not_empty_are_stored() {
    let directory = tempfile::tempdir().unwrap();
    drop(create(&directory));
    let db = database(&directory);
    let txn = db.begin_read().unwrap();
    // Six leaves, their two parents, the root.
    assert_eq!(txn.open_table(NODES).unwrap().iter().unwrap().count(), 9);
}
