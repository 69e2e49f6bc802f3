//! Rows that are changed behind the store's back: a typed error that names table and key, never another value.

use quittance::store::{NewPriority, RecordError, Store, StoreError};
use quittance_circuits::state::{StateError, StateReader};
use quittance_circuits::types::AccountIndex;
use redb::{ReadableTable, TableDefinition, WriteTransaction};
use tempfile::TempDir;

use crate::harness::{
    ACCOUNTS, accept, create, damage, deposit, enter, execute, key, keyed, new_operation, open, prove,
    submit, transfer,
};

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const LEAVES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("leaves");
const NODES: TableDefinition<'_, u64, &[u8; 32]> = TableDefinition::new("nodes");
const BATCHES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("batches");
const INPUTS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("inputs");
const PROOFS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("proofs");
const UNDO: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("undo");
const PENDING: TableDefinition<'_, u32, ()> = TableDefinition::new("pending");
const OPERATIONS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("operations");
const ACCOUNT_OPERATIONS: TableDefinition<'_, (u32, u64), ()> = TableDefinition::new("account_operations");
const PRIORITY: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("priority");
const WHOLES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("wholes");
const KEYS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("keys");
const KEY_ORDER: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("key_order");

/// Three batches, the first one proved and the second one submitted as a whole; operations 1 to 6 are executed, 7 waits
/// and has a key.
fn filled() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    accept(&store, &[transfer(0, 1, 0), transfer(1, 2, 0)]);
    execute(&store, 3, &[]);
    prove(&store, 1);
    submit(&store, &[transfer(2, 0, 0), transfer(0, 2, 1)]);
    accept(&store, &[transfer(0, 3, 2), transfer(3, 0, 0)]);
    execute(&store, 7, &[]);
    let item = new_operation(transfer(0, 1, 3), Some(keyed("key", 1)));
    store.accept(vec![item]).unwrap()[0].as_ref().unwrap();
    directory
}

/// The same with two priority operations in place of the last batch: the first is executed, the second waits.
fn with_queue() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    assert_eq!(enter(&store, 0, &[deposit(9), deposit(9)]).1, None);
    execute(&store, 2, &[]);
    directory
}

type Change<'a> = &'a dyn Fn(&WriteTransaction);

fn change<'k, K: redb::Key + 'static>(
    table: TableDefinition<'static, K, &'static [u8]>,
    key: K::SelfType<'k>,
    change: impl Fn(&mut Vec<u8>),
) -> impl Fn(&WriteTransaction) {
    move |txn| {
        let mut table = txn.open_table(table).unwrap();
        let mut bytes = table.get(&key).unwrap().unwrap().value().to_vec();
        change(&mut bytes);
        table.insert(&key, bytes.as_slice()).unwrap();
    }
}

/// Damages a filled store in one way and gives what opening it, or then using it, says.
fn refusal<T>(damage_it: Change<'_>, use_it: impl FnOnce(&Store) -> Result<T, StoreError>) -> StoreError {
    let directory = filled();
    damage(&directory, damage_it);
    match open(&directory).and_then(|store| use_it(&store).map(|_| ())) {
        Err(error) => error,
        Ok(()) => panic!("the damage was not seen"),
    }
}

/// Each byte of the record in turn with one flipped bit, the record cut short, the record prolonged, and no record.
fn every_damage<K: redb::Key + 'static>(
    table: TableDefinition<'static, K, &'static [u8]>,
    key: impl Fn() -> K::SelfType<'static>,
    name: &str,
    use_it: impl Fn(&Store) -> Result<(), StoreError>,
) {
    let check = |change: Change<'_>, what: &str| {
        let error = refusal(change, &use_it);
        assert!(error.is_corruption(), "{name}, {what}: {error}");
        match &error {
            StoreError::Corrupt { table, key, source } => {
                assert_eq!(format!("{table} {key}"), name, "{what}");
                let short = RecordError::Short { field: "seal" };
                assert!(
                    [RecordError::Seal, short].contains(source),
                    "{name}, {what}: {source}"
                );
            }
            StoreError::Lost { table, key } => assert_eq!(format!("{table} {key}"), name, "{what}"),
            other => panic!("{name}, {what}: {other:?}"),
        }
    };
    for place in 0..6 {
        let flip = |bytes: &mut Vec<u8>| {
            let at = (bytes.len() - 1) * place / 5;
            bytes[at] ^= 1 << place;
        };
        check(&change(table, key(), flip), "flipped");
    }
    check(
        &change(table, key(), |bytes| bytes.truncate(bytes.len() - 1)),
        "cut",
    );
    check(
        &change(table, key(), |bytes| bytes.truncate(5)),
        "cut to five bytes",
    );
    check(&change(table, key(), |bytes| bytes.push(0)), "prolonged");
}

