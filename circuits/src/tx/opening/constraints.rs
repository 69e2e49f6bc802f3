//! An opening slot: twin of the rules in [`check`](crate::tx::check), in the same order and under the same names.

use super::KIND;
use crate::float;
use crate::hash::constraints::HashGadget;
use crate::leaf::constraints::packed;
use crate::r1cs::{ConstraintSystem, FieldVar, Section};
use crate::range::enforce_range;
use crate::shapes::opening_variables;
use crate::tree::constraints::update;
use crate::tx::sender::constraints::{HolderVar, SignerWitness, enforce_signer, shared};
use crate::tx::slot::{SlotContext, SlotGadget, SlotVar, enforce_zero_in_padding};
use crate::tx::transfer::constraints::{pubdata_word, signed_word};
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Hints for one opening slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpeningWitness {
    /// The sender.
    pub signer: SignerWitness,
    /// Index of the new account.
    pub to: Fr,
    /// 40-bit float encoding of its balance.
    pub amount: Fr,
    /// Its key.
    pub key: [Fr; 2],
    /// Its owner.
    pub owner: Fr,
    /// Node at its place before: 0, or the rule `leaf_empty` is broken.
    pub occupied: Fr,
    /// Siblings on its path after the sender's update, leaves first.
    pub recipient_path: Vec<[Fr; 3]>,
}

impl OpeningWitness {
    /// Padding in a batch with this number: changes nothing and publishes zeros.
    pub fn padding(levels: usize, fee_slots: usize, batch_number: Fr) -> Self {
        Self {
            signer: SignerWitness::padding(levels, fee_slots, batch_number),
            to: Fr::ZERO,
            amount: Fr::ZERO,
            key: [Fr::ZERO; 2],
            owner: Fr::ZERO,
            occupied: Fr::ZERO,
            recipient_path: vec![[Fr::ZERO; 3]; levels],
        }
    }
}

impl SlotGadget for OpeningWitness {
    const SECTION: Section = Section::Opening;

    fn variables(levels: u64, fee_slots: u64) -> u64 {
        opening_variables(levels, fee_slots)
    }

    fn enforce<C: ConstraintSystem, H: HashGadget>(
        &self,
        cs: &mut C,
        context: &SlotContext<'_, C::L>,
    ) -> SlotVar<C::L> {
        self.signer.prepare(cs, &[self.owner]);
        let stated = self.signer.state(cs, context);
        let to = cs.witness(self.to);
        let amount = cs.witness(self.amount);
        let holder = HolderVar::new(cs, self.key, self.owner);
        let sender = enforce_signer(cs, context, stated, &self.signer);

        context.rule(cs, "slot_flags");
        let mut word = pubdata_word(&sender.from, &to, &amount, &sender.fee);
        word.add_scaled(&sender.token, Fr::from(2u64).pow([120]));
        let [owner, x, y] = holder.words();
        enforce_zero_in_padding(cs, &sender.enabled, &[&word, &owner, &x, &y]);

        context.rule(cs, "leaf_empty");
        let occupied = cs.witness(self.occupied);
        cs.enforce_equal(&occupied, &FieldVar::zero());

        context.rule(cs, "recipient_in_range");
        let to_bits = enforce_range(cs, &to, 2 * context.levels);
        // The upper half of the tree belongs to deposits.
        if let Some(top) = to_bits.last() {
            cs.enforce_equal(top, &FieldVar::zero());
        }

        holder.enforce(cs, context, &sender.enabled);

        context.rule(cs, "balance_covers");
        let amount_value = float::constraints::decode(cs, &amount, 35);
        // The new balance is covered by the sender's, so it is below 2^128 with it.
        let spent = sender.spend(cs, &amount_value);

        let first = signed_word(&sender, KIND, &to, &amount);
        context.rule(cs, "signature_canonical");
        let second = holder.hash::<C, H>(cs);
        let words = (&first, Some(&second));
        let routed = sender.enforce_signed::<C, H>(cs, context, &self.signer, words, &spent);
        let between = sender.enforce_path::<C, H>(cs, context, &self.signer, &spent);

        context.rule(cs, "recipient_path");
        let opened = packed(&amount_value, &FieldVar::zero(), &sender.token);
        let opened = H::leaf(cs, shared(&holder.key), &opened, &holder.owner);
        let [read, after] = update::<C, H>(cs, &to_bits, [occupied, opened], &self.recipient_path);
        cs.enforce(&sender.enabled, &read.minus(&between), &FieldVar::zero());

        SlotVar {
            applied: sender.enabled.clone(),
            enabled: sender.enabled,
            after,
            words: vec![word, owner, x, y],
            routed,
        }
    }
}
