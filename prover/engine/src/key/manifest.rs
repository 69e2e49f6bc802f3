//! `manifest.json`: what a key directory holds, for people and for the check when it is opened.

use quittance_verifier::{KeyId, Provenance};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::sizes::CircuitSizes;
use crate::{Digest, ProvingKey};

/// The format that this build reads and writes.
pub const MANIFEST_FORMAT: u32 = 3;

/// The contents of `manifest.json`. Unknown fields are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format and of the directory's layout.
    pub format: u32,
    /// Sizes that fix the circuit.
    pub shape: ManifestShape,
    /// Rows of the circuit.
    pub constraints: u64,
    /// Instance variables: the constant and the public inputs.
    pub instance: u64,
    /// Witness variables.
    pub witness: u64,
    /// Non-zeros of the three matrices together.
    pub nonzeros: u64,
    /// Size of the evaluation domain, a power of two.
    pub domain: u64,
    /// `proving.key`.
    pub proving_key: ManifestFile,
    /// `verifying.key`.
    pub verifying_key: ManifestFile,
    /// Digest of the circuit's matrices, [`R1cs::digest`](crate::R1cs::digest).
    pub matrices: Digest,
    /// Id of the verifying key: Keccak-256 of `verifying.key`.
    #[serde(with = "key_id_text")]
    pub key_id: KeyId,
    /// `development` or `ceremony`.
    #[serde(with = "provenance_text")]
    pub provenance: Provenance,
}

/// A shape in a manifest: its name, and what the name says. An exit circuit has no slots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestShape {
    /// [`CircuitSizes::name`].
    pub name: String,
    /// Levels of the account tree.
    pub levels: u8,
    /// Slots for deposits and forced exits.
    pub priority: u32,
    /// Slots for openings.
    pub openings: u32,
    /// Transfer slots.
    pub transfers: u32,
    /// Slots for withdrawals.
    pub withdrawals: u32,
    /// Slots for rotations.
    pub rotations: u32,
    /// Fee slots.
    pub fee_slots: u32,
}

/// A file in a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// Length.
    pub bytes: u64,
    /// Digest of the whole file.
    pub blake3: Digest,
}

impl Manifest {
    /// The manifest of a key whose files are these.
    pub(crate) fn new<S: CircuitSizes>(
        key: &ProvingKey<S>,
        matrices: Digest,
        proving_key: ManifestFile,
        verifying_key: ManifestFile,
    ) -> Self {
        let r1cs = key.r1cs();
        Self {
            format: MANIFEST_FORMAT,
            shape: key.shape().manifest(),
            constraints: to_u64(r1cs.num_constraints()),
            instance: to_u64(r1cs.num_instance()),
            witness: to_u64(r1cs.num_witness()),
            nonzeros: to_u64(r1cs.nonzeros()),
            domain: to_u64(r1cs.domain_size()),
            proving_key,
            verifying_key,
            matrices,
            key_id: S::key_id(key.verifying_key()),
            provenance: S::provenance(key.verifying_key()),
        }
    }

    /// The name of the first field in which two manifests differ.
    pub(crate) fn first_difference(&self, other: &Self) -> Option<&'static str> {
        let differences = [
            ("format", self.format != other.format),
            ("shape", self.shape != other.shape),
            ("constraints", self.constraints != other.constraints),
            ("instance", self.instance != other.instance),
            ("witness", self.witness != other.witness),
            ("nonzeros", self.nonzeros != other.nonzeros),
            ("domain", self.domain != other.domain),
            ("proving_key", self.proving_key != other.proving_key),
            ("verifying_key", self.verifying_key != other.verifying_key),
            ("matrices", self.matrices != other.matrices),
            ("key_id", self.key_id != other.key_id),
            ("provenance", self.provenance != other.provenance),
        ];
        differences
            .into_iter()
            .find_map(|(name, differs)| differs.then_some(name))
    }
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

mod key_id_text {
    use super::{Deserialize, Deserializer, KeyId, Serializer};

    pub(super) fn serialize<S: Serializer>(key_id: &KeyId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(key_id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<KeyId, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

mod provenance_text {
    use super::{Deserialize, Deserializer, Provenance, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Provenance, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Provenance, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "development" => Ok(Provenance::Development),
            "ceremony" => Ok(Provenance::Ceremony),
            other => Err(serde::de::Error::unknown_variant(
                other,
                &["development", "ceremony"],
            )),
        }
    }
}
