//! A rotation slot: twin of the rules in [`check`](crate::tx::check), in the same order and under the same names.

use super::KIND;
use crate::hash::constraints::HashGadget;
use crate::r1cs::{ConstraintSystem, FieldVar, Section};
use crate::shapes::rotation_variables;
use crate::tx::sender::constraints::{HolderVar, SignerWitness, enforce_signer};
use crate::tx::slot::{SlotContext, SlotGadget, SlotVar, enforce_zero_in_padding};
use crate::tx::transfer::constraints::terms_word;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Hints for one rotation slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationWitness {
    /// The account, with its old key.
    pub signer: SignerWitness,
    /// The new key.
    pub key: [Fr; 2],
    /// The new owner.
    pub owner: Fr,
}

impl RotationWitness {
    /// Padding in a batch with this number: changes nothing and publishes zeros.
    pub fn padding(levels: usize, fee_slots: usize, batch_number: Fr) -> Self {
        Self {
            signer: SignerWitness::padding(levels, fee_slots, batch_number),
            key: [Fr::ZERO; 2],
            owner: Fr::ZERO,
        }
    }
}

impl SlotGadget for RotationWitness {
    const SECTION: Section = Section::Rotation;

    fn variables(levels: u64, fee_slots: u64) -> u64 {
        rotation_variables(levels, fee_slots)
    }

    fn enforce<C: ConstraintSystem, H: HashGadget>(
        &self,
        cs: &mut C,
        context: &SlotContext<'_, C::L>,
    ) -> SlotVar<C::L> {
        self.signer.prepare(cs, &[self.owner]);
        let stated = self.signer.state(cs, context);
        let holder = HolderVar::new(cs, self.key, self.owner);
        let mut word = stated.from.scaled(Fr::from(1u64 << 16));
        word.add_scaled(&stated.fee, Fr::ONE);
        let [owner, x, y] = holder.words();
        enforce_zero_in_padding(cs, &stated.enabled, &[&word, &owner, &x, &y]);
        let sender = enforce_signer(cs, context, stated, &self.signer);

        holder.enforce(cs, context, &sender.enabled);

        context.rule(cs, "balance_covers");
        let spent = sender.spend(cs, &FieldVar::zero());

        let first = terms_word(&sender, KIND);
        context.rule(cs, "signature_canonical");
        let second = holder.hash::<C, H>(cs);
        let words = (&first, Some(&second));
        let routed = sender.enforce_signed::<C, H>(cs, context, &self.signer, words, &spent);
        let after = sender.enforce_handover::<C, H>(cs, context, &self.signer, &spent, &holder);

        SlotVar {
            applied: sender.enabled.clone(),
            enabled: sender.enabled,
            after,
            words: vec![word, owner, x, y],
            routed,
        }
    }
}
