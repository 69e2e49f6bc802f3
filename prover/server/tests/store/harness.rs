//! A small store with six accounts of one token, and a sequencer that is just enough to fill it.

use std::fs;
use std::path::Path;

use quittance::batch::{Batch, Event, SectionCounts, Stage};
use quittance::config::{Config, RawConfig};
use quittance::encoding::fr_from_bytes_be;
use quittance::operation::{IdempotencyKey, Keyed, Operation, QueuePoint, Rejection, Request, Whole};
use quittance::store::{
    BlockFile, EnterError, Entered, NewOperation, NewPriority, Store, StoreError, Submission,
};
use quittance_circuits::batch::{AppliedBatch, BatchContext, Operations, apply_batch};
use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::state::{Overlay, StateChanges};
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::{
    Deposit, ForcedExit, Opening, Priority, Rotation, SignedOpening, SignedOperation, SignedRotation,
    SignedTransfer, SignedWithdrawal, Transfer, Withdrawal,
};
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
pub(crate) const SHAPE: Shape = Shape {
    levels: LEVELS,
    priority: 8,
    openings: 8,
    transfers: 8,
    withdrawals: 8,
    rotations: 8,
    fee_slots: 1,
};

/// Who owns every leaf, at genesis and after.
pub(crate) const OWNER: RootAddress = RootAddress([7; 20]);

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
            let leaf = Leaf::new(key, BALANCE, 0, 1, OWNER).unwrap();
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
pub(crate) fn transfer(from: u32, to: u32, nonce: u32) -> SignedOperation {
    let transfer = Transfer {
        from: AccountIndex(from),
        to: AccountIndex(to),
        amount: FloatAmount::encode_exact(AMOUNT).unwrap(),
        fee: FloatFee::encode_exact(1).unwrap(),
        nonce: Nonce(nonce),
        valid_until: BatchNumber::MAX,
    };
    SignedOperation::Transfer(SignedTransfer {
        signature: key(from.max(1)).sign(&transfer.message(&rollup_id())),
        transfer,
    })
}

/// Opens leaf `to`, whose key is `key(to)`, with 10 and a fee of 1.
pub(crate) fn opening(from: u32, to: u32, nonce: u32) -> SignedOperation {
    let opening = Opening {
        from: AccountIndex(from),
        to: AccountIndex(to),
        amount: FloatAmount::encode_exact(AMOUNT).unwrap(),
        fee: FloatFee::encode_exact(1).unwrap(),
        nonce: Nonce(nonce),
        valid_until: BatchNumber::MAX,
        key: *key(to).public_key().point(),
        owner: OWNER,
    };
    SignedOperation::Opening(SignedOpening {
        signature: key(from.max(1)).sign(&opening.message(&rollup_id())),
        opening,
    })
}

/// A withdrawal of 10 with a fee of 1, signed by this key.
pub(crate) fn withdrawal(from: u32, nonce: u32, signer: &SecretKey) -> SignedOperation {
    let withdrawal = Withdrawal {
        from: AccountIndex(from),
        amount: AMOUNT,
        fee: FloatFee::encode_exact(1).unwrap(),
        nonce: Nonce(nonce),
        valid_until: BatchNumber::MAX,
        address: RootAddress([3; 20]),
    };
    SignedOperation::Withdrawal(SignedWithdrawal {
        signature: signer.sign(&withdrawal.message(&rollup_id())),
        withdrawal,
    })
}

/// A rotation to another key with a fee of 1, signed by the account's own.
pub(crate) fn rotation(from: u32, nonce: u32, next: &SecretKey) -> SignedOperation {
    let rotation = Rotation {
        from: AccountIndex(from),
        fee: FloatFee::encode_exact(1).unwrap(),
        nonce: Nonce(nonce),
        valid_until: BatchNumber::MAX,
        key: *next.public_key().point(),
        owner: OWNER,
    };
    SignedOperation::Rotation(SignedRotation {
        signature: key(from.max(1)).sign(&rotation.message(&rollup_id())),
        rotation,
    })
}

/// A deposit of 10, which opens a leaf with the key `key(leaf)`.
pub(crate) fn deposit(leaf: u32) -> Priority {
    Priority::Deposit(Deposit {
        leaf: AccountIndex(leaf),
        token: TokenId(1),
        amount: AMOUNT,
        owner: OWNER,
        key: *key(leaf).public_key().point(),
    })
}

pub(crate) fn forced_exit(leaf: u32, caller: RootAddress) -> Priority {
    Priority::ForcedExit(ForcedExit {
        leaf: AccountIndex(leaf),
        caller,
    })
}

