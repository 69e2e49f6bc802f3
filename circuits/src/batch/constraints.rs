//! The circuit of a batch: its sections in order, chained by the state root, then the statement.

use super::witness::BatchWitness;
use crate::hash::constraints::HashGadget;
use crate::r1cs::{Before, ConstraintSystem, FieldVar, Label, Linear, Slots};
use crate::range::enforce_range;
use crate::shapes::fee_variables;
use crate::statement::constraints::{StatementVar, enforce_statement};
use crate::tx::fee::constraints::{FeeHeaderVar, FeeVar, FeeWitness, enforce_fee, enforce_header};
use crate::tx::slot::{SlotContext, SlotGadget, SlotLink, SlotVar};
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
    let queue = cs.witness(witness.queue);
    enforce_range(cs, &batch_number, 32);

    cs.label(Label::statement("message_prefix"));
    let message_prefix = H::message_prefix(cs, &rollup_id);

    let mut headers: Vec<FeeHeaderVar<C::L>> = Vec::with_capacity(witness.fees.len());
    for (slot, fee) in (0u32..).zip(&witness.fees) {
        let header = enforce_header(cs, slot, headers.last(), fee);
        headers.push(header);
    }

    let shared = Shared {
        levels,
        message_prefix: &message_prefix,
        batch_number: &batch_number,
        fee_slots: &headers,
    };
    let mut run = Run {
        root: old_root.clone(),
        amounts: vec![FieldVar::zero(); headers.len()],
    };
    let priority = run.section::<C, H, _>(cs, &shared, &witness.priority);
    let openings = run.section::<C, H, _>(cs, &shared, &witness.openings);
    let transfers = run.section::<C, H, _>(cs, &shared, &witness.transfers);
    let withdrawals = run.section::<C, H, _>(cs, &shared, &witness.withdrawals);
    let rotations = run.section::<C, H, _>(cs, &shared, &witness.rotations);

    let section = FeeSlots::<_, H> {
        levels,
        headers: &headers,
        amounts: &run.amounts,
        witnesses: &witness.fees,
        hash: PhantomData,
    };
    let (outcomes, root) = cs.slots(&section, &run.root);
    let mut fee_count = FieldVar::zero();
    for header in &headers {
        fee_count.add_scaled(&header.enabled, Fr::ONE);
    }
    let fees = Published {
        count: fee_count,
        words: outcomes.into_iter().map(|outcome| outcome.word).collect(),
    };

    cs.label(Label::statement("root_chained"));
    cs.enforce_equal(&root, &new_root);

    let statement = StatementVar {
        rollup_id,
        batch_number,
        old_root,
        new_root,
        queue,
        priority,
        openings,
        transfers,
        withdrawals,
        rotations,
        fees,
    };
    enforce_statement::<C, H>(cs, &statement);
}

/// What a section gives to the statement.
#[derive(Debug)]
pub struct Published<L> {
    /// Number of enabled slots.
    pub count: FieldVar<L>,
    /// Words of all slots in order.
    pub words: Vec<FieldVar<L>>,
}

/// What goes through all sections.
struct Run<L> {
    root: FieldVar<L>,
    /// Fees routed to each fee slot so far.
    amounts: Vec<FieldVar<L>>,
}

impl<L: Linear> Run<L> {
    fn section<C: ConstraintSystem<L = L>, H: HashGadget, W: SlotGadget>(
        &mut self,
        cs: &mut C,
        shared: &Shared<'_, L>,
        witnesses: &[W],
    ) -> Published<L> {
        let section = OperationSlots::<_, H, _> {
            shared,
            witnesses,
            hash: PhantomData,
        };
        let start = SlotLink {
            root: self.root.clone(),
            enabled: None,
        };
        let (outcomes, link) = cs.slots(&section, &start);
        self.root = link.root;
        let mut count = FieldVar::zero();
        let mut words = Vec::new();
        for outcome in outcomes {
            for (amount, routed) in self.amounts.iter_mut().zip(&outcome.routed) {
                amount.add_scaled(routed, Fr::ONE);
            }
            count.add_scaled(&outcome.enabled, Fr::ONE);
            words.extend(outcome.words);
        }
        Published { count, words }
    }
}

/// What all slots of a batch read.
struct Shared<'a, L> {
    levels: usize,
    message_prefix: &'a FieldVar<L>,
    batch_number: &'a FieldVar<L>,
    fee_slots: &'a [FeeHeaderVar<L>],
}

/// A section of operations.
struct OperationSlots<'a, L, H, W> {
    shared: &'a Shared<'a, L>,
    witnesses: &'a [W],
    hash: PhantomData<fn() -> H>,
}

impl<L: Linear, H: HashGadget, W: SlotGadget> Slots<L> for OperationSlots<'_, L, H, W> {
    type Outcome = SlotVar<L>;
    type Link = SlotLink<L>;

    fn count(&self) -> usize {
        self.witnesses.len()
    }

    fn variables(&self) -> usize {
        let (levels, fee_slots) = (as_u64(self.shared.levels), as_u64(self.shared.fee_slots.len()));
        as_usize(W::variables(levels, fee_slots))
    }

    fn body<C: ConstraintSystem<L = L>>(
        &self,
        cs: &mut C,
        index: usize,
        before: Before<'_, SlotLink<L>>,
    ) -> SlotVar<L> {
        let context = SlotContext {
            section: W::SECTION,
            slot: slot(index),
            levels: self.shared.levels,
            message_prefix: self.shared.message_prefix,
            batch_number: self.shared.batch_number,
            fee_slots: self.shared.fee_slots,
            before,
        };
        self.witnesses[index].enforce::<C, H>(cs, &context)
    }

    fn link<C: ConstraintSystem<L = L>>(
        &self,
        cs: &mut C,
        index: usize,
        outcome: &SlotVar<L>,
        before: &SlotLink<L>,
    ) -> SlotLink<L> {
        outcome.link(cs, W::SECTION, slot(index), before)
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
        for name in [
            "t1f1l1",
            "p1o2t3w2r1f2l2",
            "o2w1f1l5",
            "p2",
            "p1o1t1w1r1f4",
            "t2r2f9l3",
        ] {
            let shape = Shape::parse_name(name).unwrap();
            let levels = shape.levels;
            let mut cs = Assignment::new(&[Fr::ONE; 3]);
            let witness = BatchWitness::padding(&shape);
            enforce_batch::<_, PoseidonGadget>(&mut cs, usize::from(levels), &witness);
            assert_eq!(cs.sections_in_order, 0, "{}", shape.name());
        }
    }
}
