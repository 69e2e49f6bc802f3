//! Priority operations, which the root chain has ordered: deposits and forced exits.
//!
//! They are never refused. One whose conditions do not hold is consumed without effect, and its published outcome says so, so
//! that it can neither block the queue (S41) nor be faked (S47). [`check`] computes the outcome; [`constraints`] enforces that it
//! is this one, in both directions.

pub mod constraints;

use crate::babyjubjub::{Point, PublicKey};
use crate::leaf::Leaf;
use crate::types::{AccountIndex, RootAddress, TokenId};
use quittance_verifier as verifier;
use thiserror::Error;

/// Number of a deposit among the kinds of operations, as published.
pub const DEPOSIT_KIND: u64 = 5;
/// Number of a forced exit.
pub const FORCED_EXIT_KIND: u64 = 6;

/// The names of a priority slot's rules, in the order of its rows. Natively only `recipient_in_range` refuses; the conditions
/// from `leaf_empty` to `exit_owner` make the outcome.
pub const RULES: [&str; 11] = [
    "slot_flags",
    "recipient_in_range",
    "leaf_empty",
    "token_matches",
    "recipient_not_overflowed",
    "key_valid",
    "owner_nonzero",
    "exit_owner",
    "priority_outcome",
    "recipient_path",
    "root_chained",
];

/// What the root chain orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Priority {
    /// Money comes in.
    Deposit(Deposit),
    /// All money of an account goes out, though the operator may not want it.
    ForcedExit(ForcedExit),
}

/// Opens an account in the upper half of the tree, or credits one anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Deposit {
    /// The account.
    pub leaf: AccountIndex,
    /// The token.
    pub token: TokenId,
    /// The amount, in its smallest unit.
    pub amount: u128,
    /// Owner of an account that is opened.
    pub owner: RootAddress,
    /// Key of an account that is opened. The root chain refuses invalid ones; should one come in, the deposit fails. Coordinates at or
    /// above r cannot come in at all: no statement could name them.
    pub key: Point,
}

/// Pays the whole balance of an account to its owner, who has to be the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ForcedExit {
    /// The account.
    pub leaf: AccountIndex,
    /// Who asked for it on the root chain.
    pub caller: RootAddress,
}

/// What became of a priority operation; published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Of a deposit.
    Deposit {
        /// Whether the account was opened or credited; if not, the root chain gives the amount back.
        done: bool,
    },
    /// Of a forced exit.
    ForcedExit {
        /// What the root chain pays to the caller; `None` if the exit failed.
        paid: Option<Payout>,
    },
}

/// What a forced exit pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Payout {
    /// The account's token.
    pub token: TokenId,
    /// Its whole balance.
    pub amount: u128,
}

/// What a priority operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriorityEffect {
    /// The account's leaf afterwards; `None` if nothing changes.
    pub after: Option<Leaf>,
    /// What is published.
    pub outcome: Outcome,
}

/// Why a priority operation cannot be part of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PriorityError {
    /// `recipient_in_range`: the tree has no such place. It cannot happen in a tree of 16 levels.
    #[error("recipient_in_range: account {index} is outside a tree of {capacity} places")]
    RecipientInRange {
        /// The account.
        index: AccountIndex,
        /// Places in the tree.
        capacity: u64,
    },
}

impl PriorityError {
    /// Name of the broken rule, one of [`RULES`].
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::RecipientInRange { .. } => "recipient_in_range",
        }
    }
}

impl Priority {
    /// The account.
    #[must_use]
    pub const fn leaf(&self) -> AccountIndex {
        match self {
            Self::Deposit(deposit) => deposit.leaf,
            Self::ForcedExit(exit) => exit.leaf,
        }
    }

    /// The operation as the root chain's queue hashes it.
    #[must_use]
    pub fn request(&self) -> verifier::PriorityRequest {
        match self {
            Self::Deposit(deposit) => verifier::PriorityRequest::Deposit(deposit.request()),
            Self::ForcedExit(exit) => verifier::PriorityRequest::ForcedExit(exit.request()),
        }
    }

