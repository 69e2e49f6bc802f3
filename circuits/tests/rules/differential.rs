//! S39: native rules and circuit agree on random batches of all kinds: on acceptance, on the name of the broken rule, on the witness; and what
//! all accounts hold of each token is what they held, plus what was deposited, less what was paid out.
//!
//! An operation that the rules refuse is left out, and the batch goes on without it, so that nearly every batch is accepted in the end and all of
//! its operations are compared. The first one that is refused is looked at before, as the end of a batch of its own, after those
//! that were accepted. In most batches that is an operation which aims at a rule, each rule in its turn, so that any seed meets all of
//! them: see [`random`].

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

const BATCHES: u64 = 1_200;
/// Any other would do.
const SEED: u64 = 0x51_77_a9_ce;
/// How often each rule and each outcome is met at least.
const OFTEN: usize = 10;

/// How often each rule, and each outcome, was met.
type Seen = BTreeMap<String, usize>;

/// Batches that both accepted.
const ACCEPTED: &str = "batches accepted";
/// Operations of those batches, fee slots aside.
const CONSERVED: &str = "operations conserved";
/// Batches that both refused, by the same rule.
const REFUSED: &str = "batches refused";

#[test]
fn s39_native_and_circuit_agree_on_random_operations_of_all_kinds() {
    let rules = refused_rules();
    let aim = |number: u64| {
        // One batch in five aims at nothing.
        let turn = usize::try_from(number).unwrap() % (rules.len() + rules.len() / 4);
        rules.get(turn).copied()
    };
    let seen = (0..BATCHES)
        .into_par_iter()
        .map(|number| one_batch(number, aim(number)))
        .reduce(Seen::new, |mut all, some| {
            for (name, count) in some {
                *all.entry(name).or_default() += count;
            }
            all
        });
    println!("{seen:?}");
    println!(
        "differential: {} batches of {} operations executed alike and conserved, {} refused alike",
        seen[ACCEPTED], seen[CONSERVED], seen[REFUSED]
    );
    assert!(seen[CONSERVED] >= 10_500, "{seen:?}");
    assert!(seen[REFUSED] >= 1_000, "{seen:?}");
    let rules = rules.iter().map(|(kind, rule)| format!("{kind}.{rule}"));
    let outcomes = [
        "deposit opened",
        "deposit credited",
        "deposit failed on an empty place",
        "deposit failed on an account",
        "exit paid",
        "exit failed on an empty place",
        "exit failed on an account",
    ];
    let rare: Vec<_> = rules
        .chain(outcomes.map(String::from))
        .map(|name| (seen.get(&name).copied().unwrap_or(0), name))
        .filter(|(count, _)| *count < OFTEN)
        .collect();
    assert!(rare.is_empty(), "met too rarely: {rare:?}; met: {seen:?}");
}

