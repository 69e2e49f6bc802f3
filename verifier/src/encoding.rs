//! Bytes: keccak256, field elements, curve points, hexadecimal text, and a reader that never over-reads.
//!
//! Field elements are 32 bytes, big-endian and canonical (below the modulus). Points are EVM words: G1 as
//! (x, y), G2 as (x.c1, x.c0, y.c1, y.c0), the order of the pairing precompile. The identity has no encoding
//! here: nothing that this crate reads may be the identity.

use alloc::string::String;

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInt, PrimeField};
use sha3::{Digest, Keccak256};

use crate::DecodeError;

/// Bytes of a field element.
pub const WORD_BYTES: usize = 32;
/// Bytes of a point of G1.
pub const G1_BYTES: usize = 64;
/// Bytes of a point of G2.
pub const G2_BYTES: usize = 128;

/// keccak256 (the EVM's, not SHA3-256) of the concatenated parts.
pub fn keccak256<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hasher = Keccak256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// 32 bytes, big-endian, canonical.
pub fn fr_to_bytes_be(value: &Fr) -> [u8; 32] {
    limbs_to_bytes_be(value.into_bigint())
}

/// Reads 32 big-endian bytes below r. `field` names the value in the error.
///
/// # Errors
/// [`DecodeError::NotCanonical`] at or above r.
pub fn fr_from_bytes_be(bytes: &[u8; 32], field: &'static str) -> Result<Fr, DecodeError> {
    Fr::from_bigint(limbs_from_bytes_be(bytes)).ok_or(DecodeError::NotCanonical { field })
}

/// 32 bytes, big-endian, canonical.
pub fn fq_to_bytes_be(value: &Fq) -> [u8; 32] {
    limbs_to_bytes_be(value.into_bigint())
}

/// Reads 32 big-endian bytes below q. `field` names the value in the error.
///
/// # Errors
/// [`DecodeError::NotCanonical`] at or above q.
pub fn fq_from_bytes_be(bytes: &[u8; 32], field: &'static str) -> Result<Fq, DecodeError> {
    Fq::from_bigint(limbs_from_bytes_be(bytes)).ok_or(DecodeError::NotCanonical { field })
}

/// The two EVM words of a point: x, y. The identity, which is refused when read, gives zeros.
pub fn g1_to_words(point: &G1Affine) -> [[u8; 32]; 2] {
    let (x, y) = point.xy().unwrap_or_default();
    [fq_to_bytes_be(&x), fq_to_bytes_be(&y)]
}

/// The four EVM words of a point: x.c1, x.c0, y.c1, y.c0. The identity, which is refused when read, gives zeros.
pub fn g2_to_words(point: &G2Affine) -> [[u8; 32]; 4] {
    let (x, y) = point.xy().unwrap_or_default();
    [&x.c1, &x.c0, &y.c1, &y.c0].map(fq_to_bytes_be)
}

/// Checks a point of G1: not the identity, on the curve (whose order is prime).
///
/// # Errors
/// [`DecodeError::Identity`] or [`DecodeError::NotOnCurve`], naming `field`.
pub fn check_g1(point: &G1Affine, field: &'static str) -> Result<(), DecodeError> {
    if point.is_zero() {
        return Err(DecodeError::Identity { field });
    }
    if !point.is_on_curve() {
        return Err(DecodeError::NotOnCurve { field });
    }
    Ok(())
}

/// Checks a point of G2: not the identity, on the twist, in the subgroup of order r.
///
/// # Errors
/// [`DecodeError::Identity`], [`DecodeError::NotOnCurve`] or [`DecodeError::NotInSubgroup`], naming `field`.
pub fn check_g2(point: &G2Affine, field: &'static str) -> Result<(), DecodeError> {
    if point.is_zero() {
        return Err(DecodeError::Identity { field });
    }
    if !point.is_on_curve() {
        return Err(DecodeError::NotOnCurve { field });
    }
    if !point.is_in_correct_subgroup_assuming_on_curve() {
        return Err(DecodeError::NotInSubgroup { field });
    }
    Ok(())
}

/// `0x` and two lower-case hexadecimal digits for each byte.
pub fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::from("0x");
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(digit.into(), 16));
        }
    }
    text
}

/// Reads what [`to_hex`] writes for N bytes, and nothing else.
///
/// # Errors
/// [`DecodeError::Hex`] naming `field`.
pub fn from_hex<const N: usize>(text: &str, field: &'static str) -> Result<[u8; N], DecodeError> {
    let error = DecodeError::Hex {
        field,
        expected: length(N),
    };
    let (pairs, odd) = text.strip_prefix("0x").ok_or(error)?.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !odd.is_empty() {
        return Err(error);
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = hex_digit(*high).ok_or(error)? << 4 | hex_digit(*low).ok_or(error)?;
    }
    Ok(bytes)
}

