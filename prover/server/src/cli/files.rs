//! Reading and writing of files: bounded, never overwriting, secrets for their owner only.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use quittance_circuits::eddsa::SecretKey;

use super::CliError;
use crate::encoding::{parse_hex, to_hex};

/// Largest file that is read, in bytes: more than any batch or genesis of this version needs.
const MAX_BYTES: u64 = 1 << 30;

/// Reads a whole file as text; `-` is standard input.
pub(super) fn read_text(path: &Path) -> Result<String, CliError> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(CliError::refused(
            format!("{} is larger than {MAX_BYTES} bytes", path.display()),
            "split the file",
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        CliError::refused(
            format!("{} is no text: byte {place} is not UTF-8", path.display()),
            "name the file that this command reads; it may be another one, or damaged",
        )
    })
}

/// A file that cannot be read; a link that leads nowhere is said to be one.
fn unreadable(path: &Path, error: &io::Error) -> CliError {
    match std::fs::read_link(path) {
        Ok(target) if error.kind() == io::ErrorKind::NotFound => CliError::usage(
            format!(
                "cannot read {}: it is a link to {}, which is not there",
                path.display(),
                target.display()
            ),
            "point the link to the file, or name the file itself",
        ),
        _ => CliError::file("read", path, error),
    }
}

/// Writes a new file.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|error| CliError::file("write", path, &error))
}

/// Writes a secret key into a new file that only its owner may read.
pub(super) fn write_secret(path: &Path, secret: &[u8; 32]) -> Result<(), CliError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let written = options
        .open(path)
        .and_then(|mut file| writeln!(file, "{}", to_hex(secret)).and_then(|()| file.sync_all()));
    written.map_err(|error| CliError::file("write", path, &error))
}

/// Reads a secret key; refuses a file that others may read.
pub(super) fn read_secret(path: &Path) -> Result<SecretKey, CliError> {
    let read = |error: &io::Error| unreadable(path, error);
    let file = File::open(path).map_err(|error| read(&error))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file
            .metadata()
            .map_err(|error| read(&error))?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            return Err(CliError::refused(
                format!(
                    "others may read the secret key in {} (mode {:03o})",
                    path.display(),
                    mode & 0o777
                ),
                format!("chmod 600 {}", path.display()),
            ));
        }
    }
    let mut text = String::new();
    // A key has 66 digits and a line's end.
    file.take(128)
        .read_to_string(&mut text)
        .map_err(|error| read(&error))?;
    let bytes = parse_hex::<32>(text.trim_end()).ok_or_else(|| {
        CliError::refused(
            format!("{} does not hold a secret key", path.display()),
            "it wants 0x and 64 hex digits, as `quittance keygen` writes them",
        )
    })?;
    Ok(SecretKey::from_bytes(&bytes))
}
