//! The kernel: many affine additions that share one inversion.
//!
//! For points of one batch, out ← ±P ± Q with
//!
//! ```text
//! λ = (y₂ − y₁)/(x₂ − x₁)      x₃ = λ² − x₁ − x₂      y₃ = λ(x₁ − x₃) − y₁
//! ```
//!
//! and all 1/(x₂ − x₁) from one inversion of their product (Montgomery's trick): the first pass multiplies the differences,
//! the second takes the product apart again. Eight pairs are eight lanes, whose products run in [`CHAINS`]
//! independent chains: [`lanes`] is for backends with vectors, [`single`] for those that compute with one element at a time. In G2 the
//! second applies the trick to the norms of the differences, which lie in the base field: 1/d is the conjugate of d over its norm.
//!
//! The fast path holds for two points that differ, are not opposite and are not the identity. It notices where that fails: equal x
//! make the product zero, and the identity's first word is zero. Then the batch starts again in `careful`, which treats all cases in
//! the same lanes. Nothing has been written by then.
//!
//! Bounds, in multiples of p, for operands in key form (16; kernel form has 2). In G2, components one by one:
//!
//! | value | G1 | G2 |
//! |---|---|---|
//! | x, y, −y | 16 | 16, 16 |
//! | d = x₂ − x₁ + 16 | 32 | 32, 32 |
//! | product of differences, m ← m·d | 3.3 | 9.7, 9.2 |
//! | 1/d = (inverse so far)·(product so far) | 2.2 | 7.2, 4.2 |
//! | y₂ − y₁ + 16 | 32 | 32, 32 |
//! | λ | 2.9 | 8.8, 6.4 |
//! | λ² | 2.1 | 5.1, 3.4 |
//! | λ² − (x₁ + x₂) + 32, then reduced | 34.1 → 2 | 37.1 → 2 |
//! | λ(x₁ − x₃ + 2) | 2.7 | 7.9, 5.3 |
//! | … − y₁ + 16, then reduced | 18.7 → 2 | 23.9 → 2 |
//!
//! With norms, in G2: norm 28.4; product of norms 3.1; 1/norm 2.2; 1/d 2.9, 3; λ 7.2, 4.3; everything after it below the table's.

mod careful;
mod lanes;
mod single;

use std::marker::PhantomData;

use super::coordinate::{Coordinate, Element};
use super::group::Group;
use crate::backend::prefetch::prefetch;
use crate::backend::{Backend, Kernel, Lanes, Line, Machine};

/// The sign of an operand: set to take −P.
pub(crate) const NEGATIVE: u32 = 1 << 31;

/// Groups of eight pairs that are worked on side by side: a multiplication of eight elements takes longer than the next one waits.
const CHAINS: usize = 2;

/// How many groups ahead operands are fetched. One takes about as long as a line from the last-level cache or, for those that
/// come from memory, several do.
const AHEAD: usize = 8;

/// One addition: operands' numbers, with [`NEGATIVE`] where the operand is signed, and the number of the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) left: u32,
    pub(crate) right: u32,
    pub(crate) out: u32,
}

/// Where operands lie and results go.
///
/// A result may go where operands lie, but not to an operand of a later pair of the same call.
pub(crate) trait Operands<G: Group> {
    /// Whether operands are in key form. Results never are.
    const KEY: bool;
    /// Whether operands may carry [`NEGATIVE`].
    const SIGNED: bool;

    /// An operand; the number is without its sign.
    fn left(&self, number: usize) -> &G::Words;
    /// As [`left`](Self::left).
    fn right(&self, number: usize) -> &G::Words;
    /// Starts to fetch both operands.
    fn fetch(&self, left: usize, right: usize);
    /// Takes a result.
    fn put(&mut self, number: usize, words: G::Words);
}

/// Sums of bases: signed, in key form.
#[derive(Debug)]
pub(crate) struct FromBases<'a, G: Group> {
    pub(crate) bases: &'a [G::Words],
    pub(crate) sums: &'a mut [G::Words],
}

/// Sums of points, among themselves: unsigned, in kernel form.
#[derive(Debug)]
pub(crate) struct InPlace<'a, G: Group> {
    pub(crate) points: &'a mut [G::Words],
}

