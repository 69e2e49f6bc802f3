//! How scalars are cut into signed digits, and how wide a digit should be.
//!
//! A scalar s from 0 to r − 1 is first replaced by −(r − s) where that is smaller: small negative values are as common in a
//! witness as small ones, and cost as little. What is left is a magnitude m ≤ (r − 1)/2, below 0.76·2^253, of w = ⌈254/c⌉
//! digits of c bits:
//!
//! ```text
//! m = Σ dᵢ·2^(ci)      −2^(c−1) ≤ dᵢ < 2^(c−1)      mirrored, −2^(c−1) < dᵢ ≤ 2^(c−1), where s is negative
//! ```
//!
//! Adding H = Σ 2^(c−1)·2^(ci) over all windows but the last makes all digits non-negative, so that they are cut out of m + H
//! without a carry from one to the next. The last one has at most 254 − c(w − 1) ≤ c bits.

use ark_bn254::Fr;
use ark_ff::PrimeField;

use super::List;
use super::scalars::Scalars;

/// Bits of a magnitude, and one for the offset's carry.
const BITS: u32 = 254;
/// Narrower digits are of no use: what each window costs by itself would dominate.
const MIN_WIDTH: u32 = 3;
/// Digits are held in 16 bits.
const MAX_WIDTH: u32 = 16;
/// Cost of a bucket: its two additions, in shorter batches.
const BUCKET_COST: f64 = 2.6;
/// Cost of a window: batches that are too short for their inversion, and positions to sum up.
const WINDOW_COST: f64 = 400.0;
/// Scalars that costs are estimated from.
const SAMPLE: usize = 1024;

/// The windows of one set of scalars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    width: u32,
}

impl Windows {
    /// Windows of `width` bits, from 3 to 16; others are moved there.
    pub(crate) fn new(width: u32) -> Self {
        Self {
            width: width.clamp(MIN_WIDTH, MAX_WIDTH),
        }
    }

    /// The windows that cost least for all lists that share these scalars.
    ///
    /// With b(s) the bits of a scalar's magnitude, a list of n points costs, in additions of its group,
    ///
    /// ```text
    /// n · mean ⌈(b(s) + 1)/c⌉  +  w' · (2.6 · 2^(c−1) + 400)
    /// ```
    ///
    /// where w' ≤ w counts the windows that are in use and b = 0 costs nothing. Mean and maximum are those of up to 1024
    /// scalars, whose places no regular pattern keeps in step with. Windows that would need more memory for digits and entries than
    /// scalars of full width do are left out, whatever they would save: a plan that was made without the scalars holds.
    pub(crate) fn choose(scalars: &Scalars<'_>, lists: &[List<'_>]) -> Self {
        let bits: Vec<u32> = places(scalars.len())
            .map(|place| magnitude_bits(scalars.integer(place)))
            .collect();
        let lists: Vec<(usize, u32)> = lists.iter().map(|list| (list.len(), list.weight())).collect();
        Self::cheapest(&bits, &lists)
    }

    /// The windows that cost least for lists of so many points and such a weight, by a sample of their scalars' bits; see
    /// [`choose`](Self::choose).
    pub(crate) fn cheapest(bits: &[u32], lists: &[(usize, u32)]) -> Self {
        let full = [BITS - 1];
        let most = Self::cheapest_below(f64::INFINITY, &full, lists).bytes_of_scalar(&full);
        Self::cheapest_below(most, bits, lists)
    }

    /// Those with at most so many bytes for each scalar.
    fn cheapest_below(most: f64, bits: &[u32], lists: &[(usize, u32)]) -> Self {
        let cost = |windows: Self| {
            let of_list = |&(points, weight): &(usize, u32)| f64::from(weight) * windows.cost(bits, points);
            lists.iter().map(of_list).sum::<f64>()
        };
        let all = (MIN_WIDTH..=MAX_WIDTH).map(Self::new);
        let small = all.filter(|windows| windows.bytes_of_scalar(bits) <= most);
        let best = small.min_by(|&a, &b| cost(a).total_cmp(&cost(b)));
        best.unwrap_or(Self::new(MAX_WIDTH))
    }

    /// Bytes of digits, and of entries for those that are not zero, in the mean.
    fn bytes_of_scalar(self, bits: &[u32]) -> f64 {
        (size_of::<i16>() * self.count()) as f64 + size_of::<u32>() as f64 * self.mean_digits(bits)
    }

    /// Cost of a list of so many points, in additions of its group; see [`choose`](Self::choose).
    pub(crate) fn cost(self, bits: &[u32], points: usize) -> f64 {
        let used = bits.iter().map(|&bits| self.digits(bits)).max().unwrap_or(0);
        let fixed = f64::from(used) * (BUCKET_COST * self.buckets() as f64 + WINDOW_COST);
        points as f64 * self.mean_digits(bits) + fixed
    }

    /// Digits of a scalar that are not zero, in the mean.
    pub(crate) fn mean_digits(self, bits: &[u32]) -> f64 {
        let total: u32 = bits.iter().map(|&bits| self.digits(bits)).sum();
        f64::from(total) / bits.len().max(1) as f64
    }

    /// Digits of a magnitude with so many bits.
    fn digits(self, bits: u32) -> u32 {
        if bits == 0 {
            0
        } else {
            (bits + 1).div_ceil(self.width)
        }
    }

    /// Bits of a digit: c.
    pub(crate) fn width(self) -> u32 {
        self.width
    }

    /// Digits of a scalar: w.
    pub(crate) fn count(self) -> usize {
        BITS.div_ceil(self.width) as usize
    }

    /// Buckets of a window: one for each magnitude from 1 to 2^(c−1).
    pub(crate) fn buckets(self) -> usize {
        1 << (self.width - 1)
    }
}

