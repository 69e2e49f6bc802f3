//! A transfer slot: twin of the rules in [`check`](super::check), in the same order and under the same names.

use super::{AMOUNT_SHIFT, FEE_SHIFT, FROM_SHIFT, KIND, NONCE_SHIFT, TO_SHIFT, VALID_UNTIL_SHIFT};
use crate::babyjubjub::constraints::EdwardsVar;
use crate::eddsa::constraints::{enforce_signature_canonical, enforce_signature_valid};
use crate::float;
use crate::hash::constraints::{HashGadget, LeafField};
use crate::leaf::constraints::{LeafWitness, enforce_exists, packed};
use crate::r1cs::{Before, ConstraintSystem, FieldVar, Label, Linear, Section};
use crate::range::{enforce_boolean, enforce_range};
use crate::tree::constraints::update;
use crate::tx::fee::constraints::FeeHeaderVar;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Hints for one transfer slot. Everything is a field element: ranges are the circuit's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferWitness {
    /// 1 if the slot holds a transfer, 0 if it is padding.
    pub enabled: Fr,
    /// Sender's index.
    pub from: Fr,
    /// Recipient's index.
    pub to: Fr,
    /// 40-bit float encoding of the amount.
    pub amount: Fr,
    /// 16-bit float encoding of the fee.
    pub fee: Fr,
    /// Nonce in the signed message.
    pub nonce: Fr,
    /// Last batch that may hold the transfer.
    pub valid_until: Fr,
    /// Sender's leaf before the transfer.
    pub sender: LeafWitness,
    /// Siblings on the sender's path, leaves first.
    pub sender_path: Vec<[Fr; 3]>,
    /// Recipient's leaf after the sender's update.
    pub recipient: LeafWitness,
    /// Siblings on the recipient's path after the sender's update, leaves first.
    pub recipient_path: Vec<[Fr; 3]>,
    /// R8 of the signature.
    pub r8: [Fr; 2],
    /// S of the signature, least significant limb first.
    pub s: [u64; 4],
    /// One selector for each fee slot of the shape.
    pub selectors: Vec<Fr>,
}

impl TransferWitness {
    /// Padding in a batch with this number: changes nothing and publishes zeros.
    pub fn padding(levels: usize, fee_slots: usize, batch_number: Fr) -> Self {
        Self {
            enabled: Fr::ZERO,
            from: Fr::ZERO,
            to: Fr::ZERO,
            amount: Fr::ZERO,
            fee: Fr::ZERO,
            nonce: Fr::ZERO,
            valid_until: batch_number,
            sender: LeafWitness::PADDING,
            sender_path: vec![[Fr::ZERO; 3]; levels],
            recipient: LeafWitness::PADDING,
            recipient_path: vec![[Fr::ZERO; 3]; levels],
            r8: [Fr::ZERO; 2],
            s: [0; 4],
            selectors: vec![Fr::ZERO; fee_slots],
        }
    }
}

/// What a transfer slot reads from the batch.
#[derive(Debug)]
pub struct TransferContext<'a, L> {
    /// Position of the slot.
    pub slot: u32,
    /// Levels of the tree.
    pub levels: usize,
    /// The rollup that the signature names, as [`HashGadget::message_prefix`] makes it.
    pub message_prefix: &'a FieldVar<L>,
    /// Number of the batch, ranged to 32 bits.
    pub batch_number: &'a FieldVar<L>,
    /// Enable flag and token of each fee slot.
    pub fee_slots: &'a [FeeHeaderVar<L>],
    /// What the slot before leaves.
    pub before: Before<'a, TransferLink<L>>,
}

/// What a transfer slot leaves to the next.
#[derive(Clone, Debug)]
pub struct TransferLink<L> {
    /// Root after the slot.
    pub root: FieldVar<L>,
    /// Enable flag of the slot; none before the first.
    pub enabled: Option<FieldVar<L>>,
}

/// What a transfer slot gives to the batch.
#[derive(Debug)]
pub struct TransferVar<L> {
    /// Enable flag.
    pub enabled: FieldVar<L>,
    /// Root of the tree with the transfer; the slot's link if it is enabled.
    pub after: FieldVar<L>,
    /// 15 bytes of pubdata: from, to, amount, fee.
    pub pubdata: FieldVar<L>,
    /// The fee as routed to each fee slot.
    pub routed: Vec<FieldVar<L>>,
}

