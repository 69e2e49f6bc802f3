//! The transfer: moves an amount between two accounts of one token and pays a fee in it.
//!
//! [`check`] is the list of rules. The gadget ([`constraints`]) walks the same list in the same order, and each of its rows
//! carries the name of a rule; [`TransferError::rule`] gives the same name.

pub mod constraints;

use crate::babyjubjub::PublicKey;
use crate::eddsa::{self, Signature};
use crate::float::{FloatAmount, FloatFee};
use crate::hash::{FieldHasher, RulesHasher};
use crate::leaf::Leaf;
use crate::tx::fee::FeeSlot;
use crate::types::{AccountIndex, BatchNumber, Nonce, TokenId};
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use thiserror::Error;

/// Kind of operation in the low 8 bits of the signed word.
pub const KIND: u64 = 1;
/// First bit of the sender's index (32 bits) in the signed word.
pub const FROM_SHIFT: u32 = 8;
/// First bit of the recipient's index (32 bits).
pub const TO_SHIFT: u32 = 40;
/// First bit of the amount's encoding (40 bits).
pub const AMOUNT_SHIFT: u32 = 72;
/// First bit of the fee's encoding (16 bits).
pub const FEE_SHIFT: u32 = 112;
/// First bit of the nonce (32 bits).
pub const NONCE_SHIFT: u32 = 128;
/// First bit of the last valid batch number. It is the topmost field: the circuit shows it to be below 2^33, a sum of two
/// numbers of 32 bits, and nothing lies above it.
pub const VALID_UNTIL_SHIFT: u32 = 160;

/// The names of a transfer's rules, in the order in which they are checked.
pub const RULES: [&str; 17] = [
    "slot_flags",
    "not_expired",
    "sender_exists",
    "sender_in_range",
    "nonce_matches",
    "nonce_in_range",
    "recipient_exists",
    "recipient_in_range",
    "token_matches",
    "balance_covers",
    "recipient_not_overflowed",
    "signature_canonical",
    "signature_valid",
    "fee_routed_once",
    "sender_path",
    "recipient_path",
    "root_chained",
];

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Transfer {
    /// Paying account.
    pub from: AccountIndex,
    /// Paid account. It may be the payer: then only the fee moves.
    pub to: AccountIndex,
    /// Amount, in the smallest unit of the token.
    pub amount: FloatAmount,
    /// Fee, in the same token.
    pub fee: FloatFee,
    /// The payer's nonce.
    pub nonce: Nonce,
    /// The last batch that may hold the transfer.
    pub valid_until: BatchNumber,
}

/// A transfer with its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedTransfer {
    /// What was signed.
    pub transfer: Transfer,
    /// The payer's signature over [`Transfer::message`].
    pub signature: Signature,
}

impl Transfer {
    /// The signed message `M = Poseidon(rollup_id, w0, w1)`.
    ///
    /// From the least significant bit, w0 is kind 8 | from 32 | to 32 | amount 40 | fee 16 | nonce 32 | valid_until 33
    /// bits (its value has 32), 193 bits in all; w1 is 0. The rollup id is below 2^248.
    pub fn message(&self, rollup_id: &Fr) -> Fr {
        let at = |shift: u32, value: u64| Fr::from(value) * Fr::from(2u64).pow([u64::from(shift)]);
        let word = Fr::from(KIND)
            + at(FROM_SHIFT, u64::from(self.from.get()))
            + at(TO_SHIFT, u64::from(self.to.get()))
            + at(AMOUNT_SHIFT, self.amount.get())
            + at(FEE_SHIFT, u64::from(self.fee.get()))
            + at(NONCE_SHIFT, u64::from(self.nonce.get()))
            + at(VALID_UNTIL_SHIFT, u64::from(self.valid_until.get()));
        RulesHasher::message(&[*rollup_id, word, Fr::ZERO])
    }
}

/// Where a transfer is checked.
#[derive(Debug)]
pub struct TransferContext<'a> {
    /// The rollup that the signature must name.
    pub rollup_id: &'a Fr,
    /// Number of the batch.
    pub batch_number: BatchNumber,
    /// Number of places in the tree, 4^levels.
    pub capacity: u64,
    /// The batch's fee slots.
    pub fee_slots: &'a [FeeSlot],
}

/// What a transfer that passed every rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferEffect {
    /// Sender's leaf as read.
    pub sender_before: Leaf,
    /// Sender's leaf afterwards (before it receives, if it pays itself).
    pub sender: Leaf,
    /// Recipient's leaf as read after the sender's update.
    pub recipient_before: Leaf,
    /// Recipient's leaf afterwards.
    pub recipient: Leaf,
    /// Value of the fee.
    pub fee: u128,
    /// Position of the fee slot that receives it.
    pub fee_slot: usize,
}

/// Checks every rule that is not true by construction, in order.
///
/// `sender` and `recipient` are the leaves as they are before the transfer; `None` where the tree has none.
pub fn check(
    context: &TransferContext<'_>,
    signed: &SignedTransfer,
    sender: Option<&Leaf>,
    recipient: Option<&Leaf>,
) -> Result<TransferEffect, TransferError> {
    check_with(context, signed, sender, recipient, |key| {
        check_signature(context.rollup_id, signed, key)
    })
}

