//! The `quittance` command.

use std::process::ExitCode;

use clap::Parser;
use quittance::cli::{self, CliError, args::Arguments, output};

fn main() -> ExitCode {
    let (json, result) = match Arguments::try_parse() {
        Ok(arguments) => (arguments.json, cli::run(arguments)),
        Err(error) => {
            // What was typed is all that is known.
            let json = std::env::args_os().any(|argument| argument == "--json");
            if !json || !error.use_stderr() {
                error.exit();
            }
            (json, Err(CliError::from(error)))
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let report = error.report(json);
            if !report.is_empty() {
                output::note(report);
            }
            ExitCode::from(error.exit().code())
        }
    }
}
