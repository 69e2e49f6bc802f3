//! Walks through every transaction of the store, with what the store is after each; operations of every kind are among them.

use ark_bn254::Fr;
use quittance_circuits::batch::{AppliedBatch, BatchContext, Operations, apply_batch};
use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::state::{Overlay, StateChanges};
use quittance_circuits::tx::SignedOperation;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::opening::{Opening, SignedOpening};
use quittance_circuits::tx::priority::{Deposit, ForcedExit, Priority};
use quittance_circuits::tx::rotation::{Rotation, SignedRotation};
use quittance_circuits::tx::transfer::{SignedTransfer, Transfer};
use quittance_circuits::tx::withdrawal::{SignedWithdrawal, Withdrawal};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress, TokenId};
use quittance_verifier::Shape;

use super::Disk;
use super::dump::{Dump, dump};
use crate::batch::{Batch, Event, Retry, Stage};
use crate::encoding::fr_from_bytes_be;
use crate::operation::{IdempotencyKey, Keyed, OperationState, Rejection, Request, Whole};
use crate::store::applied::{counts, queue_after};
use crate::store::{NewOperation, NewPriority, Store, StoreError, Submission};

type Run = Box<dyn Fn(&Store) -> Result<(), StoreError> + Send + Sync>;

/// One call of the store that is one transaction.
pub(super) struct Step {
    pub(super) name: String,
    pub(super) run: Run,
    /// Whether it may be repeated when it is done, and changes nothing then.
    pub(super) repeatable: bool,
}

/// A store file, the steps that follow, and what it says in between.
pub(super) struct Scenario {
    pub(super) image: Vec<u8>,
    /// What the file says before it is opened, when it is open, and after each step.
    pub(super) dumps: Vec<Dump>,
    pub(super) steps: Vec<Step>,
    /// Operations of the disk for the whole scenario, opening and closing included.
    pub(super) operations: usize,
}

/// Where fees go.
const FEE_SLOT: FeeSlot = FeeSlot {
    leaf: AccountIndex(2),
    token: TokenId(1),
};

const SHAPE: Shape = Shape {
    levels: 2,
    priority: 2,
    openings: 1,
    transfers: 4,
    withdrawals: 1,
    rotations: 1,
    fee_slots: 1,
};

/// A leaf that a deposit opens.
const DEPOSITED: AccountIndex = AccountIndex(9);
/// A leaf that an opening opens.
const OPENED: u32 = 5;

fn rollup_id() -> [u8; 32] {
    quittance_verifier::rollup_id(0, [0; 20])
}

pub(super) fn key(index: u32) -> SecretKey {
    SecretKey::from_bytes(&[u8::try_from(index).unwrap() + 1; 32])
}

fn id() -> Fr {
    fr_from_bytes_be(&rollup_id()).unwrap()
}

fn amount() -> FloatAmount {
    FloatAmount::encode_exact(10).unwrap()
}

fn fee() -> FloatFee {
    FloatFee::encode_exact(1).unwrap()
}

pub(super) fn transfer(from: u32, to: u32, nonce: u32) -> SignedOperation {
    let transfer = Transfer {
        from: AccountIndex(from),
        to: AccountIndex(to),
        amount: amount(),
        fee: fee(),
        nonce: Nonce(nonce),
        valid_until: BatchNumber::MAX,
    };
    SignedOperation::Transfer(SignedTransfer {
        signature: key(from).sign(&transfer.message(&id())),
        transfer,
    })
}

fn opening(from: u32, nonce: u32) -> SignedOperation {
    let opening = Opening {
        from: AccountIndex(from),
        to: AccountIndex(OPENED),
        amount: amount(),
        fee: fee(),
        nonce: Nonce(nonce),
        valid_until: BatchNumber::MAX,
        key: *key(OPENED).public_key().point(),
        owner: RootAddress([5; 20]),
    };
    SignedOperation::Opening(SignedOpening {
        signature: key(from).sign(&opening.message(&id())),
        opening,
    })
}

fn withdrawal(from: u32, nonce: u32) -> SignedOperation {
    let withdrawal = Withdrawal {
        from: AccountIndex(from),
        amount: 7,
        fee: fee(),
        nonce: Nonce(nonce),
        valid_until: BatchNumber::MAX,
        address: RootAddress([6; 20]),
    };
    SignedOperation::Withdrawal(SignedWithdrawal {
        signature: key(from).sign(&withdrawal.message(&id())),
        withdrawal,
    })
}

fn rotation(from: u32, nonce: u32) -> SignedOperation {
    let rotation = Rotation {
        from: AccountIndex(from),
        fee: fee(),
        nonce: Nonce(nonce),
        valid_until: BatchNumber::MAX,
        key: *key(7).public_key().point(),
        owner: RootAddress([8; 20]),
    };
    SignedOperation::Rotation(SignedRotation {
        signature: key(from).sign(&rotation.message(&id())),
        rotation,
    })
}

