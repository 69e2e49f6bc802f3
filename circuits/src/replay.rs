//! The state from published data alone: the accounts of the genesis, then the facts of every batch in order.
//!
//! No operator is asked for anything, so this is how money leaves when there is none. **The caller verifies each batch's proof first**:
//! facts hold no signatures, nonces or expiries, and what proofs say of those is not checked again, so that facts which nobody has
//! proved can lead anywhere. Everything else runs through the rules of [`crate::tx`], and the root of every batch is computed from
//! leaves and compared: what does not fit ends in an error that names the batch and the operation.

mod operations;

use std::collections::BTreeMap;

use ark_bn254::Fr;
use quittance_verifier::encoding::{fr_to_bytes_be, to_hex};
use quittance_verifier::{EMPTY_QUEUE, Facts, Section};
use thiserror::Error;

use crate::leaf::Leaf;
use crate::state::{MemoryState, StateChanges, StateError, StateReader};
use crate::tree::Levels;
use crate::tx::fee::{FeeError, FeeSlot};
use crate::tx::priority::PriorityError;
use crate::tx::{RuleContext, RuleError};
use crate::types::{AccountIndex, BatchNumber, TokenId};
use operations::Step;

/// A state on its way from its genesis.
#[derive(Clone, Debug)]
pub struct Replay {
    state: MemoryState,
    rollup_id: Option<[u8; 32]>,
    batch_number: u32,
    queue: [u8; 32],
}

/// Why facts do not continue a state. Nothing of the batch was applied.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The facts are of another rollup.
    #[error("batch {batch} is of another rollup")]
    Rollup {
        /// The batch.
        batch: BatchNumber,
    },
    /// Batches are numbered from 1 on without gaps.
    #[error("batch {got} where batch {expected} belongs")]
    Number {
        /// The batch given.
        got: BatchNumber,
        /// The next one.
        expected: u64,
    },
    /// The batch stands on another state.
    #[error("batch {batch} starts from root {}, the state before it has root {}", hex(.got), hex(.expected))]
    OldRoot {
        /// The batch.
        batch: BatchNumber,
        /// The root that it starts from.
        got: Fr,
        /// The state's.
        expected: Fr,
    },
    /// The batch stands on another queue.
    #[error("batch {batch} does not start from the hash of the priority queue that the one before it leaves")]
    Queue {
        /// The batch.
        batch: BatchNumber,
    },
    /// An operation, or a fee slot, does not fit the state.
    #[error("batch {batch}, {} {index}: {error}", .section.singular())]
    Operation {
        /// The batch.
        batch: BatchNumber,
        /// Its section.
        section: Section,
        /// Its position in the section, from 0.
        index: usize,
        /// What does not fit.
        error: OperationError,
    },
    /// Fees of a token that were paid are not those that were credited.
    #[error("batch {batch} takes {paid} of token {token} as fees and credits {credited}")]
    FeeSum {
        /// The batch.
        batch: BatchNumber,
        /// The token.
        token: TokenId,
        /// Sum that its operations pay, exactly: it may be above 2^128.
        paid: Fr,
        /// Sum that its fee slots credit.
        credited: Fr,
    },
    /// The batch leads to another state than it says.
    #[error("batch {batch} says that it ends with root {}, its operations give root {}", hex(.got), hex(.expected))]
    NewRoot {
        /// The batch.
        batch: BatchNumber,
        /// The root that it names.
        got: Fr,
        /// The root that its operations give.
        expected: Fr,
    },
    /// The state in memory refused a change.
    #[error("state could not be changed")]
    State(#[from] StateError),
}

