//! S3: the challenge read as w − r, below its window. The signer fits S to this reading, so that the signature equation holds: one who
//! could choose would have two challenges to choose from.
//!
//! The comparison with the window's lower end takes a row for each run of ones in the bound. A row has to refuse alone where the
//! challenge agrees with the bound down to its run and no more. Whoever wants one tries nonces: each bit of agreement doubles the work.
//! The six rows from the top down are attacked with real signatures; nobody gets at the others, so that they are shown to be needed for a challenge that is
//! not a hash.

use super::signer::{SECRET, scalar};
use crate::attacks::{attacks, broken_rows, label, rows_of};
use crate::forger::*;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, BigInteger256, PrimeField};
use num_bigint::BigUint;
use quittance_circuits::babyjubjub::{BASE8, ORDER, PublicKey};
use quittance_circuits::eddsa::{
    CHALLENGE_OFFSET, CHALLENGE_WINDOW_BELOW, CHALLENGE_WINDOW_SHIFT, Signature, challenge,
};
use std::collections::{BTreeMap, BTreeSet};

/// Bits of the challenge that are compared, and those that exist as signs only.
const COMPARED: usize = 84;
const SIGNS: usize = 170;

/// The operation of a kind signed with this nonce, its challenge read as w − r.
fn misread(kind: Kind, nonce: u64) -> Vec<Fr> {
    let below = |w: BigUint| w - modulus();
    let (forger, _, w) = signed_for(kind, nonce, None, below);
    let values = forger.assignment();
    forger.tampered(&reading(kind, &values, &w))
}

/// The same with a hash that gives the challenge of w' = w − r.
fn misread_at(kind: Kind, w: &BigUint) -> Vec<Fr> {
    let h = Fr::from(w + modulus() - integer(&CHALLENGE_OFFSET));
    let (forger, honest, w) = signed_for(kind, 1, Some(h), |w| w - modulus());
    let hashed = hashed(kind);
    let fault = h - honest;
    // What follows from the fault has hints of its own, which the reading corrects.
    let values = forger.tampered(&BTreeMap::from([(hashed, fault)]));
    let mut faults = reading(kind, &values, &w);
    faults.insert(hashed, fault);
    forger.tampered(&faults)
}

/// The kind's plain operation alone, with S for what the reading of w = h + T stands for, of the hash or of h in its place; the hash,
/// and the reading.
fn signed_for(
    kind: Kind,
    nonce: u64,
    hash: Option<Fr>,
    read: impl FnOnce(BigUint) -> BigUint,
) -> (Forger, Fr, BigUint) {
    let key = PublicKey::new(BASE8.mul(&[SECRET, 0, 0, 0])).unwrap();
    let r8 = BASE8.mul(&[nonce, 0, 0, 0]);
    let draft = Draft::new(kind);
    let honest = challenge(&key, &draft.sign().message(&rollup_id()), &r8);
    let h = hash.unwrap_or(honest);
    let offset = integer(&CHALLENGE_OFFSET);
    let w = read(BigUint::from(h) + &offset);
    // w − T, not negative.
    let multiplier = &w + integer(&ORDER) * 8u32 - offset;
    let s = scalar(BigUint::from(nonce) + multiplier * 8u32 * SECRET);
    let forger = Forger::with(|leaves| leaves[0].key = [key.x(), key.y()]);
    let forger = forger.fee_slots(&[fee_slot(5, 1), fee_slot(11, 2)]);
    let forger = forger.signed(&draft.with(Signature { r8, s })).finish();
    (forger, honest, w)
}

/// Faults that make the hints for the challenge's bits and signs those of w.
fn reading(kind: Kind, values: &[Fr], w: &BigUint) -> BTreeMap<usize, Fr> {
    let bit = |index: usize| w.bit(index.try_into().unwrap());
    let mut faults = BTreeMap::new();
    for (index, variable) in compared(kind).into_iter().enumerate() {
        faults.insert(variable, Fr::from(bit(SIGNS + index)) - values[variable]);
    }
    // A sign is v or −v of the ladder's base, as the first row of the sign's own tells.
    for (index, (row, variable)) in signs(kind).into_iter().enumerate() {
        let minus_base: Fr = SMALL_CIRCUIT.a[row]
            .iter()
            .map(|(coefficient, other)| *coefficient * values[*other])
            .sum();
        let positive = minus_base == Fr::ZERO;
        if positive != bit(index) {
            faults.insert(variable, -values[variable].double());
        }
    }
    faults
}

/// Variables of the compared bits, least significant first.
fn compared(kind: Kind) -> Vec<usize> {
    let mut bits = bits(kind).split_off(251);
    bits.reverse();
    assert_eq!(bits.len(), COMPARED);
    bits.into_iter().map(|(_, variable)| variable).collect()
}

/// The challenge, which the row before the first bit of S defines.
fn hashed(kind: Kind) -> usize {
    let (row, _) = bits(kind)[0];
    newest(&SMALL_CIRCUIT.c[row - 1]).unwrap()
}

/// The last variable that a form mentions.
fn newest(form: &[(Fr, usize)]) -> Option<usize> {
    form.iter().map(|(_, variable)| *variable).max()
}

/// The bits of S, then those of the challenge, with their own rows `b·b = b` or `(1 − equal − b)·b = 0`; from the top down.
fn bits(kind: Kind) -> Vec<(usize, usize)> {
    let rows = rows_of(&format!("{}[0].signature_canonical", kind.section()));
    let bit = |row: usize| match SMALL_CIRCUIT.b[row][..] {
        [(_, bit)] => {
            let has = |part: &[(Fr, usize)]| part.iter().any(|(_, variable)| *variable == bit);
            let c = &SMALL_CIRCUIT.c[row];
            (has(&SMALL_CIRCUIT.a[row]) && (c.is_empty() || has(c))).then_some((row, bit))
        }
        _ => None,
    };
    rows.into_iter().filter_map(bit).collect()
}

