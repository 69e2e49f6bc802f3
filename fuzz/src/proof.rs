//! [`Proof::from_bytes`]: eight words.

use quittance_verifier::Proof;

use crate::damage::damage;
use crate::memory::Budget;
use crate::{points, recipe};

const BUDGET: Budget = Budget {
    base: 1024,
    for_each: 0,
};

/// Accepted bytes are the bytes of the proof; its points pass the checks of [`Proof::new`].
pub fn check(data: &[u8]) {
    decode(data);
    if let Some(mut recipe) = recipe(data) {
        let _ = build(&mut recipe);
    }
}

fn decode(data: &[u8]) {
    if let Ok(proof) = BUDGET.within(data.len(), || Proof::from_bytes(data)) {
        assert_eq!(proof.to_bytes(), data);
        assert_eq!(Proof::new(*proof.a(), *proof.b(), *proof.c()), Ok(proof));
    }
}

fn build(recipe: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<()> {
    let proof = arbitrary_proof(recipe)?;
    let mut bytes = proof.to_bytes().to_vec();
    assert_eq!(Proof::from_bytes(&bytes), Ok(proof));
    damage(&mut bytes, recipe);
    decode(&bytes);
    Ok(())
}

/// A proof with valid points that proves nothing.
pub fn arbitrary_proof(recipe: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<Proof> {
    let proof = Proof::new(points::g1(recipe)?, points::g2(recipe)?, points::g1(recipe)?);
    Ok(proof.expect("multiples of generators are acceptable"))
}

/// A valid input.
pub fn seed(_: usize, recipe: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    arbitrary_proof(recipe).map(|proof| proof.to_bytes().to_vec())
}
