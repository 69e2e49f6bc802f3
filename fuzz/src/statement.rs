//! [`Facts::from_bytes`], and the statement that facts become: [`elements()`], [`pubdata`], [`public_inputs`], and the queue's
//! hash after them.

mod read_back;

use arbitrary::Unstructured;
use ark_bn254::Fr;
use ark_ff::{BigInteger, Field, PrimeField};
use quittance_verifier::encoding::{fr_to_bytes_be, keccak256};
use quittance_verifier::{
    Facts, KeyId, PriorityRequest, Section, Shape, challenge, elements, evaluate, pubdata, public_inputs,
};

use crate::damage::damage;
use crate::facts::{arbitrary_facts, in_range};
use crate::memory::Budget;
use crate::recipe;

/// A transfer takes 15 bytes in the file and 24 in memory; a growing list may hold the old and the new one.
const BUDGET: Budget = Budget {
    base: 1024,
    for_each: 8,
};

/// Accepted bytes are the bytes of the facts. Facts in range that fit a shape have exactly its number of elements, from which
/// a second reader, written here from the documentation alone, gets the same facts: nothing is lost, and no two facts have
/// the same elements.
pub fn check(data: &[u8]) {
    decode(data);
    if let Some(mut recipe) = recipe(data) {
        let _ = build(&mut recipe);
    }
}

fn decode(data: &[u8]) {
    let Ok(facts) = BUDGET.within(data.len(), || Facts::from_bytes(data)) else {
        return;
    };
    assert_eq!(facts.to_bytes().as_deref(), Ok(data));
    queue(&facts);
    // The smallest shape that they fit, and one with room.
    let exact = smallest(&facts);
    stated(&facts, &exact);
    let more = |slots: u32| (slots + 3).min(Shape::MAX_SLOTS);
    let roomy = Shape {
        levels: 1,
        priority: more(exact.priority),
        openings: more(exact.openings),
        transfers: more(exact.transfers),
        withdrawals: more(exact.withdrawals),
        rotations: more(exact.rotations),
        fee_slots: (exact.fee_slots + 2).min(Shape::MAX_FEE_SLOTS),
    };
    stated(&facts, &roomy);
    // One slot fewer is too few.
    for section in Section::ALL {
        let mut short = exact;
        let slots = match section {
            Section::Priority => &mut short.priority,
            Section::Openings => &mut short.openings,
            Section::Transfers => &mut short.transfers,
            Section::Withdrawals => &mut short.withdrawals,
            Section::Rotations => &mut short.rotations,
            Section::Fees => &mut short.fee_slots,
        };
        if facts.count(section) > 0 {
            *slots -= 1;
            assert!(elements(&facts, &short).is_err(), "{section}");
        }
    }
}

/// The smallest valid shape that facts fit. Facts without operations need a slot all the same, those with a fee slot too.
fn smallest(facts: &Facts) -> Shape {
    let count = |section| u32::try_from(facts.count(section)).expect("bounded by the decoder");
    let mut shape = Shape {
        levels: 16,
        priority: count(Section::Priority),
        openings: count(Section::Openings),
        transfers: count(Section::Transfers),
        withdrawals: count(Section::Withdrawals),
        rotations: count(Section::Rotations),
        fee_slots: count(Section::Fees).max(1),
    };
    if Section::ALL[..5].iter().all(|section| shape.slots(*section) == 0) {
        shape.priority = 1;
    }
    assert_eq!(shape.validate(), Ok(()));
    shape
}

/// Facts in range that fit: elements, pubdata and public inputs.
fn stated(facts: &Facts, shape: &Shape) {
    let words = elements(facts, shape).expect("facts in range that fit have elements");
    assert_eq!(words.len(), shape.elements());
    let (again, used) = read_back::facts(&words, shape);
    assert_eq!(&again, facts);
    assert_eq!(pubdata(facts), Ok(used));
    assert_eq!(elements(facts, shape), Ok(words.clone()), "not the same twice");

    let key_id = KeyId([7; 32]);
    let h = facts.new_root;
    let [first, z, y] = public_inputs(&key_id, shape, facts, &h).expect("facts in range that fit");
    assert_eq!((first, z), (h, challenge(&key_id, &h, &words)));
    assert!(z.into_bigint().num_bits() <= 248);
    let by_powers = |z: &Fr| {
        words
            .iter()
            .enumerate()
            .map(|(i, word)| *word * z.pow([i as u64]))
            .sum::<Fr>()
    };
    if words.len() <= 64 {
        assert_eq!(y, by_powers(&z));
    }
    assert_eq!(y, evaluate(&words, &z));
}

/// The queue's hash after facts, by `verifier/README.md`, "Priority queue".
fn queue(facts: &Facts) {
    let tag = keccak256([&b"quittance.priority.v1"[..]]);
    let mut hash = facts.queue;
    for operation in &facts.priority {
        let (token, amount, owner, key) = match operation.request() {
            PriorityRequest::Deposit(deposit) => (
                deposit.token,
                deposit.amount,
                deposit.owner,
                deposit.key.map(|x| fr_to_bytes_be(&x)),
            ),
            PriorityRequest::ForcedExit(exit) => (0, 0, exit.caller, [[0; 32]; 2]),
        };
        let mut bytes = Vec::with_capacity(9 * 32);
        bytes.extend([tag, hash].concat());
        let kind = operation.request().kind();
        for number in [
            kind.into(),
            operation.request().leaf().into(),
            token.into(),
            amount,
        ] {
            bytes.extend([0; 16]);
            bytes.extend(u128::to_be_bytes(number));
        }
        bytes.extend([0; 12]);
        bytes.extend(owner);
        bytes.extend(key.concat());
        hash = keccak256([&bytes[..]]);
        hash[0] = 0;
    }
    assert_eq!(facts.queue_after(), hash);
}

fn build(recipe: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let facts = arbitrary_facts(recipe)?;
    let encoded = facts.to_bytes();
    assert_eq!(encoded.is_ok(), in_range(&facts));
    assert_eq!(pubdata(&facts).is_ok(), in_range(&facts));
    let Ok(mut bytes) = encoded else {
        return Ok(());
    };
    assert_eq!(Facts::from_bytes(&bytes), Ok(facts));
    damage(&mut bytes, recipe);
    decode(&bytes);
    Ok(())
}

/// A valid input.
pub fn seed(_: usize, recipe: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    arbitrary_facts(recipe)?
        .to_bytes()
        .map_err(|_| arbitrary::Error::IncorrectFormat)
}