fn deposit() -> Priority {
    Priority::Deposit(Deposit {
        leaf: DEPOSITED,
        token: TokenId(1),
        amount: 1 << 70,
        owner: RootAddress([9; 20]),
        key: *key(9).public_key().point(),
    })
}

fn forced_exit(caller: u8) -> Priority {
    Priority::ForcedExit(ForcedExit {
        leaf: DEPOSITED,
        caller: RootAddress([caller; 20]),
    })
}

/// The bytes of a new store with three accounts.
fn genesis() -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let leaf = |index| Leaf::new(key(index).public_key(), 1000, 0, 1, RootAddress([7; 20])).unwrap();
    let accounts = (0..3).map(|index| (AccountIndex(index), leaf(index))).collect();
    drop(Store::create(directory.path(), rollup_id(), SHAPE.levels, accounts).unwrap());
    std::fs::read(directory.path().join(crate::store::FILE)).unwrap()
}

/// The batch of these operations on the last state, which takes the operations up to before `end` off the queue.
/// Nothing if the store refuses to be read.
pub(super) fn batch(
    store: &Store,
    requests: &[Request],
    end: u64,
) -> Option<(Batch, AppliedBatch, StateChanges)> {
    let state = store.snapshot().ok()?;
    let head = state.head();
    let number = head.batch_number + 1;
    let mut overlay = Overlay::new(&state).ok()?;
    let context = BatchContext {
        rollup_id: id(),
        batch_number: BatchNumber(number),
        queue: head.executed.hash,
    };
    let mut operations = Operations {
        fees: vec![FEE_SLOT],
        ..Operations::default()
    };
    for request in requests {
        operations.push(request.operation());
    }
    let applied = apply_batch(&mut overlay, &context, &operations).ok()?;
    let batch = Batch {
        number,
        stage: Stage::Executed,
        shape: SHAPE,
        counts: counts(&applied),
        old_root: applied.old_root,
        new_root: applied.new_root,
        fees: Vec::new(),
        attempts: 0,
        executed_at_ms: 1_000 + u64::from(number),
        proved_at_ms: None,
        failure: String::new(),
        phases: Vec::new(),
        first_operation: head.next_operation,
        end_operation: end,
        queue_before: head.executed,
        queue_after: queue_after(&applied, head.executed),
    };
    Some((batch, applied, overlay.into_changes()))
}

fn keyed(key: &str) -> Keyed {
    Keyed {
        key: IdempotencyKey::new(key.as_bytes()).unwrap(),
        digest: [u8::try_from(key.len()).unwrap(); 32],
    }
}

fn rejections(ids: &[u64]) -> Vec<(u64, Rejection)> {
    ids.iter()
        .map(|id| {
            let rejection = Rejection {
                rule: "not_expired".to_owned(),
                message: "expired after batch 1".to_owned(),
                at_ms: 77,
            };
            (*id, rejection)
        })
        .collect()
}

/// Runs steps on a sound disk and keeps what they leave.
struct Builder {
    disk: Disk,
    store: Store,
    scenario: Scenario,
}

impl Builder {
    fn new(image: Vec<u8>) -> Self {
        let disk = Disk::new(image.clone(), None);
        let store = super::open(&disk).unwrap();
        let dumps = vec![dump(&image), dump(&disk.surviving())];
        Self {
            disk,
            store,
            scenario: Scenario {
                image,
                dumps,
                steps: Vec::new(),
                operations: 0,
            },
        }
    }

    fn step(
        &mut self,
        name: &str,
        run: impl Fn(&Store) -> Result<(), StoreError> + Send + Sync + 'static,
    ) -> &mut Step {
        run(&self.store).unwrap_or_else(|error| panic!("{name}: {error}"));
        let after = dump(&self.disk.surviving());
        assert_ne!(Some(&after), self.scenario.dumps.last(), "{name} changes nothing");
        self.scenario.dumps.push(after);
        self.scenario.steps.push(Step {
            name: name.to_owned(),
            run: Box::new(run),
            repeatable: false,
        });
        self.scenario.steps.last_mut().unwrap()
    }

    /// Enters priority operations, the first of them in this place.
    fn enter(&mut self, first: u64, operations: &[Priority]) {
        let items: Vec<_> = (first..)
            .zip(operations)
            .map(|(index, priority)| NewPriority {
                index,
                priority: *priority,
            })
            .collect();
        let step = self.step(&format!("enter {} from {first}", items.len()), move |store| {
            let (entered, refused) = store.enter(&items, 400)?;
            assert_eq!((entered.len(), refused), (items.len(), None));
            Ok(())
        });
        step.repeatable = true;
    }

    /// Accepts operations, all of them under keys or none.
    fn accept(&mut self, operations: &[SignedOperation], key: Option<&str>) {
        let items: Vec<_> = operations
            .iter()
            .enumerate()
            .map(|(position, signed)| NewOperation {
                signed: *signed,
                accepted_at_ms: 500,
                keyed: key.map(|key| keyed(&format!("{key} {position}"))),
            })
            .collect();
        let step = self.step(&format!("accept {} under {key:?}", items.len()), move |store| {
            let answers = store.accept(items.clone())?;
            assert!(answers.iter().all(Result::is_ok));
            Ok(())
        });
        step.repeatable = key.is_some();
    }

