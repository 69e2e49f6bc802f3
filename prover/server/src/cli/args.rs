//! Arguments as they are typed.

mod bench;
mod history;
mod operations;
mod priority;
mod sign;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{MOST_THREADS, Overrides};

pub use self::bench::{
    BackendArg, BatchBenchArgs, BenchArgs, BenchCommand, ExecuteBenchArgs, KernelBenchArgs, ProveBenchArgs,
    RivalArg, SetupBenchArgs,
};
pub use self::history::{ExitArgs, HistoryArgs, ReplayArgs};
pub use self::operations::{OperationArgs, OperationStateArg, OperationsArgs, SubmitArgs};
pub use self::priority::{
    DepositArgs, ForcedExitArgs, PriorityArgs, PriorityCommand, PriorityStatusArgs, PrioritySubmitArgs,
};
pub use self::sign::{
    SignArgs, SignCommand, SignOpeningArgs, SignRotationArgs, SignTransferArgs, SignWithdrawalArgs,
    SignerArgs,
};

/// Where keys are kept unless told otherwise; the same as `keys.directory`'s default.
const DEFAULT_KEYS: &str = "quittance-keys";

/// A number of threads that a machine can have; the same bounds as `proving.threads`.
fn threads(text: &str) -> Result<NonZeroUsize, String> {
    let threads = text.parse().ok().and_then(NonZeroUsize::new);
    threads
        .filter(|threads| *threads <= MOST_THREADS)
        .ok_or_else(|| format!("wants 1 to {MOST_THREADS}"))
}

/// Executes signed operations, proves them in batches, and serves proofs that anyone verifies offline.
#[derive(Debug, Parser)]
#[command(name = "quittance", version, max_term_width = 110)]
pub struct Arguments {
    /// Print JSON for programs instead of text for people.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a development key for a shape.
    Setup(SetupArgs),
    /// Run the service until SIGTERM or SIGINT.
    Serve(ServeArgs),
    /// Make a key pair; the secret goes into a new file that only its owner may read.
    Keygen(KeygenArgs),
    /// Make a new store with accounts from a file.
    Genesis(GenesisArgs),
    /// Take the last batches back and queue their operations again. The service has to be stopped.
    Rollback(RollbackArgs),
    /// Sign an operation and print it as one line of JSON.
    Sign(SignArgs),
    /// Send signed operations of any kind as one batch, or each by itself.
    Submit(SubmitArgs),
    /// Deposits and forced exits, as the watcher of the root chain sends them.
    Priority(PriorityArgs),
    /// List operations: all, or those of an account.
    Operations(OperationsArgs),
    /// Show one operation, or follow it until its batch is proved.
    Operation(OperationArgs),
    /// Show what the operator decided about fees, batches and limits.
    Policy(ServerArgs),
    /// Follow the proof of a batch.
    Watch(WatchArgs),
    /// Stop the work of a batch's proof; the batch stays in the state.
    Cancel(BatchArgs),
    /// Queue the proof of a cancelled or failed batch again.
    Resume(BatchArgs),
    /// Fetch the proof bundle of a batch into a file.
    Proof(ProofArgs),
    /// Show an account, or all accounts of a key.
    Account(AccountArgs),
    /// Show the state root and where the rollup stands.
    State(ServerArgs),
    /// Rebuild the whole state from genesis and proof bundles alone, and compare the root of every batch.
    Replay(ReplayArgs),
    /// Prove what an account holds under the last root, from genesis and proof bundles alone: for when the operator is gone.
    Exit(ExitArgs),
    /// List the shipped circuits with their sizes and what a proof needs on this machine.
    Circuits(CircuitsArgs),
    /// Prove and measure: real batches, synthetic circuits, and the parts of a proof; also beside other libraries.
    Bench(BenchArgs),
    /// The whole path in one process and a temporary directory: keys, accounts, service, transfers, proof, verification.
    Demo(DemoArgs),
}

/// Where the configuration comes from.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigArgs {
    /// Configuration file (TOML).
    #[arg(long, value_name = "FILE", env = crate::config::CONFIG_FILE_VARIABLE)]
    pub config: Option<PathBuf>,
    /// Directory of the store.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
    /// Levels of the state tree; fewer than 16 only with --allow-development-keys.
    #[arg(long, value_name = "1-16")]
    pub levels: Option<u8>,
    /// Accept keys that were made on one machine, and small trees. Never in production.
    #[arg(long)]
    pub allow_development_keys: bool,
}

impl ConfigArgs {
    /// The flags as overrides of the other sources.
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        let mut overrides = Overrides::default();
        overrides.rollup.levels = self.levels;
        overrides.store.directory.clone_from(&self.store);
        overrides.keys.allow_development_keys = self.allow_development_keys.then_some(true);
        overrides
    }
}

