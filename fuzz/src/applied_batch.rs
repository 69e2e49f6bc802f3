//! [`AppliedBatch::from_bytes`]: what a proof is made from, as the store keeps it.

use arbitrary::Unstructured;
use quittance_circuits::babyjubjub::Point;
use quittance_circuits::batch::{AppliedBatch, AppliedFee, AppliedTransfer, BatchContext};
use quittance_circuits::eddsa::Signature;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::tree::Path;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::transfer::{SignedTransfer, Transfer};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, TokenId};

use crate::damage::damage;
use crate::leaf::arbitrary_leaf;
use crate::memory::Budget;
use crate::{points, recipe};

/// A transfer at one level takes 530 bytes in the record and about 700 in memory.
const BUDGET: Budget = Budget {
    base: 8192,
    for_each: 8,
};

/// Accepted bytes are the bytes of the batch, and its facts can be made.
pub fn check(data: &[u8]) {
    decode(data);
    if let Some(mut recipe) = recipe(data) {
        let _ = build(&mut recipe);
    }
}

fn decode(data: &[u8]) {
    if let Ok(batch) = BUDGET.within(data.len(), || AppliedBatch::from_bytes(data)) {
        assert_eq!(batch.to_bytes(), data);
        assert_eq!(batch.facts().transfers.len(), batch.transfers.len());
    }
}

fn build(recipe: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let batch = arbitrary_batch(recipe)?;
    let mut bytes = batch.to_bytes();
    assert_eq!(AppliedBatch::from_bytes(&bytes), Ok(batch));
    damage(&mut bytes, recipe);
    decode(&bytes);
    Ok(())
}

/// A batch of arbitrary values that obeys no rule.
pub fn arbitrary_batch(recipe: &mut Unstructured<'_>) -> arbitrary::Result<AppliedBatch> {
    let levels = recipe.int_in_range(1..=16u8)?;
    let fees = recipe.int_in_range(0..=2usize)?;
    let transfers = if fees == 0 {
        0
    } else {
        recipe.int_in_range(0..=2usize)?
    };
    Ok(AppliedBatch {
        levels,
        context: BatchContext {
            rollup_id: points::fr(recipe)?,
            batch_number: BatchNumber(recipe.arbitrary()?),
        },
        old_root: points::fr(recipe)?,
        new_root: points::fr(recipe)?,
        transfers: (0..transfers)
            .map(|_| {
                Ok(AppliedTransfer {
                    signed: arbitrary_transfer(recipe)?,
                    sender: arbitrary_leaf(recipe)?,
                    sender_path: arbitrary_path(levels, recipe)?,
                    recipient: arbitrary_leaf(recipe)?,
                    recipient_path: arbitrary_path(levels, recipe)?,
                    fee_slot: recipe.choose_index(fees)?,
                })
            })
            .collect::<Result<_, _>>()?,
        fees: (0..fees)
            .map(|_| {
                Ok(AppliedFee {
                    slot: FeeSlot {
                        leaf: AccountIndex(recipe.arbitrary()?),
                        token: TokenId(recipe.arbitrary()?),
                    },
                    amount: recipe.arbitrary()?,
                    account: arbitrary_leaf(recipe)?,
                    path: arbitrary_path(levels, recipe)?,
                })
            })
            .collect::<Result<_, _>>()?,
    })
}

/// A signed transfer with any numbers and a signature that nobody made.
pub fn arbitrary_transfer(recipe: &mut Unstructured<'_>) -> arbitrary::Result<SignedTransfer> {
    let amount = recipe.int_in_range(0..=(1u64 << FloatAmount::BITS) - 1)?;
    Ok(SignedTransfer {
        transfer: Transfer {
            from: AccountIndex(recipe.arbitrary()?),
            to: AccountIndex(recipe.arbitrary()?),
            amount: FloatAmount::new(amount).expect("40 bits"),
            fee: FloatFee::new(recipe.arbitrary()?),
            nonce: Nonce(recipe.arbitrary()?),
            valid_until: BatchNumber(recipe.arbitrary()?),
        },
        signature: Signature {
            r8: Point::new(points::fr(recipe)?, points::fr(recipe)?),
            s: recipe.arbitrary()?,
        },
    })
}

fn arbitrary_path(levels: u8, recipe: &mut Unstructured<'_>) -> arbitrary::Result<Path> {
    let siblings = (0..levels)
        .map(|_| Ok([points::fr(recipe)?, points::fr(recipe)?, points::fr(recipe)?]))
        .collect::<Result<_, _>>()?;
    Ok(Path { siblings })
}

/// A valid input.
pub fn seed(_: usize, recipe: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    arbitrary_batch(recipe).map(|batch| batch.to_bytes())
}
