//! Attacks on the statement: what (h, z, y) bind.

use crate::attacks::{attacks, broken_rules, rows_of};
use crate::forger::*;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, PrimeField};
use quittance_circuits::circuit::assign_witness;
use quittance_circuits::hash::{FieldHasher, RulesHasher};
use quittance_circuits::statement::public_inputs;
use quittance_circuits::tx::SignedTransfer;
use quittance_verifier::{Facts, challenge, elements, evaluate};
use std::collections::BTreeSet;

fn batch() -> Forger {
    Forger::new().execute(&example_operations())
}

fn offered(inputs: &[Fr; 3]) -> Vec<Fr> {
    assign_witness(&SMALL, inputs, &batch().witness)
}

fn rules(inputs: &[Fr; 3]) -> BTreeSet<String> {
    broken_rules(&offered(inputs))
}

attacks! {
    fn s34_h_is_the_hash_of_the_elements() breaks "statement.statement_hash" {
        let [h, z, y] = batch().public_inputs();
        offered(&[h + Fr::ONE, z, y])
    }

    fn s34_y_is_the_evaluation_of_the_elements() breaks "statement.statement_evaluation" {
        let [h, z, y] = batch().public_inputs();
        offered(&[h, z, y + Fr::ONE])
    }

    fn s34_z_is_where_the_elements_are_evaluated() breaks "statement.statement_evaluation" {
        let [h, z, y] = batch().public_inputs();
        offered(&[h, z + Fr::ONE, y])
    }

    fn s13_root_chained_refuses_another_last_root() breaks "statement.root_chained" {
        let mut w = batch();
        w.witness.new_root += Fr::ONE;
        w
    }

    /// An empty batch, so that no signature names the number.
    fn s04_batch_number_in_range() breaks "statement.batch_number_in_range" {
        Forger::new().in_batch(two_to(32))
    }

    /// Signatures for another rollup, and a batch that claims to be of ours.
    fn s23_s28_message_prefix_refuses_another_rollup() breaks "statement.message_prefix" {
        let elsewhere = Fr::from_be_bytes_mod_order(&quittance_verifier::rollup_id(1, [1; 20]));
        let transfer = transfer(0, 1, 500, 20, 0);
        let signature = key(0).sign(&transfer.message(&elsewhere));
        let w = Forger::new().fee_slots(&[fee_slot(5, 1)]);
        let w = w.transfer(&SignedTransfer { transfer, signature }).finish();
        // The prefix is what the first S-box makes of the rollup's id.
        let result = SMALL_CIRCUIT.c[rows_of("statement.message_prefix")[2]][0].1;
        let mut there = w.clone();
        there.witness.rollup_id = elsewhere;
        let prefix = |w: &Forger| w.assignment()[result];
        w.tampered_result("statement.message_prefix", prefix(&there) - prefix(&w))
    }
}

fn only(rules: &[&str]) -> BTreeSet<String> {
    rules.iter().map(|rule| (*rule).to_owned()).collect()
}

#[test]
fn twin_of_the_verifiers_elements() {
    let (_, applied) = example();
    let facts = applied.facts();
    assert_eq!(elements(&facts, &SMALL).unwrap(), batch().elements());
    let [h, z, y] = public_inputs(&facts, &SMALL, &KEY_ID).unwrap();
    assert_eq!(h, RulesHasher::statement(&batch().elements()));
    assert_eq!(rules(&[h, z, y]), only(&[]));
}

#[test]
fn s34_each_public_input_is_bound() {
    let (_, applied) = example();
    let [h, z, y] = public_inputs(&applied.facts(), &SMALL, &KEY_ID).unwrap();
    assert_eq!(batch().public_inputs(), [h, z, y]);
    for lie in [[h + Fr::ONE, z, y], [h, z + Fr::ONE, y], [h, z, y + Fr::ONE]] {
        assert_eq!(rules(&lie).len(), 1);
    }
}

#[test]
fn s27_s28_other_facts_need_other_inputs() {
    // For each change of the facts, the inputs that a verifier derives from them reject the circuit's elements.
    let (_, applied) = example();
    let honest = applied.facts();
    type Change = (&'static str, fn(&mut Facts));
    let changes: [Change; 14] = [
        ("batch number", |facts| facts.batch_number += 1),
        ("rollup id", |facts| facts.rollup_id[31] ^= 1),
        ("old root", |facts| facts.old_root += Fr::ONE),
        ("new root", |facts| facts.new_root += Fr::ONE),
        ("transfers permuted", |facts| facts.transfers.swap(0, 1)),
        ("transfer dropped", |facts| facts.transfers.truncate(1)),
        ("transfer added", |facts| facts.transfers.push(facts.transfers[0])),
        ("recipient", |facts| facts.transfers[0].to = 2),
        ("amount", |facts| facts.transfers[1].amount += 1),
        ("fee", |facts| facts.transfers[1].fee += 1),
        ("fee leaf", |facts| facts.fees[0].leaf = 6),
        ("fee token", |facts| facts.fees[0].token = 2),
        ("fee amount", |facts| facts.fees[1].amount += 1),
        ("fee slot dropped", |facts| facts.fees.truncate(1)),
    ];
    for (name, change) in changes {
        let mut facts = honest.clone();
        change(&mut facts);
        let derived = public_inputs(&facts, &SMALL, &KEY_ID).unwrap();
        assert!(rules(&derived).contains("statement.statement_hash"), "{name}");
        // Keeping h, as a prover who lies about the facts would: z and y still differ.
        let h = RulesHasher::statement(&batch().elements());
        let claimed = elements(&facts, &SMALL).unwrap();
        let z = challenge(&KEY_ID, &h, &claimed);
        let kept = [h, z, evaluate(&claimed, &z)];
        assert_eq!(rules(&kept), only(&["statement.statement_evaluation"]), "{name}");
    }
}

#[test]
fn s16_z_depends_on_everything_it_binds() {
    let (_, applied) = example();
    let honest = elements(&applied.facts(), &SMALL).unwrap();
    let h = RulesHasher::statement(&honest);
    let z = challenge(&KEY_ID, &h, &honest);
    let mut other_key = KEY_ID;
    other_key.0[0] ^= 1;
    assert_ne!(challenge(&other_key, &h, &honest), z);
    assert_ne!(challenge(&KEY_ID, &(h + Fr::ONE), &honest), z);
    for index in 0..honest.len() {
        let mut changed = honest.clone();
        changed[index] += Fr::ONE;
        assert_ne!(challenge(&KEY_ID, &h, &changed), z);
        assert_ne!(RulesHasher::statement(&changed), h);
    }
}

#[test]
fn s15_the_sponge_binds_its_length() {
    let elements: Vec<Fr> = (1u64..=16).map(Fr::from).collect();
    let mut hashes = BTreeSet::new();
    for length in 1..=16 {
        assert!(hashes.insert(RulesHasher::statement(&elements[..length])));
        let mut padded = elements[..length].to_vec();
        padded.push(Fr::ZERO);
        assert!(!hashes.contains(&RulesHasher::statement(&padded)));
    }
}
