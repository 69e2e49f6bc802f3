//! The rules that every signed operation shares: who signs, what leaves the account, where the fee goes.

pub mod constraints;

use crate::babyjubjub::{Point, PublicKey};
use crate::float::FloatFee;
use crate::hash::{FieldHasher, RulesHasher};
use crate::leaf::Leaf;
use crate::tx::{Asked, RuleContext, RuleError};
use crate::types::{AccountIndex, BatchNumber, Nonce, RootAddress, TokenId};
use ark_bn254::Fr;
use ark_ff::Field;

/// What every signed operation says about its signer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signer {
    pub(super) from: AccountIndex,
    pub(super) nonce: Nonce,
    pub(super) valid_until: BatchNumber,
}

impl Signer {
    /// The signer's leaf as read, from the one with its next nonce.
    pub(super) const fn before(&self, next: Leaf) -> Leaf {
        Leaf {
            nonce: self.nonce.get(),
            ..next
        }
    }
}

/// `not_expired, sender_exists, sender_in_range, nonce_matches, nonce_in_range`. Gives the leaf with its next nonce.
pub(super) fn check_signer(
    context: &RuleContext<'_>,
    signer: &Signer,
    sender: Option<&Leaf>,
) -> Result<Leaf, RuleError> {
    let Signer {
        from,
        nonce,
        valid_until,
    } = *signer;
    if valid_until < context.batch_number {
        return Err(RuleError::NotExpired {
            valid_until,
            batch_number: context.batch_number,
        });
    }
    let inside = u64::from(from.get()) < context.capacity;
    let leaf = match sender {
        Some(leaf) if inside => leaf,
        _ if inside => return Err(RuleError::SenderExists { index: from }),
        _ => {
            return Err(RuleError::SenderInRange {
                index: from,
                capacity: context.capacity,
            });
        }
    };
    if nonce.get() != leaf.nonce {
        return Err(RuleError::NonceMatches {
            got: nonce,
            expected: Nonce(leaf.nonce),
        });
    }
    match leaf.nonce.checked_add(1) {
        Some(nonce) => Ok(Leaf { nonce, ..*leaf }),
        None => Err(RuleError::NonceInRange { index: from }),
    }
}

/// What leaves the signer's account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    /// Value of the amount.
    pub(super) amount: u128,
    /// Value of the fee.
    pub(super) fee: u128,
    /// The balance without both.
    pub(super) rest: u128,
}

/// `balance_covers`.
pub(super) fn balance_covers(leaf: &Leaf, amount: Asked, fee: FloatFee) -> Result<Spent, RuleError> {
    let spent = || {
        let amount = amount.value()?;
        let fee = fee.checked_value()?;
        let rest = leaf.balance.checked_sub(amount.checked_add(fee)?)?;
        Some(Spent { amount, fee, rest })
    };
    spent().ok_or(RuleError::BalanceCovers {
        balance: leaf.balance,
        amount,
        fee,
    })
}

/// `fee_routed_once`: the first fee slot of the token. No batch needs two of one token.
pub(super) fn route_fee(context: &RuleContext<'_>, token: u32) -> Result<usize, RuleError> {
    context
        .fee_slots
        .iter()
        .position(|slot| slot.token.get() == token)
        .ok_or(RuleError::FeeRoutedOnce {
            token: TokenId(token),
        })
}

/// `key_valid` and `owner_nonzero`: whom a leaf may belong to.
pub(super) fn check_holder(key: &Point, owner: &RootAddress) -> Result<PublicKey, RuleError> {
    let key = PublicKey::new(*key).map_err(|source| RuleError::KeyValid { source })?;
    if owner.is_zero() {
        return Err(RuleError::OwnerNonzero);
    }
    Ok(key)
}

/// The signed message from the fields of w0, each with its first bit, and w1.
pub(super) fn message(rollup_id: &Fr, fields: &[(u32, Fr)], second: Fr) -> Fr {
    let first = fields
        .iter()
        .map(|(shift, value)| *value * Fr::from(2u64).pow([u64::from(*shift)]))
        .sum();
    RulesHasher::message(&[*rollup_id, first, second])
}

/// Whom a leaf belongs to, as one number: w1 of openings and rotations.
pub(super) fn holder(key: &Point, owner: RootAddress) -> Fr {
    RulesHasher::holder(&[key.x, key.y, owner.into()])
}
