//! `quittance bench`: proves and measures, real batches, synthetic circuits and the parts of a proof, also beside other
//! libraries.

mod batches;
mod columns;
mod execute;
mod full_batch;
mod kernels;
mod process;
mod prove;
mod setup_keys;
mod steps;
mod synthetic_keys;

use super::args::{BenchArgs, BenchCommand};
use super::output::Output;
use super::{CliError, interrupt};

pub(super) fn run(args: &BenchArgs, out: &mut Output) -> Result<(), CliError> {
    process::with_backend(match &args.what {
        None => args.batches.backend,
        Some(BenchCommand::Prove(args)) => args.backend,
        Some(BenchCommand::Setup(args)) => args.backend,
        Some(BenchCommand::Execute(_)) => None,
        Some(BenchCommand::Msm(args) | BenchCommand::Ntt(args)) => args.backend,
    })?;
    interrupt::end_on_signals()?;
    match &args.what {
        None => batches::run(&args.batches, out),
        Some(BenchCommand::Prove(args)) => prove::run(args, out),
        Some(BenchCommand::Setup(args)) => setup_keys::run(args, out),
        Some(BenchCommand::Execute(args)) => execute::run(args, out),
        Some(BenchCommand::Msm(args)) => kernels::msm(args, out),
        Some(BenchCommand::Ntt(args)) => kernels::ntt(args, out),
    }
}
