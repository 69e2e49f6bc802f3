//! A worker without its thread, and a model of what it has to do: operations one after another, by the native rules.

mod asking;
mod model;

use std::collections::BTreeMap;
use std::sync::Arc;

use ark_bn254::Fr;
use quittance_circuits::babyjubjub::PublicKey;
use quittance_circuits::batch::ApplyError;
use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::leaf::Leaf;
use quittance_circuits::tx::{Priority, SignedOperation};
use quittance_circuits::types::AccountIndex;
use quittance_verifier::{Section, Shape};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::config::{Config, RawConfig, RawTokenFees};
use crate::encoding::fr_from_bytes_be;
use crate::jobs::Jobs;
use crate::operation::{Entry, Operation, OperationState, Request};
use crate::policy::Policy;
use crate::progress::CostModel;
use crate::sequencer::inbox::Inbox;
use crate::sequencer::worker::Worker;
use crate::sequencer::{
    CheckedOperation, Enrolled, MemoryCheck, Single, SubmitError, WholeResult, WholeSubmission,
};
use crate::store::{NewPriority, Store};

pub(super) use asking::owner;
pub(super) use model::Seen;
use model::{Leaves, execute};

const LEVELS: u8 = 2;
const PLACES: u32 = 16;
/// Accounts at genesis with their tokens; the last two take the fees of theirs.
const GENESIS: [u32; 6] = [1, 1, 1, 2, 1, 2];
const FEE_LEAVES: [(u32, u32); 2] = [(1, 4), (2, 5)];
const BALANCE: u128 = 120;
/// Keys that accounts have and get.
const KEYS: u8 = 24;

/// Which keys are loaded: one shape with everything; one for each kind; some sections in none.
pub(super) const SHAPES: [&[[u32; 6]]; 4] = [
    &[[2, 2, 4, 2, 2, 2]],
    &[[1, 1, 1, 1, 1, 1], [3, 2, 3, 2, 2, 2], [0, 0, 6, 0, 0, 2]],
    &[
        [0, 0, 3, 0, 0, 1],
        [2, 0, 0, 0, 0, 0],
        [0, 1, 2, 0, 1, 2],
        [0, 0, 0, 3, 0, 2],
    ],
    &[[4, 0, 5, 2, 0, 2]],
];

/// One accepted operation in the model.
#[derive(Clone, Debug)]
struct Item {
    request: Request,
    batch: Option<u32>,
    /// The first id of the submission that it belongs to.
    whole: Option<u64>,
}

pub(super) struct World {
    numbers: u64,
    rollup_id: Fr,
    shapes: Vec<Shape>,
    store: Arc<Store>,
    worker: Worker,
    _directory: TempDir,
    keys: Vec<(SecretKey, PublicKey)>,
    /// Leaves after genesis and after each batch.
    history: Vec<Leaves>,
    /// From id 1 on.
    items: Vec<Item>,
    entered: u64,
    pub(super) seen: Seen,
}

