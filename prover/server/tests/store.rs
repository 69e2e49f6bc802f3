//! The store: one transaction for each step, and refusal of what cannot be trusted.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;
use std::sync::Arc;

use ark_bn254::Fr;
use quittance::batch::{Batch, Event, Moved, Retry, Stage};
use quittance::config::{Config, RawConfig};
use quittance::encoding::fr_from_bytes_be;
use quittance::execute::{Executor, Policy};
use quittance::operation::Whole;
use quittance::store::{Store, StoreError};
use quittance_circuits::batch::{AppliedBatch, BatchContext, apply_batch};
use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::state::{Overlay, StateChanges, StateReader};
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::transfer::{SignedTransfer, Transfer};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress, TokenId};
use quittance_verifier::Shape;
use redb::{ReadableDatabase, ReadableTable, TableDefinition};
use tempfile::TempDir;

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const BATCHES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("batches");
const INPUTS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("inputs");
const LEAVES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("leaves");
const NODES: TableDefinition<'_, u64, &[u8; 32]> = TableDefinition::new("nodes");

fn key(index: u32) -> SecretKey {
    SecretKey::from_bytes(&[u8::try_from(index).unwrap() + 1; 32])
}

fn config(directory: &Path) -> Config {
    let mut raw = RawConfig::default();
    raw.rollup.levels = 2;
    raw.store.directory = directory.join("store");
    raw.keys.allow_development_keys = true;
    Config::check(raw).unwrap()
}

fn create(directory: &TempDir) -> Store {
    let config = config(directory.path());
    let leaf = |index| Leaf::new(key(index).public_key(), 1000, 0, 1, RootAddress([7; 20])).unwrap();
    let accounts = (0..3).map(|index| (AccountIndex(index), leaf(index))).collect();
    Store::create(&config.store_directory, config.rollup.rollup_id, 2, accounts).unwrap()
}

fn open(directory: &TempDir) -> Result<Store, StoreError> {
    let config = config(directory.path());
    Store::open(&config.store_directory, &config.rollup)
}

fn signed(nonce: u32) -> SignedTransfer {
    let transfer = Transfer {
        from: AccountIndex(0),
        to: AccountIndex(1),
        amount: FloatAmount::encode_exact(10).unwrap(),
        fee: FloatFee::encode_exact(1).unwrap(),
        nonce: Nonce(nonce),
        valid_until: BatchNumber::MAX,
    };
    let rollup_id = fr_from_bytes_be(&quittance_verifier::rollup_id(0, [0; 20])).unwrap();
    SignedTransfer {
        signature: key(0).sign(&transfer.message(&rollup_id)),
        transfer,
    }
}

const FEE: FeeSlot = FeeSlot {
    leaf: AccountIndex(2),
    token: TokenId(1),
};

/// The next batch as the executor would store it.
fn next(store: &Store) -> (Batch, AppliedBatch, StateChanges) {
    let state = store.snapshot().unwrap();
    let number = state.head().batch_number + 1;
    let mut overlay = Overlay::new(&state).unwrap();
    let context = BatchContext {
        rollup_id: fr_from_bytes_be(&store.identity().rollup_id).unwrap(),
        batch_number: BatchNumber(number),
    };
    let applied = apply_batch(&mut overlay, &context, &[signed(number - 1)], &[FEE]).unwrap();
    let batch = Batch {
        number,
        stage: Stage::Executed,
        shape: Shape {
            levels: 2,
            transfers: 2,
            fee_slots: 1,
        },
        transfers: 1,
        old_root: applied.old_root,
        new_root: applied.new_root,
        fees: Vec::new(),
        attempts: 0,
        executed_at_ms: 1,
        proved_at_ms: None,
        failure: String::new(),
        phases: Vec::new(),
        first_operation: state.head().last_operation + 1,
        end_operation: state.head().last_operation + 2,
    };
    (batch, applied, overlay.into_changes())
}

fn commit(
    store: &Store,
    (batch, applied, changes): &(Batch, AppliedBatch, StateChanges),
) -> Result<(), StoreError> {
    let whole = Whole {
        operations: 1,
        fee_slots: vec![FEE],
    };
    store.commit_whole(batch, applied, changes, &whole, None, 1)
}