/// Sums of points and entries of a table: entries signed, both in kernel form, results among the points.
pub(crate) struct WithTable<'a, G: Group> {
    pub(crate) points: &'a mut [G::Words],
    pub(crate) table: &'a [G::Words],
}

impl<G: Group> Operands<G> for FromBases<'_, G> {
    const KEY: bool = true;
    const SIGNED: bool = true;

    #[inline(always)]
    fn left(&self, number: usize) -> &G::Words {
        &self.bases[number]
    }

    #[inline(always)]
    fn right(&self, number: usize) -> &G::Words {
        &self.bases[number]
    }

    #[inline(always)]
    fn fetch(&self, left: usize, right: usize) {
        prefetch(self.bases, left);
        prefetch(self.bases, right);
    }

    #[inline(always)]
    fn put(&mut self, number: usize, words: G::Words) {
        self.sums[number] = words;
    }
}

impl<G: Group> Operands<G> for InPlace<'_, G> {
    const KEY: bool = false;
    const SIGNED: bool = false;

    #[inline(always)]
    fn left(&self, number: usize) -> &G::Words {
        &self.points[number]
    }

    #[inline(always)]
    fn right(&self, number: usize) -> &G::Words {
        &self.points[number]
    }

    #[inline(always)]
    fn fetch(&self, left: usize, right: usize) {
        prefetch(self.points, left);
        prefetch(self.points, right);
    }

    #[inline(always)]
    fn put(&mut self, number: usize, words: G::Words) {
        self.points[number] = words;
    }
}

impl<G: Group> Operands<G> for WithTable<'_, G> {
    const KEY: bool = false;
    const SIGNED: bool = true;

    #[inline(always)]
    fn left(&self, number: usize) -> &G::Words {
        &self.points[number]
    }

    #[inline(always)]
    fn right(&self, number: usize) -> &G::Words {
        &self.table[number]
    }

    #[inline(always)]
    fn fetch(&self, left: usize, right: usize) {
        prefetch(self.points, left);
        prefetch(self.table, right);
    }

    #[inline(always)]
    fn put(&mut self, number: usize, words: G::Words) {
        self.points[number] = words;
    }
}

/// Adds all pairs, in batches of at most [`Group::BATCH`]. `products` is scratch that is kept between calls.
pub(crate) fn add_pairs<G: Group, O: Operands<G>>(
    backend: Backend,
    mut operands: O,
    pairs: &[Pair],
    products: &mut Vec<Line>,
) {
    // Of about equal size: a small rest would pay for an inversion of its own.
    let batches = pairs.len().div_ceil(G::BATCH).max(1);
    let batch = pairs.len().div_ceil(batches).next_multiple_of(8 * CHAINS);
    for pairs in pairs.chunks(batch.max(1)) {
        backend.run(AddPairs {
            operands: &mut operands,
            pairs,
            products,
            group: PhantomData::<G>,
        });
    }
}

/// One batch.
struct AddPairs<'a, G, O> {
    operands: &'a mut O,
    pairs: &'a [Pair],
    products: &'a mut Vec<Line>,
    group: PhantomData<G>,
}

impl<G: Group, O: Operands<G>> Kernel for AddPairs<'_, G, O> {
    type Output = ();

    #[inline(always)]
    fn run<M: Machine>(self) {
        let lines = self.pairs.len().div_ceil(8 * CHAINS) * CHAINS * G::Coordinate::<M>::LINES;
        if self.products.len() < lines {
            self.products.resize(lines, Line::default());
        }
        let done = if M::Fq::PARTS == 1 {
            lanes::fast::<M, G, O>(self.operands, self.pairs, self.products)
        } else {
            single::fast::<M, G, O>(self.operands, self.pairs, self.products)
        };
        if !done {
            careful::add::<M, G, O>(self.operands, self.pairs, self.products);
        }
    }
}

/// The pairs of a group; none where there is no such group.
#[inline(always)]
fn group_of(pairs: &[Pair], group: usize) -> &[Pair] {
    let start = group.wrapping_mul(8);
    pairs.get(start..start.wrapping_add(8)).unwrap_or_default()
}

#[inline(always)]
fn fetch<G: Group, O: Operands<G>>(operands: &O, pairs: &[Pair]) {
    for pair in pairs {
        operands.fetch(number(pair.left), number(pair.right));
    }
}

