//! The published history of a rollup: proofs verified, links checked, the state rebuilt from genesis and facts alone.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use quittance_circuits::replay::{Replay, ReplayError};
use quittance_verifier::{
    Bundle, DevelopmentKeys, ExitVerifyingKey, Verifier, VerifyError, VerifyingKey, json as bundle_json,
};

use super::args::HistoryArgs;
use super::{CliError, error, files, genesis};
use crate::encoding::{fr_to_bytes_be, fr_to_hex, to_hex};

/// Ending of the files that are read in a directory.
const ENDING: &str = "bundle";

/// No binary bundle is longer, nor any key.
const MAX_BYTES: u64 = 32 << 20;

/// No JSON bundle is longer.
const MAX_JSON_BYTES: u64 = 256 << 20;

/// What to do about a file that is not what it should be, and about a bundle that proves nothing.
const DAMAGED: &str = "check that the file came whole from whoever made it: keys by --vk, bundles after them";
const INVALID: &str = "do not rely on it; ask whoever made it for the right one";

/// Verifies every batch of the history, in its order, and gives the state after the last one, which is where the caller expects it.
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
    // Where the expected root was met, if it was.
    let mut met = None;
    for (_, path) in batches {
        let bundle = read(&path)?;
        let named = |message: String| format!("{}: {message}", path.display());
        verify(&verifiers, &bundle).map_err(|error| unproved(named(error::chain(&error)), &error))?;
        replay
            .apply(&bundle.facts)
            .map_err(|error| CliError::refused(named(error::chain(&error)), advice(&error)))?;
        if args.root == Some(fr_to_bytes_be(&replay.root())) {
            met = Some(replay.batch_number());
        }
    }
    check_end(args, &replay, met)?;
    Ok(replay)
}

/// Levels of the tree that the keys are for.
pub(super) fn levels(args: &HistoryArgs) -> Result<u8, CliError> {
    let verifiers = verifiers(args)?;
    Ok(verifiers.first().map_or(0, |verifier| verifier.shape().levels))
}

/// Refuses a file that is there already before long work is done for it.
pub(super) fn check_new(path: &Path) -> Result<(), CliError> {
    if path.symlink_metadata().is_ok() {
        return Err(CliError::file(
            "write",
            path,
            &io::ErrorKind::AlreadyExists.into(),
        ));
    }
    Ok(())
}

/// Up to where the history goes, and whether anybody but its bundles says so.
pub(super) fn end(args: &HistoryArgs, replay: &Replay) -> String {
    let (last, root) = (replay.batch_number(), fr_to_hex(&replay.root()));
    let expected = match (args.root, args.batches) {
        (Some(_), _) => "the expected one",
        (None, Some(_)) => "after the expected number of batches",
        (None, None) => {
            "compare it with the root chain's, or give that with --root: bundles may be missing after it"
        }
    };
    format!("every root matches up to batch {last}, state root {root}, {expected}")
}

/// Whether the history ends where it is expected to.
fn check_end(args: &HistoryArgs, replay: &Replay, met: Option<u32>) -> Result<(), CliError> {
    let (last, root) = (replay.batch_number(), fr_to_hex(&replay.root()));
    let refused = |problem: String, next: &str| {
        let message = format!("the history ends with batch {last} and root {root}: {problem}");
        Err(CliError::refused(message, next))
    };
    let missing =
        "get the bundles of the batches after it, or ask the root chain's contract for the root again";
    let more = "leave the bundles of later batches out, or ask the root chain's contract for the root again";
    match (args.root, met, args.batches) {
        (Some(expected), None, _) => refused(format!("{} is expected", to_hex(&expected)), missing),
        (Some(_), Some(batch), _) if batch < last => {
            refused(format!("the expected root is that of batch {batch}"), more)
        }
        (_, _, Some(expected)) if expected > last => {
            refused(format!("{expected} batches are expected"), missing)
        }
        (_, _, Some(expected)) if expected < last => {
            refused(format!("{expected} batches are expected"), more)
        }
        _ => match args.queue {
            Some(expected) if expected != replay.queue() => refused(
                format!(
                    "its hash of the root chain's queue is {}, {} is expected",
                    to_hex(&replay.queue()),
                    to_hex(&expected)
                ),
                "get the bundles of all batches, no more, or ask the root chain's contract for the hash again",
            ),
            _ => Ok(()),
        },
    }
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
            "pass the verifying key that the bundle names with --vk, from somebody you trust"
        }
        _ => INVALID,
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
        let bytes = bytes(path)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|error| {
            if ExitVerifyingKey::from_bytes(&bytes).is_ok() {
                return CliError::refused(
                    format!(
                        "{} is the verifying key of the exit circuit, which proves no batch",
                        path.display()
                    ),
                    "name the verifying key of the batches' shape",
                );
            }
            CliError::refused(
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
    let read = if is_json(&bytes) {
        bundle_json::from_json(&bytes).map_err(|error| error::chain(&error))
    } else {
        Bundle::from_bytes(&bytes).map_err(|error| error::chain(&error))
    };
    read.map_err(|problem| CliError::refused(format!("{}: {problem}", path.display()), DAMAGED))
}

fn is_json(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{")
}

fn bytes(path: &Path) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let failed = |error| CliError::file("read", path, &error);
    let mut file = File::open(path).map_err(failed)?;
    let mut limit = MAX_BYTES;
    file.by_ref()
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if is_json(&bytes) {
        limit = MAX_JSON_BYTES;
        file.take(limit - MAX_BYTES)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
    }
    if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
        let problem = format!("longer than {limit} bytes, no bundle is");
        return Err(CliError::refused(
            format!("{}: {problem}", path.display()),
            DAMAGED,
        ));
    }
    Ok(bytes)
}
