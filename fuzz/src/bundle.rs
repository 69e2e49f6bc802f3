//! [`Bundle::from_bytes`].

use arbitrary::Unstructured;
use quittance_verifier::{Bundle, KeyId, Section};

use crate::damage::damage;
use crate::facts::arbitrary_facts;
use crate::memory::Budget;
use crate::proof::arbitrary_proof;
use crate::{points, recipe};

/// A transfer takes 15 bytes in the file and 24 in memory; a growing list may hold the old and the new one.
const BUDGET: Budget = Budget {
    base: 2048,
    for_each: 8,
};

/// Accepted bytes are the bytes of the bundle, and the facts in it have words as pubdata.
pub fn check(data: &[u8]) {
    decode(data);
    if let Some(mut recipe) = recipe(data) {
        let _ = build(&mut recipe);
    }
}

fn decode(data: &[u8]) {
    let Ok(bundle) = BUDGET.within(data.len(), || Bundle::from_bytes(data)) else {
        return;
    };
    assert_eq!(bundle.to_bytes().as_deref(), Ok(data));
    let words = quittance_verifier::pubdata(&bundle.facts).expect("decoded facts are in range");
    let count = |section| u32::try_from(bundle.facts.count(section)).expect("bounded by the decoder");
    let expected: u32 = Section::ALL
        .iter()
        .map(|section| section.words(count(*section)))
        .sum();
    assert_eq!(words.len(), expected as usize);
}

fn build(recipe: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let bundle = arbitrary_bundle(recipe)?;
    let Ok(mut bytes) = bundle.to_bytes() else {
        return Ok(());
    };
    assert_eq!(Bundle::from_bytes(&bytes), Ok(bundle));
    damage(&mut bytes, recipe);
    decode(&bytes);
    Ok(())
}

/// A bundle with valid points; its facts may be out of range.
pub fn arbitrary_bundle(recipe: &mut Unstructured<'_>) -> arbitrary::Result<Bundle> {
    Ok(Bundle {
        key_id: KeyId(recipe.arbitrary()?),
        facts: arbitrary_facts(recipe)?,
        h: points::fr(recipe)?,
        proof: arbitrary_proof(recipe)?,
    })
}

/// A valid input.
pub fn seed(_: usize, recipe: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    arbitrary_bundle(recipe)?
        .to_bytes()
        .map_err(|_| arbitrary::Error::IncorrectFormat)
}
