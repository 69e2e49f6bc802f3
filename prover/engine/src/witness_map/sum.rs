//! Sums of field elements that are reduced once.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, PrimeField};

const MODULUS: [u64; 4] = Fr::MODULUS.0;
/// One more than the modulus' highest 32 bits, of 254 in four words: dividing by it gives a quotient that is never too large.
const DIVISOR: u64 = (MODULUS[3] >> 32) + 1;

/// A sum of less than 2^32 field elements in Montgomery form: words of a non-negative integer, least significant first, that
/// stands for its residue.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum([u64; 5]);

impl Sum {
    #[inline]
    pub(super) fn add(&mut self, element: &Fr) {
        self.add_words(&element.0.0);
    }

    #[inline]
    pub(super) fn subtract(&mut self, element: &Fr) {
        let (difference, _) = subtract(MODULUS, &element.0.0);
        self.add_words(&difference);
    }

    #[inline]
    fn add_words(&mut self, words: &[u64; 4]) {
        let mut carry = false;
        for (sum, word) in self.0.iter_mut().zip(words) {
            (*sum, carry) = sum.carrying_add(*word, carry);
        }
        self.0[4] = self.0[4].wrapping_add(u64::from(carry));
    }

    /// The sum below the modulus.
    #[inline]
    pub(super) fn reduce(self) -> Fr {
        let [a, b, c, d, e] = self.0;
        // Below 2^286, so the fifth word has less than 32 bits. The quotient is at most 1 + q/2^29 too small.
        let quotient = ((e << 32) | (d >> 32)) / DIVISOR;
        let mut words = [a, b, c, d];
        let mut high = 0;
        for (word, modulus) in words.iter_mut().zip(MODULUS) {
            let product = u128::from(modulus) * u128::from(quotient) + u128::from(high);
            let (difference, borrow) = word.overflowing_sub(product as u64);
            *word = difference;
            high = ((product >> 64) as u64).wrapping_add(u64::from(borrow));
        }
        // What is left is below 2^256: the fifth word has become zero.
        loop {
            let (less, borrow) = subtract(words, &MODULUS);
            if borrow {
                break;
            }
            words = less;
        }
        let mut element = Fr::ZERO;
        element.0.0 = words;
        element
    }
}

/// a − b modulo 2^256, and whether b is the larger.
#[inline]
fn subtract(mut a: [u64; 4], b: &[u64; 4]) -> ([u64; 4], bool) {
    let mut borrow = false;
    for (a, b) in a.iter_mut().zip(b) {
        (*a, borrow) = a.borrowing_sub(*b, borrow);
    }
    (a, borrow)
}

#[cfg(test)]
mod tests {
    use ark_ff::{Field, UniformRand};
    use ark_std::rand::rngs::StdRng;
    use ark_std::rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn sums_equal_those_of_arkworks() {
        let mut rng = StdRng::seed_from_u64(1);
        for count in (0..40).chain([1000, 100_000]) {
            for kind in 0..4 {
                let (mut sum, mut expected) = (Sum::default(), Fr::ZERO);
                for _ in 0..count {
                    let element = match (kind, rng.gen_range(0..4)) {
                        (0, _) | (3, 0) => Fr::rand(&mut rng),
                        (1, _) | (3, 1) => -Fr::ONE,
                        // The largest word of all, in Montgomery form: p − 1.
                        (2, _) => {
                            let mut largest = -Fr::ONE;
                            largest.0.0 = MODULUS;
                            largest.0.0[0] -= 1;
                            largest
                        }
                        _ => Fr::ZERO,
                    };
                    if rng.r#gen() {
                        sum.add(&element);
                        expected += element;
                    } else {
                        sum.subtract(&element);
                        expected -= element;
                    }
                }
                assert_eq!(sum.reduce(), expected, "{count} of kind {kind}");
            }
        }
    }

    /// As many as a row may have: 2^32 − 1 times the largest.
    #[test]
    fn the_largest_sum_is_reduced() {
        let mut sum = Sum::default();
        let count = u128::from(u32::MAX);
        let mut carry = 0;
        let mut largest = MODULUS;
        largest[0] -= 1;
        for (word, factor) in sum.0.iter_mut().zip(largest) {
            let product = u128::from(factor) * count + carry;
            *word = product as u64;
            carry = product >> 64;
        }
        sum.0[4] = carry as u64;
        let mut element = Fr::ZERO;
        element.0.0 = largest;
        assert_eq!(sum.reduce(), element * Fr::from(u32::MAX));
    }
}
