//! Arguments of `submit`, `operations` and `operation`.

use std::path::PathBuf;

use clap::Args;

use super::ServerArgs;

/// Arguments of `submit`.
#[derive(Clone, Debug, Args)]
pub struct SubmitArgs {
    /// Signed operations of any kind: a JSON array, or one JSON object after another. `-` reads standard input.
    #[arg(value_name = "OPERATIONS_FILE")]
    pub operations: PathBuf,
    /// Fee slot as LEAF:TOKEN; may be repeated. Without it the service's own fee leaves are used.
    #[arg(long = "fee-slot", value_name = "LEAF:TOKEN")]
    pub fee_slots: Vec<String>,
    /// Send each operation by itself, in order; the service puts them into batches.
    #[arg(long, conflicts_with = "fee_slots")]
    pub single: bool,
    /// Name this submission, 1 to 64 bytes: repeating it under the same key gives the first one's result. With --single each
    /// operation has a key of its own, KEY-0, KEY-1 and so on by its place in the file, which have to be 64 bytes at most.
    #[arg(long, value_name = "KEY", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub idempotency_key: Option<String>,
    /// Wait until the batch is proved; with --single, until every operation is. --json then gives the same as without, with
    /// the state after the wait.
    #[arg(long)]
    pub wait: bool,
    /// Which service.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Arguments of `operations`.
#[derive(Clone, Debug, Args)]
pub struct OperationsArgs {
    /// Only operations that change this account, fees aside.
    #[arg(long, value_name = "INDEX")]
    pub account: Option<u32>,
    /// Only what stands there.
    #[arg(long, value_name = "STATE")]
    pub state: Option<OperationStateArg>,
    /// The newest first.
    #[arg(long)]
    pub newest_first: bool,
    /// Most operations to show; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: u64,
    /// Which service.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Where an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum OperationStateArg {
    /// Accepted; it waits for its batch.
    Queued,
    /// Part of a batch.
    Executed,
    /// It broke a rule when its batch was made.
    Rejected,
}

/// Arguments of `operation`.
#[derive(Clone, Debug, Args)]
pub struct OperationArgs {
    /// Id of the operation.
    #[arg(value_name = "ID")]
    pub id: u64,
    /// Follow it until its batch is proved.
    #[arg(long)]
    pub watch: bool,
    /// Which service.
    #[command(flatten)]
    pub server: ServerArgs,
}
