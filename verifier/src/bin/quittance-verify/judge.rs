//! Verifying all bundles with all keys.

use std::fmt;
use std::path::{Path, PathBuf};

use quittance_verifier::encoding::to_hex;
use quittance_verifier::{
    BatchError, Bundle, ChainError, DevelopmentKeys, ExitBundle, ExitVerifier, KeyId, Provenance, Verifier,
    VerifyError, verify_batch, verify_chain,
};

use crate::arguments::VerifyArguments;
use crate::counts::Counts;
use crate::files::{AnyBundle, Key, read_bundle, read_key};
use crate::verdict::{Ends, Proved, Verdict, Verified, hint};

/// Reads everything, then verifies everything.
pub(crate) fn judge(arguments: &VerifyArguments) -> Verdict {
    match prove(arguments) {
        Ok(verified) => Verdict::Verified(Box::new(verified)),
        Err(verdict) => verdict,
    }
}

fn prove(arguments: &VerifyArguments) -> Result<Verified, Verdict> {
    let keys = read_all(&arguments.keys, read_key)?;
    let bundles = read_all(&arguments.bundles, read_bundle)?;
    let verifiers = Verifiers::new(&keys, policy(arguments.allow_development_key))?;
    let (mut batches, mut exits) = (Vec::new(), Vec::new());
    for (path, bundle) in bundles {
        match bundle {
            AnyBundle::Batch(bundle) => batches.push((path, bundle)),
            AnyBundle::Exit(bundle) => exits.push((path, bundle)),
        }
    }
    if let Some(expected) = arguments.rollup_id {
        let batches = batches
            .iter()
            .map(|(path, bundle)| (*path, bundle.facts.rollup_id));
        let exits = exits.iter().map(|(path, bundle)| (*path, bundle.facts.rollup_id));
        for (path, got) in batches.chain(exits) {
            if got != expected {
                return Err(Verdict::invalid(path, &OtherRollup { got, expected }, None));
            }
        }
    }
    let what = match exits.first() {
        None => verifiers.batches(batches, arguments)?,
        Some((path, _)) if !batches.is_empty() => {
            return Err(Verdict::misused(
                path,
                "an exit among batches: verify exits by themselves",
            ));
        }
        Some((path, _)) if arguments.chain || arguments.queue.is_some() => {
            return Err(Verdict::misused(
                path,
                "an exit: --chain and --queue are for batches",
            ));
        }
        Some(_) => verifiers.exits(&exits)?,
    };
    let development_key = keys
        .iter()
        .any(|(_, key)| key.provenance() == Provenance::Development);
    Ok(Verified {
        what,
        development_key,
    })
}

pub(crate) fn policy(allow_development_key: bool) -> DevelopmentKeys {
    if allow_development_key {
        DevelopmentKeys::Accept
    } else {
        DevelopmentKeys::Refuse
    }
}

/// The given keys, made ready.
struct Verifiers {
    batches: Vec<Verifier>,
    exits: Vec<ExitVerifier>,
    /// The first key, of either circuit: a bundle of no given key is refused in its name.
    first: KeyId,
}

impl Verifiers {
    fn new(keys: &[(&Path, Key)], policy: DevelopmentKeys) -> Result<Self, Verdict> {
        let (mut batches, mut exits) = (Vec::new(), Vec::new());
        for (path, key) in keys {
            let refused = |error: VerifyError| Verdict::invalid(path, &error, hint(&error));
            match key {
                Key::Batch(key) => batches.push(Verifier::new(key, policy).map_err(refused)?),
                Key::Exit(key) => exits.push(ExitVerifier::new(key, policy).map_err(refused)?),
            }
        }
        // There is a key: the arguments require one.
        let first = keys.first().map_or(KeyId([0; 32]), |(_, key)| key.key_id());
        Ok(Self {
            batches,
            exits,
            first,
        })
    }

