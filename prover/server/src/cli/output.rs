//! The one place where the command writes to stdout and stderr.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;

use super::CliError;

/// Where a command's result goes: text for people, or one JSON value for programs.
pub struct Output {
    to: Box<dyn Write + Send>,
    json: bool,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("json", &self.json)
            .finish_non_exhaustive()
    }
}

impl Output {
    /// Output to stdout.
    #[must_use]
    pub fn stdout(json: bool) -> Self {
        Self {
            to: Box::new(io::stdout()),
            json,
        }
    }

    /// Whether a program reads.
    #[must_use]
    pub const fn is_json(&self) -> bool {
        self.json
    }

    /// One line, whoever reads.
    pub fn line(&mut self, text: impl fmt::Display) -> Result<(), CliError> {
        writeln!(self.to, "{text}")
            .and_then(|()| self.to.flush())
            .map_err(|error| CliError::output(&error))
    }

    /// The result: as JSON if a program reads, else as the text.
    pub fn result(&mut self, value: &impl Serialize, text: impl fmt::Display) -> Result<(), CliError> {
        if self.json {
            let json = serde_json::to_string(value)
                .map_err(|error| CliError::refused(format!("cannot write JSON: {error}"), "report this"))?;
            self.line(json)
        } else {
            self.line(text)
        }
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        self.to
            .write_all(bytes)
            .and_then(|()| self.to.flush())
            .map_err(|error| CliError::output(&error))
    }
}

/// A note for people, on stderr. It has no other place to go if that fails.
pub fn note(text: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{text}");
}
