//! Arguments of `priority`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ServerArgs;

/// Arguments of `priority`.
#[derive(Clone, Debug, Args)]
pub struct PriorityArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: PriorityCommand,
}

/// What to do with operations of the root chain.
#[derive(Clone, Debug, Subcommand)]
pub enum PriorityCommand {
    /// Print a deposit as one line of JSON.
    Deposit(DepositArgs),
    /// Print a forced exit as one line of JSON.
    Exit(ForcedExitArgs),
    /// Send deposits and forced exits, in the root chain's order.
    Submit(PrioritySubmitArgs),
    /// Show how far the root chain's queue has come.
    Status(PriorityStatusArgs),
}

/// Arguments of `priority deposit`.
#[derive(Clone, Debug, Args)]
pub struct DepositArgs {
    /// Leaf: one with this token, or an empty one at or above 2^31 (in a tree of 16 levels), which is opened.
    #[arg(long, value_name = "INDEX")]
    pub leaf: u32,
    /// Token.
    #[arg(long, value_name = "TOKEN")]
    pub token: u32,
    /// Amount in the token's smallest unit, decimal.
    #[arg(long, value_name = "DECIMAL")]
    pub amount: String,
    /// Root-chain address to which exits of a new account are paid: 0x and 40 hex digits.
    #[arg(long, value_name = "HEX")]
    pub owner: String,
    /// Public key of a new account, as keygen prints it.
    #[arg(long, value_name = "HEX")]
    pub key: String,
    /// Place in the root chain's queue. Without it, `priority submit --append` gives it the next one.
    #[arg(long, value_name = "N")]
    pub index: Option<u64>,
}

/// Arguments of `priority exit`.
#[derive(Clone, Debug, Args)]
pub struct ForcedExitArgs {
    /// Leaf whose whole balance is to be paid to its owner.
    #[arg(long, value_name = "INDEX")]
    pub leaf: u32,
    /// Root-chain address that asks for it: 0x and 40 hex digits. Only the owner's request pays.
    #[arg(long, value_name = "HEX")]
    pub caller: String,
    /// Place in the root chain's queue. Without it, `priority submit --append` gives it the next one.
    #[arg(long, value_name = "N")]
    pub index: Option<u64>,
}

/// Arguments of `priority submit`.
#[derive(Clone, Debug, Args)]
pub struct PrioritySubmitArgs {
    /// Deposits and forced exits with their indices: a JSON array, or one JSON object after another. `-` reads standard input.
    /// Sent again, they are the same operations.
    #[arg(value_name = "OPERATIONS_FILE")]
    pub operations: PathBuf,
    /// For operations without indices, when nobody watches a root chain: put each at the queue's end. Sent again, they are entered
    /// again.
    #[arg(long)]
    pub append: bool,
    /// Wait until every operation is proved. --json then gives the same as without, with the state after the wait.
    #[arg(long)]
    pub wait: bool,
    /// Which service.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Arguments of `priority status`.
pub type PriorityStatusArgs = ServerArgs;
