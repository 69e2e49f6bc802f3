//! Operations one after another on leaf values alone; nothing is changed but the trial itself.

use std::collections::{BTreeMap, HashMap};

use ark_bn254::Fr;
use quittance_circuits::babyjubjub::PublicKey;
use quittance_circuits::leaf::Leaf;
use quittance_circuits::state::StateReader;
use quittance_circuits::tree::Levels;
use quittance_circuits::tx::fee::{self, FeeError, FeeSlot};
use quittance_circuits::tx::priority::{self, Priority};
use quittance_circuits::tx::{self, Effect, RuleContext, RuleError, SignedOperation};
use quittance_circuits::types::{AccountIndex, BatchNumber};

use super::error::Failure;
use super::ledger::Ledger;
use crate::operation::Request;
use crate::store::{Snapshot, StoreError};

/// Which values a trial begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// After the last batch.
    Executed,
    /// With everything that waits.
    Pending,
}

/// What signed operations are checked against beside the leaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    pub(super) rollup_id: &'a Fr,
    pub(super) batch_number: BatchNumber,
    pub(super) fee_slots: &'a [FeeSlot],
}

/// Operations on leaf values.
#[derive(Debug)]
pub(super) struct Trial<'a> {
    ledger: &'a mut Ledger,
    state: &'a Snapshot,
    base: Base,
    leaves: HashMap<u32, Leaf>,
    capacity: u64,
}

/// Why operations that were accepted would not be executed as they wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// One breaks a rule. `short` is who does not have what it spends, and in which token, if it is that.
    Refused { short: Option<(AccountIndex, u32)> },
    /// The leaf that takes their fees is no account, or one of another token.
    NoFeeLeaf { token: u32, leaf: AccountIndex },
}

/// An operation that passed every rule, with the leaves that it leaves behind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checked {
    leaves: [Option<(AccountIndex, Leaf)>; 2],
    /// Token and fee of a signed one.
    pub(super) fee: Option<(u32, u128)>,
}

impl<'a> Trial<'a> {
    pub(super) fn new(ledger: &'a mut Ledger, state: &'a Snapshot, base: Base) -> Result<Self, StoreError> {
        Ok(Self {
            ledger,
            state,
            base,
            leaves: HashMap::new(),
            capacity: Levels::new(state.levels())?.width(0),
        })
    }

    /// Number of places in the tree.
    pub(super) const fn capacity(&self) -> u64 {
        self.capacity
    }

    /// The leaves that were changed.
    pub(super) fn into_leaves(self) -> HashMap<u32, Leaf> {
        self.leaves
    }

    /// The leaf with what was tried so far; `None` for an empty place and for one beyond the tree.
    pub(super) fn leaf(&mut self, index: AccountIndex) -> Result<Option<Leaf>, StoreError> {
        if u64::from(index.get()) >= self.capacity {
            return Ok(None);
        }
        match (self.leaves.get(&index.get()), self.base) {
            (Some(leaf), _) => Ok(Some(*leaf)),
            (None, Base::Executed) => self.ledger.executed_leaf(self.state, index),
            (None, Base::Pending) => self.ledger.pending_leaf(self.state, index),
        }
    }

    /// Checks an operation by the native rules. `signature` stands for the rules of the signature, with the sender's key.
    pub(super) fn check(
        &mut self,
        rules: &Rules<'_>,
        request: &Request,
        signature: impl FnOnce(&PublicKey) -> Result<(), RuleError>,
    ) -> Result<Checked, Failure> {
        match request {
            Request::Priority(entry) => self.check_priority(&entry.priority),
            Request::Signed(signed) => self.check_signed(rules, signed, signature),
        }
    }

    pub(super) fn check_signed(
        &mut self,
        rules: &Rules<'_>,
        signed: &SignedOperation,
        signature: impl FnOnce(&PublicKey) -> Result<(), RuleError>,
    ) -> Result<Checked, Failure> {
        let context = RuleContext {
            rollup_id: rules.rollup_id,
            batch_number: rules.batch_number,
            capacity: self.capacity,
            fee_slots: rules.fee_slots,
        };
        let sender = self.leaf(signed.from())?;
        let other = match signed.to() {
            Some(to) => self.leaf(to)?,
            None => None,
        };
        let effect: Effect =
            tx::check(&context, signed, sender.as_ref(), other.as_ref(), signature).map_err(Failure::Rule)?;
        Ok(Checked {
            leaves: [
                Some((signed.from(), effect.sender.after)),
                effect.other.map(|other| (other.index, other.after)),
            ],
            fee: Some((effect.sender.before.token, effect.sender.fee)),
        })
    }

