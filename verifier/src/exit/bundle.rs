//! Exit bundles: one self-contained file for each leaf that leaves.
//!
//! ```text
//! magic "QUITEXIT" 8 | version 4 | key id 32 | facts 108, see ExitFacts::to_bytes | h 32 | proof 256
//! ```

use alloc::vec::Vec;

use ark_bn254::Fr;

use crate::encoding::{Reader, fr_to_bytes_be};
use crate::{DecodeError, ExitFacts, KeyId, Proof, StatementError};

/// Everything about a proved exit but the verifying key, which always comes from whoever verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitBundle {
    /// Names the key that the proof was made for.
    pub key_id: KeyId,
    /// What the leaf held, and whose it is.
    pub facts: ExitFacts,
    /// The sponge over the statement's elements; the first public input.
    pub h: Fr,
    /// The proof.
    pub proof: Proof,
}

impl ExitBundle {
    /// The first bytes of a binary exit bundle.
    pub const MAGIC: [u8; 8] = *b"QUITEXIT";
    /// The version that this crate reads and writes.
    pub const VERSION: u32 = 1;
    /// Bytes of a binary exit bundle.
    pub const BYTES: usize = 440;

    /// The binary encoding, big-endian.
    ///
    /// # Errors
    /// [`StatementError`] for facts out of range, which have no encoding.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StatementError> {
        let mut bytes = Vec::with_capacity(Self::BYTES);
        bytes.extend(Self::MAGIC);
        bytes.extend(Self::VERSION.to_be_bytes());
        bytes.extend(self.key_id.0);
        self.facts.write(&mut bytes)?;
        bytes.extend(fr_to_bytes_be(&self.h));
        bytes.extend(self.proof.to_bytes());
        Ok(bytes)
    }

    /// Reads exactly what [`ExitBundle::to_bytes`] writes.
    ///
    /// # Errors
    /// [`DecodeError`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.format("exit bundle", Self::MAGIC, Self::VERSION)?;
        let bundle = Self {
            key_id: KeyId(reader.array("key_id")?),
            facts: ExitFacts::read(&mut reader)?,
            h: reader.fr("h")?,
            proof: Proof::read(&mut reader)?,
        };
        reader.finish()?;
        Ok(bundle)
    }
}
