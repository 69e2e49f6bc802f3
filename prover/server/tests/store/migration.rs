//! A store of format 1 that the program of that time wrote: five batches, 1 and 2 proved, 3 and 4 waiting, 5 cancelled.

use std::num::NonZeroUsize;

use quittance::backend::Backend;
use quittance::batch::{Event, Stage};
use quittance::circuit_facts;
use quittance::engine_backend::EngineBackend;
use quittance::store::{BlockFile, Store, StoreError};
use quittance_circuits::state::{MemoryState, StateReader};
use quittance_circuits::types::AccountIndex;
use quittance_engine::{CancelFlag, Engine, KeyDir, setup_development};
use quittance_verifier::{DevelopmentKeys, Shape};
use redb::{ReadableDatabase, ReadableTable, StorageBackend as _, TableDefinition};

use tempfile::TempDir;

use crate::harness::{
    LEVELS, OTHER_FEE, accept, commit, config, create, damage, database, make, open, submit, transfer,
    with_file,
};

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const BATCHES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("batches");
const FORMAT_1: &[u8] = include_bytes!("format-1.redb");

#[test]
fn a_store_of_format_1_becomes_one_of_format_2() {
    let directory = with_file(FORMAT_1);
    let store = open(&directory).unwrap();
    let state = store.snapshot().unwrap();
    let head = state.head();
    assert_eq!(
        (
            head.batch_number,
            head.next_operation,
            head.last_operation,
            head.queued
        ),
        (5, 1, 0, 0)
    );
    let leaves: Vec<_> = (0..5)
        .map(|index| (AccountIndex(index), state.account(index).unwrap().unwrap()))
        .collect();
    // 0 paid 110 four times and got 100; 4 got 200 and paid 110.
    assert_eq!(leaves[0].1.balance, 1_000_000 - 440 + 100);
    assert_eq!(leaves[4].1.balance, 1_000_000 + 200 - 110);
    assert_eq!(
        MemoryState::genesis(LEVELS, leaves).unwrap().root().unwrap(),
        head.root
    );
    let stages: Vec<_> = (1..=5).map(|number| state.batch(number).unwrap().stage).collect();
    let (proved, executed) = (Stage::Proved, Stage::Executed);
    assert_eq!(stages, [proved, proved, executed, executed, Stage::Cancelled]);
    let mut root = store.identity().genesis_root;
    for number in 1..=5 {
        let batch = state.batch(number).unwrap();
        assert_eq!((batch.first_operation, batch.end_operation), (0, 0));
        assert_eq!(batch.old_root, root);
        root = batch.new_root;
        match state.proof(number).unwrap() {
            Some(bundle) => {
                let bundle = quittance_verifier::Bundle::from_bytes(&bundle).unwrap();
                assert_eq!(bundle.facts.batch_number, number);
            }
            None => assert_eq!(state.applied(&batch).unwrap().new_root, root),
        }
    }
    assert_eq!(state.pending().unwrap(), [3, 4]);
    assert_eq!(state.queued(0, 9).unwrap(), []);
    drop((state, store));

    // Opened again it is a store of format 2 like any other, whose history and rollback begin here.
    let store = open(&directory).unwrap();
    submit(&store, &[transfer(1, 0, 2)]);
    accept(&store, &[transfer(1, 0, 3)]);
    let made = make(&store, &[transfer(1, 0, 3)], OTHER_FEE, 3);
    commit(&store, &made, &[]).unwrap();
    for to in [0, 4] {
        assert!(matches!(
            store.rollback(to),
            Err(StoreError::RollbackTooFar { lowest: 5, .. })
        ));
    }
    let undone = store.rollback(5).unwrap();
    assert_eq!((undone.head.root, undone.operations), (head.root, 2));
}

#[test]
fn unproved_batches_of_format_1_are_proved_after_the_migration() {
    let shape = Shape {
        levels: LEVELS,
        transfers: 2,
        fee_slots: 1,
    };
    let engine = Engine::new(NonZeroUsize::new(2).unwrap()).unwrap();
    let keys = tempfile::tempdir().unwrap();
    let r1cs = circuit_facts::matrices(&shape).unwrap();
    let key = engine
        .install(|| setup_development(&r1cs, shape, &|_| ()))
        .unwrap();
    KeyDir::create(keys.path().join(shape.name()), &key).unwrap();
    let loaded = quittance::keys::open(&engine, keys.path(), &shape, DevelopmentKeys::Accept).unwrap();
    let calibration = engine.calibrate().unwrap();
    let backend = EngineBackend::new(engine, vec![loaded], &calibration);

    let directory = with_file(FORMAT_1);
    let store = open(&directory).unwrap();
    let waiting = store.recover(3).unwrap();
    assert_eq!(
        waiting.iter().map(|batch| batch.number).collect::<Vec<_>>(),
        [3, 4]
    );
    for batch in waiting {
        store.advance(batch.number, Event::Begin).unwrap();
        let applied = store.snapshot().unwrap().applied(&batch).unwrap();
        // The backend verifies what it has proved.
        let proved = backend
            .prove(&batch.shape, &applied, &CancelFlag::new(), &|_, _| ())
            .unwrap();
        let finish = Event::Finish {
            at_ms: 1,
            phases: proved.phases,
        };
        let bundle = proved.bundle.to_bytes().unwrap();
        store.store_proof(batch.number, finish, &bundle).unwrap();
        assert_eq!(
            store.snapshot().unwrap().proof(batch.number).unwrap(),
            Some(bundle)
        );
    }
    assert_eq!(store.snapshot().unwrap().pending_count().unwrap(), 0);
}

