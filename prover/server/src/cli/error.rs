//! How a command ends badly.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

use serde::Serialize;
use tonic_types::{ErrorDetails, StatusExt};

pub(crate) use crate::causes::chain;
use crate::config::ConfigError;
use crate::store::{FILE as STORE_FILE, StoreError};

/// Exit codes of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Something was refused, or is invalid, or failed.
    Refused,
    /// The command was used in a wrong way: arguments, configuration, files that are not there.
    Usage,
    /// Whoever read the output has left. No error.
    PipeClosed,
}

impl Exit {
    /// The code: 0, 1 or 2.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::PipeClosed => 0,
            Self::Refused => 1,
            Self::Usage => 2,
        }
    }
}

/// What went wrong, and what to do next.
#[derive(Debug)]
pub struct CliError {
    exit: Exit,
    message: String,
    next: String,
}

impl CliError {
    /// Refused, invalid or failed.
    pub fn refused(message: impl ToString, next: impl ToString) -> Self {
        Self {
            exit: Exit::Refused,
            message: message.to_string(),
            next: next.to_string(),
        }
    }

    /// Used in a wrong way.
    pub fn usage(message: impl ToString, next: impl ToString) -> Self {
        Self {
            exit: Exit::Usage,
            ..Self::refused(message, next)
        }
    }

    /// A file that cannot be read or written.
    pub fn file(action: &str, path: &Path, error: &io::Error) -> Self {
        let message = format!("cannot {action} {}: {error}", path.display());
        if let Some(next) = disk_trouble(error.kind()) {
            return Self::refused(message, next);
        }
        let next = match error.kind() {
            io::ErrorKind::NotFound => "check the path",
            io::ErrorKind::PermissionDenied => "check who owns the file and its directory",
            io::ErrorKind::AlreadyExists => {
                "choose another name, or move the file away: it is never overwritten"
            }
            _ => "check the disk and the path",
        };
        Self::usage(message, next)
    }

    /// A store that could not be made, opened or changed; the message names its file or its directory.
    pub(super) fn store(directory: &Path, error: StoreError) -> Self {
        let named = matches!(
            error,
            StoreError::Missing { .. }
                | StoreError::Exists { .. }
                | StoreError::InUse { .. }
                | StoreError::Directory { .. }
        );
        let mut error = Self::from(error);
        if !named {
            let file = directory.join(STORE_FILE);
            error.message = format!("{}: {}", file.display(), error.message);
        }
        error
    }

    /// Output that cannot be written.
    pub(super) fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self {
                exit: Exit::PipeClosed,
                message: String::new(),
                next: String::new(),
            };
        }
        Self::refused(format!("cannot write the output: {error}"), "check the disk")
    }

    /// How the process ends.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// The text for stderr, one JSON object if a program reads; empty if there is nothing to say.
    #[must_use]
    pub fn report(&self, json: bool) -> String {
        if self.exit == Exit::PipeClosed {
            return String::new();
        }
        let text = || format!("error: {}\nnext:  {}", self.message, self.next);
        if !json {
            return text();
        }
        let value = JsonError {
            error: &self.message,
            next: &self.next,
        };
        serde_json::to_string(&value).unwrap_or_else(|_| text())
    }
}

/// An error for programs.
#[derive(Serialize)]
struct JsonError<'a> {
    error: &'a str,
    next: &'a str,
}

impl From<clap::Error> for CliError {
    fn from(error: clap::Error) -> Self {
        let text = error.to_string();
        // What is wrong stands before the first empty line; usage follows.
        let problem = text.split("\n\n").next().unwrap_or_default();
        let words: Vec<&str> = problem.split_whitespace().collect();
        let problem = words.join(" ");
        Self::usage(
            problem.strip_prefix("error: ").unwrap_or(&problem),
            "`quittance --help` lists the commands, `quittance COMMAND --help` their arguments",
        )
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        let next = match &error {
            ConfigError::Unreadable { .. } => "check --config and QUITTANCE_CONFIG",
            ConfigError::Malformed { key, .. } if key.is_empty() => {
                "correct the file there; prover/server/README.md lists all keys"
            }
            ConfigError::FeeTooLarge { .. } => "demand a fee that an operation can carry",
            _ => {
                "correct the key in the file, the QUITTANCE_ variable or the flag; prover/server/README.md lists all keys"
            }
        };
        Self::usage(chain(&error), next)
    }
}

