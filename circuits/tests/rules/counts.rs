//! Constraints of each gadget and shape: predicted by formula, measured, and pinned in `constraint_counts.csv` with a digest of
//! the matrices. A change of the circuit shows there, and needs a new setup. What a further slot costs: [`slots`].
//!
//! After a deliberate change: `QUITTANCE_UPDATE_COUNTS=1 cargo test -p quittance-circuits --test rules counts`.

mod slots;

use crate::support::SMALL;
use ark_bn254::Fr;
use ark_ff::{BigInteger, Field, PrimeField};
use quittance_circuits::babyjubjub::constraints::{
    EdwardsVar, add, add_complete, double, double_and_add, to_montgomery,
};
use quittance_circuits::babyjubjub::key::constraints::is_key_valid;
use quittance_circuits::circuit::circuit;
use quittance_circuits::eddsa::constraints::{enforce_signature_canonical, enforce_signature_valid};
use quittance_circuits::exit;
use quittance_circuits::float::constraints::decode;
use quittance_circuits::hash::constraints::{HashGadget, LeafField, PoseidonGadget};
use quittance_circuits::r1cs::{ConstraintSystem, FieldVar, LabelledMatrices, Structure};
use quittance_circuits::range::{enforce_range, is_zero};
use quittance_circuits::shapes::{
    SHAPES, domain, predicted_constraints, slot_constraints, statement_constraints,
};
use quittance_verifier::{Section, Shape};
use sha3::{Digest, Keccak256};
use std::fmt::Write;

const PINNED: &str = include_str!("../../constraint_counts.csv");

