//! A coordinate of eight points: an element of the base field, or of its quadratic extension.
//!
//! One kernel serves both groups because it knows coordinates only through this trait. Bounds are those of the lanes
//! (see [`Lanes`]); for an extension they hold for each of its two components.

use ark_bn254::Fq;
use ark_ff::Field;

use super::inverse;
use crate::backend::{FqParams, Lanes, Line};

/// Eight coordinates. Bounds say what each component may be, in multiples of the modulus.
pub(crate) trait Coordinate: Copy {
    /// Cache lines that [`write`](Self::write) fills.
    const LINES: usize;

    /// Eight zeros: bound 1.
    fn zero() -> Self;

    /// Eight ones: bound 1. Not for inner loops.
    fn one() -> Self;

    /// a + b; the bounds add.
    fn add(self, other: Self) -> Self;

    /// a − b + K·p, for b below K·p: bound a + K.
    fn sub<const K: usize>(self, other: Self) -> Self;

    /// −a in the lanes of `mask`, for a below K·p: bound K.
    fn negate_where<const K: usize>(self, mask: u8) -> Self;

    /// a·b. Base field: bound 2 + ab/84. Extension: 6 + ab/84 and 2 + 2ab/84, for a + a below 84 and ab up to 336.
    fn mul(self, other: Self) -> Self;

    /// a². As [`mul`](Self::mul), but in the extension the second component stays below 8.
    fn square(self) -> Self;

    /// The same residue: bound 2. Takes up to 64.
    fn reduce(self) -> Self;

    /// Lanes whose residue is 0. Takes up to 64.
    fn zero_lanes(self) -> u8;

    /// `other` in the lanes of `mask`, `self` in the others.
    fn select(self, other: Self, mask: u8) -> Self;

    /// 1/a in each lane: bound 3. None if a lane is zero. Takes up to 16. One inversion, shared by the lanes.
    fn inverse(self) -> Option<Self>;

    /// What [`write`](Self::write) wrote.
    fn read(lines: &[Line]) -> Self;

    /// Writes into [`LINES`](Self::LINES) lines.
    fn write(self, lines: &mut [Line]);
}

/// Elements of the base field.
#[derive(Clone, Copy)]
pub(crate) struct Base<L>(pub(crate) L);

/// Elements a₀ + a₁u of the quadratic extension, u² = −1.
#[derive(Clone, Copy)]
pub(crate) struct Extension<L>(pub(crate) [L; 2]);

#[inline(always)]
fn inverse_lanes<L: Lanes<Params = FqParams>>(value: L) -> Option<L> {
    let mut elements = value.to_elements();
    inverse::invert_all(&mut elements).then(|| L::from_elements(&elements).reduce())
}

impl<L: Lanes<Params = FqParams>> Coordinate for Base<L> {
    const LINES: usize = L::LINES;

    #[inline(always)]
    fn zero() -> Self {
        Self(L::zero())
    }

    #[inline(always)]
    fn one() -> Self {
        Self(L::splat(&Fq::ONE))
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(self.0.add(other.0))
    }

    #[inline(always)]
    fn sub<const K: usize>(self, other: Self) -> Self {
        Self(self.0.sub::<K>(other.0))
    }

    #[inline(always)]
    fn negate_where<const K: usize>(self, mask: u8) -> Self {
        Self(self.0.negate_where::<K>(mask))
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(self.0.mul(other.0))
    }

    #[inline(always)]
    fn square(self) -> Self {
        Self(self.0.square())
    }

    #[inline(always)]
    fn reduce(self) -> Self {
        Self(self.0.reduce())
    }

    #[inline(always)]
    fn zero_lanes(self) -> u8 {
        self.0.zero_lanes()
    }

    #[inline(always)]
    fn select(self, other: Self, mask: u8) -> Self {
        Self(self.0.select(other.0, mask))
    }

    #[inline(always)]
    fn inverse(self) -> Option<Self> {
        inverse_lanes(self.0).map(Self)
    }

    #[inline(always)]
    fn read(lines: &[Line]) -> Self {
        Self(L::read(lines))
    }

    #[inline(always)]
    fn write(self, lines: &mut [Line]) {
        self.0.write(lines);
    }
}

impl<L: Lanes<Params = FqParams>> Coordinate for Extension<L> {
    const LINES: usize = 2 * L::LINES;

    #[inline(always)]
    fn zero() -> Self {
        Self([L::zero(), L::zero()])
    }

    #[inline(always)]
    fn one() -> Self {
        Self([L::splat(&Fq::ONE), L::zero()])
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        Self([a.add(c), b.add(d)])
    }

    #[inline(always)]
    fn sub<const K: usize>(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        Self([a.sub::<K>(c), b.sub::<K>(d)])
    }

    #[inline(always)]
    fn negate_where<const K: usize>(self, mask: u8) -> Self {
        let [a, b] = self.0;
        Self([a.negate_where::<K>(mask), b.negate_where::<K>(mask)])
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self(L::mul_pair(self.0, other.0))
    }

    /// (a₀ + a₁)(a₀ − a₁) + 2a₀a₁u.
    #[inline(always)]
    fn square(self) -> Self {
        let [a, b] = self.0;
        Self([a.add(b).mul(a.sub::<8>(b)), a.add(a).mul(b)])
    }

    #[inline(always)]
    fn reduce(self) -> Self {
        let [a, b] = self.0;
        Self([a.reduce(), b.reduce()])
    }

    #[inline(always)]
    fn zero_lanes(self) -> u8 {
        let [a, b] = self.0;
        a.zero_lanes() & b.zero_lanes()
    }

    #[inline(always)]
    fn select(self, other: Self, mask: u8) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        Self([a.select(c, mask), b.select(d, mask)])
    }

    /// (a₀ − a₁u) / (a₀² + a₁²).
    #[inline(always)]
    fn inverse(self) -> Option<Self> {
        let [a, b] = self.0;
        let norm = inverse_lanes(a.square().add(b.square()))?;
        Some(Self([
            a.mul(norm).reduce(),
            b.mul(norm).negate_where::<3>(u8::MAX),
        ]))
    }

    #[inline(always)]
    fn read(lines: &[Line]) -> Self {
        let (first, second) = lines.split_at(L::LINES);
        Self([L::read(first), L::read(second)])
    }

    #[inline(always)]
    fn write(self, lines: &mut [Line]) {
        let (first, second) = lines.split_at_mut(L::LINES);
        self.0[0].write(first);
        self.0[1].write(second);
    }
}
