//! Row deletion: what would be noticed if the circuit lacked a rule, or a single row of one.
//!
//! A mutant is the circuit without some rows. It is *killed* if something shows that those rows were needed:
//!
//! - **labels**: all rows of a rule are removed, in all slots, and the rule's own attack is accepted. Every rule has one;
//! - **single rows**, each by the first that notices it of
//!   - *attack*: a named attack breaks this row and no other, so that without it the attack succeeds;
//!   - *sweep*: a change of one variable of a satisfied assignment breaks this row and no other;
//!   - *fault*: the same if all that the circuit computes of the variable follows;
//!   - *freedom*: without the row the values of a satisfied assignment can move in one more direction, to first order. That is a change of
//!     as many variables as it takes, which is solved for instead of tried: the sweep, generalised. One elimination says so of all rows
//!     at once: the row is in no combination of rows that vanishes.
//!
//! The circuit of emergency exits is treated alike. Slots of a section are alike, so what kills a row in one slot kills it in all.
//! Rows that survive are listed with a reason in `mutants/explained.txt`; the list has to be exact.
//!
//! `scripts/mutants.sh` prints the figures.

mod classes;
mod exit;
mod explained;
mod faults;
mod window;

use crate::attacks::{Attack, Forged, broken_rows};
use crate::elimination::derivatives;
use crate::soundness;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use classes::{Classes, rule};
use faults::Faults;
use quittance_circuits::circuit::assign;
use quittance_circuits::r1cs::LabelledMatrices;
use quittance_circuits::tx::Priority;
use quittance_circuits::types::TokenId;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn every_rule_and_every_row_is_needed() {
    let attacks: Vec<(&Attack, Vec<Fr>)> = soundness::attacks()
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|attack| {
            let Forged(values) = (attack.forge)();
            (attack, values)
        })
        .collect();
    let labels = labels_without_rows_fall_to_their_attacks(&attacks);

    let classes = Classes::new();
    let class = |row: usize| classes.of_row[row];
    let bits = soundness::hidden::in_each_bit();
    let attacked = attacks
        .par_iter()
        .map(|(_, values)| values)
        .chain(&bits)
        .filter_map(|values| match broken_rows(values)[..] {
            [row] => Some(row),
            _ => None,
        });
    let killed = credits(&SMALL_CIRCUIT, &honest_assignments(), attacked.collect(), class);
    let rows = WAYS.map(|way| classes.rows(|class| killed.get(&class) == Some(&way)));
    println!("mutants: the batch circuit: {}", figures(labels, rows));
    let mut survivors = classes.survivors(|class| killed.contains_key(&class));
    let (labels_of_exits, rows_of_exits) = exit::mutants(&mut survivors);
    println!(
        "mutants: the exit circuit: {}",
        figures(labels_of_exits, rows_of_exits)
    );
    let (explained, unexplained) = explained::compare(&survivors);
    let [needed, implied] = explained;
    println!(
        "mutants: of the explained rows, {needed} are needed and out of reach, {implied} are implied by others"
    );
    let labels = labels + labels_of_exits;
    let rows: [usize; 4] = core::array::from_fn(|way| rows[way] + rows_of_exits[way]);
    println!("mutants: both circuits: {}", figures(labels, rows));
    println!(
        "mutants: {} killed, {} explained, {} unexplained",
        labels + rows.iter().sum::<usize>(),
        needed + implied,
        unexplained.len()
    );
    assert_eq!(unexplained, Vec::<String>::new());
}

/// How the loss of a row is noticed, by credit: the first one has it.
const WAYS: [&str; 4] = ["attack", "sweep", "fault", "freedom"];

/// How many rules fell to their attack, and how many single rows each way has noticed.
fn figures(labels: usize, rows: [usize; 4]) -> String {
    let [attack, sweep, fault, freedom] = rows;
    let forged = attack + sweep + fault;
    format!(
        "{labels} rules by attack; single rows: {attack} by attack, {sweep} by sweep, {fault} by fault \
         ({forged} with a forged assignment), {freedom} by freedom (to first order)"
    )
}

