//! EdDSA over BabyJubjub with Poseidon, as circomlib and circomlibjs define it (`signPoseidon`).
//!
//! A signature (R8, S) of message M under key A holds if S·B8 = R8 + 8·h·A with h = Poseidon(R8x, R8y, Ax, Ay, M). Two rules
//! judge it, each in a function of its own, as in the circuit:
//!
//! - [`signature_canonical`]: S < l, and h inside the challenge window (below);
//! - [`signature_valid`]: the equation.
//!
//! # The challenge window
//!
//! The circuit multiplies A by h with signed digits, which takes the integer w = h + T, T = −(1 + 2^254)/2 mod l. It must know
//! that the bits it splits are those of h + T and not of h + T ± r. Instead of comparing all 255 bits with both ends it
//! compares the upper 85 only, strictly: T >> 170 < w >> 170 < (T + r) >> 170. For a canonical h that fails for a part
//! of 2^-84.8 of the field: such a signature is refused here too, and its signer signs another message (another `valid_until`,
//! say).
//!
//! Signing is deterministic and does not run in constant time.

pub mod constraints;
mod denominators;
mod fixed_base;

use core::fmt;

use ark_bn254::Fr;
use ark_ff::PrimeField;
use blake_hash::{Blake512, Digest};
use thiserror::Error;
use zeroize::Zeroize;

use crate::babyjubjub::scalar::{Scalar, reduce_bytes_le, to_limbs};
use crate::babyjubjub::{
    ORDER, Point, PublicKey, fr_from_bytes_le, fr_to_bytes_le, limbs_from_bytes_le, limbs_to_bytes_le,
};
use crate::hash::{FieldHasher, RulesHasher};

/// T = −(1 + 2^254)/2 mod l, limbs least significant first; about 2^248.34.
pub const CHALLENGE_OFFSET: [u64; 4] = [
    0x38f6433b3a36562d,
    0x2dda1b753a351d39,
    0xaeb72fed7908ecc0,
    0x0144f5eefad21e1c,
];

/// Bits of w = h + T that the window does not look at.
pub const CHALLENGE_WINDOW_SHIFT: u32 = 170;

/// T >> 170. w >> 170 must be above it.
pub const CHALLENGE_WINDOW_BELOW: u128 = 0x513d_7bbe_b487_872b_adcb;

/// (T + r) >> 170. w >> 170 must be below it.
pub const CHALLENGE_WINDOW_ABOVE: u128 = 0xc_6a51_1877_00ef_9199_c1dd;

/// A secret key: any 32 bytes. Not printed, and overwritten when dropped.
#[derive(Clone)]
pub struct SecretKey {
    /// s: the first half of BLAKE-512 of the 32 bytes, pruned; a multiple of 8 below 2^255, reduced modulo l here.
    scalar: Scalar,
    /// The second half, from which nonces are made.
    prefix: [u8; 32],
    public: PublicKey,
}

/// A signature. Both parts are as they came; [`signature_canonical`] and [`signature_valid`] judge them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Signature {
    /// R8; perhaps not on the curve.
    pub r8: Point,
    /// S, limbs least significant first; perhaps not below l.
    pub s: [u64; 4],
}

/// Why a signature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// S is at or above l.
    #[error("signature's S is not below the subgroup's order")]
    ScalarNotReduced {
        /// S, limbs least significant first.
        s: [u64; 4],
    },
    /// The challenge is in the part of the field, 2^-84.8 of it, that the rules exclude.
    #[error("signature's challenge {challenge} is outside the window of the rules")]
    ChallengeOutsideWindow {
        /// h.
        challenge: Fr,
    },
    /// S·B8 = R8 + 8·h·A does not hold.
    #[error("signature does not fit key and message")]
    Mismatch,
}

/// Why bytes are not a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureDecodeError {
    /// A coordinate of R8 is at or above r.
    #[error("coordinate {coordinate} of the signature's R8 is not below the field's modulus")]
    NotCanonical {
        /// `x` or `y`.
        coordinate: char,
    },
}

/// The challenge h = Poseidon(R8x, R8y, Ax, Ay, M).
#[must_use]
pub fn challenge(key: &PublicKey, message: &Fr, r8: &Point) -> Fr {
    RulesHasher::challenge(&[r8.x, r8.y, key.x(), key.y(), *message])
}

/// w = h + T as an integer (below 2^255, limbs least significant first) if it lies in the challenge window,
/// T >> 170 < w >> 170 < (T + r) >> 170; see the module's text.
#[must_use]
pub fn challenge_window(h: &Fr) -> Option<[u64; 4]> {
    let mut w = h.into_bigint().0;
    let mut carry = false;
    for (limb, offset) in w.iter_mut().zip(CHALLENGE_OFFSET) {
        (*limb, carry) = limb.carrying_add(offset, carry);
    }
    let upper = (u128::from(w[3]) << 64 | u128::from(w[2])) >> (CHALLENGE_WINDOW_SHIFT - 128);
    (CHALLENGE_WINDOW_BELOW < upper && upper < CHALLENGE_WINDOW_ABOVE).then_some(w)
}

