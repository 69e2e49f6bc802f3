//! Leaves as they will be when everything that waits is executed, without a tree.
//!
//! The pending leaf of an account is its executed one after all operations that wait and touch it, one after another in the order
//! of acceptance, by the rules themselves. A fee counts for the leaf that takes it as soon as the operation that pays it waits:
//! a batch ends before an operation that needs fees of its own batch ([`super::front`]), so whoever counts on a fee has it in time,
//! also when batches were taken back and end elsewhere. A batch that was submitted as a whole pays to its own fee slots, after
//! its last operation.
//!
//! Executing the front of the queue therefore changes no pending leaf: a batch's order of sections gives the same leaves.
//! Three things do: an operation that is rejected, on which others may have counted; a forced exit and fees for the same leaf in
//! one batch, because it comes before them whatever the order of acceptance, and pays less; and a leaf near 2^128, which may hold a
//! deposit before those fees and not after them, or cannot hold all fees. Then everything that waits is gone through again, at
//! most as much as may be queued. Deposits to a leaf that takes fees, which anyone can make, do not cost that.

use std::collections::{HashMap, HashSet};

use quittance_circuits::batch::{AppliedBatch, AppliedPriority};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::state::StateChanges;
use quittance_circuits::tx::Priority;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::types::AccountIndex;

use super::trial::{Base, Rules, Trial, Trouble};
use crate::batch::SectionCounts;
use crate::operation::{Operation, Request};
use crate::store::{Snapshot, StoreError};

/// Executed leaves that are kept at hand, so that the next operation of an account need not read them.
const KEPT: usize = 1 << 16;

/// Operations that are read at a time.
pub(super) const PAGE: usize = 1024;

/// What waits, and the executed leaves that were read last.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Leaves that something waiting changes, after all of it.
    pending: HashMap<u32, Leaf>,
    /// How many waiting operations touch an account.
    touching: HashMap<u32, u64>,
    /// Leaves to which waiting operations pay fees: their pending leaves stay as long as anything waits.
    paid: HashSet<u32>,
    /// Whether a leaf cannot hold the fees that wait for it.
    overflowing: bool,
    counts: SectionCounts,
    executed: HashMap<u32, Option<Leaf>>,
    /// Whether the pending leaves are to be made anew.
    stale: bool,
}

/// Queued operations that are executed as one batch.
struct Group {
    first: u64,
    /// The id after the last one.
    end: u64,
    requests: Vec<Request>,
    /// Its own, which may take tokens that the policy does not.
    fee_slots: Vec<FeeSlot>,
}

impl Ledger {
    /// Goes through everything that waits in the store.
    pub(super) fn load(state: &Snapshot, rules: &Rules<'_>) -> Result<Self, StoreError> {
        Self::load_with(state, rules, |_, _| {})
    }

    /// The same, and tells which operations would not be executed as they wait: the first one's id of a batch with fee slots of its own.
    pub(super) fn load_with(
        state: &Snapshot,
        rules: &Rules<'_>,
        told: impl FnMut(u64, Trouble),
    ) -> Result<Self, StoreError> {
        let mut ledger = Self::default();
        ledger.reload(state, rules, told)?;
        Ok(ledger)
    }

    /// Makes the pending leaves anew if something has happened that they do not follow by themselves.
    pub(super) fn refresh(&mut self, state: &Snapshot, rules: &Rules<'_>) -> Result<(), StoreError> {
        if self.stale {
            self.reload(state, rules, |_, _| {})
        } else {
            Ok(())
        }
    }

    fn reload(
        &mut self,
        state: &Snapshot,
        rules: &Rules<'_>,
        mut told: impl FnMut(u64, Trouble),
    ) -> Result<(), StoreError> {
        let mut requests = Vec::new();
        let mut group: Option<Group> = None;
        self.paid.clear();
        self.overflowing = false;
        let mut trial = Trial::new(self, state, Base::Executed)?;
        let mut next = state.head().next_operation;
        loop {
            let page = state.queued(next, PAGE)?;
            let Some(last) = page.last() else {
                break;
            };
            next = last.id.saturating_add(1);
            for Operation { id, request, .. } in page {
                requests.push(request);
                if let Some(whole) = state.whole_at(id)? {
                    group = Some(Group {
                        first: id,
                        end: id.saturating_add(u64::from(whole.operations)),
                        requests: Vec::new(),
                        fee_slots: whole.fee_slots,
                    });
                }
                let Some(whole) = &mut group else {
                    if let Some(trouble) = trial.replay(rules, &[request])? {
                        told(id, trouble);
                    }
                    continue;
                };
                whole.requests.push(request);
                if id.saturating_add(1) >= whole.end {
                    whole.requests.sort_by_key(Request::section);
                    let rules = Rules {
                        fee_slots: &whole.fee_slots,
                        ..*rules
                    };
                    if let Some(trouble) = trial.replay(&rules, &whole.requests)? {
                        told(whole.first, trouble);
                    }
                    group = None;
                }
            }
        }
        let leaves = trial.into_leaves();
        self.pending.clear();
        self.touching.clear();
        self.counts = SectionCounts::default();
        self.accept(&requests, leaves);
        self.stale = false;
        Ok(())
    }

