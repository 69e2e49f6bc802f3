//! A slot of a section in a circuit: what it reads from its batch, and what it gives back.

use crate::hash::constraints::HashGadget;
use crate::r1cs::{Before, ConstraintSystem, FieldVar, Label, Linear, Section};
use crate::range::enforce_boolean;
use crate::tx::fee::constraints::FeeHeaderVar;

/// The hints of one slot, and how its rows are written from them.
pub trait SlotGadget: Sync {
    /// The section of these slots.
    const SECTION: Section;

    /// Variables of one slot, its link included.
    fn variables(levels: u64, fee_slots: u64) -> u64;

    /// All of the slot but its link.
    fn enforce<C: ConstraintSystem, H: HashGadget>(
        &self,
        cs: &mut C,
        context: &SlotContext<'_, C::L>,
    ) -> SlotVar<C::L>;
}

/// What a slot reads from the batch.
#[derive(Debug)]
pub struct SlotContext<'a, L> {
    /// Its section.
    pub section: Section,
    /// Position of the slot.
    pub slot: u32,
    /// Levels of the tree.
    pub levels: usize,
    /// The rollup that signatures name, as [`HashGadget::message_prefix`] makes it.
    pub message_prefix: &'a FieldVar<L>,
    /// Number of the batch, ranged to 32 bits.
    pub batch_number: &'a FieldVar<L>,
    /// Token and flag of each fee slot.
    pub fee_slots: &'a [FeeHeaderVar<L>],
    /// What the slot before leaves.
    pub before: Before<'a, SlotLink<L>>,
}

/// What a slot leaves to the next.
#[derive(Clone, Debug)]
pub struct SlotLink<L> {
    /// Root after the slot.
    pub root: FieldVar<L>,
    /// Enable flag of the slot; none before the first of a section.
    pub enabled: Option<FieldVar<L>>,
}

/// What a slot gives to the batch.
#[derive(Debug)]
pub struct SlotVar<L> {
    /// Enable flag.
    pub enabled: FieldVar<L>,
    /// Whether the slot changes the root: its enable flag, or the outcome of a priority operation.
    pub applied: FieldVar<L>,
    /// Root of the tree with the operation; the slot's link if it is applied.
    pub after: FieldVar<L>,
    /// Pubdata words: statement elements, or for a transfer its half of one.
    pub words: Vec<FieldVar<L>>,
    /// The fee as routed to each fee slot; empty where no fee is paid.
    pub routed: Vec<FieldVar<L>>,
}

impl<L: Linear> SlotContext<'_, L> {
    /// The label of the rows that follow.
    pub fn rule<C: ConstraintSystem>(&self, cs: &mut C, rule: &'static str) {
        cs.label(Label {
            section: self.section,
            slot: self.slot,
            rule,
        });
    }

    /// The enable flag: boolean, and not after a disabled slot (S26). Two constraints, one in a section's first slot.
    pub fn enforce_flag<C: ConstraintSystem<L = L>>(&self, cs: &mut C, enabled: &FieldVar<L>) {
        enforce_boolean(cs, enabled);
        self.before.enforce(cs, |before| {
            let previous = before.enabled.as_ref()?;
            Some([enabled.clone(), previous.complement(), FieldVar::zero()])
        });
    }

    /// The root that the slot has read is the one before it, if the slot is enabled. One constraint.
    pub fn enforce_root<C: ConstraintSystem<L = L>>(
        &self,
        cs: &mut C,
        enabled: &FieldVar<L>,
        read: &FieldVar<L>,
    ) {
        self.before.enforce(cs, |link| {
            [[enabled.clone(), read.minus(&link.root), FieldVar::zero()]]
        });
    }
}

/// Padding publishes nothing (S26): each element is zero if `enabled` is. One constraint for each.
pub fn enforce_zero_in_padding<C: ConstraintSystem>(
    cs: &mut C,
    enabled: &FieldVar<C::L>,
    elements: &[&FieldVar<C::L>],
) {
    for element in elements {
        cs.enforce(&enabled.complement(), element, &FieldVar::zero());
    }
}

impl<L: Linear> SlotVar<L> {
    /// The link of this slot, the last of its variables. One constraint.
    pub fn link<C: ConstraintSystem<L = L>>(
        &self,
        cs: &mut C,
        section: Section,
        slot: u32,
        before: &SlotLink<L>,
    ) -> SlotLink<L> {
        cs.label(Label {
            section,
            slot,
            rule: "root_chained",
        });
        // applied · (after − root) = next − root
        let root = &before.root;
        let next = cs.multiply_minus(&self.applied, &self.after.minus(root), &root.negated());
        SlotLink {
            root: next,
            enabled: Some(self.enabled.clone()),
        }
    }
}
