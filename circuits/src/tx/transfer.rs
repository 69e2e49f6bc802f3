//! The transfer: moves an amount between two accounts of one token and pays a fee in it.
//!
//! `check` is the list of rules. The gadget ([`constraints`]) walks the same list in the same order, and each of its rows
//! carries the name of a rule; [`RuleError::rule`] gives the same name.

pub mod constraints;

use super::sender::{Signer, balance_covers, check_signer, message, route_fee};
use super::{Asked, Effect, OtherEffect, RuleContext, RuleError, SenderEffect, SignedOperation};
use crate::babyjubjub::PublicKey;
use crate::eddsa::Signature;
use crate::float::{FloatAmount, FloatFee};
use crate::leaf::Leaf;
use crate::types::{AccountIndex, BatchNumber, Nonce, TokenId};
use ark_bn254::Fr;
use ark_ff::AdditiveGroup;

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

impl From<SignedTransfer> for SignedOperation {
    fn from(signed: SignedTransfer) -> Self {
        Self::Transfer(signed)
    }
}

impl Transfer {
    /// The signed message `M = Poseidon(rollup_id, w0, w1)`.
    ///
    /// From the least significant bit, w0 is kind 8 | from 32 | to 32 | amount 40 | fee 16 | nonce 32 | valid_until 33
    /// bits (its value has 32), 193 bits in all; w1 is 0. The rollup id is below 2^248.
    #[must_use]
    pub fn message(&self, rollup_id: &Fr) -> Fr {
        let fields = [
            (0, Fr::from(KIND)),
            (FROM_SHIFT, Fr::from(self.from.get())),
            (TO_SHIFT, Fr::from(self.to.get())),
            (AMOUNT_SHIFT, Fr::from(self.amount.get())),
            (FEE_SHIFT, Fr::from(self.fee.get())),
            (NONCE_SHIFT, Fr::from(self.nonce.get())),
            (VALID_UNTIL_SHIFT, Fr::from(self.valid_until.get())),
        ];
        message(rollup_id, &fields, Fr::ZERO)
    }
}

/// Checks the rules in order; see [`check`](super::check()).
pub(crate) fn check(
    context: &RuleContext<'_>,
    transfer: &Transfer,
    sender: Option<&Leaf>,
    recipient: Option<&Leaf>,
    signature: impl FnOnce(&PublicKey) -> Result<(), RuleError>,
) -> Result<TransferEffect, RuleError> {
    let signer = Signer {
        from: transfer.from,
        nonce: transfer.nonce,
        valid_until: transfer.valid_until,
    };
    let next = check_signer(context, &signer, sender)?;
    // recipient_exists, recipient_in_range
    let index = transfer.to;
    let recipient = match recipient {
        Some(leaf) if u64::from(index.get()) < context.capacity => leaf,
        _ if u64::from(index.get()) < context.capacity => {
            return Err(RuleError::RecipientExists { index });
        }
        _ => {
            return Err(RuleError::RecipientInRange {
                index,
                bound: context.capacity,
            });
        }
    };
    // token_matches
    if next.token != recipient.token {
        return Err(RuleError::TokenMatches {
            sender: TokenId(next.token),
            recipient: TokenId(recipient.token),
        });
    }
    // balance_covers
    let spent = balance_covers(&next, Asked::Float(transfer.amount), transfer.fee)?;
    let sender_after = Leaf {
        balance: spent.rest,
        ..next
    };
    let recipient_before = if transfer.from == transfer.to {
        sender_after
    } else {
        *recipient
    };
    // recipient_not_overflowed
    let Some(balance) = recipient_before.balance.checked_add(spent.amount) else {
        return Err(RuleError::RecipientNotOverflowed {
            balance: recipient_before.balance,
            amount: spent.amount,
        });
    };
    let recipient_after = Leaf {
        balance,
        ..recipient_before
    };
    // signature_canonical, signature_valid
    signature(&next.key)?;
    // fee_routed_once
    let fee_slot = route_fee(context, next.token)?;
    Ok(TransferEffect {
        sender: SenderEffect {
            before: signer.before(next),
            after: sender_after,
            fee: spent.fee,
            fee_slot,
        },
        index,
        recipient_before,
        recipient: recipient_after,
    })
}

/// What a transfer does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TransferEffect {
    pub(crate) sender: SenderEffect,
    pub(crate) index: AccountIndex,
    /// Recipient's leaf as read after the sender's update.
    pub(crate) recipient_before: Leaf,
    /// Recipient's leaf afterwards.
    pub(crate) recipient: Leaf,
}

impl From<TransferEffect> for Effect {
    fn from(effect: TransferEffect) -> Self {
        Self {
            sender: effect.sender,
            other: Some(OtherEffect {
                index: effect.index,
                before: Some(effect.recipient_before),
                after: effect.recipient,
            }),
        }
    }
}
