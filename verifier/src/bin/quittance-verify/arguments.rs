//! Arguments as they are typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use quittance_verifier::encoding::from_hex;

/// Verify proof bundles of a Quittance rollup, offline.
///
/// The verifying key comes from you, never from a bundle: get it from a source that you trust.
/// Bundles are of batches or of exits, binary or JSON. One line on standard output says the verdict, standard error says more.
#[derive(Parser, Debug)]
#[command(name = "quittance-verify", version, after_help = EXIT_CODES)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) verify: VerifyArguments,
}

#[derive(Args, Debug)]
pub(crate) struct VerifyArguments {
    /// File of a verifying key; repeat it if bundles are of several keys
    #[arg(long = "vk", value_name = "FILE", required = true)]
    pub(crate) keys: Vec<PathBuf>,

    /// Accept keys made by one machine, whose owner can forge proofs, and keys for trees of fewer than 16 levels, of tests
    #[arg(long)]
    pub(crate) allow_development_key: bool,

    /// Write the verdict as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// Also require that the bundles, sorted by batch number, follow each other without a gap
    #[arg(long)]
    pub(crate) chain: bool,

    /// Also require that the first batch starts from this hash of the root chain's priority queue: 0x and 64 digits
    #[arg(long, value_name = "HASH", value_parser = queue_hash)]
    pub(crate) queue: Option<[u8; 32]>,

    /// Also require that every bundle is of this rollup: 0x and 64 digits, as `quittance state` and the root chain's contract have it
    #[arg(long, value_name = "ID", value_parser = rollup_id)]
    pub(crate) rollup_id: Option<[u8; 32]>,

    /// Files of proof bundles, all of batches or all of exits; - is standard input
    #[arg(value_name = "BUNDLE", required = true)]
    pub(crate) bundles: Vec<PathBuf>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Verify a bundle and write it as verification_key.json, public.json and proof.json for snarkjs
    #[command(after_help = EXPORT_EXIT_CODES)]
    Export(ExportArguments),
}

#[derive(Args, Debug)]
pub(crate) struct ExportArguments {
    /// File of the verifying key
    #[arg(long = "vk", value_name = "FILE")]
    pub(crate) key: PathBuf,

    /// Directory for the three files, made if it is not there; files in it are never overwritten
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: PathBuf,

    /// Accept a key made by one machine, whose owner can forge proofs, and one for a tree of fewer than 16 levels, of tests
    #[arg(long)]
    pub(crate) allow_development_key: bool,

    /// Write the verdict as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// File of the proof bundle; - is standard input
    #[arg(value_name = "BUNDLE")]
    pub(crate) bundle: PathBuf,
}

impl Arguments {
    pub(crate) fn json(&self) -> bool {
        match &self.command {
            Some(Command::Export(arguments)) => arguments.json,
            None => self.verify.json,
        }
    }
}

fn queue_hash(text: &str) -> Result<[u8; 32], String> {
    below_2_248(text, "queue")
}

fn rollup_id(text: &str) -> Result<[u8; 32], String> {
    below_2_248(text, "rollup_id")
}

fn below_2_248(text: &str, name: &'static str) -> Result<[u8; 32], String> {
    let number: [u8; 32] = from_hex(text, name).map_err(|error| error.to_string())?;
    match number {
        [0, ..] => Ok(number),
        _ => Err(format!("{name} is at or above 2^248")),
    }
}

const EXIT_CODES: &str = "\
Exit codes:
  0  every bundle is valid
  1  not accepted: a proof does not prove its bundle's facts, a bundle is for another key or rollup, bundles
     do not form a chain or start elsewhere in the queue, or a development key or test tree was not allowed
  2  wrong usage, or an input that cannot be read or decoded: truncated, of another format, or with numbers,
     points or field elements that are out of range, non-canonical, off the curve or off the subgroup";

const EXPORT_EXIT_CODES: &str = "\
Exit codes:
  0  the bundle is valid and the files are written
  1  the bundle is not accepted; nothing was written
  2  wrong usage, an input that cannot be read or decoded, or files that cannot be written";
