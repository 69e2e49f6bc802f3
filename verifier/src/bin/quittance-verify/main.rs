//! `quittance-verify`: says whether proof bundles prove what they claim. Needs no network and no service.

#![forbid(unsafe_code)]

mod arguments;
mod counts;
mod export;
mod files;
mod judge;
mod verdict;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};
use crate::verdict::Verdict;

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
                hint: "",
            };
            print(&verdict, std::env::args_os().any(|argument| argument == "--json"));
            return verdict.exit_code();
        }
    };
    let verdict = match &arguments.command {
        Some(Command::Export(arguments)) => export::export(arguments),
        None => judge::judge(&arguments.verify),
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
