//! Bundles as JSON, for people and for languages without a binary reader.
//!
//! The same facts as the binary form, under the same names, and read as strictly: unknown, repeated and missing
//! fields are refused, every string has one spelling for each value, and `pubdata` must be what follows from
//! the facts. Wide values are `0x` and lower-case hexadecimal, 32-bit numbers are JSON numbers, an encoded
//! amount or fee is `"<mantissa>e<exponent>"` and any other sum is a decimal string. See `verifier/README.md`.

mod exit;
mod facts;
mod object;
mod proof;
mod values;

use alloc::{borrow::ToOwned, string::String, string::ToString, vec::Vec};
use core::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use self::exit::{EXIT_FORMAT, exit_from_json, exit_to_json};
use self::facts::FactsDocument;
use self::object::Object;
use self::proof::ProofDocument;
use self::values::fr;
use crate::encoding::{fr_to_bytes_be, to_hex};
use crate::{Bundle, DecodeError, KeyId, StatementError, pubdata};

/// The value of the field `format`.
pub const FORMAT: &str = "quittance-bundle";

/// Writes a bundle as indented JSON with a final newline.
///
/// # Errors
/// [`JsonError::Statement`] for facts out of range, which have no encoding.
pub fn to_json(bundle: &Bundle) -> Result<String, JsonError> {
    let Bundle {
        key_id,
        facts,
        h,
        proof,
    } = bundle;
    let words = pubdata(facts).map_err(JsonError::Statement)?;
    write(&Document {
        format: FORMAT.to_owned(),
        version: Bundle::VERSION,
        key_id: key_id.to_string(),
        facts: Object(FactsDocument::from(facts)),
        pubdata: words.iter().map(|word| to_hex(&fr_to_bytes_be(word))).collect(),
        h: to_hex(&fr_to_bytes_be(h)),
        proof: Object(ProofDocument::from(proof)),
    })
}

/// Reads a bundle from JSON. White space and the order of fields are free, nothing else is.
///
/// # Errors
/// [`JsonError`] for anything that [`to_json`] could not have written.
pub fn from_json(text: &[u8]) -> Result<Bundle, JsonError> {
    let Object(document) = serde_json::from_slice::<Object<Document>>(text).map_err(JsonError::Syntax)?;
    let bundle = document.decode().map_err(JsonError::Value)?;
    let words = pubdata(&bundle.facts).map_err(JsonError::Statement)?;
    let equal = words.len() == document.pubdata.len()
        && words
            .iter()
            .zip(&document.pubdata)
            .all(|(word, text)| to_hex(&fr_to_bytes_be(word)) == *text);
    if equal {
        Ok(bundle)
    } else {
        Err(JsonError::PubdataMismatch)
    }
}

fn write(document: &impl Serialize) -> Result<String, JsonError> {
    let mut text = serde_json::to_string_pretty(document).map_err(JsonError::Syntax)?;
    text.push('\n');
    Ok(text)
}

/// Why a text is not a bundle.
#[derive(Debug)]
#[non_exhaustive]
pub enum JsonError {
    /// The text is not JSON with exactly the format's fields and types.
    Syntax(serde_json::Error),
    /// A field's value is not acceptable.
    Value(DecodeError),
    /// The facts are out of range.
    Statement(StatementError),
    /// `pubdata` is not what follows from `facts`.
    PubdataMismatch,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax(_) => "text is not a JSON bundle",
            Self::Value(_) => "a field of the JSON bundle is not acceptable",
            Self::Statement(_) => "facts are out of range",
            Self::PubdataMismatch => "pubdata is not what follows from facts",
        })
    }
}

impl core::error::Error for JsonError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Syntax(source) => Some(source),
            Self::Value(source) => Some(source),
            Self::Statement(source) => Some(source),
            Self::PubdataMismatch => None,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    version: u32,
    key_id: String,
    facts: Object<FactsDocument>,
    pubdata: Vec<String>,
    h: String,
    proof: Object<ProofDocument>,
}

impl Document {
    fn decode(&self) -> Result<Bundle, DecodeError> {
        if self.format != FORMAT {
            return Err(DecodeError::Format {
                field: "proof bundle",
            });
        }
        if self.version != Bundle::VERSION {
            return Err(DecodeError::Version {
                got: self.version,
                expected: Bundle::VERSION,
            });
        }
        Ok(Bundle {
            key_id: KeyId::from_str(&self.key_id)?,
            facts: self.facts.0.decode()?,
            h: fr(&self.h, "h")?,
            proof: self.proof.0.decode()?,
        })
    }
}