    /// Operations were accepted that leave these leaves behind.
    pub(super) fn accept(&mut self, requests: &[Request], leaves: HashMap<u32, Leaf>) {
        for request in requests {
            self.counts.push(request.section());
            for account in request.accounts() {
                let touching = self.touching.entry(account.get()).or_default();
                *touching = touching.saturating_add(1);
            }
        }
        self.pending.extend(leaves);
    }

    /// An operation waits no more.
    pub(super) fn remove(&mut self, request: &Request) {
        self.counts.pop(request.section());
        for account in request.accounts() {
            let index = account.get();
            match self.touching.get_mut(&index) {
                Some(touching) if *touching > 1 => *touching -= 1,
                _ => {
                    self.touching.remove(&index);
                    if !self.paid.contains(&index) {
                        self.pending.remove(&index);
                    }
                }
            }
        }
        if self.counts.total() == 0 {
            self.pending.clear();
            self.paid.clear();
            self.overflowing = false;
        }
    }

    /// Something that waits, or is about to, pays fees to this leaf, which can hold them or not.
    pub(super) fn expect_fees(&mut self, leaf: AccountIndex, fits: bool) {
        self.paid.insert(leaf.get());
        self.overflowing |= !fits;
    }

    /// The pending leaves are to be made anew before they are used.
    pub(super) const fn forget(&mut self) {
        self.stale = true;
    }

    /// Whether they are to be made anew.
    #[cfg(test)]
    pub(super) const fn is_stale(&self) -> bool {
        self.stale
    }

    /// A batch was executed: its leaves are the executed ones now. What it took off the queue is removed already.
    pub(super) fn executed(&mut self, applied: &AppliedBatch, changes: &StateChanges) {
        for (index, leaf) in &changes.leaves {
            self.keep(*index, Some(*leaf));
        }
        let turned_round = applied.priority.iter().any(|executed| {
            depends_on_fees(executed)
                && applied
                    .fees
                    .iter()
                    .any(|fee| fee.amount > 0 && fee.slot.leaf == executed.operation.leaf())
        });
        if self.overflowing || turned_round {
            self.forget();
        }
    }

    /// How many operations wait, by section.
    pub(super) const fn counts(&self) -> SectionCounts {
        self.counts
    }

    /// The leaf after the last batch, checked against its hash in the tree. `state` is the state after that batch.
    pub(super) fn executed_leaf(
        &mut self,
        state: &Snapshot,
        index: AccountIndex,
    ) -> Result<Option<Leaf>, StoreError> {
        let index = index.get();
        if let Some(leaf) = self.executed.get(&index) {
            return Ok(*leaf);
        }
        let leaf = state.account(index)?;
        self.keep(index, leaf);
        Ok(leaf)
    }

    /// The leaf with everything that waits.
    pub(super) fn pending_leaf(
        &mut self,
        state: &Snapshot,
        index: AccountIndex,
    ) -> Result<Option<Leaf>, StoreError> {
        match self.pending.get(&index.get()) {
            Some(leaf) => Ok(Some(*leaf)),
            None => self.executed_leaf(state, index),
        }
    }

    fn keep(&mut self, index: u32, leaf: Option<Leaf>) {
        if self.executed.len() >= KEPT {
            self.executed.clear();
        }
        self.executed.insert(index, leaf);
    }
}

/// Whether what became of an operation, or its amount, might be another after fees for its leaf.
fn depends_on_fees(executed: &AppliedPriority) -> bool {
    let before = executed.account.map_or(0, |leaf| leaf.balance);
    executed.done
        && match &executed.operation {
            Priority::ForcedExit(_) => true,
            // All fees of a batch are less than half of what a leaf can hold.
            Priority::Deposit(deposit) => before.saturating_add(deposit.amount) > u128::MAX / 2,
        }
}
