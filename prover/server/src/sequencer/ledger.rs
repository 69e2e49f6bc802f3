//! Leaf values as they will be when everything that waits is executed, without a tree.
//!
//! A transfer adds to three numbers: what its sender holds, its sender's nonce, what its recipient holds. So the pending
//! value of an account is its executed value and the sum of what waits, and executing or rejecting one operation takes
//! exactly its own part away again, whatever became of the others. Fees are credited when a batch is made, and count for
//! nothing before.

use std::collections::HashMap;

use ark_bn254::Fr;
use quittance_circuits::babyjubjub::PublicKey;
use quittance_circuits::leaf::Leaf;
use quittance_circuits::state::StateChanges;
use quittance_circuits::tree::Levels;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::transfer::{
    self, SignedTransfer, TransferContext, TransferEffect, TransferError,
};
use quittance_circuits::types::{AccountIndex, BatchNumber};

use super::error::Failure;
use crate::operation::Operation;
use crate::store::{Snapshot, StoreError};

/// Executed leaves that are kept at hand, so that the next transfer of an account need not read them.
const KEPT: usize = 1 << 16;

/// Operations that are read at a time.
pub(super) const PAGE: usize = 1024;

/// The sums of what waits, and the executed leaves that were read last.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    waiting: HashMap<u32, Waiting>,
    executed: HashMap<u32, Option<Leaf>>,
}

/// What waits for one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Waiting {
    /// What it will receive less what it will pay.
    net: Sum,
    /// How often it sends.
    sent: u32,
}

impl Ledger {
    /// Adds up everything that waits in the store.
    pub(super) fn load(state: &Snapshot) -> Result<Self, StoreError> {
        let mut ledger = Self::default();
        let mut next = state.head().next_operation;
        loop {
            let page = state.queued(next, PAGE)?;
            let Some(last) = page.last() else {
                return Ok(ledger);
            };
            next = last.id.saturating_add(1);
            for operation in &page {
                ledger.add(&operation.signed);
            }
        }
    }

    /// A transfer was accepted.
    pub(super) fn add(&mut self, signed: &SignedTransfer) {
        self.change(signed, Sum::plus, Sum::minus, |sent| sent.saturating_add(1));
    }

    /// An operation waits no more.
    pub(super) fn remove(&mut self, operation: &Operation) {
        self.change(&operation.signed, Sum::minus, Sum::plus, |sent| {
            sent.saturating_sub(1)
        });
    }

    fn change(
        &mut self,
        signed: &SignedTransfer,
        receive: fn(&mut Sum, u128),
        pay: fn(&mut Sum, u128),
        send: fn(u32) -> u32,
    ) {
        let transfer = &signed.transfer;
        // What was accepted was covered by a balance, so that both values and their sum are below 2^128.
        let amount = transfer.amount.checked_value().unwrap_or(u128::MAX);
        let fee = transfer.fee.checked_value().unwrap_or(u128::MAX);
        let (from, to) = (transfer.from.get(), transfer.to.get());
        let sender = self.waiting.entry(from).or_default();
        pay(&mut sender.net, amount);
        pay(&mut sender.net, fee);
        sender.sent = send(sender.sent);
        receive(&mut self.waiting.entry(to).or_default().net, amount);
        for index in [from, to] {
            if self.waiting.get(&index) == Some(&Waiting::default()) {
                self.waiting.remove(&index);
            }
        }
    }

    /// A batch was executed: its leaves are the executed ones now.
    pub(super) fn executed(&mut self, changes: &StateChanges) {
        for (index, leaf) in &changes.leaves {
            self.keep(*index, Some(*leaf));
        }
    }

    /// The leaf after the last batch, checked against its hash in the tree. `state` is the state after that batch.
    fn executed_leaf(&mut self, state: &Snapshot, index: u32) -> Result<Option<Leaf>, StoreError> {
        if let Some(leaf) = self.executed.get(&index) {
            return Ok(*leaf);
        }
        let leaf = state.account(index)?;
        self.keep(index, leaf);
        Ok(leaf)
    }

    fn keep(&mut self, index: u32, leaf: Option<Leaf>) {
        if self.executed.len() >= KEPT {
            self.executed.clear();
        }
        self.executed.insert(index, leaf);
    }

    /// The leaf with everything that waits.
    fn pending_leaf(&mut self, state: &Snapshot, index: u32) -> Result<Option<Leaf>, StoreError> {
        let leaf = self.executed_leaf(state, index)?;
        let waiting = self.waiting.get(&index).copied().unwrap_or_default();
        Ok(leaf.map(|mut leaf| {
            leaf.balance = waiting.net.on(leaf.balance);
            leaf.nonce = leaf.nonce.saturating_add(waiting.sent);
            leaf
        }))
    }
}

