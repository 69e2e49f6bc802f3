//! S39: native rules and circuit agree on random batches of all kinds: on acceptance, on the name of the broken rule, on the witness; and what
//! all accounts hold of each token is what they held, plus what was deposited, less what was paid out.

mod random;

use crate::forger::*;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::AdditiveGroup;
use quittance_circuits::batch::witness::BatchWitness;
use quittance_circuits::batch::{AppliedBatch, ApplyError, Operations};
use quittance_circuits::leaf::constraints::LeafWitness;
use quittance_circuits::tx::{
    self, Operation, Priority, RuleContext, SignedOperation, fee, opening, priority, rotation, transfer,
    withdrawal,
};
use quittance_circuits::types::BatchNumber;
use quittance_verifier::PriorityData;
use random::{Known, Random};
use rayon::prelude::*;
use std::collections::BTreeMap;

const BATCHES: u64 = 1_700;

/// How often each rule, and each outcome, was met.
type Seen = BTreeMap<String, usize>;

#[test]
fn s39_native_and_circuit_agree_on_random_operations_of_all_kinds() {
    let seen = (0..BATCHES)
        .into_par_iter()
        .map(one_batch)
        .reduce(Seen::new, |mut all, some| {
            for (name, count) in some {
                *all.entry(name).or_default() += count;
            }
            all
        });
    println!("{seen:?}");
    assert!(seen["operations"] >= 10_000, "{seen:?}");
    let kinds: [(&str, &[&str]); 5] = [
        ("opening", &opening::RULES),
        ("transfer", &transfer::RULES),
        ("withdrawal", &withdrawal::RULES),
        ("rotation", &rotation::RULES),
        ("fee", &fee::RULES),
    ];
    // These hold by construction for whoever executes natively.
    let built_in = ["slot_flags", "sender_path", "recipient_path", "root_chained"];
    let mut expected: Vec<String> = kinds
        .iter()
        .flat_map(|(kind, rules)| rules.iter().map(move |rule| (kind, rule)))
        .filter(|(_, rule)| !built_in.contains(rule))
        .map(|(kind, rule)| format!("{kind}.{rule}"))
        .collect();
    expected.extend(
        [
            "accepted",
            "priority.recipient_in_range",
            "deposit opened",
            "deposit credited",
            "deposit failed on an empty place",
            "deposit failed on an account",
            "exit paid",
            "exit failed on an empty place",
            "exit failed on an account",
        ]
        .map(String::from),
    );
    let missing: Vec<_> = expected.iter().filter(|name| !seen.contains_key(*name)).collect();
    assert!(missing.is_empty(), "never met: {missing:?}; met: {seen:?}");
}

/// A random batch on a random state, executed natively and without rules.
fn one_batch(seed: u64) -> Seen {
    let mut random = Random(seed.wrapping_mul(0x0123_4567_89ab_cdef) ^ 0x51_77_a9_ce);
    let mut known = Known::at_random(&mut random);
    let world = World::with(known.leaves.clone());
    let mut operations = Operations {
        fees: known.fee_slots(&mut random),
        ..Operations::default()
    };
    let mut forger = Forger::of(core::array::from_fn(|place| {
        let index = u32::try_from(place).unwrap();
        known
            .leaves
            .get(&index)
            .map_or(LeafWitness::EMPTY, LeafWitness::from)
    }));
    let before = totals(&forger);
    forger = forger.fee_slots(&operations.fees);
    let mut seen = Seen::new();
    let slots = [None, None]
        .into_iter()
        .chain([Kind::Opening; 2].map(Some))
        .chain([Kind::Transfer; 3].map(Some))
        .chain([Kind::Withdrawal; 2].map(Some))
        .chain([Kind::Rotation; 2].map(Some));
    // Some batches begin late, so that their operations are not all behind others that fail.
    let skipped = if random.one_in(6) { random.below(10) } else { 0 };
    for kind in slots.skip(usize::try_from(skipped).unwrap()) {
        if random.one_in(20) {
            continue;
        }
        let signed = match kind {
            None => None,
            Some(kind) => match known.signed(&mut random, kind) {
                Some(signed) => Some(signed),
                None => continue,
            },
        };
        *seen.entry("operations".into()).or_default() += 1;
        let goes_on = if let Some(signed) = signed {
            operations.push(Operation::Signed(signed));
            forger = forger.signed_as_read(&signed);
            execute(&mut known, &signed, &operations)
        } else {
            let request = known.priority(&mut random);
            operations.push(Operation::Priority(request));
            forger = forger.priority(&request);
            let outcome = consume(&mut known, &request);
            if let Some(outcome) = outcome {
                *seen.entry(outcome.into()).or_default() += 1;
            }
            outcome.is_some()
        };
        if !goes_on {
            break;
        }
    }
    let forger = forger.finish_as_read();
    let label = SMALL_CIRCUIT
        .first_broken_rule(&forger.assignment())
        .map(|label| label.to_string());
    let name = match world.apply_all(&operations) {
        Ok(applied) => {
            assert_eq!(label, None, "batch {seed}: native accepts {operations:?}");
            let witness = BatchWitness::new(&SMALL, &applied).unwrap();
            assert_eq!(witness, forger.witness, "batch {seed}");
            assert_conserved(&before, &forger, &applied);
            "accepted".to_owned()
        }
        Err(error) => {
            let native = match &error {
                ApplyError::Priority { index, error } => format!("priority[{index}].{}", error.rule()),
                ApplyError::Operation {
                    section,
                    index,
                    error,
                } => format!("{}[{index}].{}", section.singular(), error.rule()),
                ApplyError::Fee { slot, error } => format!("fee[{slot}].{}", error.rule()),
                other => panic!("batch {seed}: {other}"),
            };
            assert_eq!(label.as_deref(), Some(&*native), "batch {seed}: {error}");
            // Without the slot.
            let (section, rule) = native.split_once('[').unwrap();
            format!("{section}{}", rule.split_once(']').unwrap().1)
        }
    };
    *seen.entry(name).or_default() += 1;
    seen
}

