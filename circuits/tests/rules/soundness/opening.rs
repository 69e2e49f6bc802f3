//! Attacks on openings: the place, the key, the owner, and what the new leaf holds. What they share with other signed operations is
//! attacked in `signer`.

use super::holder::*;
use crate::attacks::{attacks, rows_of};
use crate::forger::*;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_circuits::babyjubjub::Point;
use quittance_circuits::tx::opening::constraints::OpeningWitness;
use quittance_circuits::tx::{SignedOpening, SignedOperation};
use quittance_circuits::types::RootAddress;
use std::collections::BTreeMap;

fn forger() -> Forger {
    Forger::new().fee_slots(&[fee_slot(5, 1), fee_slot(11, 2)])
}

fn signed(change: impl FnOnce(&mut Draft)) -> SignedOpening {
    let mut draft = Draft::new(Kind::Opening);
    change(&mut draft);
    match draft.sign() {
        SignedOperation::Opening(signed) => signed,
        other => panic!("{other:?}"),
    }
}

/// The opening that a changed draft makes.
fn drafted(change: impl FnOnce(&mut Draft)) -> Forger {
    forger().opening(&signed(change)).finish()
}

/// The plain opening, its slot told something else.
fn told(change: impl FnOnce(&mut OpeningWitness)) -> Forger {
    forger().opening_with(&signed(|_| {}), change, |_| {}).finish()
}

/// The plain opening, then a padding slot that publishes something.
fn published(change: impl FnOnce(&mut OpeningWitness)) -> Forger {
    let mut w = forger().opening(&signed(|_| {})).finish();
    w.witness.openings[1].signer.leaf.balance = Fr::from(10u64);
    change(&mut w.witness.openings[1]);
    w
}

/// The same, and the inverse hint of the owner, which is 1, is made to fit the padding.
fn published_owner() -> Vec<Fr> {
    let w = published(|slot| slot.owner = Fr::ONE);
    let inverse = SMALL_CIRCUIT.b[rows_of("opening[1].owner_nonzero")[0]][0].1;
    w.tampered(&BTreeMap::from([(inverse, -Fr::ONE)]))
}

attacks! {
    fn s26_padding_publishes_no_place() breaks "opening[1].slot_flags" {
        published(|slot| slot.to = Fr::ONE)
    }

    fn s26_padding_publishes_no_amount() breaks "opening[1].slot_flags" {
        published(|slot| slot.amount = Fr::ONE)
    }

    fn s26_padding_publishes_no_token() breaks "opening[1].slot_flags" {
        published(|slot| slot.signer.leaf.token = Fr::ONE)
    }

    fn s26_padding_publishes_no_key_x() breaks "opening[1].slot_flags" {
        published(|slot| slot.key[0] = Fr::ONE)
    }

    fn s26_padding_publishes_no_key_y() breaks "opening[1].slot_flags" {
        published(|slot| slot.key[1] = Fr::ONE)
    }

    fn s26_padding_publishes_no_owner() breaks "opening[1].slot_flags" {
        published_owner()
    }

    /// Account 1 would be taken over.
    fn s14_leaf_empty_refuses_a_place_that_is_taken() breaks "opening[0].leaf_empty" {
        drafted(|draft| draft.to = 1)
    }

    /// The taken place is claimed to be empty.
    fn s14_recipient_path_shows_that_the_place_is_empty() breaks "opening[0].recipient_path" {
        let signed = signed(|draft| draft.to = 1);
        forger().opening_with(&signed, |_| {}, |w| w.occupied = Fr::ZERO).finish()
    }

    /// The place's siblings from before the sender has paid: the new account has the amount, and so has the sender still.
    fn s13_recipient_path_refuses_siblings_from_before_the_debit() breaks "opening[0].recipient_path" {
        let w = forger();
        let (before, siblings) = (w.leaves[0], w.path(3));
        let mut w = w.opening_with(&signed(|_| {}), |_| {}, |w| w.recipient_path = siblings);
        w.leaves[0] = before;
        w.witness.new_root = w.root();
        w.finish()
    }

    /// The first place of the upper half, which the root chain gives away.
    fn s04_recipient_in_range_refuses_the_upper_half() breaks "opening[0].recipient_in_range" {
        drafted(|draft| draft.to = 12)
    }

    fn s20_key_valid_refuses_the_identity() breaks "opening[0].key_valid" {
        drafted(|draft| draft.key = Point::IDENTITY)
    }

    fn s20_key_valid_refuses_small_order() breaks "opening[0].key_valid" {
        drafted(|draft| draft.key = ORDER_TWO)
    }

    fn s20_key_valid_refuses_a_key_with_torsion() breaks "opening[0].key_valid" {
        drafted(|draft| draft.key = draft.key.add(&ORDER_TWO))
    }

    fn s21_key_valid_refuses_a_key_off_the_curve() breaks "opening[0].key_valid" {
        drafted(|draft| draft.key.x += Fr::ONE)
    }

    fn owner_nonzero_refuses_a_leaf_that_pays_nobody() breaks "opening[0].owner_nonzero" {
        drafted(|draft| draft.owner = RootAddress([0; 20]))
    }
}

#[test]
fn s23_the_new_key_and_owner_are_those_that_were_signed() {
    // Whoever executes an opening cannot put in a key of its own.
    told(|w| w.key = thief()).assert_only("opening[0].signature_valid");
    told(|w| w.owner += Fr::ONE).assert_only("opening[0].signature_valid");
    told(|w| w.to = Fr::from(4u64)).assert_only("opening[0].signature_valid");
}

#[test]
fn s14_openings_at_the_ends_of_both_halves() {
    drafted(|draft| draft.to = 7).assert_accepted();
    for place in [8, 12, 15, 16, 19] {
        let w = drafted(|draft| draft.to = place);
        let rule = if place == 8 {
            "leaf_empty"
        } else {
            "recipient_in_range"
        };
        w.assert_among(&format!("opening[0].{rule}"));
    }
    // Two openings of one place in a batch.
    let second = signed(|draft| draft.nonce = 1);
    let twice = forger().opening(&signed(|_| {})).opening(&second).finish();
    twice.assert_only("opening[1].leaf_empty");
}

#[test]
fn s20_every_point_of_small_order_is_refused() {
    for point in small_orders() {
        drafted(|draft| draft.key = point).assert_only("opening[0].key_valid");
        let native =
            World::new().apply_signed(&[signed(|draft| draft.key = point).into()], &[fee_slot(5, 1)]);
        assert_eq!(native.unwrap_err().rule(), Some("key_valid"));
    }
}

#[test]
fn s44_s46_an_opened_account_starts_with_nonce_zero_and_its_own_key() {
    // What the sender signed is worth nothing at the new account, which has another key.
    let w = forger().opening(&signed(|_| {}));
    assert_eq!(w.leaves[3].nonce, Fr::ZERO);
    let mut draft = Draft::new(Kind::Transfer);
    draft.from = 3;
    (draft.amount, draft.fee) = (10, 0);
    let w = w.signed(&draft.sign_by(&key(0))).finish();
    w.assert_only("transfer[0].signature_valid");
}