/// What does not fit about one operation.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OperationError {
    /// A signed operation breaks a rule.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A priority operation is for no place of the tree.
    #[error(transparent)]
    Priority(#[from] PriorityError),
    /// A fee slot breaks a rule.
    #[error(transparent)]
    Fee(#[from] FeeError),
    /// `priority_outcome`: published is another outcome than the operation has.
    #[error("priority_outcome: the outcome is not the published one")]
    Outcome,
    /// The published token is not the account's.
    #[error("token_matches: token {published} is published, the account holds token {account}")]
    Token {
        /// Token in the facts.
        published: TokenId,
        /// Token of the account that pays.
        account: TokenId,
    },
    /// The amount has no encoding.
    #[error("encoded amount {got} is at or above 2^40")]
    Amount {
        /// The number in its place.
        got: u64,
    },
}

/// A root as everywhere else.
fn hex(root: &Fr) -> String {
    to_hex(&fr_to_bytes_be(root))
}

impl Replay {
    /// Starts with the accounts of a genesis, 1 to 16 levels of tree, an empty queue and no batch.
    pub fn new(levels: u8, accounts: Vec<(AccountIndex, Leaf)>) -> Result<Self, StateError> {
        Ok(Self {
            state: MemoryState::genesis(levels, accounts)?,
            rollup_id: None,
            batch_number: 0,
            queue: EMPTY_QUEUE,
        })
    }

    /// Applies the next batch, or nothing. The first one says which rollup it is.
    pub fn apply(&mut self, facts: &Facts) -> Result<(), ReplayError> {
        let batch = BatchNumber(facts.batch_number);
        if self.rollup_id.is_some_and(|id| id != facts.rollup_id) {
            return Err(ReplayError::Rollup { batch });
        }
        let expected = u64::from(self.batch_number) + 1;
        if u64::from(facts.batch_number) != expected {
            return Err(ReplayError::Number { got: batch, expected });
        }
        let (got, expected) = (facts.old_root, self.root());
        if got != expected {
            return Err(ReplayError::OldRoot { batch, got, expected });
        }
        if facts.queue != self.queue {
            return Err(ReplayError::Queue { batch });
        }
        let leaves = self.execute(facts)?;
        let changes = StateChanges::of_leaves(&self.state, leaves)?;
        let (got, expected) = (facts.new_root, changes.root);
        if got != expected {
            return Err(ReplayError::NewRoot { batch, got, expected });
        }
        self.state.apply(changes)?;
        self.rollup_id = Some(facts.rollup_id);
        self.batch_number = facts.batch_number;
        self.queue = facts.queue_after();
        Ok(())
    }

    /// The leaves that a batch changes.
    fn execute(&self, facts: &Facts) -> Result<BTreeMap<u32, Leaf>, ReplayError> {
        let batch = BatchNumber(facts.batch_number);
        let fee_slots: Vec<FeeSlot> = facts
            .fees
            .iter()
            .map(|fee| FeeSlot {
                leaf: AccountIndex(fee.leaf),
                token: TokenId(fee.token),
            })
            .collect();
        let rules = RuleContext {
            // Only a signature names the rollup.
            rollup_id: &Fr::default(),
            batch_number: batch,
            capacity: Levels::new(self.state.levels())?.width(0),
            fee_slots: &fee_slots,
        };
        let mut step = Step::new(&self.state, rules);
        section(batch, Section::Priority, &facts.priority, |data| {
            step.priority(data)
        })?;
        section(batch, Section::Openings, &facts.openings, |data| {
            step.opening(data)
        })?;
        section(batch, Section::Transfers, &facts.transfers, |data| {
            step.transfer(data)
        })?;
        section(batch, Section::Withdrawals, &facts.withdrawals, |data| {
            step.withdrawal(data)
        })?;
        section(batch, Section::Rotations, &facts.rotations, |data| {
            step.rotation(data)
        })?;
        section(batch, Section::Fees, &facts.fees, |data| step.fee(data))?;
        match step.unbalanced() {
            None => Ok(step.into_leaves()),
            Some((token, paid, credited)) => Err(ReplayError::FeeSum {
                batch,
                token,
                paid,
                credited,
            }),
        }
    }

    /// The state after the last batch.
    #[must_use]
    pub const fn state(&self) -> &MemoryState {
        &self.state
    }

    /// The root after the last batch.
    #[must_use]
    pub fn root(&self) -> Fr {
        self.state.current_root()
    }

    /// The rollup, as the first batch named it.
    #[must_use]
    pub const fn rollup_id(&self) -> Option<[u8; 32]> {
        self.rollup_id
    }

    /// The number of the last batch; 0 before the first.
    #[must_use]
    pub const fn batch_number(&self) -> u32 {
        self.batch_number
    }

    /// The priority queue's running hash after the last batch.
    #[must_use]
    pub const fn queue(&self) -> [u8; 32] {
        self.queue
    }
}

/// Runs one section's operations in order.
fn section<T>(
    batch: BatchNumber,
    section: Section,
    entries: &[T],
    mut one: impl FnMut(&T) -> Result<(), StepError>,
) -> Result<(), ReplayError> {
    for (index, entry) in entries.iter().enumerate() {
        one(entry).map_err(|error| match error {
            StepError::Operation(error) => ReplayError::Operation {
                batch,
                section,
                index,
                error,
            },
            StepError::State(error) => ReplayError::State(error),
        })?;
    }
    Ok(())
}

/// What ends a section.
enum StepError {
    Operation(OperationError),
    State(StateError),
}

impl<E: Into<OperationError>> From<E> for StepError {
    fn from(error: E) -> Self {
        Self::Operation(error.into())
    }
}

#[cfg(test)]
mod tests;
