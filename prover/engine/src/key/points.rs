//! Points in keys: uncompressed affine coordinates, x then y; in G2 each as c0 then c1. One line in G1, two in G2.
//!
//! A coordinate is 32 bytes: the four 64-bit limbs, little-endian, of its Montgomery form with R = 2^256, below the
//! modulus. It is stored as arithmetic needs it, so that a mapped file can be used without a multiplication for each
//! coordinate. The identity is all zeros, which is on neither curve.

use ark_bn254::{Fq, Fq2, g1, g2};
use ark_ec::AffineRepr;
use ark_ec::short_weierstrass::Affine;
use ark_ff::{BigInt, PrimeField};
use rayon::prelude::*;

use crate::backend::Line;

/// Points that one task looks at.
const POINTS_PER_TASK: usize = 1024;

/// What is wrong with a stored point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PointFault {
    /// A coordinate at or above the modulus.
    Coordinate,
    /// Not on the curve. The identity counts as such: lists do not hold it.
    OffCurve,
    /// On the curve, outside the subgroup of order r.
    OffSubgroup,
}

/// An affine point of fixed size.
pub(crate) trait StoredPoint: AffineRepr {
    /// Lines of a point.
    const LINES: usize;

    /// Writes `Self::LINES` lines.
    fn write(&self, lines: &mut [Line]);

    /// Reads `Self::LINES` lines without looking at what they say: a coordinate at or above the modulus stays so.
    fn read(lines: &[Line]) -> Self;

    /// The point in `Self::LINES` lines, checked: canonical, on the curve, in the subgroup.
    fn checked(lines: &[Line], subgroup: Subgroup) -> Result<Self, PointFault>;
}

/// Whether the subgroup is looked at. G1 is all of its curve; in G2 it costs a multiplication for each point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subgroup {
    /// It is.
    Check,
    /// The points are multiples of the generator: whoever asks has computed them so.
    Known,
}

/// The first point of a list that is wrong, looked for on the current pool.
pub(crate) fn first_fault<P: StoredPoint>(lines: &[Line], subgroup: Subgroup) -> Option<(usize, PointFault)> {
    let tasks = lines.par_chunks(POINTS_PER_TASK * P::LINES).enumerate();
    tasks.find_map_first(|(task, lines)| {
        let mut points = lines.chunks_exact(P::LINES).enumerate();
        points.find_map(|(offset, lines)| {
            let fault = P::checked(lines, subgroup).err()?;
            Some((task * POINTS_PER_TASK + offset, fault))
        })
    })
}

/// The first point of a list that is the identity.
pub(crate) fn first_identity<P: StoredPoint>(lines: &[Line]) -> Option<usize> {
    let tasks = lines.par_chunks(POINTS_PER_TASK * P::LINES).enumerate();
    tasks.find_map_first(|(task, lines)| {
        let is_zero = |point: &[Line]| point.iter().all(|line| *line == Line::default());
        let offset = lines.chunks_exact(P::LINES).position(is_zero)?;
        Some(task * POINTS_PER_TASK + offset)
    })
}

impl StoredPoint for Affine<g1::Config> {
    const LINES: usize = 1;

    fn write(&self, lines: &mut [Line]) {
        let (x, y) = self.xy().unwrap_or_default();
        lines[0] = line(x, y);
    }

    fn read(lines: &[Line]) -> Self {
        let (x, y) = coordinates(lines[0]);
        if lines[0] == Line::default() {
            return Self::identity();
        }
        Self::new_unchecked(x, y)
    }

    fn checked(lines: &[Line], _: Subgroup) -> Result<Self, PointFault> {
        let point = canonical::<Self>(lines)?;
        if point.is_zero() || !point.is_on_curve() {
            return Err(PointFault::OffCurve);
        }
        Ok(point)
    }
}

impl StoredPoint for Affine<g2::Config> {
    const LINES: usize = 2;

    fn write(&self, lines: &mut [Line]) {
        let (x, y) = self.xy().unwrap_or_default();
        lines[0] = line(x.c0, x.c1);
        lines[1] = line(y.c0, y.c1);
    }

    fn read(lines: &[Line]) -> Self {
        let (x, y) = (coordinates(lines[0]), coordinates(lines[1]));
        if lines[..2] == [Line::default(); 2] {
            return Self::identity();
        }
        Self::new_unchecked(Fq2::new(x.0, x.1), Fq2::new(y.0, y.1))
    }