/// Arguments of `serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Address and port to listen on; port 0 takes a free one, which is printed.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Directory with the key directories.
    #[arg(long, value_name = "DIR")]
    pub keys: Option<PathBuf>,
    /// Shape to load; may be repeated. Without it, every key in the directory is loaded.
    #[arg(long = "shape", value_name = "NAME")]
    pub shapes: Vec<String>,
    /// Threads of the prover.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Most memory that the process may come to hold for a proof, in bytes; circuits that need more are refused.
    #[arg(long, value_name = "BYTES")]
    pub max_memory: Option<u64>,
    /// Leaf that takes the fees of batches that name no fee slot.
    #[arg(long, value_name = "INDEX")]
    pub fee_leaf: Option<u32>,
    /// Form of log lines on stderr: text or json.
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// What is logged, such as info or info,quittance=debug.
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
}

impl ServeArgs {
    /// The flags as overrides of the other sources.
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        let mut overrides = self.config.overrides();
        overrides.service.listen = self.listen;
        overrides.keys.directory.clone_from(&self.keys);
        overrides.keys.shapes.clone_from(&self.shapes);
        overrides.proving.threads = self.threads;
        overrides.proving.max_memory_bytes = self.max_memory;
        overrides.fees.leaf = self.fee_leaf;
        overrides.log.format.clone_from(&self.log_format);
        overrides.log.filter.clone_from(&self.log);
        overrides
    }
}

/// Arguments of `keygen`.
#[derive(Clone, Debug, Args)]
pub struct KeygenArgs {
    /// New file for the secret key. Never overwritten.
    #[arg(value_name = "SECRET_FILE")]
    pub secret: PathBuf,
}

/// Arguments of `genesis`.
#[derive(Clone, Debug, Args)]
pub struct GenesisArgs {
    /// Accounts, as .json (an array), .toml (tables named account) or .csv (with a header line): key, balance, token, owner
    /// and optionally index.
    #[arg(value_name = "ACCOUNTS_FILE")]
    pub accounts: PathBuf,
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Arguments of `rollback`.
#[derive(Clone, Debug, Args)]
pub struct RollbackArgs {
    /// Number of the batch that is to be the last one; 0 takes all batches back. Proofs of later batches are thrown away.
    #[arg(long, value_name = "BATCH")]
    pub to: u32,
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Which service to talk to.
#[derive(Clone, Debug, Args)]
pub struct ServerArgs {
    /// Address of the service.
    #[arg(
        long,
        value_name = "URL",
        env = "QUITTANCE_SERVER",
        default_value = "http://127.0.0.1:50051"
    )]
    pub server: String,
}

/// Arguments of `watch`.
#[derive(Clone, Debug, Args)]
pub struct WatchArgs {
    /// Batch number.
    #[arg(value_name = "BATCH")]
    pub number: u32,
    /// Which service.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Arguments of `cancel` and `resume`.
pub type BatchArgs = WatchArgs;

/// Arguments of `proof`.
#[derive(Clone, Debug, Args)]
pub struct ProofArgs {
    /// Batch number.
    #[arg(value_name = "BATCH")]
    pub number: u32,
    /// New file for the bundle; `-` writes to standard output. With --json the bundle is JSON.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Also fetch the verifying key into this new file. Verify only with a key from somebody you trust.
    #[arg(long, value_name = "FILE")]
    pub verifying_key: Option<PathBuf>,
    /// Which service.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Arguments of `account`.
#[derive(Clone, Debug, Args)]
#[group(skip)]
pub struct AccountArgs {
    /// Leaf of the account.
    #[arg(value_name = "INDEX", required_unless_present = "key", conflicts_with = "key")]
    pub index: Option<u32>,
    /// Public key: 0x, 64 hex digits of x, 64 hex digits of y.
    #[arg(long, value_name = "HEX")]
    pub key: Option<String>,
    /// Also show the authentication path.
    #[arg(long)]
    pub path: bool,
    /// Which service.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Arguments of `setup`.
#[derive(Clone, Debug, Args)]
pub struct SetupArgs {
    /// Shape, such as t2f1; may be repeated. `quittance circuits` lists the shipped ones. Without it (and without --exit)
    /// p1o1t2w1r1f1, the smallest that proves every kind of operation.
    #[arg(long = "shape", value_name = "NAME")]
    pub shapes: Vec<String>,
    /// Also make a key of the circuit that proves single accounts in an emergency; the same as --shape exit.
    #[arg(long)]
    pub exit: bool,
    /// Directory for the key directories; a valid key that is there is kept.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_KEYS)]
    pub keys: PathBuf,
    /// Threads; one for each core if absent.
    #[arg(long, value_name = "1-256", value_parser = threads)]
    pub threads: Option<NonZeroUsize>,
}

/// Arguments of `circuits`.
#[derive(Clone, Debug, Args)]
pub struct CircuitsArgs {
    /// Threads that proofs will have; one for each core if absent.
    #[arg(long, value_name = "1-256", value_parser = threads)]
    pub threads: Option<NonZeroUsize>,
    /// Most memory that a process may come to hold for a proof, in bytes; what the system allows if absent.
    #[arg(long, value_name = "BYTES")]
    pub max_memory: Option<u64>,
}

/// Arguments of `demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Shape to prove with.
    #[arg(long, value_name = "NAME", default_value = "t2f1")]
    pub shape: String,
    /// Directory for the key, which is then kept for the next time.
    #[arg(long, value_name = "DIR")]
    pub keys: Option<PathBuf>,
}
