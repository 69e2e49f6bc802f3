//! The published history of a rollup: proofs verified, links checked, the state rebuilt from genesis and facts alone.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use quittance_circuits::replay::{Replay, ReplayError};
use quittance_verifier::{Bundle, DevelopmentKeys, Verifier, VerifyError, VerifyingKey, json as bundle_json};

use super::args::HistoryArgs;
use super::{CliError, error, files, genesis};

/// Ending of the files that are read in a directory.
const ENDING: &str = "bundle";

/// No bundle is longer, nor any key.
const MAX_BYTES: u64 = 256 << 20;

/// Verifies every batch of the history, in its order, and gives the state after the last one.
pub(super) fn replay(args: &HistoryArgs) -> Result<Replay, CliError> {
    let verifiers = verifiers(args)?;
    let levels = verifiers.first().map_or(0, |verifier| verifier.shape().levels);
    if verifiers.iter().any(|verifier| verifier.shape().levels != levels) {
        return Err(CliError::usage(
            "the verifying keys are for trees of different levels",
            "give the keys of one rollup",
        ));
    }
    let text = files::read_text(&args.genesis)?;
    let accounts = genesis::leaves(&genesis::parse(&args.genesis, &text)?)?;
    let mut replay = Replay::new(levels, accounts).map_err(|error| {
        CliError::refused(
            format!("{}: {}", args.genesis.display(), error::chain(&error)),
            "correct the accounts",
        )
    })?;

    // Only numbers and places are kept: the bundles of a long history are larger than memory.
    let mut batches = Vec::new();
    for path in paths(&args.bundles)? {
        batches.push((read(&path)?.facts.batch_number, path));
    }
    batches.sort();
    if batches.is_empty() {
        return Err(CliError::usage(
            "there is no bundle",
            format!("name files, or a directory with files named *.{ENDING}"),
        ));
    }
    for (_, path) in batches {
        let bundle = read(&path)?;
        let named = |message: String| format!("{}: {message}", path.display());
        verify(&verifiers, &bundle).map_err(|error| unproved(named(error::chain(&error)), &error))?;
        replay
            .apply(&bundle.facts)
            .map_err(|error| CliError::refused(named(error::chain(&error)), advice(&error)))?;
    }
    Ok(replay)
}

fn verify(verifiers: &[Verifier], bundle: &Bundle) -> Result<(), VerifyError> {
    let own = verifiers
        .iter()
        .find(|verifier| *verifier.key_id() == bundle.key_id);
    match own.or(verifiers.first()) {
        // Without a key of its own it is refused by the first, which says so.
        Some(verifier) => verifier.verify(bundle),
        None => Err(VerifyError::ProofRejected),
    }
}

fn unproved(message: String, error: &VerifyError) -> CliError {
    let next = match error {
        VerifyError::KeyMismatch { .. } => {
            "give the verifying key of this batch's shape with --vk, from somebody you trust"
        }
        _ => "this batch is not proved: get its bundle elsewhere",
    };
    CliError::refused(message, next)
}

fn advice(error: &ReplayError) -> &'static str {
    match error {
        ReplayError::Number { .. } => "give every batch from 1 on, each once",
        ReplayError::Rollup { .. } => "give bundles of one rollup",
        ReplayError::OldRoot { .. } => {
            "give the accounts of this rollup's genesis, and bundles of one history"
        }
        ReplayError::Queue { .. } => "give bundles of one history",
        _ => "proof and facts disagree: look whether keys, genesis and bundles belong to one rollup",
    }
}

fn verifiers(args: &HistoryArgs) -> Result<Vec<Verifier>, CliError> {
    let policy = if args.allow_development_keys {
        DevelopmentKeys::Accept
    } else {
        DevelopmentKeys::Refuse
    };
    let one = |path: &PathBuf| {
        let key = VerifyingKey::from_bytes(&bytes(path)?).map_err(|error| {
            CliError::usage(
                format!("{} is no verifying key: {}", path.display(), error::chain(&error)),
                "name the file verifying.key of a key directory",
            )
        })?;
        Verifier::new(&key, policy).map_err(|error| {
            CliError::refused(
                error::chain(&error),
                "use a key from a ceremony; for tests and demonstrations add --allow-development-keys",
            )
        })
    };
    args.verifying_keys.iter().map(one).collect()
}

/// The files themselves, and those of the directories.
fn paths(given: &[PathBuf]) -> Result<Vec<PathBuf>, CliError> {
    let mut paths = Vec::new();
    for path in given {
        if !path.is_dir() {
            paths.push(path.clone());
            continue;
        }
        let listed = fs::read_dir(path).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
        let entries = listed.map_err(|error| CliError::file("read", path, &error))?;
        let files = entries.into_iter().map(|entry| entry.path());
        paths.extend(files.filter(|path| path.extension() == Some(OsStr::new(ENDING))));
    }
    Ok(paths)
}

/// One bundle, binary or JSON.
fn read(path: &Path) -> Result<Bundle, CliError> {
    let bytes = bytes(path)?;
    let read = if bytes.trim_ascii_start().starts_with(b"{") {
        bundle_json::from_json(&bytes).map_err(|error| error::chain(&error))
    } else {
        Bundle::from_bytes(&bytes).map_err(|error| error::chain(&error))
    };
    read.map_err(|problem| {
        CliError::usage(
            format!("{} is no proof bundle of a batch: {problem}", path.display()),
            "name the files that `quittance proof` writes",
        )
    })
}

fn bytes(path: &Path) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|error| CliError::file("read", path, &error))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_BYTES) {
        return Err(CliError::refused(
            format!("{} is larger than {MAX_BYTES} bytes", path.display()),
            "no bundle and no key is",
        ));
    }
    Ok(bytes)
}