type Gadget = (&'static str, u64, fn(&mut Structure));

/// Each gadget with its cost by formula.
fn gadgets() -> Vec<Gadget> {
    fn elements<const N: usize>(cs: &mut Structure) -> [FieldVar<quittance_circuits::r1cs::Combination>; N] {
        core::array::from_fn(|_| cs.witness(Fr::ONE))
    }
    type H = PoseidonGadget;
    vec![
        ("range_32", 32, |cs| {
            let [x] = elements(cs);
            enforce_range(cs, &x, 32);
        }),
        ("range_128", 128, |cs| {
            let [x] = elements(cs);
            enforce_range(cs, &x, 128);
        }),
        ("is_zero", 2, |cs| {
            let [x] = elements(cs);
            is_zero(cs, &x);
        }),
        ("float_amount", 40 + 5, |cs| {
            let [x] = elements(cs);
            decode(cs, &x, 35);
        }),
        ("float_fee", 16 + 5, |cs| {
            let [x] = elements(cs);
            decode(cs, &x, 11);
        }),
        ("message", 3 + 3 * (7 * 4 + 56), |cs| {
            let [prefix, word] = elements(cs);
            H::message(cs, &prefix, &word, None);
        }),
        ("challenge", 3 * 5 + 3 * (7 * 6 + 60), |cs| {
            let inputs = elements(cs);
            H::challenge(cs, &inputs);
        }),
        ("leaf", 3 * 2 + 3 * (7 * 5 + 60), |cs| {
            let [packed, owner] = elements(cs);
            let key = [LeafField::Inner(Fr::ONE), LeafField::Inner(Fr::ONE)];
            H::leaf(cs, key, &packed, &owner);
        }),
        ("node", 1 + 3 + 3 + 3 * (7 * 5 + 60), |cs| {
            let [b0, b1, child] = elements(cs);
            H::node(cs, [&b0, &b1], &child, &[Fr::ONE; 3]);
        }),
        ("leaf_update", 3 * 3 + 2 * 3 * (7 * 5 + 60), |cs| {
            let [old, new, owner] = elements(cs);
            H::leaf_update(
                cs,
                [LeafField::Inner(Fr::ONE), LeafField::Inner(Fr::ONE)],
                [&old, &new],
                &owner,
            );
        }),
        ("node_update", 2 * 3 + 7 + 2 * 3 * (7 * 5 + 60), |cs| {
            let [b0, b1, old, new] = elements(cs);
            H::node_update(cs, [&b0, &b1], [&old, &new], &[Fr::ONE; 3]);
        }),
        ("sponge_16", 3 * 16 + 3 * (7 * 17 + 68), |cs| {
            let inputs: [_; 16] = elements(cs);
            H::sponge(cs, &inputs);
        }),
        ("sponge_32", 3 * 16 + 3 * 17 + 2 * 3 * (7 * 17 + 68), |cs| {
            let inputs: [_; 32] = elements(cs);
            H::sponge(cs, &inputs);
        }),
        ("montgomery_add", 3, |cs| {
            let points = montgomery(cs);
            add(cs, &points[0], &points[1]);
        }),
        ("montgomery_double", 4, |cs| {
            let points = montgomery(cs);
            double(cs, &points[0]);
        }),
        ("montgomery_double_and_add", 5, |cs| {
            let points = montgomery(cs);
            double_and_add(cs, &points[0], &points[1]);
        }),
        ("edwards_add", 6, |cs| {
            let [a, b, c, d] = elements(cs);
            add_complete(cs, &EdwardsVar { x: a, y: b }, &EdwardsVar { x: c, y: d });
        }),
        ("edwards_to_montgomery", 2, |cs| {
            let [x, y] = elements(cs);
            to_montgomery(cs, &EdwardsVar { x, y });
        }),
        ("key_valid", (4 + 2) + (7 + 2) + (3 + 2 + 3 + 1) + 4, |cs| {
            let [x, y] = elements(cs);
            is_key_valid(cs, &EdwardsVar { x, y });
        }),
        ("signature_canonical", 321 + (251 + 113) + (84 + 38 + 57), |cs| {
            let [x, y, message] = elements(cs);
            enforce_signature_canonical::<_, H>(cs, &EdwardsVar { x, y }, &message, [Fr::ONE; 2], [1; 4]);
        }),
        (
            "signature_valid",
            2 + 8 + (170 + 1 + 84) + (4 + 254 * 5 + 4) + 2 + 504 + 6 + 2,
            |cs| {
                // Counted from where the canonical part ends.
                let [x, y, message, enabled] = elements(cs);
                let key = EdwardsVar { x, y };
                let mut aside = Structure::new(1);
                let signature =
                    enforce_signature_canonical::<_, H>(&mut aside, &key, &message, [Fr::ONE; 2], [1; 4]);
                enforce_signature_valid(cs, &enabled, &key, &signature);
            },
        ),
    ]
}

fn montgomery(
    cs: &mut Structure,
) -> [quittance_circuits::babyjubjub::constraints::MontgomeryVar<quittance_circuits::r1cs::Combination>; 2] {
    [2u64, 3].map(
        |value| quittance_circuits::babyjubjub::constraints::MontgomeryVar {
            u: cs.witness(Fr::from(value)),
            v: cs.witness(Fr::from(value + 5)),
        },
    )
}

/// keccak256 over the number of variables and, for A, B and C, each row: number of terms, then variable and coefficient; integers
/// as 4, coefficients as 32 little-endian bytes.
fn digest(matrices: &LabelledMatrices) -> String {
    let mut hasher = Keccak256::new();
    let int = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
    hasher.update(int(matrices.num_instance));
    hasher.update(int(matrices.num_witness));
    let mut buffer = Vec::new();
    for matrix in [&matrices.a, &matrices.b, &matrices.c] {
        for row in matrix {
            buffer.clear();
            buffer.extend(int(row.len()));
            for (coefficient, variable) in row {
                buffer.extend(int(*variable));
                buffer.extend(coefficient.into_bigint().to_bytes_le());
            }
            hasher.update(&buffer);
        }
    }
    hasher.finalize().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn counts_are_predicted_measured_and_pinned() {
    let mut table = String::from("name,constraints,witness,nonzeros,digest\n");
    let mut line = |name: &str, matrices: &LabelledMatrices| {
        let (rows, witness, nonzeros) = (
            matrices.num_constraints(),
            matrices.num_witness,
            matrices.nonzeros(),
        );
        writeln!(table, "{name},{rows},{witness},{nonzeros},{}", digest(matrices)).unwrap();
    };
    for (name, predicted, gadget) in gadgets() {
        let mut structure = Structure::new(1);
        gadget(&mut structure);
        let matrices = structure.into_matrices();
        assert_eq!(matrices.num_constraints() as u64, predicted, "{name}");
        line(name, &matrices);
    }
    for shape in [SMALL].iter().chain(&SHAPES) {
        let matrices = circuit(shape);
        assert_eq!(
            matrices.num_constraints() as u64,
            predicted_constraints(shape),
            "{}",
            shape.name()
        );
        line(&shape.name(), &matrices);
    }
    for (name, levels) in [("exitl2", 2), ("exit", 16)] {
        let matrices = exit::circuit(levels);
        assert_eq!(
            matrices.num_constraints() as u64,
            exit::predicted_constraints(levels),
            "{name}"
        );
        line(name, &matrices);
    }
    if std::env::var_os("QUITTANCE_UPDATE_COUNTS").is_some() {
        std::fs::write(
            concat!(env!("CARGO_MANIFEST_DIR"), "/constraint_counts.csv"),
            &table,
        )
        .unwrap();
    } else {
        assert_eq!(table, PINNED, "the circuit changed: see the head of this file");
    }
}

#[test]
fn a_further_slot_costs_what_we_promise() {
    for shape in &SHAPES {
        for (section, bound) in [
            (Section::Priority, 12_500),
            // Their key check may add 3,500.
            (Section::Openings, 28_000),
            (Section::Transfers, 24_700),
            (Section::Withdrawals, 15_500),
            (Section::Rotations, 15_500),
            (Section::Fees, 11_000),
        ] {
            // Many slots at once, so that whole pubdata words and sponge blocks are counted; but fee slots are few.
            let many = if section == Section::Fees { 16 } else { 320 };
            let grown = with_further_slots(shape, section, many);
            let further = predicted_constraints(&grown) - predicted_constraints(shape);
            // Each signed slot has a selector for a fee slot.
            let signed = shape.openings + shape.transfers + shape.withdrawals + shape.rotations;
            let selectors = if section == Section::Fees {
                3 * u64::from(signed)
            } else {
                0
            };
            let slot = further.div_ceil(u64::from(many)) - selectors;
            assert!(slot <= bound, "{}, {section:?}: {slot}", shape.name());
            assert!(slot_constraints(shape, section) <= slot);
        }
        assert!(statement_constraints(shape) > 0);
    }
}

#[test]
fn shapes_fill_their_domains() {
    for shape in &SHAPES {
        let (used, size) = (predicted_constraints(shape) + 4, domain(shape));
        let percent = 100 * used / size;
        let wanted = if size >= 1 << 18 { 90 } else { 85 };
        assert!(percent >= wanted, "{}: {percent} % of {size}", shape.name());
    }
}

/// A shape with so many further slots of a section.
fn with_further_slots(shape: &Shape, section: Section, further: u32) -> Shape {
    let mut grown = *shape;
    *match section {
        Section::Priority => &mut grown.priority,
        Section::Openings => &mut grown.openings,
        Section::Transfers => &mut grown.transfers,
        Section::Withdrawals => &mut grown.withdrawals,
        Section::Rotations => &mut grown.rotations,
        Section::Fees => &mut grown.fee_slots,
    } += further;
    grown
}
