//! Eight elements, one after the other. Kernel form is key form, but for values from p to 2p.
//!
//! A part is one element, whose arithmetic is inlined into the kernel: what a chain of operations passes on stays in registers.
//! Products of all eight are loops out of line, for the places that are not hot: inlined everywhere, they would be most of the binary. Lanes are taken in plain loops: closures over
//! them are left out of line, and copies of 256 bytes with them.

use std::marker::PhantomData;

use ark_ff::{AdditiveGroup, Fp, FpConfig};

use super::field::{Field, Words};
use crate::backend::{Arithmetic, Lanes, Line};

/// One value below 2p, in Montgomery form with R = 2^256.
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
            element.0.0 = Field::<P>::canonical(*value);
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