/// The same list, with the two rules of the signature checked by `signature`, which is called in their place with the
/// sender's key: for a caller that has run [`check_signature`] with this key already, elsewhere.
pub fn check_with(
    context: &TransferContext<'_>,
    signed: &SignedTransfer,
    sender: Option<&Leaf>,
    recipient: Option<&Leaf>,
    signature: impl FnOnce(&PublicKey) -> Result<(), TransferError>,
) -> Result<TransferEffect, TransferError> {
    let transfer = &signed.transfer;
    let inside = |index: AccountIndex| u64::from(index.get()) < context.capacity;

    // not_expired
    if transfer.valid_until < context.batch_number {
        return Err(TransferError::NotExpired {
            valid_until: transfer.valid_until,
            batch_number: context.batch_number,
        });
    }
    // sender_exists, for places inside the tree; sender_in_range, for the others
    let sender = match sender {
        Some(leaf) if inside(transfer.from) => leaf,
        _ if inside(transfer.from) => return Err(TransferError::SenderExists { index: transfer.from }),
        _ => {
            return Err(TransferError::SenderInRange {
                index: transfer.from,
                capacity: context.capacity,
            });
        }
    };
    // nonce_matches
    if transfer.nonce.get() != sender.nonce {
        return Err(TransferError::NonceMatches {
            got: transfer.nonce,
            expected: Nonce(sender.nonce),
        });
    }
    // nonce_in_range
    let Some(next_nonce) = sender.nonce.checked_add(1) else {
        return Err(TransferError::NonceInRange { index: transfer.from });
    };
    // recipient_exists, recipient_in_range
    let recipient = match recipient {
        Some(leaf) if inside(transfer.to) => leaf,
        _ if inside(transfer.to) => return Err(TransferError::RecipientExists { index: transfer.to }),
        _ => {
            return Err(TransferError::RecipientInRange {
                index: transfer.to,
                capacity: context.capacity,
            });
        }
    };
    // token_matches
    if sender.token != recipient.token {
        return Err(TransferError::TokenMatches {
            sender: TokenId(sender.token),
            recipient: TokenId(recipient.token),
        });
    }
    // balance_covers
    let covered = || {
        let amount = transfer.amount.checked_value()?;
        let fee = transfer.fee.checked_value()?;
        let rest = sender.balance.checked_sub(amount.checked_add(fee)?)?;
        Some((amount, fee, rest))
    };
    let Some((amount, fee, rest)) = covered() else {
        return Err(TransferError::BalanceCovers {
            balance: sender.balance,
            amount: transfer.amount,
            fee: transfer.fee,
        });
    };
    let sender_after = Leaf {
        balance: rest,
        nonce: next_nonce,
        ..*sender
    };
    let recipient_before = if transfer.from == transfer.to {
        sender_after
    } else {
        *recipient
    };
    // recipient_not_overflowed
    let Some(balance) = recipient_before.balance.checked_add(amount) else {
        return Err(TransferError::RecipientNotOverflowed {
            balance: recipient_before.balance,
            amount,
        });
    };
    let recipient_after = Leaf {
        balance,
        ..recipient_before
    };
    // signature_canonical, signature_valid
    signature(&sender.key)?;
    // fee_routed_once
    let Some(fee_slot) = context
        .fee_slots
        .iter()
        .position(|slot| slot.token.get() == sender.token)
    else {
        return Err(TransferError::FeeRoutedOnce {
            token: TokenId(sender.token),
        });
    };
    Ok(TransferEffect {
        sender_before: *sender,
        sender: sender_after,
        recipient_before,
        recipient: recipient_after,
        fee,
        fee_slot,
    })
}

/// The rules `signature_canonical` and `signature_valid`: signed by this key for this rollup. They need nothing of the
/// state but the key.
pub fn check_signature(
    rollup_id: &Fr,
    signed: &SignedTransfer,
    key: &PublicKey,
) -> Result<(), TransferError> {
    let SignedTransfer { transfer, signature } = signed;
    let message = transfer.message(rollup_id);
    let challenge = eddsa::challenge(key, &message, &signature.r8);
    eddsa::signature_canonical(signature, &challenge)
        .map_err(|_| TransferError::SignatureCanonical { s: signature.s })?;
    eddsa::signature_valid(key, signature, &challenge).map_err(|_| TransferError::SignatureValid { message })
}

/// Which rule a transfer broke, and by which values.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TransferError {
    /// `not_expired`: the batch comes after the last one that may hold the transfer.
    #[error("not_expired: transfer is valid until batch {valid_until}, this is batch {batch_number}")]
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
    #[error("nonce_matches: transfer has nonce {got}, the account expects {expected}")]
    NonceMatches {
        /// Nonce of the transfer.
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
    /// `recipient_in_range`: the tree has no such place.
    #[error("recipient_in_range: account {index} is outside a tree of {capacity} places")]
    RecipientInRange {
        /// Recipient's index.
        index: AccountIndex,
        /// Places in the tree.
        capacity: u64,
    },
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
        amount: FloatAmount,
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
        /// The transfer's token.
        token: TokenId,
    },
}

impl TransferError {
    /// Name of the broken rule, one of [`RULES`].
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::NotExpired { .. } => "not_expired",
            Self::SenderExists { .. } => "sender_exists",
            Self::SenderInRange { .. } => "sender_in_range",
            Self::NonceMatches { .. } => "nonce_matches",
            Self::NonceInRange { .. } => "nonce_in_range",
            Self::RecipientExists { .. } => "recipient_exists",
            Self::RecipientInRange { .. } => "recipient_in_range",
            Self::TokenMatches { .. } => "token_matches",
            Self::BalanceCovers { .. } => "balance_covers",
            Self::RecipientNotOverflowed { .. } => "recipient_not_overflowed",
            Self::SignatureCanonical { .. } => "signature_canonical",
            Self::SignatureValid { .. } => "signature_valid",
            Self::FeeRoutedOnce { .. } => "fee_routed_once",
        }
    }
}