    /// The outcome of an operation that was executed on this leaf.
    #[must_use]
    pub fn outcome(&self, done: bool, account: Option<&Leaf>) -> Outcome {
        match self {
            Self::Deposit(_) => Outcome::Deposit { done },
            Self::ForcedExit(_) => Outcome::ForcedExit {
                paid: account.filter(|_| done).map(Payout::of),
            },
        }
    }

    /// The operation with its outcome on this leaf, as a batch publishes it.
    #[must_use]
    pub fn data(&self, done: bool, account: Option<&Leaf>) -> verifier::PriorityData {
        match self {
            Self::Deposit(deposit) => verifier::PriorityData::Deposit {
                deposit: deposit.request(),
                done,
            },
            Self::ForcedExit(exit) => verifier::PriorityData::ForcedExit {
                exit: exit.request(),
                paid: account
                    .filter(|_| done)
                    .map(Payout::of)
                    .map(|Payout { token, amount }| verifier::Payout {
                        token: token.get(),
                        amount,
                    }),
            },
        }
    }
}

impl Payout {
    /// All that the account holds.
    const fn of(leaf: &Leaf) -> Self {
        Self {
            token: TokenId(leaf.token),
            amount: leaf.balance,
        }
    }
}

impl Outcome {
    /// Whether the operation had its effect.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        match self {
            Self::Deposit { done } => *done,
            Self::ForcedExit { paid } => paid.is_some(),
        }
    }
}

impl Deposit {
    fn request(&self) -> verifier::Deposit {
        verifier::Deposit {
            leaf: self.leaf.get(),
            token: self.token.get(),
            amount: self.amount,
            owner: self.owner.get(),
            key: [self.key.x, self.key.y],
        }
    }
}

impl ForcedExit {
    const fn request(&self) -> verifier::ForcedExit {
        verifier::ForcedExit {
            leaf: self.leaf.get(),
            caller: self.caller.get(),
        }
    }
}

/// What the operation does to its account as it is now; `leaf` is `None` for an empty place. `capacity` is the number of places
/// in the tree.
pub fn check(
    operation: &Priority,
    capacity: u64,
    leaf: Option<&Leaf>,
) -> Result<PriorityEffect, PriorityError> {
    let index = operation.leaf();
    if u64::from(index.get()) >= capacity {
        return Err(PriorityError::RecipientInRange { index, capacity });
    }
    let after = match operation {
        Priority::Deposit(deposit) => match leaf {
            Some(leaf) => credited(deposit, leaf),
            None => opened(deposit, capacity),
        },
        // exit_owner
        Priority::ForcedExit(exit) => leaf
            .filter(|leaf| leaf.owner() == exit.caller)
            .map(|leaf| Leaf { balance: 0, ..*leaf }),
    };
    Ok(PriorityEffect {
        after,
        outcome: operation.outcome(after.is_some(), leaf),
    })
}

/// `token_matches` and `recipient_not_overflowed`; key and owner of the deposit are not looked at.
fn credited(deposit: &Deposit, leaf: &Leaf) -> Option<Leaf> {
    if leaf.token != deposit.token.get() {
        return None;
    }
    let balance = leaf.balance.checked_add(deposit.amount)?;
    Some(Leaf { balance, ..*leaf })
}

/// `leaf_empty` with the upper half of the tree, `key_valid` and `owner_nonzero`.
fn opened(deposit: &Deposit, capacity: u64) -> Option<Leaf> {
    if u64::from(deposit.leaf.get()) < capacity / 2 {
        return None;
    }
    let key = PublicKey::new(deposit.key).ok()?;
    Leaf::new(key, deposit.amount, 0, deposit.token.get(), deposit.owner).ok()
}
