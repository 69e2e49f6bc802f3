//! Rows that are the same row of different slots.

use crate::support::*;
use ark_bn254::Fr;
use quittance_circuits::r1cs::LabelledMatrices;
use std::collections::{BTreeMap, BTreeSet};

/// Each row with the class of rows that are alike.
pub(crate) struct Classes {
    pub(crate) of_row: Vec<usize>,
}

/// Rows that survive, by rule and form.
pub(crate) type Survivors = BTreeMap<(String, String), Survivor>;

pub(crate) struct Survivor {
    /// Rows that are not alike.
    pub(crate) classes: BTreeSet<usize>,
    /// Their positions among those of the rule, in the last slot that has them.
    pub(crate) positions: BTreeMap<usize, usize>,
    /// Rows in all slots.
    pub(crate) rows: usize,
}

/// A term: its coefficient, and its variable by the order in which the slot's own variables appear; none for those of elsewhere.
type Term = (String, Option<usize>);

impl Classes {
    pub(crate) fn new() -> Self {
        let mut of_key: BTreeMap<(String, [Vec<Term>; 3]), usize> = BTreeMap::new();
        let mut seen: BTreeMap<usize, (String, usize)> = BTreeMap::new();
        let mut own: BTreeMap<String, usize> = BTreeMap::new();
        let of_row = (0..SMALL_CIRCUIT.num_constraints())
            .map(|row| {
                let slot = slot(row);
                let matrices = [&SMALL_CIRCUIT.a, &SMALL_CIRCUIT.b, &SMALL_CIRCUIT.c];
                let form = matrices.map(|matrix| {
                    let terms = matrix[row].iter().map(|(coefficient, variable)| {
                        let place = if *variable < SMALL_CIRCUIT.num_instance {
                            Some(*variable)
                        } else {
                            let (home, place) = seen.entry(*variable).or_insert_with(|| {
                                let next = own.entry(slot.clone()).or_insert(SMALL_CIRCUIT.num_instance);
                                *next += 1;
                                (slot.clone(), *next - 1)
                            });
                            (*home == slot).then_some(*place)
                        };
                        (coefficient.to_string(), place)
                    });
                    terms.collect()
                });
                let next = of_key.len();
                *of_key.entry((rule(row), form)).or_insert(next)
            })
            .collect();
        Self { of_row }
    }

    /// Number of rows whose class is chosen.
    pub(crate) fn rows(&self, chosen: impl Fn(usize) -> bool) -> usize {
        self.of_row.iter().filter(|class| chosen(**class)).count()
    }

    /// Rows whose class is not killed.
    pub(crate) fn survivors(&self, killed: impl Fn(usize) -> bool) -> Survivors {
        let mut survivors = Survivors::new();
        let mut position = 0;
        let mut last = None;
        for (row, class) in self.of_row.iter().enumerate() {
            let label = SMALL_CIRCUIT.label(row);
            position = if label == last { position + 1 } else { 0 };
            last = label;
            if !killed(*class) {
                let survivor = survivors
                    .entry((rule(row), form(&SMALL_CIRCUIT, row)))
                    .or_insert_with(|| Survivor {
                        classes: BTreeSet::new(),
                        positions: BTreeMap::new(),
                        rows: 0,
                    });
                survivor.rows += 1;
                survivor.classes.insert(*class);
                survivor.positions.insert(*class, position);
            }
        }
        survivors
    }
}

/// `section.rule` of a row.
pub(crate) fn rule(row: usize) -> String {
    super::without_slot(&crate::attacks::label(row))
}

/// `section[slot]` of a row.
fn slot(row: usize) -> String {
    let label = crate::attacks::label(row);
    label.rsplit_once('.').unwrap().0.to_owned()
}

/// How many terms a row has, as `a * b = c`.
pub(crate) fn form(matrices: &LabelledMatrices, row: usize) -> String {
    let terms = |matrix: &[Vec<(Fr, usize)>]| match matrix[row].len() {
        n @ 0..=2 => n.to_string(),
        _ => "n".to_owned(),
    };
    let [a, b, c] = [&matrices.a, &matrices.b, &matrices.c].map(|matrix| terms(matrix));
    format!("{a} * {b} = {c}")
}
