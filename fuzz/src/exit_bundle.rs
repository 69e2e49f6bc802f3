//! What exits are read from: [`ExitBundle`], binary and as a text, and [`ExitVerifyingKey`].

use arbitrary::Unstructured;
use quittance_verifier::{
    DevelopmentKeys, ExitBundle, ExitVerifier, ExitVerifyingKey, KeyId, Provenance, exit_elements,
    exit_public_inputs, json,
};

use crate::damage::damage;
use crate::facts::arbitrary_exit;
use crate::memory::Budget;
use crate::proof::arbitrary_proof;
use crate::text::assert_same_json;
use crate::verifying_key::arbitrary_points;
use crate::{points, recipe};

/// A text's values are kept as texts until they are read.
const BUDGET: Budget = Budget {
    base: 8192,
    for_each: 8,
};

/// Accepted bytes are the bytes of the bundle or key, an accepted text is the text of the bundle, and facts have the elements
/// that the documentation says.
pub fn check(data: &[u8]) {
    decode(data);
    if let Some(mut recipe) = recipe(data) {
        let _ = build(&mut recipe);
    }
}

fn decode(data: &[u8]) {
    if let Ok(bundle) = BUDGET.within(data.len(), || ExitBundle::from_bytes(data)) {
        assert_eq!(bundle.to_bytes().as_deref(), Ok(data));
        stated(&bundle);
    }
    if let Ok(bundle) = BUDGET.within(data.len(), || json::exit_from_json(data)) {
        let canonical = json::exit_to_json(&bundle).expect("a decoded bundle has a text");
        assert_same_json(data, canonical.as_bytes());
        stated(&bundle);
        let bytes = bundle.to_bytes().expect("a decoded bundle has an encoding");
        assert_eq!(ExitBundle::from_bytes(&bytes), Ok(bundle));
    }
    if let Ok(key) = BUDGET.within(data.len(), || ExitVerifyingKey::from_bytes(data)) {
        assert_eq!(key.to_bytes(), data);
        assert!((1..=16).contains(&key.levels()));
        let refused = ExitVerifier::new(&key, DevelopmentKeys::Refuse).is_err();
        let for_tests = key.provenance() == Provenance::Development || key.levels() < 16;
        assert_eq!(refused, for_tests);
    }
}

/// The elements are the facts' bytes: rollup id 32, root 32, then 24 of the leaf and 20 of the owner.
fn stated(bundle: &ExitBundle) {
    let facts = bundle.facts.to_bytes().expect("decoded facts are in range");
    let elements = exit_elements(&bundle.facts).expect("decoded facts are in range");
    let words = elements.map(|element| quittance_verifier::encoding::fr_to_bytes_be(&element));
    let mut bytes: Vec<u8> = Vec::new();
    for (word, width) in words.iter().zip([32, 32, 24, 20]) {
        let (zeros, number) = word.split_at(32 - width);
        assert!(zeros.iter().all(|byte| *byte == 0));
        bytes.extend(number);
    }
    assert_eq!(bytes, facts);
    let inputs = exit_public_inputs(&bundle.key_id, &bundle.facts, &bundle.h);
    assert_eq!(inputs.map(|[h, ..]| h), Ok(bundle.h));
}

fn build(recipe: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let mut bytes = if recipe.arbitrary()? {
        let Some(key) = arbitrary_key(recipe)? else {
            return Ok(());
        };
        let bytes = key.to_bytes();
        assert_eq!(ExitVerifyingKey::from_bytes(&bytes), Ok(key));
        bytes
    } else {
        let bundle = arbitrary_bundle(recipe)?;
        let encoded = bundle.to_bytes();
        assert_eq!(encoded.is_ok(), bundle.facts.rollup_id[0] == 0);
        assert_eq!(json::exit_to_json(&bundle).is_ok(), encoded.is_ok());
        let Ok(bytes) = encoded else {
            return Ok(());
        };
        assert_eq!(ExitBundle::from_bytes(&bytes).as_ref(), Ok(&bundle));
        if recipe.arbitrary()? {
            let text = json::exit_to_json(&bundle).expect("facts in range");
            assert_eq!(json::exit_from_json(text.as_bytes()).ok(), Some(bundle));
            text.into_bytes()
        } else {
            bytes
        }
    };
    damage(&mut bytes, recipe);
    decode(&bytes);
    Ok(())
}

/// A bundle with valid points; its facts may be out of range.
fn arbitrary_bundle(recipe: &mut Unstructured<'_>) -> arbitrary::Result<ExitBundle> {
    Ok(ExitBundle {
        key_id: KeyId(recipe.arbitrary()?),
        facts: arbitrary_exit(recipe)?,
        h: points::fr(recipe)?,
        proof: arbitrary_proof(recipe)?,
    })
}

/// A key with valid points; `None` for a δ that is refused.
fn arbitrary_key(recipe: &mut Unstructured<'_>) -> arbitrary::Result<Option<ExitVerifyingKey>> {
    let provenance = *recipe.choose(&[Provenance::Development, Provenance::Ceremony])?;
    let levels = recipe.int_in_range(1..=16u8)?;
    Ok(ExitVerifyingKey::new(provenance, levels, arbitrary_points(recipe)?).ok())
}

/// A valid input: a bundle, its text, or a key.
pub fn seed(number: usize, recipe: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    if number % 3 == 2 {
        let key = arbitrary_key(recipe)?.ok_or(arbitrary::Error::IncorrectFormat)?;
        return Ok(key.to_bytes());
    }
    let bundle = arbitrary_bundle(recipe)?;
    if number % 3 == 1 {
        let text = json::exit_to_json(&bundle).map_err(|_| arbitrary::Error::IncorrectFormat)?;
        return Ok(text.into_bytes());
    }
    bundle.to_bytes().map_err(|_| arbitrary::Error::IncorrectFormat)
}
