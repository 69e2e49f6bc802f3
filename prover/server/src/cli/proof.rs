//! `quittance proof`.

use std::path::Path;

use quittance_proto::v1;
use quittance_verifier::KeyId;
use serde_json::json;

use super::args::ProofArgs;
use super::output::{Output, note};
use super::{CliError, client, files};
use crate::encoding::to_hex;

pub(super) fn run(args: &ProofArgs, out: &mut Output) -> Result<(), CliError> {
    let format = if out.is_json() {
        v1::BundleFormat::Json
    } else {
        v1::BundleFormat::Binary
    };
    client::block_on(async {
        let mut client = client::connect(&args.server.server).await?;
        let request = v1::GetProofRequest {
            number: args.number,
            format: format.into(),
        };
        let answer = client.get_proof(request).await?.into_inner();
        let key_id = to_hex(&answer.key_id);
        if let Some(path) = &args.verifying_key {
            let key = v1::get_verifying_key_request::Key::KeyId(answer.key_id);
            let request = v1::GetVerifyingKeyRequest { key: Some(key) };
            let key = client.get_verifying_key(request).await?.into_inner();
            write_key(path, &key, &key_id)?;
        }
        if args.output == Path::new("-") {
            return out.bytes(&answer.bundle);
        }
        files::write_new(&args.output, &answer.bundle)?;
        let file = args.output.display().to_string();
        out.result(
            &json!({ "number": args.number, "file": file, "bytes": answer.bundle.len(), "key_id": key_id }),
            format_args!("{file}: {} bytes, key {key_id}", answer.bundle.len()),
        )
    })
}

/// Writes the key after checking that it is the one that the bundle names.
fn write_key(path: &Path, key: &v1::GetVerifyingKeyResponse, wanted: &str) -> Result<(), CliError> {
    let decoded = quittance_verifier::VerifyingKey::from_bytes(&key.verifying_key);
    let decoded = decoded.map_err(|error| {
        CliError::refused(
            format!("the service's verifying key is invalid: {error}"),
            "look at the service's log",
        )
    })?;
    let KeyId(id) = decoded.key_id();
    if to_hex(&id) != wanted {
        return Err(CliError::refused(
            format!(
                "the service sent key {} for a bundle of key {wanted}",
                to_hex(&id)
            ),
            "do not use this key; ask the operator",
        ));
    }
    files::write_new(path, &key.verifying_key)?;
    note("the verifying key came from the service itself: compare its id with one from somebody you trust");
    Ok(())
}
