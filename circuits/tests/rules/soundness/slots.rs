//! Attacks on enable flags and padding.

use crate::forger::*;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_verifier::{DEMO_ROLLUP_ID, Facts, FeeData};

fn forger() -> Forger {
    let mut forger = Forger::new();
    forger.fee_slots(&[fee_slot(5, 1)]);
    forger
}

#[test]
fn s26_slot_flags_refuse_enabled_after_disabled() {
    let mut w = forger();
    let padding = w.witness.transfers[0].clone();
    w.forge(&signed(1, 2, 0, 0, 0), |slot| *slot = padding);
    w.transfer(&signed(0, 1, 500, 20, 0)).finish();
    w.assert_only("transfer[1].slot_flags");
}

#[test]
fn s26_padding_publishes_nothing() {
    // A padding slot that publishes a transfer which never happened.
    for field in 0..4 {
        let mut w = forger();
        w.transfer(&signed(0, 1, 500, 20, 0)).finish();
        let slot = &mut w.witness.transfers[1];
        // A rich account of nobody, so that the amount is covered.
        slot.sender.balance = Fr::from(10u64);
        match field {
            0 => slot.from = Fr::ONE,
            1 => slot.to = Fr::ONE,
            2 => slot.amount = Fr::ONE,
            _ => slot.fee = Fr::ONE,
        }
        w.assert_only("transfer[1].slot_flags");
    }
}

#[test]
fn s26_padding_routes_no_fee() {
    let mut w = forger();
    w.transfer(&signed(0, 1, 500, 20, 0)).finish();
    w.witness.transfers[1].selectors[0] = Fr::ONE;
    assert!(w.broken_rules().contains("transfer[1].fee_routed_once"));
}

#[test]
fn s12_s25_transfer_flag_is_boolean() {
    // Flag 2 with both selectors set: the only other rows that a flag of 2 meets are those of padding and of the root.
    for flag in [-Fr::ONE, Fr::from(2u64), Fr::from(2u64).inverse().unwrap()] {
        let mut w = Forger::new();
        w.fee_slots(&[fee_slot(5, 1), fee_slot(6, 1)]);
        w.transfer(&signed(0, 1, 500, 20, 0)).finish();
        w.witness.transfers[0].enabled = flag;
        w.witness.transfers[0].selectors = vec![Fr::ONE; 2];
        assert!(first_row_is_broken(&w, "transfer[0].slot_flags"), "flag {flag}");
    }
}

/// Whether the first row of a rule, which is where its flag is shown to be boolean, rejects the witness.
fn first_row_is_broken(w: &Forger, rule: &str) -> bool {
    let row = (0..SMALL_CIRCUIT.num_constraints())
        .find(|row| {
            SMALL_CIRCUIT
                .label(*row)
                .is_some_and(|label| label.to_string() == rule)
        })
        .unwrap();
    !SMALL_CIRCUIT.is_row_satisfied(row, &w.assignment())
}

#[test]
fn s12_a_fee_flag_of_two_publishes_a_slot_that_never_ran() {
    // The count of fee slots would be 2, and the elements those of facts with a second slot of zeros.
    let mut w = Forger::with(|leaves| leaves[0].token = Fr::ZERO);
    w.fee_slots(&[fee_slot(0, 0)]);
    w.finish_with(|fee| fee.enabled = fee.enabled.double());
    let facts = Facts {
        rollup_id: DEMO_ROLLUP_ID,
        batch_number: BATCH,
        old_root: w.witness.old_root,
        new_root: w.witness.new_root,
        transfers: vec![],
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
    w.assert_only("fee[0].slot_flags");
}

#[test]
fn s22_the_flag_cannot_switch_a_signature_off_alone() {
    // Disabled for the signature means disabled for everything: the transfer is neither executed nor published.
    let mut forged = signed(0, 1, 500, 20, 0);
    forged.signature = signed(1, 2, 500, 20, 0).signature;
    let mut w = forger();
    w.transfer(&forged).finish();
    w.assert_only("transfer[0].signature_valid");
    w.witness.transfers[0].enabled = Fr::ZERO;
    let rules = w.broken_rules();
    assert!(!rules.contains("transfer[0].signature_valid"));
    assert!(rules.contains("transfer[0].slot_flags"), "{rules:?}");
    // The root did not move, so what follows stands on another tree.
    assert!(rules.contains("fee[0].recipient_path"), "{rules:?}");
}

#[test]
fn s12_s26_fee_slot_flags() {
    for flag in [Fr::from(2u64), -Fr::ONE] {
        let mut w = forger();
        w.witness.fees[0].enabled = flag;
        assert!(first_row_is_broken(&w, "fee[0].slot_flags"));
    }
    // The second slot in use, the first not.
    let mut w = Forger::new();
    w.fee_slots(&[fee_slot(5, 1), fee_slot(5, 1)]);
    w.witness.fees[0].enabled = Fr::ZERO;
    w.witness.fees[0].leaf = Fr::ZERO;
    w.witness.fees[0].token = Fr::ZERO;
    w.finish_with(|fee| {
        if fee.enabled == Fr::ZERO {
            *fee = quittance_circuits::tx::fee::constraints::FeeWitness::padding(2);
        }
    });
    w.assert_only("fee[1].slot_flags");
}

#[test]
fn s26_a_disabled_fee_slot_publishes_nothing() {
    let mut w = forger();
    w.transfer(&signed(0, 1, 500, 20, 0)).finish();
    let slot = &mut w.witness.fees[1];
    slot.leaf = Fr::ONE;
    w.assert_only("fee[1].slot_flags");
    let mut w = forger();
    w.transfer(&signed(0, 1, 500, 20, 0)).finish();
    let slot = &mut w.witness.fees[1];
    slot.token = Fr::ONE;
    slot.account.token = Fr::ONE;
    w.assert_only("fee[1].slot_flags");
}
