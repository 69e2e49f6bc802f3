//! The statement in a circuit: twin of [`quittance_verifier::elements`] and [`quittance_verifier::evaluate`].
//!
//! Elements, in this order: rollup id, batch number, old root, new root, counts of the sections, the queue's hash before the
//! batch, then the words of fee slots, priority operations, openings, withdrawals, rotations and transfers, the last in pairs.
//! h binds all of them; y evaluates the same variables at z.

use crate::batch::constraints::Published;
use crate::hash::constraints::HashGadget;
use crate::r1cs::{ConstraintSystem, FieldVar, Label, Linear};
use ark_bn254::Fr;
use ark_ff::Field;
use quittance_verifier::Section;

/// Bits of one section's count within the counts element.
const COUNT_BITS: u64 = 32;
/// Bits of one transfer within a word of two.
const TRANSFER_BITS: u64 = 120;

/// What a batch states.
#[derive(Debug)]
pub struct StatementVar<L> {
    /// The rollup's id.
    pub rollup_id: FieldVar<L>,
    /// The batch's number.
    pub batch_number: FieldVar<L>,
    /// Root before.
    pub old_root: FieldVar<L>,
    /// Root after.
    pub new_root: FieldVar<L>,
    /// Hash of the priority queue before. No rule reads it: it is bound by h and y, and the verifier goes on from it.
    pub queue: FieldVar<L>,
    /// Four words for each slot.
    pub priority: Published<L>,
    /// Four words for each slot.
    pub openings: Published<L>,
    /// 120 bits for each slot.
    pub transfers: Published<L>,
    /// Two words for each slot.
    pub withdrawals: Published<L>,
    /// Four words for each slot.
    pub rotations: Published<L>,
    /// A word for each slot.
    pub fees: Published<L>,
}

impl<L: Linear> StatementVar<L> {
    fn section(&self, section: Section) -> &Published<L> {
        match section {
            Section::Priority => &self.priority,
            Section::Openings => &self.openings,
            Section::Transfers => &self.transfers,
            Section::Withdrawals => &self.withdrawals,
            Section::Rotations => &self.rotations,
            Section::Fees => &self.fees,
        }
    }

    /// The elements in order.
    pub fn elements(&self) -> Vec<FieldVar<L>> {
        let shift = |bits: u64| Fr::from(2u64).pow([bits]);
        let counts = FieldVar::sum(Section::ALL.map(|section| {
            let place = shift(COUNT_BITS * u64::from(section.number()));
            (place, &self.section(section).count)
        }));
        let head = [
            &self.rollup_id,
            &self.batch_number,
            &self.old_root,
            &self.new_root,
            &counts,
            &self.queue,
        ];
        let words = [
            &self.fees,
            &self.priority,
            &self.openings,
            &self.withdrawals,
            &self.rotations,
        ];
        let mut elements: Vec<_> = head.into_iter().cloned().collect();
        for section in words {
            elements.extend(section.words.iter().cloned());
        }
        for pair in self.transfers.words.chunks(2) {
            let mut word = pair[0].scaled(shift(TRANSFER_BITS));
            if let Some(second) = pair.get(1) {
                word.add_scaled(second, Fr::ONE);
            }
            elements.push(word);
        }
        elements
    }
}

/// Binds the elements to the public inputs (h, z, y).
///
/// `sponge + 1 + (elements − 1)` constraints: h equals the sponge; y = Σ e_i z^i by Horner's rule.
pub fn enforce_statement<C: ConstraintSystem, H: HashGadget>(cs: &mut C, statement: &StatementVar<C::L>) {
    enforce_elements::<C, H>(cs, &statement.elements(), Label::statement);
}

/// The same for the elements of any statement, under labels of their own.
pub fn enforce_elements<C: ConstraintSystem, H: HashGadget>(
    cs: &mut C,
    elements: &[FieldVar<C::L>],
    label: impl Fn(&'static str) -> Label,
) {
    let [h, z, y] = [1, 2, 3].map(|index| cs.public_input(index));

    cs.label(label("statement_hash"));
    let hash = H::sponge(cs, elements);
    cs.enforce_equal(&hash, &h);

    cs.label(label("statement_evaluation"));
    let mut rest = elements.iter().rev();
    let mut sum = rest.next().cloned().unwrap_or_else(FieldVar::zero);
    let count = rest.len();
    for (index, element) in rest.enumerate() {
        if index + 1 == count {
            cs.enforce(&sum, &z, &y.minus(element));
        } else {
            // sum · z = next − element
            sum = cs.multiply_minus(&sum, &z, &element.negated());
        }
    }
}
