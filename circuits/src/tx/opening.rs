//! The opening: a transfer to an empty place below the middle of the tree, which makes an account there with the key and the
//! owner that it names, in the token of its sender.
//!
//! `check` is the list of rules; [`constraints`] walks the same list.

pub mod constraints;

use super::sender::{Signer, balance_covers, check_holder, check_signer, holder, message, route_fee};
use super::{Asked, Effect, OtherEffect, RuleContext, RuleError, SenderEffect, SignedOperation, transfer};
use crate::babyjubjub::{Point, PublicKey};
use crate::eddsa::Signature;
use crate::float::{FloatAmount, FloatFee};
use crate::leaf::Leaf;
use crate::types::{AccountIndex, BatchNumber, Nonce, RootAddress};
use ark_bn254::Fr;

/// Kind of operation in the low 8 bits of the signed word. Its other fields lie where a transfer's do.
pub const KIND: u64 = 2;

/// The names of an opening's rules, in the order in which they are checked.
pub const RULES: [&str; 17] = [
    "slot_flags",
    "not_expired",
    "sender_exists",
    "sender_in_range",
    "nonce_matches",
    "nonce_in_range",
    "leaf_empty",
    "recipient_in_range",
    "key_valid",
    "owner_nonzero",
    "balance_covers",
    "signature_canonical",
    "signature_valid",
    "fee_routed_once",
    "sender_path",
    "recipient_path",
    "root_chained",
];

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Opening {
    /// Paying account.
    pub from: AccountIndex,
    /// Place of the new account: empty, and below the middle of the tree (2^31 in production).
    pub to: AccountIndex,
    /// Its first balance, in the smallest unit of the sender's token.
    pub amount: FloatAmount,
    /// Fee, in the same token.
    pub fee: FloatFee,
    /// The payer's nonce.
    pub nonce: Nonce,
    /// The last batch that may hold the opening.
    pub valid_until: BatchNumber,
    /// The new account's key; whether it is one is the rule `key_valid`.
    pub key: Point,
    /// The new account's owner on the root chain.
    pub owner: RootAddress,
}

/// An opening with its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedOpening {
    /// What was signed.
    pub opening: Opening,
    /// The payer's signature over [`Opening::message`].
    pub signature: Signature,
}

impl From<SignedOpening> for SignedOperation {
    fn from(signed: SignedOpening) -> Self {
        Self::Opening(signed)
    }
}

impl Opening {
    /// The signed message `M = Poseidon(rollup_id, w0, w1)`.
    ///
    /// w0 has the bits of a [transfer's](transfer::Transfer::message) under this [`KIND`]; w1 is the holder's hash,
    /// [`FieldHasher::holder`](crate::hash::FieldHasher::holder) of key and owner.
    #[must_use]
    pub fn message(&self, rollup_id: &Fr) -> Fr {
        let fields = [
            (0, Fr::from(KIND)),
            (transfer::FROM_SHIFT, Fr::from(self.from.get())),
            (transfer::TO_SHIFT, Fr::from(self.to.get())),
            (transfer::AMOUNT_SHIFT, Fr::from(self.amount.get())),
            (transfer::FEE_SHIFT, Fr::from(self.fee.get())),
            (transfer::NONCE_SHIFT, Fr::from(self.nonce.get())),
            (transfer::VALID_UNTIL_SHIFT, Fr::from(self.valid_until.get())),
        ];
        message(rollup_id, &fields, holder(&self.key, self.owner))
    }
}

/// Checks the rules in order; see [`check`](super::check()).
pub(crate) fn check(
    context: &RuleContext<'_>,
    opening: &Opening,
    sender: Option<&Leaf>,
    place: Option<&Leaf>,
    signature: impl FnOnce(&PublicKey) -> Result<(), RuleError>,
) -> Result<OpeningEffect, RuleError> {
    let signer = Signer {
        from: opening.from,
        nonce: opening.nonce,
        valid_until: opening.valid_until,
    };
    let next = check_signer(context, &signer, sender)?;
    // leaf_empty, recipient_in_range: the upper half of the tree is the root chain's to give away
    let index = opening.to;
    if place.is_some() && u64::from(index.get()) < context.capacity {
        return Err(RuleError::LeafEmpty { index });
    }
    let bound = context.capacity / 2;
    if u64::from(index.get()) >= bound {
        return Err(RuleError::RecipientInRange { index, bound });
    }
    // key_valid, owner_nonzero
    let key = check_holder(&opening.key, &opening.owner)?;
    // balance_covers
    let spent = balance_covers(&next, Asked::Float(opening.amount), opening.fee)?;
    // signature_canonical, signature_valid
    signature(&next.key)?;
    // fee_routed_once
    let fee_slot = route_fee(context, next.token)?;
    let opened = Leaf {
        key,
        balance: spent.amount,
        nonce: 0,
        token: next.token,
        owner: opening.owner,
    };
    Ok(OpeningEffect {
        sender: SenderEffect {
            before: signer.before(next),
            after: Leaf {
                balance: spent.rest,
                ..next
            },
            fee: spent.fee,
            fee_slot,
        },
        index,
        opened,
    })
}

/// What an opening does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpeningEffect {
    pub(crate) sender: SenderEffect,
    pub(crate) index: AccountIndex,
    /// The new leaf.
    pub(crate) opened: Leaf,
}

impl From<OpeningEffect> for Effect {
    fn from(effect: OpeningEffect) -> Self {
        Self {
            sender: effect.sender,
            other: Some(OtherEffect {
                index: effect.index,
                before: None,
                after: effect.opened,
            }),
        }
    }
}