/// What to do about a disk that takes no writes; nothing if it is something else.
const fn disk_trouble(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::ReadOnlyFilesystem => {
            Some("the file system is read-only: make it writable, or choose another place")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("there is no space for the file: free disk space, and run the command again")
        }
        io::ErrorKind::FileTooLarge => Some(
            "the file may not grow so large: raise the limit of file sizes (ulimit -f), and run the command again",
        ),
        _ => None,
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        if let Some(next) = error.io().and_then(|error| disk_trouble(error.kind())) {
            return Self::refused(chain(&error), next);
        }
        let next = match &error {
            StoreError::Missing { .. } => {
                "make one with `quittance genesis ACCOUNTS_FILE --store DIR`, or point --store elsewhere"
            }
            StoreError::Exists { .. } => "choose another --store; a store is never overwritten",
            StoreError::InUse { .. } => "stop the other process, or choose another --store",
            StoreError::Directory { .. } => "check who owns the directory and whether its disk is full",
            StoreError::Format { found, expected } if found < expected => {
                "begin a new store with `quittance genesis` and keys with `quittance setup`, or go on with the version that made this one"
            }
            StoreError::Format { .. } => "use the version of quittance that wrote the store, or a newer one",
            StoreError::RollbackAhead { .. } => "name the last batch or an earlier one",
            StoreError::OtherRollup { .. } => {
                "check rollup.chain_id and rollup.contract, or choose another --store"
            }
            StoreError::OtherLevels { .. } => "check rollup.levels (--levels), or choose another --store",
            StoreError::OtherGenesis { .. } => "check rollup.genesis_root, or choose another --store",
            StoreError::State(_) => "correct the accounts",
            error if error.is_corruption() => "the store cannot be trusted: restore it from a copy",
            _ => "check the disk and run the command again",
        };
        let message = chain(&error);
        match error {
            StoreError::Missing { .. }
            | StoreError::Exists { .. }
            | StoreError::Directory { .. }
            | StoreError::OtherRollup { .. }
            | StoreError::OtherLevels { .. }
            | StoreError::OtherGenesis { .. }
            | StoreError::RollbackAhead { .. } => Self::usage(message, next),
            _ => Self::refused(message, next),
        }
    }
}

impl From<tonic::Status> for CliError {
    fn from(status: tonic::Status) -> Self {
        // The service's own statuses come from nothing else.
        if let Some(cause) = status.source() {
            return Self::refused(
                format!("the connection to the service broke: {}", chain(cause)),
                "check that `quittance serve` is running at the address of --server, and run the command again; what was \
                 submitted may have been accepted, which `quittance state` and `quittance operations` show",
            );
        }
        let details = status.get_error_details();
        let mut message = format!(
            "the service refused ({}): {}",
            name(status.code()),
            status.message()
        );
        for violation in details
            .bad_request()
            .map(|bad| &bad.field_violations[..])
            .unwrap_or_default()
        {
            if message.contains(&violation.field) {
                continue;
            }
            if message.contains(&violation.description) {
                let _ = write!(message, " ({})", violation.field);
            } else {
                let _ = write!(message, "; {}: {}", violation.field, violation.description);
            }
        }
        Self::refused(message, advice(status.code(), &details))
    }
}

