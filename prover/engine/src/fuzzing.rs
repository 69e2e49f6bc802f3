//! Private decoders for the fuzz targets, behind the feature `fuzzing`. Nothing else may use it.

use std::path::Path;

use crate::image::Image;
use crate::key::dir;
use crate::key::file::Contents;
use crate::key::points::Subgroup;
use crate::{Bases, CircuitKey, KeyError, Manifest, ProvingKeyError, R1cs};

/// Takes the bytes of a file `proving.key` as opening a directory does.
///
/// # Errors
/// [`ProvingKeyError`].
pub fn read_key_file(bytes: &[u8]) -> Result<CircuitKey, ProvingKeyError> {
    CircuitKey::from_contents(Contents::read(Image::copy_of(bytes))?)
}

/// The bytes of a file `proving.key`, made of points whose subgroup is not looked at.
///
/// # Errors
/// [`ProvingKeyError`].
pub fn write_key_file(bases: Bases, r1cs: &R1cs) -> Result<Vec<u8>, ProvingKeyError> {
    let key = CircuitKey::from_arkworks(bases, r1cs, Subgroup::Known)?;
    Ok(key.as_bytes().to_vec())
}

/// Reads the text of a file `manifest.json`.
///
/// # Errors
/// [`KeyError::Format`] or [`KeyError::ManifestSyntax`].
pub fn read_manifest(text: &[u8]) -> Result<Manifest, KeyError> {
    dir::parse_manifest(text, Path::new(dir::MANIFEST_FILE), "t1f1")
}

/// The text of a file `manifest.json`.
#[must_use]
pub fn write_manifest(manifest: &Manifest) -> Vec<u8> {
    dir::manifest_text(manifest).unwrap_or_default()
}