#[test]
fn a_batch_its_state_and_its_inputs_come_together_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    let genesis = store.snapshot().unwrap();
    let (batch, applied, changes) = next(&store);
    for wrong in [
        Batch {
            number: 2,
            ..batch.clone()
        },
        Batch {
            old_root: Fr::from(1u64),
            ..batch.clone()
        },
        Batch {
            new_root: Fr::from(1u64),
            ..batch.clone()
        },
        Batch {
            stage: Stage::Proved,
            ..batch.clone()
        },
    ] {
        let number = wrong.number;
        let refused = commit(&store, &(wrong, applied.clone(), changes.clone()));
        let expected = match number {
            1 => matches!(refused, Err(StoreError::Mismatch { number: 1, .. })),
            _ => matches!(refused, Err(StoreError::NotNext { number: 2, last: 0 })),
        };
        assert!(expected, "{refused:?}");
        assert_eq!(store.snapshot().unwrap().head(), genesis.head());
    }
    let made = (batch, applied, changes);
    commit(&store, &made).unwrap();
    // The same batch again stands on a root that is gone.
    assert!(matches!(
        commit(&store, &made),
        Err(StoreError::NotNext { number: 1, last: 1 })
    ));
    let (batch, applied, _) = made;

    let after = store.snapshot().unwrap();
    assert_eq!(
        (after.head().batch_number, after.head().root),
        (1, batch.new_root)
    );
    assert_eq!(after.root().unwrap(), batch.new_root);
    assert_eq!(after.pending().unwrap(), [1]);
    assert_eq!(after.applied(&batch).unwrap(), applied);
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
    for index in 0..3 {
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
    let made = next(&store);
    commit(&store, &made).unwrap();
    let batch = made.0;
    assert_eq!(store.advance(1, Event::Begin).unwrap().0.stage, Stage::Proving);
    assert!(matches!(store.advance(1, Event::Begin), Err(StoreError::Move(_))));
    assert!(matches!(
        store.advance(2, Event::Begin),
        Err(StoreError::NoBatch { number: 2, last: 1 })
    ));
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

/// Damages the closed store through the database itself.
fn damage(directory: &TempDir, change: impl FnOnce(&redb::WriteTransaction)) {
    let db = redb::Database::open(directory.path().join("store/quittance.redb")).unwrap();
    let txn = db.begin_write().unwrap();
    change(&txn);
    txn.commit().unwrap();
}

#[test]
fn other_formats_and_damaged_records_are_refused() {
    let fresh = || {
        let directory = tempfile::tempdir().unwrap();
        let store = create(&directory);
        let made = next(&store);
        commit(&store, &made).unwrap();
        (directory, made.0)
    };
    let (directory, _) = fresh();
    damage(&directory, |txn| {
        txn.open_table(META)
            .unwrap()
            .insert("format", 3u32.to_le_bytes().as_slice())
            .unwrap();
    });
    assert!(matches!(
        open(&directory),
        Err(StoreError::Format {
            found: 3,
            expected: 2
        })
    ));

    for row in ["format", "identity"] {
        let (directory, _) = fresh();
        damage(&directory, |txn| {
            txn.open_table(META).unwrap().remove(row).unwrap();
        });
        assert!(
            matches!(open(&directory), Err(StoreError::Lost { table: "meta", .. })),
            "{row}"
        );
        damage(&directory, |txn| {
            txn.open_table(META)
                .unwrap()
                .insert(row, [9; 3].as_slice())
                .unwrap();
        });
        assert!(
            matches!(open(&directory), Err(StoreError::Corrupt { table: "meta", .. })),
            "{row}"
        );
    }

    let (directory, batch) = fresh();
    damage(&directory, |txn| {
        let mut inputs = txn.open_table(INPUTS).unwrap();
        let bytes = inputs.get(1).unwrap().unwrap().value().to_vec();
        inputs.insert(1, &bytes[..bytes.len() - 1]).unwrap();
        txn.open_table(LEAVES)
            .unwrap()
            .insert(0, [0xff; 108].as_slice())
            .unwrap();
        txn.open_table(NODES).unwrap().insert(1, &[0xff; 32]).unwrap();
    });
    let store = open(&directory).unwrap();
    let state = store.snapshot().unwrap();
    assert!(matches!(
        state.applied(&batch),
        Err(StoreError::Corrupt { table: "inputs", .. })
    ));
    assert!(matches!(
        state.account(0),
        Err(StoreError::Corrupt { table: "leaves", .. })
    ));
    assert!(matches!(
        state.path(0),
        Err(StoreError::Corrupt { table: "nodes", .. })
    ));
    drop((state, store));

    drop(directory);
    // The record of batch 1 under number 2, and a truncated one.
    for (number, length) in [(2, None), (1, Some(9))] {
        let (directory, _) = fresh();
        damage(&directory, |txn| {
            let mut batches = txn.open_table(BATCHES).unwrap();
            let bytes = batches.get(1).unwrap().unwrap().value().to_vec();
            let kept = length.unwrap_or(bytes.len());
            batches.insert(number, &bytes[..kept]).unwrap();
        });
        assert!(matches!(
            open(&directory),
            Err(StoreError::Corrupt { table: "batches", key, .. }) if key == number.to_string()
        ));
    }
}

#[test]
fn an_unfinished_genesis_is_no_store() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("store")).unwrap();
    std::fs::write(directory.path().join("store/quittance.redb.unfinished"), "half").unwrap();
    assert!(matches!(open(&directory), Err(StoreError::Missing { .. })));
    drop(create(&directory));
    open(&directory).unwrap();
    assert!(!directory.path().join("store/quittance.redb.unfinished").exists());
    let config = config(directory.path());
    let again = Store::create(&config.store_directory, config.rollup.rollup_id, 2, Vec::new());
    assert!(matches!(again, Err(StoreError::Exists { .. })));
}

#[test]
fn only_nodes_that_are_not_empty_are_stored() {
    let directory = tempfile::tempdir().unwrap();
    drop(create(&directory));
    let db = redb::Database::open(directory.path().join("store/quittance.redb")).unwrap();
    let txn = db.begin_read().unwrap();
    // Three leaves, their parent, the root.
    assert_eq!(txn.open_table(NODES).unwrap().iter().unwrap().count(), 5);
}

#[test]
fn concurrent_submissions_are_executed_one_after_another() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(create(&directory));
    let shape = Shape {
        levels: 2,
        transfers: 2,
        fee_slots: 1,
    };
    let policy = Policy {
        shapes: vec![shape],
        fee_leaf: Some(2),
        max_unproved_batches: 64.try_into().unwrap(),
    };
    let executor = Executor::new(Arc::clone(&store), policy);
    let accepted = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let accepted = executor.accept(vec![signed(0)], Vec::new()).unwrap();
                    executor.execute(accepted).is_ok()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .filter(|ok| *ok)
            .count()
    });
    // The same signature eight times: one is executed, the others are replays.
    assert_eq!(accepted, 1);
    assert_eq!(store.snapshot().unwrap().head().batch_number, 1);
}
