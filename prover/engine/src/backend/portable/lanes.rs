//! Eight elements, one after the other. Kernel form is key form, but for values from p to 2p.
//!
//! A part is one element, whose arithmetic is inlined into the kernel: what a chain of operations passes on stays in registers.
//! Products of all eight are loops out of line, for the places that are not hot: inlined everywhere, they would be most of the binary. Lanes are taken in plain loops: closures over
//! them are left out of line, and copies of 256 bytes with them.

use std::marker::PhantomData;

use ark_ff::{AdditiveGroup, Fp, FpConfig};

use super::field::{Field, Words};
use crate::backend::{Arithmetic, Lanes, Line};

/// One value in Montgomery form with R = 2^256, below 2p unless a split has left it.
#[derive(Debug)]
pub(crate) struct One<P>(Words, PhantomData<P>);

/// Eight of them.
#[derive(Debug)]
pub(crate) struct Eight<P>([Words; 8], PhantomData<P>);

impl<P> Clone for One<P> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for One<P> {}

impl<P> Clone for Eight<P> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Eight<P> {}

impl<P: FpConfig<4>> One<P> {
    #[inline(always)]
    fn new(value: Words) -> Self {
        Self(value, PhantomData)
    }
}

impl<P: FpConfig<4>> Arithmetic for One<P> {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self::new(Field::<P>::add(self.0, other.0))
    }

    #[inline(always)]
    fn sub<const K: usize>(self, other: Self) -> Self {
        Self::new(Field::<P>::sub(self.0, other.0))
    }

    #[inline(always)]
    fn negate_where<const K: usize>(self, mask: u8) -> Self {
        Self::new(Field::<P>::negate_if(self.0, mask & 1 != 0))
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self::new(Field::<P>::mul(self.0, other.0))
    }

    #[inline(always)]
    fn square(self) -> Self {
        Self::new(Field::<P>::square(self.0))
    }

    #[inline(always)]
    fn mul_pair([a0, a1]: [Self; 2], [b0, b1]: [Self; 2]) -> [Self; 2] {
        let [real, imaginary] = Field::<P>::mul_pair([a0.0, a1.0], [b0.0, b1.0]);
        [Self::new(real), Self::new(imaginary)]
    }

    #[inline(always)]
    fn reduce(self) -> Self {
        self
    }

    /// Takes any four words for a, less than 3.2p for b, and a root below 1.6p; gives less than 3.2p.
    #[inline(always)]
    fn split_pair(a: Self, b: Self, root: Self) -> (Self, Self) {
        // Below 2p, which is more than 3.2p · 1.6p / 2^256 + p.
        let product = Field::<P>::mul(b.0, root.0);
        // One look-up in place of two corrections.
        let a = Field::<P>::settle(a.0);
        (
            Self::new(Field::<P>::loose_sum(a, product)),
            Self::new(Field::<P>::loose_difference(a, product)),
        )
    }

    /// Takes less than 2p and a root below 1.3p, gives less than 2p.
    #[inline(always)]
    fn join_pair<const K: usize>(a: Self, b: Self, root: Self) -> (Self, Self) {
        let sum = Field::<P>::settle(Field::<P>::loose_sum(a.0, b.0));
        let difference = Field::<P>::loose_difference(a.0, b.0);
        // Below 2p, which is more than 4p · 1.3p / 2^256 + p.
        (Self::new(sum), Self::new(Field::<P>::mul(difference, root.0)))
    }
}

impl<P: FpConfig<4>> Eight<P> {
    #[inline(always)]
    fn new(values: [Words; 8]) -> Self {
        Self(values, PhantomData)
    }
}

#[inline(never)]
fn multiply<P: FpConfig<4>>(a: &mut Eight<P>, b: &Eight<P>) {
    for part in 0..Eight::<P>::PARTS {
        a.set_part(part, a.part(part).mul(b.part(part)));
    }
}

#[inline(never)]
fn square<P: FpConfig<4>>(a: &mut Eight<P>) {
    for part in 0..Eight::<P>::PARTS {
        a.set_part(part, a.part(part).square());
    }
}

#[inline(never)]
fn multiply_pair<P: FpConfig<4>>(a: &mut [Eight<P>; 2], b: &[Eight<P>; 2]) {
    for part in 0..Eight::<P>::PARTS {
        let own = [a[0].part(part), a[1].part(part)];
        let [real, imaginary] = Arithmetic::mul_pair(own, [b[0].part(part), b[1].part(part)]);
        a[0].set_part(part, real);
        a[1].set_part(part, imaginary);
    }
}

