//! Attacks on fees: routing, fee slots, overlaps.

use crate::attacks::attacks;
use crate::forger::*;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_circuits::tx::SignedTransfer;
use quittance_circuits::tx::fee::FeeSlot;

fn forger(slots: &[(u32, u32)]) -> Forger {
    Forger::new().fee_slots(&fee_slots(slots))
}

fn fee_slots(slots: &[(u32, u32)]) -> Vec<FeeSlot> {
    slots
        .iter()
        .map(|(leaf, token)| fee_slot(*leaf, *token))
        .collect()
}

fn honest() -> SignedTransfer {
    signed(0, 1, 500, 20, 0)
}

/// A transfer of token 1 in a batch with these fee slots, its fee routed like this.
fn routed(slots: &[(u32, u32)], selectors: [Fr; 2]) -> Forger {
    let w = forger(slots).transfer_told(&honest(), |w| w.signer.selectors = selectors.to_vec());
    w.finish()
}

fn into_a_balance_of(balance: u128) -> Forger {
    let w = Forger::with(|leaves| leaves[5].balance = Fr::from(balance));
    w.fee_slots(&fee_slots(&[(5, 1)])).transfer(&honest()).finish()
}

const TWO_OF_ONE_TOKEN: [(u32, u32); 2] = [(5, 1), (6, 1)];

attacks! {
    fn s12_selectors_are_no_halves() breaks "transfer[0].fee_routed_once" {
        let half = Fr::from(2u64).inverse().unwrap();
        routed(&TWO_OF_ONE_TOKEN, [half, half])
    }

    /// The slot says token 1, the account holds token 2.
    fn s24_token_matches_for_the_fee_account() breaks "fee[0].token_matches" {
        forger(&[(8, 1)]).transfer(&honest()).finish()
    }

    fn s24_the_fee_account_is_read_as_one_of_its_token() breaks "fee[0].recipient_path" {
        forger(&[(8, 1)]).transfer(&honest()).finish_with(|fee| fee.account.token = Fr::ONE)
    }

    fn s07_fee_account_overflow() breaks "fee[0].recipient_not_overflowed" {
        into_a_balance_of(u128::MAX - 19)
    }

    fn s14_fee_account_without_owner() breaks "fee[0].recipient_exists" {
        let w = Forger::with(|leaves| leaves[5].owner = Fr::ZERO);
        w.fee_slots(&fee_slots(&[(5, 1)])).transfer(&honest()).finish()
    }

    fn s04_s49_fee_account_read_with_a_nonce_of_33_bits() breaks "fee[0].recipient_in_range" {
        forger(&[(5, 1)]).transfer(&honest()).finish_with(|fee| {
            fee.account.balance -= Fr::ONE;
            fee.account.nonce += two_to(32);
        })
    }

    fn s49_fee_account_read_with_a_negative_nonce() breaks "fee[0].recipient_in_range" {
        forger(&[(5, 1)]).transfer(&honest()).finish_with(|fee| {
            fee.account.balance += Fr::ONE;
            fee.account.nonce -= two_to(32);
        })
    }

    /// The account's token has no range of its own: it is the slot's, which has.
    fn s49_fee_account_read_with_a_token_of_33_bits() breaks "fee[0].token_matches" {
        let w = Forger::with(|leaves| leaves[5].nonce = Fr::ONE).fee_slots(&fee_slots(&[(5, 1)]));
        w.transfer(&honest()).finish_with(|fee| {
            fee.account.nonce = Fr::ZERO;
            fee.account.token += two_to(32);
        })
    }

    /// A token of 33 bits would spill into the leaf's bits of the pubdata word.
    fn s04_fee_token_range() breaks "fee[0].recipient_in_range" {
        let w = Forger::with(|leaves| leaves[5].token = two_to(32));
        let mut w = w.fee_slots(&fee_slots(&[(5, 1)]));
        w.witness.fees[0].token = two_to(32);
        w.finish()
    }

    fn s13_fee_path_refuses_a_richer_leaf() breaks "fee[0].recipient_path" {
        forger(&[(5, 1)]).transfer(&honest()).finish_with(|fee| fee.account.balance += Fr::ONE)
    }

    /// After the first fee slot the state is another one, in which account 1 is richer.
    fn s13_root_chained_refuses_another_state_after_a_fee() breaks "fee[0].root_chained" {
        let mut w = forger(&[(5, 1), (11, 2)]).transfer(&honest()).finish_slot(0, |_| {});
        let honest = w.root();
        w.leaves[1].balance += Fr::from(5u64);
        let other = w.root();
        let mut w = w.finish_slot(1, |_| {});
        w.witness.new_root = w.root();
        w.tampered_result("fee[0].root_chained", other - honest)
    }
}

#[test]
fn s07_a_fee_account_may_be_full() {
    into_a_balance_of(u128::MAX - 20).assert_accepted();
}

#[test]
fn s45_a_disabled_slot_takes_no_fee() {
    // Token 0 is what a disabled slot shows; an account of token 0 must not route its fee there.
    let w = Forger::with(|leaves| {
        leaves[0].token = Fr::ZERO;
        leaves[1].token = Fr::ZERO;
    });
    let w = w.fee_slots(&fee_slots(&[(5, 1)]));
    let w = w.transfer_told(&honest(), |w| w.signer.selectors = vec![Fr::ZERO, Fr::ONE]);
    w.finish().assert_among("transfer[0].fee_routed_once");
}

#[test]
fn s11_fee_account_is_sender_or_recipient() {
    for (leaf, from, to) in [(0, 0, 1), (1, 0, 1), (0, 0, 0)] {
        let before = Forger::new().total();
        let signed = signed(from, to, 500, 20, 0);
        let w = forger(&[(leaf, 1)]).transfer(&signed).finish();
        w.assert_accepted();
        assert_eq!(w.total(), before, "fee leaf {leaf}, {from} -> {to}");
        let native = World::new().apply(&[signed], &[fee_slot(leaf, 1)]).unwrap();
        assert_eq!(native.new_root, w.root());
        assert_satisfied(&native);
    }
}

#[test]
fn s04_s14_fee_account_beyond_the_tree_or_empty() {
    let ghost = forger(&[(12, 1)]).transfer(&honest()).finish();
    ghost.assert_first("fee[0].recipient_exists");
    let beyond = forger(&[(16, 1)]).transfer(&signed(1, 2, 500, 20, 0)).finish();
    beyond.assert_first("fee[0].recipient_in_range");
}

#[test]
fn s13_fee_path_binds_its_siblings() {
    for level in 0..2 {
        let mut w = forger(&[(5, 1)]).transfer(&honest()).finish();
        w.witness.fees[0].path[level].rotate_left(1);
        w.assert_among("fee[0].recipient_path");
    }
}
