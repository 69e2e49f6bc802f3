//! A machine for tests: arkworks' arithmetic, with the bound that the contract states beside every value, and with the one below
//! which the portable backend keeps it.
//!
//! A kernel that breaks a precondition of [`Lanes`] fails here with the operation and the bounds, whatever values it was
//! given: bounds do not depend on them. Every kernel has a test that runs it as `kernel.run::<Tracked>()`.
//!
//! Portable values stay below 2p, except those that [`split_pair`](Arithmetic::split_pair) leaves: what may become of them is checked
//! by their second bound.

use std::array;

use ark_ff::{AdditiveGroup, Fp, FpConfig};

use super::lanes::{CAPACITY, KEY_BOUND, PACKED_BOUND};
use super::{Arithmetic, FqParams, FrParams, Lanes, Line, Machine};

/// Lanes that know their bounds.
#[derive(Debug)]
pub(crate) struct Tracked;

impl Machine for Tracked {
    type Fq = Eight<FqParams>;
    type Fr = Eight<FrParams>;
}

/// A multiple of the modulus, in units of 2^−32, rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bound(u64);

impl Bound {
    pub(crate) const fn of(multiple: u32) -> Self {
        Self((multiple as u64) << 32)
    }

    fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    const fn hundredths(hundredths: u64) -> Self {
        Self((hundredths << 32).div_ceil(100))
    }

    /// The product over a capacity.
    fn scaled(self, other: Self, capacity: Self) -> Self {
        let product = u128::from(self.0) * u128::from(other.0);
        Self(u64::try_from(product.div_ceil(u128::from(capacity.0))).unwrap())
    }

    fn at_most(self, limit: u32, what: &str) {
        let value = self.0 as f64 / f64::from(2).powi(32);
        assert!(self <= Self::of(limit), "{what}: {value} is more than {limit}");
    }
}

/// Multiples of p that four words hold, at least.
const FOUR_WORDS: Bound = Bound::hundredths(528);
/// What the portable backend makes of any four words by a look-up.
const SETTLED: Bound = Bound::hundredths(117);

/// Bound of a product of the portable backend, which every one must keep.
fn portable_product(a: Bound, b: Bound) -> Bound {
    let product = a.scaled(b, FOUR_WORDS).plus(Bound::of(1));
    product.at_most(2, "portable product");
    product
}

/// Eight residues and their bounds.
#[derive(Debug)]
pub(crate) struct Eight<P: FpConfig<4>> {
    residues: [Fp<P, 4>; 8],
    /// The contract's.
    bound: Bound,
    /// The portable backend's.
    portable: Bound,
}

impl<P: FpConfig<4>> Clone for Eight<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: FpConfig<4>> Copy for Eight<P> {}

impl<P: FpConfig<4>> Eight<P> {
    /// The bound that the contract states for these values.
    pub(crate) fn bound(self) -> Bound {
        self.bound
    }

    /// The bound that the portable backend keeps.
    pub(crate) fn portable(self) -> Bound {
        self.portable
    }

    /// The same residues under another bound, to try a kernel at its limits.
    pub(crate) fn with_bound(self, multiple: u32) -> Self {
        Self::new(self.residues, Bound::of(multiple))
    }

    /// With the bound of almost everything in the portable backend.
    fn new(residues: [Fp<P, 4>; 8], bound: Bound) -> Self {
        bound.at_most(CAPACITY, "capacity");
        let portable = bound.min(Bound::of(2));
        Self {
            residues,
            bound,
            portable,
        }
    }

    fn keeping(mut self, portable: Bound) -> Self {
        self.portable = portable;
        self
    }

    /// Fails where the portable backend may have 2p or more.
    fn settled(self, what: &str) -> Self {
        self.portable.at_most(2, what);
        self
    }

    fn each(self, other: Self, bound: Bound, operation: impl Fn(Fp<P, 4>, Fp<P, 4>) -> Fp<P, 4>) -> Self {
        Self::new(
            array::from_fn(|lane| operation(self.residues[lane], other.residues[lane])),
            bound,
        )
    }

    fn from_words(rows: [[u64; 4]; 8], bound: u32) -> Self {
        let residues = rows.map(|words| {
            let mut residue = Fp::<P, 4>::ZERO;
            residue.0.0 = words;
            assert!(residue.0 < P::MODULUS, "{words:x?} is not below the modulus");
            residue
        });
        Self::new(residues, Bound::of(bound))
    }
}

