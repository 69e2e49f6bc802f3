//! What the sequencer has to do, as simply as possible: one operation after another, by the native rules.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use quittance_circuits::babyjubjub::PublicKey;
use quittance_circuits::leaf::Leaf;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::{self, Priority, RuleContext, priority};
use quittance_circuits::types::{AccountIndex, BatchNumber, TokenId};

use super::{FEE_LEAVES, PLACES};
use crate::operation::{Outcome, Request};

pub(in crate::sequencer::acceptance) type Leaves = BTreeMap<u32, Leaf>;

/// What has happened.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::sequencer::acceptance) struct Seen {
    /// By section.
    pub(in crate::sequencer::acceptance) accepted: [u32; 5],
    pub(in crate::sequencer::acceptance) refused: u32,
    pub(in crate::sequencer::acceptance) batches: u32,
    pub(in crate::sequencer::acceptance) done: u32,
    pub(in crate::sequencer::acceptance) not_done: u32,
    pub(in crate::sequencer::acceptance) wholes: u32,
    pub(in crate::sequencer::acceptance) rollbacks: u32,
    /// Batches with operations that were executed in another order than that of acceptance.
    pub(in crate::sequencer::acceptance) cut_by_order: u32,
}

impl Seen {
    pub(in crate::sequencer::acceptance) fn add(&mut self, other: &Self) {
        for (sum, count) in self.accepted.iter_mut().zip(other.accepted) {
            *sum += count;
        }
        self.refused += other.refused;
        self.batches += other.batches;
        self.done += other.done;
        self.not_done += other.not_done;
        self.wholes += other.wholes;
        self.rollbacks += other.rollbacks;
        self.cut_by_order += other.cut_by_order;
    }
}

/// Token and fee of a signed operation, and what came of a priority operation.
pub(super) type Done = (Option<(u32, u128)>, Option<Outcome>);

/// Executes one operation on leaves, or gives the name of the rule that it breaks.
pub(super) fn execute(
    rollup_id: &Fr,
    batch_number: u32,
    leaves: &mut Leaves,
    request: &Request,
    check_signature: bool,
) -> Result<Done, &'static str> {
    let slots = FEE_LEAVES.map(|(token, leaf)| FeeSlot {
        leaf: AccountIndex(leaf),
        token: TokenId(token),
    });
    match request {
        Request::Priority(entry) => {
            let index = entry.priority.leaf().get();
            let before = leaves.get(&index).copied();
            let effect = priority::check(&entry.priority, u64::from(PLACES), before.as_ref()).unwrap();
            let done = effect.after.is_some();
            if let Some(after) = effect.after {
                leaves.insert(index, after);
            }
            let (token, amount) = match (&entry.priority, before) {
                (Priority::Deposit(deposit), _) => (deposit.token.get(), deposit.amount),
                (Priority::ForcedExit(_), Some(leaf)) if done => (leaf.token, leaf.balance),
                _ => (0, 0),
            };
            Ok((None, Some(Outcome { done, token, amount })))
        }
        Request::Signed(signed) => {
            let context = RuleContext {
                rollup_id,
                batch_number: BatchNumber(batch_number),
                capacity: u64::from(PLACES),
                fee_slots: &slots,
            };
            let sender = leaves.get(&signed.from().get()).copied();
            let other = signed.to().and_then(|to| leaves.get(&to.get()).copied());
            let signature = |key: &PublicKey| {
                if check_signature {
                    signed.check_signature(rollup_id, key)
                } else {
                    Ok(())
                }
            };
            let effect = tx::check(&context, signed, sender.as_ref(), other.as_ref(), signature)
                .map_err(|error| error.rule())?;
            leaves.insert(signed.from().get(), effect.sender.after);
            if let Some(other) = effect.other {
                leaves.insert(other.index.get(), other.after);
            }
            Ok((Some((effect.sender.before.token, effect.sender.fee)), None))
        }
    }
}
