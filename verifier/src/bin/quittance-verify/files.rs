//! Reading keys and bundles, with a bound on their length, and writing new files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use quittance_verifier::{Bundle, VerifyingKey, json};

use crate::verdict::with_sources;

/// No file that is longer can be a bundle: the largest binary one has about 1 MB, the largest JSON one 14 MB.
const MAX_BUNDLE_BYTES: u64 = 32 << 20;

/// Far more than a key has: enough to say how long a file is that is none.
const MAX_KEY_BYTES: u64 = 64 << 10;

pub(crate) fn read_key(path: &Path) -> Result<VerifyingKey, String> {
    let bytes = read_bounded(path, MAX_KEY_BYTES).map_err(|error| with_sources(&error))?;
    VerifyingKey::from_bytes(&bytes).map_err(|error| with_sources(&error))
}

pub(crate) fn read_bundle(path: &Path) -> Result<Bundle, String> {
    let bytes = read_bounded(path, MAX_BUNDLE_BYTES + 1).map_err(|error| with_sources(&error))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_BUNDLE_BYTES) {
        return Err(format!("longer than {MAX_BUNDLE_BYTES} bytes, no bundle is"));
    }
    if bytes.trim_ascii_start().starts_with(b"{") {
        json::from_json(&bytes).map_err(|error| with_sources(&error))
    } else {
        Bundle::from_bytes(&bytes).map_err(|error| with_sources(&error))
    }
}

fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
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
