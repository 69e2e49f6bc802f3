//! What the store has to say after any sequence of calls, kept as simply as possible.

use std::collections::BTreeMap;

use quittance::batch::{SectionCounts, Stage};
use quittance::operation::{OperationState, Outcome, Remembered, Request};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::{self, Priority, RuleContext, SignedOperation, priority};
use quittance_circuits::types::{AccountIndex, BatchNumber};
use quittance_verifier::Section;

use super::NEWEST;
use crate::harness::{LEVELS, accounts, key, opening, rollup_id, rotation, transfer, withdrawal};

/// An operation that somebody asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    pub(super) kind: Kind,
    pub(super) from: u32,
    pub(super) to: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Transfer,
    /// Of `to`.
    Opening,
    Withdrawal,
    /// To the key of this number. Whoever rotates has no further signature that is valid.
    Rotation(u32),
}

#[derive(Clone, Debug)]
pub(super) struct ModelBatch {
    pub(super) stage: Stage,
    pub(super) first: u64,
    pub(super) end: u64,
    pub(super) counts: SectionCounts,
}

/// What the store has to say.
#[derive(Debug)]
pub(super) struct Model {
    /// Leaves after genesis and after each batch.
    pub(super) leaves: Vec<BTreeMap<u32, Leaf>>,
    pub(super) batches: Vec<ModelBatch>,
    /// Operations from id 1 on.
    pub(super) operations: Vec<(Request, OperationState)>,
    /// The root chain's queue.
    pub(super) entered: Vec<Priority>,
    pub(super) next: u64,
    /// First id and number of operations.
    pub(super) wholes: BTreeMap<u64, u64>,
    /// Newest last.
    pub(super) keys: Vec<(u8, Remembered)>,
}

impl Model {
    pub(super) fn new() -> Self {
        let leaves = accounts().into_iter().map(|(index, leaf)| (index.get(), leaf));
        Self {
            leaves: vec![leaves.collect()],
            batches: Vec::new(),
            operations: Vec::new(),
            entered: Vec::new(),
            next: 1,
            wholes: BTreeMap::new(),
            keys: Vec::new(),
        }
    }

    pub(super) fn operation(&mut self, id: u64) -> &mut (Request, OperationState) {
        &mut self.operations[usize::try_from(id).unwrap() - 1]
    }

    pub(super) fn last(&self) -> u64 {
        u64::try_from(self.operations.len()).unwrap()
    }

    pub(super) fn queued(&self) -> Vec<u64> {
        (1..=self.last())
            .filter(|id| self.operations[usize::try_from(*id).unwrap() - 1].1 == OperationState::Queued)
            .collect()
    }

    /// The hash over the first operations of the root chain's queue.
    pub(super) fn hash(&self, count: usize) -> [u8; 32] {
        let first = self.entered[..count].iter();
        first.fold([0; 32], |hash, operation| operation.request().hash_after(&hash))
    }

    /// How many of them are executed.
    pub(super) fn executed(&self) -> usize {
        let executed = |(request, state): &&(Request, OperationState)| {
            matches!(request, Request::Priority(_)) && matches!(state, OperationState::Executed { .. })
        };
        self.operations.iter().filter(executed).count()
    }

    /// Operations with the nonces that fit behind all queued ones.
    pub(super) fn sign(&self, asks: &[Ask]) -> Vec<SignedOperation> {
        let mut nonces: BTreeMap<u32, u32> = self.leaves[self.batches.len()]
            .iter()
            .map(|(index, leaf)| (*index, leaf.nonce))
            .collect();
        for (request, state) in &self.operations {
            if let (Request::Signed(signed), OperationState::Queued) = (request, state) {
                *nonces.entry(signed.from().get()).or_default() += 1;
            }
        }
        let mut sign = |ask: &Ask| {
            let nonce = nonces.entry(ask.from).or_default();
            *nonce += 1;
            let (from, nonce) = (ask.from, *nonce - 1);
            match ask.kind {
                Kind::Transfer => transfer(from, ask.to, nonce),
                Kind::Opening => opening(from, ask.to, nonce),
                Kind::Withdrawal => withdrawal(from, nonce, &key(from.max(1))),
                Kind::Rotation(next) => rotation(from, nonce, &key(next)),
            }
        };
        asks.iter().map(&mut sign).collect()
    }

