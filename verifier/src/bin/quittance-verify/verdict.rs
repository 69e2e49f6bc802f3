//! What the command says in the end: one line, details, an exit code.

use std::path::Path;
use std::process::ExitCode;
use std::{fmt, io};

use quittance_verifier::encoding::{fr_to_bytes_be, to_hex};
use quittance_verifier::{ExitFacts, Facts, VerifyError};
use serde_json::{Map, Value, json};

use crate::counts::Counts;

/// What the command found out.
pub(crate) enum Verdict {
    Verified(Box<Verified>),
    Exported {
        verified: Box<Verified>,
        key_id: String,
        /// Paths of the files, in the order in which they were written.
        files: Vec<String>,
    },
    Invalid {
        file: String,
        reason: String,
        hint: Option<&'static str>,
    },
    Unreadable {
        file: String,
        reason: String,
        hint: &'static str,
    },
    Unwritable {
        file: String,
        reason: String,
        hint: &'static str,
    },
}

pub(crate) struct Verified {
    pub(crate) what: Proved,
    pub(crate) development_key: bool,
}

/// What was proved.
pub(crate) enum Proved {
    Batches {
        counts: Counts,
        bundles: usize,
        /// None for bundles of several rollups.
        rollup_id: Option<String>,
        /// None for several bundles that were not checked as a chain: then they have no ends.
        ends: Option<Ends>,
    },
    Exits(Vec<ExitFacts>),
}

/// Where a batch or a chain of batches starts and ends.
pub(crate) struct Ends {
    first_batch: u32,
    last_batch: u32,
    old_root: String,
    new_root: String,
    queue: String,
    queue_after: String,
}

impl Ends {
    pub(crate) fn of(first: &Facts, last: &Facts) -> Self {
        Self {
            first_batch: first.batch_number,
            last_batch: last.batch_number,
            old_root: to_hex(&fr_to_bytes_be(&first.old_root)),
            new_root: to_hex(&fr_to_bytes_be(&last.new_root)),
            queue: to_hex(&first.queue),
            queue_after: to_hex(&last.queue_after()),
        }
    }
}

impl fmt::Display for Ends {
    /// `batch B, 0xOLD -> 0xNEW`, or `batches A..B, …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            first_batch,
            last_batch,
            old_root,
            new_root,
            ..
        } = self;
        if first_batch == last_batch {
            write!(f, "batch {first_batch}, {old_root} -> {new_root}")
        } else {
            write!(f, "batches {first_batch}..{last_batch}, {old_root} -> {new_root}")
        }
    }
}

impl fmt::Display for Proved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Batches {
                counts,
                ends: Some(ends),
                ..
            } => write!(f, "{counts}, {ends}"),
            Self::Batches {
                counts,
                bundles,
                ends: None,
                ..
            } => write!(f, "{counts}, {bundles} bundles, not checked as a chain"),
            Self::Exits(exits) => match exits.as_slice() {
                [exit] => write!(
                    f,
                    "exit of leaf {}, {} of token {} to {}, root {}",
                    exit.leaf,
                    exit.balance,
                    exit.token,
                    to_hex(&exit.owner),
                    to_hex(&fr_to_bytes_be(&exit.root))
                ),
                exits => write!(f, "{} exits", exits.len()),
            },
        }
    }
}

impl Proved {
    fn to_json(&self) -> Map<String, Value> {
        match self {
            Self::Batches {
                counts,
                bundles,
                rollup_id,
                ends,
            } => {
                let mut fields = counts.to_json();
                let ends = ends.as_ref();
                for (name, value) in [
                    ("bundles", json!(bundles)),
                    ("rollup_id", json!(rollup_id)),
                    ("first_batch", json!(ends.map(|ends| ends.first_batch))),
                    ("last_batch", json!(ends.map(|ends| ends.last_batch))),
                    ("old_root", json!(ends.map(|ends| &ends.old_root))),
                    ("new_root", json!(ends.map(|ends| &ends.new_root))),
                    ("queue", json!(ends.map(|ends| &ends.queue))),
                    ("queue_after", json!(ends.map(|ends| &ends.queue_after))),
                ] {
                    fields.insert(name.to_owned(), value);
                }
                fields
            }
            Self::Exits(exits) => {
                let exits = exits.iter().map(|exit| {
                    json!({
                        "rollup_id": to_hex(&exit.rollup_id),
                        "root": to_hex(&fr_to_bytes_be(&exit.root)),
                        "leaf": exit.leaf,
                        "token": exit.token,
                        "balance": exit.balance.to_string(),
                        "owner": to_hex(&exit.owner),
                    })
                });
                Map::from_iter([("exits".to_owned(), exits.collect())])
            }
        }
    }
}