    fn checked(lines: &[Line], subgroup: Subgroup) -> Result<Self, PointFault> {
        let point = canonical::<Self>(lines)?;
        if point.is_zero() || !point.is_on_curve() {
            return Err(PointFault::OffCurve);
        }
        if subgroup == Subgroup::Check && !point.is_in_correct_subgroup_assuming_on_curve() {
            return Err(PointFault::OffSubgroup);
        }
        Ok(point)
    }
}

fn canonical<P: StoredPoint>(lines: &[Line]) -> Result<P, PointFault> {
    let all_below = lines[..P::LINES].iter().all(|&line| {
        let (first, second) = coordinates(line);
        first.0 < Fq::MODULUS && second.0 < Fq::MODULUS
    });
    if !all_below {
        return Err(PointFault::Coordinate);
    }
    Ok(P::read(lines))
}

/// The inner value of arkworks' field type is the Montgomery form.
fn line(first: Fq, second: Fq) -> Line {
    let [a, b, c, d] = first.0.0;
    let [e, f, g, h] = second.0.0;
    Line([a, b, c, d, e, f, g, h])
}

fn coordinates(Line([a, b, c, d, e, f, g, h]): Line) -> (Fq, Fq) {
    let element = |limbs| Fq::new_unchecked(BigInt(limbs));
    (element([a, b, c, d]), element([e, f, g, h]))
}

#[cfg(test)]
mod tests {
    use ark_bn254::{G1Affine, G2Affine};
    use ark_ec::CurveGroup;
    use ark_ff::{AdditiveGroup, Field};

    use super::*;

    fn encoded<P: StoredPoint>(point: P) -> Vec<Line> {
        let mut lines = vec![Line([7; 8]); P::LINES];
        point.write(&mut lines);
        lines
    }

    fn round_trip<P: StoredPoint>() {
        let generator = P::generator();
        for point in [generator, (-generator.into_group()).into_affine()] {
            assert_eq!(P::checked(&encoded(point), Subgroup::Check), Ok(point));
            assert_eq!(P::read(&encoded(point)), point);
        }
        assert_eq!(P::read(&encoded(P::zero())), P::zero());
        assert_eq!(encoded(P::zero()), vec![Line::default(); P::LINES]);
        let mut many: Vec<Line> = (0..3000).flat_map(|_| encoded(generator)).collect();
        assert_eq!(first_fault::<P>(&many, Subgroup::Known), None);
        assert_eq!(first_identity::<P>(&many), None);
        many[2500 * P::LINES].0[0] ^= 1;
        many[2900 * P::LINES].0[0] ^= 1;
        let fault = first_fault::<P>(&many, Subgroup::Known);
        assert_eq!(fault, Some((2500, PointFault::OffCurve)));
        for index in [2000, 2048, 2999] {
            P::zero().write(&mut many[index * P::LINES..]);
        }
        assert_eq!(first_identity::<P>(&many), Some(2000));
        let fault = first_fault::<P>(&many, Subgroup::Known);
        assert_eq!(fault, Some((2000, PointFault::OffCurve)));
    }

    #[test]
    fn points_come_back() {
        round_trip::<G1Affine>();
        round_trip::<G2Affine>();
    }

    #[test]
    fn s35_a_coordinate_has_one_encoding() {
        let [mut line] = encoded(G1Affine::generator())[..] else {
            panic!("one line");
        };
        let mut value = Fq::ONE.0;
        ark_ff::BigInteger::add_with_carry(&mut value, &Fq::MODULUS);
        line.0[..4].copy_from_slice(&value.0);
        assert_eq!(
            G1Affine::checked(&[line], Subgroup::Check),
            Err(PointFault::Coordinate)
        );
    }

    #[test]
    fn s36_points_off_the_curve_are_refused() {
        let off = G1Affine::new_unchecked(Fq::ONE, Fq::ONE);
        assert_eq!(
            G1Affine::checked(&encoded(off), Subgroup::Check),
            Err(PointFault::OffCurve)
        );
        let off = G2Affine::new_unchecked(Fq2::ZERO, Fq2::ONE);
        assert_eq!(
            G2Affine::checked(&encoded(off), Subgroup::Check),
            Err(PointFault::OffCurve)
        );
    }

    #[test]
    fn s36_points_outside_the_subgroup_are_refused_where_it_is_looked_at() {
        let lines = encoded(crate::testing::off_subgroup());
        assert!(G2Affine::checked(&lines, Subgroup::Known).is_ok());
        assert_eq!(
            G2Affine::checked(&lines, Subgroup::Check),
            Err(PointFault::OffSubgroup)
        );
    }
}
