//! Eight elements, one after the other. Kernel form is key form, but for values from p to 2p.

use std::array;
use std::marker::PhantomData;

use ark_ff::{AdditiveGroup, Fp, FpConfig};

use super::field::{Field, Words};
use crate::backend::{Lanes, Line};

/// Eight values below 2p, in Montgomery form with R = 2^256.
#[derive(Debug)]
pub(crate) struct Eight<P>([Words; 8], PhantomData<P>);

impl<P> Clone for Eight<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Eight<P> {}

impl<P: FpConfig<4>> Eight<P> {
    fn new(values: [Words; 8]) -> Self {
        Self(values, PhantomData)
    }
}

/// The operation in each lane, written out: indices that the compiler knows leave no copies of whole lanes behind.
#[inline(always)]
fn each(a: &[Words; 8], b: &[Words; 8], operation: impl Fn(Words, Words) -> Words) -> [Words; 8] {
    [
        operation(a[0], b[0]),
        operation(a[1], b[1]),
        operation(a[2], b[2]),
        operation(a[3], b[3]),
        operation(a[4], b[4]),
        operation(a[5], b[5]),
        operation(a[6], b[6]),
        operation(a[7], b[7]),
    ]
}

/// Multiplications stay out of line, one loop each: eight of them are two thousand instructions.
#[inline(never)]
fn products<P: FpConfig<4>>(a: &[Words; 8], b: &[Words; 8]) -> [Words; 8] {
    array::from_fn(|lane| Field::<P>::mul(a[lane], b[lane]))
}

#[inline(never)]
fn squares<P: FpConfig<4>>(a: &[Words; 8]) -> [Words; 8] {
    array::from_fn(|lane| Field::<P>::square(a[lane]))
}

#[inline(never)]
fn products_of_pairs<P: FpConfig<4>>(a: [&[Words; 8]; 2], b: [&[Words; 8]; 2]) -> [[Words; 8]; 2] {
    let mut products = [[[0; 4]; 8]; 2];
    for lane in 0..8 {
        let [real, imaginary] = Field::<P>::mul_pair([a[0][lane], a[1][lane]], [b[0][lane], b[1][lane]]);
        products[0][lane] = real;
        products[1][lane] = imaginary;
    }
    products
}

fn halves(line: &Line) -> [[u64; 4]; 2] {
    let Line([a, b, c, d, e, f, g, h]) = *line;
    [[a, b, c, d], [e, f, g, h]]
}

impl<P: FpConfig<4>> Lanes for Eight<P> {
    type Params = P;

    const LINES: usize = 4;

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
        Self::new(elements.each_ref().map(|element| element.0.0))
    }

    #[inline(always)]
    fn to_elements(self) -> [Fp<P, 4>; 8] {
        self.0.map(|value| {
            let mut element = Fp::ZERO;
            element.0.0 = Field::<P>::canonical(value);
            element
        })
    }

    #[inline(always)]
    fn to_integers(self) -> [[u64; 4]; 8] {
        // Montgomery's product with the integer 1 takes the factor 2^256 out.
        self.0
            .map(|value| Field::<P>::canonical(Field::<P>::mul(value, [1, 0, 0, 0])))
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self::new(each(&self.0, &other.0, Field::<P>::add))
    }

    #[inline(always)]
    fn sub<const K: usize>(self, other: Self) -> Self {
        Self::new(each(&self.0, &other.0, Field::<P>::sub))
    }

    #[inline(always)]
    fn negate_where<const K: usize>(self, mask: u8) -> Self {
        self.select(Self::zero().sub::<K>(self), mask)
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self::new(products::<P>(&self.0, &other.0))
    }

    #[inline(always)]
    fn square(self) -> Self {
        Self::new(squares::<P>(&self.0))
    }

    #[inline(always)]
    fn mul_pair([a0, a1]: [Self; 2], [b0, b1]: [Self; 2]) -> [Self; 2] {
        let [real, imaginary] = products_of_pairs::<P>([&a0.0, &a1.0], [&b0.0, &b1.0]);
        [Self::new(real), Self::new(imaginary)]
    }

    #[inline(always)]
    fn reduce(self) -> Self {
        self
    }

    #[inline(always)]
    fn zero_lanes(self) -> u8 {
        let bits = self.0.iter().zip(0..);
        bits.fold(0, |mask, (value, lane)| {
            mask | u8::from(Field::<P>::is_zero(*value)) << lane
        })
    }

    #[inline(always)]
    fn select(self, other: Self, mask: u8) -> Self {
        Self::new(array::from_fn(|lane| match mask >> lane & 1 {
            0 => self.0[lane],
            _ => other.0[lane],
        }))
    }

    #[inline(always)]
    fn load_key(rows: [&[u64; 4]; 8]) -> Self {
        Self::new(rows.map(|words| *words))
    }

    #[inline(always)]
    fn load_key_pair(rows: [&Line; 8]) -> [Self; 2] {
        let rows = rows.map(halves);
        [Self::new(rows.map(|[x, _]| x)), Self::new(rows.map(|[_, y]| y))]
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
        array::from_fn(|lane| {
            let mut line = Line::default();
            let (low, high) = line.0.split_at_mut(4);
            low.copy_from_slice(&first.0[lane]);
            high.copy_from_slice(&second.0[lane]);
            line
        })
    }

    #[inline(always)]
    fn read(lines: &[Line]) -> Self {
        Self::new(array::from_fn(|lane| halves(&lines[lane / 2])[lane % 2]))
    }

    #[inline(always)]
    fn broadcast(lines: &[Line], lane: usize) -> Self {
        Self::new([halves(&lines[lane / 2])[lane % 2]; 8])
    }

    #[inline(always)]
    fn write(self, lines: &mut [Line]) {
        for (lane, value) in self.0.iter().enumerate() {
            lines[lane / 2].0[lane % 2 * 4..][..4].copy_from_slice(value);
        }
    }

    #[inline(always)]
    fn transpose(rows: [Self; 8]) -> [Self; 8] {
        array::from_fn(|lane| Self::new(array::from_fn(|row| rows[row].0[lane])))
    }
}