/// The rules that refuse an operation or a fee slot, by kind.
fn refused_rules() -> Vec<(&'static str, &'static str)> {
    let kinds: [(&'static str, &'static [&'static str]); 5] = [
        ("opening", &opening::RULES),
        ("transfer", &transfer::RULES),
        ("withdrawal", &withdrawal::RULES),
        ("rotation", &rotation::RULES),
        ("fee", &fee::RULES),
    ];
    // These hold by construction for whoever executes natively.
    let built_in = ["slot_flags", "sender_path", "recipient_path", "root_chained"];
    kinds
        .iter()
        .flat_map(|(kind, rules)| rules.iter().map(move |rule| (*kind, *rule)))
        .filter(|(_, rule)| !built_in.contains(rule))
        // The others of this kind refuse nothing.
        .chain([("priority", "recipient_in_range")])
        .collect()
}

/// The slots of a batch, by the kind that is signed for them.
const SLOTS: [Option<Kind>; 11] = [
    None,
    None,
    Some(Kind::Opening),
    Some(Kind::Opening),
    Some(Kind::Transfer),
    Some(Kind::Transfer),
    Some(Kind::Transfer),
    Some(Kind::Withdrawal),
    Some(Kind::Withdrawal),
    Some(Kind::Rotation),
    Some(Kind::Rotation),
];

/// The slot whose operation shall break the rule that is aimed at: not always the first of its kind.
fn aimed_slot(random: &mut Random, aim: Option<(&str, &str)>) -> Option<usize> {
    let (section, _) = aim?;
    let slots = (0..SLOTS.len()).filter(|slot| SLOTS[*slot].map_or("priority", Kind::section) == section);
    random.pick(&slots.collect::<Vec<_>>())
}

/// A random batch on a random state, executed natively and without rules.
fn one_batch(seed: u64, aim: Option<(&str, &'static str)>) -> Seen {
    let mut random = Random(seed.wrapping_mul(0x0123_4567_89ab_cdef) ^ SEED);
    let mut known = Known::at_random(&mut random, aim.map(|(_, rule)| rule));
    let aimed = aimed_slot(&mut random, aim);
    let world = World::with(known.leaves.clone());
    let mut operations = Operations {
        fees: known.fee_slots(&mut random, aim),
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
    let mut refused = false;
    for (slot, kind) in SLOTS.into_iter().enumerate() {
        let mut aim = aim.map(|(_, rule)| rule).filter(|_| aimed == Some(slot));
        if aim.is_none() && random.one_in(20) {
            continue;
        }
        // Others in place of one that is refused, so that batches are full.
        for _ in 0..3 {
            let aim = aim.take();
            let (operation, passes) = if let Some(kind) = kind {
                let Some(signed) = known.signed(&mut random, kind, aim) else {
                    continue;
                };
                let passes = execute(&mut known, &signed, &operations);
                (Operation::Signed(signed), passes)
            } else {
                let request = known.priority(&mut random, aim);
                let outcome = consume(&mut known, &request);
                if let Some(outcome) = outcome {
                    *seen.entry(outcome.into()).or_default() += 1;
                }
                (Operation::Priority(request), outcome.is_some())
            };
            // One refusal is looked at in each batch: the one that is aimed at, unless there is none.
            let awaited = aimed.is_some_and(|aimed| slot < aimed);
            if !passes && (refused || awaited) {
                continue;
            }
            let mut with = operations.clone();
            with.push(operation);
            let next = forger.clone();
            let next = match &operation {
                Operation::Signed(signed) => next.signed_as_read(signed),
                Operation::Priority(request) => next.priority(request),
            };
            if passes {
                (operations, forger) = (with, next);
                break;
            }
            refused = true;
            let Verdict::Refused(rule) = compare(seed, &world, &with, next, &before) else {
                panic!("batch {seed}: accepts what the rules of one operation refuse")
            };
            *seen.entry(rule).or_default() += 1;
            *seen.entry(REFUSED.into()).or_default() += 1;
        }
    }
    match compare(seed, &world, &operations, forger, &before) {
        Verdict::Refused(rule) => {
            // Nothing is left to refuse but the fee slots.
            assert!(rule.starts_with("fee."), "batch {seed}: {rule}");
            *seen.entry(rule).or_default() += 1;
            *seen.entry(REFUSED.into()).or_default() += 1;
        }
        Verdict::Executed(count) => {
            *seen.entry(ACCEPTED.into()).or_default() += 1;
            *seen.entry(CONSERVED.into()).or_default() += count;
        }
    }
    seen
}

/// What both say of a batch.
enum Verdict {
    /// Refused, by this rule: without its slot.
    Refused(String),
    /// Executed alike, this many operations.
    Executed(usize),
}

/// Executes a batch natively and by the forger's witness.
fn compare(seed: u64, world: &World, operations: &Operations, forger: Forger, before: &[Fr; 2]) -> Verdict {
    let forger = forger.finish_as_read();
    let label = SMALL_CIRCUIT
        .first_broken_rule(&forger.assignment())
        .map(|label| label.to_string());
    match world.apply_all(operations) {
        Ok(applied) => {
            assert_eq!(label, None, "batch {seed}: native accepts {operations:?}");
            let witness = BatchWitness::new(&SMALL, &applied).unwrap();
            assert_eq!(witness, forger.witness, "batch {seed}");
            assert_eq!(applied.new_root, forger.root(), "batch {seed}");
            assert_conserved(before, &forger, &applied);
            Verdict::Executed(
                applied.priority.len()
                    + applied.openings.len()
                    + applied.transfers.len()
                    + applied.withdrawals.len()
                    + applied.rotations.len(),
            )
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
            let (section, rule) = native.split_once('[').unwrap();
            Verdict::Refused(format!("{section}{}", rule.split_once(']').unwrap().1))
        }
    }
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