fn worker(
    store: &Arc<Store>,
    shapes: &[Shape],
    max_operations: Option<u32>,
    max_queued: Option<u64>,
) -> Worker {
    let mut raw = RawConfig::default();
    raw.rollup.levels = LEVELS;
    raw.keys.allow_development_keys = true;
    raw.batching.max_operations = max_operations;
    raw.batching.max_queued = max_queued.unwrap_or(raw.batching.max_queued);
    raw.proving.max_unproved_batches = 100_000;
    raw.fees.tokens = FEE_LEAVES
        .map(|(token, leaf)| RawTokenFees {
            token,
            leaf,
            minimum: "0".to_owned(),
        })
        .to_vec();
    let config = Config::check(raw).unwrap();
    let policy = Policy::new(&config, shapes.to_vec(), &store.snapshot().unwrap()).unwrap();
    let jobs = Jobs::new(Arc::new(CostModel::new(
        shapes.iter().map(|shape| (*shape, Vec::new())),
    )));
    Worker::new(
        Arc::clone(store),
        Arc::new(jobs),
        Arc::new(policy),
        MemoryCheck::new(|_| Ok(())),
        Arc::new(Inbox::new()),
        watch::Sender::new(0),
    )
    .unwrap()
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let chosen = usize::try_from(seed).unwrap() % SHAPES.len();
        Self::with(seed, SHAPES[chosen], None)
    }

    /// A world with keys of these shapes, in which so many operations of each side may wait.
    pub(super) fn with(seed: u64, shapes: &[[u32; 6]], max_queued: Option<u64>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let keys: Vec<_> = (0..KEYS)
            .map(|byte| {
                let key = SecretKey::from_bytes(&[byte + 1; 32]);
                let public = key.public_key();
                (key, public)
            })
            .collect();
        let leaves: Leaves = (0..)
            .zip(GENESIS)
            .zip(&keys)
            .map(|((index, token), (_, key))| {
                (index, Leaf::new(*key, BALANCE, 0, token, owner(index)).unwrap())
            })
            .collect();
        let rollup_id = quittance_verifier::rollup_id(0, [0; 20]);
        let accounts = leaves
            .iter()
            .map(|(index, leaf)| (AccountIndex(*index), *leaf))
            .collect();
        let store = Arc::new(Store::create(directory.path(), rollup_id, LEVELS, accounts).unwrap());
        let shapes: Vec<Shape> = shapes
            .iter()
            .map(
                |[priority, openings, transfers, withdrawals, rotations, fee_slots]| Shape {
                    levels: LEVELS,
                    priority: *priority,
                    openings: *openings,
                    transfers: *transfers,
                    withdrawals: *withdrawals,
                    rotations: *rotations,
                    fee_slots: *fee_slots,
                },
            )
            .collect();
        Self {
            numbers: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            rollup_id: fr_from_bytes_be(&rollup_id).unwrap(),
            worker: worker(&store, &shapes, None, max_queued),
            shapes,
            store,
            _directory: directory,
            keys,
            history: vec![leaves],
            items: Vec::new(),
            entered: 0,
            seen: Seen::default(),
        }
    }

    fn below(&mut self, limit: u32) -> u32 {
        self.numbers ^= self.numbers << 13;
        self.numbers ^= self.numbers >> 7;
        self.numbers ^= self.numbers << 17;
        u32::try_from(self.numbers % u64::from(limit)).unwrap()
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let at = self.below(u32::try_from(all.len()).unwrap());
        all[usize::try_from(at).unwrap()]
    }

    pub(super) fn step(&mut self) {
        match self.below(20) {
            0..13 => {
                let count = 1 + self.below(3);
                for _ in 0..count {
                    self.submit();
                }
            }
            13 => self.whole(),
            14 => self.roll_back(),
            _ => drop(self.cut()),
        }
    }

    /// Executes all that waits.
    pub(super) fn settle(&mut self) {
        while self.cut() {}
    }

    fn number(&self) -> u32 {
        u32::try_from(self.history.len()).unwrap()
    }

    /// The leaves with everything that waits, one operation after another, and with its fees.
    pub(super) fn pending(&self) -> Leaves {
        let mut leaves = self.history.last().unwrap().clone();
        let mut at = 0;
        while let Some(item) = self.items.get(at) {
            let until = match item.whole {
                Some(whole) => self.items[at..]
                    .iter()
                    .take_while(|item| item.whole == Some(whole))
                    .count(),
                None => 1,
            };
            let mut group: Vec<&Item> = self.items[at..at + until].iter().collect();
            at += until;
            if item.batch.is_some() {
                continue;
            }
            group.sort_by_key(|item| item.request.section());
            let before = leaves.clone();
            let mut fees = Vec::new();
            let all = group.iter().all(|item| {
                let done = execute(&self.rollup_id, self.number(), &mut leaves, &item.request, false);
                done.is_ok_and(|(fee, _)| {
                    fees.extend(fee);
                    true
                })
            });
            if !all {
                leaves = before;
                continue;
            }
            for (token, fee) in fees {
                let (_, leaf) = FEE_LEAVES.into_iter().find(|(taken, _)| *taken == token).unwrap();
                let leaf = leaves.get_mut(&leaf).unwrap();
                leaf.balance = leaf.balance.checked_add(fee).unwrap_or(leaf.balance);
            }
        }
        leaves
    }

    fn submit(&mut self) {
        let pending = self.pending();
        if self.below(4) == 0 {
            let priority = self.priority(&pending);
            return self.enter(priority);
        }
        let signed = self.signed(&pending);
        let section = signed.section();
        let mut after = pending;
        let request = Request::Signed(signed);
        let expected = execute(&self.rollup_id, self.number(), &mut after, &request, true);
        let takes = self.shapes.iter().any(|shape| shape.slots(section) > 0);
        match self.send(signed) {
            Ok(()) => assert!(takes && expected.is_ok(), "{signed:?}: {expected:?}"),
            Err(SubmitError::NoSlots { section: named }) => {
                assert!(!takes && named == section);
                self.seen.refused += 1;
            }
            Err(SubmitError::Rule(error)) => {
                assert_eq!(Err(error.rule()), expected.map(drop), "{signed:?}");
                self.seen.refused += 1;
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Submits one operation by itself.
    pub(super) fn send(&mut self, signed: SignedOperation) -> Result<(), SubmitError> {
        let single = Single::new(self.checked(signed), None);
        let mut outcome = self.worker.admit(vec![vec![single]]).unwrap();
        match outcome.pop().unwrap().refused {
            None => {
                self.accept(Request::Signed(signed), None);
                Ok(())
            }
            Some(error) => Err(error),
        }
    }

    /// Enters priority operations as they come, the first of them in this place.
    pub(super) fn enroll(&mut self, first: u64, operations: &[Priority]) -> Enrolled {
        let items: Vec<_> = (first..)
            .zip(operations)
            .map(|(index, priority)| NewPriority {
                index,
                priority: *priority,
            })
            .collect();
        let enrolled = self.worker.enter(&items).unwrap();
        for (item, entered) in items.iter().zip(&enrolled.entered) {
            if !entered.repeated {
                self.entered += 1;
                let entry = Entry {
                    index: item.index,
                    priority: item.priority,
                    hash: entered.hash,
                };
                self.items.push(Item {
                    request: Request::Priority(entry),
                    batch: None,
                    whole: None,
                });
            }
        }
        enrolled
    }

    /// Submits a batch; it is not followed.
    pub(super) fn submit_whole(
        &mut self,
        operations: &[SignedOperation],
    ) -> Result<WholeResult, SubmitError> {
        let checked = operations
            .iter()
            .map(|signed| CheckedOperation::unchecked(*signed));
        let submission = WholeSubmission::new(checked.collect(), Vec::new(), None);
        submission.check_form(&self.worker.policy)?;
        self.worker.execute_whole(submission)
    }

    /// Whether everything that waits has to be gone through before the next operation.
    pub(super) fn is_stale(&mut self) -> bool {
        self.worker.ledger_mut().is_stale()
    }

    /// The ids of the last batch, and where each stands.
    pub(super) fn last_batch(&self) -> Vec<(Section, u32)> {
        let state = self.store.snapshot().unwrap();
        let batch = state.batch(state.head().batch_number).unwrap();
        (batch.first_operation..batch.end_operation)
            .map(|id| {
                let operation = state.operation(id).unwrap();
                match operation.state {
                    OperationState::Executed { position, .. } => (operation.request.section(), position),
                    other => panic!("{other:?}"),
                }
            })
            .collect()
    }

    /// With the signature checked by some key, that of the account now or another.
    fn checked(&mut self, signed: SignedOperation) -> CheckedOperation {
        let executed = self.history.last().unwrap().get(&signed.from().get());
        match executed.map(|leaf| leaf.key) {
            Some(key) if !self.numbers.is_multiple_of(3) => {
                CheckedOperation::new(&self.rollup_id, signed, &key)
            }
            _ => CheckedOperation::unchecked(signed),
        }
    }

    fn accept(&mut self, request: Request, whole: Option<u64>) {
        self.seen.accepted[usize::from(request.section().number())] += 1;
        self.items.push(Item {
            request,
            batch: None,
            whole,
        });
        let head = self.store.snapshot().unwrap().head();
        assert_eq!(head.last_operation, u64::try_from(self.items.len()).unwrap());
    }

    fn enter(&mut self, priority: Priority) {
        let takes = self.shapes.iter().any(|shape| shape.priority > 0);
        let again = self.entered.saturating_sub(u64::from(self.below(2)));
        let of_queue = |item: &Item| match item.request {
            Request::Priority(entry) if entry.index >= again => Some(entry.priority),
            _ => None,
        };
        let mut operations: Vec<_> = self.items.iter().filter_map(of_queue).collect();
        let old = operations.len();
        operations.push(priority);
        let enrolled = self.enroll(again, &operations);
        match enrolled.refused {
            None => {
                assert!(takes && enrolled.entered.len() == operations.len());
                assert!(enrolled.entered[..old].iter().all(|old| old.repeated));
                assert!(!enrolled.entered[old].repeated);
                self.seen.accepted[0] += 1;
            }
            Some(SubmitError::NoSlots { section }) => assert!(!takes && section == Section::Priority),
            Some(other) => panic!("{other:?}"),
        }
    }

    /// Submits a few operations as a batch: in any order of kinds, but sound in the order of sections.
    fn whole(&mut self) {
        // They come behind all that waits.
        let mut leaves = self.pending();
        let mut operations = Vec::new();
        let mut least = Section::Openings;
        for _ in 0..4 {
            let signed = self.signed(&leaves);
            let request = Request::Signed(signed);
            if signed.section() >= least
                && execute(
                    &self.rollup_id,
                    self.number(),
                    &mut leaves.clone(),
                    &request,
                    true,
                )
                .is_ok()
            {
                execute(&self.rollup_id, self.number(), &mut leaves, &request, true).unwrap();
                least = signed.section();
                operations.push(signed);
            }
        }
        if operations.is_empty() {
            return;
        }
        // Within a section the order stays.
        let turn = usize::try_from(self.below(u32::try_from(operations.len()).unwrap())).unwrap();
        let parts = operations.split_off(turn);
        let mut mixed = parts.into_iter().peekable();
        let mut operations: Vec<_> = operations
            .into_iter()
            .flat_map(|operation| {
                let other = mixed.next_if(|other| other.section() != operation.section());
                other.into_iter().chain([operation])
            })
            .collect();
        operations.extend(mixed);
        let sorted = {
            let mut sorted = operations.clone();
            sorted.sort_by_key(SignedOperation::section);
            sorted
        };
        let mut after = self.pending();
        let sound = sorted.iter().all(|signed| {
            execute(
                &self.rollup_id,
                self.number(),
                &mut after,
                &Request::Signed(*signed),
                true,
            )
            .is_ok()
        });
        let checked: Vec<_> = operations.iter().map(|signed| self.checked(*signed)).collect();
        let submission = WholeSubmission::new(checked, Vec::new(), None);
        // What it executes of the queue first shows in the store whatever becomes of it.
        let outcome = self.worker.execute_whole(submission);
        let executed = self.store.snapshot().unwrap().head().batch_number;
        let own = outcome.as_ref().ok().map(|result| result.batch.number);
        for number in self.number()..=executed {
            if own != Some(number) {
                self.follow(number);
            }
        }
        match outcome {
            Ok(result) => {
                // It may have had fees of what it made a batch of first.
                assert_eq!(usize::try_from(result.operations).unwrap(), operations.len());
                for signed in operations {
                    self.seen.accepted[usize::from(signed.section().number())] += 1;
                    self.items.push(Item {
                        request: Request::Signed(signed),
                        batch: None,
                        whole: Some(result.first_operation),
                    });
                }
                self.follow(result.batch.number);
                self.seen.wholes += 1;
            }
            Err(SubmitError::NoShape { .. }) => {}
            Err(SubmitError::Batch(ApplyError::Operation { .. })) => assert!(!sound, "{operations:?}"),
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Makes a batch of what waits, if something does.
    pub(super) fn cut(&mut self) -> bool {
        if self.store.snapshot().unwrap().head().queued == 0 {
            return false;
        }
        self.worker.cut().unwrap();
        let number = self.store.snapshot().unwrap().head().batch_number;
        assert_eq!(number, self.number());
        self.follow(number);
        true
    }

    /// Executes a batch of the store in the model, in the order of acceptance, and compares everything.
    fn follow(&mut self, number: u32) {
        assert_eq!(number, self.number());
        let state = self.store.snapshot().unwrap();
        let batch = state.batch(number).unwrap();
        let mut leaves = self.history.last().unwrap().clone();
        let mut fees = BTreeMap::new();
        let whole = self.items[usize::try_from(batch.first_operation).unwrap() - 1].whole;
        let mut operations: Vec<Operation> = (batch.first_operation..batch.end_operation)
            .map(|id| state.operation(id).unwrap())
            .collect();
        let sections: Vec<_> = operations
            .iter()
            .map(|operation| operation.request.section())
            .collect();
        self.seen.cut_by_order += u32::from(!sections.is_sorted());
        if whole.is_some() {
            operations.sort_by_key(|operation| operation.request.section());
        }
        for operation in operations {
            // It was taken off the queue, and executed: never rejected.
            let OperationState::Executed {
                batch: found,
                outcome,
                ..
            } = operation.state
            else {
                panic!("{operation:?}");
            };
            assert_eq!(found, number);
            let item = &mut self.items[usize::try_from(operation.id).unwrap() - 1];
            assert_eq!((item.request, item.batch), (operation.request, None));
            item.batch = Some(number);
            let (fee, expected) =
                execute(&self.rollup_id, number, &mut leaves, &operation.request, true).unwrap();
            assert_eq!(outcome, expected, "{operation:?}");
            if let Some(outcome) = outcome {
                *(if outcome.done {
                    &mut self.seen.done
                } else {
                    &mut self.seen.not_done
                }) += 1;
            }
            if let Some((token, fee)) = fee {
                *fees.entry(token).or_insert(0) += fee;
            }
        }
        for (token, leaf) in FEE_LEAVES {
            leaves.get_mut(&leaf).unwrap().balance += fees.get(&token).copied().unwrap_or_default();
        }
        let applied = state.applied(&batch).unwrap();
        let facts = applied.facts();
        assert_eq!(
            (facts.queue, facts.queue_after()),
            (batch.queue_before.hash, batch.queue_after.hash)
        );
        assert!(self.shapes.contains(&batch.shape));
        self.history.push(leaves);
        self.seen.batches += 1;
        if state.head().batch_number == number {
            for index in 0..PLACES {
                let found = state.account(index).unwrap();
                assert_eq!(
                    found.as_ref(),
                    self.history.last().unwrap().get(&index),
                    "leaf {index}"
                );
            }
        }
    }

    /// Takes batches back; what they held waits again, and is executed in other batches.
    fn roll_back(&mut self) {
        let last = self.number() - 1;
        let to = last.saturating_sub(self.below(4));
        let most = (self.below(2) == 0).then(|| 1 + self.below(3));
        self.take_back(to, most);
        self.seen.rollbacks += u32::from(to < last);
    }

    /// Takes every batch after this one back, and goes on with batches of at most so many operations.
    pub(super) fn take_back(&mut self, to: u32, most: Option<u32>) {
        self.store.rollback(to).unwrap();
        self.history.truncate(usize::try_from(to).unwrap() + 1);
        for item in &mut self.items {
            item.batch = item.batch.filter(|number| *number <= to);
        }
        self.reopen(most);
    }

    /// Begins anew with what the store has, and goes on with batches of at most so many operations.
    pub(super) fn reopen(&mut self, most: Option<u32>) {
        self.worker = worker(&self.store, &self.shapes, most, None);
    }
}
