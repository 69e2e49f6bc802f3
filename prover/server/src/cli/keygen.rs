//! `quittance keygen`.

use quittance_circuits::babyjubjub::PublicKey;
use quittance_circuits::eddsa::SecretKey;
use serde_json::json;

use super::args::KeygenArgs;
use super::output::Output;
use super::{CliError, files};
use crate::encoding::{fr_to_bytes_be, to_hex};

pub(super) fn run(args: &KeygenArgs, out: &mut Output) -> Result<(), CliError> {
    let key = generate(&args.secret)?;
    let text = public_key_hex(&key.public_key());
    out.result(
        &json!({ "public_key": text, "secret_file": args.secret.display().to_string() }),
        &text,
    )
}

/// Makes a key from the operating system's randomness and writes its secret into a new file.
pub(super) fn generate(path: &std::path::Path) -> Result<SecretKey, CliError> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| {
        CliError::refused(
            format!("no randomness: {error}"),
            "check the operating system's random source",
        )
    })?;
    files::write_secret(path, &secret)?;
    Ok(SecretKey::from_bytes(&secret))
}

/// A public key as people write it: 0x, x, y; 64 bytes big-endian.
pub(super) fn public_key_hex(key: &PublicKey) -> String {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&fr_to_bytes_be(&key.x()));
    bytes[32..].copy_from_slice(&fr_to_bytes_be(&key.y()));
    to_hex(&bytes)
}