/// What to do about a status.
fn advice(code: tonic::Code, details: &ErrorDetails) -> String {
    use tonic::Code;
    let text = match code {
        Code::InvalidArgument => "correct the named field and send it again",
        Code::FailedPrecondition => return precondition(details),
        Code::AlreadyExists
            if details
                .error_info()
                .is_some_and(|info| info.reason == "PRIORITY_DIFFERS") =>
        {
            "the root chain's queue has one content: look with `quittance operations` what has this index"
        }
        Code::AlreadyExists => {
            "use another --idempotency-key for another submission; `quittance operation` shows what this one named"
        }
        Code::ResourceExhausted => {
            let quota = details.quota_failure().and_then(|quota| quota.violations.first());
            match quota.map(|violation| violation.subject.as_str()) {
                Some("proving.max_unproved_batches") => "wait until earlier batches are proved",
                Some("batching.max_queued") => {
                    "wait until queued operations are executed; `quittance state` shows how many there are"
                }
                Some("service.max_stream_operations") => "send the others in another stream",
                Some("service.max_watch_streams") => "wait until other watchers have left",
                Some("service.max_message_bytes") => {
                    "send less at a time, or raise service.max_message_bytes of the service"
                }
                Some("fee_slots") => "name fewer fee slots in a batch, or serve a shape that has more",
                Some("shape") => {
                    "send fewer operations or name fewer fee slots in a batch, or serve a shape that has room for all of them"
                }
                _ => "send fewer operations in a batch",
            }
        }
        Code::NotFound => match details.resource_info().map(|info| info.resource_type.as_str()) {
            Some("account") => "check the index; `quittance account --key KEY` lists the accounts of a key",
            Some("batch") => "check the number; `quittance state` shows the last batch",
            Some("operation") => "check the id; `quittance state` shows the last operation",
            _ => "check the name",
        },
        Code::Unavailable => match details.retry_info().and_then(|info| info.retry_delay) {
            Some(delay) => return format!("try again in {} seconds", delay.as_secs().max(1)),
            None => "check that `quittance serve` is running at the address of --server",
        },
        Code::DeadlineExceeded | Code::Cancelled => {
            "look with `quittance state` whether the request was executed before you repeat it"
        }
        Code::DataLoss => {
            "the store cannot be trusted: look at the service's log, and restore it from a copy"
        }
        Code::Unimplemented => "check that --server is a Quittance service of this version",
        _ => "look at the service's log",
    };
    text.to_owned()
}

/// What to do about a state that does not allow it.
fn precondition(details: &ErrorDetails) -> String {
    let info = details.error_info();
    let value = |key: &str| {
        info.and_then(|info| info.metadata.get(key))
            .map_or("", String::as_str)
    };
    let batch = value("batch");
    match (info.map(|info| info.reason.as_str()), value("state")) {
        (Some("ILLEGAL_MOVE"), "proved") => {
            format!("nothing is left to do for a proved batch; `quittance proof {batch}` fetches its proof")
        }
        (Some("ILLEGAL_MOVE"), _) => format!("`quittance resume {batch}` queues its proof again"),
        (Some("NOT_PROVED"), _) => format!("`quittance watch {batch}` waits for the proof"),
        (Some("QUEUE_GAP"), _) => "go on at the next index; `quittance priority status` shows it".to_owned(),
        (Some("FEE_BELOW_MINIMUM"), _) => {
            "sign it again with a higher fee; `quittance policy` shows the least one".to_owned()
        }
        _ => "look at the state (quittance state, quittance account) and try again".to_owned(),
    }
}

fn name(code: tonic::Code) -> &'static str {
    use tonic::Code;
    match code {
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::NotFound => "NOT_FOUND",
        Code::Unavailable => "UNAVAILABLE",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::DataLoss => "DATA_LOSS",
        Code::Internal => "INTERNAL",
        Code::Cancelled => "CANCELLED",
        Code::Unimplemented => "UNIMPLEMENTED",
        _ => "UNKNOWN",
    }
}
