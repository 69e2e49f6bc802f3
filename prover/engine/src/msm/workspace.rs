//! Memory that is kept from one multiplication to the next.

use super::digits::Digits;
use super::group::{G1, G2};
use super::sort::Sorted;
use super::sums::Scratch;
use super::tasks::Tasks;

/// All buffers of [`multi`](super::multi). They grow to what the largest call needs: for n scalars and w windows of c bits 2nw bytes
/// for digits, 4nw for entries and 8w·2^(c−1) for where buckets start, with w = 16 and c = 16 from 2^20 scalars on; and less than 4 MiB
/// for each thread.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub(super) digits: Digits,
    pub(super) sorted: Sorted,
    pub(super) tasks: Tasks,
    pub(super) threads: Vec<ThreadScratch>,
}

/// What one thread works in.
#[derive(Debug, Default)]
pub(super) struct ThreadScratch {
    pub(super) g1: Scratch<G1>,
    pub(super) g2: Scratch<G2>,
}

impl Workspace {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self::default()
    }
}
