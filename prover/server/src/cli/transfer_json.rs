//! Signed transfers in files: one JSON object each, the same fields as in the protocol, bytes as 0x hex.

use quittance_proto::v1;
use serde::{Deserialize, Serialize};

use super::CliError;
use crate::encoding::{parse_hex, to_hex};

/// Most transfers that are read from one file: the largest shape that can exist.
const MAX_TRANSFERS: usize = 65_536;

/// A signed transfer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TransferJson {
    from: u32,
    to: u32,
    amount_float40: u64,
    fee_float16: u32,
    nonce: u32,
    valid_until: u32,
    signature: SignatureJson,
}

/// Its signature; 32 bytes each, big-endian.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureJson {
    r8x: String,
    r8y: String,
    s: String,
}

impl TransferJson {
    /// From a message with a signature.
    pub(super) fn from_proto(message: &v1::SignedTransfer) -> Self {
        let signature = message.signature.clone().unwrap_or_default();
        Self {
            from: message.from,
            to: message.to,
            amount_float40: message.amount_float40,
            fee_float16: message.fee_float16,
            nonce: message.nonce,
            valid_until: message.valid_until,
            signature: SignatureJson {
                r8x: to_hex(&signature.r8x),
                r8y: to_hex(&signature.r8y),
                s: to_hex(&signature.s),
            },
        }
    }

    fn into_proto(self) -> Result<v1::SignedTransfer, String> {
        let bytes = |name: &str, text: &str| {
            parse_hex::<32>(text)
                .map(|bytes| bytes.to_vec())
                .ok_or_else(|| format!("signature.{name} is not 0x and 64 hex digits"))
        };
        Ok(v1::SignedTransfer {
            from: self.from,
            to: self.to,
            amount_float40: self.amount_float40,
            fee_float16: self.fee_float16,
            nonce: self.nonce,
            valid_until: self.valid_until,
            signature: Some(v1::Signature {
                r8x: bytes("r8x", &self.signature.r8x)?,
                r8y: bytes("r8y", &self.signature.r8y)?,
                s: bytes("s", &self.signature.s)?,
            }),
        })
    }
}

/// Reads a JSON array, or JSON objects one after another.
pub(super) fn read(name: &str, text: &str) -> Result<Vec<v1::SignedTransfer>, CliError> {
    let wrong = |position: usize, problem: String| {
        CliError::refused(
            format!("{name}: transfer {position}: {problem}"),
            "send what `quittance sign` prints: one JSON object for each transfer",
        )
    };
    let parsed: Vec<TransferJson> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|error| wrong(0, error.to_string()))?
    } else {
        let values = serde_json::Deserializer::from_str(text).into_iter();
        values
            .take(MAX_TRANSFERS + 1)
            .enumerate()
            .map(|(i, value)| value.map_err(|error| wrong(i, error.to_string())))
            .collect::<Result<_, _>>()?
    };
    if parsed.is_empty() {
        return Err(wrong(0, "there is none".to_owned()));
    }
    if parsed.len() > MAX_TRANSFERS {
        return Err(wrong(
            MAX_TRANSFERS,
            format!("more than {MAX_TRANSFERS} transfers"),
        ));
    }
    let convert =
        |(i, transfer): (usize, TransferJson)| transfer.into_proto().map_err(|error| wrong(i, error));
    parsed.into_iter().enumerate().map(convert).collect()
}
