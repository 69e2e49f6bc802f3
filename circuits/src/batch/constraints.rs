//! The circuit of a batch: its sections in order, chained by the state root, then the statement.

use super::witness::BatchWitness;
use crate::hash::constraints::HashGadget;
use crate::r1cs::{ConstraintSystem, FieldVar, Label};
use crate::range::enforce_range;
use crate::statement::constraints::{StatementVar, enforce_statement};
use crate::tx::fee::constraints::{FeeHeaderVar, enforce_fee, enforce_header};
use crate::tx::transfer::constraints::{TransferContext, enforce_transfer};
use ark_bn254::Fr;
use ark_ff::Field;

/// The whole batch of `levels` tree levels: one slot for each witness. Public inputs are (h, z, y).
pub fn enforce_batch<C: ConstraintSystem, H: HashGadget>(cs: &mut C, levels: usize, witness: &BatchWitness) {
    cs.label(Label::statement("batch_number_in_range"));
    let rollup_id = cs.witness(witness.rollup_id);
    let batch_number = cs.witness(witness.batch_number);
    let old_root = cs.witness(witness.old_root);
    let new_root = cs.witness(witness.new_root);
    enforce_range(cs, &batch_number, 32);

    cs.label(Label::statement("message_prefix"));
    let message_prefix = H::message_prefix(cs, &rollup_id);

    let mut headers: Vec<FeeHeaderVar<C::L>> = Vec::with_capacity(witness.fees.len());
    for (slot, fee) in numbered(&witness.fees) {
        let header = enforce_header(cs, slot, headers.last(), fee);
        headers.push(header);
    }

    let mut root = old_root.clone();
    let mut transfers = Vec::with_capacity(witness.transfers.len());
    let mut amounts = vec![FieldVar::zero(); headers.len()];
    let mut previous = None;
    let mut transfer_count = FieldVar::zero();
    for (slot, transfer) in numbered(&witness.transfers) {
        let context = TransferContext {
            slot,
            levels,
            message_prefix: &message_prefix,
            batch_number: &batch_number,
            previous: previous.as_ref(),
            fee_slots: &headers,
            root: &root,
        };
        let outcome = enforce_transfer::<C, H>(cs, &context, transfer);
        for (amount, routed) in amounts.iter_mut().zip(&outcome.routed) {
            amount.add_scaled(routed, Fr::ONE);
        }
        transfer_count.add_scaled(&outcome.enabled, Fr::ONE);
        transfers.push(outcome.pubdata);
        root = outcome.root;
        previous = Some(outcome.enabled);
    }

    let mut fees = Vec::with_capacity(headers.len());
    let mut fee_count = FieldVar::zero();
    for (((slot, fee), header), amount) in numbered(&witness.fees).zip(&headers).zip(&amounts) {
        let outcome = enforce_fee::<C, H>(cs, slot, levels, header, amount, &root, fee);
        fee_count.add_scaled(&header.enabled, Fr::ONE);
        fees.push(outcome.word);
        root = outcome.root;
    }

    cs.label(Label::statement("root_chained"));
    cs.enforce_equal(&root, &new_root);

    let statement = StatementVar {
        rollup_id,
        batch_number,
        old_root,
        new_root,
        transfer_count,
        fee_count,
        fees,
        transfers,
    };
    enforce_statement::<C, H>(cs, &statement);
}

fn numbered<T>(slots: &[T]) -> impl Iterator<Item = (u32, &T)> {
    (0u32..).zip(slots)
}