impl<P: FpConfig<4>> Arithmetic for Eight<P> {
    #[inline(always)]
    fn add(mut self, other: Self) -> Self {
        for part in 0..Self::PARTS {
            self.set_part(part, self.part(part).add(other.part(part)));
        }
        self
    }

    #[inline(always)]
    fn sub<const K: usize>(mut self, other: Self) -> Self {
        for part in 0..Self::PARTS {
            self.set_part(part, self.part(part).sub::<K>(other.part(part)));
        }
        self
    }

    #[inline(always)]
    fn negate_where<const K: usize>(mut self, mask: u8) -> Self {
        for part in 0..Self::PARTS {
            self.set_part(part, self.part(part).negate_where::<K>(mask >> part));
        }
        self
    }

    #[inline(always)]
    fn mul(mut self, other: Self) -> Self {
        multiply(&mut self, &other);
        self
    }

    #[inline(always)]
    fn square(mut self) -> Self {
        square(&mut self);
        self
    }

    #[inline(always)]
    fn mul_pair(mut a: [Self; 2], b: [Self; 2]) -> [Self; 2] {
        multiply_pair(&mut a, &b);
        a
    }

    #[inline(always)]
    fn reduce(self) -> Self {
        self
    }
}

#[inline(always)]
fn halves(line: &Line) -> [Words; 2] {
    let Line([a, b, c, d, e, f, g, h]) = *line;
    [[a, b, c, d], [e, f, g, h]]
}

#[inline(always)]
fn line([a, b, c, d]: Words, [e, f, g, h]: Words) -> Line {
    Line([a, b, c, d, e, f, g, h])
}

impl<P: FpConfig<4>> Lanes for Eight<P> {
    type Params = P;

    type Part = One<P>;

    const PARTS: usize = 8;

    const LINES: usize = 4;

    #[inline(always)]
    fn part(&self, part: usize) -> One<P> {
        One::new(self.0[part])
    }

    #[inline(always)]
    fn set_part(&mut self, part: usize, value: One<P>) {
        self.0[part] = value.0;
    }

    #[inline(always)]
    fn zero() -> Self {
        Self::new([[0; 4]; 8])
    }

    #[inline(always)]
    fn splat(value: &Fp<P, 4>) -> Self {
        Self::new([value.0.0; 8])
    }

    #[inline(always)]
    fn from_elements(elements: &[Fp<P, 4>; 8]) -> Self {
        let mut values = Self::zero();
        for (value, element) in values.0.iter_mut().zip(elements) {
            *value = element.0.0;
        }
        values
    }

    #[inline(always)]
    fn to_elements(self) -> [Fp<P, 4>; 8] {
        let mut elements = [Fp::ZERO; 8];
        for (element, value) in elements.iter_mut().zip(&self.0) {
            // A split may have left more than 2p.
            element.0.0 = Field::<P>::canonical(Field::<P>::settle(*value));
        }
        elements
    }

    #[inline(always)]
    fn to_integers(self) -> [[u64; 4]; 8] {
        let mut integers = self.0;
        for value in &mut integers {
            *value = Field::<P>::integer(*value);
        }
        integers
    }

    #[inline(always)]
    fn zero_lanes(self) -> u8 {
        let mut mask = 0;
        for (lane, value) in self.0.iter().enumerate() {
            mask |= u8::from(Field::<P>::is_zero(*value)) << lane;
        }
        mask
    }

    #[inline(always)]
    fn select(mut self, other: Self, mask: u8) -> Self {
        for lane in 0..8 {
            if mask >> lane & 1 != 0 {
                self.0[lane] = other.0[lane];
            }
        }
        self
    }

    #[inline(always)]
    fn load_key(rows: [&[u64; 4]; 8]) -> Self {
        let mut values = Self::zero();
        for (value, row) in values.0.iter_mut().zip(rows) {
            *value = *row;
        }
        values
    }

    #[inline(always)]
    fn load_key_pair(rows: [&Line; 8]) -> [Self; 2] {
        let mut pair = [Self::zero(); 2];
        for (lane, row) in rows.into_iter().enumerate() {
            [pair[0].0[lane], pair[1].0[lane]] = halves(row);
        }
        pair
    }

    #[inline(always)]
    fn load(rows: [&[u64; 4]; 8]) -> Self {
        Self::load_key(rows)
    }

    #[inline(always)]
    fn load_pair(rows: [&Line; 8]) -> [Self; 2] {
        Self::load_key_pair(rows)
    }

    #[inline(always)]
    fn store_pair([first, second]: [Self; 2]) -> [Line; 8] {
        let mut lines = [Line::default(); 8];
        for (lane, row) in lines.iter_mut().enumerate() {
            *row = line(first.0[lane], second.0[lane]);
        }
        lines
    }

