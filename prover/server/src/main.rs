//! The `quittance` command.

use std::process::ExitCode;

use clap::Parser;
use quittance::cli::{self, args::Arguments, output};

fn main() -> ExitCode {
    match cli::run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let report = error.report();
            if !report.is_empty() {
                output::note(report.trim_end());
            }
            ExitCode::from(error.exit().code())
        }
    }
}
