//! A small store with six accounts of one token, and a sequencer that is just enough to fill it.

use std::fs;
use std::path::Path;

use quittance::batch::{Batch, Event, Stage};
use quittance::config::{Config, RawConfig};
use quittance::encoding::fr_from_bytes_be;
use quittance::operation::{IdempotencyKey, Keyed, Operation, Rejection, Whole};
use quittance::store::{BlockFile, NewOperation, Store, StoreError};
use quittance_circuits::batch::{AppliedBatch, BatchContext, apply_batch};
use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::state::{Overlay, StateChanges};
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::transfer::{SignedTransfer, Transfer};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress, TokenId};
use quittance_verifier::Shape;
use tempfile::TempDir;

pub(crate) const LEVELS: u8 = 2;
pub(crate) const ACCOUNTS: u32 = 6;
pub(crate) const BALANCE: u128 = 1_000;
pub(crate) const AMOUNT: u128 = 10;
/// Where fees of batches of the queue go; never a sender or a recipient.
pub(crate) const FEE: FeeSlot = fee_slot(5);
/// Where fees of submitted batches go.
pub(crate) const OTHER_FEE: FeeSlot = fee_slot(4);
pub(crate) const SHAPE: Shape = Shape::transfers_only(LEVELS, 8, 1);

const fn fee_slot(leaf: u32) -> FeeSlot {
    FeeSlot {
        leaf: AccountIndex(leaf),
        token: TokenId(1),
    }
}

pub(crate) fn key(index: u32) -> SecretKey {
    SecretKey::from_bytes(&[u8::try_from(index).unwrap() + 1; 32])
}

pub(crate) fn config(directory: &Path) -> Config {
    let mut raw = RawConfig::default();
    raw.rollup.levels = LEVELS;
    raw.store.directory = directory.join("store");
    raw.keys.allow_development_keys = true;
    Config::check(raw).unwrap()
}

/// The accounts at genesis; 0 and 1 share a key.
pub(crate) fn accounts() -> Vec<(AccountIndex, Leaf)> {
    (0..ACCOUNTS)
        .map(|index| {
            let key = key(index.max(1)).public_key();
            let leaf = Leaf::new(key, BALANCE, 0, 1, RootAddress([7; 20])).unwrap();
            (AccountIndex(index), leaf)
        })
        .collect()
}

pub(crate) fn create(directory: &TempDir) -> Store {
    let config = config(directory.path());
    let rollup_id = config.rollup.rollup_id;
    Store::create(&config.store_directory, rollup_id, LEVELS, accounts()).unwrap()
}

pub(crate) fn open(directory: &TempDir) -> Result<Store, StoreError> {
    let config = config(directory.path());
    Store::open(&config.store_directory, &config.rollup)
}

/// A transfer of 10 with a fee of 1, signed.
pub(crate) fn transfer(from: u32, to: u32, nonce: u32) -> SignedTransfer {
    let transfer = Transfer {
        from: AccountIndex(from),
        to: AccountIndex(to),
        amount: FloatAmount::encode_exact(AMOUNT).unwrap(),
        fee: FloatFee::encode_exact(1).unwrap(),
        nonce: Nonce(nonce),
        valid_until: BatchNumber::MAX,
    };
    SignedTransfer {
        signature: key(from.max(1)).sign(&transfer.message(&rollup_id())),
        transfer,
    }
}

pub(crate) fn rollup_id() -> ark_bn254::Fr {
    fr_from_bytes_be(&quittance_verifier::rollup_id(0, [0; 20])).unwrap()
}

pub(crate) fn new_operation(signed: SignedTransfer, keyed: Option<Keyed>) -> NewOperation {
    NewOperation {
        signed,
        accepted_at_ms: 7,
        keyed,
    }
}

pub(crate) fn keyed(key: &str, digest: u8) -> Keyed {
    Keyed {
        key: IdempotencyKey::new(key.as_bytes()).unwrap(),
        digest: [digest; 32],
    }
}

/// Accepts transfers without keys and gives their ids.
pub(crate) fn accept(store: &Store, transfers: &[SignedTransfer]) -> Vec<u64> {
    let items = transfers
        .iter()
        .map(|signed| new_operation(*signed, None))
        .collect();
    let answers = store.accept(items).unwrap();
    answers
        .into_iter()
        .map(|answer| answer.unwrap().operation.id)
        .collect()
}

pub(crate) fn rejection(rule: &str) -> Rejection {
    Rejection {
        rule: rule.to_owned(),
        message: format!("{rule}: by a test"),
        at_ms: 8,
    }
}

/// A batch that could be stored next.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) batch: Batch,
    pub(crate) applied: AppliedBatch,
    pub(crate) changes: StateChanges,
}

