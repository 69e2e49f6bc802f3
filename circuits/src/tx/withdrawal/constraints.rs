//! A withdrawal slot: twin of the rules in [`check`](crate::tx::check), in the same order and under the same names.

use super::{AMOUNT_SHIFT, FEE_SHIFT, FROM_SHIFT, KIND, NONCE_SHIFT, VALID_UNTIL_SHIFT};
use crate::hash::constraints::HashGadget;
use crate::r1cs::{ConstraintSystem, FieldVar, Section};
use crate::range::enforce_range;
use crate::shapes::withdrawal_variables;
use crate::tx::sender::constraints::{SignerWitness, enforce_signer};
use crate::tx::slot::{SlotContext, SlotGadget, SlotVar, enforce_zero_in_padding};
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Hints for one withdrawal slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithdrawalWitness {
    /// The account.
    pub signer: SignerWitness,
    /// The amount.
    pub amount: Fr,
    /// Who is paid on the root chain.
    pub address: Fr,
}

impl WithdrawalWitness {
    /// Padding in a batch with this number: changes nothing and publishes zeros.
    pub fn padding(levels: usize, fee_slots: usize, batch_number: Fr) -> Self {
        Self {
            signer: SignerWitness::padding(levels, fee_slots, batch_number),
            amount: Fr::ZERO,
            address: Fr::ZERO,
        }
    }
}

impl SlotGadget for WithdrawalWitness {
    const SECTION: Section = Section::Withdrawal;

    fn variables(levels: u64, fee_slots: u64) -> u64 {
        withdrawal_variables(levels, fee_slots)
    }

    fn enforce<C: ConstraintSystem, H: HashGadget>(
        &self,
        cs: &mut C,
        context: &SlotContext<'_, C::L>,
    ) -> SlotVar<C::L> {
        self.signer.prepare(cs, &[self.address]);
        let stated = self.signer.state(cs, context);
        let amount = cs.witness(self.amount);
        let address = cs.witness(self.address);
        let sender = enforce_signer(cs, context, stated, &self.signer);

        context.rule(cs, "slot_flags");
        let shift = |bits: u32| Fr::from(2u64).pow([u64::from(bits)]);
        let paid = FieldVar::sum([
            (shift(160), &sender.from),
            (shift(128), &sender.token),
            (Fr::ONE, &amount),
        ]);
        let payee = FieldVar::sum([(shift(160), &sender.fee), (Fr::ONE, &address)]);
        enforce_zero_in_padding(cs, &sender.enabled, &[&paid, &payee]);

        context.rule(cs, "address_in_range");
        enforce_range(cs, &address, 160);
        let inverse = cs.inverses().invert(address.value());
        let inverse = cs.witness(inverse);
        cs.enforce(&address, &inverse, &sender.enabled);

        context.rule(cs, "balance_covers");
        enforce_range(cs, &amount, 128);
        let spent = sender.spend(cs, &amount);

        let first = FieldVar::sum([
            (shift(FROM_SHIFT), &sender.from),
            (shift(AMOUNT_SHIFT), &amount),
            (shift(FEE_SHIFT), &sender.fee),
            (shift(NONCE_SHIFT), &sender.nonce),
            (shift(VALID_UNTIL_SHIFT), &sender.valid_until),
        ])
        .plus_constant(Fr::from(KIND));
        let words = (&first, Some(&address));
        let routed = sender.enforce_signed::<C, H>(cs, context, &self.signer, words, &spent);
        let after = sender.enforce_path::<C, H>(cs, context, &self.signer, &spent);

        SlotVar {
            applied: sender.enabled.clone(),
            enabled: sender.enabled,
            after,
            words: vec![paid, payee],
            routed,
        }
    }
}
