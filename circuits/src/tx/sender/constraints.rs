//! The signer of an operation in a circuit: twin of the rules that all signed kinds share.

use crate::babyjubjub::constraints::EdwardsVar;
use crate::babyjubjub::key::constraints::is_key_valid;
use crate::eddsa::constraints::{enforce_signature_canonical, enforce_signature_valid};
use crate::float;
use crate::hash::constraints::{HashGadget, LeafField};
use crate::leaf::constraints::{LeafWitness, enforce_exists, packed};
use crate::r1cs::{ConstraintSystem, FieldVar};
use crate::range::{enforce_boolean, enforce_range};
use crate::tree::constraints::update;
use crate::tx::fee::constraints::FeeHeaderVar;
use crate::tx::slot::SlotContext;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Hints about the signer of one slot. Everything is a field element: ranges are the circuit's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignerWitness {
    /// 1 if the slot holds an operation, 0 if it is padding.
    pub enabled: Fr,
    /// The signer's index.
    pub from: Fr,
    /// 16-bit float encoding of the fee.
    pub fee: Fr,
    /// Nonce in the signed message.
    pub nonce: Fr,
    /// Last batch that may hold the operation.
    pub valid_until: Fr,
    /// The signer's leaf before the operation.
    pub leaf: LeafWitness,
    /// Siblings on its path, leaves first.
    pub path: Vec<[Fr; 3]>,
    /// R8 of the signature.
    pub r8: [Fr; 2],
    /// S of the signature, least significant limb first.
    pub s: [u64; 4],
    /// One selector for each fee slot of the shape.
    pub selectors: Vec<Fr>,
}

impl SignerWitness {
    /// Padding in a batch with this number: changes nothing and publishes zeros.
    pub fn padding(levels: usize, fee_slots: usize, batch_number: Fr) -> Self {
        Self {
            enabled: Fr::ZERO,
            from: Fr::ZERO,
            fee: Fr::ZERO,
            nonce: Fr::ZERO,
            valid_until: batch_number,
            leaf: LeafWitness::PADDING,
            path: vec![[Fr::ZERO; 3]; levels],
            r8: [Fr::ZERO; 2],
            s: [0; 4],
            selectors: vec![Fr::ZERO; fee_slots],
        }
    }
}

/// A signer whose leaf was read; fields are ranged, and the nonce is the account's.
#[derive(Debug)]
pub(in crate::tx) struct SignerVar<L> {
    pub(in crate::tx) enabled: FieldVar<L>,
    pub(in crate::tx) from: FieldVar<L>,
    from_bits: Vec<FieldVar<L>>,
    pub(in crate::tx) fee: FieldVar<L>,
    pub(in crate::tx) nonce: FieldVar<L>,
    /// The leaf's own, which the message's has to match.
    account_nonce: FieldVar<L>,
    pub(in crate::tx) valid_until: FieldVar<L>,
    key: EdwardsVar<L>,
    balance: FieldVar<L>,
    pub(in crate::tx) token: FieldVar<L>,
    owner: FieldVar<L>,
}

/// Flag, index and fee, which `slot_flags` shows to be nothing in padding.
#[derive(Debug)]
pub(in crate::tx) struct Stated<L> {
    pub(in crate::tx) enabled: FieldVar<L>,
    pub(in crate::tx) from: FieldVar<L>,
    pub(in crate::tx) fee: FieldVar<L>,
}

/// What leaves the account.
#[derive(Debug)]
pub(in crate::tx) struct SpentVar<L> {
    /// Value of the fee.
    fee: FieldVar<L>,
    /// The balance without amount and fee, ranged to 128 bits.
    rest: FieldVar<L>,
}

impl SignerWitness {
    /// Prepares the inverses that [`enforce_signer`] and what follows it take, in their order.
    pub(in crate::tx) fn prepare<C: ConstraintSystem>(&self, cs: &mut C, further: &[Fr]) {
        let mut denominators = vec![
            (self.leaf.owner, Fr::ONE),
            (Fr::from(u32::MAX) - self.leaf.nonce, Fr::ONE),
        ];
        denominators.extend(further.iter().map(|value| (*value, Fr::ONE)));
        cs.inverses().prepare(&denominators);
    }

