//! Attacks on fees: routing, fee slots, overlaps.

use crate::forger::*;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

fn forger(slots: &[(u32, u32)]) -> Forger {
    let mut forger = Forger::new();
    forger.fee_slots(
        &slots
            .iter()
            .map(|(leaf, token)| fee_slot(*leaf, *token))
            .collect::<Vec<_>>(),
    );
    forger
}

#[test]
fn s45_fee_routed_once_refuses_none() {
    let mut w = forger(&[(5, 1)]);
    w.forge(&signed(0, 1, 500, 20, 0), |w| w.selectors = vec![Fr::ZERO; 2]);
    w.finish().assert_only("transfer[0].fee_routed_once");
}

#[test]
fn s45_fee_routed_once_refuses_two_slots_of_one_token() {
    let twice = |selectors: [Fr; 2]| {
        let mut w = forger(&[(5, 1), (6, 1)]);
        w.forge(&signed(0, 1, 500, 20, 0), |w| w.selectors = selectors.to_vec());
        w.finish();
        w
    };
    twice([Fr::ONE, Fr::ONE]).assert_only("transfer[0].fee_routed_once");
    // Either one alone is a choice that the operator has.
    twice([Fr::ONE, Fr::ZERO]).assert_accepted();
    twice([Fr::ZERO, Fr::ONE]).assert_accepted();
}

#[test]
fn s12_selectors_are_boolean() {
    // 2 − 1 = 1: the sum is right.
    let mut w = forger(&[(5, 1), (6, 1)]);
    w.forge(&signed(0, 1, 500, 20, 0), |w| {
        w.selectors = vec![Fr::from(2u64), -Fr::ONE]
    });
    let rules = w.finish().broken_rules();
    assert!(rules.contains("transfer[0].fee_routed_once"), "{rules:?}");
    let half = Fr::from(2u64).inverse().unwrap();
    let mut w = forger(&[(5, 1), (6, 1)]);
    w.forge(&signed(0, 1, 500, 20, 0), |w| w.selectors = vec![half, half]);
    assert!(w.finish().broken_rules().contains("transfer[0].fee_routed_once"));
}

#[test]
fn s24_a_fee_goes_to_a_slot_of_its_token() {
    let mut w = forger(&[(5, 1), (11, 2)]);
    w.forge(&signed(0, 1, 500, 20, 0), |w| {
        w.selectors = vec![Fr::ZERO, Fr::ONE]
    });
    w.finish().assert_only("transfer[0].fee_routed_once");
}

#[test]
fn s45_a_disabled_slot_takes_no_fee() {
    // Token 0 is what a disabled slot shows; an account of token 0 must not route its fee there.
    let mut w = Forger::with(|leaves| {
        leaves[0].token = Fr::ZERO;
        leaves[1].token = Fr::ZERO;
    });
    w.fee_slots(&[fee_slot(5, 1)]);
    w.forge(&signed(0, 1, 500, 20, 0), |w| {
        w.selectors = vec![Fr::ZERO, Fr::ONE]
    });
    let rules = w.finish().broken_rules();
    assert!(rules.contains("transfer[0].fee_routed_once"), "{rules:?}");
}

#[test]
fn s24_token_matches_for_the_fee_account() {
    // The slot says token 1, the account holds token 2.
    forger(&[(8, 1)])
        .transfer(&signed(0, 1, 500, 20, 0))
        .finish()
        .assert_only("fee[0].token_matches");
    let mut w = forger(&[(8, 1)]);
    w.transfer(&signed(0, 1, 500, 20, 0))
        .finish_with(|fee| fee.account.token = Fr::ONE);
    assert!(w.broken_rules().contains("fee[0].recipient_path"));
}

