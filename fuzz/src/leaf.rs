//! [`Leaf::from_bytes`], the value of an account in the store.

use arbitrary::Unstructured;
use quittance_circuits::leaf::Leaf;
use quittance_circuits::types::RootAddress;

use crate::damage::damage;
use crate::memory::Budget;
use crate::{points, recipe};

const BUDGET: Budget = Budget {
    base: 1024,
    for_each: 0,
};

/// Accepted bytes are the bytes of the leaf, which can be hashed.
pub fn check(data: &[u8]) {
    decode(data);
    if let Some(mut recipe) = recipe(data) {
        let _ = build(&mut recipe);
    }
}

fn decode(data: &[u8]) {
    if let Ok(leaf) = BUDGET.within(data.len(), || Leaf::from_bytes(data)) {
        assert_eq!(leaf.to_bytes(), data);
        assert!(!leaf.owner().is_zero());
        assert_eq!(leaf.hash(), leaf.hash());
    }
}

fn build(recipe: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let leaf = arbitrary_leaf(recipe)?;
    let mut bytes = leaf.to_bytes().to_vec();
    assert_eq!(Leaf::from_bytes(&bytes), Ok(leaf));
    damage(&mut bytes, recipe);
    decode(&bytes);
    Ok(())
}

/// A leaf.
pub fn arbitrary_leaf(recipe: &mut Unstructured<'_>) -> arbitrary::Result<Leaf> {
    let mut owner: [u8; 20] = recipe.arbitrary()?;
    owner[19] |= 1;
    let leaf = Leaf::new(
        points::public_key(recipe)?,
        recipe.arbitrary()?,
        recipe.arbitrary()?,
        recipe.arbitrary()?,
        RootAddress(owner),
    );
    Ok(leaf.expect("the owner is not zero"))
}

/// A valid input.
pub fn seed(_: usize, recipe: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    arbitrary_leaf(recipe).map(|leaf| leaf.to_bytes().to_vec())
}