fn halves(line: &Line) -> [[u64; 4]; 2] {
    let Line([a, b, c, d, e, f, g, h]) = *line;
    [[a, b, c, d], [e, f, g, h]]
}

fn line([a, b, c, d]: [u64; 4], [e, f, g, h]: [u64; 4]) -> Line {
    Line([a, b, c, d, e, f, g, h])
}

impl<P: FpConfig<4>> Arithmetic for Eight<P> {
    fn add(self, other: Self) -> Self {
        let (a, b) = (self.settled("portable add"), other.settled("portable add"));
        a.each(b, a.bound.plus(b.bound), |a, b| a + b)
    }

    fn sub<const K: usize>(self, other: Self) -> Self {
        let (a, b) = (self.settled("portable sub"), other.settled("portable sub"));
        let multiple = u32::try_from(K).unwrap();
        assert!(multiple <= 64, "sub::<{K}>");
        b.bound.at_most(multiple, "sub");
        a.each(b, a.bound.plus(Bound::of(multiple)), |a, b| a - b)
    }

    fn negate_where<const K: usize>(self, mask: u8) -> Self {
        self.settled("portable negate_where");
        let multiple = u32::try_from(K).unwrap();
        assert!(multiple <= 64, "negate_where::<{K}>");
        self.bound.at_most(multiple, "negate_where");
        let negated = Self::new(self.residues.map(|a| -a), Bound::of(multiple));
        Self::new(self.select(negated, mask).residues, Bound::of(multiple))
    }

    fn mul(self, other: Self) -> Self {
        let bound = Bound::of(2).plus(self.bound.scaled(other.bound, Bound::of(CAPACITY)));
        let portable = portable_product(self.portable, other.portable);
        self.each(other, bound, |a, b| a * b).keeping(portable)
    }

    fn square(self) -> Self {
        self.settled("portable square").mul(self)
    }

    fn mul_pair([a0, a1]: [Self; 2], [b0, b1]: [Self; 2]) -> [Self; 2] {
        for factor in [a0, a1, b0, b1] {
            factor.settled("portable mul_pair");
        }
        a0.bound.plus(a1.bound).at_most(CAPACITY, "mul_pair, a₀ + a₁");
        b0.bound.plus(b1.bound).at_most(CAPACITY, "mul_pair, b₀ + b₁");
        let over = |a: Self, b: Self| a.bound.scaled(b.bound, Bound::of(CAPACITY));
        over(a1, b1).at_most(4, "mul_pair, a₁b₁ / 84");
        let product = |x: Self, y: Self| x.each(y, Bound::of(0), |a, b| a * b);
        let real = product(a0, b0).each(product(a1, b1), Bound::of(0), |a, b| a - b);
        let imaginary = product(a0, b1).each(product(a1, b0), Bound::of(0), |a, b| a + b);
        let cross = over(a0, b1).plus(over(a1, b0));
        [
            Self::new(real.residues, Bound::of(6).plus(over(a0, b0))),
            Self::new(imaginary.residues, Bound::of(2).plus(cross)),
        ]
    }

    fn reduce(self) -> Self {
        self.bound.at_most(64, "reduce");
        // The portable backend leaves it as it is.
        Self::new(self.residues, Bound::of(PACKED_BOUND)).keeping(self.portable)
    }

    fn split_pair(a: Self, b: Self, root: Self) -> (Self, Self) {
        let product = b.mul(root);
        // The portable backend settles a, whatever it is, and adds without a correction.
        let (sum, difference) = (
            a.each(product, a.bound.plus(product.bound), |a, b| a + b),
            a.each(product, a.bound.plus(Bound::of(4)), |a, b| a - b),
        );
        product.bound.at_most(4, "split_pair");
        (
            sum.keeping(SETTLED.plus(product.portable)),
            difference.keeping(SETTLED.plus(Bound::of(2))),
        )
    }

    fn join_pair<const K: usize>(a: Self, b: Self, root: Self) -> (Self, Self) {
        let (sum, difference) = (a.add(b), a.sub::<K>(b));
        // The portable backend multiplies a − b + 2p without a correction.
        let difference = difference.keeping(a.portable.plus(Bound::of(2)));
        (sum.keeping(SETTLED), difference.mul(root))
    }
}

impl<P: FpConfig<4>> Lanes for Eight<P> {
    type Params = P;

    type Part = Self;

    const PARTS: usize = 1;

