//! What waits when the service starts has to have a way into a batch: the operator may have taken away a key or a token.

use std::collections::{BTreeMap, HashMap};

use quittance_circuits::state::StateReader;
use quittance_circuits::tree::Levels;
use quittance_circuits::tx::{SignedOperation, priority};

use super::ledger::{Ledger, PAGE};
use super::trial::{Base, Rules, Trial, Trouble};
use super::{CutError, StartError};
use crate::batch::SectionCounts;
use crate::operation::{Operation, Request};
use crate::policy::Policy;
use crate::store::{Snapshot, StoreError};

/// Refuses a queue that these shapes and tokens cannot execute.
pub(super) fn check_queue(state: &Snapshot, policy: &Policy) -> Result<(), StartError> {
    let mut next = state.head().next_operation;
    // Operations below this id belong to a batch with fee slots of its own.
    let mut end_of_whole = 0u64;
    let mut tokens = Tokens::new(state)?;
    loop {
        let page = state.queued(next, PAGE)?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        next = last.id.saturating_add(1);
        for operation in &page {
            if let Some(whole) = state.whole_at(operation.id)? {
                end_of_whole = operation.id.saturating_add(u64::from(whole.operations));
                check_whole(state, policy, operation.id, end_of_whole, whole.fee_slots.len())?;
            }
            let token = tokens.follow(operation)?;
            if operation.id < end_of_whole {
                continue;
            }
            let section = operation.request.section();
            if !policy.takes(section) {
                return Err(StartError::SlotsNeeded {
                    operation: operation.id,
                    section,
                });
            }
            if let Some(token) = token
                && policy.token(token).is_none()
            {
                return Err(StartError::TokenNeeded {
                    operation: operation.id,
                    token,
                });
            }
        }
    }
}

/// The token that an empty place holds when what waits has opened it, as far as its openings keep the rules.
pub(crate) fn token_to_be(state: &Snapshot, index: u32) -> Result<Option<u32>, StoreError> {
    let mut tokens = Tokens::new(state)?;
    let mut next = state.head().next_operation;
    loop {
        let page = state.queued(next, PAGE)?;
        let Some(last) = page.last() else {
            return tokens.of(index);
        };
        next = last.id.saturating_add(1);
        for operation in &page {
            tokens.follow(operation)?;
        }
    }
}

/// What waits with these rules, if every leaf that takes fees is there whenever an operation pays to it, and nobody counts on fees that
/// went to another leaf when it was accepted.
pub(super) fn load(state: &Snapshot, rules: &Rules<'_>) -> Result<Ledger, StartError> {
    let (mut ledger, troubles) = replayed(state, rules)?;
    for (operation, trouble) in &troubles {
        if let Trouble::NoFeeLeaf { token, leaf } = *trouble
            // A batch with fee slots of its own is rejected as one, and does not concern the policy.
            && rules.fee_slots.iter().any(|slot| slot.leaf == leaf && slot.token.get() == token)
        {
            return Err(StartError::FeeLeafTooLate {
                operation: *operation,
                token,
                leaf: leaf.get(),
            });
        }
    }
    check_counted(state, rules, &troubles)?;
    let mut trial = Trial::new(&mut ledger, state, Base::Pending)?;
    for slot in rules.fee_slots {
        let (token, leaf) = (slot.token.get(), slot.leaf.get());
        if trial.missing_fee_leaf(rules.fee_slots, token)?.is_some() {
            return Err(StartError::FeeLeafNeeded { token, leaf });
        }
    }
    Ok(ledger)
}

fn replayed(state: &Snapshot, rules: &Rules<'_>) -> Result<(Ledger, BTreeMap<u64, Trouble>), StoreError> {
    let mut troubles = BTreeMap::new();
    let ledger = Ledger::load_with(state, rules, |operation, trouble| {
        troubles.insert(operation, trouble);
    })?;
    Ok((ledger, troubles))
}

