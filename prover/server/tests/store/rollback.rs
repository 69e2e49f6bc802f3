//! Taking batches back.

use quittance::batch::{Event, Stage};
use quittance::operation::OperationState;
use quittance::store::{Head, Store, StoreError};
use quittance_circuits::state::{MemoryState, StateReader};
use quittance_circuits::types::AccountIndex;
use redb::{ReadableDatabase, ReadableTable, TableDefinition};

use crate::harness::{
    ACCOUNTS, LEVELS, accept, accounts, create, damage, database, execute, execute_whole, key, open, opening,
    operations, prove, rotation, submit, transfer,
};

const NODES: TableDefinition<'_, u64, &[u8; 32]> = TableDefinition::new("nodes");
const LEAVES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("leaves");
const UNDO: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("undo");
type Change<'a> = &'a dyn Fn(&redb::WriteTransaction);

const FORMERLY: &str = "leaf: the tree's root is not the one before the batch";

/// Four batches: the second proved, the third a whole submission; operation 3 is rejected, 7 and 8 are queued.
fn filled(store: &Store) -> Vec<Head> {
    let head = || store.snapshot().unwrap().head();
    let mut heads = vec![head()];
    accept(store, &[transfer(0, 1, 0)]);
    execute(store, 2, &[]);
    heads.push(head());
    accept(store, &[transfer(1, 2, 0), transfer(1, 2, 9)]);
    execute(store, 4, &[3]);
    prove(store, 2);
    heads.push(head());
    submit(store, &[transfer(2, 3, 0), transfer(0, 3, 1)]);
    heads.push(head());
    accept(store, &[transfer(3, 0, 0), transfer(3, 1, 1), transfer(0, 1, 2)]);
    execute(store, 7, &[]);
    heads.push(head());
    heads
}

#[test]
fn batches_are_taken_back_and_their_operations_queued_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    let heads = filled(&store);
    let before = operations(&store);
    let undone = store.rollback(1).unwrap();
    assert_eq!((undone.batches, undone.proofs, undone.operations), (3, 1, 4));
    let expected = Head {
        next_operation: 2,
        last_operation: 8,
        queued: 6,
        ..heads[1]
    };
    assert_eq!(undone.head, expected);
    drop(store);
    let store = open(&directory).unwrap();
    let state = store.snapshot().unwrap();
    assert_eq!(state.head(), expected);
    for (operation, before) in operations(&store).iter().zip(&before) {
        let state = match operation.id {
            1 | 3 => before.state.clone(),
            _ => OperationState::Queued,
        };
        assert_eq!(operation.state, state, "{}", operation.id);
        assert_eq!((operation.id, operation.request), (before.id, before.request));
    }
    assert_eq!(state.pending().unwrap(), [1]);
    for number in 2..=4 {
        assert!(matches!(
            state.batch(number),
            Err(StoreError::NoBatch { last: 1, .. })
        ));
        assert_eq!(state.proof(number).unwrap(), None);
    }
    let queued: Vec<_> = state
        .queued(0, 99)
        .unwrap()
        .iter()
        .map(|operation| operation.id)
        .collect();
    assert_eq!(queued, [2, 4, 5, 6, 7, 8]);
    assert_eq!(state.whole_at(4).unwrap().unwrap().operations, 2);
    drop(state);

    // Executed again in the same cuts, everything is as it was.
    execute(&store, 4, &[]);
    assert_eq!(store.snapshot().unwrap().head().root, heads[2].root);
    execute_whole(&store, 6);
    assert_eq!(store.snapshot().unwrap().head().root, heads[3].root);
    execute(&store, 9, &[]);
    let head = store.snapshot().unwrap().head();
    assert_eq!((head.next_operation, head.queued, head.batch_number), (9, 0, 4));
    // And once more, to the very beginning.
    let undone = store.rollback(0).unwrap();
    assert_eq!((undone.batches, undone.operations), (4, 7));
    assert_eq!(undone.head.root, store.identity().genesis_root);
    for index in 0..ACCOUNTS {
        let leaf = store.snapshot().unwrap().account(index).unwrap();
        assert_eq!(leaf, Some(accounts()[usize::try_from(index).unwrap()].1));
    }
}

#[test]
fn numbers_that_cannot_be_gone_back_to_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    let heads = filled(&store);
    let last = heads[4];
    for to in [5, u32::MAX] {
        let refused = store.rollback(to);
        assert!(matches!(refused, Err(StoreError::RollbackAhead { last: 4, .. })));
    }
    let nothing = store.rollback(4).unwrap();
    assert_eq!((nothing.batches, nothing.operations, nothing.head), (0, 0, last));
    assert_eq!(store.snapshot().unwrap().head(), last);
}

