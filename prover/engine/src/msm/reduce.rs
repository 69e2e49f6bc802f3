//! Bucket reduction: Σ b·B_b over the buckets of a block, by bits of b.
//!
//! With Pₖ the sum of all buckets whose number has bit k, and S the sum of all, Σ b·B_b = Σ 2^k·Pₖ, and S stands for what the block's
//! number adds to b. All of them take two additions for each bucket, in rounds over all blocks at once. In round j, with
//! s = 2^j, the buckets at multiples of s hold the sums of s buckets each:
//!
//! ```text
//! B[2ms] ← B[2ms] + B[(2m + 1)s]                                             the next sums
//! B[4ms + t] ← B[4ms + t] + B[(4m + 2)s + t]      t = 1, 2, 4, …, s           P of bits 0 to j, halved
//! ```
//!
//! After the last round S stands in `B[0]` and Pₖ in `B[2^k]`.

use super::add::{InPlace, Pair, add_pairs};
use super::group::Group;
use super::tasks::Block;
use crate::backend::{Backend, Line, Pages};

/// The buckets of one task's blocks, one block after the other.
#[derive(Debug)]
pub(crate) struct Reduction<G: Group> {
    buckets: Pages<G::Words>,
    present: Vec<bool>,
}

impl<G: Group> Default for Reduction<G> {
    fn default() -> Self {
        Self {
            buckets: Pages::default(),
            present: Vec::new(),
        }
    }
}

impl<G: Group> Reduction<G> {
    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        self.buckets.bytes() + self.present.capacity()
    }

    /// So many empty buckets.
    pub(crate) fn clear(&mut self, buckets: usize) {
        self.buckets.grow(buckets);
        self.present.clear();
        self.present.resize(buckets, false);
    }

    /// Fills a bucket.
    pub(crate) fn set(&mut self, bucket: usize, words: G::Words) {
        self.buckets[bucket] = words;
        self.present[bucket] = true;
    }

    /// What is in a bucket.
    pub(crate) fn get(&self, bucket: usize) -> Option<G::Words> {
        self.present[bucket].then(|| self.buckets[bucket])
    }

    /// Leaves S at the start of each block and Pₖ 2^k buckets behind it.
    pub(crate) fn run(
        &mut self,
        backend: Backend,
        blocks: &[Block],
        pairs: &mut Vec<Pair>,
        products: &mut Vec<Line>,
    ) {
        let rounds = blocks.iter().map(|block| block.log2).max().unwrap_or(0);
        for round in 0..rounds {
            let step = 1 << round;
            pairs.clear();
            // Sums of all blocks come before their bits: bits overwrite what sums read.
            self.each(blocks, round + 1, |reduction, base| {
                reduction.pair(base, base + step, pairs);
            });
            self.each(blocks, round + 2, |reduction, base| {
                for bit in 0..=round {
                    let left = base + (1 << bit);
                    reduction.pair(left, left + 2 * step, pairs);
                }
            });
            let points = &mut self.buckets[..];
            add_pairs::<G, _>(backend, InPlace { points }, pairs, products);
        }
    }

    /// Calls `visit` for each multiple of 2^log2 in each block that is at least that large.
    fn each(&mut self, blocks: &[Block], log2: u32, mut visit: impl FnMut(&mut Self, usize)) {
        let mut start = 0;
        for block in blocks {
            let end = start + (1 << block.log2);
            if block.log2 >= log2 {
                for base in (start..end).step_by(1 << log2) {
                    visit(self, base);
                }
            }
            start = end;
        }
    }

    /// The left bucket is to become the sum of both: by a pair, or at once where one is empty.
    fn pair(&mut self, left: usize, right: usize, pairs: &mut Vec<Pair>) {
        match (self.present[left], self.present[right]) {
            (true, true) => pairs.push(Pair {
                left: left as u32,
                right: right as u32,
                out: left as u32,
            }),
            (false, true) => {
                // Nothing of this round reads or writes an empty bucket, and the right one changes only later.
                self.buckets[left] = self.buckets[right];
                self.present[left] = true;
            }
            (_, false) => {}
        }
    }
}