/// The signs of the bits that are not compared, with their own rows `(sign − v)·(sign + v) = 0`.
fn signs(kind: Kind) -> Vec<(usize, usize)> {
    let rows = rows_of(&format!("{}[0].signature_valid", kind.section()));
    let own = rows.into_iter().filter(|row| {
        let [a, b, c] = [&SMALL_CIRCUIT.a, &SMALL_CIRCUIT.b, &SMALL_CIRCUIT.c].map(|m| &m[*row]);
        c.is_empty() && newest(a) == newest(b)
    });
    own.map(|row| (row, newest(&SMALL_CIRCUIT.a[row]).unwrap()))
        .take(SIGNS)
        .collect()
}

fn integer(limbs: &[u64; 4]) -> BigUint {
    BigUint::from_bytes_le(&BigInteger256::new(*limbs).to_bytes_le())
}

fn modulus() -> BigUint {
    integer(&Fr::MODULUS.0)
}

/// Challenges just above T − r, for each run of ones in the window's lower end: as the bound down to the run, whose first bit is missing, and
/// from there on ones.
fn readings_below() -> Vec<BigUint> {
    let least = CHALLENGE_WINDOW_BELOW + 1;
    let bit = |place: usize| least >> place & 1 == 1;
    let starts = (0..COMPARED).rev().filter(|place| bit(*place) && !bit(place + 1));
    starts
        .map(|start| {
            let agreed = least >> start >> 1 << 1;
            let upper = agreed << start | ((1 << start) - 1);
            BigUint::from(upper) << CHALLENGE_WINDOW_SHIFT
        })
        .collect()
}

/// The attacks of this file on one kind; nonces are the first with which a row refuses alone.
macro_rules! attacks_on {
    ($module:ident, $kind:ident, $section:literal, [$first:literal, $second:literal, $third:literal, $fourth:literal, $fifth:literal, $sixth:literal]) => {
        pub(super) mod $module {
            use super::*;

            attacks! {
                in $section;

                fn s03_first_row_of_the_window_refuses_another_reading() breaks "[0].signature_canonical" {
                    misread(Kind::$kind, $first)
                }

                fn s03_second_row_of_the_window_refuses_another_reading() breaks "[0].signature_canonical" {
                    misread(Kind::$kind, $second)
                }

                fn s03_third_row_of_the_window_refuses_another_reading() breaks "[0].signature_canonical" {
                    misread(Kind::$kind, $third)
                }

                fn s03_fourth_row_of_the_window_refuses_another_reading() breaks "[0].signature_canonical" {
                    misread(Kind::$kind, $fourth)
                }

                fn s03_fifth_row_of_the_window_refuses_another_reading() breaks "[0].signature_canonical" {
                    misread(Kind::$kind, $fifth)
                }

                fn s03_sixth_row_of_the_window_refuses_another_reading() breaks "[0].signature_canonical" {
                    misread(Kind::$kind, $sixth)
                }
            }
        }
    };
}

attacks_on!(
    opening,
    Opening,
    "opening",
    [50, 595, 249, 39_077, 1_665_397, 1_973_178]
);
attacks_on!(
    transfer,
    Transfer,
    "transfer",
    [103, 53, 4_022, 570, 2_186_575, 7_817_966]
);
attacks_on!(
    withdrawal,
    Withdrawal,
    "withdrawal",
    [26, 13, 757, 5_108, 985_733, 2_590_211]
);
attacks_on!(
    rotation,
    Rotation,
    "rotation",
    [22, 38, 11_411, 9_276, 2_895_648, 3_510_862]
);

/// Each attack above has a row to itself, and the rows are those of the comparison from the top down.
#[test]
fn s03_each_of_six_rows_refuses_alone() {
    let kinds = [
        opening::ATTACKS,
        transfer::ATTACKS,
        withdrawal::ATTACKS,
        rotation::ATTACKS,
    ];
    for (attacks, kind) in kinds.into_iter().zip(Kind::ALL) {
        let compared = comparison(kind);
        assert_eq!(attacks.len(), 6);
        for (attack, row) in attacks.iter().zip(compared) {
            assert_eq!(broken_rows(&(attack.forge)().0), [row], "{}", attack.label);
        }
    }
}

/// Every row of the comparison refuses alone once the challenge is no hash: besides it, only the hash's last row is broken.
#[test]
fn s03_every_row_of_the_window_is_needed_for_a_challenge_of_choice() {
    for kind in Kind::ALL {
        let hash = bits(kind)[0].0 - 1;
        let rows = comparison(kind);
        let readings = readings_below();
        assert_eq!(rows.len(), readings.len());
        for (row, reading) in rows.into_iter().zip(readings) {
            let broken = broken_rows(&misread_at(kind, &reading));
            assert_eq!(broken, [hash, row], "{}", label(row));
        }
    }
}

/// Rows `equal · missing = 0` of the comparison with the lower end, from the top down: after the last bit's own.
fn comparison(kind: Kind) -> Vec<usize> {
    let last = bits(kind).last().unwrap().0;
    let rows: BTreeSet<usize> = rows_of(&format!("{}[0].signature_canonical", kind.section()))
        .into_iter()
        .filter(|row| *row > last && SMALL_CIRCUIT.c[*row].is_empty())
        .collect();
    assert_eq!(rows.len(), 21, "one for each run of ones in the bound");
    rows.into_iter().collect()
}
