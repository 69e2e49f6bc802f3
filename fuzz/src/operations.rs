//! Operations of every kind that an input chooses, with signatures that nobody made.

use arbitrary::Unstructured;
use quittance_circuits::babyjubjub::Point;
use quittance_circuits::eddsa::Signature;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::tx::SignedOperation;
use quittance_circuits::tx::opening::{Opening, SignedOpening};
use quittance_circuits::tx::priority::{Deposit, ForcedExit, Priority};
use quittance_circuits::tx::rotation::{Rotation, SignedRotation};
use quittance_circuits::tx::transfer::{SignedTransfer, Transfer};
use quittance_circuits::tx::withdrawal::{SignedWithdrawal, Withdrawal};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress, TokenId};

use crate::points;

/// A signed operation of any kind.
pub fn arbitrary_signed(recipe: &mut Unstructured<'_>) -> arbitrary::Result<SignedOperation> {
    Ok(match recipe.int_in_range(0..=3u8)? {
        0 => SignedOperation::Transfer(arbitrary_transfer(recipe)?),
        1 => SignedOperation::Opening(arbitrary_opening(recipe)?),
        2 => SignedOperation::Withdrawal(arbitrary_withdrawal(recipe)?),
        _ => SignedOperation::Rotation(arbitrary_rotation(recipe)?),
    })
}

/// A transfer with any numbers.
pub fn arbitrary_transfer(recipe: &mut Unstructured<'_>) -> arbitrary::Result<SignedTransfer> {
    Ok(SignedTransfer {
        transfer: Transfer {
            from: AccountIndex(recipe.arbitrary()?),
            to: AccountIndex(recipe.arbitrary()?),
            amount: amount(recipe)?,
            fee: FloatFee::new(recipe.arbitrary()?),
            nonce: Nonce(recipe.arbitrary()?),
            valid_until: BatchNumber(recipe.arbitrary()?),
        },
        signature: signature(recipe)?,
    })
}

/// An opening with any numbers, for a key that need not be one.
pub fn arbitrary_opening(recipe: &mut Unstructured<'_>) -> arbitrary::Result<SignedOpening> {
    Ok(SignedOpening {
        opening: Opening {
            from: AccountIndex(recipe.arbitrary()?),
            to: AccountIndex(recipe.arbitrary()?),
            amount: amount(recipe)?,
            fee: FloatFee::new(recipe.arbitrary()?),
            nonce: Nonce(recipe.arbitrary()?),
            valid_until: BatchNumber(recipe.arbitrary()?),
            key: point(recipe)?,
            owner: RootAddress(recipe.arbitrary()?),
        },
        signature: signature(recipe)?,
    })
}

/// A withdrawal with any numbers.
pub fn arbitrary_withdrawal(recipe: &mut Unstructured<'_>) -> arbitrary::Result<SignedWithdrawal> {
    Ok(SignedWithdrawal {
        withdrawal: Withdrawal {
            from: AccountIndex(recipe.arbitrary()?),
            amount: recipe.arbitrary()?,
            fee: FloatFee::new(recipe.arbitrary()?),
            nonce: Nonce(recipe.arbitrary()?),
            valid_until: BatchNumber(recipe.arbitrary()?),
            address: RootAddress(recipe.arbitrary()?),
        },
        signature: signature(recipe)?,
    })
}

/// A rotation with any numbers, to a key that need not be one.
pub fn arbitrary_rotation(recipe: &mut Unstructured<'_>) -> arbitrary::Result<SignedRotation> {
    Ok(SignedRotation {
        rotation: Rotation {
            from: AccountIndex(recipe.arbitrary()?),
            fee: FloatFee::new(recipe.arbitrary()?),
            nonce: Nonce(recipe.arbitrary()?),
            valid_until: BatchNumber(recipe.arbitrary()?),
            key: point(recipe)?,
            owner: RootAddress(recipe.arbitrary()?),
        },
        signature: signature(recipe)?,
    })
}

/// An operation of the root chain, whose key and owner may be anything.
pub fn arbitrary_priority(recipe: &mut Unstructured<'_>) -> arbitrary::Result<Priority> {
    Ok(if recipe.arbitrary()? {
        Priority::Deposit(Deposit {
            leaf: AccountIndex(recipe.arbitrary()?),
            token: TokenId(recipe.arbitrary()?),
            amount: recipe.arbitrary()?,
            owner: RootAddress(recipe.arbitrary()?),
            key: point(recipe)?,
        })
    } else {
        Priority::ForcedExit(ForcedExit {
            leaf: AccountIndex(recipe.arbitrary()?),
            caller: RootAddress(recipe.arbitrary()?),
        })
    })
}

/// A hash of the root chain's queue, below 2^248.
pub fn arbitrary_hash(recipe: &mut Unstructured<'_>) -> arbitrary::Result<[u8; 32]> {
    let mut hash: [u8; 32] = recipe.arbitrary()?;
    hash[0] = 0;
    Ok(hash)
}

fn amount(recipe: &mut Unstructured<'_>) -> arbitrary::Result<FloatAmount> {
    let amount = recipe.int_in_range(0..=(1u64 << FloatAmount::BITS) - 1)?;
    Ok(FloatAmount::new(amount).expect("40 bits"))
}

fn point(recipe: &mut Unstructured<'_>) -> arbitrary::Result<Point> {
    Ok(Point::new(points::fr(recipe)?, points::fr(recipe)?))
}

fn signature(recipe: &mut Unstructured<'_>) -> arbitrary::Result<Signature> {
    Ok(Signature {
        r8: point(recipe)?,
        s: recipe.arbitrary()?,
    })
}
