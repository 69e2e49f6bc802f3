//! Making a batch of the queue's front.
//!
//! Operations are taken in the order of their ids, on leaf values alone, until the batch is full; what breaks a rule is
//! rejected there and the others go on. Then the state-transition function executes what was taken. Should it refuse an
//! operation, that one is rejected too, and the choice begins anew: each round rejects at least one, so it comes to an end.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use ark_bn254::Fr;
use quittance_circuits::batch::{AppliedBatch, ApplyError, BatchContext, apply_batch};
use quittance_circuits::state::{Overlay, StateChanges};
use quittance_circuits::tx::fee::{self, FeeSlot};
use quittance_circuits::tx::transfer::SignedTransfer;
use quittance_circuits::types::BatchNumber;
use quittance_verifier::Shape;

use super::CutError;
use super::error::Failure;
use super::ledger::{Base, Ledger, Rules, Trial};
use super::worker::Worker;
use crate::batch::{Batch, FeeCredit, Stage};
use crate::clock::now_ms;
use crate::operation::{Operation, Rejection, Whole};
use crate::policy::{Policy, TokenPolicy};
use crate::store::Snapshot;

/// Most operations that are looked at for one batch: a long row of expired ones is rejected in several steps.
const VISITS: usize = 4096;

/// The queue's front, sorted out.
#[derive(Debug, Default)]
struct Front {
    taken: Vec<Operation>,
    rejected: Vec<(Operation, Rejection)>,
    /// The id after the last operation of both kinds.
    end: u64,
    /// Fees by token.
    paid: BTreeMap<u32, Paid>,
    /// An operation whose fee its leaf cannot hold.
    unpayable: Option<(u64, Rejection)>,
}

/// Fees in one token.
#[derive(Debug)]
struct Paid {
    /// `None` from 2^128 on.
    sum: Option<u128>,
    /// The last operation that pays one.
    last: u64,
}

/// What comes next.
enum Turn {
    /// Single transfers.
    Front(Front),
    /// A batch that was rolled back, from this operation on.
    Whole(u64, Whole),
}

impl Worker {
    /// Takes the front of the queue: into a batch, or rejected. Something is queued, and there is room for a batch.
    pub(super) fn cut(&mut self) -> Result<(), CutError> {
        let policy = Arc::clone(&self.policy);
        let rollup_id = self.rollup_id;
        let mut forced = BTreeMap::new();
        loop {
            let (state, ledger) = self.view()?;
            let number = next_number(&state).ok_or(CutError::NoNumberLeft)?;
            let front = match select(&policy, &rollup_id, &state, ledger, number, &forced)? {
                Turn::Front(front) => front,
                Turn::Whole(first, whole) => return self.cut_whole(&state, number, first, &whole),
            };
            if let Some((operation, rejection)) = front.unpayable {
                forced.insert(operation, rejection);
                continue;
            }
            if front.taken.is_empty() {
                return self.reject(front.end, front.rejected);
            }
            let slots = front.paid.keys().filter_map(|token| policy.token(*token));
            let fee_slots: Vec<FeeSlot> = slots.map(TokenPolicy::fee_slot).collect();
            let (applied, changes) = match self.apply(&state, number, &signed(&front.taken), &fee_slots) {
                Ok(done) => done,
                Err(error) => match (error.rule(), culprit(&front, &fee_slots, &error)) {
                    (Some(rule), Some(operation)) => {
                        forced.insert(operation, rejection(rule, &error));
                        continue;
                    }
                    _ => return Err(CutError::State(error)),
                },
            };
            let first = state.head().next_operation;
            let shape = self.shape(first, applied.transfers.len(), fee_slots.len())?;
            let batch = executed(&applied, shape, first..front.end);
            let (rejected, reasons) = unzipped(front.rejected);
            self.store.commit_queued(&batch, &applied, &changes, &reasons)?;
            self.settle(&reasons, front.taken.iter().chain(&rejected), Some(&changes));
            self.announce(&batch);
            return Ok(());
        }
    }

