//! Any sequence of calls against a model in memory: after each, the store says what the model says, and its root is the one
//! of its leaves.

mod expected;

use expected::{Ask, Kind, Model};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use quittance::batch::{Event, Moved, Stage};
use quittance::operation::{Entry, OperationState, Request};
use quittance::store::{OperationQuery, Order, Store};
use quittance_circuits::state::{MemoryState, StateReader};
use quittance_circuits::tx::{Priority, SignedOperation};
use quittance_circuits::types::{AccountIndex, RootAddress};
use tempfile::TempDir;

use crate::harness::{
    FEE, LEVELS, OTHER_FEE, OWNER, commit_keyed, create, deposit, enter, forced_exit, keyed, make_of,
    make_whole, new_operation, open, prove, rejection, transfer,
};

/// Keys that are remembered.
const NEWEST: usize = 3;
/// Accounts that send and receive: those of genesis but two that take fees, two that openings and one that deposits open.
const ACCOUNTS: [u32; 7] = [0, 1, 2, 3, 6, 7, 9];
/// Places of the tree.
const PLACES: u32 = 16;

#[derive(Clone, Debug)]
enum Step {
    /// Accepts operations, the first one perhaps under one of a few keys.
    Accept(Vec<Ask>, Option<u8>),
    /// Enters priority operations: a deposit, or a forced exit by the owner or by somebody else; so many old ones first.
    Enter(Vec<(u32, u8)>, u8),
    /// Makes a batch of at most so many operations at the front of the queue; bits choose operations to be rejected.
    Cut(usize, u8),
    /// Submits operations as a whole, perhaps under a key. Nothing happens while operations are queued.
    Whole(Vec<Ask>, Option<u8>),
    Begin(u32),
    Prove(u32),
    Cancel(u32),
    Resume(u32),
    /// Takes so many batches back.
    Rollback(u32),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let account = || prop::sample::select(&ACCOUNTS[..]);
    let kind = || {
        prop_oneof![
            4 => Just(Kind::Transfer),
            1 => Just(Kind::Opening),
            1 => Just(Kind::Withdrawal),
            1 => (0..4u32).prop_map(|next| Kind::Rotation(12 + next)),
        ]
    };
    let ask = move || (kind(), account(), account()).prop_map(|(kind, from, to)| Ask { kind, from, to });
    let asks = || prop::collection::vec(ask(), 1..4);
    let priority = prop::collection::vec((account(), 0..3u8), 1..3);
    let key = || prop::option::of(0..6u8);
    let step = prop_oneof![
        4 => (asks(), key()).prop_map(|(asks, key)| Step::Accept(asks, key)),
        2 => (priority, 0..3u8).prop_map(|(operations, again)| Step::Enter(operations, again)),
        5 => (1..6usize, prop_oneof![3 => Just(0u8), 1 => any::<u8>()]).prop_map(|(most, mask)| Step::Cut(most, mask)),
        4 => (asks(), key()).prop_map(|(asks, key)| Step::Whole(asks, key)),
        1 => (1..6u32).prop_map(Step::Begin),
        1 => (1..6u32).prop_map(Step::Prove),
        1 => (1..6u32).prop_map(Step::Cancel),
        1 => (1..6u32).prop_map(Step::Resume),
        2 => prop_oneof![1 => Just(0u32), 6 => 1..4u32].prop_map(Step::Rollback),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 12..32)
}

struct Pair {
    directory: TempDir,
    store: Option<Store>,
    model: Model,
}

fn key_name(key: u8) -> String {
    format!("key {key}")
}

