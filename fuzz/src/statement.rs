//! [`Facts::from_bytes`], and the statement that facts become: [`elements()`], [`pubdata`], [`public_inputs`].

use arbitrary::Unstructured;
use ark_bn254::Fr;
use ark_ff::{BigInteger, Field, PrimeField};
use quittance_verifier::{
    Facts, FeeData, KeyId, Shape, TransferData, challenge, elements, evaluate, pubdata, public_inputs,
};

use crate::damage::damage;
use crate::memory::Budget;
use crate::{points, recipe};

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
    // The smallest shape that they fit, and one with room.
    let count = |length: usize| u32::try_from(length).expect("bounded by the decoder").max(1);
    let exact = Shape {
        levels: 16,
        transfers: count(facts.transfers.len()),
        fee_slots: count(facts.fees.len()),
    };
    stated(&facts, &exact);
    let roomy = Shape {
        levels: 1,
        transfers: (exact.transfers + 3).min(Shape::MAX_TRANSFERS),
        fee_slots: (exact.fee_slots + 2).min(Shape::MAX_FEE_SLOTS),
    };
    stated(&facts, &roomy);
    // One slot fewer is too few.
    for short in [
        Shape {
            transfers: exact.transfers - 1,
            ..exact
        },
        Shape {
            fee_slots: exact.fee_slots - 1,
            ..exact
        },
    ] {
        assert!(elements(&facts, &short).is_err());
    }
}

/// Facts in range that fit: elements, pubdata and public inputs.
fn stated(facts: &Facts, shape: &Shape) {
    let words = elements(facts, shape).expect("facts in range that fit have elements");
    assert_eq!(words.len(), shape.elements());
    assert_eq!(&read_back(&words, shape), facts);
    assert_eq!(elements(facts, shape), Ok(words.clone()), "not the same twice");

    let fees = facts.fees.len();
    let published = pubdata(facts).expect("facts in range");
    let transfers = facts.transfers.len().div_ceil(2);
    let first = 5 + usize::try_from(shape.fee_slots).expect("64 bits");
    assert_eq!(published[..fees], words[5..5 + fees]);
    assert_eq!(published[fees..], words[first..first + transfers]);
    let unused = words[5 + fees..first].iter().chain(&words[first + transfers..]);
    assert!(unused.into_iter().all(|word| *word == Fr::from(0u64)));

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

/// The facts that elements state, by `verifier/README.md`, "Statement elements".
fn read_back(words: &[Fr], shape: &Shape) -> Facts {
    let bytes = |word: &Fr| -> [u8; 32] { word.into_bigint().to_bytes_be().try_into().expect("32 bytes") };
    let u32_at = |bytes: &[u8], at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
    let counts = bytes(&words[4]);
    assert!(counts[..8].iter().all(|byte| *byte == 0));
    // Fees, rotations, withdrawals, transfers, openings, priority.
    let [fees, rotations, withdrawals, transfers, openings, priority] =
        std::array::from_fn(|section| u32_at(&counts, 8 + 4 * section));
    assert_eq!([rotations, withdrawals, openings, priority], [0; 4]);
    let slots = usize::try_from(shape.fee_slots).expect("64 bits");
    let fee = |word: &Fr| {
        let word = bytes(word);
        assert!(word[..8].iter().all(|byte| *byte == 0));
        FeeData {
            leaf: u32_at(&word, 8),
            token: u32_at(&word, 12),
            amount: u128::from_be_bytes(word[16..].try_into().expect("16 bytes")),
        }
    };
    let pair = |word: &Fr| {
        let word = bytes(word);
        assert!(word[..2].iter().all(|byte| *byte == 0));
        [&word[2..17], &word[17..32]].map(|transfer| TransferData {
            from: u32_at(transfer, 0),
            to: u32_at(transfer, 4),
            amount: transfer[8..13]
                .iter()
                .fold(0, |amount, byte| amount << 8 | u64::from(*byte)),
            fee: u16::from_be_bytes([transfer[13], transfer[14]]),
        })
    };
    let mut all: Vec<TransferData> = words[5 + slots..].iter().flat_map(pair).collect();
    all.truncate(usize::try_from(transfers).expect("64 bits"));
    Facts {
        rollup_id: bytes(&words[0]),
        batch_number: u32_at(&bytes(&words[1]), 28),
        old_root: words[2],
        new_root: words[3],
        transfers: all,
        fees: words[5..5 + usize::try_from(fees).expect("64 bits")]
            .iter()
            .map(fee)
            .collect(),
    }
}

fn build(recipe: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let facts = arbitrary_facts(recipe)?;
    let in_range = facts.rollup_id[0] == 0
        && facts
            .transfers
            .iter()
            .all(|transfer| transfer.amount <= TransferData::MAX_AMOUNT)
        && facts.fees.len() <= 64;
    let encoded = facts.to_bytes();
    assert_eq!(encoded.is_ok(), in_range);
    assert_eq!(pubdata(&facts).is_ok(), in_range);
    let Ok(mut bytes) = encoded else {
        return Ok(());
    };
    assert_eq!(Facts::from_bytes(&bytes), Ok(facts));
    damage(&mut bytes, recipe);
    decode(&bytes);
    Ok(())
}

/// Facts, sometimes out of range.
pub fn arbitrary_facts(recipe: &mut Unstructured<'_>) -> arbitrary::Result<Facts> {
    let mut rollup_id: [u8; 32] = recipe.arbitrary()?;
    if !recipe.ratio(1u8, 64u8)? {
        rollup_id[0] = 0;
    }
    let transfers = recipe.int_in_range(0..=9usize)?;
    // Now and then one more than a shape can have.
    let fees = if recipe.ratio(1u8, 64u8)? {
        65
    } else {
        recipe.int_in_range(0..=5usize)?
    };
    Ok(Facts {
        rollup_id,
        batch_number: recipe.arbitrary()?,
        old_root: points::fr(recipe)?,
        new_root: points::fr(recipe)?,
        transfers: (0..transfers)
            .map(|_| arbitrary_transfer(recipe))
            .collect::<Result<_, _>>()?,
        fees: (0..fees)
            .map(|_| {
                Ok(FeeData {
                    leaf: recipe.arbitrary()?,
                    token: recipe.arbitrary()?,
                    amount: recipe.arbitrary()?,
                })
            })
            .collect::<Result<_, _>>()?,
    })
}

fn arbitrary_transfer(recipe: &mut Unstructured<'_>) -> arbitrary::Result<TransferData> {
    let any: u64 = recipe.arbitrary()?;
    let amount = if recipe.ratio(1u8, 64u8)? {
        any
    } else {
        any & TransferData::MAX_AMOUNT
    };
    Ok(TransferData {
        from: recipe.arbitrary()?,
        to: recipe.arbitrary()?,
        amount,
        fee: recipe.arbitrary()?,
    })
}

/// A valid input.
pub fn seed(_: usize, recipe: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    arbitrary_facts(recipe)?
        .to_bytes()
        .map_err(|_| arbitrary::Error::IncorrectFormat)
}
