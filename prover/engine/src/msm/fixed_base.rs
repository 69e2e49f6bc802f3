//! Many multiples of one point, for keys: a table of multiples, and one addition for each window of a scalar.
//!
//! A scalar s is first made odd, by adding r if it is even, and then written in w windows of c bits, cw ≥ 255, without a digit that is zero:
//!
//! ```text
//! s' = Σ dᵢ·2^(ci)      dᵢ odd, −2^c < dᵢ < 2^c      dᵢ = 2uᵢ − (2^c − 1)
//! ```
//!
//! where the uᵢ are the plain digits of u = (s' − 1)/2 + 2^(cw−1). The table holds (2j + 1)·2^(ci)·P for j below 2^(c−1): bit c − 1 of uᵢ
//! is set where dᵢ is positive, and the rest of its bits, flipped where it is negative, are j. The last digit is always positive. No sum but the
//! last can meet the point that is added to it, or its opposite: that would make a multiple of 2^(ci) one of r.

use std::marker::PhantomData;

use ark_bn254::Fr;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, PrimeField};
use rayon::prelude::*;

use super::add::{NEGATIVE, Pair, WithTable, add_pairs};
use super::group::Group;
use super::lift::{Lift, export, lift};
use super::windows::MODULUS;
use crate::backend::{Backend, Line};

/// Bits of an odd scalar.
const BITS: u32 = 255;
/// Windows between these widths. Half a megabyte of table in G1 for a window at most: it stays in cache for a round.
const WIDTHS: std::ops::RangeInclusive<u32> = 4..=14;

/// Multiples of one point.
#[derive(Debug)]
pub(crate) struct FixedBase<G: Group> {
    backend: Backend,
    width: u32,
    /// Window by window, in kernel form.
    table: Vec<G::Words>,
    group: PhantomData<G>,
}

impl<G: Group> FixedBase<G> {
    /// A table for about so many scalars. Runs on the current rayon pool.
    pub(crate) fn new(backend: Backend, base: &G::Affine, scalars: usize) -> Self {
        let cost = |width: &u32| BITS.div_ceil(*width) as usize * (scalars + (2 << (width - 1)));
        let width = WIDTHS.min_by_key(cost).unwrap_or(*WIDTHS.start());
        let (windows, entries) = (BITS.div_ceil(width) as usize, 1usize << (width - 1));

        let mut power = base.into_group();
        let mut powers = Vec::new();
        for _ in 0..windows * width as usize {
            powers.push(power);
            power.double_in_place();
        }
        let powers: Vec<G::Words> = G::Curve::normalize_batch(&powers)
            .iter()
            .map(G::from_affine)
            .collect();
        let mut lifted = vec![G::Words::default(); powers.len()];
        let lifts: Vec<Lift> = (0..powers.len() as u32)
            .map(|power| Lift {
                base: power,
                out: power,
            })
            .collect();
        lift::<G>(backend, &powers, &lifts, &mut lifted);

        let mut table = vec![G::Words::default(); windows * entries];
        table
            .par_chunks_mut(entries)
            .zip(lifted.par_chunks(width as usize))
            .for_each_init(
                <(Vec<Pair>, Vec<Line>)>::default,
                |(pairs, products), (table, powers)| {
                    table[0] = powers[0];
                    for power in 1..width {
                        let half = 1 << (power - 1);
                        pairs.clear();
                        pairs.extend((0..half).map(|left| Pair {
                            left,
                            right: power,
                            out: left + half,
                        }));
                        let operands = WithTable::<G> {
                            points: table,
                            table: powers,
                        };
                        add_pairs(backend, operands, pairs, products);
                    }
                },
            );
        Self {
            backend,
            width,
            table,
            group: PhantomData,
        }
    }

    /// scalarᵢ·base for all scalars, in key form; zeros give identities. Runs on the current rayon pool.
    pub(crate) fn multiply(&self, scalars: &[Fr]) -> Vec<G::Words> {
        let mut points = vec![G::Words::default(); scalars.len()];
        points
            .par_chunks_mut(G::BATCH)
            .zip(scalars.par_chunks(G::BATCH))
            .for_each_init(Scratch::default, |scratch, (points, scalars)| {
                self.multiply_batch(scalars, points, scratch);
            });
        points
    }

