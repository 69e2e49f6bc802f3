//! Which rule a signed operation broke, and by which values. A rule has one name, whatever the kind of operation.

use crate::babyjubjub::PublicKeyError;
use crate::float::{FloatAmount, FloatFee};
use crate::types::{AccountIndex, BatchNumber, Nonce, TokenId};
use ark_bn254::Fr;
use core::fmt;
use thiserror::Error;

/// Which rule a signed operation broke, and by which values.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RuleError {
    /// `not_expired`: the batch comes after the last one that may hold the operation.
    #[error("not_expired: operation is valid until batch {valid_until}, this is batch {batch_number}")]
    NotExpired {
        /// Last valid batch.
        valid_until: BatchNumber,
        /// The batch.
        batch_number: BatchNumber,
    },
    /// `sender_exists`: no account at this index.
    #[error("sender_exists: account {index} does not exist")]
    SenderExists {
        /// Sender's index.
        index: AccountIndex,
    },
    /// `sender_in_range`: the tree has no such place.
    #[error("sender_in_range: account {index} is outside a tree of {capacity} places")]
    SenderInRange {
        /// Sender's index.
        index: AccountIndex,
        /// Places in the tree.
        capacity: u64,
    },
    /// `nonce_matches`: replayed, or sent out of order.
    #[error("nonce_matches: operation has nonce {got}, the account expects {expected}")]
    NonceMatches {
        /// Nonce of the operation.
        got: Nonce,
        /// Nonce of the account.
        expected: Nonce,
    },
    /// `nonce_in_range`: the account has used its last nonce.
    #[error("nonce_in_range: account {index} has no nonce left")]
    NonceInRange {
        /// Sender's index.
        index: AccountIndex,
    },
    /// `recipient_exists`: no account at this index.
    #[error("recipient_exists: account {index} does not exist")]
    RecipientExists {
        /// Recipient's index.
        index: AccountIndex,
    },
    /// `recipient_in_range`: the tree has no such place, or not for this kind of operation.
    #[error("recipient_in_range: account {index} is not below {bound}")]
    RecipientInRange {
        /// Recipient's index.
        index: AccountIndex,
        /// First index that is refused: the places of the tree; half of them for an opening, whose other half belongs to
        /// deposits.
        bound: u64,
    },
    /// `leaf_empty`: there is an account where one is to be opened.
    #[error("leaf_empty: account {index} exists already")]
    LeafEmpty {
        /// Index of the account.
        index: AccountIndex,
    },
    /// `key_valid`: not a key that may enter the tree.
    #[error("key_valid: {source}")]
    KeyValid {
        /// What is wrong with it.
        source: PublicKeyError,
    },
    /// `owner_nonzero`: nothing could ever be paid to the zero address.
    #[error("owner_nonzero: the owner is the zero address")]
    OwnerNonzero,
    /// `address_in_range`: nothing can be paid to the zero address.
    #[error("address_in_range: the withdrawal's address is the zero address")]
    AddressInRange,
    /// `token_matches`: the accounts hold different tokens.
    #[error("token_matches: sender holds token {sender}, recipient holds token {recipient}")]
    TokenMatches {
        /// Sender's token.
        sender: TokenId,
        /// Recipient's token.
        recipient: TokenId,
    },
    /// `balance_covers`: amount and fee exceed the balance.
    #[error("balance_covers: balance {balance} is less than amount {amount} plus fee {fee}")]
    BalanceCovers {
        /// Sender's balance.
        balance: u128,
        /// Amount.
        amount: Asked,
        /// Fee.
        fee: FloatFee,
    },
    /// `recipient_not_overflowed`: the recipient's balance would reach 2^128.
    #[error("recipient_not_overflowed: balance {balance} plus {amount} reaches 2^128")]
    RecipientNotOverflowed {
        /// Recipient's balance.
        balance: u128,
        /// Value of the amount.
        amount: u128,
    },
    /// `signature_canonical`: S is not below the group order, or the challenge lies outside its window.
    #[error("signature_canonical: signature is not in canonical form")]
    SignatureCanonical {
        /// S, least significant limb first.
        s: [u64; 4],
    },
    /// `signature_valid`: not a signature by the account's key over this message.
    #[error("signature_valid: signature is not by the sender's key over message {message}")]
    SignatureValid {
        /// The message that was checked.
        message: Fr,
    },
    /// `fee_routed_once`: no fee slot of the batch takes this token.
    #[error("fee_routed_once: no fee slot for token {token}")]
    FeeRoutedOnce {
        /// The operation's token.
        token: TokenId,
    },
}

impl RuleError {
    /// Name of the broken rule, which is also the label of its rows in the circuit.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::NotExpired { .. } => "not_expired",
            Self::SenderExists { .. } => "sender_exists",
            Self::SenderInRange { .. } => "sender_in_range",
            Self::NonceMatches { .. } => "nonce_matches",
            Self::NonceInRange { .. } => "nonce_in_range",
            Self::RecipientExists { .. } => "recipient_exists",
            Self::RecipientInRange { .. } => "recipient_in_range",
            Self::LeafEmpty { .. } => "leaf_empty",
            Self::KeyValid { .. } => "key_valid",
            Self::OwnerNonzero => "owner_nonzero",
            Self::AddressInRange => "address_in_range",
            Self::TokenMatches { .. } => "token_matches",
            Self::BalanceCovers { .. } => "balance_covers",
            Self::RecipientNotOverflowed { .. } => "recipient_not_overflowed",
            Self::SignatureCanonical { .. } => "signature_canonical",
            Self::SignatureValid { .. } => "signature_valid",
            Self::FeeRoutedOnce { .. } => "fee_routed_once",
        }
    }
}

/// An amount as the operation writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A decimal float, whose value may be beyond every balance.
    Float(FloatAmount),
    /// A plain number.
    Exact(u128),
}

impl Asked {
    /// The value, `None` from 2^128 on.
    pub(super) fn value(self) -> Option<u128> {
        match self {
            Self::Float(amount) => amount.checked_value(),
            Self::Exact(amount) => Some(amount),
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Float(amount) => amount.fmt(f),
            Self::Exact(amount) => amount.fmt(f),
        }
    }
}