/// Up to [`SAMPLE`] of so many places, spread evenly, but not in even steps: what a circuit repeats, it repeats in steps. Multiples of
/// the golden ratio, modulo one, come close to no fraction with a small denominator.
fn places(count: usize) -> impl Iterator<Item = usize> {
    // 2^64 / golden ratio.
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let all = count <= SAMPLE;
    (0..count.min(SAMPLE)).map(move |number| {
        let fraction = (number as u64).wrapping_mul(STEP);
        let spread = (u128::from(fraction) * count as u128) >> 64;
        if all { number } else { spread as usize }
    })
}

/// r.
pub(super) const MODULUS: [u64; 4] = Fr::MODULUS.0;

/// a − b modulo 2^256, and whether b was larger.
#[inline(always)]
pub(super) fn subtract(a: [u64; 4], b: [u64; 4]) -> ([u64; 4], bool) {
    let mut difference = [0; 4];
    let mut borrow = false;
    for (word, (a, b)) in difference.iter_mut().zip(a.into_iter().zip(b)) {
        let (partial, first) = a.overflowing_sub(b);
        let (total, second) = partial.overflowing_sub(u64::from(borrow));
        *word = total;
        borrow = first | second;
    }
    (difference, borrow)
}

/// The smaller one of s and r − s, and whether that is r − s.
#[inline(always)]
pub(super) fn magnitude(scalar: [u64; 4]) -> ([u64; 4], bool) {
    let (mirrored, _) = subtract(MODULUS, scalar);
    let (_, negative) = subtract(mirrored, scalar);
    let mut smaller = scalar;
    for (word, mirrored) in smaller.iter_mut().zip(mirrored) {
        *word = if negative { mirrored } else { *word };
    }
    (smaller, negative)
}

/// Bits of the magnitudes of scalars of which this share is 0 or 1, equally often, and the others are spread over the whole field: a sample
/// like that of [`Windows::choose`].
pub(crate) fn typical_bits(boolean: f64) -> Vec<u32> {
    let booleans = (boolean.clamp(0.0, 1.0) * SAMPLE as f64).round() as usize;
    let full = SAMPLE - booleans;
    let bits_of = |number: usize| {
        // The top word of (number + 1)/full of the largest magnitude, r/2.
        let top = u128::from(MODULUS[3] / 2) * (number as u128 + 1) / full as u128;
        192 + 128 - top.leading_zeros()
    };
    let small = (0..booleans).map(|number| u32::from(number % 2 == 0));
    small.chain((0..full).map(bits_of)).collect()
}

/// 0 for a scalar of 0.
fn magnitude_bits(scalar: [u64; 4]) -> u32 {
    let (words, _) = magnitude(scalar);
    let mut bits = 0;
    for (end, word) in (64..).step_by(64).zip(words) {
        if word != 0 {
            bits = end - word.leading_zeros();
        }
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTS: [(usize, u32); 2] = [(1 << 18, 10), (1 << 17, 26)];

    /// Small scalars in steps of a power of two, or of any other number, are as small a part of the sample as of the whole.
    #[test]
    fn a_sample_does_not_fall_into_step() {
        for count in [1usize << 12, 1 << 18, (1 << 20) - 7] {
            for step in [2, 3, 7, 64, 255, 256, 1000, 1024, count.div_ceil(SAMPLE)] {
                for offset in [0, 3 % step] {
                    let hits = places(count).filter(|place| place % step == offset).count();
                    let expected = SAMPLE / step;
                    assert!(hits <= expected * 3 / 2 + 6, "{count} {step}: {hits}");
                }
            }
            assert!(places(count).all(|place| place < count));
        }
        assert!(places(10).eq(0..10));
        assert_eq!(places(0).count(), 0);
    }

    #[test]
    fn no_scalars_need_more_memory_than_those_of_full_width() {
        let full = [BITS - 1];
        let most = Windows::cheapest(&full, &LISTS).bytes_of_scalar(&full);
        for bits in 0..BITS {
            for small in [0, 1, 8, 64] {
                for share in 0..8 {
                    let sample: Vec<u32> = (0..8)
                        .map(|number| if number < share { small } else { bits })
                        .collect();
                    let windows = Windows::cheapest(&sample, &LISTS);
                    assert!(windows.bytes_of_scalar(&sample) <= most, "{bits} {small} {share}");
                }
            }
        }
    }
}
