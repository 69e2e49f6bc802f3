//! The withdrawal: takes an amount out of the rollup, to be paid to an address of the root chain.
//!
//! `check` is the list of rules; [`constraints`] walks the same list.

pub mod constraints;

use super::sender::{Signer, balance_covers, check_signer, message, route_fee};
use super::{Asked, RuleContext, RuleError, SenderEffect, SignedOperation};
use crate::babyjubjub::PublicKey;
use crate::eddsa::Signature;
use crate::float::FloatFee;
use crate::leaf::Leaf;
use crate::types::{AccountIndex, BatchNumber, Nonce, RootAddress};
use ark_bn254::Fr;

/// Kind of operation in the low 8 bits of the signed word.
pub const KIND: u64 = 3;
/// First bit of the sender's index (32 bits) in the signed word.
pub const FROM_SHIFT: u32 = 8;
/// First bit of the amount (128 bits).
pub const AMOUNT_SHIFT: u32 = 40;
/// First bit of the fee's encoding (16 bits).
pub const FEE_SHIFT: u32 = 168;
/// First bit of the nonce (32 bits).
pub const NONCE_SHIFT: u32 = 184;
/// First bit of the last valid batch number (33 bits, as a transfer's): 249 bits in all, so nothing wraps.
pub const VALID_UNTIL_SHIFT: u32 = 216;

/// The names of a withdrawal's rules, in the order in which they are checked.
pub const RULES: [&str; 13] = [
    "slot_flags",
    "not_expired",
    "sender_exists",
    "sender_in_range",
    "nonce_matches",
    "nonce_in_range",
    "address_in_range",
    "balance_covers",
    "signature_canonical",
    "signature_valid",
    "fee_routed_once",
    "sender_path",
    "root_chained",
];

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Withdrawal {
    /// Paying account.
    pub from: AccountIndex,
    /// Amount, in the smallest unit of the account's token.
    pub amount: u128,
    /// Fee, in the same token.
    pub fee: FloatFee,
    /// The payer's nonce.
    pub nonce: Nonce,
    /// The last batch that may hold the withdrawal.
    pub valid_until: BatchNumber,
    /// Who is paid on the root chain; not the zero address.
    pub address: RootAddress,
}

/// A withdrawal with its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedWithdrawal {
    /// What was signed.
    pub withdrawal: Withdrawal,
    /// The payer's signature over [`Withdrawal::message`].
    pub signature: Signature,
}

impl From<SignedWithdrawal> for SignedOperation {
    fn from(signed: SignedWithdrawal) -> Self {
        Self::Withdrawal(signed)
    }
}

impl Withdrawal {
    /// The signed message `M = Poseidon(rollup_id, w0, w1)`.
    ///
    /// From the least significant bit, w0 is kind 8 | from 32 | amount 128 | fee 16 | nonce 32 | valid_until 33 bits (its
    /// value has 32), 249 bits in all; w1 is the address, 160 bits.
    #[must_use]
    pub fn message(&self, rollup_id: &Fr) -> Fr {
        let fields = [
            (0, Fr::from(KIND)),
            (FROM_SHIFT, Fr::from(self.from.get())),
            (AMOUNT_SHIFT, Fr::from(self.amount)),
            (FEE_SHIFT, Fr::from(self.fee.get())),
            (NONCE_SHIFT, Fr::from(self.nonce.get())),
            (VALID_UNTIL_SHIFT, Fr::from(self.valid_until.get())),
        ];
        message(rollup_id, &fields, self.address.into())
    }
}

/// Checks the rules in order; see [`check`](super::check()).
pub(crate) fn check(
    context: &RuleContext<'_>,
    withdrawal: &Withdrawal,
    sender: Option<&Leaf>,
    signature: impl FnOnce(&PublicKey) -> Result<(), RuleError>,
) -> Result<SenderEffect, RuleError> {
    let signer = Signer {
        from: withdrawal.from,
        nonce: withdrawal.nonce,
        valid_until: withdrawal.valid_until,
    };
    let next = check_signer(context, &signer, sender)?;
    // address_in_range
    if withdrawal.address.is_zero() {
        return Err(RuleError::AddressInRange);
    }
    // balance_covers
    let spent = balance_covers(&next, Asked::Exact(withdrawal.amount), withdrawal.fee)?;
    // signature_canonical, signature_valid
    signature(&next.key)?;
    // fee_routed_once
    let fee_slot = route_fee(context, next.token)?;
    Ok(SenderEffect {
        before: signer.before(next),
        after: Leaf {
            balance: spent.rest,
            ..next
        },
        fee: spent.fee,
        fee_slot,
    })
}
