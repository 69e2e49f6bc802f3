//! Attacks on the statement: what (h, z, y) bind.

use crate::attacks::{attacks, broken_rules, rows_of};
use crate::forger::*;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, PrimeField};
use quittance_circuits::circuit::{assign, assign_witness};
use quittance_circuits::hash::{FieldHasher, RulesHasher};
use quittance_circuits::statement::public_inputs;
use quittance_circuits::tx::{Priority, SignedTransfer};
use quittance_verifier::{Facts, Payout, PriorityData, challenge, elements, evaluate};
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

type Change = (&'static str, fn(&mut Facts));

/// One of each thing that the facts of [`example`] say.
const CHANGES: [Change; 40] = [
    ("batch number", |facts| facts.batch_number += 1),
    ("rollup id", |facts| facts.rollup_id[31] ^= 1),
    ("old root", |facts| facts.old_root += Fr::ONE),
    ("new root", |facts| facts.new_root += Fr::ONE),
    ("queue", |facts| facts.queue[31] ^= 1),
    ("deposit said to have failed", |facts| {
        let PriorityData::Deposit { done, .. } = &mut facts.priority[0] else {
            return;
        };
        *done = false;
    }),
    ("deposit's place", |facts| deposit_of(facts).leaf += 1),
    ("deposit's token", |facts| deposit_of(facts).token += 1),
    ("deposit's amount", |facts| deposit_of(facts).amount += 1),
    ("deposit's owner", |facts| deposit_of(facts).owner[0] ^= 1),
    ("deposit's key x", |facts| deposit_of(facts).key[0] += Fr::ONE),
    ("deposit's key y", |facts| deposit_of(facts).key[1] += Fr::ONE),
    ("deposit turned into an exit", |facts| {
        let exit = published_exit(12);
        facts.priority[0] = PriorityData::ForcedExit { exit, paid: None };
    }),
    ("priority operation dropped", |facts| facts.priority.clear()),
    ("priority operation added", |facts| {
        facts.priority.push(facts.priority[0])
    }),
    ("opening's sender", |facts| facts.openings[0].from += 1),
    ("opening's place", |facts| facts.openings[0].to += 1),
    ("opening's amount", |facts| facts.openings[0].amount += 1),
    ("opening's fee", |facts| facts.openings[0].fee += 1),
    ("opening's token", |facts| facts.openings[0].token += 1),
    ("opening's owner", |facts| facts.openings[0].owner[19] ^= 1),
    ("opening's key", |facts| facts.openings[0].key.swap(0, 1)),
    ("opening dropped", |facts| facts.openings.clear()),
    ("transfers permuted", |facts| facts.transfers.swap(0, 1)),
    ("transfer dropped", |facts| facts.transfers.truncate(1)),
    ("transfer added", |facts| facts.transfers.push(facts.transfers[0])),
    ("recipient", |facts| facts.transfers[0].to = 2),
    ("transfer's amount", |facts| facts.transfers[1].amount += 1),
    ("withdrawal's account", |facts| facts.withdrawals[0].from += 1),
    ("withdrawal's token", |facts| facts.withdrawals[0].token += 1),
    ("withdrawal's amount", |facts| facts.withdrawals[0].amount += 1),
    ("withdrawal's fee", |facts| facts.withdrawals[0].fee += 1),
    ("withdrawal's address", |facts| {
        facts.withdrawals[0].address[3] ^= 1
    }),
    ("withdrawal twice", |facts| {
        facts.withdrawals.push(facts.withdrawals[0])
    }),
    ("rotation's account", |facts| facts.rotations[0].from += 1),
    ("rotation's owner", |facts| facts.rotations[0].owner[0] ^= 1),
    ("rotation's key", |facts| facts.rotations[0].key.swap(0, 1)),
    ("fee leaf", |facts| facts.fees[0].leaf = 6),
    ("fee amount", |facts| facts.fees[1].amount += 1),
    ("fee slot dropped", |facts| facts.fees.truncate(1)),
];

fn published_exit(leaf: u32) -> quittance_verifier::ForcedExit {
    quittance_verifier::ForcedExit {
        leaf,
        caller: owner_of(leaf).get(),
    }
}

fn deposit_of(facts: &mut Facts) -> &mut quittance_verifier::Deposit {
    match &mut facts.priority[0] {
        PriorityData::Deposit { deposit, .. } => deposit,
        other => panic!("{other:?}"),
    }
}

#[test]
fn s41_the_queue_goes_on_from_what_was_executed_in_its_order() {
    // Neither left out, nor exchanged, nor invented: the hash after the batch is another one.
    let requests = [
        Priority::Deposit(deposit(12, 900)),
        Priority::ForcedExit(forced_exit(1)),
    ];
    let after = |requests: &[Priority]| {
        World::new()
            .apply_priority(requests)
            .unwrap()
            .facts()
            .queue_after()
    };
    let both = after(&requests);
    let [first, second] = requests;
    for other in [&[first][..], &[second], &[second, first], &[first, first], &[]] {
        assert_ne!(after(other), both);
    }
    // And it does not depend on how they ended.
    let mut failed = World::new().apply_priority(&requests).unwrap().facts();
    failed.priority[1] = PriorityData::ForcedExit {
        exit: published_exit(1),
        paid: None,
    };
    assert_eq!(failed.queue_after(), both);
}

#[test]
fn s42_s47_facts_that_pay_otherwise_need_other_inputs() {
    // An exit of account 1 and a failed one of account 8, then what the facts could claim instead.
    let mut stolen = forced_exit(8);
    stolen.caller = owner_of(1);
    let requests = [Priority::ForcedExit(forced_exit(1)), Priority::ForcedExit(stolen)];
    let applied = World::new().apply_priority(&requests).unwrap();
    let honest = applied.facts();
    let values = assign(&SMALL, &KEY_ID, &applied).unwrap();
    assert_eq!(broken_rules(&values), only(&[]));
    let paid = |token, amount| Some(Payout { token, amount });
    let claims = [
        (0, None),
        (0, paid(1, START - 1)),
        (0, paid(1, START + 1)),
        (0, paid(2, START)),
        (1, paid(2, START)),
        (1, paid(2, 0)),
    ];
    for (index, claimed) in claims {
        let mut facts = honest.clone();
        match &mut facts.priority[index] {
            PriorityData::ForcedExit { paid, .. } => *paid = claimed,
            other => panic!("{other:?}"),
        }
        let mut values = values.clone();
        values[1..4].copy_from_slice(&public_inputs(&facts, &SMALL, &KEY_ID).unwrap());
        assert!(
            broken_rules(&values).contains("statement.statement_hash"),
            "{claimed:?}"
        );
    }
}

#[test]
fn s27_s28_other_facts_need_other_inputs() {
    // For each change of the facts, the inputs that a verifier derives from them reject the circuit's elements.
    let (_, applied) = example();
    let honest = applied.facts();
    for (name, change) in CHANGES {
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
