//! S17: no variable of a whole batch is free.
//!
//! Each variable of a satisfied assignment is changed alone; some row must notice. A change of one variable can be noticed only
//! by the rows that mention it, so only those are evaluated.

use crate::attacks::label;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_circuits::circuit::assign;
use quittance_circuits::r1cs::LabelledMatrices;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn rows_by_variable(circuit: &LabelledMatrices) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new(); circuit.num_instance + circuit.num_witness];
    for matrix in [&circuit.a, &circuit.b, &circuit.c] {
        for (row, terms) in matrix.iter().enumerate() {
            for (_, variable) in terms {
                if rows[*variable].last() != Some(&row) {
                    rows[*variable].push(row);
                }
            }
        }
    }
    rows
}

/// Variables that a single change leaves unnoticed, and why it means nothing: what they are by the first rule that mentions them, how
/// many, and the reason.
const REASONS: [(&str, usize, &str); 11] = [
    (
        "priority[0].key_valid",
        2,
        "the inverse hint of a curve equation that is 0, and an eighth root, whose negative is one too",
    ),
    (
        "priority[1].token_matches",
        1,
        "the inverse hint of a difference that is 0: the bit is 1 whatever it is",
    ),
    (
        "priority[1].key_valid",
        1,
        "the inverse hint of a pairing's value that is 0: the bit is 1 whatever it is",
    ),
    (
        "priority[1].owner_nonzero",
        1,
        "the inverse hint of an owner that is 0: the bit is 1 whatever it is",
    ),
    ("opening[0].key_valid", 2, "as in a priority slot"),
    ("opening[1].key_valid", 1, "as in a priority slot"),
    (
        "opening[1].owner_nonzero",
        1,
        "padding has no owner: 0 times any inverse is 0, its flag",
    ),
    ("rotation[0].key_valid", 2, "as in a priority slot"),
    ("rotation[1].key_valid", 1, "as in a priority slot"),
    ("rotation[1].owner_nonzero", 1, "as in an opening slot"),
    (
        "withdrawal[1].address_in_range",
        1,
        "padding has no address: 0 times any inverse is 0, its flag",
    ),
];

#[test]
fn s17_every_variable_of_a_batch_is_constrained() {
    let (_, batch) = example();
    let honest = assign(&SMALL, &KEY_ID, &batch).unwrap();
    let circuit = &*SMALL_CIRCUIT;
    assert_eq!(honest.len(), circuit.num_instance + circuit.num_witness);
    assert_eq!(circuit.first_unsatisfied(&honest), None);
    let rows = rows_by_variable(circuit);
    let mut survivors: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    let mut values = honest.clone();
    for variable in 0..honest.len() {
        for change in [
            Fr::ONE,
            -Fr::ONE,
            -honest[variable].double(),
            Fr::from(2u64).pow([128]),
        ] {
            if change == Fr::ZERO {
                continue;
            }
            values[variable] += change;
            if rows[variable]
                .iter()
                .all(|row| circuit.is_row_satisfied(*row, &values))
            {
                let first = rows[variable].first().map_or_else(String::new, |row| label(*row));
                survivors.entry(first).or_default().insert(variable);
            }
            values[variable] = honest[variable];
        }
    }
    let survivors: BTreeMap<&str, usize> = survivors
        .iter()
        .map(|(rule, variables)| (&**rule, variables.len()))
        .collect();
    let expected = REASONS.map(|(rule, variables, _)| (rule, variables));
    assert_eq!(survivors, BTreeMap::from(expected));
}
