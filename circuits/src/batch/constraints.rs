//! The circuit of a batch: its sections in order, chained by the state root, then the statement.

use super::witness::BatchWitness;
use crate::hash::constraints::HashGadget;
use crate::r1cs::{Before, ConstraintSystem, FieldVar, Label, Linear, Slots};
use crate::range::enforce_range;
use crate::shapes::{fee_variables, transfer_variables};
use crate::statement::constraints::{StatementVar, enforce_statement};
use crate::tx::fee::constraints::{FeeHeaderVar, FeeVar, FeeWitness, enforce_fee, enforce_header};
use crate::tx::transfer::constraints::{
    TransferContext, TransferLink, TransferVar, TransferWitness, enforce_transfer,
};
use ark_bn254::Fr;
use ark_ff::Field;
use core::marker::PhantomData;

/// The whole batch of `levels` tree levels: one slot for each witness. Public inputs are (h, z, y).
pub fn enforce_batch<C: ConstraintSystem, H: HashGadget>(cs: &mut C, levels: usize, witness: &BatchWitness) {
    cs.label(Label::statement("batch_number_in_range"));
    let rollup_id = cs.witness(witness.rollup_id);
    let batch_number = cs.witness(witness.batch_number);
    let old_root = cs.witness(witness.old_root);
    let new_root = cs.witness(witness.new_root);
    enforce_range(cs, &batch_number, 32);

    cs.label(Label::statement("message_prefix"));
    let message_prefix = H::message_prefix(cs, &rollup_id);

    let mut headers: Vec<FeeHeaderVar<C::L>> = Vec::with_capacity(witness.fees.len());
    for (slot, fee) in (0u32..).zip(&witness.fees) {
        let header = enforce_header(cs, slot, headers.last(), fee);
        headers.push(header);
    }

    let section = TransferSlots::<_, H> {
        levels,
        message_prefix: &message_prefix,
        batch_number: &batch_number,
        fee_slots: &headers,
        witnesses: &witness.transfers,
        hash: PhantomData,
    };
    let start = TransferLink {
        root: old_root.clone(),
        enabled: None,
    };
    let (outcomes, link) = cs.slots(&section, &start);
    let mut transfers = Vec::with_capacity(outcomes.len());
    let mut amounts = vec![FieldVar::zero(); headers.len()];
    let mut transfer_count = FieldVar::zero();
    for outcome in outcomes {
        for (amount, routed) in amounts.iter_mut().zip(&outcome.routed) {
            amount.add_scaled(routed, Fr::ONE);
        }
        transfer_count.add_scaled(&outcome.enabled, Fr::ONE);
        transfers.push(outcome.pubdata);
    }

    let section = FeeSlots::<_, H> {
        levels,
        headers: &headers,
        amounts: &amounts,
        witnesses: &witness.fees,
        hash: PhantomData,
    };
    let (outcomes, root) = cs.slots(&section, &link.root);
    let mut fee_count = FieldVar::zero();
    for header in &headers {
        fee_count.add_scaled(&header.enabled, Fr::ONE);
    }
    let fees = outcomes.into_iter().map(|outcome| outcome.word).collect();

    cs.label(Label::statement("root_chained"));
    cs.enforce_equal(&root, &new_root);

    let statement = StatementVar {
        rollup_id,
        batch_number,
        old_root,
        new_root,
        transfer_count,
        fee_count,
        fees,
        transfers,
    };
    enforce_statement::<C, H>(cs, &statement);
}

/// The section of transfers.
struct TransferSlots<'a, L, H> {
    levels: usize,
    message_prefix: &'a FieldVar<L>,
    batch_number: &'a FieldVar<L>,
    fee_slots: &'a [FeeHeaderVar<L>],
    witnesses: &'a [TransferWitness],
    hash: PhantomData<fn() -> H>,
}

impl<L: Linear, H: HashGadget> Slots<L> for TransferSlots<'_, L, H> {
    type Outcome = TransferVar<L>;
    type Link = TransferLink<L>;

    fn count(&self) -> usize {
        self.witnesses.len()
    }

    fn variables(&self) -> usize {
        let (levels, fee_slots) = (as_u64(self.levels), as_u64(self.fee_slots.len()));
        as_usize(transfer_variables(levels, fee_slots))
    }

    fn body<C: ConstraintSystem<L = L>>(
        &self,
        cs: &mut C,
        index: usize,
        before: Before<'_, TransferLink<L>>,
    ) -> TransferVar<L> {
        let context = TransferContext {
            slot: slot(index),
            levels: self.levels,
            message_prefix: self.message_prefix,
            batch_number: self.batch_number,
            fee_slots: self.fee_slots,
            before,
        };
        enforce_transfer::<C, H>(cs, &context, &self.witnesses[index])
    }

    fn link<C: ConstraintSystem<L = L>>(
        &self,
        cs: &mut C,
        index: usize,
        outcome: &TransferVar<L>,
        before: &TransferLink<L>,
    ) -> TransferLink<L> {
        outcome.link(cs, slot(index), before)
    }
}

/// The section of fees.
struct FeeSlots<'a, L, H> {
    levels: usize,
    headers: &'a [FeeHeaderVar<L>],
    amounts: &'a [FieldVar<L>],
    witnesses: &'a [FeeWitness],
    hash: PhantomData<fn() -> H>,
}

impl<L: Linear, H: HashGadget> Slots<L> for FeeSlots<'_, L, H> {
    type Outcome = FeeVar<L>;
    type Link = FieldVar<L>;

    fn count(&self) -> usize {
        self.witnesses.len()
    }

    fn variables(&self) -> usize {
        as_usize(fee_variables(as_u64(self.levels)))
    }

    fn body<C: ConstraintSystem<L = L>>(
        &self,
        cs: &mut C,
        index: usize,
        before: Before<'_, FieldVar<L>>,
    ) -> FeeVar<L> {
        enforce_fee::<C, H>(
            cs,
            slot(index),
            self.levels,
            &self.headers[index],
            &self.amounts[index],
            &before,
            &self.witnesses[index],
        )
    }

    fn link<C: ConstraintSystem<L = L>>(
        &self,
        cs: &mut C,
        index: usize,
        outcome: &FeeVar<L>,
        before: &FieldVar<L>,
    ) -> FieldVar<L> {
        outcome.link(cs, slot(index), &self.headers[index].enabled, before)
    }
}

/// Slots are counted in 32 bits by shapes.
fn slot(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn as_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn as_usize(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::constraints::PoseidonGadget;
    use crate::r1cs::Assignment;
    use quittance_verifier::Shape;

    /// The numbers of variables by formula are right, or slots would not be filled side by side.
    #[test]
    fn every_section_is_filled_side_by_side() {
        for (levels, transfers, fee_slots) in [(1, 1, 1), (2, 3, 2), (5, 2, 1), (16, 1, 4), (3, 2, 9)] {
            let shape = Shape {
                levels,
                transfers,
                fee_slots,
            };
            let mut cs = Assignment::new(&[Fr::ONE; 3]);
            let witness = BatchWitness::padding(&shape);
            enforce_batch::<_, PoseidonGadget>(&mut cs, usize::from(levels), &witness);
            assert_eq!(cs.sections_in_order, 0, "{}", shape.name());
        }
    }
}
