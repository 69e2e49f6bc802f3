//! What keys are for: batches of a shape, or exits from a tree. The engine proves both alike; keys of one kind are never taken for
//! keys of the other, because their verifying keys are other types with other encodings.

use std::fmt::Debug;

use quittance_verifier::{
    DecodeError, DevelopmentKeys, ExitVerifier, ExitVerifyingKey, KeyId, KeyPoints, Provenance, Shape,
    Verifier, VerifyError, VerifyingKey,
};

use super::manifest::ManifestShape;

/// The sizes that fix one circuit of a rollup, and with them the kind of its keys.
pub trait CircuitSizes: Copy + Debug + PartialEq + Send + Sync + 'static {
    /// Verifying keys of these circuits.
    type VerifyingKey: Clone + Debug + PartialEq + Send + Sync;
    /// What verifies their proofs.
    type Verifier: Clone + Debug + Send + Sync;

    /// The circuit's name, which is that of its key directory too.
    fn name(&self) -> String;

    /// The sizes as a manifest has them.
    fn manifest(&self) -> ManifestShape;

    /// Checks the parts of a verifying key.
    ///
    /// # Errors
    /// [`DecodeError`] naming the first part that is unacceptable.
    fn verifying_key(
        self,
        provenance: Provenance,
        points: KeyPoints,
    ) -> Result<Self::VerifyingKey, DecodeError>;

    /// Reads a verifying key.
    ///
    /// # Errors
    /// [`DecodeError`] for anything else.
    fn decode(bytes: &[u8]) -> Result<Self::VerifyingKey, DecodeError>;

    /// The bytes of a verifying key.
    fn encode(key: &Self::VerifyingKey) -> Vec<u8>;

    /// The sizes of a verifying key's circuit.
    fn of(key: &Self::VerifyingKey) -> Self;

    /// Who made the key's secrets.
    fn provenance(key: &Self::VerifyingKey) -> Provenance;

    /// The key's identity.
    fn key_id(key: &Self::VerifyingKey) -> KeyId;

    /// The key, prepared; development keys are taken.
    ///
    /// # Errors
    /// [`VerifyError`] if the verifier refuses it.
    fn verifier(key: &Self::VerifyingKey) -> Result<Self::Verifier, VerifyError>;
}

impl CircuitSizes for Shape {
    type VerifyingKey = VerifyingKey;
    type Verifier = Verifier;

    fn name(&self) -> String {
        self.name()
    }

    fn manifest(&self) -> ManifestShape {
        ManifestShape {
            name: self.name(),
            levels: self.levels,
            priority: self.priority,
            openings: self.openings,
            transfers: self.transfers,
            withdrawals: self.withdrawals,
            rotations: self.rotations,
            fee_slots: self.fee_slots,
        }
    }

    fn verifying_key(self, provenance: Provenance, points: KeyPoints) -> Result<VerifyingKey, DecodeError> {
        VerifyingKey::new(provenance, self, points)
    }

    fn decode(bytes: &[u8]) -> Result<VerifyingKey, DecodeError> {
        VerifyingKey::from_bytes(bytes)
    }

    fn encode(key: &VerifyingKey) -> Vec<u8> {
        key.to_bytes()
    }

    fn of(key: &VerifyingKey) -> Self {
        *key.shape()
    }

    fn provenance(key: &VerifyingKey) -> Provenance {
        key.provenance()
    }

    fn key_id(key: &VerifyingKey) -> KeyId {
        key.key_id()
    }

    fn verifier(key: &VerifyingKey) -> Result<Verifier, VerifyError> {
        Verifier::new(key, DevelopmentKeys::Accept)
    }
}

/// The circuit that proves one leaf under a root, for a tree of some levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExitCircuit {
    /// Levels of the account tree, 1 to 16.
    pub levels: u8,
}

impl ExitCircuit {
    /// The circuit's name: `exit`, or `exitl4` for a tree of 4 levels.
    #[must_use]
    pub fn name(&self) -> String {
        if self.levels == Shape::PRODUCTION_LEVELS {
            "exit".to_owned()
        } else {
            format!("exitl{}", self.levels)
        }
    }

    /// Reads exactly what [`name`](Self::name) writes for a tree that can be.
    #[must_use]
    pub fn parse_name(name: &str) -> Option<Self> {
        (1..=Shape::PRODUCTION_LEVELS)
            .map(|levels| Self { levels })
            .find(|circuit| circuit.name() == name)
    }
}

impl CircuitSizes for ExitCircuit {
    type VerifyingKey = ExitVerifyingKey;
    type Verifier = ExitVerifier;

    fn name(&self) -> String {
        self.name()
    }

    fn manifest(&self) -> ManifestShape {
        ManifestShape {
            name: self.name(),
            ..Shape::transfers_only(self.levels, 0, 0).manifest()
        }
    }

    fn verifying_key(
        self,
        provenance: Provenance,
        points: KeyPoints,
    ) -> Result<ExitVerifyingKey, DecodeError> {
        ExitVerifyingKey::new(provenance, self.levels, points)
    }

    fn decode(bytes: &[u8]) -> Result<ExitVerifyingKey, DecodeError> {
        ExitVerifyingKey::from_bytes(bytes)
    }

    fn encode(key: &ExitVerifyingKey) -> Vec<u8> {
        key.to_bytes()
    }

    fn of(key: &ExitVerifyingKey) -> Self {
        Self { levels: key.levels() }
    }

    fn provenance(key: &ExitVerifyingKey) -> Provenance {
        key.provenance()
    }

    fn key_id(key: &ExitVerifyingKey) -> KeyId {
        key.key_id()
    }

    fn verifier(key: &ExitVerifyingKey) -> Result<ExitVerifier, VerifyError> {
        ExitVerifier::new(key, DevelopmentKeys::Accept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_exit_circuits_have_one_reading() {
        for levels in 1..=16 {
            let circuit = ExitCircuit { levels };
            assert_eq!(ExitCircuit::parse_name(&circuit.name()), Some(circuit));
        }
        for name in ["", "exitl16", "exitl0", "exitl04", "exit4", "t2f1", "Exit"] {
            assert_eq!(ExitCircuit::parse_name(name), None, "{name}");
        }
    }
}
