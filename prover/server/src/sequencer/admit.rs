//! Accepting single operations: checked one after another on the pending leaves, stored together.

use std::collections::HashMap;
use std::sync::Arc;

use ark_bn254::Fr;
use quittance_circuits::batch::ApplyError;
use quittance_circuits::types::BatchNumber;
use tokio::sync::oneshot;

use super::trial::{Base, Rules, Trial};
use super::worker::{Worker, reply};
use super::{Admitted, CutError, Single, SubmitError};
use crate::clock::now_ms;
use crate::operation::{IdempotencyKey, Remembered, Request};
use crate::policy::Policy;
use crate::store::{KeyReused, NewOperation, Snapshot, StoreError};

/// Operations of one request, and who waits for their answer.
pub(super) type Waiting = (Vec<Single>, oneshot::Sender<Admitted>);

impl Worker {
    /// Accepts the operations of all requests, in one transaction, and answers them.
    pub(super) fn admit_all(&mut self, waiting: Vec<Waiting>) {
        if waiting.is_empty() {
            return;
        }
        let (lists, answers): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        match self.admit(lists) {
            Ok(outcomes) => {
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    reply(answer, outcome);
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for answer in answers {
                    let outcome = Admitted {
                        accepted: Vec::new(),
                        refused: Some(SubmitError::Store(Arc::clone(&error))),
                    };
                    reply(answer, outcome);
                }
            }
        }
    }

    pub(super) fn admit(&mut self, lists: Vec<Vec<Single>>) -> Result<Vec<Admitted>, StoreError> {
        let (policy, rollup_id, stuck) = (Arc::clone(&self.policy), self.rollup_id, self.stuck());
        let (state, ledger) = self.view()?;
        let mut group = Group {
            policy: &policy,
            rollup_id: &rollup_id,
            stuck,
            state: &state,
            trial: Trial::new(ledger, &state, Base::Pending)?,
            keys: HashMap::new(),
            new: Vec::new(),
            fresh: 0,
            now_ms: now_ms(),
        };
        let mut spans = Vec::with_capacity(lists.len());
        for list in lists {
            let before = group.new.len();
            let refused = list.into_iter().find_map(|single| group.push(single).err());
            spans.push((group.new.len() - before, refused));
        }
        let Group { new, trial, .. } = group;
        let leaves = trial.into_leaves();
        let results = if new.is_empty() {
            Vec::new()
        } else {
            self.store.accept(new)?
        };
        let accepted = results.iter().flatten().filter(|acceptance| !acceptance.repeated);
        let requests: Vec<Request> = accepted.map(|acceptance| acceptance.operation.request).collect();
        let ledger = self.ledger_mut();
        ledger.accept(&requests, leaves);
        if results.iter().any(Result::is_err) {
            ledger.forget();
        }
        let mut results = results.into_iter();
        let mut outcomes = Vec::with_capacity(spans.len());
        for (count, mut refused) in spans {
            let mut accepted = Vec::with_capacity(count);
            for result in results.by_ref().take(count) {
                match result {
                    Ok(acceptance) => accepted.push(acceptance),
                    // Keys were looked up before; this is the store's own word on them.
                    Err(error) => refused = Some(error.into()),
                }
            }
            outcomes.push(Admitted { accepted, refused });
        }
        Ok(outcomes)
    }
}

/// Operations that are about to be stored together.
struct Group<'a> {
    policy: &'a Policy,
    rollup_id: &'a Fr,
    stuck: Option<Arc<CutError>>,
    state: &'a Snapshot,
    trial: Trial<'a>,
    /// Keys of this group, which the store does not know yet.
    keys: HashMap<IdempotencyKey, Remembered>,
    new: Vec<NewOperation>,
    /// How many of them are no repetitions.
    fresh: u64,
    now_ms: u64,
}

impl Group<'_> {
    /// Checks one more operation; a refused one is not part of the group.
    fn push(&mut self, single: Single) -> Result<(), SubmitError> {
        if !self.is_repeated(&single)? {
            self.check(&single)?;
            self.fresh += 1;
            if let Some(keyed) = &single.keyed {
                let remembered = Remembered {
                    digest: keyed.digest,
                    first_operation: self.state.head().last_operation.saturating_add(self.fresh),
                    operations: 1,
                };
                self.keys.insert(keyed.key.clone(), remembered);
            }
        }
        self.new.push(NewOperation {
            signed: single.operation.signed,
            accepted_at_ms: self.now_ms,
            keyed: single.keyed,
        });
        Ok(())
    }

    fn is_repeated(&self, single: &Single) -> Result<bool, SubmitError> {
        let Some(keyed) = &single.keyed else {
            return Ok(false);
        };
        let known = match self.keys.get(&keyed.key) {
            Some(remembered) => Some(*remembered),
            None => self.state.remembered(&keyed.key)?,
        };
        match known {
            Some(remembered) if remembered.digest != keyed.digest => {
                let key = keyed.key.clone();
                Err(KeyReused { key, remembered }.into())
            }
            known => Ok(known.is_some()),
        }
    }

    fn check(&mut self, single: &Single) -> Result<(), SubmitError> {
        let head = self.state.head();
        if let Some(reason) = &self.stuck {
            return Err(SubmitError::Stuck {
                reason: Arc::clone(reason),
            });
        }
        let section = single.operation.signed.section();
        if !self.policy.takes(section) {
            return Err(SubmitError::NoSlots { section });
        }
        // The root chain's operations have room of their own.
        let signed = head.queued.saturating_sub(head.queued_priority());
        let (queued, limit) = (signed.saturating_add(self.fresh), self.policy.batching.max_queued);
        if queued >= limit {
            return Err(SubmitError::QueueFull { queued, limit });
        }
        let next = head
            .batch_number
            .checked_add(1)
            .ok_or(SubmitError::NoNumberLeft)?;
        let rules = Rules {
            rollup_id: self.rollup_id,
            batch_number: BatchNumber(next),
            fee_slots: self.policy.fee_slots(),
        };
        let operation = &single.operation;
        let checked = self.trial.check_signed(&rules, &operation.signed, |key| {
            operation.signature(self.rollup_id, key)
        })?;
        if let Some((token, fee)) = checked.fee {
            self.policy.check_fee(section, 0, token, fee)?;
            // After a rollback its opening can have been rejected.
            if let Some((slot, error)) = self.trial.missing_fee_leaf(rules.fee_slots, token)? {
                return Err(ApplyError::Fee { slot, error }.into());
            }
        }
        self.trial.take(&checked);
        if let Some((token, fee)) = checked.fee {
            self.trial.credit(rules.fee_slots, token, fee)?;
        }
        Ok(())
    }
}