/// Refuses a fee leaf if the first operation that it leaves short would be executed with the sender as fee leaf, and nothing else is
/// lost by that. So a start that does what the refusal says comes to an end; where batches were rolled back that paid to several leaves
/// of one token, on which their owners counted, no leaf is right for all, and any will do.
fn check_counted(
    state: &Snapshot,
    rules: &Rules<'_>,
    troubles: &BTreeMap<u64, Trouble>,
) -> Result<(), StartError> {
    // Behind one that breaks another rule, as an expired one does, who is short counted on that one and not on fees.
    let Some((
        operation,
        Trouble::Refused {
            short: Some((leaf, token)),
        },
    )) = troubles.first_key_value()
    else {
        return Ok(());
    };
    let mut fee_slots = rules.fee_slots.to_vec();
    let of_token = fee_slots.iter_mut().find(|slot| slot.token.get() == *token);
    let Some(slot) = of_token.filter(|slot| slot.leaf != *leaf) else {
        return Ok(());
    };
    slot.leaf = *leaf;
    let other = Rules {
        fee_slots: &fee_slots,
        ..*rules
    };
    let (_, others) = replayed(state, &other)?;
    let loses_nothing = others
        .iter()
        .all(|(id, trouble)| matches!(trouble, Trouble::Refused { .. }) && troubles.contains_key(id));
    if loses_nothing && !others.contains_key(operation) {
        return Err(StartError::CountsOnFees {
            operation: *operation,
            token: *token,
            leaf: leaf.get(),
        });
    }
    Ok(())
}

fn check_whole(
    state: &Snapshot,
    policy: &Policy,
    operation: u64,
    end: u64,
    fee_slots: usize,
) -> Result<(), StartError> {
    let mut counts = SectionCounts::default();
    for id in operation..end {
        counts.push(state.operation(id)?.request.section());
    }
    if policy.plan(&counts, fee_slots).is_some() {
        return Ok(());
    }
    Err(StartError::ShapeNeeded(CutError::NoShape {
        operation,
        counts,
        fee_slots,
    }))
}

/// Tokens of accounts, of those that waiting operations open as well.
struct Tokens<'a> {
    state: &'a Snapshot,
    /// Places of the tree.
    capacity: u64,
    known: HashMap<u32, Option<u32>>,
}

impl<'a> Tokens<'a> {
    fn new(state: &'a Snapshot) -> Result<Self, StoreError> {
        Ok(Self {
            state,
            capacity: Levels::new(state.levels())?.width(0),
            known: HashMap::new(),
        })
    }

    /// The token in which an operation pays its fee, if its sender is known.
    fn follow(&mut self, operation: &Operation) -> Result<Option<u32>, StoreError> {
        match &operation.request {
            Request::Priority(entry) => {
                // Of an empty place: one without effect leaves it empty, for whoever opens it later in another token.
                let opened = priority::check(&entry.priority, self.capacity, None);
                if let Some(leaf) = opened.ok().and_then(|effect| effect.after) {
                    self.open(entry.priority.leaf().get(), Some(leaf.token))?;
                }
                Ok(None)
            }
            Request::Signed(signed) => {
                let token = self.of(signed.from().get())?;
                if let SignedOperation::Opening(signed) = signed {
                    self.open(signed.opening.to.get(), token)?;
                }
                Ok(token)
            }
        }
    }

    fn of(&mut self, index: u32) -> Result<Option<u32>, StoreError> {
        if let Some(token) = self.known.get(&index) {
            return Ok(*token);
        }
        // An index beyond the tree is nobody's.
        let token = match self.state.account(index) {
            Err(StoreError::State(_)) => None,
            account => account?.map(|leaf| leaf.token),
        };
        self.known.insert(index, token);
        Ok(token)
    }

    fn open(&mut self, index: u32, token: Option<u32>) -> Result<(), StoreError> {
        if self.of(index)?.is_none() {
            self.known.insert(index, token);
        }
        Ok(())
    }
}
