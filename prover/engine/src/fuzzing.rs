//! Private decoders for the fuzz targets, behind the feature `fuzzing`. Nothing else may use it.

use std::path::Path;

use crate::key::{dir, file};
use crate::{Bases, KeyError, KeyFileError, Manifest, R1cs};

/// Reads the bytes of a file `proving.key`.
///
/// # Errors
/// [`KeyFileError`].
pub fn read_key_file(bytes: &[u8]) -> Result<(Bases, R1cs), KeyFileError> {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let (_, contents) = file::read(&mut &*bytes, length)?;
    contents.map(|contents| (contents.bases, contents.r1cs))
}

/// The bytes of a file `proving.key`.
#[must_use]
pub fn write_key_file(bases: &Bases, r1cs: &R1cs) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _ = file::write(bases, r1cs, &mut bytes);
    bytes
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