    /// The residues, and the bounds.
    const LINES: usize = 5;

    fn zero() -> Self {
        Self::new([Fp::ZERO; 8], Bound::of(1))
    }

    fn splat(value: &Fp<P, 4>) -> Self {
        Self::new([*value; 8], Bound::of(1))
    }

    fn from_elements(elements: &[Fp<P, 4>; 8]) -> Self {
        Self::new(*elements, Bound::of(KEY_BOUND)).keeping(Bound::of(1))
    }

    fn to_elements(self) -> [Fp<P, 4>; 8] {
        self.residues
    }

    fn to_integers(self) -> [[u64; 4]; 8] {
        self.residues.map(|residue| P::into_bigint(residue).0)
    }

    fn zero_lanes(self) -> u8 {
        self.settled("portable zero_lanes")
            .bound
            .at_most(64, "zero_lanes");
        (0..8).fold(0, |mask, lane| {
            mask | u8::from(self.residues[lane] == Fp::ZERO) << lane
        })
    }

    fn select(self, other: Self, mask: u8) -> Self {
        let residues = array::from_fn(|lane| match mask >> lane & 1 {
            0 => self.residues[lane],
            _ => other.residues[lane],
        });
        Self::new(residues, self.bound.max(other.bound)).keeping(self.portable.max(other.portable))
    }

    fn load_key(rows: [&[u64; 4]; 8]) -> Self {
        Self::from_words(rows.map(|row| *row), KEY_BOUND)
    }

    fn load_key_pair(rows: [&Line; 8]) -> [Self; 2] {
        let rows = rows.map(halves);
        [0, 1].map(|half| Self::from_words(rows.map(|row| row[half]), KEY_BOUND))
    }

    fn load(rows: [&[u64; 4]; 8]) -> Self {
        Self::from_words(rows.map(|row| *row), PACKED_BOUND)
    }

    fn load_pair(rows: [&Line; 8]) -> [Self; 2] {
        let rows = rows.map(halves);
        [0, 1].map(|half| Self::from_words(rows.map(|row| row[half]), PACKED_BOUND))
    }

    fn store_pair([first, second]: [Self; 2]) -> [Line; 8] {
        first
            .settled("portable store_pair")
            .bound
            .at_most(PACKED_BOUND, "store_pair, first");
        second
            .settled("portable store_pair")
            .bound
            .at_most(PACKED_BOUND, "store_pair, second");
        array::from_fn(|lane| line(first.residues[lane].0.0, second.residues[lane].0.0))
    }

    fn read(lines: &[Line]) -> Self {
        let rows = array::from_fn(|lane| halves(&lines[lane / 2])[lane % 2]);
        let [bound, portable, ..] = lines[4].0;
        Self::new(Self::from_words(rows, 0).residues, Bound(bound)).keeping(Bound(portable))
    }

    fn broadcast(lines: &[Line], lane: usize) -> Self {
        let all = Self::read(lines);
        Self::new([all.residues[lane % 8]; 8], all.bound).keeping(all.portable)
    }

    fn write(self, lines: &mut [Line]) {
        for lane in [0, 2, 4, 6] {
            lines[lane / 2] = line(self.residues[lane].0.0, self.residues[lane + 1].0.0);
        }
        lines[4] = Line([self.bound.0, self.portable.0, 0, 0, 0, 0, 0, 0]);
    }

    fn transpose(rows: [Self; 8]) -> [Self; 8] {
        let bound = rows.map(|row| row.bound).into_iter().max().unwrap();
        let portable = rows.map(|row| row.portable).into_iter().max().unwrap();
        array::from_fn(|lane| {
            Self::new(array::from_fn(|row| rows[row].residues[lane]), bound).keeping(portable)
        })
    }

    fn part(&self, _: usize) -> Self {
        *self
    }

    fn set_part(&mut self, _: usize, value: Self) {
        *self = value;
    }

    fn load_row<const KEY: bool>(row: &[u64; 4]) -> Self {
        if KEY {
            Self::load_key([row; 8])
        } else {
            Self::load([row; 8])
        }
    }

    fn store_row(part: Self) -> [u64; 4] {
        let [Line([a, b, c, d, ..]), ..] = Self::store_pair([part, part]);
        [a, b, c, d]
    }

    fn read_part(lines: &[Line], _: usize) -> Self {
        Self::read(lines)
    }

    fn write_part(value: Self, lines: &mut [Line], _: usize) {
        value.write(lines);
    }
}
