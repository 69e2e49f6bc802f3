//! Private decoders for the fuzz targets, behind the feature `fuzzing`. Nothing else may use it.

use std::path::Path;

use quittance_circuits::leaf::Leaf;
use quittance_circuits::types::AccountIndex;
use quittance_proto::v1;

use super::{CliError, genesis, transfer_json};

/// Reads the text of an accounts file, whose format is taken from its name.
pub fn genesis(path: &Path, text: &str) -> Result<Vec<(AccountIndex, Leaf)>, CliError> {
    genesis::leaves(&genesis::parse(path, text)?)
}

/// Reads signed transfers from a JSON text.
pub fn transfers(text: &str) -> Result<Vec<v1::SignedTransfer>, CliError> {
    transfer_json::read("input", text)
}

/// A transfer as `quittance sign` prints it.
#[must_use]
pub fn transfer_text(message: &v1::SignedTransfer) -> String {
    serde_json::to_string(&transfer_json::TransferJson::from_proto(message)).unwrap_or_default()
}
