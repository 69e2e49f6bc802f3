//! Exit bundles as JSON objects.

use alloc::{borrow::ToOwned, string::String, string::ToString};
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use super::object::Object;
use super::proof::ProofDocument;
use super::values::{decimal, fr, word_below_2_248};
use super::{JsonError, write};
use crate::encoding::{fr_to_bytes_be, from_hex, to_hex};
use crate::{DecodeError, ExitBundle, ExitFacts, KeyId, exit_elements};

/// The value of an exit bundle's field `format`.
pub const EXIT_FORMAT: &str = "quittance-exit";

/// Writes an exit bundle as indented JSON with a final newline.
///
/// # Errors
/// [`JsonError::Statement`] for facts out of range, which have no encoding.
pub fn exit_to_json(bundle: &ExitBundle) -> Result<String, JsonError> {
    exit_elements(&bundle.facts).map_err(JsonError::Statement)?;
    write(&ExitDocument {
        format: EXIT_FORMAT.to_owned(),
        version: ExitBundle::VERSION,
        key_id: bundle.key_id.to_string(),
        facts: Object(ExitFactsDocument::from(&bundle.facts)),
        h: to_hex(&fr_to_bytes_be(&bundle.h)),
        proof: Object(ProofDocument::from(&bundle.proof)),
    })
}

/// Reads an exit bundle from JSON. White space and the order of fields are free, nothing else is.
///
/// # Errors
/// [`JsonError`] for anything that [`exit_to_json`] could not have written.
pub fn exit_from_json(text: &[u8]) -> Result<ExitBundle, JsonError> {
    let Object(document) = serde_json::from_slice::<Object<ExitDocument>>(text).map_err(JsonError::Syntax)?;
    document.decode().map_err(JsonError::Value)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExitDocument {
    format: String,
    version: u32,
    key_id: String,
    facts: Object<ExitFactsDocument>,
    h: String,
    proof: Object<ProofDocument>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExitFactsDocument {
    rollup_id: String,
    root: String,
    leaf: u32,
    token: u32,
    balance: String,
    owner: String,
}

impl ExitDocument {
    fn decode(&self) -> Result<ExitBundle, DecodeError> {
        if self.format != EXIT_FORMAT {
            return Err(DecodeError::Format { field: "exit bundle" });
        }
        if self.version != ExitBundle::VERSION {
            return Err(DecodeError::Version {
                got: self.version,
                expected: ExitBundle::VERSION,
            });
        }
        Ok(ExitBundle {
            key_id: KeyId::from_str(&self.key_id)?,
            facts: self.facts.0.decode()?,
            h: fr(&self.h, "h")?,
            proof: self.proof.0.decode()?,
        })
    }
}

impl From<&ExitFacts> for ExitFactsDocument {
    fn from(facts: &ExitFacts) -> Self {
        Self {
            rollup_id: to_hex(&facts.rollup_id),
            root: to_hex(&fr_to_bytes_be(&facts.root)),
            leaf: facts.leaf,
            token: facts.token,
            balance: facts.balance.to_string(),
            owner: to_hex(&facts.owner),
        }
    }
}

impl ExitFactsDocument {
    fn decode(&self) -> Result<ExitFacts, DecodeError> {
        Ok(ExitFacts {
            rollup_id: word_below_2_248(&self.rollup_id, "rollup_id", DecodeError::RollupIdOutOfRange)?,
            root: fr(&self.root, "root")?,
            leaf: self.leaf,
            token: self.token,
            balance: decimal(&self.balance, "balance")?,
            owner: from_hex(&self.owner, "owner")?,
        })
    }
}