#[test]
fn a_store_of_another_rollup_is_not_migrated() {
    let directory = with_file(FORMAT_1);
    let mut config = config(directory.path());
    config.rollup.levels = 3;
    let refused = Store::open(&config.store_directory, &config.rollup);
    assert!(matches!(refused, Err(StoreError::OtherLevels { found: 2, .. })));
    assert_eq!(format(&directory), 1u32.to_le_bytes());
    open(&directory).unwrap();
    assert_eq!(format(&directory), 2u32.to_le_bytes());
}

fn format(directory: &TempDir) -> Vec<u8> {
    let db = database(directory);
    let meta = db.begin_read().unwrap().open_table(META).unwrap();
    meta.get("format").unwrap().unwrap().value().to_vec()
}

#[test]
fn a_migration_that_fails_changes_nothing() {
    type Change = fn(&redb::WriteTransaction);
    let cases: [(Change, &str); 3] = [
        (
            |txn| drop(txn.open_table(BATCHES).unwrap().remove(4).unwrap()),
            "batches 4",
        ),
        (
            |txn| {
                let mut batches = txn.open_table(BATCHES).unwrap();
                let bytes = batches.get(5).unwrap().unwrap().value().to_vec();
                batches.insert(4, bytes.as_slice()).unwrap();
            },
            "batches 4",
        ),
        (
            |txn| {
                let mut meta = txn.open_table(META).unwrap();
                meta.insert("head", [1; 9].as_slice()).unwrap();
            },
            "meta head",
        ),
    ];
    for (change, expected) in cases {
        let directory = with_file(FORMAT_1);
        damage(&directory, change);
        match open(&directory).unwrap_err() {
            StoreError::Corrupt { table, key, .. } | StoreError::Lost { table, key } => {
                assert_eq!(format!("{table} {key}"), expected);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(format(&directory), 1u32.to_le_bytes());
        damage(&directory, |txn| {
            assert!(txn.open_table(META).unwrap().get("history").unwrap().is_none());
        });
    }
}

/// The store's database as a plain file, as format 2 was kept before it had checksums for each block.
fn plain(directory: &TempDir) -> Vec<u8> {
    let file = BlockFile::open(&directory.path().join("store/quittance.redb")).unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read(0, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_plain_file_becomes_blocks_with_the_same_content() {
    let made = tempfile::tempdir().unwrap();
    let store = create(&made);
    submit(&store, &[transfer(0, 1, 0)]);
    accept(&store, &[transfer(1, 0, 0)]);
    let head = store.snapshot().unwrap().head();
    drop(store);
    let bytes = plain(&made);

    let directory = with_file(&bytes);
    let path = directory.path().join("store/quittance.redb");
    // What a kill left in the middle of an earlier attempt is in nobody's way.
    let unfinished = directory.path().join("store/quittance.redb.unfinished");
    std::fs::write(&unfinished, b"half").unwrap();
    let store = open(&directory).unwrap();
    assert_eq!(store.snapshot().unwrap().head(), head);
    assert_eq!(store.snapshot().unwrap().queued(0, 9).unwrap().len(), 1);
    drop(store);
    assert!(!unfinished.exists());
    assert!(std::fs::read(&path).unwrap().starts_with(b"quittance store\n"));
    drop(open(&directory).unwrap());
}

#[test]
fn a_plain_file_that_is_damaged_or_in_use_stays_as_it_is() {
    let made = tempfile::tempdir().unwrap();
    drop(create(&made));
    let sound = plain(&made);
    let leaf = made_leaf();
    let at = sound.windows(leaf.len()).position(|bytes| bytes == leaf).unwrap();
    let mut damaged = sound.clone();
    damaged[at] ^= 1;
    let directory = with_file(&damaged);
    let path = directory.path().join("store/quittance.redb");
    let refused = open(&directory).unwrap_err();
    assert!(refused.is_corruption(), "{refused:?}");
    assert!(std::fs::read(&path).unwrap().starts_with(b"redb"));

    let directory = with_file(&sound);
    let path = directory.path().join("store/quittance.redb");
    let other = redb::Database::open(&path).unwrap();
    assert!(matches!(open(&directory), Err(StoreError::InUse { .. })));
    drop(other);
    let other = std::fs::File::open(&path).unwrap();
    other.lock_shared().unwrap();
    assert!(matches!(open(&directory), Err(StoreError::InUse { .. })));
    drop(other);
    open(&directory).unwrap();
}

/// Bytes of a stored leaf.
fn made_leaf() -> [u8; 64] {
    let store = tempfile::tempdir().unwrap();
    let leaf = create(&store).snapshot().unwrap().account(0).unwrap().unwrap();
    *leaf.to_bytes().first_chunk().unwrap()
}
