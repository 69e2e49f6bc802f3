//! This program, started again: with other settings, or so that nothing else is in its memory.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use quittance_engine::Backend;
use serde::de::DeserializeOwned;

use super::super::args::BackendArg;
use super::super::{CliError, error, interrupt};

/// Makes this process one that uses `backend`: starts this program again, in this process, with the variable set by which
/// the engine chooses.
pub(super) fn with_backend(backend: Option<BackendArg>) -> Result<(), CliError> {
    let Some(backend) = backend else {
        return Ok(());
    };
    if std::env::var_os(Backend::VARIABLE).is_some_and(|set| set == backend.name()) {
        return Ok(());
    }
    let mut command = this_program()?;
    command
        .args(std::env::args_os().skip(1))
        .env(Backend::VARIABLE, backend.name());
    Err(replace(command))
}

#[cfg(unix)]
fn replace(mut command: Command) -> CliError {
    use std::os::unix::process::CommandExt as _;
    cannot_start(&command.exec())
}

#[cfg(not(unix))]
fn replace(_: Command) -> CliError {
    CliError::usage(
        "this system cannot start a program in place of another",
        format!(
            "set {} in the environment instead of --backend",
            Backend::VARIABLE
        ),
    )
}

/// The backend of this process.
pub(super) fn backend() -> Result<Backend, CliError> {
    Backend::detect().map_err(|error| {
        CliError::usage(
            error::chain(&error),
            format!(
                "set --backend or {} to one that runs here: {}",
                Backend::VARIABLE,
                available().join(", ")
            ),
        )
    })
}

/// The backends that run here, by name.
fn available() -> Vec<&'static str> {
    Backend::available().into_iter().map(Backend::name).collect()
}

/// This program with nothing on its standard input.
pub(super) fn this_program() -> Result<Command, CliError> {
    let program = std::env::current_exe().map_err(|error| cannot_start(&error))?;
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    Ok(command)
}

/// Adds `--threads` if somebody asked for a number.
pub(super) fn with_threads(command: &mut Command, threads: Option<impl ToString>) {
    if let Some(threads) = threads {
        command.args([OsStr::new("--threads"), OsStr::new(&threads.to_string())]);
    }
}

/// Runs the command to its end and reads the JSON that it prints; its notes go to this process' stderr.
pub(super) fn json<T: DeserializeOwned>(mut command: Command, what: &str) -> Result<T, CliError> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| cannot_start(&error))?;
    interrupt::follow(output.status);
    serde_json::from_slice(&output.stdout)
        .map_err(|_| CliError::refused(format!("{what} could not be measured"), "see the messages above"))
}

/// Runs the command to its end and drops what it prints; whether it went well.
pub(super) fn succeeds(mut command: Command) -> Result<bool, CliError> {
    let status = command
        .stdout(Stdio::null())
        .status()
        .map_err(|error| cannot_start(&error))?;
    interrupt::follow(status);
    Ok(status.success())
}

fn cannot_start(error: &dyn std::error::Error) -> CliError {
    CliError::refused(
        format!("this program cannot start itself: {}", error::chain(error)),
        "run it from a place where it is executable",
    )
}