/// Enters priority operations, the first of them in this place.
pub(crate) fn enter(
    store: &Store,
    first: u64,
    operations: &[Priority],
) -> (Vec<Entered>, Option<EnterError>) {
    let items: Vec<_> = (first..)
        .zip(operations)
        .map(|(index, priority)| NewPriority {
            index,
            priority: *priority,
        })
        .collect();
    store.enter(&items, 7).unwrap()
}

pub(crate) fn rollup_id() -> ark_bn254::Fr {
    fr_from_bytes_be(&quittance_verifier::rollup_id(0, [0; 20])).unwrap()
}

pub(crate) fn new_operation(signed: SignedOperation, keyed: Option<Keyed>) -> NewOperation {
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

/// Accepts operations without keys and gives their ids.
pub(crate) fn accept(store: &Store, operations: &[SignedOperation]) -> Vec<u64> {
    let items = operations
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

/// Executes operations on the store's last state; the batch takes the operations before `end` off the queue.
pub(crate) fn make(store: &Store, operations: &[SignedOperation], fee: FeeSlot, end: u64) -> Made {
    let requests: Vec<_> = operations.iter().copied().map(Request::Signed).collect();
    make_of(store, &requests, fee, end)
}

/// The same for operations of all kinds.
pub(crate) fn make_of(store: &Store, requests: &[Request], fee: FeeSlot, end: u64) -> Made {
    let state = store.snapshot().unwrap();
    let head = state.head();
    let number = head.batch_number + 1;
    let mut overlay = Overlay::new(&state).unwrap();
    let context = BatchContext {
        rollup_id: rollup_id(),
        batch_number: BatchNumber(number),
        queue: head.executed.hash,
    };
    let mut operations = Operations {
        fees: vec![fee],
        ..Operations::default()
    };
    let mut counts = SectionCounts::default();
    for request in requests {
        operations.push(request.operation());
        counts.push(request.section());
    }
    let applied = apply_batch(&mut overlay, &context, &operations).unwrap();
    let queue_after = QueuePoint {
        next: head.executed.next + u64::from(counts.priority),
        hash: applied.facts().queue_after(),
    };
    let batch = Batch {
        number,
        stage: Stage::Executed,
        shape: SHAPE,
        counts,
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
        queue_before: head.executed,
        queue_after,
    };
    let changes = overlay.into_changes();
    Made {
        batch,
        applied,
        changes,
    }
}

/// A submission that is to be stored as a whole.
#[derive(Clone, Debug)]
pub(crate) struct MadeWhole {
    pub(crate) operations: Vec<SignedOperation>,
    pub(crate) whole: Whole,
}

pub(crate) fn make_whole(store: &Store, operations: &[SignedOperation]) -> (Made, MadeWhole) {
    let first = store.snapshot().unwrap().head().last_operation + 1;
    let count = u32::try_from(operations.len()).unwrap();
    let mut made = make(store, operations, OTHER_FEE, first + u64::from(count));
    made.batch.first_operation = first;
    let whole = Whole {
        operations: count,
        fee_slots: vec![OTHER_FEE],
    };
    let operations = operations.to_vec();
    (made, MadeWhole { operations, whole })
}

pub(crate) fn commit_whole(store: &Store, made: &Made, whole: &MadeWhole) -> Result<(), StoreError> {
    commit_keyed(store, made, whole, None)
}

pub(crate) fn commit_keyed(
    store: &Store,
    made: &Made,
    MadeWhole { operations, whole }: &MadeWhole,
    keyed: Option<&Keyed>,
) -> Result<(), StoreError> {
    let submission = Submission {
        operations,
        whole,
        keyed,
        accepted_at_ms: 7,
    };
    store.commit_whole(&made.batch, &made.applied, &made.changes, &submission)
}

/// Executes and stores operations as one submitted batch.
pub(crate) fn submit(store: &Store, operations: &[SignedOperation]) -> u32 {
    let (made, whole) = make_whole(store, operations);
    commit_whole(store, &made, &whole).unwrap();
    made.batch.number
}

/// The queue's operations before `end` but for these.
fn front(store: &Store, end: u64, rejected: &[u64]) -> Vec<Request> {
    let state = store.snapshot().unwrap();
    let queued = state.queued(0, usize::MAX).unwrap().into_iter();
    queued
        .filter(|operation| operation.id < end && !rejected.contains(&operation.id))
        .map(|operation| operation.request)
        .collect()
}

/// The batch of the queue's operations before `end` but for these.
pub(crate) fn cut(store: &Store, end: u64, rejected: &[u64]) -> Made {
    make_of(store, &front(store, end, rejected), FEE, end)
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
    let made = make_of(store, &front(store, end, &[]), OTHER_FEE, end);
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

/// The database of the closed store.
pub(crate) fn database(directory: &TempDir) -> redb::Database {
    let path = directory.path().join("store/quittance.redb");
    let file = BlockFile::open(&path).unwrap();
    redb::Database::builder().create_with_backend(file).unwrap()
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
