//! The rotation: hands an account over to another key and another owner, signed by the old key. Token, nonce (one further) and
//! balance (without the fee) stay, so that old signatures are never valid again (S44).
//!
//! `check` is the list of rules; [`constraints`] walks the same list.

pub mod constraints;

use super::sender::{Signer, balance_covers, check_holder, check_signer, holder, message, route_fee};
use super::{Asked, RuleContext, RuleError, SenderEffect, SignedOperation, transfer};
use crate::babyjubjub::{Point, PublicKey};
use crate::eddsa::Signature;
use crate::float::FloatFee;
use crate::leaf::Leaf;
use crate::types::{AccountIndex, BatchNumber, Nonce, RootAddress};
use ark_bn254::Fr;

/// Kind of operation in the low 8 bits of the signed word. Its other fields lie where a transfer's do; a transfer's
/// recipient and amount are zero here.
pub const KIND: u64 = 4;

/// The names of a rotation's rules, in the order in which they are checked.
pub const RULES: [&str; 14] = [
    "slot_flags",
    "not_expired",
    "sender_exists",
    "sender_in_range",
    "nonce_matches",
    "nonce_in_range",
    "key_valid",
    "owner_nonzero",
    "balance_covers",
    "signature_canonical",
    "signature_valid",
    "fee_routed_once",
    "sender_path",
    "root_chained",
];

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rotation {
    /// The account.
    pub from: AccountIndex,
    /// Fee, in the account's token.
    pub fee: FloatFee,
    /// The account's nonce.
    pub nonce: Nonce,
    /// The last batch that may hold the rotation.
    pub valid_until: BatchNumber,
    /// The new key; whether it is one is the rule `key_valid`.
    pub key: Point,
    /// The new owner on the root chain.
    pub owner: RootAddress,
}

/// A rotation with its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedRotation {
    /// What was signed.
    pub rotation: Rotation,
    /// The signature by the old key over [`Rotation::message`].
    pub signature: Signature,
}

impl From<SignedRotation> for SignedOperation {
    fn from(signed: SignedRotation) -> Self {
        Self::Rotation(signed)
    }
}

impl Rotation {
    /// The signed message `M = Poseidon(rollup_id, w0, w1)`.
    ///
    /// From the least significant bit, w0 is kind 8 | from 32 | 72 zeros | fee 16 | nonce 32 | valid_until 33 bits (its value
    /// has 32); w1 is the new holder's hash, [`FieldHasher::holder`](crate::hash::FieldHasher::holder) of key and owner.
    #[must_use]
    pub fn message(&self, rollup_id: &Fr) -> Fr {
        let fields = [
            (0, Fr::from(KIND)),
            (transfer::FROM_SHIFT, Fr::from(self.from.get())),
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
    rotation: &Rotation,
    sender: Option<&Leaf>,
    signature: impl FnOnce(&PublicKey) -> Result<(), RuleError>,
) -> Result<SenderEffect, RuleError> {
    let signer = Signer {
        from: rotation.from,
        nonce: rotation.nonce,
        valid_until: rotation.valid_until,
    };
    let next = check_signer(context, &signer, sender)?;
    // key_valid, owner_nonzero
    let key = check_holder(&rotation.key, &rotation.owner)?;
    // balance_covers
    let spent = balance_covers(&next, Asked::Exact(0), rotation.fee)?;
    // signature_canonical, signature_valid
    signature(&next.key)?;
    // fee_routed_once
    let fee_slot = route_fee(context, next.token)?;
    Ok(SenderEffect {
        before: signer.before(next),
        after: Leaf {
            key,
            owner: rotation.owner,
            balance: spent.rest,
            ..next
        },
        fee: spent.fee,
        fee_slot,
    })
}