impl Verified {
    /// The fields of the line for programs.
    fn to_json(&self, status: &str) -> Map<String, Value> {
        let mut fields = self.what.to_json();
        fields.insert("status".to_owned(), json!(status));
        fields.insert("development_key".to_owned(), json!(self.development_key));
        fields
    }
}

impl Verdict {
    pub(crate) fn invalid(path: &Path, error: &dyn std::error::Error, hint: Option<&'static str>) -> Self {
        Self::Invalid {
            file: path.display().to_string(),
            reason: with_sources(error),
            hint,
        }
    }

    pub(crate) fn unreadable(path: &Path, reason: String) -> Self {
        Self::Unreadable {
            file: path.display().to_string(),
            reason,
            hint: UNREADABLE,
        }
    }

    /// A file that is well, where it does not belong.
    pub(crate) fn misused(path: &Path, reason: &str) -> Self {
        Self::Unreadable {
            file: path.display().to_string(),
            reason: reason.to_owned(),
            hint: MISUSED,
        }
    }

    pub(crate) fn unwritable(path: &Path, error: &io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::AlreadyExists => "name another directory with --output, or remove the file first",
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "make room on the disk, or name a directory on another one with --output"
            }
            _ => "name a directory with --output in which files can be made",
        };
        Self::Unwritable {
            file: path.display().to_string(),
            reason: with_sources(error),
            hint,
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Verified(_) | Self::Exported { .. } => ExitCode::SUCCESS,
            Self::Invalid { .. } => ExitCode::from(1),
            Self::Unreadable { .. } | Self::Unwritable { .. } => ExitCode::from(2),
        }
    }

    /// The line for people.
    pub(crate) fn to_line(&self) -> String {
        match self {
            Self::Verified(verified) => format!("verified: {}", verified.what),
            Self::Exported { verified, .. } => format!("exported: {}", verified.what),
            Self::Invalid { reason, .. } => format!("invalid: {reason}"),
            Self::Unreadable { reason, .. } => format!("unreadable: {reason}"),
            Self::Unwritable { reason, .. } => format!("unwritable: {reason}"),
        }
    }

    /// The line for programs.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Verified(verified) => verified.to_json("verified").into(),
            Self::Exported {
                verified,
                key_id,
                files,
            } => {
                let mut fields = verified.to_json("exported");
                // One bundle has one batch.
                fields.remove("bundles");
                fields.remove("last_batch");
                if let Some(batch) = fields.remove("first_batch") {
                    fields.insert("batch".to_owned(), batch);
                }
                fields.insert("key_id".to_owned(), json!(key_id));
                fields.insert("files".to_owned(), json!(files));
                fields.into()
            }
            Self::Invalid { file, reason, .. } => {
                json!({ "status": "invalid", "file": file, "reason": reason })
            }
            Self::Unreadable { file, reason, .. } => {
                json!({ "status": "unreadable", "file": file, "reason": reason })
            }
            Self::Unwritable { file, reason, .. } => {
                json!({ "status": "unwritable", "file": file, "reason": reason })
            }
        }
    }

    /// Lines for standard error.
    pub(crate) fn details(&self) -> Vec<String> {
        match self {
            Self::Verified(verified) | Self::Exported { verified, .. } => {
                let note = "note: a development key was allowed: whoever made it can forge proofs";
                Vec::from_iter(verified.development_key.then(|| note.to_owned()))
            }
            Self::Invalid { file, reason, hint } => with_next(file, reason, hint.unwrap_or(INVALID)),
            Self::Unwritable { file, reason, hint } => with_next(file, reason, hint),
            Self::Unreadable { file, reason, .. } if file.is_empty() => vec![format!("{file}: {reason}")],
            Self::Unreadable { file, reason, hint } => with_next(file, reason, hint),
        }
    }
}

/// What to do about a file that is no key and no bundle.
const UNREADABLE: &str =
    "check the path, and that the file came whole from whoever made it: keys by --vk, bundles after them";

/// What to do about a file that does not belong with the others or the options.
const MISUSED: &str =
    "run the command once for batches and once for exits; --help says which options are for which";

/// What to do about a bundle that proves nothing.
const INVALID: &str = "do not rely on it; ask whoever made it for the right one";

fn with_next(file: &str, reason: &str, next: &str) -> Vec<String> {
    vec![format!("{file}: {reason}"), format!("next:  {next}")]
}

/// What to do about an error, where there is something.
pub(crate) fn hint(error: &VerifyError) -> Option<&'static str> {
    match error {
        VerifyError::DevelopmentKey { .. } => {
            Some("use a key from a ceremony, or pass --allow-development-key for tests and demonstrations")
        }
        VerifyError::TestTree { .. } => {
            Some("use the rollup's key, or pass --allow-development-key for tests and demonstrations")
        }
        VerifyError::KeyMismatch { .. } => Some("pass the verifying key that the bundle names with --vk"),
        _ => None,
    }
}

/// An error and its causes in one line.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
