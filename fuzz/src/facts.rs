//! Facts and exits that an input chooses, sometimes out of range.

use arbitrary::Unstructured;
use quittance_verifier::{
    Deposit, ExitFacts, Facts, FeeData, ForcedExit, OpeningData, Payout, PriorityData, RotationData,
    TransferData, WithdrawalData,
};

use crate::points;

/// Facts, sometimes out of range.
pub fn arbitrary_facts(recipe: &mut Unstructured<'_>) -> arbitrary::Result<Facts> {
    Ok(Facts {
        rollup_id: arbitrary_word(recipe)?,
        batch_number: recipe.arbitrary()?,
        old_root: points::fr(recipe)?,
        new_root: points::fr(recipe)?,
        queue: arbitrary_word(recipe)?,
        priority: list(recipe, 4, arbitrary_priority)?,
        openings: list(recipe, 3, arbitrary_opening)?,
        transfers: list(recipe, 9, arbitrary_transfer)?,
        withdrawals: list(recipe, 3, |recipe| {
            Ok(WithdrawalData {
                from: recipe.arbitrary()?,
                token: recipe.arbitrary()?,
                amount: recipe.arbitrary()?,
                fee: recipe.arbitrary()?,
                address: recipe.arbitrary()?,
            })
        })?,
        rotations: list(recipe, 3, |recipe| {
            Ok(RotationData {
                from: recipe.arbitrary()?,
                fee: recipe.arbitrary()?,
                owner: recipe.arbitrary()?,
                key: arbitrary_key(recipe)?,
            })
        })?,
        fees: arbitrary_fees(recipe)?,
    })
}

/// Whether [`Facts::to_bytes`] has to accept facts that [`arbitrary_facts`] made.
pub fn in_range(facts: &Facts) -> bool {
    let openings = facts.openings.iter().map(|opening| opening.amount);
    let transfers = facts.transfers.iter().map(|transfer| transfer.amount);
    facts.rollup_id[0] == 0
        && facts.queue[0] == 0
        && openings
            .chain(transfers)
            .all(|amount| amount <= TransferData::MAX_AMOUNT)
        && facts.fees.len() <= 64
}

/// What an exit says, sometimes out of range.
pub fn arbitrary_exit(recipe: &mut Unstructured<'_>) -> arbitrary::Result<ExitFacts> {
    Ok(ExitFacts {
        rollup_id: arbitrary_word(recipe)?,
        root: points::fr(recipe)?,
        leaf: recipe.arbitrary()?,
        token: recipe.arbitrary()?,
        balance: recipe.arbitrary()?,
        owner: recipe.arbitrary()?,
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

/// 32 bytes that are below 2^248, but for one in 64.
fn arbitrary_word(recipe: &mut Unstructured<'_>) -> arbitrary::Result<[u8; 32]> {
    let mut word: [u8; 32] = recipe.arbitrary()?;
    if !recipe.ratio(1u8, 64u8)? {
        word[0] = 0;
    }
    Ok(word)
}

fn arbitrary_key(recipe: &mut Unstructured<'_>) -> arbitrary::Result<[ark_bn254::Fr; 2]> {
    Ok([points::fr(recipe)?, points::fr(recipe)?])
}

fn arbitrary_priority(recipe: &mut Unstructured<'_>) -> arbitrary::Result<PriorityData> {
    Ok(if recipe.arbitrary()? {
        PriorityData::Deposit {
            deposit: Deposit {
                leaf: recipe.arbitrary()?,
                token: recipe.arbitrary()?,
                amount: recipe.arbitrary()?,
                owner: recipe.arbitrary()?,
                key: arbitrary_key(recipe)?,
            },
            done: recipe.arbitrary()?,
        }
    } else {
        let exit = ForcedExit {
            leaf: recipe.arbitrary()?,
            caller: recipe.arbitrary()?,
        };
        let paid = if recipe.arbitrary()? {
            Some(Payout {
                token: recipe.arbitrary()?,
                amount: recipe.arbitrary()?,
            })
        } else {
            None
        };
        PriorityData::ForcedExit { exit, paid }
    })
}

fn arbitrary_opening(recipe: &mut Unstructured<'_>) -> arbitrary::Result<OpeningData> {
    let moved = arbitrary_transfer(recipe)?;
    Ok(OpeningData {
        from: moved.from,
        to: moved.to,
        amount: moved.amount,
        fee: moved.fee,
        token: recipe.arbitrary()?,
        owner: recipe.arbitrary()?,
        key: arbitrary_key(recipe)?,
    })
}

fn arbitrary_transfer(recipe: &mut Unstructured<'_>) -> arbitrary::Result<TransferData> {
    let any: u64 = recipe.arbitrary()?;
    let amount = if recipe.ratio(1u8, 64u8)? {
        any
    } else {
        any & TransferData::MAX_AMOUNT
    };
    Ok(TransferData {
        from: recipe.arbitrary()?,
        to: recipe.arbitrary()?,
        amount,
        fee: recipe.arbitrary()?,
    })
}

fn arbitrary_fees(recipe: &mut Unstructured<'_>) -> arbitrary::Result<Vec<FeeData>> {
    // Now and then one more than a shape can have.
    let fees = if recipe.ratio(1u8, 64u8)? {
        65
    } else {
        recipe.int_in_range(0..=5usize)?
    };
    (0..fees)
        .map(|_| {
            Ok(FeeData {
                leaf: recipe.arbitrary()?,
                token: recipe.arbitrary()?,
                amount: recipe.arbitrary()?,
            })
        })
        .collect()
}