fn hex_digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => character.checked_sub(b'0'),
        b'a'..=b'f' => character.checked_sub(b'a')?.checked_add(10),
        _ => None,
    }
}

/// The higher and the lower 128 bits of a big-endian word.
pub(crate) fn halves(bytes: &[u8; 32]) -> (u128, u128) {
    bytes.iter().fold((0, 0), |(high, low): (u128, u128), byte| {
        (high << 8 | low >> 120, low << 8 | u128::from(*byte))
    })
}

/// The number without its 8 highest bits.
pub(crate) fn below_2_248(mut bytes: [u8; 32]) -> [u8; 32] {
    let [top, ..] = &mut bytes;
    *top = 0;
    bytes
}

/// A length for an error's field.
pub(crate) fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Takes fixed-width fields off the front of a byte string.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Bytes not yet taken.
    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::Truncated {
            field,
            needed: length(N),
            got: length(self.rest.len()),
        })?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_be_bytes)
    }

    pub(crate) fn u128(&mut self, field: &'static str) -> Result<u128, DecodeError> {
        self.array(field).map(u128::from_be_bytes)
    }

    /// The five bytes of a 40-bit float.
    pub(crate) fn amount(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        let [a0, a1, a2, a3, a4] = self.array(field)?;
        Ok(u64::from_be_bytes([0, 0, 0, a0, a1, a2, a3, a4]))
    }

    /// A number in a 32-byte word, within `min..=max`.
    pub(crate) fn word_u32(&mut self, field: &'static str, min: u32, max: u32) -> Result<u32, DecodeError> {
        let [limb0, high @ ..] = limbs_from_bytes_be(&self.array(field)?).0;
        let got = if high == [0; 3] { limb0 } else { u64::MAX };
        u32::try_from(got)
            .ok()
            .filter(|value| (min..=max).contains(value))
            .ok_or(DecodeError::OutOfRange {
                field,
                min: min.into(),
                max: max.into(),
                got,
            })
    }

    pub(crate) fn fr(&mut self, field: &'static str) -> Result<Fr, DecodeError> {
        fr_from_bytes_be(&self.array(field)?, field)
    }

    /// The magic bytes and the version that a file starts with.
    pub(crate) fn format(
        &mut self,
        field: &'static str,
        magic: [u8; 8],
        expected: u32,
    ) -> Result<(), DecodeError> {
        if self.array("magic")? != magic {
            return Err(DecodeError::Format { field });
        }
        match self.u32("version")? {
            version if version == expected => Ok(()),
            got => Err(DecodeError::Version { got, expected }),
        }
    }

    /// A point of G1, checked by [`check_g1`].
    pub(crate) fn g1(&mut self, field: &'static str) -> Result<G1Affine, DecodeError> {
        let (x, y) = (self.fq(field)?, self.fq(field)?);
        if x == Fq::default() && y == Fq::default() {
            return Err(DecodeError::Identity { field });
        }
        let point = G1Affine::new_unchecked(x, y);
        check_g1(&point, field)?;
        Ok(point)
    }

    /// A point of G2, checked by [`check_g2`].
    pub(crate) fn g2(&mut self, field: &'static str) -> Result<G2Affine, DecodeError> {
        let (x, y) = (self.fq2(field)?, self.fq2(field)?);
        if x == Fq2::default() && y == Fq2::default() {
            return Err(DecodeError::Identity { field });
        }
        let point = G2Affine::new_unchecked(x, y);
        check_g2(&point, field)?;
        Ok(point)
    }

    fn fq(&mut self, field: &'static str) -> Result<Fq, DecodeError> {
        fq_from_bytes_be(&self.array(field)?, field)
    }

    /// The imaginary half c1 comes first, as in the EVM.
    fn fq2(&mut self, field: &'static str) -> Result<Fq2, DecodeError> {
        let (c1, c0) = (self.fq(field)?, self.fq(field)?);
        Ok(Fq2::new(c0, c1))
    }

    /// Ends the reading.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::TrailingBytes {
                got: length(self.rest.len()),
            })
        }
    }
}

fn limbs_to_bytes_be(BigInt(limbs): BigInt<4>) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (chunk, limb) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(limbs.iter().rev()) {
        *chunk = limb.to_be_bytes();
    }
    bytes
}

fn limbs_from_bytes_be(bytes: &[u8; 32]) -> BigInt<4> {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().rev().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_be_bytes(*chunk);
    }
    BigInt(limbs)
}
