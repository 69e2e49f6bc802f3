//! Verifying keys: their encoding, their identity, and what makes one unacceptable.

use alloc::vec::Vec;
use core::{fmt, str::FromStr};

use ark_bn254::{G1Affine, G2Affine};
use ark_ec::AffineRepr;

use crate::encoding::{
    Reader, check_g1, check_g2, from_hex, g1_to_words, g2_to_words, keccak256, length, to_hex,
};
use crate::{DecodeError, Section, Shape, TAG_VERIFYING_KEY};

/// keccak256 of a verifying key's encoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 32]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = DecodeError;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, DecodeError> {
        from_hex(text, "key_id").map(Self)
    }
}

/// Who made a key's secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provenance {
    /// One machine, which could forge proofs: for tests and demonstrations.
    Development,
    /// A ceremony of several parties, one of whom must have been honest.
    Ceremony,
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Development => "development",
            Self::Ceremony => "ceremony",
        })
    }
}

/// The points of a Groth16 verifying key with three public inputs, before any check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPoints {
    /// α in G1.
    pub alpha_g1: G1Affine,
    /// β in G2.
    pub beta_g2: G2Affine,
    /// γ in G2.
    pub gamma_g2: G2Affine,
    /// δ in G2.
    pub delta_g2: G2Affine,
    /// The bases of the constant 1 and of the public inputs h, z, y.
    pub ic: [G1Affine; 4],
}

/// A checked verifying key: a value of this type has a valid shape, points on their curves, in the subgroups
/// of order r, none of them the identity, and a δ that is neither ±γ nor ±generator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    provenance: Provenance,
    shape: Shape,
    points: KeyPoints,
}

impl VerifyingKey {
    /// Bytes of a key: 31 EVM words.
    pub const BYTES: usize = 992;

    /// Checks the parts of a key.
    ///
    /// # Errors
    /// [`DecodeError`] naming the first part that is unacceptable.
    pub fn new(provenance: Provenance, shape: Shape, points: KeyPoints) -> Result<Self, DecodeError> {
        shape.validate()?;
        let KeyPoints {
            alpha_g1,
            beta_g2,
            gamma_g2,
            delta_g2,
            ic,
        } = &points;
        check_g1(alpha_g1, "alpha")?;
        check_g2(beta_g2, "beta")?;
        check_g2(gamma_g2, "gamma")?;
        check_g2(delta_g2, "delta")?;
        for (point, field) in ic.iter().zip(IC_FIELDS) {
            check_g1(point, field)?;
        }
        // Equal x is equality up to sign: −γ forges as easily as γ does.
        if delta_g2.x == gamma_g2.x {
            return Err(DecodeError::DeltaIsGamma);
        }
        if delta_g2.x == G2Affine::generator().x {
            return Err(DecodeError::DeltaIsGenerator);
        }
        Ok(Self {
            provenance,
            shape,
            points,
        })
    }

    /// Who made the key's secrets.
    pub fn provenance(&self) -> Provenance {
        self.provenance
    }

    /// The shape of the circuit that the key belongs to.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The key's points.
    pub fn points(&self) -> &KeyPoints {
        &self.points
    }

    /// The key's identity: keccak256 of [`VerifyingKey::to_bytes`].
    pub fn key_id(&self) -> KeyId {
        KeyId(keccak256([&self.to_bytes()[..]]))
    }

    /// The EVM encoding, which is also the file format: 31 big-endian words of 32 bytes, namely
    /// [`TAG_VERIFYING_KEY`], provenance (1 development, 2 ceremony), levels, slots of priority, openings,
    /// transfers, withdrawals, rotations and fees, α, β, γ, δ, and the four bases of the public inputs.
    pub fn to_bytes(&self) -> Vec<u8> {
        let provenance: u32 = match self.provenance {
            Provenance::Development => 1,
            Provenance::Ceremony => 2,
        };
        let mut bytes = Vec::with_capacity(Self::BYTES);
        bytes.extend(TAG_VERIFYING_KEY);
        let slots = Section::ALL.map(|section| self.shape.slots(section));
        for number in [provenance, self.shape.levels.into()].into_iter().chain(slots) {
            bytes.extend([0; 28]);
            bytes.extend(number.to_be_bytes());
        }
        let KeyPoints {
            alpha_g1,
            beta_g2,
            gamma_g2,
            delta_g2,
            ic,
        } = &self.points;
        bytes.extend(g1_to_words(alpha_g1).as_flattened());
        for point in [beta_g2, gamma_g2, delta_g2] {
            bytes.extend(g2_to_words(point).as_flattened());
        }
        for point in ic {
            bytes.extend(g1_to_words(point).as_flattened());
        }
        bytes
    }

    /// Reads exactly what [`VerifyingKey::to_bytes`] writes.
    ///
    /// # Errors
    /// [`DecodeError`] for another length or tag, numbers out of range or that make no valid shape,
    /// and every point that [`VerifyingKey::new`] refuses.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() != Self::BYTES {
            return Err(DecodeError::Length {
                field: "verifying key",
                expected: length(Self::BYTES),
                got: length(bytes.len()),
            });
        }
        let mut reader = Reader::new(bytes);
        if reader.array("tag")? != TAG_VERIFYING_KEY {
            return Err(DecodeError::Format {
                field: "verifying key",
            });
        }
        let provenance = match reader.word_u32("provenance", 1, 2)? {
            1 => Provenance::Development,
            _ => Provenance::Ceremony,
        };
        let levels = reader.word_u32("shape.levels", 1, Shape::PRODUCTION_LEVELS.into())?;
        // At most 16 by the line that read it: the fallback, which `new` refuses, is never taken.
        let levels = u8::try_from(levels).unwrap_or(0);
        let mut shape = Shape::transfers_only(levels, 0, 0);
        for section in Section::ALL {
            *shape.slots_mut(section) = reader.word_u32(section.shape_field(), 0, section.max_slots())?;
        }
        let alpha_g1 = reader.g1("alpha")?;
        let beta_g2 = reader.g2("beta")?;
        let gamma_g2 = reader.g2("gamma")?;
        let delta_g2 = reader.g2("delta")?;
        let [ic0, ic1, ic2, ic3] = IC_FIELDS;
        let ic = [reader.g1(ic0)?, reader.g1(ic1)?, reader.g1(ic2)?, reader.g1(ic3)?];
        reader.finish()?;
        Self::new(
            provenance,
            shape,
            KeyPoints {
                alpha_g1,
                beta_g2,
                gamma_g2,
                delta_g2,
                ic,
            },
        )
    }
}

/// Names of the bases of the constant 1, h, z and y.
const IC_FIELDS: [&str; 4] = ["ic0", "ic1", "ic2", "ic3"];
