//! Proof bundles: one self-contained file for each proved batch.
//!
//! ```text
//! magic "QUITBNDL" 8 | version 4 | key id 32 | facts, see Facts::to_bytes | h 32 | proof 256
//! ```

use alloc::vec::Vec;

use ark_bn254::Fr;

use crate::encoding::{Reader, fr_to_bytes_be};
use crate::{DecodeError, Facts, KeyId, Proof, StatementError};

/// Everything about a proved batch but the verifying key, which always comes from whoever verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Names the key that the proof was made for.
    pub key_id: KeyId,
    /// What the batch did.
    pub facts: Facts,
    /// The sponge over the statement's elements; the first public input.
    pub h: Fr,
    /// The proof.
    pub proof: Proof,
}

impl Bundle {
    /// The first bytes of a binary bundle.
    pub const MAGIC: [u8; 8] = *b"QUITBNDL";
    /// The version that this crate reads and writes.
    pub const VERSION: u32 = 2;

    /// The binary encoding, big-endian.
    ///
    /// # Errors
    /// [`StatementError`] for facts out of range, which have no encoding.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StatementError> {
        let mut bytes = Vec::new();
        bytes.extend(Self::MAGIC);
        bytes.extend(Self::VERSION.to_be_bytes());
        bytes.extend(self.key_id.0);
        self.facts.write(&mut bytes)?;
        bytes.extend(fr_to_bytes_be(&self.h));
        bytes.extend(self.proof.to_bytes());
        Ok(bytes)
    }

    /// Reads exactly what [`Bundle::to_bytes`] writes. Allocates no more than the input's length justifies.
    ///
    /// # Errors
    /// [`DecodeError`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.format("proof bundle", Self::MAGIC, Self::VERSION)?;
        let key_id = KeyId(reader.array("key_id")?);
        let facts = Facts::read(&mut reader)?;
        let h = reader.fr("h")?;
        let proof = Proof::read(&mut reader)?;
        reader.finish()?;
        Ok(Self {
            key_id,
            facts,
            h,
            proof,
        })
    }
}