impl Pair {
    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Accept(asks, key) => self.accept(asks, *key),
            Step::Enter(operations, again) => self.enter(operations, *again),
            Step::Cut(most, mask) => self.cut(*most, *mask),
            Step::Whole(asks, key) => self.whole(asks, *key),
            Step::Begin(number) => self.advance(*number, Event::Begin),
            Step::Cancel(number) => self.advance(*number, Event::Cancel),
            Step::Resume(number) => self.advance(*number, Event::Resume),
            Step::Prove(number) => self.prove(*number),
            Step::Rollback(back) => self.rollback(*back),
            Step::Reopen => {
                drop(self.store.take());
                let newest = u64::try_from(NEWEST).unwrap();
                self.store = Some(open(&self.directory).unwrap().with_idempotency_keys(newest));
            }
        }
    }

    fn accept(&mut self, asks: &[Ask], key: Option<u8>) {
        let known = key.and_then(|key| self.model.known(key));
        let fresh = match known {
            Some(_) => &asks[1..],
            None => asks,
        };
        let mut signed = self.model.sign(fresh);
        if known.is_some() {
            // What a repeated submission says is the digest's matter.
            signed.insert(0, transfer(0, 1, 77));
        }
        let items = (0..).zip(&signed).map(|(i, signed)| {
            let key = key.filter(|_| i == 0).map(|key| keyed(&key_name(key), key));
            new_operation(*signed, key)
        });
        let answers = self.store().accept(items.collect()).unwrap();
        for (position, (answer, signed)) in answers.into_iter().zip(signed).enumerate() {
            let answer = answer.unwrap();
            if let Some(known) = known.filter(|_| position == 0) {
                assert!(answer.repeated);
                assert_eq!(answer.operation.id, known.first_operation);
                continue;
            }
            self.model
                .operations
                .push((Request::Signed(signed), OperationState::Queued));
            assert_eq!((answer.operation.id, answer.repeated), (self.model.last(), false));
            if let (0, Some(key)) = (position, key) {
                self.model.remember(key, answer.operation.id, 1);
            }
        }
    }

    fn enter(&mut self, operations: &[(u32, u8)], again: u8) {
        let new: Vec<_> = operations
            .iter()
            .map(|(leaf, kind)| match kind {
                0 => deposit(*leaf),
                1 => forced_exit(*leaf, OWNER),
                _ => forced_exit(*leaf, RootAddress([1; 20])),
            })
            .collect();
        let old = self.model.entered.len().saturating_sub(usize::from(again));
        let all: Vec<Priority> = self.model.entered[old..].iter().chain(&new).copied().collect();
        let (entered, refused) = enter(self.store(), u64::try_from(old).unwrap(), &all);
        assert_eq!((entered.len(), refused), (all.len(), None));
        for ((index, priority), entered) in (0..).zip(all).zip(entered) {
            let index = old + index;
            assert_eq!(entered.repeated, index < self.model.entered.len());
            if !entered.repeated {
                self.model.entered.push(priority);
                let entry = Entry {
                    index: entered.index,
                    priority,
                    hash: self.model.hash(index + 1),
                };
                self.model
                    .operations
                    .push((Request::Priority(entry), OperationState::Queued));
                assert_eq!(entered.operation, self.model.last());
            }
            assert_eq!(entered.hash, self.model.hash(index + 1));
        }
    }

    /// As a sequencer does it: a whole submission at the front by itself, else single transfers up to the next whole.
    fn cut(&mut self, most: usize, mask: u8) {
        let queued = self.model.queued();
        let Some(&first) = queued.first() else {
            return;
        };
        let whole = self.model.wholes.get(&first).copied();
        let taken: Vec<u64> = match whole {
            Some(length) => queued.into_iter().filter(|id| *id < first + length).collect(),
            None => queued
                .into_iter()
                .take_while(|id| !self.model.wholes.contains_key(id))
                .take(self.model.in_order(most))
                .collect(),
        };
        let end = taken.last().unwrap() + 1;
        let fee = if whole.is_some() { OTHER_FEE } else { FEE };
        let before = self.model.leaves[self.model.batches.len()].clone();
        let mut leaves = before.clone();
        let (mut executed, mut rejected) = (Vec::new(), Vec::new());
        let mut order = taken.clone();
        if whole.is_some() {
            order.sort_by_key(|id| self.model.operation(*id).0.section());
        }
        for (i, id) in order.iter().enumerate() {
            let request = self.model.operation(*id).0;
            let chosen = mask & (1 << (i % 8)) != 0 && matches!(request, Request::Signed(_));
            if !chosen && self.model.execute(&mut leaves, &request, fee) {
                executed.push(*id);
            } else {
                rejected.push(*id);
            }
        }
        executed.sort_unstable();
        rejected.sort_unstable();
        if whole.is_some() && !rejected.is_empty() {
            (executed, rejected, leaves) = (Vec::new(), taken, before);
        }
        let reasons: Vec<_> = rejected.iter().map(|id| (*id, rejection("model"))).collect();
        if executed.is_empty() {
            self.store().reject_queued(end, &reasons).unwrap();
        } else {
            let requests: Vec<_> = executed.iter().map(|id| self.model.operation(*id).0).collect();
            let made = make_of(self.store(), &requests, fee, end);
            self.store()
                .commit_queued(&made.batch, &made.applied, &made.changes, &reasons)
                .unwrap();
        }
        for (id, reason) in reasons {
            self.model.operation(id).1 = OperationState::Rejected(reason);
        }
        if executed.is_empty() {
            self.model.settle(end);
        } else {
            self.model.push_batch(leaves, &executed, end);
        }
    }

    fn whole(&mut self, asks: &[Ask], key: Option<u8>) {
        if !self.model.queued().is_empty() || key.is_some_and(|key| self.model.known(key).is_some()) {
            return;
        }
        // In the client's order they need not be in that of the sections.
        let mut signed = self.model.sign(asks);
        let mut leaves = self.model.leaves[self.model.batches.len()].clone();
        let mut order = signed.clone();
        order.sort_by_key(SignedOperation::section);
        if !order.iter().all(|signed| {
            self.model
                .execute(&mut leaves, &Request::Signed(*signed), OTHER_FEE)
        }) {
            return;
        }
        if asks.len().is_multiple_of(2) {
            signed = order;
        }
        let (made, whole) = make_whole(self.store(), &signed);
        let keyed = key.map(|key| keyed(&key_name(key), key));
        commit_keyed(self.store(), &made, &whole, keyed.as_ref()).unwrap();
        let whole = whole.whole;
        let first = self.model.last() + 1;
        let new = signed
            .iter()
            .map(|signed| (Request::Signed(*signed), OperationState::Queued));
        self.model.operations.extend(new);
        let ids: Vec<u64> = (first..=self.model.last()).collect();
        self.model.wholes.insert(first, u64::from(whole.operations));
        if let Some(key) = key {
            self.model.remember(key, first, whole.operations);
        }
        self.model.push_batch(leaves, &ids, self.model.last() + 1);
    }

    fn advance(&mut self, number: u32, event: Event) {
        let moved = self.store().advance(number, event);
        let Some(batch) = self.model.batches.get_mut(usize::try_from(number).unwrap() - 1) else {
            assert!(moved.is_err());
            return;
        };
        // The table of moves has its own tests; here only what is stored matters.
        match moved {
            Ok((after, Moved::Changed)) => batch.stage = after.stage,
            Ok((after, Moved::Unchanged)) => assert_eq!(after.stage, batch.stage),
            Err(_) => {}
        }
    }

    fn prove(&mut self, number: u32) {
        let place = usize::try_from(number).unwrap() - 1;
        if self
            .model
            .batches
            .get(place)
            .is_some_and(|batch| batch.stage == Stage::Executed)
        {
            prove(self.store(), number);
            self.model.batches[place].stage = Stage::Proved;
        }
    }

    fn rollback(&mut self, back: u32) {
        let last = u32::try_from(self.model.batches.len()).unwrap();
        let to = last.saturating_sub(back);
        let undone = self.store().rollback(to).unwrap();
        let gone = self.model.batches.split_off(usize::try_from(to).unwrap());
        self.model.leaves.truncate(self.model.batches.len() + 1);
        let mut again = 0;
        for (_, state) in &mut self.model.operations {
            if matches!(state, OperationState::Executed { batch, .. } if *batch > to) {
                *state = OperationState::Queued;
                again += 1;
            }
        }
        if let Some(first) = gone.first() {
            self.model.next = first.first;
        }
        let proofs = gone.iter().filter(|batch| batch.stage == Stage::Proved).count();
        assert_eq!(
            (undone.batches, undone.operations, undone.proofs),
            (last - to, again, u32::try_from(proofs).unwrap())
        );
    }

    /// Compares everything that can be read.
    fn check(&self) {
        let model = &self.model;
        let state = self.store().snapshot().unwrap();
        let head = state.head();
        let leaves = &model.leaves[model.batches.len()];
        let all = leaves
            .iter()
            .map(|(index, leaf)| (AccountIndex(*index), *leaf))
            .collect();
        let root = MemoryState::genesis(LEVELS, all).unwrap().root().unwrap();
        assert_eq!(head.root, root);
        assert_eq!(usize::try_from(head.batch_number).unwrap(), model.batches.len());
        let queued = model.queued();
        assert_eq!(
            (head.next_operation, head.last_operation, head.queued),
            (model.next, model.last(), u64::try_from(queued.len()).unwrap())
        );
        for index in 0..PLACES {
            let leaf = leaves.get(&index);
            assert_eq!(state.account(index).unwrap().as_ref(), leaf);
            state.path(index).unwrap();
            if let Some(leaf) = leaf {
                let same = leaves.iter().filter(|(_, other)| other.key == leaf.key);
                let same: Vec<_> = same.map(|(index, leaf)| (*index, *leaf)).collect();
                assert_eq!(state.accounts_of(&leaf.key, 0, 99).unwrap(), same);
            }
        }
        let executed = usize::try_from(head.executed.next).unwrap();
        assert_eq!(usize::try_from(head.entered.next).unwrap(), model.entered.len());
        assert_eq!(head.entered.hash, model.hash(model.entered.len()));
        assert_eq!(
            (executed, head.executed.hash),
            (model.executed(), model.hash(model.executed()))
        );
        let mut pending = Vec::new();
        for (number, expected) in (1..).zip(&model.batches) {
            let batch = state.batch(number).unwrap();
            assert_eq!(
                (batch.stage, batch.first_operation, batch.end_operation),
                (expected.stage, expected.first, expected.end)
            );
            assert_eq!(batch.counts, expected.counts);
            assert_eq!(
                state.proof(number).unwrap().is_some(),
                expected.stage == Stage::Proved
            );
            if expected.stage != Stage::Proved {
                assert_eq!(state.applied(&batch).unwrap().new_root, batch.new_root);
            }
            if expected.stage.is_active() {
                pending.push(number);
            }
        }
        assert_eq!(state.pending().unwrap(), pending);
        let found: Vec<u64> = state
            .queued(0, usize::MAX)
            .unwrap()
            .iter()
            .map(|operation| operation.id)
            .collect();
        assert_eq!(found, queued);
        for (id, (signed, expected)) in (1..).zip(&model.operations) {
            let operation = state.operation(id).unwrap();
            assert_eq!((&operation.request, &operation.state), (signed, expected));
        }
        for account in 0..PLACES {
            let query = OperationQuery {
                account: Some(account),
                stage: None,
                from: None,
                order: Order::OldestFirst,
                limit: usize::MAX,
                visits: usize::MAX,
            };
            let found: Vec<u64> = state
                .operations(&query)
                .unwrap()
                .0
                .iter()
                .map(|operation| operation.id)
                .collect();
            let of_account =
                |request: &Request| request.accounts().any(|index| index == AccountIndex(account));
            let expected: Vec<u64> = (1..)
                .zip(&model.operations)
                .filter(|(_, (request, _))| of_account(request))
                .map(|(id, _)| id)
                .collect();
            assert_eq!(found, expected);
        }
        for key in 0..6 {
            let found = state.remembered(&keyed(&key_name(key), 0).key).unwrap();
            assert_eq!(found, model.known(key));
        }
        for (first, operations) in &model.wholes {
            let whole = state.whole_at(*first).unwrap().unwrap();
            assert_eq!(u64::from(whole.operations), *operations);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x7175_6974),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_store_does_what_the_model_does(steps in steps()) {
        let directory = tempfile::tempdir().unwrap();
        let newest = u64::try_from(NEWEST).unwrap();
        let store = Some(create(&directory).with_idempotency_keys(newest));
        let mut pair = Pair { directory, store, model: Model::new() };
        for step in &steps {
            pair.run(step);
            pair.check();
        }
        pair.run(&Step::Reopen);
        pair.check();
    }
}
