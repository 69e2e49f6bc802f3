//! `quittance-verify`: says whether proof bundles prove what they claim. Needs no network and no service.

#![forbid(unsafe_code)]

mod arguments;
mod export;
mod files;
mod verdict;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use quittance_verifier::encoding::{fr_to_bytes_be, to_hex};
use quittance_verifier::{
    BatchError, Bundle, ChainError, DevelopmentKeys, Provenance, Verifier, verify_batch, verify_chain,
};

use crate::arguments::{Arguments, Command, VerifyArguments};
use crate::files::{read_bundle, read_key};
use crate::verdict::{Ends, Summary, Verdict, hint};

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
    let verdict = match &arguments.command {
        Some(Command::Export(arguments)) => export::export(arguments),
        None => judge(&arguments.verify),
    };
    print(&verdict, arguments.json());
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
fn judge(arguments: &VerifyArguments) -> Verdict {
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
    let policy = policy(arguments.allow_development_key);
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
                | ChainError::OldRoot { index, .. }
                | ChainError::Queue { index, .. } => index,
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

fn policy(allow_development_key: bool) -> DevelopmentKeys {
    if allow_development_key {
        DevelopmentKeys::Accept
    } else {
        DevelopmentKeys::Refuse
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
            Err(reason) => Err(Verdict::unreadable(path, reason)),
        })
        .collect()
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
