//! Arguments of commands that read the published history of a rollup.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::{DEFAULT_KEYS, threads};
use crate::encoding::parse_hex;

fn root(text: &str) -> Result<[u8; 32], String> {
    parse_hex(text).ok_or_else(|| "wants 0x and 64 hex digits".to_owned())
}

/// Where the history is: what everybody has who followed the root chain.
#[derive(Clone, Debug, Args)]
pub struct HistoryArgs {
    /// Accounts of the genesis: the file that `quittance genesis` was given.
    #[arg(long, value_name = "ACCOUNTS_FILE")]
    pub genesis: PathBuf,
    /// File of a verifying key from somebody you trust; repeat it if batches are of several shapes.
    #[arg(long = "vk", value_name = "FILE", required = true)]
    pub verifying_keys: Vec<PathBuf>,
    /// Accept keys that were made on one machine, whose owner can forge proofs.
    #[arg(long)]
    pub allow_development_keys: bool,
    /// The root after the last batch, as the root chain's contract has it: 0x and 64 hex digits. A history that ends elsewhere is
    /// refused; without it (and --batches) nobody notices that bundles are missing at the end. A batch may leave the root as it is (a
    /// forced exit without effect): only --batches and --queue notice that such batches are missing at the end, so give them too.
    #[arg(long, value_name = "HEX", value_parser = root)]
    pub root: Option<[u8; 32]>,
    /// The number of batches; a history of more or fewer is refused.
    #[arg(long, value_name = "N")]
    pub batches: Option<u32>,
    /// The hash of the root chain's queue after the last batch, as its contract has it: 0x and 64 hex digits. A history that ends with
    /// another one is refused.
    #[arg(long, value_name = "HASH", value_parser = root)]
    pub queue: Option<[u8; 32]>,
    /// Proof bundles of all batches from the first on, in any order: files, or directories with files named *.bundle.
    #[arg(value_name = "BUNDLE", required = true)]
    pub bundles: Vec<PathBuf>,
}

/// Arguments of `replay`.
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// The history.
    #[command(flatten)]
    pub history: HistoryArgs,
    /// Also write all accounts into this new file, as a JSON array.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
}

/// Arguments of `exit`.
#[derive(Clone, Debug, Args)]
pub struct ExitArgs {
    /// Leaf of the account.
    #[arg(long, value_name = "INDEX")]
    pub account: u32,
    /// The history.
    #[command(flatten)]
    pub history: HistoryArgs,
    /// Directory with the key directory of the exit circuit, as `quittance setup --exit` makes it.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_KEYS)]
    pub keys: PathBuf,
    /// New file for the exit bundle; `-` writes to standard output. With --json the bundle is JSON.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Threads; one for each core if absent.
    #[arg(long, value_name = "1-256", value_parser = threads)]
    pub threads: Option<NonZeroUsize>,
}
