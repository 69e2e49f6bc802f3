//! Entering operations of the root chain's queue: in its order, without gaps, and never twice.

use std::sync::Arc;

use quittance_circuits::types::BatchNumber;
use quittance_verifier::Section;

use super::trial::{Base, Rules, Trial};
use super::worker::Worker;
use super::{Enrolled, SubmitError};
use crate::clock::now_ms;
use crate::operation::{Entry, Request};
use crate::store::{NewPriority, Snapshot, StoreError};

impl Worker {
    /// Enters operations in order, up to the first that is refused, in one transaction.
    pub(super) fn enter(&mut self, items: &[NewPriority]) -> Result<Enrolled, StoreError> {
        let state = self.store.snapshot()?;
        let mut refused = None;
        let mut count = 0;
        let mut next = state.head().entered.next;
        for item in items {
            // A gap is the store's to refuse, however far it goes: it is not the queue that is full.
            if item.index > next {
                count += 1;
                break;
            }
            next = next.max(item.index.saturating_add(1));
            if let Err(error) = self.check_entry(&state, item) {
                refused = Some(error);
                break;
            }
            count += 1;
        }
        let accepted = items.get(..count).unwrap_or_default();
        let (entered, error) = self.store.enter(accepted, now_ms())?;
        // The store's word on an earlier one comes first.
        let refused = error.map(SubmitError::Enter).or(refused);
        let fresh = accepted
            .iter()
            .zip(&entered)
            .filter(|(_, entered)| !entered.repeated);
        let requests: Vec<Request> = fresh
            .map(|(item, entered)| {
                Request::Priority(Entry {
                    index: item.index,
                    priority: item.priority,
                    hash: entered.hash,
                })
            })
            .collect();
        if let Err(error) = self.follow(&state, &requests) {
            // They have entered all the same.
            self.ledger_mut().forget();
            return Err(error);
        }
        Ok(Enrolled { entered, refused })
    }

    /// What the store does not decide about an operation that is new.
    fn check_entry(&self, state: &Snapshot, item: &NewPriority) -> Result<(), SubmitError> {
        let head = state.head();
        if item.index < head.entered.next {
            return Ok(());
        }
        if let Some(reason) = self.stuck() {
            return Err(SubmitError::Stuck { reason });
        }
        let section = Section::Priority;
        if !self.policy.takes(section) {
            return Err(SubmitError::NoSlots { section });
        }
        let (queued, limit) = (
            item.index.saturating_sub(head.executed.next),
            self.policy.batching.max_queued,
        );
        if queued >= limit {
            return Err(SubmitError::QueueFull { queued, limit });
        }
        let (leaf, capacity) = (item.priority.leaf().get(), self.capacity);
        if u64::from(leaf) >= capacity {
            return Err(SubmitError::LeafOutOfRange { leaf, capacity });
        }
        Ok(())
    }

    /// Takes what has entered over into the pending leaves, which stood on this state.
    fn follow(&mut self, state: &Snapshot, requests: &[Request]) -> Result<(), StoreError> {
        if requests.is_empty() {
            return Ok(());
        }
        let (policy, rollup_id) = (Arc::clone(&self.policy), self.rollup_id);
        // Nothing of these matters to a priority operation.
        let rules = Rules {
            rollup_id: &rollup_id,
            batch_number: BatchNumber(state.head().batch_number),
            fee_slots: policy.fee_slots(),
        };
        let ledger = self.ledger_of(state)?;
        let mut trial = Trial::new(ledger, state, Base::Pending)?;
        for request in requests {
            trial.replay(&rules, std::slice::from_ref(request))?;
        }
        let leaves = trial.into_leaves();
        ledger.accept(requests, leaves);
        Ok(())
    }
}
