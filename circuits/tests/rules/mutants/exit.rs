//! The same for the circuit of emergency exits, which has one slot.

use super::classes::{Survivor, Survivors, form};
use super::{WAYS, credits};
use crate::forger::{Forger, place, two_to};
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_circuits::exit::constraints::ExitWitness;
use quittance_circuits::exit::{assign_witness, circuit};
use quittance_circuits::hash::{FieldHasher, RulesHasher};
use quittance_circuits::r1cs::LabelledMatrices;
use quittance_verifier::{evaluate, exit_challenge};
use std::collections::{BTreeMap, BTreeSet};

/// Removes rules and rows, adds what survives to the list, and gives the number of rules, and of rows by what noticed their loss.
pub(super) fn mutants(survivors: &mut Survivors) -> (usize, [usize; 4]) {
    let matrices = circuit(SMALL.levels);
    let rule = |row| matrices.label(row).unwrap().to_string();
    let attacks = attacks();
    let rules: BTreeSet<String> = (0..matrices.num_constraints()).map(rule).collect();
    for name in &rules {
        let mut mutant = matrices.clone();
        for row in (0..mutant.num_constraints()).filter(|row| rule(*row) == *name) {
            for matrix in [&mut mutant.a, &mut mutant.b, &mut mutant.c] {
                matrix[row].clear();
            }
        }
        let mut own = attacks.iter().filter(|(label, _)| label == name);
        assert!(
            own.any(|(_, values)| mutant.first_unsatisfied(values).is_none()),
            "no attack succeeds without {name}"
        );
    }
    let honest = [1, 8, 11].map(|index| stated(&exit_of(&Forger::new(), index)));
    let mut attacked = Vec::new();
    for (label, values) in &attacks {
        let broken = broken(&matrices, values);
        assert!(broken.iter().all(|row| rule(*row) == *label), "{label}");
        if let [row] = broken[..] {
            attacked.push(row);
        }
    }
    let killed = credits(&matrices, &honest, attacked, |row| row);
    let rows = WAYS.map(|way| killed.values().filter(|by| **by == way).count());
    for row in (0..matrices.num_constraints()).filter(|row| !killed.contains_key(row)) {
        let survivor = survivors
            .entry((rule(row), form(&matrices, row)))
            .or_insert_with(|| Survivor {
                classes: BTreeSet::new(),
                positions: BTreeMap::new(),
                rows: 0,
            });
        survivor.rows += 1;
        survivor.classes.insert(row);
        survivor.positions.insert(row, row);
    }
    (rules.len(), rows)
}

fn broken(matrices: &LabelledMatrices, values: &[Fr]) -> Vec<usize> {
    (0..matrices.num_constraints())
        .filter(|row| !matrices.is_row_satisfied(*row, values))
        .collect()
}

fn exit_of(forger: &Forger, index: u64) -> ExitWitness {
    let index = Fr::from(index);
    ExitWitness {
        rollup_id: rollup_id(),
        root: forger.root(),
        index,
        leaf: forger.leaves[place(index)],
        path: forger.path(place(index)),
    }
}

/// The assignment under the statement that the circuit makes of its variables.
fn stated(w: &ExitWitness) -> Vec<Fr> {
    assign_witness(&inputs(w), w)
}

fn inputs(w: &ExitWitness) -> [Fr; 3] {
    let word = w.index * two_to(160) + w.leaf.token * two_to(128) + w.leaf.balance;
    let elements = [w.rollup_id, w.root, word, w.leaf.owner];
    let h = RulesHasher::statement(&elements);
    let z = exit_challenge(&KEY_ID, &h, &elements);
    [h, z, evaluate(&elements, &z)]
}

/// One attack for each rule, by its label.
fn attacks() -> Vec<(String, Vec<Fr>)> {
    let honest = exit_of(&Forger::new(), 1);
    // The leaf's word read in a second way.
    let mut aliased = honest.clone();
    aliased.leaf.balance -= Fr::ONE;
    aliased.leaf.nonce += two_to(32);
    let unowned = exit_of(&Forger::with(|leaves| leaves[1].owner = Fr::ZERO), 1);
    let mut richer = honest.clone();
    richer.leaf.balance += Fr::ONE;
    let [h, z, y] = inputs(&honest);
    [
        ("exit.account_in_range", stated(&aliased)),
        ("exit.account_exists", stated(&unowned)),
        ("exit.account_path", stated(&richer)),
        (
            "exit.statement_hash",
            assign_witness(&[h + Fr::ONE, z, y], &honest),
        ),
        (
            "exit.statement_evaluation",
            assign_witness(&[h, z, y + Fr::ONE], &honest),
        ),
    ]
    .map(|(label, values)| (label.to_owned(), values))
    .to_vec()
}
