//! [`AppliedBatch::from_bytes`]: what a proof is made from, as the store keeps it.

use arbitrary::Unstructured;
use quittance_circuits::batch::{
    AppliedBatch, AppliedFee, AppliedOpening, AppliedPriority, AppliedRotation, AppliedTransfer,
    AppliedWithdrawal, BatchContext,
};
use quittance_circuits::tree::Path;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::types::{AccountIndex, BatchNumber, TokenId};
use quittance_verifier::Section;

use crate::damage::damage;
use crate::leaf::arbitrary_leaf;
use crate::memory::Budget;
use crate::operations::{
    arbitrary_hash, arbitrary_opening, arbitrary_priority, arbitrary_rotation, arbitrary_transfer,
    arbitrary_withdrawal,
};
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
        let facts = batch.facts();
        for (section, count) in [
            (Section::Priority, batch.priority.len()),
            (Section::Openings, batch.openings.len()),
            (Section::Transfers, batch.transfers.len()),
            (Section::Withdrawals, batch.withdrawals.len()),
            (Section::Rotations, batch.rotations.len()),
            (Section::Fees, batch.fees.len()),
        ] {
            assert_eq!(facts.count(section), count, "{section}");
        }
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
    // Without a fee slot nothing signed can pay.
    let most = if fees == 0 { 0 } else { 1 };
    let seen = |recipe: &mut Unstructured<'_>| Ok((arbitrary_leaf(recipe)?, arbitrary_path(levels, recipe)?));
    Ok(AppliedBatch {
        levels,
        context: BatchContext {
            rollup_id: points::fr(recipe)?,
            batch_number: BatchNumber(recipe.arbitrary()?),
            queue: arbitrary_hash(recipe)?,
        },
        old_root: points::fr(recipe)?,
        new_root: points::fr(recipe)?,
        priority: list(recipe, 2, |recipe| {
            Ok(AppliedPriority {
                operation: arbitrary_priority(recipe)?,
                done: recipe.arbitrary()?,
                account: if recipe.arbitrary()? {
                    Some(arbitrary_leaf(recipe)?)
                } else {
                    None
                },
                path: arbitrary_path(levels, recipe)?,
            })
        })?,
        openings: list(recipe, most, |recipe| {
            let (sender, sender_path) = seen(recipe)?;
            Ok(AppliedOpening {
                signed: arbitrary_opening(recipe)?,
                sender,
                sender_path,
                recipient_path: arbitrary_path(levels, recipe)?,
                fee_slot: recipe.choose_index(fees)?,
            })
        })?,
        transfers: list(recipe, 2 * most, |recipe| {
            let ((sender, sender_path), (recipient, recipient_path)) = (seen(recipe)?, seen(recipe)?);
            Ok(AppliedTransfer {
                signed: arbitrary_transfer(recipe)?,
                sender,
                sender_path,
                recipient,
                recipient_path,
                fee_slot: recipe.choose_index(fees)?,
            })
        })?,
        withdrawals: list(recipe, most, |recipe| {
            let (sender, sender_path) = seen(recipe)?;
            Ok(AppliedWithdrawal {
                signed: arbitrary_withdrawal(recipe)?,
                sender,
                sender_path,
                fee_slot: recipe.choose_index(fees)?,
            })
        })?,
        rotations: list(recipe, most, |recipe| {
            let (sender, sender_path) = seen(recipe)?;
            Ok(AppliedRotation {
                signed: arbitrary_rotation(recipe)?,
                sender,
                sender_path,
                fee_slot: recipe.choose_index(fees)?,
            })
        })?,
        fees: (0..fees)
            .map(|_| {
                let (account, path) = seen(recipe)?;
                Ok(AppliedFee {
                    slot: FeeSlot {
                        leaf: AccountIndex(recipe.arbitrary()?),
                        token: TokenId(recipe.arbitrary()?),
                    },
                    amount: recipe.arbitrary()?,
                    account,
                    path,
                })
            })
            .collect::<Result<_, _>>()?,
    })
}

fn list<T>(
    recipe: &mut Unstructured<'_>,
    most: usize,
    entry: impl Fn(&mut Unstructured<'_>) -> arbitrary::Result<T>,
) -> arbitrary::Result<Vec<T>> {
    let count = recipe.int_in_range(0..=most)?;
    (0..count).map(|_| entry(recipe)).collect()
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
