//! A store file with flipped bits and zeroed pages: whatever is damaged, nothing panics out of the store.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use quittance::batch::Event;
use quittance::config::{Config, RawConfig};
use quittance::encoding::fr_from_bytes_be;
use quittance::execute::{Executor, Policy, SubmitError};
use quittance::store::{Store, StoreError};
use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::tx::transfer::{SignedTransfer, Transfer};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress};
use quittance_verifier::Shape;

const PAGE: usize = 4096;
const BATCHES: u32 = 6;
const ACCOUNTS: u32 = 40;
const LEVELS: u8 = 3;

fn config(directory: &Path) -> Config {
    let mut raw = RawConfig::default();
    raw.rollup.levels = LEVELS;
    raw.store.directory = directory.join("store");
    raw.keys.allow_development_keys = true;
    Config::check(raw).unwrap()
}

fn key(index: u32) -> SecretKey {
    SecretKey::from_bytes(&[u8::try_from(index).unwrap() + 1; 32])
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

fn execute(store: &Arc<Store>, nonce: u32) -> Result<u32, SubmitError> {
    let policy = Policy {
        shapes: vec![Shape {
            levels: LEVELS,
            transfers: 2,
            fee_slots: 1,
        }],
        fee_leaf: Some(2),
        max_unproved_batches: 64.try_into().unwrap(),
    };
    let executor = Executor::new(Arc::clone(store), policy);
    let accepted = executor.accept(vec![signed(nonce)], Vec::new())?;
    executor.execute(accepted).map(|batch| batch.number)
}

/// The bytes of a store with accounts, executed batches, and one proved batch.
fn sound() -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path());
    let leaf = |index| Leaf::new(key(index).public_key(), 1000, 0, 1, RootAddress([7; 20])).unwrap();
    let accounts = (0..ACCOUNTS)
        .map(|index| (AccountIndex(index), leaf(index)))
        .collect();
    let store = Store::create(&config.store_directory, config.rollup.rollup_id, LEVELS, accounts);
    let store = Arc::new(store.unwrap());
    for nonce in 0..BATCHES {
        execute(&store, nonce).unwrap();
    }
    store.advance(1, Event::Begin).unwrap();
    let finish = Event::Finish {
        at_ms: 1,
        phases: Vec::new(),
    };
    store.store_proof(1, finish, &[5; 9000]).unwrap();
    drop(store);
    fs::read(config.store_directory.join("quittance.redb")).unwrap()
}

/// Opens a store with these bytes and uses everything of it; gives how many calls were refused.
fn use_everything(bytes: &[u8]) -> usize {
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path());
    fs::create_dir_all(&config.store_directory).unwrap();
    fs::write(config.store_directory.join("quittance.redb"), bytes).unwrap();
    let mut refused = 0;
    let mut count = |failed: bool| refused += usize::from(failed);
    let store = match Store::open(&config.store_directory, &config.rollup) {
        Ok(store) => Arc::new(store),
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
        }
        for number in 1..=BATCHES {
            match state.batch(number) {
                Ok(batch) => count(number > 1 && state.applied(&batch).is_err()),
                Err(_) => count(true),
            }
            count(state.proof(number).is_err());
        }
        count(state.batches(1, None, 100, 100).is_err());
        count(state.account_count().is_err());
        count(state.pending().is_err());
        count(state.pending_count().is_err());
    } else {
        count(true);
    }
    let before = store.snapshot().map(|state| state.head());
    match (execute(&store, BATCHES), before) {
        (Ok(number), Ok(head)) => assert_eq!(number, head.batch_number + 1),
        (Err(_), Ok(head)) => {
            count(true);
            if let Ok(after) = store.snapshot() {
                assert_eq!(after.head(), head);
            }
        }
        _ => count(true),
    }
    count(store.advance(2, Event::Begin).is_err());
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
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path());
    fs::create_dir_all(&config.store_directory).unwrap();
    fs::write(config.store_directory.join("quittance.redb"), &headless).unwrap();
    let refused = Store::open(&config.store_directory, &config.rollup).unwrap_err();
    assert!(
        refused.is_corruption() || matches!(refused, StoreError::Database(_)),
        "{refused:?}"
    );
}
