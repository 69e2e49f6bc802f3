//! Attacks on enable flags and padding.

use crate::attacks::{attacks, rows_of};
use crate::forger::*;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_circuits::tx::SignedTransfer;
use quittance_circuits::tx::fee::constraints::FeeWitness;
use quittance_circuits::tx::transfer::constraints::TransferWitness;
use quittance_verifier::{DEMO_ROLLUP_ID, Facts, FeeData};

fn forger() -> Forger {
    Forger::new().fee_slots(&[fee_slot(5, 1)])
}

fn honest() -> SignedTransfer {
    signed(0, 1, 500, 20, 0)
}

/// A transfer, then a padding slot with a rich account of nobody, which publishes something.
fn published(change: impl FnOnce(&mut TransferWitness)) -> Forger {
    let mut w = forger().transfer(&honest()).finish();
    let slot = &mut w.witness.transfers[1];
    slot.signer.leaf.balance = Fr::from(10u64);
    change(slot);
    w
}

/// A transfer and one fee slot, and the second fee slot, which is not in use, changed.
fn published_fee(change: impl FnOnce(&mut FeeWitness)) -> Forger {
    let mut w = forger().transfer(&honest()).finish();
    change(&mut w.witness.fees[1]);
    w
}

fn double_fee_slot() -> Forger {
    let w = Forger::with(|leaves| leaves[0].token = Fr::ZERO).fee_slots(&[fee_slot(0, 0)]);
    w.finish_with(|fee| fee.enabled = fee.enabled.double())
}

attacks! {
    fn s26_slot_flags_refuse_enabled_after_disabled() breaks "transfer[1].slot_flags" {
        let w = forger();
        let padding = w.witness.transfers[0].clone();
        w.transfer_told(&signed(1, 2, 0, 0, 0), |slot| *slot = padding).transfer(&honest()).finish()
    }

    fn s26_padding_publishes_no_recipient() breaks "transfer[1].slot_flags" {
        published(|slot| slot.to = Fr::ONE)
    }

    fn s26_padding_publishes_no_amount() breaks "transfer[1].slot_flags" {
        published(|slot| slot.amount = Fr::ONE)
    }

    /// The count of fee slots would be 2, and the elements those of facts with a second slot of zeros.
    fn s12_a_fee_flag_of_two_publishes_a_slot_that_never_ran() breaks "fee[0].slot_flags" {
        double_fee_slot()
    }

    fn s12_s26_the_second_fee_slot_alone() breaks "fee[1].slot_flags" {
        let mut w = Forger::new().fee_slots(&[fee_slot(5, 1), fee_slot(5, 1)]);
        w.witness.fees[0] = FeeWitness::padding(2);
        w.finish_with(|fee| {
            if fee.enabled == Fr::ZERO {
                *fee = FeeWitness::padding(2);
            }
        })
    }

    fn s26_a_disabled_fee_slot_publishes_no_leaf() breaks "fee[1].slot_flags" {
        published_fee(|slot| slot.leaf = Fr::ONE)
    }

    fn s26_a_disabled_fee_slot_publishes_no_token() breaks "fee[1].slot_flags" {
        published_fee(|slot| {
            slot.token = Fr::ONE;
            slot.account.token = Fr::ONE;
        })
    }
}

#[test]
fn s26_padding_routes_no_fee() {
    published(|slot| slot.signer.selectors[0] = Fr::ONE).assert_among("transfer[1].fee_routed_once");
}

#[test]
fn s12_the_second_slot_of_a_fee_flag_of_two_is_what_facts_can_say() {
    let w = double_fee_slot();
    let facts = Facts {
        rollup_id: DEMO_ROLLUP_ID,
        batch_number: BATCH,
        old_root: w.witness.old_root,
        new_root: w.witness.new_root,
        queue: QUEUE,
        priority: vec![],
        openings: vec![],
        transfers: vec![],
        withdrawals: vec![],
        rotations: vec![],
        fees: vec![
            FeeData {
                leaf: 0,
                token: 0,
                amount: 0
            };
            2
        ],
    };
    assert_eq!(
        quittance_verifier::elements(&facts, &SMALL).unwrap(),
        w.elements()
    );
}

#[test]
fn s12_s25_fee_flags_are_boolean() {
    for flag in [-Fr::ONE, Fr::from(2u64), Fr::from(2u64).inverse().unwrap()] {
        let mut w = forger();
        w.witness.fees[0].enabled = flag;
        let first = rows_of("fee[0].slot_flags")[0];
        assert!(
            !SMALL_CIRCUIT.is_row_satisfied(first, &w.assignment()),
            "flag {flag}"
        );
    }
}