    /// Executes one operation on leaves, if its rules allow it.
    pub(super) fn execute(&self, leaves: &mut BTreeMap<u32, Leaf>, request: &Request, fee: FeeSlot) -> bool {
        let capacity = 1 << (2 * LEVELS);
        let at = |leaves: &BTreeMap<u32, Leaf>, index: AccountIndex| leaves.get(&index.get()).copied();
        let signed = match request {
            Request::Signed(signed) => signed,
            Request::Priority(entry) => {
                let before = at(leaves, entry.priority.leaf());
                let effect = priority::check(&entry.priority, capacity, before.as_ref()).unwrap();
                if let Some(after) = effect.after {
                    leaves.insert(entry.priority.leaf().get(), after);
                }
                return true;
            }
        };
        let context = RuleContext {
            rollup_id: &rollup_id(),
            batch_number: BatchNumber(u32::try_from(self.batches.len()).unwrap() + 1),
            capacity,
            fee_slots: &[fee],
        };
        let sender = at(leaves, signed.from());
        let other = signed.to().and_then(|to| at(leaves, to));
        let signature = |key: &_| signed.check_signature(&rollup_id(), key);
        match tx::check(&context, signed, sender.as_ref(), other.as_ref(), signature) {
            Ok(effect) => {
                leaves.insert(signed.from().get(), effect.sender.after);
                if let Some(other) = effect.other {
                    leaves.insert(other.index.get(), other.after);
                }
                // Nobody spends from a fee account, so the order of fees makes no difference.
                leaves.get_mut(&fee.leaf.get()).unwrap().balance += effect.sender.fee;
                true
            }
            Err(_) => false,
        }
    }

    /// How many of the queued operations, at most so many, can be executed in one batch as in the order of acceptance.
    pub(super) fn in_order(&self, most: usize) -> usize {
        let mut touched: BTreeMap<AccountIndex, Section> = BTreeMap::new();
        let queued = self
            .operations
            .iter()
            .filter(|(_, state)| *state == OperationState::Queued);
        for (count, (request, _)) in queued.enumerate() {
            let section = request.section();
            let late = |account| touched.get(&account).is_some_and(|last| *last > section);
            if count >= most || request.accounts().any(late) {
                return count;
            }
            touched.extend(request.accounts().map(|account| (account, section)));
        }
        most
    }

    pub(super) fn remember(&mut self, key: u8, first_operation: u64, operations: u32) {
        let digest = [key; 32];
        let remembered = Remembered {
            digest,
            first_operation,
            operations,
        };
        self.keys.push((key, remembered));
        let surplus = self.keys.len().saturating_sub(NEWEST);
        self.keys.drain(..surplus);
    }

    pub(super) fn known(&self, key: u8) -> Option<Remembered> {
        self.keys
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, remembered)| *remembered)
    }

    pub(super) fn push_batch(&mut self, leaves: BTreeMap<u32, Leaf>, executed: &[u64], end: u64) {
        let number = u32::try_from(self.batches.len()).unwrap() + 1;
        let mut before = self.leaves[self.batches.len()].clone();
        let mut counts = SectionCounts::default();
        for id in executed {
            let request = self.operation(*id).0;
            let position = counts.push(request.section());
            let outcome = match request {
                Request::Signed(_) => None,
                Request::Priority(_) => Some(outcome(&mut before, &request)),
            };
            self.operation(*id).1 = OperationState::Executed {
                batch: number,
                position,
                outcome,
            };
        }
        self.batches.push(ModelBatch {
            stage: Stage::Executed,
            first: self.next,
            end,
            counts,
        });
        self.leaves.push(leaves);
        self.settle(end);
    }

    pub(super) fn settle(&mut self, end: u64) {
        self.next = if self.queued().is_empty() {
            self.last() + 1
        } else {
            end
        };
    }
}

/// What comes of a priority operation; those of a batch come first, so that nothing else has touched the leaves.
fn outcome(leaves: &mut BTreeMap<u32, Leaf>, request: &Request) -> Outcome {
    let Request::Priority(entry) = request else {
        panic!("{request:?}");
    };
    let index = entry.priority.leaf().get();
    let before = leaves.get(&index).copied();
    let effect = priority::check(&entry.priority, 1 << (2 * LEVELS), before.as_ref()).unwrap();
    let done = effect.after.is_some();
    leaves.extend(effect.after.map(|after| (index, after)));
    let (token, amount) = match (&entry.priority, before) {
        (Priority::Deposit(deposit), _) => (deposit.token.get(), deposit.amount),
        (Priority::ForcedExit(_), Some(leaf)) if done => (leaf.token, leaf.balance),
        _ => (0, 0),
    };
    Outcome { done, token, amount }
}