    fn check_priority(&mut self, priority: &Priority) -> Result<Checked, Failure> {
        let leaf = self.leaf(priority.leaf())?;
        let effect = priority::check(priority, self.capacity, leaf.as_ref()).map_err(Failure::Priority)?;
        Ok(Checked {
            leaves: [effect.after.map(|after| (priority.leaf(), after)), None],
            fee: None,
        })
    }

    /// Takes the effect of an operation over that was just checked.
    pub(super) fn take(&mut self, checked: &Checked) {
        // In this order: who pays itself receives afterwards.
        for (index, leaf) in checked.leaves.iter().flatten() {
            self.leaves.insert(index.get(), *leaf);
        }
    }

    /// The slot for a token, if its leaf is not there to take fees.
    pub(super) fn missing_fee_leaf(
        &mut self,
        slots: &[FeeSlot],
        token: u32,
    ) -> Result<Option<(usize, FeeError)>, StoreError> {
        for (at, slot) in slots.iter().enumerate() {
            if slot.token.get() == token {
                let account = self.leaf(slot.leaf)?;
                let checked = fee::check(slot, Some(0), self.capacity, account.as_ref());
                return Ok(checked.err().map(|error| (at, error)));
            }
        }
        Ok(None)
    }

    /// Counts a fee in a token for the leaf that takes it.
    pub(super) fn credit(&mut self, slots: &[FeeSlot], token: u32, fee: u128) -> Result<(), StoreError> {
        let Some(slot) = slots.iter().find(|slot| slot.token.get() == token) else {
            return Ok(());
        };
        if fee == 0 {
            return Ok(());
        }
        let account = self.leaf(slot.leaf)?;
        let credited = fee::check(slot, Some(fee), self.capacity, account.as_ref());
        self.ledger.expect_fees(slot.leaf, credited.is_ok());
        if let Ok(effect) = credited {
            self.leaves.insert(slot.leaf.get(), effect.credited);
        }
        Ok(())
    }

    /// Runs operations that were accepted, all of them or none, and counts their fees. Their signatures were checked then.
    pub(super) fn replay(
        &mut self,
        rules: &Rules<'_>,
        requests: &[Request],
    ) -> Result<Option<Trouble>, StoreError> {
        let mut before = Vec::new();
        let mut fees: BTreeMap<u32, u128> = BTreeMap::new();
        for request in requests {
            match self.check(rules, request, |_| Ok(())) {
                Ok(checked) => {
                    for (index, _) in checked.leaves.iter().flatten() {
                        before.push((index.get(), self.leaves.get(&index.get()).copied()));
                    }
                    self.take(&checked);
                    if let Some((token, fee)) = checked.fee {
                        let sum = fees.entry(token).or_default();
                        *sum = sum.saturating_add(fee);
                    }
                }
                Err(Failure::Store(error)) => return Err(error),
                // It will be rejected when its turn comes.
                Err(error @ (Failure::Rule(_) | Failure::Priority(_))) => {
                    let short = match (&error, request) {
                        (Failure::Rule(RuleError::BalanceCovers { .. }), Request::Signed(signed)) => {
                            let from = signed.from();
                            self.leaf(from)?.map(|leaf| (from, leaf.token))
                        }
                        _ => None,
                    };
                    for (index, leaf) in before.into_iter().rev() {
                        match leaf {
                            Some(leaf) => self.leaves.insert(index, leaf),
                            None => self.leaves.remove(&index),
                        };
                    }
                    return Ok(Some(Trouble::Refused { short }));
                }
            }
        }
        let mut trouble = None;
        for (token, fee) in fees {
            if let Some((slot, _)) = self.missing_fee_leaf(rules.fee_slots, token)?
                && let Some(slot) = rules.fee_slots.get(slot)
            {
                trouble = Some(Trouble::NoFeeLeaf {
                    token,
                    leaf: slot.leaf,
                });
            }
            self.credit(rules.fee_slots, token, fee)?;
        }
        Ok(trouble)
    }
}
