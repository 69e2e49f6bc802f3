//! Making a batch of the queue's front.
//!
//! What belongs to it is chosen on leaf values alone ([`super::front`]); then the state-transition function executes it. Should that
//! refuse an operation, it is rejected too, and the choice begins anew: each round rejects at least one, so it comes to an end.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use quittance_circuits::batch::{AppliedBatch, ApplyError, BatchContext, Operations, apply_batch};
use quittance_circuits::state::{Overlay, StateChanges};
use quittance_circuits::types::BatchNumber;
use quittance_verifier::Shape;

use super::CutError;
use super::front::{Turn, operations, select};
use super::trial::Rules;
use super::worker::Worker;
use crate::batch::{Batch, FeeCredit, SectionCounts, Stage};
use crate::clock::now_ms;
use crate::operation::{Operation, Rejection, Whole};
use crate::store::{
    Snapshot,
    applied::{counts, queue_after},
};

impl Worker {
    /// Takes the front of the queue: into a batch, or rejected. Something is queued, and there is room for a batch.
    pub(super) fn cut(&mut self) -> Result<(), CutError> {
        let policy = Arc::clone(&self.policy);
        let rollup_id = self.rollup_id;
        let mut forced = BTreeMap::new();
        loop {
            let (state, ledger) = self.view()?;
            let number = next_number(&state).ok_or(CutError::NoNumberLeft)?;
            let rules = Rules {
                rollup_id: &rollup_id,
                batch_number: BatchNumber(number),
                fee_slots: policy.fee_slots(),
            };
            let front = match select(&policy, &rules, &state, ledger, &forced)? {
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
            let fee_slots = front.fee_slots(&policy);
            let operations = front.operations(fee_slots.clone());
            let (applied, changes) = match self.apply(&state, number, &operations) {
                Ok(done) => done,
                Err(error) => match (error.rule(), front.culprit(&fee_slots, &error)) {
                    (Some(rule), Some(operation)) => {
                        forced.insert(operation, rejection(rule, &error));
                        continue;
                    }
                    _ => return Err(CutError::State(error)),
                },
            };
            let first = state.head().next_operation;
            let shape = self.shape(first, &counts(&applied), fee_slots.len())?;
            let batch = executed(&state, &applied, shape, first..front.end);
            let (rejected, reasons) = unzipped(front.rejected);
            self.store.commit_queued(&batch, &applied, &changes, &reasons)?;
            let taken = front.taken.iter().chain(&rejected);
            self.settle(&reasons, taken, Some((&applied, &changes)));
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
        let queued = state.queued(first, count)?;
        let end = first.saturating_add(u64::from(whole.operations));
        let mut sections = SectionCounts::default();
        for operation in &queued {
            sections.push(operation.request.section());
        }
        let shape = self.shape(first, &sections, whole.fee_slots.len())?;
        let requests = queued.iter().map(|operation| &operation.request);
        match self.apply(state, number, &operations(requests, whole.fee_slots.clone())) {
            Ok((applied, changes)) => {
                let batch = executed(state, &applied, shape, state.head().next_operation..end);
                self.store.commit_queued(&batch, &applied, &changes, &[])?;
                self.settle(&[], &queued, Some((&applied, &changes)));
                self.announce(&batch);
                Ok(())
            }
            Err(error) => {
                let Some(rule) = error.rule() else {
                    return Err(CutError::State(error));
                };
                let reason = rejection(rule, &error);
                let rejected = queued.into_iter().map(|operation| (operation, reason.clone()));
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
        made: Option<(&AppliedBatch, &StateChanges)>,
    ) {
        for (operation, reason) in reasons {
            tracing::warn!(operation, reason = reason.message, "operation rejected");
        }
        let ledger = self.ledger_mut();
        for operation in operations {
            ledger.remove(&operation.request);
        }
        if !reasons.is_empty() {
            ledger.forget();
        }
        if let Some((applied, changes)) = made {
            ledger.executed(applied, changes);
        }
    }

    fn shape(&self, operation: u64, counts: &SectionCounts, fee_slots: usize) -> Result<Shape, CutError> {
        self.policy.plan(counts, fee_slots).ok_or(CutError::NoShape {
            operation,
            counts: *counts,
            fee_slots,
        })
    }

    /// Executes operations on the last state, with every path that their proof needs.
    pub(super) fn apply(
        &self,
        state: &Snapshot,
        number: u32,
        operations: &Operations,
    ) -> Result<(AppliedBatch, StateChanges), ApplyError> {
        let context = BatchContext {
            rollup_id: self.rollup_id,
            batch_number: BatchNumber(number),
            queue: state.head().executed.hash,
        };
        let mut overlay = Overlay::new(state)?;
        let applied = apply_batch(&mut overlay, &context, operations)?;
        Ok((applied, overlay.into_changes()))
    }
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

/// The number of the next batch.
pub(super) fn next_number(state: &Snapshot) -> Option<u32> {
    state.head().batch_number.checked_add(1)
}

pub(super) fn rejection(rule: &str, error: &dyn std::fmt::Display) -> Rejection {
    let mut message = error.to_string();
    message.truncate(message.floor_char_boundary(Rejection::MAX_MESSAGE_BYTES));
    Rejection {
        rule: rule.to_owned(),
        message,
        at_ms: now_ms(),
    }
}

/// A batch that was just executed, with the operations that it took off the queue.
pub(super) fn executed(
    state: &Snapshot,
    applied: &AppliedBatch,
    shape: Shape,
    operations: Range<u64>,
) -> Batch {
    Batch {
        number: applied.context.batch_number.get(),
        stage: Stage::Executed,
        shape,
        counts: counts(applied),
        queue_before: state.head().executed,
        queue_after: queue_after(applied, state.head().executed),
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