/// One transfer slot but for the link: [`TransferVar::link`].
pub fn enforce_transfer<C: ConstraintSystem, H: HashGadget>(
    cs: &mut C,
    context: &TransferContext<'_, C::L>,
    witness: &TransferWitness,
) -> TransferVar<C::L> {
    let slot = context.slot;
    let rule = |name| Label {
        section: Section::Transfer,
        slot,
        rule: name,
    };
    let index_bits = 2 * context.levels;

    // Of owners and nonce; the signature prepares its own.
    cs.inverses().prepare(&[
        (witness.sender.owner, Fr::ONE),
        (Fr::from(u32::MAX) - witness.sender.nonce, Fr::ONE),
        (witness.recipient.owner, Fr::ONE),
    ]);

    cs.label(rule("slot_flags"));
    let enabled = cs.witness(witness.enabled);
    let from = cs.witness(witness.from);
    let to = cs.witness(witness.to);
    let amount = cs.witness(witness.amount);
    let fee = cs.witness(witness.fee);
    enforce_boolean(cs, &enabled);
    // S26: an enabled slot after a disabled one.
    context.before.enforce(cs, |before| {
        let previous = before.enabled.as_ref()?;
        Some([enabled.clone(), previous.complement(), FieldVar::zero()])
    });
    let pubdata = {
        let shift = |bits: u64| Fr::from(2u64).pow([bits]);
        FieldVar::sum([
            (shift(88), &from),
            (shift(56), &to),
            (shift(16), &amount),
            (Fr::ONE, &fee),
        ])
    };
    // S26: padding publishes zeros; the fields are ranged below, so their sum is zero only if each is.
    cs.enforce(&enabled.complement(), &pubdata, &FieldVar::zero());

    cs.label(rule("not_expired"));
    let valid_until = cs.witness(witness.valid_until);
    enforce_range(cs, &valid_until.minus(context.batch_number), 32);

    cs.label(rule("sender_exists"));
    let sender_owner = cs.witness(witness.sender.owner);
    enforce_exists(cs, &sender_owner);

    cs.label(rule("sender_in_range"));
    let key = EdwardsVar {
        x: cs.witness(witness.sender.key[0]),
        y: cs.witness(witness.sender.key[1]),
    };
    let sender_balance = cs.witness(witness.sender.balance);
    let sender_nonce = cs.witness(witness.sender.nonce);
    let token = cs.witness(witness.sender.token);
    let from_bits = enforce_range(cs, &from, index_bits);
    enforce_range(cs, &sender_nonce, 32);
    enforce_range(cs, &token, 32);

    cs.label(rule("nonce_matches"));
    let nonce = cs.witness(witness.nonce);
    cs.enforce_equal(&nonce, &sender_nonce);

    cs.label(rule("nonce_in_range"));
    // S9: the nonce after this one is below 2^32 as well.
    cs.enforce_nonzero(&FieldVar::constant(Fr::from(u32::MAX)).minus(&sender_nonce));

    cs.label(rule("recipient_exists"));
    let recipient_owner = cs.witness(witness.recipient.owner);
    enforce_exists(cs, &recipient_owner);

    cs.label(rule("recipient_in_range"));
    let recipient_balance = cs.witness(witness.recipient.balance);
    let recipient_nonce = cs.witness(witness.recipient.nonce);
    let to_bits = enforce_range(cs, &to, index_bits);
    enforce_range(cs, &recipient_nonce, 32);

    cs.label(rule("token_matches"));
    let recipient_token = cs.witness(witness.recipient.token);
    cs.enforce_equal(&recipient_token, &token);

    cs.label(rule("balance_covers"));
    let amount_value = float::constraints::decode(cs, &amount, 35);
    let fee_value = float::constraints::decode(cs, &fee, 11);
    let sender_new_balance = sender_balance.minus(&amount_value).minus(&fee_value);
    // S6, S8: the old balance is the new one plus two values far below r, so nothing wraps. Together with the ranges
    // of nonce and token it also leaves the packed word one reading (S49).
    enforce_range(cs, &sender_new_balance, 128);

    cs.label(rule("recipient_not_overflowed"));
    let recipient_new_balance = recipient_balance.plus(&amount_value);
    enforce_range(cs, &recipient_new_balance, 128);

    cs.label(rule("signature_canonical"));
    let shift = |bits: u32| Fr::from(2u64).pow([u64::from(bits)]);
    let word = FieldVar::sum([
        (shift(FROM_SHIFT), &from),
        (shift(TO_SHIFT), &to),
        (shift(AMOUNT_SHIFT), &amount),
        (shift(FEE_SHIFT), &fee),
        (shift(NONCE_SHIFT), &nonce),
        (shift(VALID_UNTIL_SHIFT), &valid_until),
    ])
    .plus_constant(Fr::from(KIND));
    let message = H::message(cs, context.message_prefix, &word, None);
    let signature = enforce_signature_canonical::<C, H>(cs, &key, &message, witness.r8, witness.s);

    cs.label(rule("signature_valid"));
    enforce_signature_valid(cs, &enabled, &key, &signature);

    cs.label(rule("fee_routed_once"));
    let routed = route_fee(
        cs,
        &enabled,
        &token,
        &fee_value,
        context.fee_slots,
        &witness.selectors,
    );

    cs.label(rule("sender_path"));
    let leaves = H::leaf_update(
        cs,
        [LeafField::Shared(&key.x), LeafField::Shared(&key.y)],
        [
            &packed(&sender_balance, &sender_nonce, &token),
            &packed(&sender_new_balance, &sender_nonce.plus(&FieldVar::one()), &token),
        ],
        &sender_owner,
    );
    let [before, between] = update::<C, H>(cs, &from_bits, leaves, &witness.sender_path);
    context.before.enforce(cs, |link| {
        [[enabled.clone(), before.minus(&link.root), FieldVar::zero()]]
    });

    cs.label(rule("recipient_path"));
    let [x, y] = witness.recipient.key.map(LeafField::Inner);
    let leaves = H::leaf_update(
        cs,
        [x, y],
        [
            &packed(&recipient_balance, &recipient_nonce, &recipient_token),
            &packed(&recipient_new_balance, &recipient_nonce, &recipient_token),
        ],
        &recipient_owner,
    );
    // S10, S13: the recipient is read from the tree that the sender's update left.
    let [read, after] = update::<C, H>(cs, &to_bits, leaves, &witness.recipient_path);
    cs.enforce(&enabled, &read.minus(&between), &FieldVar::zero());

    TransferVar {
        enabled,
        after,
        pubdata,
        routed,
    }
}

