//! Signed digits of scalars, for all windows at once; see [`windows`](super::windows) for what they are.
//!
//! A digit is an `i16`. They lie in blocks of [`BLOCK`] scalars and, within a block, window by window: a block is written by one
//! task, and a window of it is read as one stretch.

use rayon::prelude::*;

use super::scalars::Scalars;
use super::windows::{Windows, magnitude};
use crate::backend::{Backend, Kernel, Lanes, Machine, Pages};
use ark_bn254::Fr;
use ark_ff::AdditiveGroup;

/// Scalars in a block.
pub(crate) const BLOCK: usize = 1024;

/// Scalars that are cut side by side.
const SIDE: usize = 64;

/// Digits of one set of scalars. The memory is kept for the next set.
#[derive(Debug, Default)]
pub(crate) struct Digits {
    digits: Pages<i16>,
    scalars: usize,
    windows: usize,
}

impl Digits {
    /// Cuts all scalars. `cancelled` is asked between blocks; digits are worthless once it said yes.
    pub(crate) fn cut(
        &mut self,
        backend: Backend,
        scalars: Scalars<'_>,
        windows: Windows,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) {
        self.scalars = scalars.len();
        self.windows = windows.count();
        let blocks = self.scalars.div_ceil(BLOCK);
        let length = blocks * BLOCK * self.windows;
        self.digits.grow(length);
        let offsets = [false, true].map(|negative| offset(windows, negative));
        self.digits[..length]
            .par_chunks_mut(BLOCK * self.windows)
            .enumerate()
            .for_each(|(block, digits)| {
                if !cancelled() {
                    backend.run(Cut {
                        scalars,
                        first: block * BLOCK,
                        windows,
                        offsets,
                        digits,
                    });
                }
            });
    }

    /// Digits of one window for the scalars of one block; zero beyond the last scalar.
    pub(crate) fn of(&self, block: usize, window: usize) -> &[i16] {
        let start = (block * self.windows + window) * BLOCK;
        &self.digits[start..start + BLOCK]
    }

    /// Bytes that so many scalars need.
    pub(crate) fn bytes_for(scalars: usize, windows: Windows) -> usize {
        size_of::<i16>() * scalars.next_multiple_of(BLOCK) * windows.count()
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.digits[..])
    }

    /// Number of blocks.
    pub(crate) fn blocks(&self) -> usize {
        self.scalars.div_ceil(BLOCK)
    }
}

/// Σ over all windows but the last of 2^(c−1)·2^(ci), or of one less than 2^(c−1) for negative scalars.
fn offset(windows: Windows, negative: bool) -> [u64; 4] {
    let half = (1u64 << (windows.width() - 1)) - u64::from(negative);
    let mut sum = [0u64; 5];
    let mut bit = 0;
    for _ in 1..windows.count() {
        // Windows do not overlap: nothing carries.
        sum[bit / 64] |= half << (bit % 64);
        sum[bit / 64 + 1] |= half >> 1 >> (63 - bit % 64);
        bit += windows.width() as usize;
    }
    let [a, b, c, d, _] = sum;
    [a, b, c, d]
}

/// Cuts one block.
struct Cut<'a> {
    scalars: Scalars<'a>,
    first: usize,
    windows: Windows,
    offsets: [[u64; 4]; 2],
    digits: &'a mut [i16],
}

impl Kernel for Cut<'_> {
    type Output = ();

    #[inline(always)]
    fn run<M: Machine>(self) {
        for start in (0..BLOCK).step_by(SIDE) {
            // Word by word, so that the loop over scalars below runs in vectors. The last word stays zero.
            let mut words = [[0u64; SIDE]; 5];
            let mut signs = [0i64; SIDE];
            for octet in (0..SIDE).step_by(8) {
                let integers = load::<M>(&self.scalars, self.first + start + octet);
                for (lane, integer) in integers.into_iter().enumerate() {
                    let (magnitude, negative) = magnitude(integer);
                    signs[octet + lane] = -i64::from(negative);
                    let sum = add(magnitude, self.offsets[usize::from(negative)]);
                    for (words, word) in words.iter_mut().zip(sum) {
                        words[octet + lane] = word;
                    }
                }
            }
            let count = self.windows.count();
            let width = self.windows.width();
            for window in 0..count {
                let bit = window * width as usize;
                let (low, high) = (&words[bit / 64], &words[bit / 64 + 1]);
                let shift = (bit % 64) as u32;
                let last = window + 1 == count;
                let half = if last { 0 } else { 1i64 << (width - 1) };
                // Mirrored digits: −1 − (raw − half) with the offset of one less, and plain −raw without an offset.
                let less = if last { -1i64 } else { 0 };
                let mask = u64::MAX >> (64 - width);
                let out = &mut self.digits[window * BLOCK + start..][..SIDE];
                for lane in 0..SIDE {
                    let raw = (low[lane] >> shift | high[lane] << 1 << (63 - shift)) & mask;
                    let sign = signs[lane];
                    let digit = (raw.cast_signed().wrapping_sub(half) ^ sign).wrapping_sub(sign & less);
                    out[lane] = digit as i16;
                }
            }
        }
    }
}

