//! Eight elements of a prime field in radix 2^52, with R = 2^260 and lazy reduction.
//!
//! Limb i of all eight lies in vector i. Limbs are below 2^52 between operations: the multiplier reads no more of a
//! factor, so each operation ends with a chain of carries. Columns of products are signed 64-bit sums, far from
//! overflow. `docs/field.md` derives the bounds.
#![expect(
    clippy::needless_range_loop,
    reason = "limb i of one value meets limb i of another"
)]

use std::marker::PhantomData;

use ark_ff::{AdditiveGroup, Fp, FpConfig};

use super::limbs::{Limbs, Modulus};
use super::vector::{self, Vector};
use crate::backend::{Arithmetic, Lanes, Line};

/// Five vectors: limbs 0 to 4 of eight non-negative integers below 2^260.
pub(super) struct Eight<P>([Vector; 5], PhantomData<P>);

/// Ten columns: the sum of 2^(52i)·columns\[i\], signed.
type Columns = [Vector; 10];

impl<P> Clone for Eight<P> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Eight<P> {}

/// columns += 2^(52·AT) · a · b.
#[inline(always)]
fn accumulate<const AT: usize>(columns: &mut Columns, a: Vector, b: &[Vector; 5]) {
    for i in 0..5 {
        columns[AT + i] = columns[AT + i].add_low(a, b[i]);
    }
    for i in 0..5 {
        columns[AT + i + 1] = columns[AT + i + 1].add_high(a, b[i]);
    }
}

/// columns += 2^(52·AT) · a · b, one limb each.
#[inline(always)]
fn accumulate_one<const AT: usize>(columns: &mut Columns, a: Vector, b: Vector) {
    columns[AT] = columns[AT].add_low(a, b);
    columns[AT + 1] = columns[AT + 1].add_high(a, b);
}

#[inline(always)]
fn splat(limbs: Limbs) -> [Vector; 5] {
    let [a, b, c, d, e] = limbs;
    [
        Vector::splat(a),
        Vector::splat(b),
        Vector::splat(c),
        Vector::splat(d),
        Vector::splat(e),
    ]
}

impl<P: FpConfig<4>> Eight<P> {
    /// Limbs below 2^52 from signed limbs of a non-negative value below 2^260.
    #[inline(always)]
    fn carry(mut limbs: [Vector; 5]) -> Self {
        for i in 0..4 {
            limbs[i + 1] = limbs[i + 1].add(limbs[i].above_limb());
            limbs[i] = limbs[i].limb();
        }
        Self(limbs, PhantomData)
    }

    #[inline(always)]
    fn product(self, other: Self) -> Columns {
        let mut columns = [Vector::zero(); 10];
        let [a, b, c, d, e] = self.0;
        accumulate::<0>(&mut columns, a, &other.0);
        accumulate::<1>(&mut columns, b, &other.0);
        accumulate::<2>(&mut columns, c, &other.0);
        accumulate::<3>(&mut columns, d, &other.0);
        accumulate::<4>(&mut columns, e, &other.0);
        columns
    }

    /// T/2^260 + K·p for T of the columns, where T ≥ −K·p·2^260: above T/2^260 + K·p by at most 2p.
    ///
    /// Four times the lowest column is folded into the others: q + 2^52·t ≡ 2^52·(t + q·2^−52), whose multiplier is a constant and
    /// waits for no quotient. One step of Montgomery's then divides by 2^52 and takes the rest below p.
    #[inline(always)]
    fn divide<const K: usize>(mut columns: Columns) -> Self {
        let shifted = splat(Modulus::<P>::SHIFTED);
        Self::fold::<0, 1>(&mut columns, &shifted);
        Self::fold::<1, 2>(&mut columns, &shifted);
        Self::fold::<2, 3>(&mut columns, &shifted);
        Self::fold::<3, 4>(&mut columns, &shifted);

        let p = splat(Modulus::<P>::P);
        let minus_inverse = Vector::splat(Modulus::<P>::MINUS_INVERSE);
        let quotient = Vector::zero().add_low(columns[4], minus_inverse);
        accumulate::<4>(&mut columns, quotient, &p);
        columns[5] = columns[5].add(columns[4].above_limb());

        let [_, _, _, _, _, a, b, c, d, e] = columns;
        let mut limbs = [a, b, c, d, e];
        if K > 0 {
            let offset = splat(const { Modulus::<P>::multiple::<K>() });
            for i in 0..5 {
                limbs[i] = limbs[i].add(offset[i]);
            }
        }
        Self::carry(limbs)
    }

