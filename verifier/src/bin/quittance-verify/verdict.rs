//! What the command says in the end: one line, details, an exit code.

use std::path::Path;
use std::process::ExitCode;
use std::{fmt, io};

use quittance_verifier::VerifyError;
use serde_json::{Value, json};

/// What the command found out.
pub(crate) enum Verdict {
    Verified(Summary),
    Exported(Exported),
    Invalid {
        file: String,
        reason: String,
        hint: Option<&'static str>,
    },
    Unreadable {
        file: String,
        reason: String,
    },
    Unwritable {
        file: String,
        reason: String,
        hint: &'static str,
    },
}

pub(crate) struct Summary {
    pub(crate) transfers: usize,
    pub(crate) bundles: usize,
    pub(crate) development_key: bool,
    /// None for several bundles that were not checked as a chain: then they have no ends.
    pub(crate) ends: Option<Ends>,
}

pub(crate) struct Exported {
    pub(crate) transfers: usize,
    pub(crate) development_key: bool,
    pub(crate) key_id: String,
    pub(crate) ends: Ends,
    /// Paths of the files, in the order in which they were written.
    pub(crate) files: Vec<String>,
}

pub(crate) struct Ends {
    pub(crate) first_batch: u32,
    pub(crate) last_batch: u32,
    pub(crate) old_root: String,
    pub(crate) new_root: String,
}

impl fmt::Display for Ends {
    /// `batch B, 0xOLD -> 0xNEW`, or `batches A..B, …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            first_batch,
            last_batch,
            old_root,
            new_root,
        } = self;
        if first_batch == last_batch {
            write!(f, "batch {first_batch}, {old_root} -> {new_root}")
        } else {
            write!(f, "batches {first_batch}..{last_batch}, {old_root} -> {new_root}")
        }
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
            Self::Verified(_) | Self::Exported(_) => ExitCode::SUCCESS,
            Self::Invalid { .. } => ExitCode::from(1),
            Self::Unreadable { .. } | Self::Unwritable { .. } => ExitCode::from(2),
        }
    }

    /// The line for people.
    pub(crate) fn to_line(&self) -> String {
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
            }) => format!("verified: {transfers} transfers, {ends}"),
            Self::Exported(Exported { transfers, ends, .. }) => {
                format!("exported: {transfers} transfers, {ends}")
            }
            Self::Invalid { reason, .. } => format!("invalid: {reason}"),
            Self::Unreadable { reason, .. } => format!("unreadable: {reason}"),
            Self::Unwritable { reason, .. } => format!("unwritable: {reason}"),
        }
    }

    /// The line for programs.
    pub(crate) fn to_json(&self) -> Value {
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
            Self::Exported(Exported {
                transfers,
                development_key,
                key_id,
                ends,
                files,
            }) => json!({
                "status": "exported",
                "development_key": development_key,
                "transfers": transfers,
                "batch": ends.first_batch,
                "old_root": ends.old_root,
                "new_root": ends.new_root,
                "key_id": key_id,
                "files": files,
            }),
            Self::Invalid { file, reason, .. } => {
                json!({ "status": "invalid", "file": file, "reason": reason })
            }
            Self::Unreadable { file, reason } => {
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
            Self::Verified(Summary {
                development_key: true,
                ..
            })
            | Self::Exported(Exported {
                development_key: true,
                ..
            }) => {
                vec!["note: a development key was allowed: whoever made it can forge proofs".to_owned()]
            }
            Self::Verified(_) | Self::Exported(_) => Vec::new(),
            Self::Invalid { file, reason, hint } => with_next(file, reason, hint.unwrap_or(INVALID)),
            Self::Unwritable { file, reason, hint } => with_next(file, reason, hint),
            Self::Unreadable { file, reason } if file.is_empty() => vec![format!("{file}: {reason}")],
            Self::Unreadable { file, reason } => with_next(file, reason, UNREADABLE),
        }
    }
}

/// What to do about a file that is no key and no bundle.
const UNREADABLE: &str =
    "check the path, and that the file came whole from whoever made it: keys by --vk, bundles after them";

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