/// Eight scalars as integers; zeros beyond the last.
#[inline(always)]
fn load<M: Machine>(scalars: &Scalars<'_>, first: usize) -> [[u64; 4]; 8] {
    match scalars {
        Scalars::Elements(elements) => {
            let elements = elements.get(first..).unwrap_or_default();
            let octet = match elements.first_chunk::<8>() {
                Some(full) => *full,
                None => std::array::from_fn(|lane| elements.get(lane).copied().unwrap_or(Fr::ZERO)),
            };
            M::Fr::from_elements(&octet).to_integers()
        }
        Scalars::Ordered { elements, order } => {
            let order = order.get(first..).unwrap_or_default();
            let octet = match order.first_chunk::<8>() {
                Some(full) => full.map(|index| elements[index as usize]),
                None => std::array::from_fn(|lane| {
                    order
                        .get(lane)
                        .map_or(Fr::ZERO, |index| elements[*index as usize])
                }),
            };
            M::Fr::from_elements(&octet).to_integers()
        }
        Scalars::Integers(_) | Scalars::Quotient(_) => {
            std::array::from_fn(|lane| scalars.integer(first + lane))
        }
    }
}

#[inline(always)]
fn add(a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
    let mut sum = [0; 4];
    let mut carry = false;
    for (word, (a, b)) in sum.iter_mut().zip(a.into_iter().zip(b)) {
        let (partial, first) = a.overflowing_add(b);
        let (total, second) = partial.overflowing_add(u64::from(carry));
        *word = total;
        carry = first | second;
    }
    sum
}

#[cfg(test)]
mod tests {
    use ark_ff::{Field, PrimeField, UniformRand};
    use ark_std::rand::SeedableRng;
    use ark_std::rand::rngs::StdRng;

    use super::*;

    /// Digits put together again give the scalars, for every width, and keep their range.
    #[test]
    fn digits_add_up_to_their_scalars() {
        let mut rng = StdRng::seed_from_u64(11);
        let mut scalars: Vec<Fr> = (0..1500).map(|_| Fr::rand(&mut rng)).collect();
        let half = -Fr::ONE / Fr::from(2u64);
        for edge in [Fr::ZERO, half, -half] {
            scalars.extend((0..40u64).flat_map(|near| [edge + Fr::from(near), edge - Fr::from(near)]));
        }
        scalars.extend((0..254u64).flat_map(|bit| {
            let power = Fr::from(2u64).pow([bit]);
            [power, -power, power - Fr::ONE]
        }));
        let integers: Vec<[u64; 4]> = scalars.iter().map(|x| x.into_bigint().0).collect();
        for backend in Backend::available() {
            for width in 3..=16 {
                let windows = Windows::new(width);
                let mut digits = Digits::default();
                for source in [Scalars::Elements(&scalars), Scalars::Integers(&integers)] {
                    digits.cut(backend, source, windows, &|| false);
                    for (index, scalar) in scalars.iter().enumerate() {
                        let mut sum = Fr::ZERO;
                        for window in (0..windows.count()).rev() {
                            for _ in 0..width {
                                sum.double_in_place();
                            }
                            let digit = digits.of(index / BLOCK, window)[index % BLOCK];
                            assert!(usize::from(digit.unsigned_abs()) <= windows.buckets());
                            sum += Fr::from(i64::from(digit));
                        }
                        assert_eq!(sum, *scalar, "{width} bits");
                    }
                    let beyond = scalars.len() % BLOCK..BLOCK;
                    for window in 0..windows.count() {
                        let block = digits.of(digits.blocks() - 1, window);
                        assert!(block[beyond.clone()].iter().all(|&digit| digit == 0));
                    }
                }
            }
        }
    }
}
