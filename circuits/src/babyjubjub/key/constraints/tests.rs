//! The bit against its native twin for every kind of pair, and against every wrong claim.

use super::*;
use crate::babyjubjub::subgroup::pairing;
use crate::babyjubjub::tests::GENERATOR;
use crate::babyjubjub::{BASE8, ORDER, Point, PublicKey};
use crate::r1cs::{Assignment, LabelledMatrices, Structure};
use ark_ff::{AdditiveGroup, PrimeField};
use proptest::prelude::*;
use std::sync::LazyLock;

static MATRICES: LazyLock<LabelledMatrices> = LazyLock::new(|| {
    let mut structure = Structure::new(1);
    circuit(&mut structure, &BASE8, Hints::new);
    structure.into_matrices()
});

fn circuit<C: ConstraintSystem>(cs: &mut C, key: &Point, hints: impl FnOnce(Fr, Fr) -> Hints) -> Fr {
    let key = EdwardsVar {
        x: cs.witness(key.x),
        y: cs.witness(key.y),
    };
    is_key_valid_with(cs, &key, hints).value()
}

/// The bit for these hints, and the values; everything that follows from the hints follows.
fn run(key: &Point, hints: impl FnOnce(Fr, Fr) -> Hints) -> (Fr, Vec<Fr>) {
    let mut assignment = Assignment::new(&[]);
    let bit = circuit(&mut assignment, key, hints);
    (bit, assignment.into_values())
}

fn satisfied(values: &[Fr]) -> bool {
    MATRICES.first_unsatisfied(values).is_none()
}

/// The gadget holds, its bit is the native answer, and no other claim about this pair holds with another bit.
fn check(key: &Point) {
    let expected = if PublicKey::new(*key).is_ok() {
        Fr::ONE
    } else {
        Fr::ZERO
    };
    let (bit, values) = run(key, Hints::new);
    assert_eq!(bit, expected, "{key:?}");
    assert!(satisfied(&values), "{key:?}");

    // The bit alone.
    for wrong in [Fr::ONE - expected, Fr::from(2u64), -Fr::ONE] {
        let mut flipped = values.clone();
        *flipped.last_mut().unwrap() = wrong;
        assert!(!satisfied(&flipped), "{key:?}");
    }
    // A hint and all that follows from it. Refused, or without effect on the bit.
    let refused = |hints: &dyn Fn(Hints) -> Hints| {
        let (bit, values) = run(key, |e, v| hints(Hints::new(e, v)));
        assert!(bit == expected || !satisfied(&values), "{key:?}");
        !satisfied(&values)
    };
    let vanishes = pairing(key) == Fr::ZERO;
    for wrong in [Fr::ZERO, Fr::ONE, Fr::from(3u64)] {
        for index in 0..2 {
            refused(&|mut hints| {
                hints.inverses[index] = wrong;
                hints
            });
        }
    }
    for shift in 1..8 {
        for change in [Fr::ZERO, Fr::ONE, NON_SQUARE, NON_SQUARE.inverse().unwrap()] {
            let was_refused = refused(&|mut hints| {
                hints.class = (hints.class + shift) % 8;
                hints.root *= change;
                hints
            });
            assert!(was_refused || vanishes, "{key:?}, k + {shift}");
        }
        // The best root there is for another class: of v / 5^k, which is no eighth power.
        let was_refused = refused(&|mut hints| {
            hints.class = (hints.class + shift) % 8;
            let rest = pairing(key) * NON_SQUARE.inverse().unwrap().pow([u64::from(hints.class)]);
            hints.root = eighth_root(&rest).1;
            hints
        });
        assert!(was_refused || vanishes, "{key:?}, k + {shift}");
    }
    for root in [Fr::ZERO, Fr::ONE] {
        let was_refused = refused(&|mut hints| {
            if hints.root != root {
                hints.root = root;
            } else {
                hints.root += Fr::from(2u64);
            }
            hints
        });
        assert!(was_refused, "{key:?}, t");
    }
}

