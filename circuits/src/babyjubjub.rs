//! BabyJubjub in circomlib's form: the twisted Edwards curve a·x² + y² = 1 + d·x²·y² over Fr with a = 168700,
//! d = 168696 (EIP-2494), of order 8·l with l the prime [`ORDER`].
//!
//! a is a square and d is not, so the addition law is complete: it has no exceptional case on the curve. Points here are
//! affine; the module inside computes in extended coordinates. Nothing runs in constant time: the field's own
//! arithmetic does not either. Signing belongs where timing is not observed.

pub mod constraints;
pub(crate) mod extended;
pub mod key;
mod multiply;
pub(crate) mod scalar;
mod subgroup;

use core::fmt;

use ark_bn254::Fr;
use ark_ff::{Field, MontFp, One, PrimeField};

use extended::Extended;
pub use key::{PublicKey, PublicKeyError};

/// The coefficient a.
pub const A: Fr = MontFp!("168700");

/// The coefficient d.
pub const D: Fr = MontFp!("168696");

/// Coefficient A of the birational Montgomery form v² = u³ + A·u² + u (B = 1).
pub const MONTGOMERY_A: Fr = MontFp!("168698");

/// The order l of the prime subgroup, limbs of 64 bits, least significant first; l < 2^251:
/// 2736030358979909402780800718157159386076813972158567259200215660948447373041.
pub const ORDER: [u64; 4] = [
    0x677297dc392126f1,
    0xab3eedb83920ee0a,
    0x370a08b6d0302b0b,
    0x060c89ce5c263405,
];

/// The base point of signatures, of order l; circomlib's `Base8`.
pub const BASE8: Point = Point {
    x: MontFp!("5299619240641551281634865583518297030282874472190772894086521144482721001553"),
    y: MontFp!("16950150798460657717958625567821834550301663161624707787222815936182638968203"),
};

/// A pair of affine coordinates. It need not lie on the curve: a signature from outside carries any pair; the group
/// operations are defined for points of the curve, and for other pairs give some pair without meaning.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Point {
    /// x.
    pub x: Fr,
    /// y.
    pub y: Fr,
}

impl Point {
    /// The neutral element (0, 1).
    pub const IDENTITY: Self = Self {
        x: MontFp!("0"),
        y: MontFp!("1"),
    };

    /// A pair of coordinates, unchecked.
    #[must_use]
    pub const fn new(x: Fr, y: Fr) -> Self {
        Self { x, y }
    }

    /// Whether the pair satisfies the curve's equation.
    #[must_use]
    pub fn is_on_curve(&self) -> bool {
        let (xx, yy) = (self.x.square(), self.y.square());
        A * xx + yy == Fr::one() + D * xx * yy
    }

    /// Whether the pair is on the curve and in the subgroup of order l (the identity is).
    #[must_use]
    pub fn is_in_subgroup(&self) -> bool {
        self.is_on_curve() && subgroup::contains(self)
    }

    /// Whether this is the neutral element.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        *self == Self::IDENTITY
    }

    /// The sum of two points.
    #[must_use]
    pub fn add(&self, other: &Self) -> Self {
        Extended::from(*self).add(&Extended::from(*other)).to_affine()
    }

    /// Twice the point.
    #[must_use]
    pub fn double(&self) -> Self {
        Extended::from(*self).double().to_affine()
    }

    /// The negative (−x, y).
    #[must_use]
    pub fn neg(&self) -> Self {
        Self {
            x: -self.x,
            y: self.y,
        }
    }

    /// The multiple by a 256-bit scalar, limbs of 64 bits, least significant first. The scalar is not reduced: for a
    /// point outside the subgroup scalars equal modulo l differ.
    #[must_use]
    pub fn mul(&self, scalar: &[u64; 4]) -> Self {
        multiply::multiply(&Extended::from(*self), scalar).to_affine()
    }

    /// The multiple of [`BASE8`] by a 256-bit scalar, from a table; ten times faster than [`Point::mul`].
    #[must_use]
    pub fn base_multiple(scalar: &[u64; 4]) -> Self {
        multiply::multiply_base(scalar).to_affine()
    }

    /// The multiple by a scalar of 32 bytes, least significant first.
    #[must_use]
    pub fn mul_bytes_le(&self, scalar: &[u8; 32]) -> Self {
        self.mul(&limbs_from_bytes_le(scalar))
    }

    /// The point (u, v) = ((1 + y) / (1 − y), u / x) of the Montgomery form, or `None` for the two points that have no
    /// such image: the identity (y = 1), and (0, −1).
    #[must_use]
    pub fn to_montgomery(&self) -> Option<(Fr, Fr)> {
        let u = (Fr::one() + self.y) * (Fr::one() - self.y).inverse()?;
        Some((u, u * self.x.inverse()?))
    }

    /// The inverse of [`Point::to_montgomery`]: (x, y) = (u / v, (u − 1) / (u + 1)), or `None` where a denominator is 0.
    #[must_use]
    pub fn from_montgomery(u: Fr, v: Fr) -> Option<Self> {
        Some(Self {
            x: u * v.inverse()?,
            y: (u - Fr::one()) * (u + Fr::one()).inverse()?,
        })
    }
}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Point({}, {})", self.x, self.y)
    }
}

/// A field element from 32 bytes, least significant first; `None` for another length or a value at or above r.
pub(crate) fn fr_from_bytes_le(bytes: &[u8]) -> Option<Fr> {
    let bytes: &[u8; 32] = bytes.try_into().ok()?;
    Fr::from_bigint(ark_ff::BigInt(limbs_from_bytes_le(bytes)))
}

/// The canonical 32 bytes of a field element, least significant first.
pub(crate) fn fr_to_bytes_le(element: &Fr) -> [u8; 32] {
    limbs_to_bytes_le(&element.into_bigint().0)
}

/// Four limbs from 32 bytes, both least significant first.
pub(crate) fn limbs_from_bytes_le(bytes: &[u8; 32]) -> [u64; 4] {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_le_bytes(*chunk);
    }
    limbs
}

/// 32 bytes from four limbs, both least significant first.
pub(crate) fn limbs_to_bytes_le(limbs: &[u64; 4]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (chunk, limb) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(limbs) {
        *chunk = limb.to_le_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests;
