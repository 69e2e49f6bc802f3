//! `quittance-verify export`: a bundle as files for snarkjs.

use quittance_verifier::encoding::to_hex;
use quittance_verifier::snarkjs::{self, Files, SnarkjsError};
use quittance_verifier::{
    Bundle, DevelopmentKeys, ExitBundle, ExitVerifier, Provenance, Verifier, VerifyError,
};

use crate::arguments::ExportArguments;
use crate::counts::Counts;
use crate::files::{AnyBundle, Key, read_bundle, read_key, write_new};
use crate::judge::policy;
use crate::verdict::{Ends, Proved, Verdict, Verified, hint};

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
    let (what, files) = match prove(&key, &bundle, policy(arguments.allow_development_key)) {
        Ok(proved) => proved,
        Err(Refused::Key(error)) => return Verdict::invalid(&arguments.key, &error, hint(&error)),
        Err(Refused::Bundle(error)) => {
            let hint = match &error {
                SnarkjsError::Verify(error) => hint(error),
                _ => None,
            };
            return Verdict::invalid(&arguments.bundle, &error, hint);
        }
    };
    match write_new(&arguments.output, &files.named()) {
        Ok(paths) => Verdict::Exported {
            verified: Box::new(Verified {
                what,
                development_key: key.provenance() == Provenance::Development,
            }),
            key_id: key.key_id().to_string(),
            files: paths.iter().map(|path| path.display().to_string()).collect(),
        },
        Err((path, error)) => Verdict::unwritable(&path, &error),
    }
}

/// Whose fault it is that there are no files.
enum Refused {
    Key(VerifyError),
    Bundle(SnarkjsError),
}

fn prove(key: &Key, bundle: &AnyBundle, policy: DevelopmentKeys) -> Result<(Proved, Files), Refused> {
    match (key, bundle) {
        (Key::Batch(key), AnyBundle::Batch(bundle)) => {
            let verifier = Verifier::new(key, policy).map_err(Refused::Key)?;
            let files = snarkjs::export(key, &verifier, bundle).map_err(Refused::Bundle)?;
            let what = Proved::Batches {
                counts: Counts::of([&bundle.facts]),
                bundles: 1,
                rollup_id: Some(to_hex(&bundle.facts.rollup_id)),
                ends: Some(Ends::of(&bundle.facts, &bundle.facts)),
            };
            Ok((what, files))
        }
        (Key::Exit(key), AnyBundle::Exit(bundle)) => {
            let verifier = ExitVerifier::new(key, policy).map_err(Refused::Key)?;
            let files = snarkjs::export_exit(key, &verifier, bundle).map_err(Refused::Bundle)?;
            Ok((Proved::Exits(vec![bundle.facts]), files))
        }
        (key, AnyBundle::Batch(Bundle { key_id, .. }) | AnyBundle::Exit(ExitBundle { key_id, .. })) => {
            Err(Refused::Bundle(SnarkjsError::Verify(VerifyError::KeyMismatch {
                got: *key_id,
                expected: key.key_id(),
            })))
        }
    }
}
