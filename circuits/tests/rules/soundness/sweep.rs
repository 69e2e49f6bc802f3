//! S17: no variable of a whole batch is free.
//!
//! Each variable of a satisfied assignment is changed alone; some row must notice. A change of one variable can be noticed only
//! by the rows that mention it, so only those are evaluated.

use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_circuits::circuit::assign;
use quittance_circuits::r1cs::LabelledMatrices;

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

#[test]
fn s17_every_variable_of_a_batch_is_constrained() {
    let (_, batch) = example();
    let honest = assign(&SMALL, &KEY_ID, &batch).unwrap();
    let circuit = &*SMALL_CIRCUIT;
    assert_eq!(honest.len(), circuit.num_instance + circuit.num_witness);
    assert_eq!(circuit.first_unsatisfied(&honest), None);
    let rows = rows_by_variable(circuit);
    let mut survivors = Vec::new();
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
                let first = rows[variable].first().and_then(|row| circuit.label(*row));
                survivors.push((variable, change, first));
            }
            values[variable] = honest[variable];
        }
    }
    // No exceptions: there is no variable whose freedom would need a reason.
    assert_eq!(survivors, vec![]);
}
