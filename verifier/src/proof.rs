//! Groth16 proofs: three points, eight EVM words.

use ark_bn254::{G1Affine, G2Affine};

use crate::DecodeError;
use crate::encoding::{G1_BYTES, G2_BYTES, Reader, check_g1, check_g2, g1_to_words, g2_to_words, length};

/// A Groth16 proof whose points were checked: on their curves, in the subgroups of order r, not the identity.
///
/// Proofs are malleable: for one statement many byte strings verify. Never use a proof's bytes as a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    a: G1Affine,
    b: G2Affine,
    c: G1Affine,
}

impl Proof {
    /// Bytes of a proof.
    pub const BYTES: usize = 256;

    /// Checks the points of a proof.
    ///
    /// # Errors
    /// [`DecodeError`] naming the point that is unacceptable.
    pub fn new(a: G1Affine, b: G2Affine, c: G1Affine) -> Result<Self, DecodeError> {
        check_g1(&a, "proof.a")?;
        check_g2(&b, "proof.b")?;
        check_g1(&c, "proof.c")?;
        Ok(Self { a, b, c })
    }

    /// The point A in G1.
    pub fn a(&self) -> &G1Affine {
        &self.a
    }

    /// The point B in G2.
    pub fn b(&self) -> &G2Affine {
        &self.b
    }

    /// The point C in G1.
    pub fn c(&self) -> &G1Affine {
        &self.c
    }

    /// Eight big-endian EVM words: A (x, y), B (x.c1, x.c0, y.c1, y.c0), C (x, y).
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let words = g1_to_words(&self.a)
            .into_iter()
            .chain(g2_to_words(&self.b))
            .chain(g1_to_words(&self.c));
        for (chunk, word) in bytes.as_chunks_mut::<32>().0.iter_mut().zip(words) {
            *chunk = word;
        }
        bytes
    }

    /// Reads exactly what [`Proof::to_bytes`] writes.
    ///
    /// # Errors
    /// [`DecodeError`] for another length, a coordinate at or above q, and every point that [`Proof::new`]
    /// refuses.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() != Self::BYTES {
            return Err(DecodeError::Length {
                field: "proof",
                expected: length(Self::BYTES),
                got: length(bytes.len()),
            });
        }
        let mut reader = Reader::new(bytes);
        let proof = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(proof)
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            a: reader.g1("proof.a")?,
            b: reader.g2("proof.b")?,
            c: reader.g1("proof.c")?,
        })
    }
}

const _: () = assert!(2 * G1_BYTES + G2_BYTES == Proof::BYTES);