    /// Moves column FROM into the columns from NEXT = FROM + 1 on, modulo p.
    #[inline(always)]
    fn fold<const FROM: usize, const NEXT: usize>(columns: &mut Columns, shifted: &[Vector; 5]) {
        let column = columns[FROM];
        columns[NEXT] = columns[NEXT].add(column.above_limb());
        accumulate::<NEXT>(columns, column, shifted);
    }

    /// The residues themselves, below p.
    #[inline(always)]
    fn canonical(self) -> Self {
        let reduced = self.reduce();
        let p = splat(Modulus::<P>::P);
        let mut limbs = reduced.0;
        for i in 0..5 {
            limbs[i] = limbs[i].sub(p[i]);
        }
        let less = Self::carry(limbs);
        less.select(reduced, less.0[4].negatives())
    }

    /// From four words of each, shifted to the left by four bits: x·2^256 to x·2^260, below 16p.
    #[inline(always)]
    fn from_key_words([a, b, c, d]: [Vector; 4]) -> Self {
        let limbs = [
            a.left::<4>().limb(),
            a.right_across::<48>(b).limb(),
            b.right_across::<36>(c).limb(),
            c.right_across::<24>(d).limb(),
            d.right::<12>(),
        ];
        Self(limbs, PhantomData)
    }

    #[inline(always)]
    fn from_words([a, b, c, d]: [Vector; 4]) -> Self {
        let limbs = [
            a.limb(),
            a.right_across::<52>(b).limb(),
            b.right_across::<40>(c).limb(),
            c.right_across::<28>(d).limb(),
            d.right::<16>(),
        ];
        Self(limbs, PhantomData)
    }

    /// Four words of each; values below 2^256.
    #[inline(always)]
    fn to_words(self) -> [Vector; 4] {
        let [a, b, c, d, e] = self.0;
        [
            a.or(b.left::<52>()),
            b.right::<12>().or(c.left::<40>()),
            c.right::<24>().or(d.left::<28>()),
            d.right::<36>().or(e.left::<16>()),
        ]
    }

    /// The words of each lane; values below 2^256.
    #[inline(always)]
    fn to_rows(self) -> [[u64; 4]; 8] {
        let mut columns = [[0; 8]; 4];
        let words = self.to_words();
        for i in 0..4 {
            words[i].store(&mut columns[i]);
        }
        let mut rows = [[0; 4]; 8];
        for (lane, row) in rows.iter_mut().enumerate() {
            for i in 0..4 {
                row[i] = columns[i][lane];
            }
        }
        rows
    }
}