#[test]
fn s07_fee_account_overflow() {
    let at = |balance: u128| {
        let mut w = Forger::with(|leaves| leaves[5].balance = Fr::from(balance));
        w.fee_slots(&[fee_slot(5, 1)])
            .transfer(&signed(0, 1, 500, 20, 0))
            .finish();
        w
    };
    at(u128::MAX - 19).assert_only("fee[0].recipient_not_overflowed");
    at(u128::MAX - 20).assert_accepted();
}

#[test]
fn s11_fee_account_is_sender_or_recipient() {
    for (leaf, from, to) in [(0, 0, 1), (1, 0, 1), (0, 0, 0)] {
        let mut w = forger(&[(leaf, 1)]);
        let total = |w: &Forger| w.leaves.iter().map(|leaf| leaf.balance).sum::<Fr>();
        let before = total(&w);
        w.transfer(&signed(from, to, 500, 20, 0))
            .finish()
            .assert_accepted();
        assert_eq!(total(&w), before, "fee leaf {leaf}, {from} -> {to}");
        let native = World::new()
            .apply(&[signed(from, to, 500, 20, 0)], &[fee_slot(leaf, 1)])
            .unwrap();
        assert_eq!(native.new_root, w.root());
        assert_satisfied(&native);
    }
}

#[test]
fn s14_fee_account_does_not_exist() {
    let mut ghost = forger(&[(12, 1)]);
    ghost.transfer(&signed(0, 1, 500, 20, 0)).finish();
    ghost.assert_first("fee[0].recipient_exists");
    let mut w = Forger::with(|leaves| leaves[5].owner = Fr::ZERO);
    w.fee_slots(&[fee_slot(5, 1)])
        .transfer(&signed(0, 1, 500, 20, 0))
        .finish();
    w.assert_only("fee[0].recipient_exists");
}

#[test]
fn s04_fee_account_index_and_nonce_ranges() {
    forger(&[(16, 1)])
        .transfer(&signed(1, 2, 500, 20, 0))
        .finish()
        .assert_first("fee[0].recipient_in_range");
    let mut w = forger(&[(5, 1)]);
    w.transfer(&signed(0, 1, 500, 20, 0)).finish_with(|fee| {
        fee.account.balance -= Fr::ONE;
        fee.account.nonce += Fr::from(1u64 << 32);
    });
    w.assert_only("fee[0].recipient_in_range");
}

#[test]
fn s04_fee_token_range() {
    // A token of 33 bits would spill into the leaf's bits of the pubdata word.
    let mut w = Forger::with(|leaves| leaves[5].token = Fr::from(1u64 << 32));
    w.fee_slots(&[fee_slot(5, 1)]);
    w.witness.fees[0].token = Fr::from(1u64 << 32);
    w.finish().assert_only("fee[0].recipient_in_range");
}

#[test]
fn s13_fee_path_binds_the_leaf_to_the_root() {
    let mut w = forger(&[(5, 1)]);
    w.transfer(&signed(0, 1, 500, 20, 0))
        .finish_with(|fee| fee.account.balance += Fr::ONE);
    assert!(w.broken_rules().contains("fee[0].recipient_path"));
    let mut w = forger(&[(5, 1)]);
    w.transfer(&signed(0, 1, 500, 20, 0)).finish();
    w.witness.fees[0].path[1].swap(0, 2);
    assert!(w.broken_rules().contains("fee[0].recipient_path"));
}

#[test]
fn s13_root_chained_through_the_fee_slots() {
    let mut w = forger(&[(5, 1)]);
    w.transfer(&signed(0, 1, 500, 20, 0)).finish();
    let honest = w.assignment();
    let rule = "fee[0].root_chained";
    let row = (0..SMALL_CIRCUIT.num_constraints())
        .find(|row| {
            SMALL_CIRCUIT
                .label(*row)
                .is_some_and(|label| label.to_string() == rule)
        })
        .unwrap();
    let (_, variable) = *SMALL_CIRCUIT.c[row].last().unwrap();
    let mut broken = honest;
    broken[variable] += Fr::ONE;
    assert!(broken_rules(&broken).contains(rule));
}
