//! A fee slot: credits the fees routed to it to one leaf. Twin of [`check`](super::check).

use crate::hash::constraints::{HashGadget, LeafField};
use crate::leaf::constraints::{LeafWitness, enforce_exists, packed};
use crate::r1cs::{Before, ConstraintSystem, FieldVar, Label, Linear, Section};
use crate::range::{enforce_boolean, enforce_range};
use crate::tree::constraints::update;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Hints for one fee slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeWitness {
    /// 1 if the slot is in use.
    pub enabled: Fr,
    /// Index of the credited leaf.
    pub leaf: Fr,
    /// Token of the slot.
    pub token: Fr,
    /// The leaf before the credit.
    pub account: LeafWitness,
    /// Siblings on its path, leaves first.
    pub path: Vec<[Fr; 3]>,
}

impl FeeWitness {
    /// Padding.
    pub fn padding(levels: usize) -> Self {
        Self {
            enabled: Fr::ZERO,
            leaf: Fr::ZERO,
            token: Fr::ZERO,
            account: LeafWitness::PADDING,
            path: vec![[Fr::ZERO; 3]; levels],
        }
    }
}

/// What paying slots see of a fee slot.
#[derive(Clone, Debug)]
pub struct FeeHeaderVar<L> {
    /// Enable flag, boolean.
    pub enabled: FieldVar<L>,
    /// Token, below 2^32.
    pub token: FieldVar<L>,
}

/// Enable flag and token of fee slot `slot`. At most 34 constraints.
pub fn enforce_header<C: ConstraintSystem>(
    cs: &mut C,
    slot: u32,
    previous: Option<&FeeHeaderVar<C::L>>,
    witness: &FeeWitness,
) -> FeeHeaderVar<C::L> {
    cs.label(Label {
        section: Section::Fee,
        slot,
        rule: "slot_flags",
    });
    let enabled = cs.witness(witness.enabled);
    enforce_boolean(cs, &enabled);
    if let Some(previous) = previous {
        cs.enforce(&enabled, &previous.enabled.complement(), &FieldVar::zero());
    }
    cs.label(Label {
        section: Section::Fee,
        slot,
        rule: "recipient_in_range",
    });
    let token = cs.witness(witness.token);
    enforce_range(cs, &token, 32);
    FeeHeaderVar { enabled, token }
}

/// What a fee slot gives to the batch.
#[derive(Debug)]
pub struct FeeVar<L> {
    /// Root of the tree with the credit; the slot's link if it is enabled.
    pub after: FieldVar<L>,
    /// Pubdata word: leaf·2^160 + token·2^128 + amount.
    pub word: FieldVar<L>,
}

/// Credits `amount`, the sum routed to this slot, to its leaf. All of the slot but for the link: [`FeeVar::link`].
///
/// `root` is the root before the slot.
pub fn enforce_fee<C: ConstraintSystem, H: HashGadget>(
    cs: &mut C,
    slot: u32,
    levels: usize,
    header: &FeeHeaderVar<C::L>,
    amount: &FieldVar<C::L>,
    root: &Before<'_, FieldVar<C::L>>,
    witness: &FeeWitness,
) -> FeeVar<C::L> {
    let rule = |name| Label {
        section: Section::Fee,
        slot,
        rule: name,
    };
    let FeeHeaderVar { enabled, token } = header;

    cs.label(rule("slot_flags"));
    let leaf = cs.witness(witness.leaf);
    let mut name = leaf.scaled(Fr::from(2u64).pow([160]));
    name.add_scaled(token, Fr::from(2u64).pow([128]));
    // S26: padding publishes zeros. Its amount is zero because no selector can choose it.
    cs.enforce(&enabled.complement(), &name, &FieldVar::zero());

    cs.label(rule("recipient_exists"));
    let owner = cs.witness(witness.account.owner);
    enforce_exists(cs, &owner);

    cs.label(rule("recipient_in_range"));
    let balance = cs.witness(witness.account.balance);
    let nonce = cs.witness(witness.account.nonce);
    let leaf_bits = enforce_range(cs, &leaf, 2 * levels);
    enforce_range(cs, &nonce, 32);

    cs.label(rule("token_matches"));
    let account_token = cs.witness(witness.account.token);
    cs.enforce_equal(&account_token, token);

    cs.label(rule("recipient_not_overflowed"));
    // S7. Fees are sums of at most 2^18 values below 2^114, so nothing wraps, and the amount is below 2^128 as published.
    let new_balance = balance.plus(amount);
    enforce_range(cs, &new_balance, 128);

    cs.label(rule("recipient_path"));
    let [x, y] = witness.account.key.map(LeafField::Inner);
    let leaves = H::leaf_update(
        cs,
        [x, y],
        [
            &packed(&balance, &nonce, &account_token),
            &packed(&new_balance, &nonce, &account_token),
        ],
        &owner,
    );
    let [before, after] = update::<C, H>(cs, &leaf_bits, leaves, &witness.path);
    root.enforce(cs, |root| {
        [[enabled.clone(), before.minus(root), FieldVar::zero()]]
    });
    FeeVar {
        after,
        word: name.plus(amount),
    }
}

impl<L: Linear> FeeVar<L> {
    /// The root after this slot, the last of its variables. One constraint.
    pub fn link<C: ConstraintSystem<L = L>>(
        &self,
        cs: &mut C,
        slot: u32,
        enabled: &FieldVar<L>,
        root: &FieldVar<L>,
    ) -> FieldVar<L> {
        cs.label(Label {
            section: Section::Fee,
            slot,
            rule: "root_chained",
        });
        cs.multiply_minus(enabled, &self.after.minus(root), &root.negated())
    }
}