impl<P: FpConfig<4>> Arithmetic for Eight<P> {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let mut limbs = self.0;
        for i in 0..5 {
            limbs[i] = limbs[i].add(other.0[i]);
        }
        Self::carry(limbs)
    }

    #[inline(always)]
    fn sub<const K: usize>(self, other: Self) -> Self {
        let offset = splat(const { Modulus::<P>::multiple::<K>() });
        let mut limbs = self.0;
        for i in 0..5 {
            limbs[i] = limbs[i].sub(other.0[i]).add(offset[i]);
        }
        Self::carry(limbs)
    }

    #[inline(always)]
    fn negate_where<const K: usize>(self, mask: u8) -> Self {
        let offset = splat(const { Modulus::<P>::multiple::<K>() });
        let mut limbs = self.0;
        for i in 0..5 {
            limbs[i] = limbs[i].subtract_from_where(offset[i], mask);
        }
        Self::carry(limbs)
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self::divide::<0>(self.product(other))
    }

    #[inline(always)]
    fn square(self) -> Self {
        let [a, b, c, d, e] = self.0;
        let mut columns = [Vector::zero(); 10];
        // Products of different limbs once, doubled, then the squares.
        accumulate_one::<1>(&mut columns, a, b);
        accumulate_one::<2>(&mut columns, a, c);
        accumulate_one::<3>(&mut columns, a, d);
        accumulate_one::<4>(&mut columns, a, e);
        accumulate_one::<3>(&mut columns, b, c);
        accumulate_one::<4>(&mut columns, b, d);
        accumulate_one::<5>(&mut columns, b, e);
        accumulate_one::<5>(&mut columns, c, d);
        accumulate_one::<6>(&mut columns, c, e);
        accumulate_one::<7>(&mut columns, d, e);
        for i in 1..9 {
            columns[i] = columns[i].add(columns[i]);
        }
        accumulate_one::<0>(&mut columns, a, a);
        accumulate_one::<2>(&mut columns, b, b);
        accumulate_one::<4>(&mut columns, c, c);
        accumulate_one::<6>(&mut columns, d, d);
        accumulate_one::<8>(&mut columns, e, e);
        Self::divide::<0>(columns)
    }

    #[inline(always)]
    fn mul_pair([a0, a1]: [Self; 2], [b0, b1]: [Self; 2]) -> [Self; 2] {
        // Karatsuba on columns: three products, two reductions. a₀b₀ − a₁b₁ may be negative, down to −4p·2^260.
        let mut real = a0.product(b0);
        let high = a1.product(b1);
        let mut imaginary = a0.add(a1).product(b0.add(b1));
        for i in 0..10 {
            imaginary[i] = imaginary[i].sub(real[i]).sub(high[i]);
            real[i] = real[i].sub(high[i]);
        }
        [Self::divide::<4>(real), Self::divide::<0>(imaginary)]
    }

    #[inline(always)]
    fn reduce(self) -> Self {
        // The quotient by the top limb is never too large, and too small by less than 1 + 2^-38: what stays is below 2p.
        let quotient = Vector::zero()
            .add_high(self.0[4], Vector::splat(Modulus::<P>::RECIPROCAL))
            .right::<45>();
        let p = splat(Modulus::<P>::P);
        let mut limbs = self.0;
        for i in 0..5 {
            limbs[i] = limbs[i].sub(p[i].multiply(quotient));
        }
        Self::carry(limbs)
    }
}

impl<P: FpConfig<4>> Lanes for Eight<P> {
    type Params = P;

    type Part = Self;

    const PARTS: usize = 1;

    const LINES: usize = 5;

    #[inline(always)]
    fn zero() -> Self {
        Self([Vector::zero(); 5], PhantomData)
    }

    #[inline(always)]
    fn splat(value: &Fp<P, 4>) -> Self {
        let [a, b, c, d] = value.0.0;
        let words = [
            Vector::splat(a),
            Vector::splat(b),
            Vector::splat(c),
            Vector::splat(d),
        ];
        Self::from_key_words(words).canonical()
    }

    #[inline(always)]
    fn from_elements(elements: &[Fp<P, 4>; 8]) -> Self {
        let [a, b, c, d, e, f, g, h] = elements;
        Self::load_key([&a.0.0, &b.0.0, &c.0.0, &d.0.0, &e.0.0, &f.0.0, &g.0.0, &h.0.0])
    }

    #[inline(always)]
    fn to_elements(self) -> [Fp<P, 4>; 8] {
        let key = Self(splat(Modulus::<P>::TO_KEY), PhantomData);
        let rows = self.mul(key).canonical().to_rows();
        let mut elements = [Fp::ZERO; 8];
        for (element, row) in elements.iter_mut().zip(rows) {
            element.0.0 = row;
        }
        elements
    }

    #[inline(always)]
    fn to_integers(self) -> [[u64; 4]; 8] {
        let one = Self(splat([1, 0, 0, 0, 0]), PhantomData);
        self.mul(one).canonical().to_rows()
    }

    #[inline(always)]
    fn zero_lanes(self) -> u8 {
        // Below 2p: 0 and p are the only multiples.
        let [a, b, c, d, e] = self.reduce().0;
        let p = splat(Modulus::<P>::P);
        let zero = a.or(b).or(c).or(d).or(e);
        let modulus = (a.xor(p[0])).or(b.xor(p[1])).or(c.xor(p[2]));
        let modulus = modulus.or(d.xor(p[3])).or(e.xor(p[4]));
        zero.zeros() | modulus.zeros()
    }

