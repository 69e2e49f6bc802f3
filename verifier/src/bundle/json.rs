//! Bundles as JSON, for people and for languages without a binary reader.
//!
//! The same facts as the binary form, under the same names, and read as strictly: unknown, repeated and missing
//! fields are refused, every string has one spelling for each value, and `pubdata` must be what follows from
//! the facts. Wide values are `0x` and lower-case hexadecimal, 32-bit numbers are JSON numbers, an encoded
//! amount or fee is `"<mantissa>e<exponent>"` and a credited sum is a decimal string. See `verifier/README.md`.

use alloc::{borrow::ToOwned, format, string::String, string::ToString, vec::Vec};
use core::{fmt, marker::PhantomData, str::FromStr};

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::encoding::{fr_to_bytes_be, from_hex, to_hex};
use crate::{Bundle, DecodeError, Facts, FeeData, KeyId, Proof, StatementError, TransferData, pubdata};

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
    let [ax, ay, bx1, bx0, by1, by0, cx, cy] = proof_words(proof);
    let document = Document {
        format: FORMAT.to_owned(),
        version: Bundle::VERSION,
        key_id: key_id.to_string(),
        facts: Object(FactsDocument {
            rollup_id: to_hex(&facts.rollup_id),
            batch_number: facts.batch_number,
            old_root: to_hex(&fr_to_bytes_be(&facts.old_root)),
            new_root: to_hex(&fr_to_bytes_be(&facts.new_root)),
            fees: facts
                .fees
                .iter()
                .map(|fee| Object(FeeDocument::from(fee)))
                .collect(),
            transfers: facts
                .transfers
                .iter()
                .map(|transfer| Object(TransferDocument::from(transfer)))
                .collect(),
        }),
        pubdata: words.iter().map(|word| to_hex(&fr_to_bytes_be(word))).collect(),
        h: to_hex(&fr_to_bytes_be(h)),
        proof: Object(ProofDocument {
            a: Object(G1Document { x: ax, y: ay }),
            b: Object(G2Document {
                x_c1: bx1,
                x_c0: bx0,
                y_c1: by1,
                y_c0: by0,
            }),
            c: Object(G1Document { x: cx, y: cy }),
        }),
    };
    let mut text = serde_json::to_string_pretty(&document).map_err(JsonError::Syntax)?;
    text.push('\n');
    Ok(text)
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

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FactsDocument {
    rollup_id: String,
    batch_number: u32,
    old_root: String,
    new_root: String,
    fees: Vec<Object<FeeDocument>>,
    transfers: Vec<Object<TransferDocument>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeeDocument {
    leaf: u32,
    token: u32,
    amount: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TransferDocument {
    from: u32,
    to: u32,
    amount: String,
    fee: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofDocument {
    a: Object<G1Document>,
    b: Object<G2Document>,
    c: Object<G1Document>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct G1Document {
    x: String,
    y: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct G2Document {
    x_c1: String,
    x_c0: String,
    y_c1: String,
    y_c0: String,
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
        let Object(facts) = &self.facts;
        let rollup_id: [u8; 32] = from_hex(&facts.rollup_id, "rollup_id")?;
        if !matches!(rollup_id, [0, ..]) {
            return Err(DecodeError::RollupIdOutOfRange);
        }
        Ok(Bundle {
            key_id: KeyId::from_str(&self.key_id)?,
            facts: Facts {
                rollup_id,
                batch_number: facts.batch_number,
                old_root: fr(&facts.old_root, "old_root")?,
                new_root: fr(&facts.new_root, "new_root")?,
                transfers: facts
                    .transfers
                    .iter()
                    .map(|Object(transfer)| transfer.decode())
                    .collect::<Result<_, _>>()?,
                fees: facts
                    .fees
                    .iter()
                    .map(|Object(fee)| fee.decode())
                    .collect::<Result<_, _>>()?,
            },
            h: fr(&self.h, "h")?,
            proof: self.proof.0.decode()?,
        })
    }
}

impl ProofDocument {
    fn decode(&self) -> Result<Proof, DecodeError> {
        let Self {
            a: Object(a),
            b: Object(b),
            c: Object(c),
        } = self;
        let mut bytes = Vec::with_capacity(Proof::BYTES);
        for (text, field) in [
            (&a.x, "proof.a"),
            (&a.y, "proof.a"),
            (&b.x_c1, "proof.b"),
            (&b.x_c0, "proof.b"),
            (&b.y_c1, "proof.b"),
            (&b.y_c0, "proof.b"),
            (&c.x, "proof.c"),
            (&c.y, "proof.c"),
        ] {
            bytes.extend(from_hex::<32>(text, field)?);
        }
        Proof::from_bytes(&bytes)
    }
}

impl From<&FeeData> for FeeDocument {
    fn from(fee: &FeeData) -> Self {
        Self {
            leaf: fee.leaf,
            token: fee.token,
            amount: fee.amount.to_string(),
        }
    }
}

impl FeeDocument {
    fn decode(&self) -> Result<FeeData, DecodeError> {
        Ok(FeeData {
            leaf: self.leaf,
            token: self.token,
            amount: decimal(&self.amount, "fees.amount")?,
        })
    }
}

impl From<&TransferData> for TransferDocument {
    fn from(transfer: &TransferData) -> Self {
        Self {
            from: transfer.from,
            to: transfer.to,
            amount: float_to_text(transfer.amount, AMOUNT_MANTISSA_BITS),
            fee: float_to_text(transfer.fee.into(), FEE_MANTISSA_BITS),
        }
    }
}

impl TransferDocument {
    fn decode(&self) -> Result<TransferData, DecodeError> {
        let fee = float_from_text(&self.fee, FEE_MANTISSA_BITS, "transfers.fee")?;
        Ok(TransferData {
            from: self.from,
            to: self.to,
            amount: float_from_text(&self.amount, AMOUNT_MANTISSA_BITS, "transfers.amount")?,
            fee: u16::try_from(fee).map_err(|_| DecodeError::Decimal {
                field: "transfers.fee",
            })?,
        })
    }
}

const AMOUNT_MANTISSA_BITS: u32 = 35;
const FEE_MANTISSA_BITS: u32 = 11;
const MAX_EXPONENT: u64 = 31;

/// `"<mantissa>e<exponent>"`: every encoding has one text and every text one encoding.
fn float_to_text(encoded: u64, mantissa_bits: u32) -> String {
    let exponent = encoded.checked_shr(mantissa_bits).unwrap_or(0);
    let mantissa = encoded & mask(mantissa_bits);
    format!("{mantissa}e{exponent}")
}

fn float_from_text(text: &str, mantissa_bits: u32, field: &'static str) -> Result<u64, DecodeError> {
    let (mantissa, exponent) = text.split_once('e').ok_or(DecodeError::Decimal { field })?;
    let mantissa: u64 = decimal(mantissa, field)?;
    let exponent: u64 = decimal(exponent, field)?;
    if mantissa > mask(mantissa_bits) || exponent > MAX_EXPONENT {
        return Err(DecodeError::Decimal { field });
    }
    Ok(exponent.checked_shl(mantissa_bits).unwrap_or(0) | mantissa)
}

fn mask(bits: u32) -> u64 {
    1_u64.checked_shl(bits).unwrap_or(0).wrapping_sub(1)
}

/// Digits without sign and leading zeros.
fn decimal<N: FromStr + ToString>(text: &str, field: &'static str) -> Result<N, DecodeError> {
    let number = text.parse::<N>().map_err(|_| DecodeError::Decimal { field })?;
    if number.to_string() == text {
        Ok(number)
    } else {
        Err(DecodeError::Decimal { field })
    }
}

fn fr(text: &str, field: &'static str) -> Result<ark_bn254::Fr, DecodeError> {
    crate::encoding::fr_from_bytes_be(&from_hex(text, field)?, field)
}

fn proof_words(proof: &Proof) -> [String; 8] {
    let bytes = proof.to_bytes();
    let mut words = bytes.as_chunks::<32>().0.iter();
    core::array::from_fn(|_| words.next().map(|word| to_hex(word)).unwrap_or_default())
}

/// A struct that is read from a JSON object only. serde would also take an array with the fields in order,
/// a second spelling of the same value.
struct Object<T>(T);

impl<T: Serialize> Serialize for Object<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}