impl<L: Linear> TransferVar<L> {
    /// The link of this slot, the last of its variables. One constraint.
    pub fn link<C: ConstraintSystem<L = L>>(
        &self,
        cs: &mut C,
        slot: u32,
        before: &TransferLink<L>,
    ) -> TransferLink<L> {
        cs.label(Label {
            section: Section::Transfer,
            slot,
            rule: "root_chained",
        });
        // enabled · (after − root) = next − root
        let root = &before.root;
        let next = cs.multiply_minus(&self.enabled, &self.after.minus(root), &root.negated());
        TransferLink {
            root: next,
            enabled: Some(self.enabled.clone()),
        }
    }
}

/// S45: the fee goes to exactly one fee slot, enabled and of its token. `3·(fee slots) + 1` constraints.
fn route_fee<C: ConstraintSystem>(
    cs: &mut C,
    enabled: &FieldVar<C::L>,
    token: &FieldVar<C::L>,
    fee: &FieldVar<C::L>,
    fee_slots: &[FeeHeaderVar<C::L>],
    selectors: &[Fr],
) -> Vec<FieldVar<C::L>> {
    // Tokens are below 2^32, so token + 2^32·enabled is token' + 2^32 only if enabled = 1 and token = token'.
    let flag = Fr::from(1u64 << 32);
    let wanted = token.plus_constant(flag);
    let mut sum = FieldVar::zero();
    let mut routed = Vec::with_capacity(fee_slots.len());
    for (index, slot) in fee_slots.iter().enumerate() {
        let selector = cs.witness(selectors.get(index).copied().unwrap_or(Fr::ZERO));
        enforce_boolean(cs, &selector);
        let mut offered = slot.token.clone();
        offered.add_scaled(&slot.enabled, flag);
        cs.enforce(&selector, &offered.minus(&wanted), &FieldVar::zero());
        sum = sum.plus(&selector);
        routed.push(cs.multiply(&selector, fee));
    }
    cs.enforce_equal(&sum, enabled);
    routed
}