/// What notices the loss of each class of rows, without those that nothing notices. `attacked` are rows that an attack breaks alone.
fn credits(
    matrices: &LabelledMatrices,
    honest: &[Vec<Fr>],
    attacked: Vec<usize>,
    class: impl Fn(usize) -> usize + Sync,
) -> BTreeMap<usize, &'static str> {
    let mut credits = BTreeMap::new();
    let credit = |credits: &mut BTreeMap<usize, &'static str>, way, rows: Vec<usize>| {
        for row in rows {
            credits.entry(class(row)).or_insert(way);
        }
    };
    let [attack, sweep, fault, freedom] = WAYS;
    credit(&mut credits, attack, attacked);
    let swept = honest[..SWEPT]
        .par_iter()
        .flat_map_iter(|values| swept(matrices, values));
    credit(&mut credits, sweep, swept.collect());
    // One row of each class is enough: that of the last slot, which is padding mostly and leads to no root that anybody compares.
    let last: BTreeMap<usize, usize> = (0..matrices.num_constraints())
        .map(|row| (class(row), row))
        .collect();
    let left = last.iter().filter(|(class, _)| !credits.contains_key(*class));
    let left: Vec<usize> = left.map(|(_, row)| *row).collect();
    let noticed = Faults::new(matrices).noticed(&honest[0], &left);
    credit(&mut credits, fault, noticed);
    let free = honest.par_iter().flat_map_iter(|values| free(matrices, values));
    credit(&mut credits, freedom, free.collect());
    credits
}

/// How many of the honest assignments are swept. Faults are tried in the first, which is all padding; freedom is asked of each.
const SWEPT: usize = 3;

/// Batches that use the slots in different ways: what is implied in one may be free in another.
fn honest_assignments() -> Vec<Vec<Fr>> {
    let world = World::new();
    let fees = [fee_slot(5, 1), fee_slot(11, 2)];
    let opens = Priority::Deposit(deposit(12, 900));
    let mut credits = deposit(8, 900);
    credits.token = TokenId(2);
    let mut batches = vec![
        world.apply(&[], &[]).unwrap(),
        // Nobody pays into these slots, so that nobody else says what their token is.
        world.apply(&[], &fees).unwrap(),
        example().1,
        world
            .apply_priority(&[opens, Priority::Deposit(credits)])
            .unwrap(),
        world
            .apply_priority(&[
                Priority::ForcedExit(forced_exit(1)),
                Priority::ForcedExit(forced_exit(14)),
            ])
            .unwrap(),
    ];
    batches.extend(window::batches(&world, &fees));
    batches
        .par_iter()
        .map(|batch| assign(&SMALL, &KEY_ID, batch).unwrap())
        .collect()
}

/// Removes the rows of each rule in turn; at least one attack on the rule must then be accepted. Gives the number of rules.
fn labels_without_rows_fall_to_their_attacks(attacks: &[(&Attack, Vec<Fr>)]) -> usize {
    let rules: BTreeSet<String> = (0..SMALL_CIRCUIT.num_constraints()).map(rule).collect();
    rules.par_iter().for_each(|name| {
        let mut mutant = SMALL_CIRCUIT.clone();
        for row in (0..mutant.num_constraints()).filter(|row| rule(*row) == *name) {
            // A row without terms says 0 · 0 = 0.
            for matrix in [&mut mutant.a, &mut mutant.b, &mut mutant.c] {
                matrix[row].clear();
            }
        }
        let mut own = attacks
            .iter()
            .filter(|(attack, _)| without_slot(attack.label) == *name);
        assert!(
            own.any(|(_, values)| mutant.first_unsatisfied(values).is_none()),
            "no attack succeeds without {name}"
        );
    });
    rules.len()
}

/// `section.rule` of `section[slot].rule`.
fn without_slot(label: &str) -> String {
    match label.split_once('[') {
        Some((section, rest)) => format!("{section}{}", rest.split_once(']').unwrap().1),
        None => label.to_owned(),
    }
}

/// Rows without which a satisfied assignment has one more direction of freedom.
fn free(matrices: &LabelledMatrices, values: &[Fr]) -> Vec<usize> {
    let redundant = derivatives(matrices, values, &[1, 2, 3]).redundant();
    (0..matrices.num_constraints())
        .filter(|row| !redundant.contains(row))
        .collect()
}

/// Rows that alone notice the change of one variable.
fn swept(matrices: &LabelledMatrices, honest: &[Fr]) -> Vec<usize> {
    let rows = soundness::sweep::rows_by_variable(matrices);
    let mut values = honest.to_vec();
    let mut found = Vec::new();
    for variable in 0..honest.len() {
        for change in [Fr::ONE, -Fr::ONE, -honest[variable].double()] {
            values[variable] += change;
            let broken: Vec<usize> = rows[variable]
                .iter()
                .copied()
                .filter(|row| !matrices.is_row_satisfied(*row, &values))
                .collect();
            if let [row] = broken[..] {
                found.push(row);
            }
            values[variable] = honest[variable];
        }
    }
    found
}