/// Runs the rules of one operation on what is known; whether it passed.
fn execute(known: &mut Known, signed: &SignedOperation, operations: &Operations) -> bool {
    let rollup_id = rollup_id();
    let rules = RuleContext {
        rollup_id: &rollup_id,
        batch_number: BatchNumber(BATCH),
        capacity: 16,
        fee_slots: &operations.fees,
    };
    let sender = known.leaves.get(&signed.from().get()).copied();
    let other = signed.to().and_then(|to| known.leaves.get(&to.get()).copied());
    let checked = tx::check(&rules, signed, sender.as_ref(), other.as_ref(), |key| {
        signed.check_signature(&rollup_id, key)
    });
    let Ok(effect) = checked else { return false };
    let from = signed.from().get();
    known.leaves.insert(from, effect.sender.after);
    match signed {
        SignedOperation::Opening(signed) => known.hand_over(signed.opening.to.get()),
        SignedOperation::Rotation(_) => known.hand_over(from),
        SignedOperation::Transfer(_) | SignedOperation::Withdrawal(_) => {}
    }
    if let Some(other) = effect.other {
        known.leaves.insert(other.index.get(), other.after);
    }
    true
}

/// What becomes of a priority operation, in words; `None` if no batch can hold it.
fn consume(known: &mut Known, request: &Priority) -> Option<&'static str> {
    let index = request.leaf().get();
    let leaf = known.leaves.get(&index).copied();
    let effect = priority::check(request, 16, leaf.as_ref()).ok()?;
    if let Some(after) = effect.after {
        known.leaves.insert(index, after);
        if leaf.is_none() {
            known.hand_over(index);
        }
    }
    Some(match (request, effect.outcome.is_done(), leaf.is_some()) {
        (Priority::Deposit(_), true, false) => "deposit opened",
        (Priority::Deposit(_), true, true) => "deposit credited",
        (Priority::Deposit(_), false, false) => "deposit failed on an empty place",
        (Priority::Deposit(_), false, true) => "deposit failed on an account",
        (Priority::ForcedExit(_), true, _) => "exit paid",
        (Priority::ForcedExit(_), false, false) => "exit failed on an empty place",
        (Priority::ForcedExit(_), false, true) => "exit failed on an account",
    })
}

/// What all accounts hold of each of the two tokens.
fn totals(forger: &Forger) -> [Fr; 2] {
    [1u64, 2].map(|token| {
        let accounts = forger.leaves.iter().filter(|leaf| leaf.token == Fr::from(token));
        accounts.map(|leaf| leaf.balance).sum()
    })
}

/// Deposits that are done add, withdrawals and exits take exactly what is published, and everything else keeps each token's total.
fn assert_conserved(before: &[Fr; 2], forger: &Forger, applied: &AppliedBatch) {
    let facts = applied.facts();
    let mut expected = *before;
    let mut change = |token: u32, amount: Fr| expected[usize::try_from(token).unwrap() - 1] += amount;
    for operation in &facts.priority {
        match operation {
            PriorityData::Deposit { deposit, done: true } => change(deposit.token, Fr::from(deposit.amount)),
            PriorityData::ForcedExit { paid: Some(paid), .. } => change(paid.token, -Fr::from(paid.amount)),
            _ => {}
        }
    }
    for withdrawal in &facts.withdrawals {
        change(withdrawal.token, Fr::ZERO - Fr::from(withdrawal.amount));
    }
    assert_eq!(totals(forger), expected, "{facts:?}");
}
