//! A transfer slot: twin of the rules in [`check`](crate::tx::check), in the same order and under the same names.

use super::{AMOUNT_SHIFT, FEE_SHIFT, FROM_SHIFT, KIND, NONCE_SHIFT, TO_SHIFT, VALID_UNTIL_SHIFT};
use crate::float;
use crate::hash::constraints::{HashGadget, LeafField};
use crate::leaf::constraints::{LeafWitness, enforce_exists, packed};
use crate::r1cs::{ConstraintSystem, FieldVar, Linear, Section};
use crate::range::enforce_range;
use crate::shapes::transfer_variables;
use crate::tree::constraints::update;
use crate::tx::sender::constraints::{SignerVar, SignerWitness, enforce_signer};
use crate::tx::slot::{SlotContext, SlotGadget, SlotVar, enforce_zero_in_padding};
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Hints for one transfer slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferWitness {
    /// The sender.
    pub signer: SignerWitness,
    /// Recipient's index.
    pub to: Fr,
    /// 40-bit float encoding of the amount.
    pub amount: Fr,
    /// Recipient's leaf after the sender's update.
    pub recipient: LeafWitness,
    /// Siblings on the recipient's path after the sender's update, leaves first.
    pub recipient_path: Vec<[Fr; 3]>,
}

impl TransferWitness {
    /// Padding in a batch with this number: changes nothing and publishes zeros.
    pub fn padding(levels: usize, fee_slots: usize, batch_number: Fr) -> Self {
        Self {
            signer: SignerWitness::padding(levels, fee_slots, batch_number),
            to: Fr::ZERO,
            amount: Fr::ZERO,
            recipient: LeafWitness::PADDING,
            recipient_path: vec![[Fr::ZERO; 3]; levels],
        }
    }
}

impl SlotGadget for TransferWitness {
    const SECTION: Section = Section::Transfer;

    fn variables(levels: u64, fee_slots: u64) -> u64 {
        transfer_variables(levels, fee_slots)
    }

    fn enforce<C: ConstraintSystem, H: HashGadget>(
        &self,
        cs: &mut C,
        context: &SlotContext<'_, C::L>,
    ) -> SlotVar<C::L> {
        self.signer.prepare(cs, &[self.recipient.owner]);
        let stated = self.signer.state(cs, context);
        let to = cs.witness(self.to);
        let amount = cs.witness(self.amount);
        // The fields are ranged below, so their sum is zero only if each is.
        let word = pubdata_word(&stated.from, &to, &amount, &stated.fee);
        enforce_zero_in_padding(cs, &stated.enabled, &[&word]);
        let sender = enforce_signer(cs, context, stated, &self.signer);

        context.rule(cs, "recipient_exists");
        let recipient_owner = cs.witness(self.recipient.owner);
        enforce_exists(cs, &recipient_owner);

        context.rule(cs, "recipient_in_range");
        let recipient_balance = cs.witness(self.recipient.balance);
        let recipient_nonce = cs.witness(self.recipient.nonce);
        let to_bits = enforce_range(cs, &to, 2 * context.levels);
        enforce_range(cs, &recipient_nonce, 32);

        context.rule(cs, "token_matches");
        let recipient_token = cs.witness(self.recipient.token);
        cs.enforce_equal(&recipient_token, &sender.token);

        context.rule(cs, "balance_covers");
        let amount_value = float::constraints::decode(cs, &amount, 35);
        let spent = sender.spend(cs, &amount_value);

        context.rule(cs, "recipient_not_overflowed");
        let recipient_new_balance = recipient_balance.plus(&amount_value);
        enforce_range(cs, &recipient_new_balance, 128);

        let first = signed_word(&sender, KIND, &to, &amount);
        let routed = sender.enforce_signed::<C, H>(cs, context, &self.signer, (&first, None), &spent);
        let between = sender.enforce_path::<C, H>(cs, context, &self.signer, &spent);

        context.rule(cs, "recipient_path");
        let leaves = H::leaf_update(
            cs,
            self.recipient.key.map(LeafField::Inner),
            [
                &packed(&recipient_balance, &recipient_nonce, &recipient_token),
                &packed(&recipient_new_balance, &recipient_nonce, &recipient_token),
            ],
            &recipient_owner,
        );
        // S10, S13: the recipient is read from the tree that the sender's update left.
        let [read, after] = update::<C, H>(cs, &to_bits, leaves, &self.recipient_path);
        cs.enforce(&sender.enabled, &read.minus(&between), &FieldVar::zero());

        SlotVar {
            applied: sender.enabled.clone(),
            enabled: sender.enabled,
            after,
            words: vec![word],
            routed,
        }
    }
}

/// 15 bytes of pubdata: from 32 | to 32 | amount 40 | fee 16, high to low.
pub(in crate::tx) fn pubdata_word<L: Linear>(
    from: &FieldVar<L>,
    to: &FieldVar<L>,
    amount: &FieldVar<L>,
    fee: &FieldVar<L>,
) -> FieldVar<L> {
    let shift = |bits: u64| Fr::from(2u64).pow([bits]);
    FieldVar::sum([
        (shift(88), from),
        (shift(56), to),
        (shift(16), amount),
        (Fr::ONE, fee),
    ])
}

/// w0 of a transfer, and of an opening under its own kind.
pub(in crate::tx) fn signed_word<L: Linear>(
    sender: &SignerVar<L>,
    kind: u64,
    to: &FieldVar<L>,
    amount: &FieldVar<L>,
) -> FieldVar<L> {
    let mut word = terms_word(sender, kind);
    let shift = |bits: u32| Fr::from(2u64).pow([u64::from(bits)]);
    word.add_scaled(to, shift(TO_SHIFT));
    word.add_scaled(amount, shift(AMOUNT_SHIFT));
    word
}

/// w0 without recipient and amount: that of a rotation.
pub(in crate::tx) fn terms_word<L: Linear>(sender: &SignerVar<L>, kind: u64) -> FieldVar<L> {
    let shift = |bits: u32| Fr::from(2u64).pow([u64::from(bits)]);
    FieldVar::sum([
        (shift(FROM_SHIFT), &sender.from),
        (shift(FEE_SHIFT), &sender.fee),
        (shift(NONCE_SHIFT), &sender.nonce),
        (shift(VALID_UNTIL_SHIFT), &sender.valid_until),
    ])
    .plus_constant(Fr::from(kind))
}