/// Eight pairs, the last one repeated where there are no more.
#[inline(always)]
fn octet(pairs: &[Pair], group: usize) -> [Pair; 8] {
    let start = group * 8;
    match pairs.get(start..start + 8).and_then(<[Pair]>::first_chunk) {
        Some(full) => *full,
        None => {
            let last = pairs.len() - 1;
            std::array::from_fn(|lane| pairs[last.min(start + lane)])
        }
    }
}

#[inline(always)]
fn number(operand: u32) -> usize {
    (operand & !NEGATIVE) as usize
}

/// Written place by place: filled in a loop, the eight cost the vector backends a tenth of an addition.
#[inline(always)]
fn lefts<'a, G: Group, O: Operands<G>>(operands: &'a O, octet: &[Pair; 8]) -> [&'a G::Words; 8] {
    std::array::from_fn(|lane| operands.left(number(octet[lane].left)))
}

#[inline(always)]
fn rights<'a, G: Group, O: Operands<G>>(operands: &'a O, octet: &[Pair; 8]) -> [&'a G::Words; 8] {
    std::array::from_fn(|lane| operands.right(number(octet[lane].right)))
}

/// The lanes whose left and whose right operands are negative.
#[inline(always)]
fn signs(octet: &[Pair; 8]) -> [u8; 2] {
    let (mut left, mut right) = (0, 0);
    for (lane, pair) in octet.iter().enumerate() {
        left |= ((pair.left >> 31) as u8) << lane;
        right |= ((pair.right >> 31) as u8) << lane;
    }
    [left, right]
}

#[inline(always)]
fn load<M: Machine, G: Group, O: Operands<G>>(rows: [&G::Words; 8]) -> [G::Coordinate<M>; 2] {
    if O::KEY {
        G::load::<M, true>(rows)
    } else {
        G::load::<M, false>(rows)
    }
}

/// x and signed y of the left and the right operands.
#[inline(always)]
fn load_both<M: Machine, G: Group, O: Operands<G>>(
    operands: &O,
    octet: &[Pair; 8],
) -> [[G::Coordinate<M>; 2]; 2] {
    let [x1, y1] = load::<M, G, O>(lefts::<G, O>(operands, octet));
    let [x2, y2] = load::<M, G, O>(rights::<G, O>(operands, octet));
    if !O::SIGNED {
        return [[x1, y1], [x2, y2]];
    }
    let [minus1, minus2] = signs(octet);
    [
        [x1, y1.negate_where::<16>(minus1)],
        [x2, y2.negate_where::<16>(minus2)],
    ]
}

/// λ gives x₃ and y₃, both reduced, also where both points are the same.
#[inline(always)]
fn third_point<C: Element>(slope: C, x1: C, y1: C, x2: C) -> [C; 2] {
    let x3 = slope.square().sub::<32>(x1.add(x2)).reduce();
    let y3 = slope.mul(x1.sub::<2>(x3)).sub::<16>(y1).reduce();
    [x3, y3]
}

#[inline(always)]
fn put<G: Group, O: Operands<G>>(operands: &mut O, octet: &[Pair; 8], words: [G::Words; 8]) {
    for (pair, words) in octet.iter().zip(words) {
        operands.put(pair.out as usize, words);
    }
}

/// 1/m for each chain's product m; None if one is zero in some lane.
#[inline(always)]
fn invert_chains<C: Coordinate>(products: [C; CHAINS]) -> Option<[C; CHAINS]> {
    let mut before = products;
    let mut product = products[0];
    for chain in 1..CHAINS {
        before[chain] = product;
        product = product.mul(products[chain]);
    }
    let mut rest = product.reduce().inverse()?;
    let mut inverses = products;
    for chain in (1..CHAINS).rev() {
        inverses[chain] = rest.mul(before[chain]).reduce();
        rest = rest.mul(products[chain]).reduce();
    }
    inverses[0] = rest;
    Some(inverses)
}

/// Whether a first word is zero: true of the identity, and of one point in 2^64.
#[inline(always)]
fn may_hold_identity<G: Group>(rows: &[&G::Words; 8]) -> bool {
    let mut found = false;
    for words in rows {
        found |= G::lines(words)[0].0[0] == 0;
    }
    found
}

#[cfg(test)]
mod tests;
