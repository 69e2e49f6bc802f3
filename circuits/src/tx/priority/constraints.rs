//! A priority slot: twin of [`check`](super::check). Its conditions are bits, never refusals: any deposit and any forced exit
//! has a witness, with exactly one outcome.
//!
//! The account is read in every enabled slot, whatever the outcome: `recipient_path` shows that the place holds this leaf, or
//! nothing. So a bit that says "empty", "another token", "not the owner" is about the real leaf (S47).

use super::{DEPOSIT_KIND, FORCED_EXIT_KIND};
use crate::babyjubjub::constraints::EdwardsVar;
use crate::babyjubjub::key::constraints::is_key_valid;
use crate::hash::constraints::{HashGadget, LeafField};
use crate::leaf::constraints::{LeafWitness, packed};
use crate::r1cs::{ConstraintSystem, FieldVar, Section};
use crate::range::{enforce_boolean, enforce_range, is_zero, select};
use crate::shapes::priority_variables;
use crate::tree::constraints::update;
use crate::tx::slot::{SlotContext, SlotGadget, SlotVar, enforce_zero_in_padding};
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Hints for one priority slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriorityWitness {
    /// 1 if the slot holds an operation, 0 if it is padding.
    pub enabled: Fr,
    /// 1 for a forced exit, 0 for a deposit.
    pub exit: Fr,
    /// 1 if the operation has its effect.
    pub done: Fr,
    /// Index of the account.
    pub leaf: Fr,
    /// Token as published: of the deposit, or paid by the exit.
    pub token: Fr,
    /// Amount as published: of the deposit, or paid by the exit.
    pub amount: Fr,
    /// Owner of the deposit, or caller of the exit.
    pub owner: Fr,
    /// Key of the deposit; 0 for an exit.
    pub key: [Fr; 2],
    /// 1 if there is an account at the place.
    pub exists: Fr,
    /// The account before; anything where there is none.
    pub account: LeafWitness,
    /// Siblings on its path, leaves first.
    pub path: Vec<[Fr; 3]>,
}

impl PriorityWitness {
    /// Padding: changes nothing and publishes zeros.
    pub fn padding(levels: usize) -> Self {
        Self {
            enabled: Fr::ZERO,
            exit: Fr::ZERO,
            done: Fr::ZERO,
            leaf: Fr::ZERO,
            token: Fr::ZERO,
            amount: Fr::ZERO,
            owner: Fr::ZERO,
            key: [Fr::ZERO; 2],
            exists: Fr::ZERO,
            account: LeafWitness::PADDING,
            path: vec![[Fr::ZERO; 3]; levels],
        }
    }
}

impl SlotGadget for PriorityWitness {
    const SECTION: Section = Section::Priority;

    fn variables(levels: u64, _fee_slots: u64) -> u64 {
        priority_variables(levels)
    }

