//! Executing a batch that a client submits as a whole: after everything that was accepted before it, and at once.
//!
//! Its operations run in the order of the sections; within a section, in the client's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use quittance_circuits::batch::ApplyError;
use quittance_circuits::tx::fee::{self, FeeSlot};
use quittance_circuits::tx::{RuleError, SignedOperation};
use quittance_circuits::types::BatchNumber;
use quittance_verifier::Section;

use super::cut::{executed, next_number};
use super::error::Failure;
use super::front::operations;
use super::trial::{Base, Rules, Trial};
use super::worker::Worker;
use super::{CheckedOperation, SubmitError, WholeResult, WholeSubmission};
use crate::batch::SectionCounts;
use crate::clock::now_ms;
use crate::operation::{Keyed, OperationState, Remembered, Request, Whole};
use crate::policy::TokenPolicy;
use crate::store::{KeyReused, Snapshot, Submission};

impl Worker {
    /// Executes the batch, or gives what became of it under its key before. A refused one changes nothing but that what
    /// was accepted before it may be executed already.
    pub(super) fn execute_whole(&mut self, submission: WholeSubmission) -> Result<WholeResult, SubmitError> {
        let state = self.store.snapshot()?;
        if let Some(result) = repeated(&state, submission.keyed.as_ref())? {
            return Ok(result);
        }
        if let Some(reason) = self.stuck() {
            return Err(SubmitError::Stuck { reason });
        }
        self.policy.check_fee_slots(&submission.fee_slots)?;
        let fee_slots = self.fee_slots(&submission)?;
        let counts = submission.counts();
        let slots = fee_slots.len();
        let shape = self.policy.plan(&counts, slots).ok_or(SubmitError::NoShape {
            counts,
            fee_slots: slots,
        })?;
        // Before anything changes: what is executed has to be proved.
        self.memory
            .ask(&shape)
            .map_err(|shortage| SubmitError::Memory { shape, shortage })?;
        self.check_room(&state)?;
        if state.head().queued > 0 {
            // Before the queue is made into batches for its sake.
            self.try_behind_queue(&submission, &fee_slots)?;
            self.flush()?;
        }
        let state = self.store.snapshot()?;
        let number = next_number(&state).ok_or(SubmitError::NoNumberLeft)?;
        let signed: Vec<SignedOperation> = submission
            .operations
            .iter()
            .map(|operation| operation.signed)
            .collect();
        let requests: Vec<Request> = signed.iter().copied().map(Request::Signed).collect();
        let (applied, changes) = self.apply(&state, number, &operations(&requests, fee_slots.clone()))?;
        self.check_fees(&state, number, &submission, &fee_slots)?;
        let first_operation = state.head().last_operation.saturating_add(1);
        let count = counts.total();
        let end = first_operation.saturating_add(u64::from(count));
        let batch = executed(&state, &applied, shape, first_operation..end);
        let whole = Whole {
            operations: count,
            fee_slots,
        };
        let stored = Submission {
            operations: &signed,
            whole: &whole,
            keyed: submission.keyed.as_ref(),
            accepted_at_ms: now_ms(),
        };
        self.store.commit_whole(&batch, &applied, &changes, &stored)?;
        self.ledger_mut().executed(&applied, &changes);
        self.announce(&batch);
        Ok(WholeResult {
            batch,
            first_operation,
            operations: count,
            repeated: false,
        })
    }

    /// The fee slots that the client named, or those of the policy for the tokens of the batch's senders.
    fn fee_slots(&mut self, submission: &WholeSubmission) -> Result<Vec<FeeSlot>, SubmitError> {
        if !submission.fee_slots.is_empty() {
            return Ok(submission.fee_slots.clone());
        }
        let policy = Arc::clone(&self.policy);
        let (state, ledger) = self.view()?;
        let mut trial = Trial::new(ledger, &state, Base::Pending)?;
        let mut tokens = BTreeSet::new();
        // Of leaves that the batch itself opens.
        let mut opened = BTreeMap::new();
        for (_, operation) in submission.in_order() {
            let signed = &operation.signed;
            let sender = signed.from();
            let token = match trial.leaf(sender)? {
                Some(leaf) => Some(leaf.token),
                None => opened.get(&sender).copied(),
            };
            tokens.extend(token);
            if let (Section::Openings, Some(to), Some(token)) = (signed.section(), signed.to(), token) {
                opened.insert(to, token);
            }
        }
        let taken = tokens.iter().filter_map(|token| policy.token(*token));
        let slots: Vec<FeeSlot> = taken.map(TokenPolicy::fee_slot).collect();
        match policy.fee_slots().first() {
            None => Err(SubmitError::NoFeeSlot),
            // No sender exists or none has a token of the service: the rules say which.
            Some(first) if slots.is_empty() => Ok(vec![*first]),
            Some(_) => Ok(slots),
        }
    }

    /// Whether there may be as many batches more as the queue and this one need at least.
    fn check_room(&self, state: &Snapshot) -> Result<(), SubmitError> {
        let batching = &self.policy.batching;
        let (pending, queued) = (state.pending_count()?, state.head().queued);
        let limit = batching.max_unproved_batches;
        let before = queued.div_ceil(u64::from(batching.max_operations.max(1)));
        if pending >= u64::from(limit) {
            Err(SubmitError::TooManyUnproved { pending, limit })
        } else if pending.saturating_add(before) >= u64::from(limit) {
            Err(SubmitError::NoRoomBehindQueue {
                queued,
                pending,
                limit,
            })
        } else {
            Ok(())
        }
    }

