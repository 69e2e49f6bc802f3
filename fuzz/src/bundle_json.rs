//! [`json::from_json`]: the bundle as a text.

use arbitrary::Unstructured;
use quittance_verifier::{Bundle, json};

use crate::bundle::arbitrary_bundle;
use crate::damage::damage;
use crate::memory::Budget;
use crate::recipe;
use crate::text::assert_same_json;

/// The shortest transfer, `{"from":0,"to":0,"amount":"0e0","fee":"0e0"}`, has 44 bytes and takes 80 and two texts while the
/// document is read; pubdata's words are kept as texts too.
const BUDGET: Budget = Budget {
    base: 8192,
    for_each: 32,
};

/// An accepted text says what [`json::to_json`] says of the same bundle, which has a binary encoding too.
pub fn check(data: &[u8]) {
    decode(data);
    if let Some(mut recipe) = recipe(data) {
        let _ = build(&mut recipe);
    }
}

fn decode(data: &[u8]) {
    let Ok(bundle) = BUDGET.within(data.len(), || json::from_json(data)) else {
        return;
    };
    let canonical = json::to_json(&bundle).expect("a decoded bundle has a text");
    assert_same_json(data, canonical.as_bytes());
    let bytes = bundle.to_bytes().expect("a decoded bundle has an encoding");
    assert_eq!(Bundle::from_bytes(&bytes), Ok(bundle));
}

fn build(recipe: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let bundle = arbitrary_bundle(recipe)?;
    let Ok(text) = json::to_json(&bundle) else {
        return Ok(());
    };
    assert_eq!(json::from_json(text.as_bytes()).ok(), Some(bundle));
    let mut bytes = text.into_bytes();
    damage(&mut bytes, recipe);
    decode(&bytes);
    Ok(())
}

/// A valid input.
pub fn seed(_: usize, recipe: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let text = json::to_json(&arbitrary_bundle(recipe)?);
    text.map(String::into_bytes)
        .map_err(|_| arbitrary::Error::IncorrectFormat)
}
