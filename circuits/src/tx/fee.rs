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

/// What a fee slot that passed every rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeEffect {
    /// The account's leaf as read.
    pub account: Leaf,
    /// The account's leaf afterwards.
    pub credited: Leaf,
    /// The sum credited.
    pub amount: u128,
}

/// Checks the rules of a fee slot.
///
/// `amount` is the sum of the fees routed to the slot, `None` if it reaches 2^128; `account` is the leaf after all transfers; `capacity` is the number of places in the tree.
pub fn check(
    slot: &FeeSlot,
    amount: Option<u128>,
    capacity: u64,
    account: Option<&Leaf>,
) -> Result<FeeEffect, FeeError> {
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
    let Some(amount) = amount else {
        return Err(FeeError::SumNotOverflowed { token: slot.token });
    };
    match account.balance.checked_add(amount) {
        Some(balance) => Ok(FeeEffect {
            account: *account,
            credited: Leaf { balance, ..*account },
            amount,
        }),
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
    /// `recipient_not_overflowed`: the fees themselves add up to 2^128 or more.
    #[error("recipient_not_overflowed: fees in token {token} add up to 2^128 or more")]
    SumNotOverflowed {
        /// Token of the slot.
        token: TokenId,
    },
}

impl FeeError {
    /// Name of the broken rule, one of [`RULES`].
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::RecipientExists { .. } => "recipient_exists",
            Self::RecipientInRange { .. } => "recipient_in_range",
            Self::TokenMatches { .. } => "token_matches",
            Self::RecipientNotOverflowed { .. } | Self::SumNotOverflowed { .. } => "recipient_not_overflowed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::babyjubjub::{BASE8, PublicKey};
    use crate::types::RootAddress;

    #[test]
    fn s07_a_sum_of_fees_beyond_128_bits_is_refused_by_an_empty_account_too() {
        let slot = FeeSlot {
            leaf: AccountIndex(0),
            token: TokenId(1),
        };
        let key = PublicKey::new(BASE8).unwrap();
        let empty = Leaf::new(key, 0, 0, 1, RootAddress([1; 20])).unwrap();
        let error = check(&slot, None, 16, Some(&empty)).unwrap_err();
        assert_eq!(error, FeeError::SumNotOverflowed { token: TokenId(1) });
        assert_eq!(error.rule(), "recipient_not_overflowed");
        let effect = check(&slot, Some(u128::MAX), 16, Some(&empty)).unwrap();
        assert_eq!(effect.credited.balance, u128::MAX);
    }
}
