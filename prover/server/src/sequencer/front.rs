//! Which operations at the front of the queue make the next batch.
//!
//! They are taken in the order of acceptance, on leaf values alone; what breaks a rule is rejected there and the others go on. A
//! batch, though, executes its operations in the order of its sections. So it ends before an operation that would come, in that
//! order, before an earlier one of the same batch that touches one of its accounts: that operation begins the next batch. Any
//! two operations that change places have no account in common then, so that each of them finds and leaves the leaves that it
//! would in the order of acceptance, and none breaks a rule for the order that was chosen for it.
//!
//! It also ends where no loaded shape has room for one operation more, and before one that spends more than its account has
//! while the batch credits fees to one of its accounts: in the next batch it has them.

use std::collections::{BTreeMap, HashMap};

use quittance_circuits::batch::{ApplyError, Operations};
use quittance_circuits::tx::RuleError;
use quittance_circuits::tx::fee::{self, FeeSlot};
use quittance_verifier::Section;

use super::CutError;
use super::cut::rejection;
use super::error::Failure;
use super::ledger::Ledger;
use super::trial::{Base, Rules, Trial};
use crate::batch::SectionCounts;
use crate::operation::{Operation, Rejection, Request, Whole};
use crate::policy::{Policy, TokenPolicy};
use crate::store::Snapshot;

/// Most operations that are looked at for one batch: a long row of expired ones is rejected in several steps.
const VISITS: usize = 4096;

/// The queue's front, sorted out.
#[derive(Debug, Default)]
pub(super) struct Front {
    pub(super) taken: Vec<Operation>,
    pub(super) rejected: Vec<(Operation, Rejection)>,
    /// The id after the last operation of both kinds.
    pub(super) end: u64,
    /// An operation whose fee its leaf cannot hold.
    pub(super) unpayable: Option<(u64, Rejection)>,
    counts: SectionCounts,
    /// The last section that touches an account.
    touched: HashMap<u32, Section>,
    /// Fees by token.
    paid: BTreeMap<u32, Paid>,
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
pub(super) enum Turn {
    /// Single operations.
    Front(Front),
    /// A batch that was rolled back, from this operation on.
    Whole(u64, Whole),
}

impl Front {
    /// Where the fees go, one slot for each token.
    pub(super) fn fee_slots(&self, policy: &Policy) -> Vec<FeeSlot> {
        let slots = self.paid.keys().filter_map(|token| policy.token(*token));
        slots.map(TokenPolicy::fee_slot).collect()
    }

    /// The operations in their sections.
    pub(super) fn operations(&self, fees: Vec<FeeSlot>) -> Operations {
        operations(self.taken.iter().map(|operation| &operation.request), fees)
    }

    /// The operation without which the state-transition function might have accepted the front.
    pub(super) fn culprit(&self, fee_slots: &[FeeSlot], error: &ApplyError) -> Option<u64> {
        match error {
            ApplyError::Operation { section, index, .. } => {
                let of_section = |operation: &&Operation| operation.request.section() == *section;
                Some(self.taken.iter().filter(of_section).nth(*index)?.id)
            }
            ApplyError::Fee { slot, .. } => {
                let token = fee_slots.get(*slot)?.token.get();
                Some(self.paid.get(&token)?.last)
            }
            _ => None,
        }
    }

    /// Whether the operation can be executed in its section as if all that was taken came before it.
    fn keeps_order(&self, request: &Request) -> bool {
        let section = request.section();
        let mut touched = request
            .accounts()
            .filter_map(|account| self.touched.get(&account.get()));
        touched.all(|last| *last <= section)
    }

    /// Whether fees of what was taken go to an account of the operation.
    fn credits(&self, policy: &Policy, request: &Request) -> bool {
        let mut leaves = self.paid.keys().filter_map(|token| policy.token(*token));
        leaves.any(|token| request.accounts().any(|account| account.get() == token.fee_leaf))
    }

    fn take(&mut self, operation: Operation, fee: Option<(u32, u128)>) {
        let section = operation.request.section();
        self.counts.push(section);
        for account in operation.request.accounts() {
            self.touched.insert(account.get(), section);
        }
        if let Some((token, fee)) = fee {
            let paid = self.paid.entry(token).or_insert(Paid {
                sum: Some(0),
                last: operation.id,
            });
            paid.sum = paid.sum.and_then(|sum| sum.checked_add(fee));
            if fee > 0 {
                paid.last = operation.id;
            }
        }
        self.taken.push(operation);
    }

    /// The fee slots that it needs with one operation more that pays in this token.
    fn tokens_with(&self, token: Option<u32>) -> usize {
        let new = token.is_some_and(|token| !self.paid.contains_key(&token));
        self.paid.len() + usize::from(new)
    }
}

/// Requests in their sections.
pub(super) fn operations<'a>(
    requests: impl IntoIterator<Item = &'a Request>,
    fees: Vec<FeeSlot>,
) -> Operations {
    let mut operations = Operations {
        fees,
        ..Operations::default()
    };
    for request in requests {
        operations.push(request.operation());
    }
    operations
}

/// Sorts the queue's front out on leaf values. `forced` are operations that are rejected for another reason.
pub(super) fn select(
    policy: &Policy,
    rules: &Rules<'_>,
    state: &Snapshot,
    ledger: &mut Ledger,
    forced: &BTreeMap<u64, Rejection>,
) -> Result<Turn, CutError> {
    let mut trial = Trial::new(ledger, state, Base::Executed)?;
    let mut front = Front {
        end: state.head().next_operation,
        ..Front::default()
    };
    let full = usize::try_from(policy.batching.max_operations).unwrap_or(usize::MAX);
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
            if front.taken.len() >= full
                || front.taken.len() + front.rejected.len() >= VISITS
                || !front.keeps_order(&operation.request)
            {
                break 'pages;
            }
            // The signature was checked when the operation was accepted, and is again when the batch is executed.
            let outcome = match forced.get(&id) {
                Some(rejection) => Err(rejection.clone()),
                None => match trial.check(rules, &operation.request, |_| Ok(())) {
                    Ok(checked) => Ok(checked),
                    // It counts on the fees of this very batch.
                    Err(Failure::Rule(RuleError::BalanceCovers { .. }))
                        if front.credits(policy, &operation.request) =>
                    {
                        break 'pages;
                    }
                    Err(Failure::Rule(error)) => Err(rejection(error.rule(), &error)),
                    // It was refused at the entry if the tree has no such place.
                    Err(Failure::Priority(error)) => {
                        let index = front.taken.len();
                        return Err(CutError::State(ApplyError::Priority { index, error }));
                    }
                    Err(Failure::Store(error)) => return Err(error.into()),
                },
            };
            match outcome {
                Ok(checked) => {
                    let mut counts = front.counts;
                    counts.push(operation.request.section());
                    let tokens = front.tokens_with(checked.fee.map(|(token, _)| token));
                    if policy.plan(&counts, tokens).is_none() {
                        if front.taken.is_empty() && front.rejected.is_empty() {
                            let (operation, fee_slots) = (id, tokens);
                            return Err(CutError::NoShape {
                                operation,
                                counts,
                                fee_slots,
                            });
                        }
                        break 'pages;
                    }
                    trial.take(&checked);
                    front.take(operation, checked.fee);
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