#[test]
fn a_batch_that_is_being_proved_is_taken_back_too() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    submit(&store, &[transfer(0, 1, 0)]);
    store.advance(1, Event::Begin).unwrap();
    submit(&store, &[transfer(0, 1, 1)]);
    store.advance(2, Event::Cancel).unwrap();
    store.rollback(0).unwrap();
    assert!(store.snapshot().unwrap().pending().unwrap().is_empty());
    assert!(matches!(
        store.advance(1, Event::Interrupt),
        Err(StoreError::NoBatch { .. })
    ));
    execute_whole(&store, 2);
    let batch = store.snapshot().unwrap().batch(1).unwrap();
    assert_eq!((batch.stage, batch.attempts), (Stage::Executed, 0));
}

/// A leaf that a batch opened is gone after the rollback, with all nodes above it; a rotated one has its old key.
#[test]
fn a_leaf_that_was_not_there_before_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    let before = store.snapshot().unwrap().head();
    let opened = 7;
    submit(
        &store,
        &[
            opening(0, opened, 0),
            transfer(0, opened, 1),
            rotation(2, 0, &key(12)),
        ],
    );
    let state = store.snapshot().unwrap();
    let leaf = state.account(opened).unwrap().unwrap();
    assert_eq!((leaf.key, leaf.balance), (key(opened).public_key(), 20));
    assert_eq!(state.accounts_of(&leaf.key, 0, 9).unwrap(), [(opened, leaf)]);
    let rotated = state.account(2).unwrap().unwrap();
    assert_eq!(rotated.key, key(12).public_key());
    assert_eq!(state.accounts_of(&rotated.key, 0, 9).unwrap(), [(2, rotated)]);
    assert_eq!(state.accounts_of(&key(2).public_key(), 0, 9).unwrap(), []);

    store.rollback(0).unwrap();
    let state = store.snapshot().unwrap();
    assert_eq!(state.head().root, before.root);
    assert_eq!(state.account(opened).unwrap(), None);
    state.path(opened).unwrap();
    assert_eq!(state.accounts_of(&leaf.key, 0, 9).unwrap(), []);
    assert_eq!(state.accounts_of(&rotated.key, 0, 9).unwrap(), []);
    let old = state.account(2).unwrap();
    assert_eq!(old, Some(accounts()[2].1));
    assert_eq!(
        state.accounts_of(&key(2).public_key(), 0, 9).unwrap(),
        [(2, accounts()[2].1)]
    );
    drop((state, store));
    let db = database(&directory);
    let txn = db.begin_read().unwrap();
    assert_eq!(txn.open_table(NODES).unwrap().iter().unwrap().count(), 9);
    assert_eq!(txn.open_table(LEAVES).unwrap().iter().unwrap().count(), 6);
}

#[test]
fn a_damaged_undo_record_or_tree_changes_nothing() {
    let swap_undo = |txn: &redb::WriteTransaction| {
        let mut undo = txn.open_table(UNDO).unwrap();
        let bytes = undo.get(3).unwrap().unwrap().value().to_vec();
        undo.insert(4, bytes.as_slice()).unwrap();
    };
    // A node that no leaf of the batches lies below, but that their hashes need: the neighbour of accounts 4 and 5.
    let other_node =
        |txn: &redb::WriteTransaction| drop(txn.open_table(NODES).unwrap().insert(6, &[1; 32]).unwrap());
    let cases: [(Change<'_>, &str); 2] = [
        (&swap_undo, "undo 4 record does not match its seal"),
        (&other_node, "undo 2 record has an invalid "),
    ];
    for (change, expected) in cases {
        let directory = tempfile::tempdir().unwrap();
        let store = create(&directory);
        filled(&store);
        drop(store);
        damage(&directory, change);
        let store = open(&directory).unwrap();
        let before = (store.snapshot().unwrap().head(), operations(&store));
        let found = match store.rollback(1) {
            Err(StoreError::Corrupt { table, key, source }) => format!("{table} {key} {source}"),
            Err(StoreError::Lost { table, key }) => format!("{table} {key}"),
            other => panic!("{other:?}"),
        };
        assert_eq!(found.trim_end_matches(FORMERLY), expected);
        assert_eq!((store.snapshot().unwrap().head(), operations(&store)), before);
        assert_eq!(store.snapshot().unwrap().batch(4).unwrap().stage, Stage::Executed);
    }
}

#[test]
fn roots_are_those_of_the_leaves() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    let heads = filled(&store);
    for to in (0..4u32).rev() {
        store.rollback(to).unwrap();
        let state = store.snapshot().unwrap();
        let leaves = (0..ACCOUNTS)
            .map(|index| (AccountIndex(index), state.account(index).unwrap().unwrap()))
            .collect();
        let root = MemoryState::genesis(LEVELS, leaves).unwrap().root().unwrap();
        assert_eq!(root, state.head().root);
        assert_eq!(root, heads[usize::try_from(to).unwrap()].root);
    }
}
