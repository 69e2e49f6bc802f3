//! `manifest.json` of a key directory.

use arbitrary::Unstructured;
use quittance_engine::{CircuitSizes, Digest, Manifest, ManifestFile, fuzzing};
use quittance_verifier::{KeyId, Provenance};

use crate::damage::damage;
use crate::memory::Budget;
use crate::recipe;
use crate::text::assert_same_json;
use crate::verifying_key::arbitrary_shape;

/// The text is also read as a value, whose maps have nodes of half a kilobyte.
const BUDGET: Budget = Budget {
    base: 32_768,
    for_each: 4,
};

/// An accepted text says what the manifest's own text says.
pub fn check(data: &[u8]) {
    decode(data);
    if let Some(mut recipe) = recipe(data) {
        let _ = build(&mut recipe);
    }
}

fn decode(data: &[u8]) {
    if let Ok(manifest) = BUDGET.within(data.len(), || fuzzing::read_manifest(data)) {
        let text = fuzzing::write_manifest(&manifest);
        assert_same_json(data, &text);
        assert_eq!(fuzzing::read_manifest(&text).ok(), Some(manifest));
    }
}

fn build(recipe: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let manifest = arbitrary_manifest(recipe)?;
    let mut text = fuzzing::write_manifest(&manifest);
    assert_eq!(fuzzing::read_manifest(&text).ok(), Some(manifest));
    damage(&mut text, recipe);
    decode(&text);
    Ok(())
}

fn arbitrary_manifest(recipe: &mut Unstructured<'_>) -> arbitrary::Result<Manifest> {
    let mut file = || {
        Ok(ManifestFile {
            bytes: recipe.arbitrary()?,
            blake3: Digest(recipe.arbitrary()?),
        })
    };
    let (proving_key, verifying_key) = (file()?, file()?);
    let mut shape = arbitrary_shape(recipe)?.manifest();
    if recipe.ratio(1u8, 8u8)? {
        shape.name = recipe.arbitrary()?;
    }
    Ok(Manifest {
        format: quittance_engine::MANIFEST_FORMAT,
        shape,
        constraints: recipe.arbitrary()?,
        instance: recipe.arbitrary()?,
        witness: recipe.arbitrary()?,
        nonzeros: recipe.arbitrary()?,
        domain: recipe.arbitrary()?,
        proving_key,
        verifying_key,
        matrices: Digest(recipe.arbitrary()?),
        key_id: KeyId(recipe.arbitrary()?),
        provenance: *recipe.choose(&[Provenance::Development, Provenance::Ceremony])?,
    })
}

/// A valid input.
pub fn seed(_: usize, recipe: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    arbitrary_manifest(recipe).map(|manifest| fuzzing::write_manifest(&manifest))
}
