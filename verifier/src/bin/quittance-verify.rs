//! `quittance-verify`: says whether proof bundles prove what they claim. Needs no network and no service.

#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use quittance_verifier::encoding::{fr_to_bytes_be, to_hex};
use quittance_verifier::{
    BatchError, Bundle, ChainError, DevelopmentKeys, Provenance, Verifier, VerifyError, VerifyingKey, json,
    verify_batch, verify_chain,
};
use serde_json::{Value, json};

/// Verify proof bundles of a Quittance rollup, offline.
///
/// The verifying key comes from you, never from a bundle: get it from a source that you trust.
/// Bundles may be binary or JSON. One line on standard output says the verdict, standard error says more.
#[derive(Parser, Debug)]
#[command(name = "quittance-verify", version, after_help = EXIT_CODES)]
struct Arguments {
    /// File of a verifying key; repeat it if bundles are of several keys
    #[arg(long = "vk", value_name = "FILE", required = true)]
    keys: Vec<PathBuf>,

    /// Accept keys made by one machine, whose owner can forge proofs
    #[arg(long)]
    allow_development_key: bool,

    /// Write the verdict as one line of JSON
    #[arg(long)]
    json: bool,

    /// Also require that the bundles, sorted by batch number, follow each other without a gap
    #[arg(long)]
    chain: bool,

    /// Files of proof bundles; - is standard input
    #[arg(value_name = "BUNDLE", required = true)]
    bundles: Vec<PathBuf>,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  every bundle is valid
  1  not accepted: a proof does not prove its bundle's facts, a bundle is for another key, bundles do not
     form a chain, or a development key was not allowed
  2  wrong usage, or an input that cannot be read or decoded: truncated, of another format, or with numbers,
     points or field elements that are out of range, non-canonical, off the curve or off the subgroup";

/// No file that is longer can be a bundle: the largest binary one has about 1 MB, the largest JSON one 14 MB.
const MAX_BUNDLE_BYTES: u64 = 32 << 20;

/// Far more than a key has: enough to say how long a file is that is none.
const MAX_KEY_BYTES: u64 = 64 << 10;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // A closed pipe is no reason to change the verdict, here and below.
            let _ = error.print();
            if !error.use_stderr() {
                return ExitCode::SUCCESS;
            }
            let verdict = Verdict::Unreadable {
                file: String::new(),
                reason: format!("wrong usage: {}", error.kind()),
            };
            print(&verdict, std::env::args_os().any(|argument| argument == "--json"));
            return verdict.exit_code();
        }
    };
    let verdict = judge(&arguments);
    print(&verdict, arguments.json);
    for detail in verdict.details() {
        let _ = writeln!(io::stderr().lock(), "{}", printable(&detail));
    }
    verdict.exit_code()
}

/// The one line on standard output.
fn print(verdict: &Verdict, as_json: bool) {
    let line = if as_json {
        verdict.to_json().to_string()
    } else {
        verdict.to_line()
    };
    let _ = writeln!(io::stdout().lock(), "{}", printable(&line));
}

/// Reads everything, then verifies everything.
fn judge(arguments: &Arguments) -> Verdict {
    let keys = match read_all(&arguments.keys, read_key) {
        Ok(keys) => keys,
        Err(verdict) => return verdict,
    };
    let mut bundles = match read_all(&arguments.bundles, read_bundle) {
        Ok(bundles) => bundles,
        Err(verdict) => return verdict,
    };
    if arguments.chain {
        bundles.sort_by_key(|(_, bundle)| bundle.facts.batch_number);
    }
    let policy = if arguments.allow_development_key {
        DevelopmentKeys::Accept
    } else {
        DevelopmentKeys::Refuse
    };
    let mut verifiers = Vec::with_capacity(keys.len());
    for (path, key) in &keys {
        match Verifier::new(key, policy) {
            Ok(verifier) => verifiers.push(verifier),
            Err(error) => return Verdict::invalid(path, &error, hint(&error)),
        }
    }
    let development_key = keys
        .iter()
        .any(|(_, key)| key.provenance() == Provenance::Development);
    match verify(&verifiers, &bundles, arguments.chain) {
        Ok(summary) => Verdict::Verified(Summary {
            development_key,
            ..summary
        }),
        Err(verdict) => verdict,
    }
}

fn verify(verifiers: &[Verifier], bundles: &[(&Path, Bundle)], chain: bool) -> Result<Summary, Verdict> {
    let first_verifier = verifiers.first();
    let items = bundles
        .iter()
        .filter_map(|(_, bundle)| {
            // A bundle of no given key goes to the first one, which says so.
            let own = verifiers
                .iter()
                .find(|verifier| *verifier.key_id() == bundle.key_id);
            Some((own.or(first_verifier)?, bundle))
        })
        .collect::<Vec<_>>();
    let path = |index: usize| bundles.get(index).map_or(Path::new(""), |(path, _)| *path);
    verify_batch(&items).map_err(|error| match error {
        BatchError::Item { index, source } => Verdict::invalid(path(index), &source, hint(&source)),
        other => Verdict::invalid(path(0), &other, None),
    })?;
    let list = bundles.iter().map(|(_, bundle)| bundle).collect::<Vec<_>>();
    if chain {
        verify_chain(&list).map_err(|error| {
            let index = match error {
                ChainError::RollupId { index }
                | ChainError::BatchNumber { index, .. }
                | ChainError::NumbersExhausted { index }
                | ChainError::OldRoot { index, .. } => index,
                _ => 0,
            };
            Verdict::invalid(path(index), &error, None)
        })?;
    }
    let ends = match list.as_slice() {
        [first, .., last] if chain => Some((&first.facts, &last.facts)),
        [only] => Some((&only.facts, &only.facts)),
        _ => None,
    };
    Ok(Summary {
        transfers: list.iter().map(|bundle| bundle.facts.transfers.len()).sum(),
        bundles: list.len(),
        development_key: false,
        ends: ends.map(|(first, last)| Ends {
            first_batch: first.batch_number,
            last_batch: last.batch_number,
            old_root: to_hex(&fr_to_bytes_be(&first.old_root)),
            new_root: to_hex(&fr_to_bytes_be(&last.new_root)),
        }),
    })
}