    fn multiply_batch(&self, scalars: &[Fr], points: &mut [G::Words], scratch: &mut Scratch) {
        let entries = 1usize << (self.width - 1);
        let windows = self.table.len() / entries;
        let Scratch {
            digits,
            pairs,
            products,
        } = scratch;
        digits.clear();
        digits.extend(scalars.iter().map(|scalar| halved(scalar.into_bigint().0)));
        let low = entries as u32 - 1;
        let digit = |u: &[u64; 5], window: usize| {
            let bit = window * self.width as usize;
            let raw = u[bit / 64] >> (bit % 64) | u[bit / 64 + 1] << 1 << (63 - bit % 64);
            raw as u32 & (low << 1 | 1)
        };
        let last = windows - 1;
        for (point, u) in points.iter_mut().zip(digits.iter()) {
            // u is held without its highest bit, the one that says that the last digit is positive.
            *point = self.table[last * entries + digit(u, last) as usize];
        }
        for window in 0..last {
            pairs.clear();
            pairs.extend(digits.iter().zip(0..).map(|(u, index)| {
                let digit = digit(u, window);
                let right = if digit > low {
                    digit & low
                } else {
                    digit ^ low | NEGATIVE
                };
                Pair {
                    left: index,
                    right,
                    out: index,
                }
            }));
            let operands = WithTable::<G> {
                points,
                table: &self.table[window * entries..][..entries],
            };
            add_pairs(self.backend, operands, pairs, products);
        }
        export::<G>(self.backend, points);
    }
}

#[derive(Default)]
struct Scratch {
    digits: Vec<[u64; 5]>,
    pairs: Vec<Pair>,
    products: Vec<Line>,
}

/// (s' − 1)/2 for the odd one of s and s + r, with a word to spare.
fn halved(scalar: [u64; 4]) -> [u64; 5] {
    let half_modulus = half(MODULUS);
    let even = scalar[0] & 1 == 0;
    let mut sum = [0; 5];
    let mut carry = false;
    for (word, (a, b)) in sum.iter_mut().zip(half(scalar).into_iter().zip(half_modulus)) {
        let (partial, first) = a.overflowing_add(if even { b } else { 0 });
        let (total, second) = partial.overflowing_add(u64::from(carry));
        *word = total;
        carry = first | second;
    }
    sum
}

/// Rounded down.
fn half([a, b, c, d]: [u64; 4]) -> [u64; 4] {
    [a >> 1 | b << 63, b >> 1 | c << 63, c >> 1 | d << 63, d >> 1]
}

#[cfg(test)]
mod tests {
    use ark_ff::{Field, UniformRand};
    use ark_std::rand::SeedableRng;
    use ark_std::rand::rngs::StdRng;

    use super::*;
    use crate::msm::group::{G1, G2};

    fn check<G: Group>() {
        let mut rng = StdRng::seed_from_u64(31);
        let base = G::Curve::rand(&mut rng).into_affine();
        let mut scalars: Vec<Fr> = (0..300).map(|_| Fr::rand(&mut rng)).collect();
        scalars.extend((0..20u64).flat_map(|small| [Fr::from(small), -Fr::from(small)]));
        scalars.extend((0..254u64).map(|bit| Fr::from(2u64).pow([bit])));
        scalars.extend([Fr::ZERO; 9]);
        let expected: Vec<G::Curve> = scalars.iter().map(|scalar| base * scalar).collect();
        let expected = G::Curve::normalize_batch(&expected);
        for backend in Backend::available() {
            // From a narrow table to a wide one.
            for promised in [1, 100, 1000, 30_000] {
                let table = FixedBase::<G>::new(backend, &base, promised);
                for count in [0, 1, 9, scalars.len()] {
                    let multiples = table.multiply(&scalars[..count]);
                    assert_eq!(multiples.len(), count);
                    for (words, expected) in multiples.iter().zip(&expected) {
                        assert_eq!(G::to_affine(words), *expected, "{} bits, {backend}", table.width);
                        assert_eq!(*words, G::from_affine(expected));
                    }
                }
            }
        }
    }

    #[test]
    fn multiples_equal_those_of_arkworks() {
        check::<G1>();
        check::<G2>();
    }
}