#[test]
fn sealed_records_are_never_misread() {
    let snapshot = |store: &Store| store.snapshot();
    every_damage(META, || "identity", "meta identity", |_| Ok(()));
    every_damage(META, || "head", "meta head", |_| Ok(()));
    every_damage(
        BATCHES,
        || 1,
        "batches 1",
        |store| snapshot(store)?.batch(1).map(drop),
    );
    every_damage(
        INPUTS,
        || 2,
        "inputs 2",
        |store| {
            let state = snapshot(store)?;
            state.applied(&state.batch(2)?).map(drop)
        },
    );
    every_damage(
        PROOFS,
        || 1,
        "proofs 1",
        |store| snapshot(store)?.proof(1).map(drop),
    );
    every_damage(UNDO, || 2, "undo 2", |store| store.rollback(1).map(drop));
    every_damage(
        OPERATIONS,
        || 1,
        "operations 1",
        |store| snapshot(store)?.operation(1).map(drop),
    );
    every_damage(
        WHOLES,
        || 3,
        "wholes 3",
        |store| snapshot(store)?.whole_at(3).map(drop),
    );
    every_damage(
        KEYS,
        || &b"key"[..],
        "keys 0x6b6579",
        |store| snapshot(store)?.remembered(&keyed("key", 1).key).map(drop),
    );
}

#[test]
fn the_root_chains_queue_is_never_misread() {
    let refused = |change: Change<'_>| {
        let directory = with_queue();
        damage(&directory, change);
        let again = |store: &Store| {
            let items = [0, 1].map(|index| NewPriority {
                index,
                priority: deposit(9),
            });
            store.enter(&items, 7).map(drop)
        };
        match open(&directory).and_then(|store| again(&store)).unwrap_err() {
            StoreError::Corrupt { table, key, .. } | StoreError::Lost { table, key } => {
                format!("{table} {key}")
            }
            other => panic!("{other:?}"),
        }
    };
    for index in [0, 1] {
        let place = format!("priority {index}");
        for at in [0, 7, 8, 15] {
            assert_eq!(refused(&change(PRIORITY, index, |bytes| bytes[at] ^= 1)), place);
        }
        assert_eq!(
            refused(&change(PRIORITY, index, |bytes| bytes.truncate(8))),
            place
        );
        let gone = |txn: &WriteTransaction| drop(txn.open_table(PRIORITY).unwrap().remove(index).unwrap());
        assert_eq!(refused(&gone), place);
    }
    let more = |txn: &WriteTransaction| {
        let mut places = txn.open_table(PRIORITY).unwrap();
        let bytes = places.get(1).unwrap().unwrap().value().to_vec();
        places.insert(2, bytes.as_slice()).unwrap();
    };
    assert_eq!(refused(&more), "priority all 3");
}

#[test]
fn a_damaged_order_of_keys_is_seen_when_the_oldest_is_forgotten() {
    let directory = filled();
    damage(&directory, change(KEY_ORDER, 1, |bytes| bytes[0] ^= 1));
    let store = open(&directory).unwrap().with_idempotency_keys(1);
    let item = new_operation(transfer(0, 1, 4), Some(keyed("other", 1)));
    let refused = store.accept(vec![item]);
    assert!(matches!(refused, Err(StoreError::Corrupt { table: "key_order", key, .. }) if key == "1"));
    assert_eq!(store.snapshot().unwrap().head().last_operation, 7);
}

#[test]
fn a_record_under_another_key_is_refused() {
    let swap = |txn: &WriteTransaction| {
        let mut operations = txn.open_table(OPERATIONS).unwrap();
        let [first, second] = [1, 2].map(|id| operations.get(id).unwrap().unwrap().value().to_vec());
        operations.insert(1, second.as_slice()).unwrap();
        operations.insert(2, first.as_slice()).unwrap();
    };
    for id in [1, 2] {
        let error = refusal(&swap, |store| store.snapshot()?.operation(id));
        assert!(matches!(
            error,
            StoreError::Corrupt { table: "operations", key, source: RecordError::Seal } if key == id.to_string()
        ));
    }
}