/// The rule `signature_canonical`: S < l, and the challenge in its window. It says nothing about the equation.
pub fn signature_canonical(signature: &Signature, challenge: &Fr) -> Result<(), SignatureError> {
    // Most significant limb first, as integers compare.
    if signature.s.iter().rev().ge(ORDER.iter().rev()) {
        return Err(SignatureError::ScalarNotReduced { s: signature.s });
    }
    match challenge_window(challenge) {
        Some(_) => Ok(()),
        None => Err(SignatureError::ChallengeOutsideWindow {
            challenge: *challenge,
        }),
    }
}

/// The rule `signature_valid`: S·B8 − 8·h·A = R8, compared coordinate by coordinate, which also shows that R8 is on the
/// curve. `challenge` is what [`challenge`] gives for this key, message and R8. It takes any S.
pub fn signature_valid(key: &PublicKey, signature: &Signature, challenge: &Fr) -> Result<(), SignatureError> {
    // A has order l, so 8·h may be reduced modulo l.
    let multiplier = Scalar::from(8u64) * reduce_bytes_le(&fr_to_bytes_le(challenge));
    if key.opens(&signature.s, &to_limbs(&multiplier), &signature.r8) {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

/// Both rules in their order: [`signature_canonical`], then [`signature_valid`].
pub fn verify(key: &PublicKey, message: &Fr, signature: &Signature) -> Result<(), SignatureError> {
    let h = challenge(key, message, &signature.r8);
    signature_canonical(signature, &h)?;
    signature_valid(key, signature, &h)
}

impl SecretKey {
    /// Derives the key as circomlibjs does: BLAKE-512 (the original BLAKE, not BLAKE2) of the 32 bytes; the first half,
    /// pruned and read as a little-endian integer, is s, and A = (s/8)·B8.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut digest: [u8; 64] = Blake512::digest(bytes).into();
        let (low, high) = digest.split_at_mut(32);
        low[0] &= 0xf8;
        low[31] = low[31] & 0x7f | 0x40;
        let scalar = reduce_bytes_le(low);
        let mut prefix = [0; 32];
        prefix.copy_from_slice(high);
        // A = (s >> 3)·B8: shift the pruned bytes, whose three lowest bits are zero.
        let mut limbs = [0; 32];
        limbs.copy_from_slice(low);
        let mut eighth = limbs_from_bytes_le(&limbs);
        for i in 0..4 {
            eighth[i] = eighth[i] >> 3 | eighth.get(i + 1).map_or(0, |next| next << 61);
        }
        let public = PublicKey::of_multiple(&eighth);
        digest.zeroize();
        limbs.zeroize();
        eighth.zeroize();
        Self {
            scalar,
            prefix,
            public,
        }
    }

    /// The public key A.
    #[must_use]
    pub const fn public_key(&self) -> PublicKey {
        self.public
    }

    /// Signs, with the bytes that circomlibjs' `signPoseidon` gives:
    /// nonce = BLAKE-512(second half ‖ M as 32 little-endian bytes) mod l, R8 = nonce·B8, S = nonce + h·s mod l.
    ///
    /// The result passes [`verify`] unless its challenge is outside the window, which has probability 2^-84.8.
    #[must_use]
    pub fn sign(&self, message: &Fr) -> Signature {
        let mut digest: [u8; 64] = Blake512::new()
            .chain(self.prefix)
            .chain(fr_to_bytes_le(message))
            .finalize()
            .into();
        let mut nonce = reduce_bytes_le(&digest);
        let r8 = Point::base_multiple(&to_limbs(&nonce));
        let h = challenge(&self.public, message, &r8);
        let s = to_limbs(&(nonce + reduce_bytes_le(&fr_to_bytes_le(&h)) * self.scalar));
        digest.zeroize();
        nonce.zeroize();
        Signature { r8, s }
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.scalar.zeroize();
        self.prefix.zeroize();
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

impl Signature {
    /// Length of the encoding in bytes.
    pub const BYTES: usize = 96;

    /// R8 x 32 | R8 y 32 | S 32, each least significant byte first.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..32].copy_from_slice(&fr_to_bytes_le(&self.r8.x));
        bytes[32..64].copy_from_slice(&fr_to_bytes_le(&self.r8.y));
        bytes[64..].copy_from_slice(&limbs_to_bytes_le(&self.s));
        bytes
    }

    /// Reads the encoding. Coordinates must be below r; S is any 256-bit integer, for the rule to judge.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Result<Self, SignatureDecodeError> {
        let (x, rest) = bytes.split_at(32);
        let (y, s) = rest.split_at(32);
        let x = fr_from_bytes_le(x).ok_or(SignatureDecodeError::NotCanonical { coordinate: 'x' })?;
        let y = fr_from_bytes_le(y).ok_or(SignatureDecodeError::NotCanonical { coordinate: 'y' })?;
        let mut scalar = [0; 32];
        scalar.copy_from_slice(s);
        Ok(Self {
            r8: Point::new(x, y),
            s: limbs_from_bytes_le(&scalar),
        })
    }
}

#[cfg(test)]
mod tests;