/// S12: 2 and −1 for a digit of k; its own row refuses it, whatever else follows.
#[test]
fn s12_digits_of_the_class_are_boolean() {
    for key in [BASE8, GENERATOR, GENERATOR.mul(&[6, 0, 0, 0])] {
        let (_, values) = run(&key, Hints::new);
        for row in 0..MATRICES.num_constraints() {
            let (a, b, c) = (&MATRICES.a[row], &MATRICES.b[row], &MATRICES.c[row]);
            let [(_, variable)] = a[..] else { continue };
            if a != b || b != c {
                continue;
            }
            for digit in [Fr::from(2u64), -Fr::ONE] {
                let mut values = values.clone();
                values[variable] = digit;
                assert!(!MATRICES.is_row_satisfied(row, &values));
            }
        }
    }
}

/// S20: the eight torsion points, and what is of small order or off the curve in some special way.
#[test]
fn s20_small_orders_and_degenerate_pairs() {
    let torsion = GENERATOR.mul(&ORDER);
    let mut vanishing = Vec::new();
    for k in 0..8 {
        let point = torsion.mul(&[k, 0, 0, 0]);
        check(&point);
        if pairing(&point) == Fr::ZERO {
            vanishing.push(k);
        }
    }
    // Order 1, 2 and 4, and T with its line of tangency.
    assert_eq!(vanishing, [0, 1, 2, 4, 6]);
    let (zero, one) = (Fr::ZERO, Fr::ONE);
    let two = one.double();
    for x in [zero, one, -one, two, BASE8.x] {
        for y in [zero, one, -one, two, BASE8.y] {
            check(&Point::new(x, y));
        }
    }
    // S21: off the curve by a little.
    check(&Point::new(BASE8.x, BASE8.y + one));
    check(&Point::new(BASE8.y, BASE8.x));
}

/// Off the curve v may be an eighth power, or 0 with every factor but one different from 0: rows hold all the same.
#[test]
fn s21_every_pair_off_the_curve_has_a_bit() {
    let mut classes = [0; 9];
    for i in 1..200u64 {
        let key = Point::new(Fr::from(i % 14 * i), Fr::from(i + 1));
        assert!(!key.is_on_curve());
        let value = pairing(&key);
        let class = if value == Fr::ZERO {
            8
        } else {
            usize::from(eighth_root(&value).0)
        };
        classes[class] += 1;
        check(&key);
    }
    assert!(classes.iter().all(|count| *count > 0), "{classes:?}");
}

#[test]
fn rows_and_variables_are_counted() {
    let key = 2;
    assert_eq!(u64::try_from(MATRICES.num_constraints()), Ok(KEY_VALID));
    assert_eq!(u64::try_from(MATRICES.num_witness - key), Ok(KEY_VALID_VARIABLES));
    assert_eq!(KEY_VALID, 28);
}

/// S17: every variable alone. Free are only the inverse of what is 0.
#[test]
fn s17_no_variable_can_move_alone() {
    let torsion = GENERATOR.mul(&ORDER).double();
    for (key, free) in [
        (BASE8, 1),
        (GENERATOR, 1),
        (torsion, 2),
        (Point::new(BASE8.y, BASE8.x), 0),
    ] {
        let (_, honest) = run(&key, Hints::new);
        let mut moved = 0;
        for variable in 3..honest.len() {
            let mut values = honest.clone();
            values[variable] += Fr::from(3u64);
            moved += usize::from(satisfied(&values));
        }
        assert_eq!(moved, free, "{key:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// All eight cosets of the subgroup, and a point beside the curve.
    #[test]
    fn twins_agree(scalar: [u64; 4], off: u64) {
        for coset in 0..8 {
            let point = GENERATOR.mul(&[scalar[0] & !7 | coset, scalar[1], scalar[2], scalar[3]]);
            check(&point);
            check(&Point::new(point.x + Fr::from(off), point.y));
        }
        let any = Fr::from_le_bytes_mod_order(&crate::babyjubjub::limbs_to_bytes_le(&scalar));
        check(&Point::new(any, Fr::from(off)));
    }
}