    /// Makes a batch of the queue up to before `end`, rejecting these operations.
    fn cut(&mut self, end: u64, rejected: &[u64]) {
        let state = self.store.snapshot().unwrap();
        let requests: Vec<_> = (state.head().next_operation..end)
            .filter(|id| !rejected.contains(id))
            .map(|id| state.operation(id).unwrap())
            .filter(|operation| operation.state == OperationState::Queued)
            .map(|operation| operation.request)
            .collect();
        let (batch, applied, changes) = batch(&self.store, &requests, end).unwrap();
        let rejected = rejections(rejected);
        let name = format!("batch {} of the queue up to {end}", batch.number);
        self.step(&name, move |store| {
            store.commit_queued(&batch, &applied, &changes, &rejected)
        });
    }

    fn reject(&mut self, end: u64, ids: &[u64]) {
        let rejected = rejections(ids);
        self.step(&format!("reject {ids:?}"), move |store| {
            store.reject_queued(end, &rejected)
        });
    }

    fn whole(&mut self, signed: &[SignedOperation], key: &str) {
        let operations = u32::try_from(signed.len()).unwrap();
        let last = self.store.snapshot().unwrap().head().last_operation;
        let end = last + 1 + u64::from(operations);
        let requests: Vec<_> = signed.iter().copied().map(Request::Signed).collect();
        let (batch, applied, changes) = batch(&self.store, &requests, end).unwrap();
        let signed = signed.to_vec();
        let whole = Whole {
            operations,
            fee_slots: vec![FEE_SLOT],
        };
        let keyed = keyed(key);
        let name = format!("batch {} as a whole", batch.number);
        self.step(&name, move |store| {
            let submission = Submission {
                operations: &signed,
                whole: &whole,
                keyed: Some(&keyed),
                accepted_at_ms: 600,
            };
            store.commit_whole(&batch, &applied, &changes, &submission)
        });
    }

    fn advance(&mut self, number: u32, event: Event) {
        self.step(&format!("batch {number}: {event:?}"), move |store| {
            store.advance(number, event.clone()).map(drop)
        });
    }

    fn prove(&mut self, number: u32, bundle_bytes: usize) {
        self.step(&format!("batch {number}: proof"), move |store| {
            let finish = Event::Finish {
                at_ms: 5,
                phases: Vec::new(),
            };
            let bundle = vec![7; bundle_bytes];
            store.store_proof(number, finish, &bundle).map(drop)
        });
    }

    fn roll_back(&mut self, to: u32) {
        self.step(&format!("rollback to {to}"), move |store| {
            store.rollback(to).map(drop)
        });
    }

    fn build(mut self) -> Scenario {
        drop(self.store);
        self.scenario.operations = self.disk.operations();
        self.scenario
    }
}

/// Every kind of transaction that an open store makes, with every kind of operation.
pub(super) fn all_transactions() -> Scenario {
    let mut builder = Builder::new(genesis());
    builder.accept(&[transfer(0, 1, 0), transfer(1, 2, 0)], Some("first"));
    builder.accept(&[transfer(0, 1, 7), transfer(0, 2, 1)], None);
    builder.cut(5, &[3]);
    builder.advance(1, Event::Begin);
    // One that is done and one that is not.
    builder.enter(0, &[deposit(), forced_exit(8)]);
    builder.accept(&[transfer(0, 1, 9)], Some("rejected"));
    builder.cut(7, &[]);
    builder.reject(8, &[7]);
    builder.whole(&[transfer(0, 1, 2), opening(1, 1), transfer(1, 0, 2)], "whole");
    // A bundle of several pages.
    builder.prove(1, 9_000);
    builder.advance(2, Event::Begin);
    let reason = "out of luck".to_owned();
    let retry = Retry::UpTo(2);
    builder.advance(2, Event::Fail { reason, retry });
    builder.advance(2, Event::Begin);
    builder.advance(2, Event::Lost { max_attempts: 2 });
    builder.advance(2, Event::Resume);
    builder.advance(2, Event::Cancel);
    builder.advance(2, Event::Resume);
    // By now the oldest keys are forgotten.
    builder.accept(
        &[transfer(0, 2, 3), withdrawal(1, 3), rotation(OPENED, 0)],
        Some("queued"),
    );
    builder.cut(14, &[]);
    builder.advance(2, Event::Begin);
    builder.advance(2, Event::Interrupt);
    builder.roll_back(1);
    builder.cut(7, &[]);
    builder.cut(11, &[]);
    builder.cut(14, &[]);
    builder.advance(2, Event::Begin);
    builder.prove(2, 500);
    // The first one has entered before.
    builder.enter(1, &[forced_exit(8), deposit(), forced_exit(9)]);
    builder.cut(15, &[]);
    builder.roll_back(0);
    builder.cut(5, &[]);
    builder.build()
}