enum Verdict {
    Verified(Summary),
    Invalid {
        file: String,
        reason: String,
        hint: Option<&'static str>,
    },
    Unreadable {
        file: String,
        reason: String,
    },
}

struct Summary {
    transfers: usize,
    bundles: usize,
    development_key: bool,
    /// None for several bundles that were not checked as a chain: then they have no ends.
    ends: Option<Ends>,
}

struct Ends {
    first_batch: u32,
    last_batch: u32,
    old_root: String,
    new_root: String,
}

impl Verdict {
    fn invalid(path: &Path, error: &dyn std::error::Error, hint: Option<&'static str>) -> Self {
        Self::Invalid {
            file: path.display().to_string(),
            reason: with_sources(error),
            hint,
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Verified(_) => ExitCode::SUCCESS,
            Self::Invalid { .. } => ExitCode::from(1),
            Self::Unreadable { .. } => ExitCode::from(2),
        }
    }

    fn to_line(&self) -> String {
        match self {
            Self::Verified(Summary {
                transfers,
                bundles,
                ends: None,
                ..
            }) => {
                format!("verified: {transfers} transfers, {bundles} bundles, not checked as a chain")
            }
            Self::Verified(Summary {
                transfers,
                ends: Some(ends),
                ..
            }) => {
                let Ends {
                    first_batch,
                    last_batch,
                    old_root,
                    new_root,
                } = ends;
                let batches = if first_batch == last_batch {
                    format!("batch {first_batch}")
                } else {
                    format!("batches {first_batch}..{last_batch}")
                };
                format!("verified: {transfers} transfers, {batches}, {old_root} -> {new_root}")
            }
            Self::Invalid { reason, .. } => format!("invalid: {reason}"),
            Self::Unreadable { reason, .. } => format!("unreadable: {reason}"),
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Verified(Summary {
                transfers,
                bundles,
                development_key,
                ends,
            }) => json!({
                "status": "verified",
                "development_key": development_key,
                "transfers": transfers,
                "bundles": bundles,
                "first_batch": ends.as_ref().map(|ends| ends.first_batch),
                "last_batch": ends.as_ref().map(|ends| ends.last_batch),
                "old_root": ends.as_ref().map(|ends| &ends.old_root),
                "new_root": ends.as_ref().map(|ends| &ends.new_root),
            }),
            Self::Invalid { file, reason, .. } => {
                json!({ "status": "invalid", "file": file, "reason": reason })
            }
            Self::Unreadable { file, reason } => {
                json!({ "status": "unreadable", "file": file, "reason": reason })
            }
        }
    }

    /// Lines for standard error.
    fn details(&self) -> Vec<String> {
        match self {
            Self::Verified(Summary {
                development_key: true,
                ..
            }) => {
                vec!["note: a development key was allowed: whoever made it can forge proofs".to_owned()]
            }
            Self::Verified(_) => Vec::new(),
            Self::Invalid { file, reason, hint } => {
                let hint = hint.map(str::to_owned);
                [Some(format!("{file}: {reason}")), hint]
                    .into_iter()
                    .flatten()
                    .collect()
            }
            Self::Unreadable { file, reason } => vec![format!("{file}: {reason}")],
        }
    }
}

/// What to do about an error, where there is something.
fn hint(error: &VerifyError) -> Option<&'static str> {
    match error {
        VerifyError::DevelopmentKey { .. } => {
            Some("use a key from a ceremony, or pass --allow-development-key for tests and demonstrations")
        }
        VerifyError::KeyMismatch { .. } => Some("pass the verifying key that the bundle names with --vk"),
        _ => None,
    }
}

fn read_all<T>(
    paths: &[PathBuf],
    read: impl Fn(&Path) -> Result<T, String>,
) -> Result<Vec<(&Path, T)>, Verdict> {
    paths
        .iter()
        .map(|path| match read(path) {
            Ok(value) => Ok((path.as_path(), value)),
            Err(reason) => Err(Verdict::Unreadable {
                file: path.display().to_string(),
                reason,
            }),
        })
        .collect()
}

fn read_key(path: &Path) -> Result<VerifyingKey, String> {
    let bytes = read_bounded(path, MAX_KEY_BYTES).map_err(|error| with_sources(&error))?;
    VerifyingKey::from_bytes(&bytes).map_err(|error| with_sources(&error))
}

fn read_bundle(path: &Path) -> Result<Bundle, String> {
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

/// An error and its causes in one line.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Without control characters, which the names and contents of files may have: one line stays one line, and
/// a terminal is told nothing but text.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                character.escape_default().to_string()
            } else {
                character.to_string()
            }
        })
        .collect()
}
