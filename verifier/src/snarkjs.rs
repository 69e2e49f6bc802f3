//! Keys, proofs and public inputs as the three files that snarkjs 0.7 reads and writes: `verification_key.json`,
//! `proof.json` and `public.json`.
//!
//! Numbers are decimal strings below their modulus. Points are projective with third coordinate 1: G1 as `[x, y, "1"]`,
//! G2 as `[[x.c0, x.c1], [y.c0, y.c1], ["1", "0"]]`, so c0 comes first, the other way round than in the EVM and in the
//! rest of this crate. Files are indented by one blank and end without a line feed, as snarkjs writes them.
//!
//! One entry of snarkjs' own key file is left out, `vk_alphabeta_12`, the pairing of α and β: nothing in snarkjs reads
//! it, and libraries raise their pairings to different powers.

use alloc::{string::String, string::ToString, vec::Vec};
use core::fmt;

use ark_bn254::{Fq, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::PrimeField;
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

use crate::{
    Bundle, ExitBundle, ExitVerifier, ExitVerifyingKey, KeyPoints, Proof, Verifier, VerifyError, VerifyingKey,
};

/// The contents of the three files that `snarkjs groth16 verify` takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// `verification_key.json`: the caller's key.
    pub verification_key: String,
    /// `public.json`: h, z and y, recomputed from the bundle's facts for the caller's key.
    pub public: String,
    /// `proof.json`: the bundle's proof.
    pub proof: String,
}

impl Files {
    /// The names that snarkjs' commands use when none is given, with the contents.
    pub fn named(&self) -> [(&'static str, &str); 3] {
        [
            ("verification_key.json", &self.verification_key),
            ("public.json", &self.public),
            ("proof.json", &self.proof),
        ]
    }
}

/// Writes a bundle and the key that it is verified with for snarkjs. Verifies the bundle first.
///
/// The files say nothing about what (h, z, y) stand for: whoever checks them recomputes z and y from the facts.
///
/// # Errors
/// [`SnarkjsError::Verify`] if the key is not `verifier`'s or the bundle is not accepted.
pub fn export(key: &VerifyingKey, verifier: &Verifier, bundle: &Bundle) -> Result<Files, SnarkjsError> {
    let key_id = key.key_id();
    if key_id != *verifier.key_id() {
        return Err(SnarkjsError::Verify(VerifyError::KeyMismatch {
            got: key_id,
            expected: *verifier.key_id(),
        }));
    }
    verifier.verify(bundle).map_err(SnarkjsError::Verify)?;
    let inputs = verifier.public_inputs(bundle).map_err(SnarkjsError::Verify)?;
    files(key.points(), inputs, &bundle.proof)
}

/// Writes an exit bundle and the key that it is verified with for snarkjs, as [`export`] does a batch's.
///
/// # Errors
/// [`SnarkjsError::Verify`] if the key is not `verifier`'s or the bundle is not accepted.
pub fn export_exit(
    key: &ExitVerifyingKey,
    verifier: &ExitVerifier,
    bundle: &ExitBundle,
) -> Result<Files, SnarkjsError> {
    let key_id = key.key_id();
    if key_id != *verifier.key_id() {
        return Err(SnarkjsError::Verify(VerifyError::KeyMismatch {
            got: key_id,
            expected: *verifier.key_id(),
        }));
    }
    verifier.verify(bundle).map_err(SnarkjsError::Verify)?;
    let inputs = verifier.public_inputs(bundle).map_err(SnarkjsError::Verify)?;
    files(key.points(), inputs, &bundle.proof)
}

fn files(points: &KeyPoints, inputs: [Fr; Verifier::INPUTS], proof: &Proof) -> Result<Files, SnarkjsError> {
    Ok(Files {
        verification_key: write(&KeyDocument::from(points))?,
        public: write(&inputs.map(decimal))?,
        proof: write(&ProofDocument::from(proof))?,
    })
}

/// Why there are no files.
#[derive(Debug)]
#[non_exhaustive]
pub enum SnarkjsError {
    /// The bundle is not accepted.
    Verify(VerifyError),
    /// The text could not be written.
    Write(serde_json::Error),
}

impl fmt::Display for SnarkjsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verify(error) => error.fmt(f),
            Self::Write(_) => f.write_str("the files could not be written"),
        }
    }
}

impl core::error::Error for SnarkjsError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Verify(error) => error.source(),
            Self::Write(source) => Some(source),
        }
    }
}

const PROTOCOL: &str = "groth16";
/// BN254 by its older name.
const CURVE: &str = "bn128";

type G1Document = [String; 3];
type G2Document = [[String; 2]; 3];

// The order of the fields is that of the files.

#[derive(Serialize)]
struct KeyDocument {
    protocol: &'static str,
    curve: &'static str,
    #[serde(rename = "nPublic")]
    inputs: usize,
    vk_alpha_1: G1Document,
    vk_beta_2: G2Document,
    vk_gamma_2: G2Document,
    vk_delta_2: G2Document,
    #[serde(rename = "IC")]
    ic: [G1Document; Verifier::INPUTS + 1],
}

#[derive(Serialize)]
struct ProofDocument {
    pi_a: G1Document,
    pi_b: G2Document,
    pi_c: G1Document,
    protocol: &'static str,
    curve: &'static str,
}

impl From<&KeyPoints> for KeyDocument {
    fn from(points: &KeyPoints) -> Self {
        Self {
            protocol: PROTOCOL,
            curve: CURVE,
            inputs: Verifier::INPUTS,
            vk_alpha_1: g1(&points.alpha_g1),
            vk_beta_2: g2(&points.beta_g2),
            vk_gamma_2: g2(&points.gamma_g2),
            vk_delta_2: g2(&points.delta_g2),
            ic: points.ic.each_ref().map(g1),
        }
    }
}

impl From<&Proof> for ProofDocument {
    fn from(proof: &Proof) -> Self {
        Self {
            pi_a: g1(proof.a()),
            pi_b: g2(proof.b()),
            pi_c: g1(proof.c()),
            protocol: PROTOCOL,
            curve: CURVE,
        }
    }
}

/// x, y, 1. Keys and proofs never hold the identity, which alone has no x and y.
fn g1(point: &G1Affine) -> G1Document {
    let (x, y) = point.xy().unwrap_or_default();
    [x, y, Fq::from(1_u32)].map(decimal)
}

fn g2(point: &G2Affine) -> G2Document {
    let (x, y) = point.xy().unwrap_or_default();
    [[x.c0, x.c1], [y.c0, y.c1], [Fq::from(1_u32), Fq::default()]].map(|half| half.map(decimal))
}

fn decimal<F: PrimeField>(value: F) -> String {
    value.into_bigint().to_string()
}

fn write(document: &impl Serialize) -> Result<String, SnarkjsError> {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(b" "));
    document.serialize(&mut serializer).map_err(SnarkjsError::Write)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
