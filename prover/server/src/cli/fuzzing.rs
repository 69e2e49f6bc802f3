//! Private decoders for the fuzz targets, behind the feature `fuzzing`. Nothing else may use it.

use std::path::Path;

use quittance_circuits::leaf::Leaf;
use quittance_circuits::types::AccountIndex;
use quittance_proto::v1;

use super::operation_json::{self, PriorityEntry, PriorityJson, SignedJson};
use super::{CliError, genesis};

/// Reads the text of an accounts file, whose format is taken from its name.
pub fn genesis(path: &Path, text: &str) -> Result<Vec<(AccountIndex, Leaf)>, CliError> {
    genesis::leaves(&genesis::parse(path, text)?)
}

/// Reads signed operations from a JSON text.
pub fn operations(text: &str) -> Result<Vec<v1::SignedOperation>, CliError> {
    operation_json::read_signed("input", text)
}

/// An operation as `quittance sign` prints it.
#[must_use]
pub fn operation_text(message: &v1::SignedOperation) -> String {
    serde_json::to_string(&SignedJson::from_proto(message)).unwrap_or_default()
}

/// Reads operations of the root chain from a JSON text; those without an index follow `next`.
pub fn priority(text: &str, next: u64) -> Result<Vec<v1::PriorityOperation>, CliError> {
    let entries = operation_json::read_priority("input", text)?;
    let convert = |(next, entry): (u64, PriorityEntry)| entry.into_message(next);
    Ok((next..).zip(entries).map(convert).collect())
}

/// An operation as `quittance priority` prints it.
#[must_use]
pub fn priority_text(message: &v1::PriorityOperation) -> String {
    serde_json::to_string(&PriorityJson::from_proto(message)).unwrap_or_default()
}