    #[inline(always)]
    fn load_row<const KEY: bool>(row: &[u64; 4]) -> One<P> {
        One::new(*row)
    }

    #[inline(always)]
    fn store_row(part: One<P>) -> [u64; 4] {
        part.0
    }

    #[inline(always)]
    fn read(lines: &[Line]) -> Self {
        let mut values = Self::zero();
        for part in 0..Self::PARTS {
            values.set_part(part, Self::read_part(lines, part));
        }
        values
    }

    #[inline(always)]
    fn broadcast(lines: &[Line], lane: usize) -> Self {
        Self::new([Self::read_part(lines, lane).0; 8])
    }

    #[inline(always)]
    fn write(self, lines: &mut [Line]) {
        for part in 0..Self::PARTS {
            Self::write_part(self.part(part), lines, part);
        }
    }

    #[inline(always)]
    fn read_part(lines: &[Line], part: usize) -> One<P> {
        One::new(halves(&lines[part / 2])[part % 2])
    }

    #[inline(always)]
    fn write_part(value: One<P>, lines: &mut [Line], part: usize) {
        lines[part / 2].0.as_chunks_mut::<4>().0[part % 2] = value.0;
    }

    #[inline(always)]
    fn transpose(rows: [Self; 8]) -> [Self; 8] {
        let mut columns = rows;
        for (row, values) in rows.iter().enumerate() {
            for (column, value) in columns.iter_mut().zip(&values.0) {
                column.0[row] = *value;
            }
        }
        columns
    }
}

#[cfg(test)]
mod tests {
    use ark_bn254::{Fq, Fr};
    use ark_ff::{BigInt, PrimeField};
    use num_bigint::BigUint;

    use super::*;
    use crate::backend::{FqParams, FrParams};

    fn integer<P>(value: One<P>) -> BigUint {
        BigInt::new(value.0).into()
    }

    fn one<P: FpConfig<4>>(value: &BigUint) -> One<P> {
        One::new(BigInt::<4>::try_from(value.clone()).unwrap().0)
    }

    /// Values from 0 to `hundredths` of p: around multiples of p, at the ends of words, and the largest.
    fn values<P: FpConfig<4>>(p: &BigUint, hundredths: u32) -> Vec<One<P>> {
        let power = |bits: u32| BigUint::from(1u32) << bits;
        let limit = p * hundredths / 100u32;
        let mut values = vec![BigUint::ZERO, BigUint::from(1u32), &limit - 1u32, &limit - 2u32];
        values
            .extend((1..=3u32).flat_map(|multiple| [p * multiple - 1u32, p * multiple, p * multiple + 1u32]));
        values.extend(
            [64, 128, 192, 253]
                .into_iter()
                .flat_map(|bits| [power(bits) - 1u32, power(bits)]),
        );
        values.iter().filter(|value| **value < limit).map(one).collect()
    }

    /// Splits of what splits have left and joins of what joins have left, at the largest values and roots, stay where the next one
    /// takes them.
    fn butterflies<P: FpConfig<4>>(p: &BigUint) {
        let below = |value: One<P>, tenths: u32| integer(value) * 10u32 < p * tenths;
        for root in values::<P>(p, 160) {
            for a in values::<P>(p, 320) {
                for b in values::<P>(p, 320) {
                    let (sum, difference) = Arithmetic::split_pair(a, b, root);
                    assert!(below(sum, 32) && below(difference, 32));
                    let product = integer(b.mul(root));
                    assert_eq!(integer(sum) % p, (integer(a) + &product) % p);
                    assert_eq!((integer(difference) + product) % p, integer(a) % p);
                    assert_eq!(integer(a) % p, BigUint::from(BigInt::new(elements(a)[0].0.0)));
                }
            }
        }
        for root in values::<P>(p, 130) {
            for a in values::<P>(p, 200) {
                for b in values::<P>(p, 200) {
                    let (sum, product) = Arithmetic::join_pair::<2>(a, b, root);
                    assert!(below(sum, 20) && below(product, 20));
                    assert_eq!(integer(sum) % p, (integer(a) + integer(b)) % p);
                    let difference = Arithmetic::sub::<2>(a, b).mul(root);
                    assert_eq!(integer(product) % p, integer(difference) % p);
                }
            }
        }
    }

    fn elements<P: FpConfig<4>>(value: One<P>) -> [Fp<P, 4>; 8] {
        Eight::new([value.0; 8]).to_elements()
    }

    #[test]
    fn butterflies_keep_their_bounds() {
        butterflies::<FqParams>(&Fq::MODULUS.into());
        butterflies::<FrParams>(&Fr::MODULUS.into());
    }
}
