//! Eight reduced elements, one after the other. Kernel form is key form.

use std::array;

use ark_ff::{AdditiveGroup, Field, Fp, FpConfig};

use crate::backend::{Lanes, Line};

/// Eight elements below the modulus, in Montgomery form with R = 2^256.
#[derive(Debug)]
pub(crate) struct Eight<P: FpConfig<4>>([Fp<P, 4>; 8]);

impl<P: FpConfig<4>> Clone for Eight<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: FpConfig<4>> Copy for Eight<P> {}

impl<P: FpConfig<4>> Eight<P> {
    fn each(self, other: Self, operation: impl Fn(Fp<P, 4>, Fp<P, 4>) -> Fp<P, 4>) -> Self {
        Self(array::from_fn(|lane| operation(self.0[lane], other.0[lane])))
    }
}

fn element<P: FpConfig<4>>(words: [u64; 4]) -> Fp<P, 4> {
    let mut element = Fp::ZERO;
    element.0.0 = words;
    element
}

fn halves(line: &Line) -> [[u64; 4]; 2] {
    let Line([a, b, c, d, e, f, g, h]) = *line;
    [[a, b, c, d], [e, f, g, h]]
}

impl<P: FpConfig<4>> Lanes for Eight<P> {
    type Params = P;

    const LINES: usize = 4;

    fn zero() -> Self {
        Self([Fp::ZERO; 8])
    }

    fn splat(value: &Fp<P, 4>) -> Self {
        Self([*value; 8])
    }

    fn from_elements(elements: &[Fp<P, 4>; 8]) -> Self {
        Self(*elements)
    }

    fn to_elements(self) -> [Fp<P, 4>; 8] {
        self.0
    }

    fn to_integers(self) -> [[u64; 4]; 8] {
        self.0.map(|element| P::into_bigint(element).0)
    }

    fn add(self, other: Self) -> Self {
        self.each(other, |a, b| a + b)
    }

    fn sub<const K: usize>(self, other: Self) -> Self {
        self.each(other, |a, b| a - b)
    }

    fn negate_where<const K: usize>(self, mask: u8) -> Self {
        Self(array::from_fn(|lane| match mask >> lane & 1 {
            0 => self.0[lane],
            _ => -self.0[lane],
        }))
    }

    fn mul(self, other: Self) -> Self {
        self.each(other, |a, b| a * b)
    }

    fn square(self) -> Self {
        Self(self.0.map(|element| element.square()))
    }

    fn mul_pair([a0, a1]: [Self; 2], [b0, b1]: [Self; 2]) -> [Self; 2] {
        let (low, high) = (a0.mul(b0), a1.mul(b1));
        let cross = a0.add(a1).mul(b0.add(b1));
        [low.sub::<2>(high), cross.sub::<4>(low.add(high))]
    }

    fn reduce(self) -> Self {
        self
    }

    fn zero_lanes(self) -> u8 {
        let bits = self
            .0
            .iter()
            .zip(0..)
            .map(|(element, lane)| u8::from(*element == Fp::ZERO) << lane);
        bits.fold(0, |mask, bit| mask | bit)
    }

    fn select(self, other: Self, mask: u8) -> Self {
        Self(array::from_fn(|lane| match mask >> lane & 1 {
            0 => self.0[lane],
            _ => other.0[lane],
        }))
    }

    fn load_key(rows: [&[u64; 4]; 8]) -> Self {
        Self(rows.map(|words| element(*words)))
    }

    fn load_key_pair(rows: [&Line; 8]) -> [Self; 2] {
        let rows = rows.map(halves);
        [
            Self(rows.map(|[x, _]| element(x))),
            Self(rows.map(|[_, y]| element(y))),
        ]
    }

    fn load(rows: [&[u64; 4]; 8]) -> Self {
        Self::load_key(rows)
    }

    fn load_pair(rows: [&Line; 8]) -> [Self; 2] {
        Self::load_key_pair(rows)
    }

    fn store_pair([first, second]: [Self; 2]) -> [Line; 8] {
        array::from_fn(|lane| {
            let mut line = Line::default();
            let (low, high) = line.0.split_at_mut(4);
            low.copy_from_slice(&first.0[lane].0.0);
            high.copy_from_slice(&second.0[lane].0.0);
            line
        })
    }

    fn read(lines: &[Line]) -> Self {
        Self(array::from_fn(|lane| element(halves(&lines[lane / 2])[lane % 2])))
    }

    fn broadcast(lines: &[Line], lane: usize) -> Self {
        Self([element(halves(&lines[lane / 2])[lane % 2]); 8])
    }

    fn write(self, lines: &mut [Line]) {
        for (lane, element) in self.0.iter().enumerate() {
            lines[lane / 2].0[lane % 2 * 4..][..4].copy_from_slice(&element.0.0);
        }
    }

    fn transpose(rows: [Self; 8]) -> [Self; 8] {
        array::from_fn(|lane| Self(array::from_fn(|row| rows[row].0[lane])))
    }
}
