//! Reading keys and bundles, with a bound on their length, and writing new files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use quittance_verifier::{
    Bundle, ExitBundle, ExitVerifyingKey, KeyId, Provenance, TAG_EXIT_KEY, VerifyingKey, json,
};
use serde::Deserialize;

use crate::verdict::with_sources;

/// No binary bundle is longer: one of the largest shape has 24 MB.
const MAX_BINARY_BYTES: u64 = 32 << 20;

/// No JSON bundle is longer: one of the largest shape has 174 MB.
const MAX_JSON_BYTES: u64 = 256 << 20;

/// As much as is read before the format is known.
const START_BYTES: u64 = 64 << 10;

/// Far more than a key has: enough to say how long a file is that is none.
const MAX_KEY_BYTES: u64 = 64 << 10;

/// A verifying key of either circuit.
pub(crate) enum Key {
    Batch(VerifyingKey),
    Exit(ExitVerifyingKey),
}

impl Key {
    pub(crate) fn key_id(&self) -> KeyId {
        match self {
            Self::Batch(key) => key.key_id(),
            Self::Exit(key) => key.key_id(),
        }
    }

    pub(crate) fn provenance(&self) -> Provenance {
        match self {
            Self::Batch(key) => key.provenance(),
            Self::Exit(key) => key.provenance(),
        }
    }
}

/// A bundle of either circuit.
pub(crate) enum AnyBundle {
    Batch(Bundle),
    Exit(ExitBundle),
}

/// Reads a key; its tag says of which circuit.
pub(crate) fn read_key(path: &Path) -> Result<Key, String> {
    let bytes = read_bounded(&mut open(path)?, MAX_KEY_BYTES)?;
    if bytes.starts_with(&TAG_EXIT_KEY) {
        ExitVerifyingKey::from_bytes(&bytes).map(Key::Exit)
    } else {
        VerifyingKey::from_bytes(&bytes).map(Key::Batch)
    }
    .map_err(|error| with_sources(&error))
}

/// Reads a bundle; its first bytes, or the field `format`, say of which circuit. Of a file that starts like none, no
/// more than the start is read.
pub(crate) fn read_bundle(path: &Path) -> Result<AnyBundle, String> {
    let mut file = open(path)?;
    let mut bytes = read_bounded(&mut file, START_BYTES)?;
    let is_json = bytes.trim_ascii_start().starts_with(b"{");
    let is_exit = bytes.starts_with(&ExitBundle::MAGIC);
    if is_json || is_exit || bytes.starts_with(&Bundle::MAGIC) {
        let limit = if is_json { MAX_JSON_BYTES } else { MAX_BINARY_BYTES };
        bytes.extend(read_bounded(&mut file, limit + 1 - START_BYTES)?);
        if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
            return Err(format!("longer than {limit} bytes, no bundle is"));
        }
    }
    match (is_json, is_exit) {
        (true, _) if is_exit_json(&bytes) => json::exit_from_json(&bytes)
            .map(AnyBundle::Exit)
            .map_err(|error| with_sources(&error)),
        (true, _) => json::from_json(&bytes)
            .map(AnyBundle::Batch)
            .map_err(|error| with_sources(&error)),
        (false, true) => ExitBundle::from_bytes(&bytes)
            .map(AnyBundle::Exit)
            .map_err(|error| with_sources(&error)),
        (false, false) => Bundle::from_bytes(&bytes)
            .map(AnyBundle::Batch)
            .map_err(|error| with_sources(&error)),
    }
}

/// Whether a text says that it is an exit bundle. What else is wrong with it, its reader finds.
fn is_exit_json(text: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Named {
        format: String,
    }
    serde_json::from_slice::<Named>(text).is_ok_and(|named| named.format == json::EXIT_FORMAT)
}

fn open(path: &Path) -> Result<Box<dyn Read>, String> {
    if path == Path::new("-") {
        Ok(Box::new(io::stdin().lock()))
    } else {
        match File::open(path) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) => Err(with_sources(&error)),
        }
    }
}

fn read_bounded(file: &mut dyn Read, limit: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    match file.take(limit).read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(with_sources(&error)),
    }
}

/// Writes new files into a directory, which is made if it is not there: all of them, or none.
///
/// # Errors
/// The path at fault and the reason, among them that the file is there already.
pub(crate) fn write_new(
    directory: &Path,
    files: &[(&str, &str)],
) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    fs::create_dir_all(directory).map_err(|error| (directory.to_owned(), error))?;
    let mut written = Vec::with_capacity(files.len());
    for (name, text) in files {
        let path = directory.join(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let done = file.and_then(|mut file| {
            written.push(path.clone());
            file.write_all(text.as_bytes())
        });
        if let Err(error) = done {
            for path in &written {
                // The first error is the one to report.
                let _ = fs::remove_file(path);
            }
            return Err((path, error));
        }
    }
    Ok(written)
}
