//! `quittance-verify export`: a bundle as files for snarkjs.

use quittance_verifier::encoding::{fr_to_bytes_be, to_hex};
use quittance_verifier::snarkjs::{self, SnarkjsError};
use quittance_verifier::{Provenance, Verifier};

use crate::arguments::ExportArguments;
use crate::files::{read_bundle, read_key, write_new};
use crate::policy;
use crate::verdict::{Ends, Exported, Verdict, hint};

/// Verifies the bundle, then writes the files. A bundle that is not accepted leaves no file.
pub(crate) fn export(arguments: &ExportArguments) -> Verdict {
    let key = match read_key(&arguments.key) {
        Ok(key) => key,
        Err(reason) => return Verdict::unreadable(&arguments.key, reason),
    };
    let bundle = match read_bundle(&arguments.bundle) {
        Ok(bundle) => bundle,
        Err(reason) => return Verdict::unreadable(&arguments.bundle, reason),
    };
    let verifier = match Verifier::new(&key, policy(arguments.allow_development_key)) {
        Ok(verifier) => verifier,
        Err(error) => return Verdict::invalid(&arguments.key, &error, hint(&error)),
    };
    let files = match snarkjs::export(&key, &verifier, &bundle) {
        Ok(files) => files,
        Err(error) => {
            let hint = match &error {
                SnarkjsError::Verify(error) => hint(error),
                _ => None,
            };
            return Verdict::invalid(&arguments.bundle, &error, hint);
        }
    };
    match write_new(&arguments.output, &files.named()) {
        Ok(paths) => Verdict::Exported(Exported {
            transfers: bundle.facts.transfers.len(),
            development_key: key.provenance() == Provenance::Development,
            key_id: key.key_id().to_string(),
            ends: Ends {
                first_batch: bundle.facts.batch_number,
                last_batch: bundle.facts.batch_number,
                old_root: to_hex(&fr_to_bytes_be(&bundle.facts.old_root)),
                new_root: to_hex(&fr_to_bytes_be(&bundle.facts.new_root)),
            },
            files: paths.iter().map(|path| path.display().to_string()).collect(),
        }),
        Err((path, error)) => Verdict::unwritable(&path, &error),
    }
}
