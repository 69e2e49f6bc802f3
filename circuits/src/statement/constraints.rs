//! The statement in a circuit: twin of [`quittance_verifier::elements`] and [`quittance_verifier::evaluate`].
//!
//! Elements, in this order: rollup id, batch number, old root, new root, counts of the sections, one word for each fee
//! slot, one word for every two transfer slots. h binds all of them; y evaluates the same variables at z.

use crate::hash::constraints::HashGadget;
use crate::r1cs::{ConstraintSystem, FieldVar, Label, Linear};
use ark_bn254::Fr;
use ark_ff::Field;

/// Bits of one section's count within the counts element.
const COUNT_BITS: u64 = 32;
/// Place of the transfers among the sections priority, openings, transfers, withdrawals, rotations, fees.
const TRANSFERS: u64 = 2;
/// Place of the fee slots.
const FEES: u64 = 5;
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
    /// Enabled transfer slots.
    pub transfer_count: FieldVar<L>,
    /// Enabled fee slots.
    pub fee_count: FieldVar<L>,
    /// A word for each fee slot.
    pub fees: Vec<FieldVar<L>>,
    /// 120 bits for each transfer slot.
    pub transfers: Vec<FieldVar<L>>,
}

impl<L: Linear> StatementVar<L> {
    /// The elements in order.
    pub fn elements(&self) -> Vec<FieldVar<L>> {
        let shift = |bits: u64| Fr::from(2u64).pow([bits]);
        let counts = FieldVar::sum([
            (shift(COUNT_BITS * TRANSFERS), &self.transfer_count),
            (shift(COUNT_BITS * FEES), &self.fee_count),
        ]);
        let head = [
            &self.rollup_id,
            &self.batch_number,
            &self.old_root,
            &self.new_root,
            &counts,
        ];
        let mut elements: Vec<_> = head.into_iter().chain(&self.fees).cloned().collect();
        for pair in self.transfers.chunks(2) {
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
    let [h, z, y] = [1, 2, 3].map(|index| cs.public_input(index));
    let elements = statement.elements();

    cs.label(Label::statement("statement_hash"));
    let hash = H::sponge(cs, &elements);
    cs.enforce_equal(&hash, &h);

    cs.label(Label::statement("statement_evaluation"));
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