    /// The first variables of a signed slot, under `slot_flags`: at most two constraints.
    pub(in crate::tx) fn state<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        context: &SlotContext<'_, C::L>,
    ) -> Stated<C::L> {
        context.rule(cs, "slot_flags");
        let enabled = cs.witness(self.enabled);
        let from = cs.witness(self.from);
        let fee = cs.witness(self.fee);
        context.enforce_flag(cs, &enabled);
        Stated { enabled, from, fee }
    }
}

/// `not_expired, sender_exists, sender_in_range, nonce_matches, nonce_in_range`. `2·levels + 99` constraints.
pub(in crate::tx) fn enforce_signer<C: ConstraintSystem>(
    cs: &mut C,
    context: &SlotContext<'_, C::L>,
    stated: Stated<C::L>,
    witness: &SignerWitness,
) -> SignerVar<C::L> {
    let Stated { enabled, from, fee } = stated;
    context.rule(cs, "not_expired");
    let valid_until = cs.witness(witness.valid_until);
    enforce_range(cs, &valid_until.minus(context.batch_number), 32);

    context.rule(cs, "sender_exists");
    let owner = cs.witness(witness.leaf.owner);
    enforce_exists(cs, &owner);

    context.rule(cs, "sender_in_range");
    let key = EdwardsVar {
        x: cs.witness(witness.leaf.key[0]),
        y: cs.witness(witness.leaf.key[1]),
    };
    let balance = cs.witness(witness.leaf.balance);
    let account_nonce = cs.witness(witness.leaf.nonce);
    let token = cs.witness(witness.leaf.token);
    let from_bits = enforce_range(cs, &from, 2 * context.levels);
    enforce_range(cs, &account_nonce, 32);
    enforce_range(cs, &token, 32);

    context.rule(cs, "nonce_matches");
    let nonce = cs.witness(witness.nonce);
    cs.enforce_equal(&nonce, &account_nonce);

    context.rule(cs, "nonce_in_range");
    // S9: the nonce after this one is below 2^32 as well.
    cs.enforce_nonzero(&FieldVar::constant(Fr::from(u32::MAX)).minus(&account_nonce));

    SignerVar {
        enabled,
        from,
        from_bits,
        fee,
        nonce,
        account_nonce,
        valid_until,
        key,
        balance,
        token,
        owner,
    }
}

impl<L: crate::r1cs::Linear> SignerVar<L> {
    /// `balance_covers` for an amount below 2^138. `21 + 128` constraints.
    ///
    /// S6, S8: the old balance is the new one plus two values far below r, so nothing wraps. Together with the ranges of nonce
    /// and token it also leaves the packed word one reading (S49).
    pub(in crate::tx) fn spend<C: ConstraintSystem<L = L>>(
        &self,
        cs: &mut C,
        amount: &FieldVar<L>,
    ) -> SpentVar<L> {
        let fee = float::constraints::decode(cs, &self.fee, 11);
        let rest = self.balance.minus(amount).minus(&fee);
        enforce_range(cs, &rest, 128);
        SpentVar { fee, rest }
    }

    /// `signature_canonical, signature_valid` over the message of these words, `fee_routed_once`. Gives what is routed.
    pub(in crate::tx) fn enforce_signed<C: ConstraintSystem<L = L>, H: HashGadget>(
        &self,
        cs: &mut C,
        context: &SlotContext<'_, L>,
        witness: &SignerWitness,
        (first, second): (&FieldVar<L>, Option<&FieldVar<L>>),
        spent: &SpentVar<L>,
    ) -> Vec<FieldVar<L>> {
        context.rule(cs, "signature_canonical");
        let message = H::message(cs, context.message_prefix, first, second);
        let signature = enforce_signature_canonical::<C, H>(cs, &self.key, &message, witness.r8, witness.s);

        context.rule(cs, "signature_valid");
        enforce_signature_valid(cs, &self.enabled, &self.key, &signature);

        context.rule(cs, "fee_routed_once");
        route_fee(
            cs,
            &self.enabled,
            &self.token,
            &spent.fee,
            context.fee_slots,
            &witness.selectors,
        )
    }