    /// Checks the batch on the values that the queue will leave behind, as far as they are known: a leaf that takes fees may hold
    /// more, if a forced exit of the queue comes before fees of its batch, so a batch that may need them is not refused here.
    fn try_behind_queue(
        &mut self,
        submission: &WholeSubmission,
        fee_slots: &[FeeSlot],
    ) -> Result<(), SubmitError> {
        let (policy, rollup_id) = (Arc::clone(&self.policy), self.rollup_id);
        let (state, ledger) = self.view()?;
        let rules = Rules {
            rollup_id: &rollup_id,
            batch_number: BatchNumber(next_number(&state).ok_or(SubmitError::NoNumberLeft)?),
            fee_slots,
        };
        let mut trial = Trial::new(ledger, &state, Base::Pending)?;
        for (index, operation) in submission.in_order() {
            let signed = &operation.signed;
            let section = signed.section();
            let checked = trial.check_signed(&rules, signed, |key| operation.signature(&rollup_id, key));
            match checked {
                Ok(checked) => {
                    if let Some((token, fee)) = checked.fee {
                        policy.check_fee(section, index, token, fee)?;
                    }
                    trial.take(&checked);
                }
                Err(Failure::Rule(RuleError::BalanceCovers { .. }))
                    if state.whole_at(state.head().next_operation)?.is_some()
                        || policy.fee_slots().iter().any(|slot| slot.leaf == signed.from()) =>
                {
                    return Ok(());
                }
                Err(Failure::Rule(error)) => {
                    let error = ApplyError::Operation {
                        section,
                        index,
                        error,
                    };
                    return Err(error.into());
                }
                Err(other) => return Err(other.into()),
            }
        }
        for (slot, fee_slot) in fee_slots.iter().enumerate() {
            let account = trial.leaf(fee_slot.leaf)?;
            fee::check(fee_slot, Some(0), trial.capacity(), account.as_ref())
                .map_err(|error| ApplyError::Fee { slot, error })?;
        }
        Ok(())
    }

    /// The operator's least fees, of a batch that breaks no rule.
    fn check_fees(
        &mut self,
        state: &Snapshot,
        number: u32,
        submission: &WholeSubmission,
        fee_slots: &[FeeSlot],
    ) -> Result<(), SubmitError> {
        let (policy, rollup_id) = (Arc::clone(&self.policy), self.rollup_id);
        let rules = Rules {
            rollup_id: &rollup_id,
            batch_number: BatchNumber(number),
            fee_slots,
        };
        let mut trial = Trial::new(self.ledger_of(state)?, state, Base::Executed)?;
        for (index, operation) in submission.in_order() {
            let checked = trial.check_signed(&rules, &operation.signed, |_| Ok(()))?;
            if let Some((token, fee)) = checked.fee {
                policy.check_fee(operation.signed.section(), index, token, fee)?;
            }
            trial.take(&checked);
        }
        Ok(())
    }

    /// Makes batches until nothing is queued.
    fn flush(&mut self) -> Result<(), SubmitError> {
        loop {
            let state = self.store.snapshot()?;
            let queued = state.head().queued;
            if queued == 0 {
                return Ok(());
            }
            let (pending, limit) = (state.pending_count()?, self.policy.batching.max_unproved_batches);
            // One more has to fit behind these.
            if pending.saturating_add(1) >= u64::from(limit) {
                return Err(SubmitError::NoRoomBehindQueue {
                    queued,
                    pending,
                    limit,
                });
            }
            self.cut().map_err(|error| SubmitError::Stuck {
                reason: Arc::new(error),
            })?;
        }
    }
}

impl WholeSubmission {
    /// Its operations in each section.
    pub(super) fn counts(&self) -> SectionCounts {
        let mut counts = SectionCounts::default();
        for operation in &self.operations {
            counts.push(operation.signed.section());
        }
        counts
    }

    /// Its operations as a batch executes them, each with its position in its section.
    fn in_order(&self) -> impl Iterator<Item = (usize, &CheckedOperation)> {
        Section::ALL.into_iter().flat_map(|section| {
            let all = self.operations.iter();
            all.filter(move |operation| operation.signed.section() == section)
                .enumerate()
        })
    }
}

/// What became of the batch that was submitted under this key, if there was one.
fn repeated(state: &Snapshot, keyed: Option<&Keyed>) -> Result<Option<WholeResult>, SubmitError> {
    let Some(keyed) = keyed else {
        return Ok(None);
    };
    let Some(remembered) = state.remembered(&keyed.key)? else {
        return Ok(None);
    };
    if remembered.digest != keyed.digest {
        let key = keyed.key.clone();
        return Err(KeyReused { key, remembered }.into());
    }
    let Remembered {
        first_operation,
        operations,
        ..
    } = remembered;
    match state.operation(first_operation)?.state {
        OperationState::Executed { batch, .. } => Ok(Some(WholeResult {
            batch: state.batch(batch)?,
            first_operation,
            operations,
            repeated: true,
        })),
        OperationState::Queued => Err(SubmitError::QueuedAgain {
            first_operation,
            last_operation: first_operation
                .saturating_add(u64::from(operations))
                .saturating_sub(1),
        }),
        OperationState::Rejected(rejection) => Err(SubmitError::RejectedLater {
            operation: first_operation,
            rule: rejection.rule,
            message: rejection.message,
        }),
    }
}
