//! A store file with flipped bits and zeroed pages: whatever is damaged, nothing panics out of the store.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use quittance::batch::Event;
use quittance::operation::IdempotencyKey;
use quittance::store::{OperationQuery, Order, Store, StoreError};
use quittance_circuits::batch::{ApplyError, BatchContext, Operations, apply_batch};
use quittance_circuits::state::Overlay;
use quittance_circuits::tx::Operation;
use quittance_circuits::types::BatchNumber;

use crate::harness::{
    ACCOUNTS, FEE, accept, commit, config, create, execute, key, keyed, make, new_operation, prove,
    rollup_id, submit, transfer, with_file,
};

const PAGE: usize = 4096;
const BATCHES: u32 = 6;

/// The bytes of a store with executed batches, one proved batch, and operations that wait.
fn sound() -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let store = create(&directory);
    for nonce in 0..BATCHES - 1 {
        submit(&store, &[transfer(0, 1, nonce)]);
    }
    accept(&store, &[transfer(0, 1, BATCHES - 1), transfer(0, 1, 99)]);
    execute(&store, u64::from(BATCHES) + 2, &[u64::from(BATCHES) + 1]);
    prove(&store, 1);
    let items = ["a", "b"].map(|key| new_operation(transfer(1, 0, 0), Some(keyed(key, 1))));
    store.accept(items.to_vec()).unwrap();
    drop(store);
    fs::read(directory.path().join("store/quittance.redb")).unwrap()
}

/// Executes the next transfer of account 0 as a sequencer does; gives whether it was refused, by whatever.
fn fails_to_execute(store: &Store) -> bool {
    let Ok(state) = store.snapshot() else {
        return true;
    };
    let number = state.head().batch_number.saturating_add(1);
    let context = BatchContext {
        rollup_id: rollup_id(),
        batch_number: BatchNumber(number),
        queue: state.head().executed.hash,
    };
    let signed = transfer(1, 0, 0);
    let mut operations = Operations {
        fees: vec![FEE],
        ..Operations::default()
    };
    operations.push(Operation::Signed(signed));
    let Ok(mut overlay) = Overlay::new(&state) else {
        return true;
    };
    match apply_batch(&mut overlay, &context, &operations) {
        Ok(_) => {}
        Err(ApplyError::State(_)) => return true,
        // A leaf that is bound by the root is never another one.
        Err(other) => panic!("{other}"),
    }
    let end = state.head().next_operation.saturating_add(1);
    let refused = commit(store, &make(store, &[signed], FEE, end), &[]).is_err();
    if refused && let Ok(after) = store.snapshot() {
        assert_eq!(after.head(), state.head());
    }
    refused
}

/// Opens a store with these bytes and uses everything of it; gives how many calls were refused.
fn use_everything(bytes: &[u8]) -> usize {
    let directory = with_file(bytes);
    let config = config(directory.path());
    let mut refused = 0;
    let mut count = |failed: bool| refused += usize::from(failed);
    let store = match Store::open(&config.store_directory, &config.rollup) {
        Ok(store) => store,
        Err(error) => {
            // Never a word that asks the operator to wait.
            assert!(!error.is_transient(), "{error}");
            return 1;
        }
    };
    count(store.recover(3).is_err());
    if let Ok(state) = store.snapshot() {
        for index in 0..ACCOUNTS {
            count(state.account(index).is_err());
            count(state.path(index).is_err());
            count(state.accounts_of(&key(index).public_key(), 0, 9).is_err());
            let query = OperationQuery {
                account: (index > 0).then_some(index),
                stage: None,
                from: None,
                order: Order::NewestFirst,
                limit: 99,
                visits: 99,
            };
            count(state.operations(&query).is_err());
        }
        for number in 1..=BATCHES {
            match state.batch(number) {
                Ok(batch) => count(number > 1 && state.applied(&batch).is_err()),
                Err(_) => count(true),
            }
            count(state.proof(number).is_err());
            count(state.operation(u64::from(number)).is_err());
            count(state.whole_at(u64::from(number)).is_err());
        }
        count(state.batches(1, None, 99, 99).is_err());
        count(state.queued(0, 99).is_err());
        count(state.remembered(&IdempotencyKey::new(b"a").unwrap()).is_err());
        count(state.account_count().is_err());
        count(state.pending().is_err());
        count(state.pending_count().is_err());
    } else {
        count(true);
    }
    count(
        store
            .accept(vec![new_operation(transfer(0, 2, 6), Some(keyed("b", 1)))])
            .is_err(),
    );
    count(
        store
            .accept(vec![new_operation(transfer(0, 2, 6), Some(keyed("c", 1)))])
            .is_err(),
    );
    count(fails_to_execute(&store));
    count(store.advance(2, Event::Begin).is_err());
    count(store.rollback(2).is_err());
    drop(store);
    // The file is closed, in order or not; opening it once more is no panic either.
    count(Store::open(&config.store_directory, &config.rollup).is_err());
    refused
}

/// Numbers that are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }
}

#[test]
fn no_damage_of_the_file_panics_out_of_the_store() {
    let sound = sound();
    assert_eq!(use_everything(&sound), 0);
    let used: Vec<usize> = (0..sound.len() / PAGE)
        .filter(|page| sound[page * PAGE..][..PAGE].iter().any(|byte| *byte != 0))
        .collect();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut damages = Vec::new();
    for page in &used {
        // Zeroed, filled, with another page's bytes, and three times with one flipped bit near its beginning.
        let mut zeroed = sound.clone();
        zeroed[page * PAGE..][..PAGE].fill(0);
        let mut filled = sound.clone();
        filled[page * PAGE..][..PAGE].fill(0xff);
        let mut other = sound.clone();
        let from = used[numbers.below(used.len())];
        other[page * PAGE..][..PAGE].copy_from_slice(&sound[from * PAGE..][..PAGE]);
        damages.extend([
            ("zeroed", *page, zeroed),
            ("filled", *page, filled),
            ("other", *page, other),
        ]);
        for _ in 0..3 {
            let mut flipped = sound.clone();
            flipped[page * PAGE + numbers.below(320)] ^= 1 << numbers.below(8);
            damages.push(("flipped", *page, flipped));
        }
    }
    let mut refusals = 0;
    for (damage, page, bytes) in &damages {
        let Ok(refused) = catch_unwind(AssertUnwindSafe(|| use_everything(bytes))) else {
            panic!("page {page}, {damage}: a panic left the store");
        };
        refusals += usize::from(refused > 0);
    }
    // Not all bytes are in use, but most damage has to be seen.
    println!("{refusals} of {}", damages.len());
    assert!(refusals * 4 > damages.len(), "{refusals} of {}", damages.len());
}

#[test]
fn a_file_without_its_header_or_its_end_is_no_store() {
    let sound = sound();
    for length in [0, 1, 100, PAGE, sound.len() / 2] {
        assert!(use_everything(&sound[..length]) > 0, "{length}");
    }
    let mut headless = sound;
    headless[..PAGE].fill(0);
    let directory = with_file(&headless);
    let config = config(directory.path());
    let refused = Store::open(&config.store_directory, &config.rollup).unwrap_err();
    assert!(
        refused.is_corruption() || matches!(refused, StoreError::Database(_)),
        "{refused:?}"
    );
}