/// Executes transfers on the store's last state; the batch takes the operations before `end` off the queue.
pub(crate) fn make(store: &Store, transfers: &[SignedTransfer], fee: FeeSlot, end: u64) -> Made {
    let state = store.snapshot().unwrap();
    let head = state.head();
    let number = head.batch_number + 1;
    let mut overlay = Overlay::new(&state).unwrap();
    let context = BatchContext {
        rollup_id: rollup_id(),
        batch_number: BatchNumber(number),
    };
    let applied = apply_batch(&mut overlay, &context, transfers, &[fee]).unwrap();
    let batch = Batch {
        number,
        stage: Stage::Executed,
        shape: SHAPE,
        transfers: u32::try_from(transfers.len()).unwrap(),
        old_root: applied.old_root,
        new_root: applied.new_root,
        fees: Vec::new(),
        attempts: 0,
        executed_at_ms: 9,
        proved_at_ms: None,
        failure: String::new(),
        phases: Vec::new(),
        first_operation: head.next_operation,
        end_operation: end,
    };
    let changes = overlay.into_changes();
    Made {
        batch,
        applied,
        changes,
    }
}

/// A submission that is to be stored as a whole.
pub(crate) fn make_whole(store: &Store, transfers: &[SignedTransfer]) -> (Made, Whole) {
    let first = store.snapshot().unwrap().head().last_operation + 1;
    let operations = u32::try_from(transfers.len()).unwrap();
    let mut made = make(store, transfers, OTHER_FEE, first + u64::from(operations));
    made.batch.first_operation = first;
    let whole = Whole {
        operations,
        fee_slots: vec![OTHER_FEE],
    };
    (made, whole)
}

pub(crate) fn commit_whole(store: &Store, made: &Made, whole: &Whole) -> Result<(), StoreError> {
    store.commit_whole(&made.batch, &made.applied, &made.changes, whole, None, 7)
}

/// Executes and stores transfers as one submitted batch.
pub(crate) fn submit(store: &Store, transfers: &[SignedTransfer]) -> u32 {
    let (made, whole) = make_whole(store, transfers);
    commit_whole(store, &made, &whole).unwrap();
    made.batch.number
}

/// The batch of the queue's operations before `end` but for these.
pub(crate) fn cut(store: &Store, end: u64, rejected: &[u64]) -> Made {
    let transfers: Vec<SignedTransfer> = store
        .snapshot()
        .unwrap()
        .queued(0, usize::MAX)
        .unwrap()
        .into_iter()
        .filter(|operation| operation.id < end && !rejected.contains(&operation.id))
        .map(|operation| operation.signed)
        .collect();
    make(store, &transfers, FEE, end)
}

pub(crate) fn commit(store: &Store, made: &Made, rejected: &[u64]) -> Result<(), StoreError> {
    let rejected: Vec<_> = rejected.iter().map(|id| (*id, rejection("test"))).collect();
    store.commit_queued(&made.batch, &made.applied, &made.changes, &rejected)
}

/// Takes the queue's operations before `end` into a batch, but for these, which are rejected.
pub(crate) fn execute(store: &Store, end: u64, rejected: &[u64]) -> u32 {
    let made = cut(store, end, rejected);
    commit(store, &made, rejected).unwrap();
    made.batch.number
}

/// Executes the submission at the front of the queue as a whole again.
pub(crate) fn execute_whole(store: &Store, end: u64) -> u32 {
    let queued = cut(store, end, &[]).applied.transfers;
    let transfers: Vec<_> = queued.iter().map(|applied| applied.signed).collect();
    let made = make(store, &transfers, OTHER_FEE, end);
    commit(store, &made, &[]).unwrap();
    made.batch.number
}

/// Stores a proof of a batch that waits for one.
pub(crate) fn prove(store: &Store, number: u32) {
    store.advance(number, Event::Begin).unwrap();
    let finish = Event::Finish {
        at_ms: 10,
        phases: Vec::new(),
    };
    let bundle = format!("bundle {number}");
    store.store_proof(number, finish, bundle.as_bytes()).unwrap();
}

/// All operations.
pub(crate) fn operations(store: &Store) -> Vec<Operation> {
    let state = store.snapshot().unwrap();
    (1..=state.head().last_operation)
        .map(|id| state.operation(id).unwrap())
        .collect()
}

/// The database of the closed store, in blocks or in a plain file.
pub(crate) fn database(directory: &TempDir) -> redb::Database {
    let path = directory.path().join("store/quittance.redb");
    match BlockFile::open(&path) {
        Ok(file) => redb::Database::builder().create_with_backend(file).unwrap(),
        Err(_) => redb::Database::open(path).unwrap(),
    }
}

/// Changes the closed store through the database itself.
pub(crate) fn damage(directory: &TempDir, change: impl FnOnce(&redb::WriteTransaction)) {
    let db = database(directory);
    let txn = db.begin_write().unwrap();
    change(&txn);
    txn.commit().unwrap();
}

/// A store with these bytes as its file.
pub(crate) fn with_file(bytes: &[u8]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("store")).unwrap();
    fs::write(directory.path().join("store/quittance.redb"), bytes).unwrap();
    directory
}