    fn enforce<C: ConstraintSystem, H: HashGadget>(
        &self,
        cs: &mut C,
        context: &SlotContext<'_, C::L>,
    ) -> SlotVar<C::L> {
        cs.inverses().prepare(&[
            (self.token - self.account.token, Fr::ONE),
            (self.owner, Fr::ONE),
            (self.owner - self.account.owner, Fr::ONE),
        ]);

        context.rule(cs, "slot_flags");
        let enabled = cs.witness(self.enabled);
        let exit = cs.witness(self.exit);
        let done = cs.witness(self.done);
        let leaf = cs.witness(self.leaf);
        let token = cs.witness(self.token);
        let amount = cs.witness(self.amount);
        let owner = cs.witness(self.owner);
        let [x, y] = self.key.map(|coordinate| cs.witness(coordinate));
        context.enforce_flag(cs, &enabled);
        enforce_boolean(cs, &exit);
        enforce_boolean(cs, &done);
        let shift = |bits: u64| Fr::from(2u64).pow([bits]);
        let word = FieldVar::sum([
            (Fr::from(DEPOSIT_KIND) * shift(200), &enabled),
            (Fr::from(FORCED_EXIT_KIND - DEPOSIT_KIND) * shift(200), &exit),
            (shift(192), &done),
            (shift(160), &leaf),
            (shift(128), &token),
            (Fr::ONE, &amount),
        ]);
        // Everything in the word is ranged and has its own bits, so that it is zero only if each field is.
        enforce_zero_in_padding(cs, &enabled, &[&word, &owner, &x, &y]);

        context.rule(cs, "recipient_in_range");
        let account_x = cs.witness(self.account.key[0]);
        let account_y = cs.witness(self.account.key[1]);
        let balance = cs.witness(self.account.balance);
        let nonce = cs.witness(self.account.nonce);
        let account_token = cs.witness(self.account.token);
        let account_owner = cs.witness(self.account.owner);
        let leaf_bits = enforce_range(cs, &leaf, 2 * context.levels);
        enforce_range(cs, &token, 32);
        enforce_range(cs, &amount, 128);
        enforce_range(cs, &nonce, 32);
        enforce_range(cs, &account_token, 32);

        // An account is opened where there is none, in the upper half of the tree.
        context.rule(cs, "leaf_empty");
        let exists = cs.witness(self.exists);
        enforce_boolean(cs, &exists);
        let upper = leaf_bits.last().cloned().unwrap_or_else(FieldVar::zero);
        let free = cs.multiply(&exists.complement(), &upper);

        context.rule(cs, "token_matches");
        let same_token = is_zero(cs, &token.minus(&account_token));

        // S7, S49: with the amount's range this also bounds the balance that was read, and leaves its word one reading.
        context.rule(cs, "recipient_not_overflowed");
        let sum = balance.plus(&amount);
        let sum_bits = enforce_range(cs, &sum, 129);
        let overflowed = sum_bits.last().cloned().unwrap_or_else(FieldVar::zero);

        context.rule(cs, "key_valid");
        let key = EdwardsVar { x, y };
        let valid = is_key_valid(cs, &key);

        context.rule(cs, "owner_nonzero");
        let unowned = is_zero(cs, &owner);

        context.rule(cs, "exit_owner");
        let same_owner = is_zero(cs, &owner.minus(&account_owner));

        // S41, S47: done is what the conditions make of it, and nothing else.
        context.rule(cs, "priority_outcome");
        let placed = cs.multiply(&free, &valid);
        let opened = cs.multiply(&placed, &unowned.complement());
        let matched = cs.multiply(&exists, &same_token);
        let credited = cs.multiply(&matched, &overflowed.complement());
        let paid = cs.multiply(&exists, &same_owner);
        let outcome = select(cs, &exit, &paid, &opened.plus(&credited));
        cs.enforce(&enabled, &outcome, &done);
        // A forced exit publishes what it pays: all of it, or nothing.
        let paid_token = cs.multiply(&done, &account_token);
        cs.enforce(&exit, &token.minus(&paid_token), &FieldVar::zero());
        let paid_amount = cs.multiply(&done, &balance);
        cs.enforce(&exit, &amount.minus(&paid_amount), &FieldVar::zero());

        context.rule(cs, "recipient_path");
        let before = packed(&balance, &nonce, &account_token);
        let two_to_64 = Fr::from(1u128 << 64);
        let mut after_credit = before.clone();
        after_credit.add_scaled(&amount, two_to_64);
        let after_opening = packed(&amount, &FieldVar::zero(), &token);
        let mut after_exit = before.clone();
        after_exit.add_scaled(&balance, -two_to_64);
        let after_deposit = select(cs, &exists, &after_credit, &after_opening);
        let after = select(cs, &exit, &after_exit, &after_deposit);
        let new_x = select(cs, &exists, &account_x, &key.x);
        let new_y = select(cs, &exists, &account_y, &key.y);
        let new_owner = select(cs, &exists, &account_owner, &owner);
        let shared = |x, y| [LeafField::Shared(x), LeafField::Shared(y)];
        let old = H::leaf(cs, shared(&account_x, &account_y), &before, &account_owner);
        let new = H::leaf(cs, shared(&new_x, &new_y), &after, &new_owner);
        // S14: an empty place is the node 0, which is no leaf's hash.
        let old = cs.multiply(&exists, &old);
        let [read, after] = update::<C, H>(cs, &leaf_bits, [old, new], &self.path);
        context.enforce_root(cs, &enabled, &read);

        SlotVar {
            enabled,
            applied: done,
            after,
            words: vec![word, owner, key.x, key.y],
            routed: Vec::new(),
        }
    }
}
