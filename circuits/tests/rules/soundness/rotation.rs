//! Attacks on rotations: the new key and owner, and what the old ones are still worth. What they share with other signed operations is
//! attacked in `signer`.

use super::holder::*;
use crate::attacks::{attacks, rows_of};
use crate::forger::*;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::Field;
use quittance_circuits::babyjubjub::Point;
use quittance_circuits::tx::rotation::constraints::RotationWitness;
use quittance_circuits::tx::{SignedOperation, SignedRotation};
use quittance_circuits::types::RootAddress;
use std::collections::BTreeMap;

fn forger() -> Forger {
    Forger::new().fee_slots(&[fee_slot(5, 1), fee_slot(11, 2)])
}

fn signed(change: impl FnOnce(&mut Draft)) -> SignedRotation {
    let mut draft = Draft::new(Kind::Rotation);
    change(&mut draft);
    match draft.sign() {
        SignedOperation::Rotation(signed) => signed,
        other => panic!("{other:?}"),
    }
}

fn drafted(change: impl FnOnce(&mut Draft)) -> Forger {
    forger().rotation(&signed(change)).finish()
}

/// The plain rotation, its slot told something else.
fn told(change: impl FnOnce(&mut RotationWitness)) -> Forger {
    forger().rotation_with(&signed(|_| {}), change).finish()
}

/// The plain rotation, then a padding slot that publishes something.
fn published(change: impl FnOnce(&mut RotationWitness)) -> Forger {
    let mut w = forger().rotation(&signed(|_| {})).finish();
    change(&mut w.witness.rotations[1]);
    w
}

/// The same, and the inverse hint of the owner, which is 1, is made to fit the padding.
fn published_owner() -> Vec<Fr> {
    let w = published(|slot| slot.owner = Fr::ONE);
    let inverse = SMALL_CIRCUIT.b[rows_of("rotation[1].owner_nonzero")[0]][0].1;
    w.tampered(&BTreeMap::from([(inverse, -Fr::ONE)]))
}

attacks! {
    fn s26_padding_publishes_no_owner() breaks "rotation[1].slot_flags" {
        published_owner()
    }

    fn s26_padding_publishes_no_key_x() breaks "rotation[1].slot_flags" {
        published(|slot| slot.key[0] = Fr::ONE)
    }

    fn s26_padding_publishes_no_key_y() breaks "rotation[1].slot_flags" {
        published(|slot| slot.key[1] = Fr::ONE)
    }

    fn s20_key_valid_refuses_the_identity() breaks "rotation[0].key_valid" {
        drafted(|draft| draft.key = Point::IDENTITY)
    }

    fn s20_key_valid_refuses_small_order() breaks "rotation[0].key_valid" {
        drafted(|draft| draft.key = ORDER_TWO)
    }

    fn s20_key_valid_refuses_a_key_with_torsion() breaks "rotation[0].key_valid" {
        drafted(|draft| draft.key = draft.key.add(&ORDER_TWO))
    }

    fn s21_key_valid_refuses_a_key_off_the_curve() breaks "rotation[0].key_valid" {
        drafted(|draft| draft.key.y += Fr::ONE)
    }

    fn owner_nonzero_refuses_a_leaf_that_pays_nobody() breaks "rotation[0].owner_nonzero" {
        drafted(|draft| draft.owner = RootAddress([0; 20]))
    }
}

#[test]
fn s23_the_new_key_and_owner_are_those_that_were_signed() {
    told(|w| w.key = thief()).assert_only("rotation[0].signature_valid");
    told(|w| w.owner += Fr::ONE).assert_only("rotation[0].signature_valid");
    // Nor may the old key be left out of the leaf that is read, or replaced by the new one.
    told(|w| w.signer.leaf.key = w.key).assert_among("rotation[0].sender_path");
}

#[test]
fn s20_every_point_of_small_order_is_refused() {
    for point in small_orders() {
        drafted(|draft| draft.key = point).assert_only("rotation[0].key_valid");
        let rotation = signed(|draft| draft.key = point).into();
        let native = World::new().apply_signed(&[rotation], &[fee_slot(5, 1)]);
        assert_eq!(native.unwrap_err().rule(), Some("key_valid"));
    }
}

#[test]
fn s44_a_rotation_keeps_nonce_token_and_balance() {
    let w = told(|_| {});
    w.assert_accepted();
    let (before, after) = (forger().leaves[0], w.leaves[0]);
    assert_eq!(after.nonce, before.nonce + Fr::ONE);
    assert_eq!(after.token, before.token);
    assert_eq!(after.balance + Fr::from(20u64), before.balance);
    assert_ne!(after.key, before.key);
    assert_ne!(after.owner, before.owner);
}

#[test]
fn s44_s09_old_signatures_are_worth_nothing_after_a_rotation() {
    // By the old key, whatever the nonce.
    let rotated = forger().rotation(&signed(|_| {}));
    let by_old = signed(|draft| draft.nonce = 1);
    let w = rotated.rotation(&by_old).finish();
    w.assert_only("rotation[1].signature_valid");
    // Rotated to another key and back again, the nonce has moved on: what was signed before stays used.
    let back = Draft {
        key: *key(0).public_key().point(),
        ..Draft::new(Kind::Rotation).nonce(1)
    };
    let w = forger().rotation(&signed(|_| {})).signed(&back.sign_by(&key(30)));
    let again = Forger::of(w.leaves).fee_slots(&[fee_slot(5, 1)]);
    assert_eq!(again.leaves[0].key, forger().leaves[0].key);
    let replay = again.rotation(&signed(|_| {})).finish();
    replay.assert_only("rotation[0].nonce_matches");
}