    /// Executes a batch again that was rolled back, with its own fee slots, or rejects it as a whole.
    fn cut_whole(
        &mut self,
        state: &Snapshot,
        number: u32,
        first: u64,
        whole: &Whole,
    ) -> Result<(), CutError> {
        let count = usize::try_from(whole.operations).unwrap_or(usize::MAX);
        let operations = state.queued(first, count)?;
        let end = first.saturating_add(u64::from(whole.operations));
        let shape = self.shape(first, count, whole.fee_slots.len())?;
        match self.apply(state, number, &signed(&operations), &whole.fee_slots) {
            Ok((applied, changes)) => {
                let batch = executed(&applied, shape, state.head().next_operation..end);
                self.store.commit_queued(&batch, &applied, &changes, &[])?;
                self.settle(&[], &operations, Some(&changes));
                self.announce(&batch);
                Ok(())
            }
            Err(error) => {
                let Some(rule) = error.rule() else {
                    return Err(CutError::State(error));
                };
                let reason = rejection(rule, &error);
                let rejected = operations
                    .into_iter()
                    .map(|operation| (operation, reason.clone()));
                self.reject(end, rejected.collect())
            }
        }
    }

    /// Takes operations off the queue without a batch.
    fn reject(&mut self, end: u64, rejected: Vec<(Operation, Rejection)>) -> Result<(), CutError> {
        let (operations, reasons) = unzipped(rejected);
        self.store.reject_queued(end, &reasons)?;
        self.settle(&reasons, &operations, None);
        self.announce_operations();
        Ok(())
    }

    /// The store has taken these operations off the queue.
    fn settle<'a>(
        &mut self,
        reasons: &[(u64, Rejection)],
        operations: impl IntoIterator<Item = &'a Operation>,
        changes: Option<&StateChanges>,
    ) {
        for (operation, reason) in reasons {
            tracing::warn!(operation, reason = reason.message, "operation rejected");
        }
        let ledger = self.ledger_mut();
        if let Some(changes) = changes {
            ledger.executed(changes);
        }
        for operation in operations {
            ledger.remove(operation);
        }
    }

    fn shape(&self, operation: u64, transfers: usize, fee_slots: usize) -> Result<Shape, CutError> {
        self.policy.plan(transfers, fee_slots).ok_or(CutError::NoShape {
            operation,
            transfers,
            fee_slots,
        })
    }

    /// Executes transfers on the last state, with every path that their proof needs.
    pub(super) fn apply(
        &self,
        state: &Snapshot,
        number: u32,
        transfers: &[SignedTransfer],
        fee_slots: &[FeeSlot],
    ) -> Result<(AppliedBatch, StateChanges), ApplyError> {
        let context = BatchContext {
            rollup_id: self.rollup_id,
            batch_number: BatchNumber(number),
        };
        let mut overlay = Overlay::new(state)?;
        let applied = apply_batch(&mut overlay, &context, transfers, fee_slots)?;
        Ok((applied, overlay.into_changes()))
    }
}

fn signed(operations: &[Operation]) -> Vec<SignedTransfer> {
    operations.iter().map(|operation| operation.signed).collect()
}

fn unzipped(rejected: Vec<(Operation, Rejection)>) -> (Vec<Operation>, Vec<(u64, Rejection)>) {
    rejected
        .into_iter()
        .map(|(operation, reason)| {
            let id = operation.id;
            (operation, (id, reason))
        })
        .unzip()
}

