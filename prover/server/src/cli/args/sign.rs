//! Arguments of `sign`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ServerArgs;

/// Arguments of `sign`.
#[derive(Clone, Debug, Args)]
pub struct SignArgs {
    /// What to sign.
    #[command(subcommand)]
    pub command: SignCommand,
}

/// Kinds of operations that are signed.
#[derive(Clone, Debug, Subcommand)]
pub enum SignCommand {
    /// Sign a transfer to another account.
    Transfer(SignTransferArgs),
    /// Sign an opening: a transfer to an empty leaf, which becomes the account of a new key.
    Open(SignOpeningArgs),
    /// Sign a withdrawal to an address of the root chain.
    Withdraw(SignWithdrawalArgs),
    /// Sign a rotation: a new key, and perhaps a new owner, for an account.
    Rotate(SignRotationArgs),
}

/// What every signature needs.
#[derive(Clone, Debug, Args)]
pub struct SignerArgs {
    /// File with the account's secret key, as keygen writes it.
    #[arg(long, value_name = "FILE")]
    pub secret: PathBuf,
    /// Leaf of the account that signs and pays.
    #[arg(long, value_name = "INDEX")]
    pub from: u32,
    /// Fee in the token's smallest unit, decimal.
    #[arg(long, value_name = "DECIMAL", default_value = "0")]
    pub fee: String,
    /// The account's nonce. Without it the service is asked for the next one, which does not know what is signed and not yet
    /// submitted: give it when several are signed first.
    #[arg(long, value_name = "N")]
    pub nonce: Option<u32>,
    /// Last batch number that may hold the operation.
    #[arg(long, value_name = "BATCH", default_value_t = u32::MAX)]
    pub valid_until: u32,
    /// Rollup id, 0x and 64 hex digits; asked from the service if absent.
    #[arg(long, value_name = "HEX")]
    pub rollup_id: Option<String>,
    /// Which service to ask.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Arguments of `sign transfer`.
#[derive(Clone, Debug, Args)]
pub struct SignTransferArgs {
    /// Recipient's leaf.
    #[arg(long, value_name = "INDEX")]
    pub to: u32,
    /// Amount in the token's smallest unit, decimal.
    #[arg(long, value_name = "DECIMAL")]
    pub amount: String,
    /// Who signs.
    #[command(flatten)]
    pub signer: SignerArgs,
}

/// Arguments of `sign open`.
#[derive(Clone, Debug, Args)]
pub struct SignOpeningArgs {
    /// Leaf to open: empty, and below 2^31 in a tree of 16 levels.
    #[arg(long, value_name = "INDEX")]
    pub to: u32,
    /// Amount in the token's smallest unit, decimal: the new account's balance.
    #[arg(long, value_name = "DECIMAL")]
    pub amount: String,
    /// The new account's public key, as keygen prints it.
    #[arg(long, value_name = "HEX")]
    pub key: String,
    /// Root-chain address to which exits of the new account are paid: 0x and 40 hex digits.
    #[arg(long, value_name = "HEX")]
    pub owner: String,
    /// Who signs.
    #[command(flatten)]
    pub signer: SignerArgs,
}

/// Arguments of `sign withdraw`.
#[derive(Clone, Debug, Args)]
pub struct SignWithdrawalArgs {
    /// Amount in the token's smallest unit, decimal: any below 2^128.
    #[arg(long, value_name = "DECIMAL")]
    pub amount: String,
    /// Root-chain address that is paid: 0x and 40 hex digits.
    #[arg(long, value_name = "HEX")]
    pub address: String,
    /// Who signs.
    #[command(flatten)]
    pub signer: SignerArgs,
}

/// Arguments of `sign rotate`.
#[derive(Clone, Debug, Args)]
pub struct SignRotationArgs {
    /// The new public key, as keygen prints it. --secret is the old key's.
    #[arg(long, value_name = "HEX")]
    pub key: String,
    /// New root-chain address to which exits are paid: 0x and 40 hex digits; the account's own, asked from the service, if absent.
    #[arg(long, value_name = "HEX")]
    pub owner: Option<String>,
    /// Who signs.
    #[command(flatten)]
    pub signer: SignerArgs,
}