#[test]
fn what_does_not_fit_together_is_seen_when_the_store_is_opened() {
    let none = |_: &Store| Ok(());
    let corrupt = |change: Change<'_>, expected: &str| {
        let error = refusal(change, none);
        assert!(error.is_corruption(), "{expected}: {error}");
        match error {
            StoreError::Corrupt { table, key, .. } | StoreError::Lost { table, key } => {
                assert_eq!(format!("{table} {key}"), expected);
            }
            other => panic!("{expected}: {other:?}"),
        }
    };
    for name in ["format", "identity", "head"] {
        corrupt(
            &|txn| drop(txn.open_table(META).unwrap().remove(name).unwrap()),
            &format!("meta {name}"),
        );
    }
    // The root of the tree is level 2, index 0.
    corrupt(
        &|txn| drop(txn.open_table(NODES).unwrap().insert(2 << 56, &[1; 32]).unwrap()),
        "nodes level 2, index 0",
    );
    corrupt(
        &|txn| drop(txn.open_table(NODES).unwrap().remove(2 << 56).unwrap()),
        "nodes level 2, index 0",
    );
    corrupt(
        &|txn| drop(txn.open_table(BATCHES).unwrap().remove(3).unwrap()),
        "batches 3",
    );
    corrupt(
        &|txn| {
            let mut batches = txn.open_table(BATCHES).unwrap();
            let bytes = batches.get(3).unwrap().unwrap().value().to_vec();
            batches.insert(4, bytes.as_slice()).unwrap();
        },
        "batches 4",
    );
    corrupt(
        &|txn| drop(txn.open_table(UNDO).unwrap().remove(3).unwrap()),
        "undo 3",
    );
    corrupt(
        &|txn| drop(txn.open_table(INPUTS).unwrap().remove(2).unwrap()),
        "inputs 2",
    );
    corrupt(
        &|txn| drop(txn.open_table(PENDING).unwrap().remove(3).unwrap()),
        "pending 3",
    );
    corrupt(
        &|txn| drop(txn.open_table(PENDING).unwrap().insert(1, ()).unwrap()),
        "batches 1",
    );
    corrupt(
        &|txn| drop(txn.open_table(PENDING).unwrap().insert(9, ()).unwrap()),
        "batches 9",
    );
    corrupt(
        &|txn| drop(txn.open_table(OPERATIONS).unwrap().remove(7).unwrap()),
        "operations 7",
    );
    corrupt(
        &|txn| {
            drop(
                txn.open_table(OPERATIONS)
                    .unwrap()
                    .insert(8, [0; 9].as_slice())
                    .unwrap(),
            )
        },
        "operations 8",
    );
    // Rows that are missing in the middle.
    corrupt(
        &|txn| drop(txn.open_table(BATCHES).unwrap().remove(1).unwrap()),
        "batches all 2",
    );
    corrupt(
        &|txn| drop(txn.open_table(UNDO).unwrap().remove(2).unwrap()),
        "undo all 2",
    );
    corrupt(
        &|txn| drop(txn.open_table(OPERATIONS).unwrap().remove(2).unwrap()),
        "operations all 6",
    );
    corrupt(
        &|txn| drop(txn.open_table(KEYS).unwrap().remove(&b"key"[..]).unwrap()),
        "keys all 0",
    );
}