/// Which values a trial begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// After the last batch.
    Executed,
    /// With everything that waits.
    Pending,
}

/// Transfers one after another on leaf values alone; nothing is changed but the trial itself.
#[derive(Debug)]
pub(super) struct Trial<'a> {
    ledger: &'a mut Ledger,
    state: &'a Snapshot,
    base: Base,
    leaves: HashMap<u32, Leaf>,
    capacity: u64,
}

impl<'a> Trial<'a> {
    pub(super) fn new(ledger: &'a mut Ledger, state: &'a Snapshot, base: Base) -> Result<Self, StoreError> {
        let levels = quittance_circuits::state::StateReader::levels(state);
        Ok(Self {
            ledger,
            state,
            base,
            leaves: HashMap::new(),
            capacity: Levels::new(levels)?.width(0),
        })
    }

    /// Number of places in the tree.
    pub(super) const fn capacity(&self) -> u64 {
        self.capacity
    }

    /// The leaf with what was tried so far; `None` for an empty place and for one beyond the tree.
    pub(super) fn leaf(&mut self, index: AccountIndex) -> Result<Option<Leaf>, StoreError> {
        let index = index.get();
        if u64::from(index) >= self.capacity {
            return Ok(None);
        }
        match (self.leaves.get(&index), self.base) {
            (Some(leaf), _) => Ok(Some(*leaf)),
            (None, Base::Executed) => self.ledger.executed_leaf(self.state, index),
            (None, Base::Pending) => self.ledger.pending_leaf(self.state, index),
        }
    }

    /// Checks a transfer by the native rules. `signature` stands for the rules of the signature, with the sender's key.
    pub(super) fn check(
        &mut self,
        rules: &Rules<'_>,
        signed: &SignedTransfer,
        signature: impl FnOnce(&PublicKey) -> Result<(), TransferError>,
    ) -> Result<TransferEffect, Failure<TransferError>> {
        let context = TransferContext {
            rollup_id: rules.rollup_id,
            batch_number: rules.batch_number,
            capacity: self.capacity,
            fee_slots: rules.fee_slots,
        };
        let sender = self.leaf(signed.transfer.from)?;
        let recipient = self.leaf(signed.transfer.to)?;
        transfer::check_with(&context, signed, sender.as_ref(), recipient.as_ref(), signature)
            .map_err(Failure::Rule)
    }

    /// Takes the effect of a transfer over that was just checked.
    pub(super) fn take(&mut self, signed: &SignedTransfer, effect: &TransferEffect) {
        self.leaves.insert(signed.transfer.from.get(), effect.sender);
        self.leaves.insert(signed.transfer.to.get(), effect.recipient);
    }
}

/// What a trial's transfers are checked against beside the leaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    pub(super) rollup_id: &'a Fr,
    pub(super) batch_number: BatchNumber,
    pub(super) fee_slots: &'a [FeeSlot],
}

/// A sum of amounts with either sign: high·2^128 + low.
///
/// Sums of a queue can leave 128 bits for a while, when operations on which others count were rejected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    high: i64,
    low: u128,
}

impl Sum {
    fn plus(&mut self, amount: u128) {
        let (low, carry) = self.low.overflowing_add(amount);
        self.low = low;
        self.high = self.high.saturating_add(i64::from(carry));
    }

    fn minus(&mut self, amount: u128) {
        let (low, borrow) = self.low.overflowing_sub(amount);
        self.low = low;
        self.high = self.high.saturating_sub(i64::from(borrow));
    }

    /// The balance and this sum, or the nearest value that a balance can have.
    fn on(mut self, balance: u128) -> u128 {
        self.plus(balance);
        match self.high {
            0 => self.low,
            ..0 => 0,
            _ => u128::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_leave_128_bits_and_come_back() {
        let mut sum = Sum::default();
        for _ in 0..3 {
            sum.minus(u128::MAX);
            assert_eq!(sum.on(7), 0);
        }
        for _ in 0..3 {
            sum.plus(u128::MAX);
        }
        assert_eq!(sum, Sum::default());
        sum.plus(u128::MAX);
        assert_eq!((sum.on(0), sum.on(1)), (u128::MAX, u128::MAX));
        sum.minus(u128::MAX - 5);
        assert_eq!(sum.on(10), 15);
        sum.minus(10);
        assert_eq!((sum.on(10), sum.on(5), sum.on(4)), (5, 0, 0));
    }
}