    fn mismatch(&self, path: &Path, got: KeyId) -> Verdict {
        let expected = self.first;
        let error = VerifyError::KeyMismatch { got, expected };
        Verdict::invalid(path, &error, hint(&error))
    }

    fn batches(
        &self,
        mut bundles: Vec<(&Path, Bundle)>,
        arguments: &VerifyArguments,
    ) -> Result<Proved, Verdict> {
        if arguments.chain {
            bundles.sort_by_key(|(_, bundle)| bundle.facts.batch_number);
        }
        let mut items = Vec::with_capacity(bundles.len());
        for (path, bundle) in &bundles {
            let own = self
                .batches
                .iter()
                .find(|verifier| *verifier.key_id() == bundle.key_id);
            items.push((own.ok_or_else(|| self.mismatch(path, bundle.key_id))?, bundle));
        }
        let path = |index: usize| bundles.get(index).map_or(Path::new(""), |(path, _)| *path);
        verify_batch(&items).map_err(|error| match error {
            BatchError::Item { index, source } => Verdict::invalid(path(index), &source, hint(&source)),
            other => Verdict::invalid(path(0), &other, None),
        })?;
        let list = bundles.iter().map(|(_, bundle)| bundle).collect::<Vec<_>>();
        if arguments.chain {
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
            [first, .., last] if arguments.chain => Some((&first.facts, &last.facts)),
            [only] => Some((&only.facts, &only.facts)),
            _ => None,
        };
        match (arguments.queue, ends) {
            (Some(expected), Some((first, _))) if first.queue != expected => {
                let error = QueueStart {
                    got: first.queue,
                    expected,
                };
                return Err(Verdict::invalid(path(0), &error, Some(QUEUE_HINT)));
            }
            (Some(_), None) => {
                return Err(Verdict::misused(
                    path(0),
                    "--queue needs --chain where there are several bundles",
                ));
            }
            _ => {}
        }
        Ok(Proved::Batches {
            counts: Counts::of(list.iter().map(|bundle| &bundle.facts)),
            rollup_id: rollup_of(&list),
            bundles: list.len(),
            ends: ends.map(|(first, last)| Ends::of(first, last)),
        })
    }

    fn exits(&self, bundles: &[(&Path, ExitBundle)]) -> Result<Proved, Verdict> {
        for (path, bundle) in bundles {
            self.exits
                .iter()
                .find(|verifier| *verifier.key_id() == bundle.key_id)
                .ok_or_else(|| self.mismatch(path, bundle.key_id))?
                .verify(bundle)
                .map_err(|error| Verdict::invalid(path, &error, hint(&error)))?;
        }
        Ok(Proved::Exits(
            bundles.iter().map(|(_, bundle)| bundle.facts).collect(),
        ))
    }
}

/// A bundle is of another rollup than the caller's.
#[derive(Debug)]
struct OtherRollup {
    got: [u8; 32],
    expected: [u8; 32],
}

impl fmt::Display for OtherRollup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (got, expected) = (to_hex(&self.got), to_hex(&self.expected));
        write!(f, "bundle is of rollup {got}, not of {expected}")
    }
}

impl std::error::Error for OtherRollup {}

const QUEUE_HINT: &str =
    "take the hash from the root chain's contract, and every bundle since the batch that it is of";

/// The first bundle does not start where the caller says that the queue is.
#[derive(Debug)]
struct QueueStart {
    got: [u8; 32],
    expected: [u8; 32],
}

impl fmt::Display for QueueStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (got, expected) = (to_hex(&self.got), to_hex(&self.expected));
        write!(
            f,
            "first bundle starts from queue hash {got}, not from {expected}"
        )
    }
}

impl std::error::Error for QueueStart {}

/// The rollup that all bundles are of, if it is one.
fn rollup_of(bundles: &[&Bundle]) -> Option<String> {
    let mut ids = bundles.iter().map(|bundle| bundle.facts.rollup_id);
    let first = ids.next()?;
    ids.all(|id| id == first).then(|| to_hex(&first))
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
