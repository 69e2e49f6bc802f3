//! Public keys: points of the curve of order exactly l.

pub mod constraints;

use ark_bn254::Fr;
use thiserror::Error;

use super::extended::Extended;
use super::{Point, fr_from_bytes_le, fr_to_bytes_le, multiply};

/// Why a pair of coordinates is not a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// A coordinate is at or above r.
    #[error("coordinate {coordinate} of the key is not below the field's modulus")]
    NotCanonical {
        /// `x` or `y`.
        coordinate: char,
    },
    /// The pair does not satisfy the curve's equation.
    #[error("key {point:?} is not on the curve")]
    NotOnCurve {
        /// The pair.
        point: Point,
    },
    /// The point has a small-order component.
    #[error("key {point:?} is not in the subgroup of prime order")]
    NotInSubgroup {
        /// The point.
        point: Point,
    },
    /// The identity signs everything.
    #[error("key is the identity")]
    Identity,
}

/// A public key: on the curve, of order exactly l. The checks are made once, where the value is built; whoever holds
/// one needs no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PublicKey(Point);

impl PublicKey {
    /// Checks that the pair is on the curve, in the subgroup of order l, and not the identity.
    pub fn new(point: Point) -> Result<Self, PublicKeyError> {
        if !point.is_on_curve() {
            return Err(PublicKeyError::NotOnCurve { point });
        }
        if point.is_identity() {
            return Err(PublicKeyError::Identity);
        }
        if !point.is_in_subgroup() {
            return Err(PublicKeyError::NotInSubgroup { point });
        }
        Ok(Self(point))
    }

    /// Reads x then y, 32 bytes each, least significant byte first, both below r, and checks as [`PublicKey::new`].
    pub fn from_bytes_le(bytes: &[u8; 64]) -> Result<Self, PublicKeyError> {
        let (x, y) = bytes.split_at(32);
        let x = fr_from_bytes_le(x).ok_or(PublicKeyError::NotCanonical { coordinate: 'x' })?;
        let y = fr_from_bytes_le(y).ok_or(PublicKeyError::NotCanonical { coordinate: 'y' })?;
        Self::new(Point { x, y })
    }

    /// x then y, 32 bytes each, least significant byte first.
    #[must_use]
    pub fn to_bytes_le(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&fr_to_bytes_le(&self.0.x));
        bytes[32..].copy_from_slice(&fr_to_bytes_le(&self.0.y));
        bytes
    }

    /// (k)·B8 for a scalar k that comes out of a hash: that it is 0 modulo l, and the point the identity, has probability
    /// 2^-250.
    pub(crate) fn of_multiple(scalar: &[u64; 4]) -> Self {
        Self(Point::base_multiple(scalar))
    }

    /// Whether base·B8 − multiplier·A is the point with exactly the coordinates of `commitment`.
    pub(crate) fn opens(&self, base: &[u64; 4], multiplier: &[u64; 4], commitment: &Point) -> bool {
        let against = multiply::multiply(&Extended::from(self.0.neg()), multiplier);
        multiply::multiply_base(base).add(&against).is_affine(commitment)
    }

    /// The point.
    #[must_use]
    pub const fn point(&self) -> &Point {
        &self.0
    }

    /// x.
    #[must_use]
    pub const fn x(&self) -> Fr {
        self.0.x
    }

    /// y.
    #[must_use]
    pub const fn y(&self) -> Fr {
        self.0.y
    }
}
