//! The command line. Each subcommand is one file; what it prints goes through [`output::Output`], and every error says
//! what to do next.

pub mod args;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod output;

mod account;
mod amount;
mod bench;
mod circuits;
mod client;
mod demo;
mod error;
mod exit;
mod files;
mod genesis;
mod history;
mod interrupt;
mod jobs;
mod keygen;
mod operation_json;
mod operations;
mod policy;
mod priority;
mod progress;
mod proof;
mod replay;
mod rollback;
mod sample;
mod section_order;
mod serve;
mod setup;
mod sign;
mod submit;

pub use error::{CliError, Exit};

use args::{Arguments, Command};
use output::Output;
use tokio::signal::unix::{SignalKind, signal};

/// Runs one command to its end.
pub fn run(arguments: Arguments) -> Result<(), CliError> {
    let mut out = Output::stdout(arguments.json);
    outlive_size_limit();
    match arguments.command {
        Command::Setup(args) => setup::run(&args, &mut out),
        Command::Serve(args) => serve::run(&args, &mut out),
        Command::Keygen(args) => keygen::run(&args, &mut out),
        Command::Genesis(args) => genesis::run(&args, &mut out),
        Command::Rollback(args) => rollback::run(&args, &mut out),
        Command::Sign(args) => sign::run(&args, &mut out),
        Command::Submit(args) => submit::run(&args, &mut out),
        Command::Priority(args) => priority::run(&args, &mut out),
        Command::Operations(args) => operations::list(&args, &mut out),
        Command::Operation(args) => operations::one(&args, &mut out),
        Command::Policy(args) => policy::run(&args, &mut out),
        Command::Watch(args) => jobs::watch(&args, &mut out),
        Command::Cancel(args) => jobs::cancel(&args, &mut out),
        Command::Resume(args) => jobs::resume(&args, &mut out),
        Command::Proof(args) => proof::run(&args, &mut out),
        Command::Account(args) => account::run(&args, &mut out),
        Command::State(args) => account::state(&args, &mut out),
        Command::Replay(args) => replay::run(&args, &mut out),
        Command::Exit(args) => exit::run(&args, &mut out),
        Command::Circuits(args) => circuits::run(&args, &mut out),
        Command::Bench(args) => bench::run(&args, &mut out),
        Command::Demo(args) => demo::run(&args, &mut out),
    }
}

/// Makes a write beyond the limit of file sizes (`ulimit -f`) an error like any other: its signal would end the process
/// without a word.
fn outlive_size_limit() {
    // What cannot be had is missed only where the limit strikes.
    if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() {
        let _within = runtime.enter();
        // The handler stays when nobody listens.
        drop(signal(SignalKind::from_raw(
            rustix::process::Signal::XFSZ.as_raw(),
        )));
    }
}