    #[inline(always)]
    fn select(self, other: Self, mask: u8) -> Self {
        let mut limbs = self.0;
        for i in 0..5 {
            limbs[i] = limbs[i].select(other.0[i], mask);
        }
        Self(limbs, PhantomData)
    }

    #[inline(always)]
    fn load_key(rows: [&[u64; 4]; 8]) -> Self {
        Self::from_key_words(vector::columns(rows))
    }

    #[inline(always)]
    fn load_key_pair(rows: [&Line; 8]) -> [Self; 2] {
        let [a, b, c, d, e, f, g, h] = transpose_lines(rows);
        [
            Self::from_key_words([a, b, c, d]),
            Self::from_key_words([e, f, g, h]),
        ]
    }

    #[inline(always)]
    fn load(rows: [&[u64; 4]; 8]) -> Self {
        Self::from_words(vector::columns(rows))
    }

    #[inline(always)]
    fn load_pair(rows: [&Line; 8]) -> [Self; 2] {
        let [a, b, c, d, e, f, g, h] = transpose_lines(rows);
        [Self::from_words([a, b, c, d]), Self::from_words([e, f, g, h])]
    }

    #[inline(always)]
    fn store_pair([first, second]: [Self; 2]) -> [Line; 8] {
        let [a, b, c, d] = first.to_words();
        let [e, f, g, h] = second.to_words();
        let rows = vector::transpose([a, b, c, d, e, f, g, h]);
        let mut lines = [Line::default(); 8];
        for i in 0..8 {
            rows[i].store(&mut lines[i].0);
        }
        lines
    }

    #[inline(always)]
    fn read(lines: &[Line]) -> Self {
        let mut limbs = [Vector::zero(); 5];
        for i in 0..5 {
            limbs[i] = Vector::load(&lines[i].0);
        }
        Self(limbs, PhantomData)
    }

    #[inline(always)]
    fn broadcast(lines: &[Line], lane: usize) -> Self {
        let mut limbs = [Vector::zero(); 5];
        for i in 0..5 {
            limbs[i] = Vector::splat(lines[i].0[lane % 8]);
        }
        Self(limbs, PhantomData)
    }

    #[inline(always)]
    fn write(self, lines: &mut [Line]) {
        for i in 0..5 {
            self.0[i].store(&mut lines[i].0);
        }
    }

    #[inline(always)]
    fn transpose(rows: [Self; 8]) -> [Self; 8] {
        let mut lanes = [Self::zero(); 8];
        for limb in 0..5 {
            let [a, b, c, d, e, f, g, h] = rows;
            let words = vector::transpose([
                a.0[limb], b.0[limb], c.0[limb], d.0[limb], e.0[limb], f.0[limb], g.0[limb], h.0[limb],
            ]);
            for lane in 0..8 {
                lanes[lane].0[limb] = words[lane];
            }
        }
        lanes
    }

    #[inline(always)]
    fn part(&self, _: usize) -> Self {
        *self
    }

    #[inline(always)]
    fn set_part(&mut self, _: usize, value: Self) {
        *self = value;
    }

    #[inline(always)]
    fn load_row<const KEY: bool>(row: &[u64; 4]) -> Self {
        if KEY {
            Self::load_key([row; 8])
        } else {
            Self::load([row; 8])
        }
    }

    #[inline(always)]
    fn store_row(part: Self) -> [u64; 4] {
        let [Line([a, b, c, d, ..]), ..] = Self::store_pair([part, part]);
        [a, b, c, d]
    }

    #[inline(always)]
    fn read_part(lines: &[Line], _: usize) -> Self {
        Self::read(lines)
    }

    #[inline(always)]
    fn write_part(value: Self, lines: &mut [Line], _: usize) {
        value.write(lines);
    }
}

#[inline(always)]
fn transpose_lines([a, b, c, d, e, f, g, h]: [&Line; 8]) -> [Vector; 8] {
    let load = Vector::load;
    vector::transpose([
        load(&a.0),
        load(&b.0),
        load(&c.0),
        load(&d.0),
        load(&e.0),
        load(&f.0),
        load(&g.0),
        load(&h.0),
    ])
}