/// Sorts the queue's front out on leaf values. `forced` are operations that are rejected for another reason.
fn select(
    policy: &Policy,
    rollup_id: &Fr,
    state: &Snapshot,
    ledger: &mut Ledger,
    number: u32,
    forced: &BTreeMap<u64, Rejection>,
) -> Result<Turn, CutError> {
    let rules = Rules {
        rollup_id,
        batch_number: BatchNumber(number),
        fee_slots: policy.fee_slots(),
    };
    let mut trial = Trial::new(ledger, state, Base::Executed)?;
    let mut front = Front {
        end: state.head().next_operation,
        ..Front::default()
    };
    let full = usize::try_from(policy.batching.max_transfers).unwrap_or(usize::MAX);
    'pages: loop {
        let page = state.queued(front.end, full.min(VISITS))?;
        if page.is_empty() {
            break;
        }
        for operation in page {
            let id = operation.id;
            if let Some(whole) = state.whole_at(id)? {
                if front.taken.is_empty() && front.rejected.is_empty() {
                    return Ok(Turn::Whole(id, whole));
                }
                break 'pages;
            }
            if front.taken.len() >= full || front.taken.len() + front.rejected.len() >= VISITS {
                break 'pages;
            }
            // The signature was checked when the transfer was accepted, and is again when the batch is executed.
            let outcome = match forced.get(&id) {
                Some(rejection) => Err(rejection.clone()),
                None => match trial.check(&rules, &operation.signed, |_| Ok(())) {
                    Ok(effect) => Ok(effect),
                    Err(Failure::Rule(error)) => Err(rejection(error.rule(), &error)),
                    Err(Failure::Store(error)) => return Err(error.into()),
                },
            };
            match outcome {
                Ok(effect) => {
                    let token = effect.sender_before.token;
                    let tokens = front.paid.len() + usize::from(!front.paid.contains_key(&token));
                    if policy.plan(front.taken.len() + 1, tokens).is_none() {
                        break 'pages;
                    }
                    trial.take(&operation.signed, &effect);
                    let paid = front.paid.entry(token).or_insert(Paid {
                        sum: Some(0),
                        last: id,
                    });
                    paid.sum = paid.sum.and_then(|sum| sum.checked_add(effect.fee));
                    if effect.fee > 0 {
                        paid.last = id;
                    }
                    front.taken.push(operation);
                }
                Err(rejection) => front.rejected.push((operation, rejection)),
            }
            front.end = id.saturating_add(1);
        }
    }
    for (token, paid) in &front.paid {
        let Some(slot) = policy.token(*token).map(TokenPolicy::fee_slot) else {
            continue;
        };
        let account = trial.leaf(slot.leaf)?;
        if let Err(error) = fee::check(&slot, paid.sum, trial.capacity(), account.as_ref()) {
            front.unpayable = Some((paid.last, rejection(error.rule(), &error)));
        }
    }
    Ok(Turn::Front(front))
}

/// The operation without which the state-transition function might have accepted the front.
fn culprit(front: &Front, fee_slots: &[FeeSlot], error: &ApplyError) -> Option<u64> {
    match error {
        ApplyError::Transfer { index, .. } => Some(front.taken.get(*index)?.id),
        ApplyError::Fee { slot, .. } => {
            let token = fee_slots.get(*slot)?.token.get();
            Some(front.paid.get(&token)?.last)
        }
        _ => None,
    }
}

/// The number of the next batch.
pub(super) fn next_number(state: &Snapshot) -> Option<u32> {
    state.head().batch_number.checked_add(1)
}

fn rejection(rule: &str, error: &dyn std::fmt::Display) -> Rejection {
    let mut message = error.to_string();
    message.truncate(message.floor_char_boundary(Rejection::MAX_MESSAGE_BYTES));
    Rejection {
        rule: rule.to_owned(),
        message,
        at_ms: now_ms(),
    }
}

/// A batch that was just executed, with the operations that it took off the queue.
pub(super) fn executed(applied: &AppliedBatch, shape: Shape, operations: Range<u64>) -> Batch {
    Batch {
        number: applied.context.batch_number.get(),
        stage: Stage::Executed,
        shape,
        // At most the shape's slots, which are u32.
        transfers: u32::try_from(applied.transfers.len()).unwrap_or(u32::MAX),
        first_operation: operations.start,
        end_operation: operations.end,
        old_root: applied.old_root,
        new_root: applied.new_root,
        fees: applied
            .fees
            .iter()
            .map(|fee| FeeCredit {
                leaf: fee.slot.leaf.get(),
                token: fee.slot.token.get(),
                amount: fee.amount,
            })
            .collect(),
        attempts: 0,
        executed_at_ms: now_ms(),
        proved_at_ms: None,
        failure: String::new(),
        phases: Vec::new(),
    }
}