    /// `sender_path` where key and owner stay: the leaf loses what is spent and takes the next nonce. Gives the root with it.
    pub(in crate::tx) fn enforce_path<C: ConstraintSystem<L = L>, H: HashGadget>(
        &self,
        cs: &mut C,
        context: &SlotContext<'_, L>,
        witness: &SignerWitness,
        spent: &SpentVar<L>,
    ) -> FieldVar<L> {
        context.rule(cs, "sender_path");
        let [old, new] = self.packed(spent);
        let leaves = H::leaf_update(
            cs,
            [LeafField::Shared(&self.key.x), LeafField::Shared(&self.key.y)],
            [&old, &new],
            &self.owner,
        );
        self.enforce_update::<C, H>(cs, context, witness, leaves)
    }

    /// `sender_path` where the leaf goes to another holder.
    pub(in crate::tx) fn enforce_handover<C: ConstraintSystem<L = L>, H: HashGadget>(
        &self,
        cs: &mut C,
        context: &SlotContext<'_, L>,
        witness: &SignerWitness,
        spent: &SpentVar<L>,
        holder: &HolderVar<L>,
    ) -> FieldVar<L> {
        context.rule(cs, "sender_path");
        let [old, new] = self.packed(spent);
        let old = H::leaf(cs, shared(&self.key), &old, &self.owner);
        let new = H::leaf(cs, shared(&holder.key), &new, &holder.owner);
        self.enforce_update::<C, H>(cs, context, witness, [old, new])
    }

    /// The leaf's packed word before and after.
    fn packed(&self, spent: &SpentVar<L>) -> [FieldVar<L>; 2] {
        let next = self.account_nonce.plus(&FieldVar::one());
        [
            packed(&self.balance, &self.account_nonce, &self.token),
            packed(&spent.rest, &next, &self.token),
        ]
    }

    fn enforce_update<C: ConstraintSystem<L = L>, H: HashGadget>(
        &self,
        cs: &mut C,
        context: &SlotContext<'_, L>,
        witness: &SignerWitness,
        leaves: [FieldVar<L>; 2],
    ) -> FieldVar<L> {
        let [before, after] = update::<C, H>(cs, &self.from_bits, leaves, &witness.path);
        context.enforce_root(cs, &self.enabled, &before);
        after
    }
}

/// Both coordinates as fields of a leaf.
pub(in crate::tx) const fn shared<L>(key: &EdwardsVar<L>) -> [LeafField<'_, L>; 2] {
    [LeafField::Shared(&key.x), LeafField::Shared(&key.y)]
}

/// Whom a leaf is to belong to.
#[derive(Debug)]
pub(in crate::tx) struct HolderVar<L> {
    pub(in crate::tx) key: EdwardsVar<L>,
    pub(in crate::tx) owner: FieldVar<L>,
}

impl<L: crate::r1cs::Linear> HolderVar<L> {
    /// The variables. Owner and coordinates are statement elements of their own, so that the facts bound them.
    pub(in crate::tx) fn new<C: ConstraintSystem<L = L>>(cs: &mut C, key: [Fr; 2], owner: Fr) -> Self {
        let [x, y] = key.map(|coordinate| cs.witness(coordinate));
        Self {
            key: EdwardsVar { x, y },
            owner: cs.witness(owner),
        }
    }

    /// `key_valid, owner_nonzero`, if enabled. `29 + 1` constraints.
    pub(in crate::tx) fn enforce<C: ConstraintSystem<L = L>>(
        &self,
        cs: &mut C,
        context: &SlotContext<'_, L>,
        enabled: &FieldVar<L>,
    ) {
        context.rule(cs, "key_valid");
        // S20, S21: 8·P for some P, and not the identity.
        let valid = is_key_valid(cs, &self.key);
        cs.enforce(enabled, &valid.complement(), &FieldVar::zero());

        context.rule(cs, "owner_nonzero");
        let inverse = cs.inverses().invert(self.owner.value());
        let inverse = cs.witness(inverse);
        cs.enforce(&self.owner, &inverse, enabled);
    }

    /// Statement elements: owner, key x, key y.
    pub(in crate::tx) fn words(&self) -> [FieldVar<L>; 3] {
        [&self.owner, &self.key.x, &self.key.y].map(Clone::clone)
    }

    /// The holder's hash, as signed. 261 constraints.
    pub(in crate::tx) fn hash<C: ConstraintSystem<L = L>, H: HashGadget>(&self, cs: &mut C) -> FieldVar<L> {
        H::holder(cs, [&self.key.x, &self.key.y, &self.owner])
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
