//! Attacks on what a prover says of a new key's class, for openings, rotations and deposits. A key with a part of order 2 is in no class of
//! keys, so that somebody has to lie: that its class is none, or in bits that are none.

use super::holder::ORDER_TWO;
use crate::attacks::{attacks, rows_of};
use crate::forger::*;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_circuits::tx::Priority;
use std::collections::BTreeMap;

/// An operation alone whose new key has a part of order 2.
fn signed(kind: Kind) -> Forger {
    let mut draft = Draft::new(kind);
    draft.key = draft.key.add(&ORDER_TWO);
    let w = Forger::new().fee_slots(&[fee_slot(5, 1), fee_slot(11, 2)]);
    w.signed(&draft.sign()).finish()
}

/// A deposit for such a key, which is said to succeed.
fn deposited() -> Forger {
    let mut deposit = deposit(12, 900);
    deposit.key = deposit.key.add(&ORDER_TWO);
    Forger::new().priority_told(&Priority::Deposit(deposit), |w| w.done = Fr::ONE)
}

/// The variables of a key check: the pairing's value v, the bits of its class k, and t, with v = 5^k·t⁸.
struct Class {
    value: usize,
    bits: [usize; 3],
    root: usize,
}

impl Class {
    fn of(section: &str) -> Self {
        let rows = rows_of(&format!("{section}[0].key_valid"));
        let first = |part: &[(Fr, usize)]| part[0].1;
        Self {
            value: first(&SMALL_CIRCUIT.c[rows[10]]),
            bits: [15, 16, 17].map(|row| first(&SMALL_CIRCUIT.b[rows[row]])),
            root: first(&SMALL_CIRCUIT.a[rows[20]]),
        }
    }

    /// The assignment with other bits and another root.
    fn told(&self, w: &Forger, bits: [Fr; 3], root: Option<Fr>) -> Vec<Fr> {
        let honest = w.assignment();
        let mut faults: BTreeMap<usize, Fr> = BTreeMap::new();
        for (variable, bit) in self.bits.into_iter().zip(bits) {
            faults.insert(variable, bit - honest[variable]);
        }
        faults.insert(self.root, root.map_or(Fr::ZERO, |root| root - honest[self.root]));
        w.tampered(&faults)
    }
}

/// The class is said to be 0.
fn of_no_class(section: &str, w: &Forger) -> Vec<Fr> {
    Class::of(section).told(w, [Fr::ZERO; 3], None)
}

/// Two numbers for two bits, so that (1 − b0)·(1 − b1) = 1 as for class 0, and (1 + 4·b0)·(1 + 24·b1)·t⁸ = v.
fn of_no_bits(section: &str, w: &Forger) -> Vec<Fr> {
    let class = Class::of(section);
    let value = w.assignment()[class.value];
    // With u = 1 − b0 and c = v/t⁸: 100·u² + (c − 221)·u + 120 = 0.
    let [four, hundred, middle, last] = [4u64, 100, 221, 120].map(Fr::from);
    let solution = (1u64..).find_map(|root| {
        let root = Fr::from(root);
        let linear = value * root.pow([8]).inverse()? - middle;
        let discriminant = (linear.square() - four * hundred * last).sqrt()?;
        let u = (discriminant - linear) * (hundred + hundred).inverse()?;
        Some(([Fr::ONE - u, Fr::ONE - u.inverse()?, Fr::ZERO], root))
    });
    let (bits, root) = solution.unwrap();
    class.told(w, bits, Some(root))
}

attacks! {
    fn s20_an_opening_says_that_the_class_of_its_key_is_none() breaks "opening[0].key_valid" {
        of_no_class("opening", &signed(Kind::Opening))
    }

    fn s20_a_rotation_says_that_the_class_of_its_key_is_none() breaks "rotation[0].key_valid" {
        of_no_class("rotation", &signed(Kind::Rotation))
    }

    fn s20_s47_a_deposit_says_that_the_class_of_its_key_is_none() breaks "priority[0].key_valid" {
        of_no_class("priority", &deposited())
    }

    fn s12_s20_an_opening_writes_the_class_of_its_key_in_no_bits() breaks "opening[0].key_valid" {
        of_no_bits("opening", &signed(Kind::Opening))
    }

    fn s12_s20_a_rotation_writes_the_class_of_its_key_in_no_bits() breaks "rotation[0].key_valid" {
        of_no_bits("rotation", &signed(Kind::Rotation))
    }

    fn s12_s20_s47_a_deposit_writes_the_class_of_its_key_in_no_bits() breaks "priority[0].key_valid" {
        of_no_bits("priority", &deposited())
    }
}

/// Nothing but the boolean rows of the two bits refuses the second lie.
#[test]
fn s12_s20_the_bits_of_a_class_are_refused_by_their_own_rows() {
    for (section, w) in [
        ("opening", signed(Kind::Opening)),
        ("rotation", signed(Kind::Rotation)),
        ("priority", deposited()),
    ] {
        let rows = rows_of(&format!("{section}[0].key_valid"));
        let broken = crate::attacks::broken_rows(&of_no_bits(section, &w));
        assert_eq!(broken, [rows[15], rows[16]]);
    }
}
