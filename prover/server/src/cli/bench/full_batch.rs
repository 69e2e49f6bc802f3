//! A batch that fills a shape, for measurements.

use quittance_circuits::batch::{AppliedBatch, BatchContext, Operations, apply_batch};
use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::state::{MemoryState, Overlay};
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::types::{AccountIndex, BatchNumber, TokenId};
use quittance_verifier::{EMPTY_QUEUE, Section, Shape};

use super::super::sample::{self, Signer};
use crate::encoding::fr_from_bytes_be;

const TOKEN: u32 = 1;

/// Operations of a full batch.
pub(super) fn operations(shape: &Shape) -> u32 {
    let sections = Section::ALL
        .into_iter()
        .filter(|section| *section != Section::Fees);
    sections.fold(0, |sum, section| sum.saturating_add(shape.slots(section)))
}

/// A full batch: every slot for an operation is used, by as many accounts as the tree has room for.
pub(super) fn batch(shape: &Shape) -> Result<AppliedBatch, Box<dyn std::error::Error>> {
    let half = 1u64 << (2 * u32::from(shape.levels) - 1);
    let openings = u64::from(shape.openings);
    let signed = u64::from(operations(shape) - shape.priority).max(1);
    // Below the half are the senders, the account that takes the fees, and what is opened.
    let room = half.saturating_sub(openings + 1).max(1);
    let senders = u32::try_from(signed.min(room))?;
    let mut accounts = Vec::new();
    let mut signers = Vec::new();
    for index in 0..=senders {
        let mut seed = [0x42; 32];
        seed[..4].copy_from_slice(&index.to_le_bytes());
        let key = SecretKey::from_bytes(&seed);
        accounts.push(sample::account(index, &key, TOKEN)?);
        signers.push(Signer::new(key, index));
    }
    let state = MemoryState::genesis(shape.levels, accounts)?;
    let rollup_id = fr_from_bytes_be(&quittance_verifier::rollup_id(0, [0; 20])).unwrap_or_default();
    signers.pop();
    let mut turn = 0;
    let mut next = move |make: &mut dyn FnMut(&mut Signer)| {
        let count = signers.len().max(1);
        if let Some(signer) = signers.get_mut(turn % count) {
            make(signer);
        }
        turn += 1;
    };
    let mut batch = Operations::default();
    for slot in 0..shape.priority {
        let leaf = u32::try_from(half + u64::from(slot) % half)?;
        batch.priority.push(sample::deposit(leaf, TOKEN));
    }
    for slot in 0..shape.openings {
        next(&mut |signer| {
            batch
                .openings
                .push(signer.opening(&rollup_id, senders + 1 + slot, 1))
        });
    }
    for slot in 0..shape.transfers {
        let amount = u128::from(slot) + 1;
        next(&mut |signer| {
            let to = (signer.index() + 1) % senders;
            batch.transfers.push(signer.transfer(&rollup_id, to, amount));
        });
    }
    for slot in 0..shape.withdrawals {
        let amount = u128::from(slot) + 1;
        next(&mut |signer| batch.withdrawals.push(signer.withdrawal(&rollup_id, amount)));
    }
    for _ in 0..shape.rotations {
        next(&mut |signer| batch.rotations.push(signer.rotation(&rollup_id)));
    }
    if shape.fee_slots > 0 {
        batch.fees.push(FeeSlot {
            leaf: AccountIndex(senders),
            token: TokenId(TOKEN),
        });
    }
    let context = BatchContext {
        rollup_id,
        batch_number: BatchNumber(1),
        queue: EMPTY_QUEUE,
    };
    Ok(apply_batch(&mut Overlay::new(&state)?, &context, &batch)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_is_used() {
        for name in ["t2f1", "p1o1t2w1r1f1", "p2o1t20w3r2f2l2", "p3f1l1"] {
            let shape = Shape::parse_name(name).unwrap();
            let applied = batch(&shape).unwrap();
            let facts = applied.facts();
            let counts = [
                facts.priority.len(),
                facts.openings.len(),
                facts.transfers.len(),
                facts.withdrawals.len(),
                facts.rotations.len(),
            ];
            let slots = [
                shape.priority,
                shape.openings,
                shape.transfers,
                shape.withdrawals,
                shape.rotations,
            ];
            assert_eq!(counts.map(|count| u32::try_from(count).unwrap()), slots, "{name}");
        }
    }
}
