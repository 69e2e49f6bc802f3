//! Points in key files: uncompressed affine coordinates, x then y; in G2 each as c0 then c1.
//!
//! A coordinate is 32 bytes: the four 64-bit limbs, little-endian, of its Montgomery form with R = 2^256, below the
//! modulus. It is stored as arithmetic needs it, so that a mapped file can be used without a multiplication for each
//! coordinate. The identity is all zeros, which is on neither curve.

use ark_bn254::{Fq, Fq2, g1, g2};
use ark_ec::AffineRepr;
use ark_ec::short_weierstrass::Affine;
use ark_ff::{BigInt, PrimeField};
use rayon::prelude::*;

/// Points that one task reads.
const POINTS_PER_TASK: usize = 1024;

/// What is wrong with an encoded point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PointFault {
    /// A coordinate at or above the modulus.
    NotCanonical,
    /// Not on the curve.
    NotOnCurve,
}

/// An affine point of fixed encoded size.
pub(crate) trait StoredPoint: AffineRepr {
    /// Encoded size.
    const BYTES: usize;

    /// Appends the encoding.
    fn write(&self, bytes: &mut Vec<u8>);

    /// Reads `Self::BYTES` bytes. Does not check the subgroup.
    fn read(bytes: &[u8]) -> Result<Self, PointFault>;
}

/// Reads as many points as `bytes` holds, in parallel; the error says which point is wrong first.
pub(crate) fn read_all<P: StoredPoint>(bytes: &[u8]) -> Result<Vec<P>, (usize, PointFault)> {
    let mut points = vec![P::zero(); bytes.len() / P::BYTES];
    let tasks = points
        .par_chunks_mut(POINTS_PER_TASK)
        .zip(bytes.par_chunks(POINTS_PER_TASK * P::BYTES));
    let fault = tasks.enumerate().find_map_first(|(task, (points, bytes))| {
        let pairs = points.iter_mut().zip(bytes.chunks_exact(P::BYTES));
        pairs
            .enumerate()
            .find_map(|(offset, (point, bytes))| match P::read(bytes) {
                Ok(read) => {
                    *point = read;
                    None
                }
                Err(fault) => Some((task * POINTS_PER_TASK + offset, fault)),
            })
    });
    match fault {
        Some(fault) => Err(fault),
        None => Ok(points),
    }
}

impl StoredPoint for Affine<g1::Config> {
    const BYTES: usize = 64;

    fn write(&self, bytes: &mut Vec<u8>) {
        let (x, y) = self.xy().unwrap_or_default();
        write_coordinates([x, y], bytes);
    }

    fn read(bytes: &[u8]) -> Result<Self, PointFault> {
        let [x, y] = read_coordinates(bytes)?;
        finish(Self::new_unchecked(x, y), bytes, Self::is_on_curve)
    }
}

impl StoredPoint for Affine<g2::Config> {
    const BYTES: usize = 128;

    fn write(&self, bytes: &mut Vec<u8>) {
        let (x, y) = self.xy().unwrap_or_default();
        write_coordinates([x.c0, x.c1, y.c0, y.c1], bytes);
    }

    fn read(bytes: &[u8]) -> Result<Self, PointFault> {
        let [x0, x1, y0, y1] = read_coordinates(bytes)?;
        finish(
            Self::new_unchecked(Fq2::new(x0, x1), Fq2::new(y0, y1)),
            bytes,
            Self::is_on_curve,
        )
    }
}

fn finish<P: AffineRepr>(
    point: P,
    bytes: &[u8],
    is_on_curve: impl FnOnce(&P) -> bool,
) -> Result<P, PointFault> {
    if is_on_curve(&point) {
        return Ok(point);
    }
    if bytes.iter().all(|&byte| byte == 0) {
        return Ok(P::zero());
    }
    Err(PointFault::NotOnCurve)
}

fn write_coordinates<const N: usize>(coordinates: [Fq; N], bytes: &mut Vec<u8>) {
    for coordinate in coordinates {
        // The inner value of arkworks' field type is the Montgomery form.
        for limb in coordinate.0.0 {
            bytes.extend(limb.to_le_bytes());
        }
    }
}

fn read_coordinates<const N: usize>(bytes: &[u8]) -> Result<[Fq; N], PointFault> {
    let mut coordinates = [Fq::default(); N];
    for (coordinate, bytes) in coordinates.iter_mut().zip(bytes.as_chunks::<32>().0) {
        let mut limbs = BigInt([0; 4]);
        for (limb, bytes) in limbs.0.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *limb = u64::from_le_bytes(*bytes);
        }
        if limbs >= Fq::MODULUS {
            return Err(PointFault::NotCanonical);
        }
        *coordinate = Fq::new_unchecked(limbs);
    }
    Ok(coordinates)
}

#[cfg(test)]
mod tests {
    use ark_bn254::{G1Affine, G2Affine};
    use ark_ec::CurveGroup;
    use ark_ff::{AdditiveGroup, Field};

    use super::*;

    fn encoded<P: StoredPoint>(point: P) -> Vec<u8> {
        let mut bytes = Vec::new();
        point.write(&mut bytes);
        assert_eq!(bytes.len(), P::BYTES);
        bytes
    }

    fn round_trip<P: StoredPoint>() {
        let generator = P::generator();
        for point in [P::zero(), generator, (-generator.into_group()).into_affine()] {
            assert_eq!(P::read(&encoded(point)), Ok(point));
        }
        let many: Vec<P> = (0..3000)
            .map(|k| if k % 7 == 0 { P::zero() } else { generator })
            .collect();
        let mut bytes: Vec<u8> = many.iter().flat_map(|&point| encoded(point)).collect();
        assert_eq!(read_all::<P>(&bytes), Ok(many));
        bytes[2500 * P::BYTES] ^= 1;
        bytes[2900 * P::BYTES] ^= 1;
        assert_eq!(read_all::<P>(&bytes), Err((2500, PointFault::NotOnCurve)));
    }

    #[test]
    fn points_come_back() {
        round_trip::<G1Affine>();
        round_trip::<G2Affine>();
    }

    #[test]
    fn s35_a_coordinate_has_one_encoding() {
        let mut bytes = encoded(G1Affine::generator());
        let mut value = Fq::ONE.0;
        ark_ff::BigInteger::add_with_carry(&mut value, &Fq::MODULUS);
        for (chunk, limb) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(value.0) {
            *chunk = limb.to_le_bytes();
        }
        assert_eq!(G1Affine::read(&bytes), Err(PointFault::NotCanonical));
    }

    #[test]
    fn s36_points_off_the_curve_are_refused() {
        let off = G1Affine::new_unchecked(Fq::ONE, Fq::ONE);
        assert_eq!(G1Affine::read(&encoded(off)), Err(PointFault::NotOnCurve));
        let off = G2Affine::new_unchecked(Fq2::ZERO, Fq2::ONE);
        assert_eq!(G2Affine::read(&encoded(off)), Err(PointFault::NotOnCurve));
    }
}
