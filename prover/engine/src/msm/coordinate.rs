//! A coordinate of eight points: an element of the base field, or of its quadratic extension.
//!
//! One kernel serves both groups because it knows coordinates only through this trait. Bounds are those of the lanes
//! (see [`Lanes`]); for an extension they hold for each of its two components.

use ark_bn254::Fq;
use ark_ff::Field;

use super::inverse;
use crate::backend::{Arithmetic, FqParams, Lanes, Line};

/// An element of a coordinate's field in each of so many lanes. Bounds say what each component may be, in multiples of the modulus.
pub(crate) trait Element: Copy {
    /// An element of the base field, in as many lanes.
    type Norm: Element;

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

    /// What is inverted for 1/a: a in the base field, and a₀² + a₁² = (a₀ + a₁u)(a₀ − a₁u) in the extension, where it is zero only for
    /// a = 0 since −1 is no square. Bounds: a, and 4 + 2a²/84.
    fn norm(self) -> Self::Norm;

    /// 1/a, from 1 over a's norm: that itself, and (a₀ − a₁u) / norm. For a up to 32 and an inverse up to 2.5: the inverse's bound, and 3.
    fn inverse_by_norm(self, of_norm: Self::Norm) -> Self;
}

/// Eight coordinates, in parts as lanes are.
pub(crate) trait Coordinate: Element<Norm = Base<Self::Lanes>> {
    /// Eight elements of the base field.
    type Lanes: Lanes<Params = FqParams>;

    /// What the backend computes with at a time.
    type Part: Element<Norm = Base<<Self::Lanes as Lanes>::Part>>;

    /// Whether [`norm`](Element::norm) costs more than to keep what it gave.
    const KEEP_NORMS: bool;

    /// One part.
    fn part(&self, part: usize) -> Self::Part;

    /// Eight zeros: bound 1.
    fn zero() -> Self;

    /// Eight ones: bound 1. Not for inner loops.
    fn one() -> Self;

    /// Lanes whose residue is 0. Takes up to 64.
    fn zero_lanes(self) -> u8;

    /// `other` in the lanes of `mask`, `self` in the others.
    fn select(self, other: Self, mask: u8) -> Self;

    /// Cache lines that [`write_all`](Self::write_all) fills.
    const LINES: usize;

    /// 1/a in each lane: bound 3. None if a lane is zero. Takes up to 16. One inversion, shared by the lanes.
    fn inverse(self) -> Option<Self>;

    /// What [`write_all`](Self::write_all) wrote.
    fn read_all(lines: &[Line]) -> Self;

    /// Writes into [`LINES`](Self::LINES) lines.
    fn write_all(self, lines: &mut [Line]);
}

/// Elements of the base field.
#[derive(Clone, Copy)]
pub(crate) struct Base<A>(pub(crate) A);

/// Elements a₀ + a₁u of the quadratic extension, u² = −1.
#[derive(Clone, Copy)]
pub(crate) struct Extension<A>(pub(crate) [A; 2]);

impl<L: Lanes<Params = FqParams>> Base<L> {
    /// 1/a in each lane: bound 2. None if a lane is zero. Any bound. One inversion, shared by the lanes.
    #[inline(always)]
    pub(crate) fn inverse_lanes(self) -> Option<Self> {
        let mut elements = self.0.to_elements();
        inverse::invert_all(&mut elements).then(|| Self(L::from_elements(&elements).reduce()))
    }

    /// What [`write`](Self::write) wrote.
    #[inline(always)]
    pub(crate) fn read(lines: &[Line]) -> Self {
        Self(L::read(lines))
    }

    /// Writes into [`Lanes::LINES`] lines.
    #[inline(always)]
    pub(crate) fn write(self, lines: &mut [Line]) {
        self.0.write(lines);
    }
}

impl<A: Arithmetic> Element for Base<A> {
    type Norm = Self;

    #[inline(always)]
    fn norm(self) -> Self {
        self
    }

    #[inline(always)]
    fn inverse_by_norm(self, of_norm: Self) -> Self {
        of_norm
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
}

impl<L: Lanes<Params = FqParams>> Coordinate for Base<L> {
    type Part = Base<L::Part>;
    type Lanes = L;

    const KEEP_NORMS: bool = false;
    const LINES: usize = L::LINES;

    #[inline(always)]
    fn inverse(self) -> Option<Self> {
        self.inverse_lanes()
    }

    #[inline(always)]
    fn read_all(lines: &[Line]) -> Self {
        Self(L::read(lines))
    }

    #[inline(always)]
    fn write_all(self, lines: &mut [Line]) {
        self.0.write(lines);
    }

    #[inline(always)]
    fn zero() -> Self {
        Self(L::zero())
    }

    #[inline(always)]
    fn one() -> Self {
        Self(L::splat(&Fq::ONE))
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
    fn part(&self, part: usize) -> Self::Part {
        Base(self.0.part(part))
    }
}

impl<A: Arithmetic> Element for Extension<A> {
    type Norm = Base<A>;

    #[inline(always)]
    fn norm(self) -> Base<A> {
        let [a, b] = self.0;
        Base(a.square().add(b.square()))
    }

    #[inline(always)]
    fn inverse_by_norm(self, Base(of_norm): Base<A>) -> Self {
        let [a, b] = self.0;
        Self([a.mul(of_norm), b.mul(of_norm).negate_where::<3>(u8::MAX)])
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
        Self(A::mul_pair(self.0, other.0))
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
}

impl<L: Lanes<Params = FqParams>> Coordinate for Extension<L> {
    type Part = Extension<L::Part>;
    type Lanes = L;

    const KEEP_NORMS: bool = true;
    const LINES: usize = 2 * L::LINES;

    /// (a₀ − a₁u) / (a₀² + a₁²).
    #[inline(always)]
    fn inverse(self) -> Option<Self> {
        let [a, b] = self.0;
        let Base(norm) = Base(a.square().add(b.square())).inverse_lanes()?;
        Some(Self([
            a.mul(norm).reduce(),
            b.mul(norm).negate_where::<3>(u8::MAX),
        ]))
    }

    #[inline(always)]
    fn read_all(lines: &[Line]) -> Self {
        let (first, second) = lines.split_at(L::LINES);
        Self([L::read(first), L::read(second)])
    }

    #[inline(always)]
    fn write_all(self, lines: &mut [Line]) {
        let (first, second) = lines.split_at_mut(L::LINES);
        self.0[0].write(first);
        self.0[1].write(second);
    }

    #[inline(always)]
    fn zero() -> Self {
        Self([L::zero(), L::zero()])
    }

    #[inline(always)]
    fn one() -> Self {
        Self([L::splat(&Fq::ONE), L::zero()])
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

    #[inline(always)]
    fn part(&self, part: usize) -> Self::Part {
        let [a, b] = &self.0;
        Extension([a.part(part), b.part(part)])
    }
}
