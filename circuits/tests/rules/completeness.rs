//! Valid batches are accepted, padding included.

use crate::support::*;
use quittance_circuits::circuit::circuit;
use quittance_circuits::shapes::{SHAPES, domain, predicted_constraints};

#[test]
fn a_batch_of_two_tokens_with_padding_is_satisfied() {
    let (_, batch) = example();
    assert_satisfied(&batch);
}

#[test]
fn an_empty_batch_is_satisfied() {
    let batch = World::new().apply(&[], &[]).unwrap();
    assert_eq!(batch.old_root, batch.new_root);
    assert_satisfied(&batch);
}

#[test]
fn counts() {
    println!(
        "small {} predicted {}",
        SMALL_CIRCUIT.num_constraints(),
        predicted_constraints(&SMALL)
    );
    for shape in &SHAPES[..2] {
        let m = circuit(shape);
        println!(
            "{} {} predicted {} nnz {} domain {}",
            shape.name(),
            m.num_constraints(),
            predicted_constraints(shape),
            m.nonzeros(),
            domain(shape)
        );
        let mut by = std::collections::BTreeMap::new();
        for row in 0..m.num_constraints() {
            *by.entry(m.label(row).unwrap().to_string()).or_insert(0) += 1;
        }
        println!("{by:#?}");
    }
}