#[test]
fn leaves_and_nodes_are_bound_by_the_state_root() {
    let proved = |store: &Store, index: u32| {
        let state = store.snapshot()?;
        let leaf = state.account(index)?;
        Ok((leaf, state.path(index)?))
    };
    let leaf_of = |error: StoreError, expected: &str| match error {
        StoreError::Corrupt { table, key, .. } => assert_eq!(format!("{table} {key}"), expected),
        other => panic!("{expected}: {other:?}"),
    };
    let poorer = change(LEAVES, 0, |bytes| bytes[64] ^= 1);
    leaf_of(refusal(&poorer, |store| proved(store, 0)), "leaves 0");
    let no_leaf = change(LEAVES, 0, |bytes| bytes.fill(0xff));
    leaf_of(refusal(&no_leaf, |store| proved(store, 0)), "leaves 0");
    let gone: Change<'_> = &|txn| drop(txn.open_table(LEAVES).unwrap().remove(0).unwrap());
    leaf_of(refusal(gone, |store| proved(store, 0)), "leaves all 5");
    let moved: Change<'_> = &|txn| {
        let mut leaves = txn.open_table(LEAVES).unwrap();
        let bytes = leaves.remove(0).unwrap().unwrap().value().to_vec();
        leaves.insert(15, bytes.as_slice()).unwrap();
    };
    for index in [0, 15] {
        leaf_of(
            refusal(moved, |store| proved(store, index)),
            &format!("leaves {index}"),
        );
    }
    // A sibling that is no field element, and one that is another.
    let node = |bytes: [u8; 32]| {
        move |txn: &WriteTransaction| drop(txn.open_table(NODES).unwrap().insert(1, &bytes).unwrap())
    };
    let error = refusal(&node([0xff; 32]), |store| proved(store, 0));
    leaf_of(error, "nodes level 0, index 1");
    let error = refusal(&node([1; 32]), |store| proved(store, 0));
    leaf_of(error, "nodes path of leaf 0");
    // Execution reads the same way, and says the same through the state's own error.
    let error = refusal(&poorer, |store| match store.snapshot()?.leaf(AccountIndex(0)) {
        Err(StateError::Store(error)) => Err::<(), _>(*error.downcast::<StoreError>().unwrap()),
        other => panic!("{other:?}"),
    });
    leaf_of(error, "leaves 0");
    let error = refusal(&node([1; 32]), |store| {
        match store.snapshot()?.leaf(AccountIndex(0)) {
            Err(StateError::Store(error)) => Err::<(), _>(*error.downcast::<StoreError>().unwrap()),
            other => panic!("{other:?}"),
        }
    });
    leaf_of(error, "nodes path of leaf 0");
}

#[test]
fn an_operation_in_the_wrong_list_is_refused() {
    let wrong = |txn: &WriteTransaction| {
        txn.open_table(ACCOUNT_OPERATIONS)
            .unwrap()
            .insert((4, 1), ())
            .unwrap();
    };
    let query = quittance::store::OperationQuery {
        account: Some(4),
        stage: None,
        from: None,
        order: quittance::store::Order::OldestFirst,
        limit: 9,
        visits: 9,
    };
    let error = refusal(&wrong, |store| store.snapshot()?.operations(&query));
    assert!(matches!(error, StoreError::Corrupt { table: "operations", key, .. } if key == "1"));
}

#[test]
fn an_account_in_the_wrong_list_is_refused() {
    const KEY_ACCOUNTS: TableDefinition<'_, (&[u8; 64], u32), ()> = TableDefinition::new("key_accounts");
    let listed = key(4).public_key();
    for (index, expected) in [(2, "leaves 2"), (ACCOUNTS, "leaves 6")] {
        let wrong = |txn: &WriteTransaction| {
            let mut table = txn.open_table(KEY_ACCOUNTS).unwrap();
            table.remove((&listed.to_bytes_le(), 4)).unwrap();
            table.insert((&listed.to_bytes_le(), index), ()).unwrap();
        };
        let error = refusal(&wrong, |store| store.snapshot()?.accounts_of(&listed, 0, 9));
        match error {
            StoreError::Corrupt { table, key, .. } | StoreError::Lost { table, key } => {
                assert_eq!(format!("{table} {key}"), expected);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn other_formats_are_refused() {
    for format in [0u32, 1, 2, 4, u32::MAX] {
        let directory = filled();
        damage(&directory, |txn| {
            let mut meta = txn.open_table(META).unwrap();
            meta.insert("format", format.to_le_bytes().as_slice()).unwrap();
        });
        assert!(matches!(
            open(&directory),
            Err(StoreError::Format { found, expected: 3 }) if found == format
        ));
    }
    let directory = filled();
    damage(&directory, |txn| {
        let mut meta = txn.open_table(META).unwrap();
        meta.insert("format", [2; 3].as_slice()).unwrap();
    });
    let refused = open(&directory);
    assert!(matches!(refused, Err(StoreError::Corrupt { table: "meta", key, .. }) if key == "format"));
}
