//! The fee slot: credits one leaf with the fees of one token that the batch's transfers routed to it.

pub mod constraints;

use crate::leaf::Leaf;
use crate::types::{AccountIndex, TokenId};
use thiserror::Error;

/// The names of a fee slot's rules, in the order in which they are checked.
pub const RULES: [&str; 7] = [
    "slot_flags",
    "recipient_exists",
    "recipient_in_range",
    "token_matches",
    "recipient_not_overflowed",
    "recipient_path",
    "root_chained",
];

/// Where fees of a token go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FeeSlot {
    /// Credited account. It may be a sender or a recipient of the same batch.
    pub leaf: AccountIndex,
    /// Token.
    pub token: TokenId,
}

/// Checks the rules of a fee slot and returns the credited leaf.
///
/// `account` is the leaf after all transfers; `capacity` is the number of places in the tree.
pub fn check(slot: &FeeSlot, amount: u128, capacity: u64, account: Option<&Leaf>) -> Result<Leaf, FeeError> {
    let inside = u64::from(slot.leaf.get()) < capacity;
    let account = match account {
        Some(leaf) if inside => leaf,
        _ if inside => return Err(FeeError::RecipientExists { index: slot.leaf }),
        _ => {
            return Err(FeeError::RecipientInRange {
                index: slot.leaf,
                capacity,
            });
        }
    };
    if account.token != slot.token.get() {
        return Err(FeeError::TokenMatches {
            slot: slot.token,
            account: TokenId(account.token),
        });
    }
    match account.balance.checked_add(amount) {
        Some(balance) => Ok(Leaf { balance, ..*account }),
        None => Err(FeeError::RecipientNotOverflowed {
            balance: account.balance,
            amount,
        }),
    }
}

/// Which rule a fee slot broke, and by which values.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FeeError {
    /// `recipient_exists`: no account at this index.
    #[error("recipient_exists: fee account {index} does not exist")]
    RecipientExists {
        /// Index of the fee account.
        index: AccountIndex,
    },
    /// `recipient_in_range`: the tree has no such place.
    #[error("recipient_in_range: fee account {index} is outside a tree of {capacity} places")]
    RecipientInRange {
        /// Index of the fee account.
        index: AccountIndex,
        /// Places in the tree.
        capacity: u64,
    },
    /// `token_matches`: the fee account holds another token.
    #[error("token_matches: fee slot is for token {slot}, its account holds token {account}")]
    TokenMatches {
        /// Token of the slot.
        slot: TokenId,
        /// Token of the account.
        account: TokenId,
    },
    /// `recipient_not_overflowed`: the fee account's balance would reach 2^128.
    #[error("recipient_not_overflowed: fee account's balance {balance} plus {amount} reaches 2^128")]
    RecipientNotOverflowed {
        /// Balance before the credit.
        balance: u128,
        /// Sum of the fees.
        amount: u128,
    },
}

impl FeeError {
    /// Name of the broken rule, one of [`RULES`].
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::RecipientExists { .. } => "recipient_exists",
            Self::RecipientInRange { .. } => "recipient_in_range",
            Self::TokenMatches { .. } => "token_matches",
            Self::RecipientNotOverflowed { .. } => "recipient_not_overflowed",
        }
    }
}
