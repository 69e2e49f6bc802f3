//! Attacks on enable flags and padding.

use crate::forger::*;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

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
    // With the flag 2, both selectors set and a root moved twice, only the flag itself is wrong.
    let mut w = Forger::new();
    w.fee_slots(&[fee_slot(5, 1), fee_slot(6, 1)]);
    w.forge(&signed(0, 1, 0, 0, 0), |slot| {
        slot.enabled = Fr::from(2u64);
        slot.selectors = vec![Fr::ONE; 2];
    });
    let rules = w.broken_rules();
    assert!(rules.contains("transfer[0].slot_flags"), "{rules:?}");
    for flag in [-Fr::ONE, Fr::from(2u64).inverse().unwrap()] {
        let mut w = forger();
        w.transfer(&signed(0, 1, 500, 20, 0)).finish();
        w.witness.transfers[0].enabled = flag;
        w.assert_first("transfer[0].slot_flags");
    }
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
        w.assert_first("fee[0].slot_flags");
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
