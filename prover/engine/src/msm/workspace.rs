//! Memory that is kept from one multiplication to the next.

use super::digits::Digits;
use super::group::{G1, G2};
use super::sort::Sorted;
use super::sums::{Scratch, Weighted};
use super::tasks::Tasks;
use super::windows::Windows;
use crate::backend::{Backend, Kernel, Lanes, Machine};

/// All buffers of [`multi`](super::multi). They grow to what the largest call needs: for n scalars and w windows of c bits 2nw bytes
/// for digits, 4nw for entries and 8w·2^(c−1) for where buckets start, with w = 16 and c = 16 from 2^20 scalars on; and less than 4 MiB
/// for each thread. [`Demand`] says it exactly.
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

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        let of_thread = |scratch: &ThreadScratch| scratch.g1.bytes() + scratch.g2.bytes();
        self.digits.bytes()
            + self.sorted.bytes()
            + self.threads.iter().map(of_thread).sum::<usize>()
            + self.threads.iter().map(ThreadScratch::weighted).sum::<usize>()
    }
}

impl ThreadScratch {
    /// Bytes of what tasks gave.
    fn weighted(&self) -> usize {
        size_of_val(&self.g1.weighted[..]) + size_of_val(&self.g2.weighted[..])
    }
}

/// Bytes of memory that a [`Workspace`] needs for a call of [`multi`](super::multi), and with [`union`](Self::union) for several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Demand {
    digits: usize,
    sorted: usize,
    threads: usize,
    weighted: usize,
}

impl Demand {
    /// For so many scalars whose magnitudes have bits like the sample's, and so many lists in G1 and in G2.
    pub(crate) fn new(
        backend: Backend,
        threads: usize,
        windows: Windows,
        (scalars, bits): (usize, &[u32]),
        [g1, g2]: [usize; 2],
    ) -> Self {
        let lines = backend.run(LinesOfCoordinate);
        let entries = (scalars as f64 * windows.mean_digits(bits)) as usize;
        let of_thread = |lists: usize, bytes: usize| if lists > 0 { bytes } else { 0 };
        let scratch =
            of_thread(g1, Scratch::<G1>::bytes_for(lines)) + of_thread(g2, Scratch::<G2>::bytes_for(lines));
        let weights = Tasks::weights_for(entries, windows, threads);
        Self {
            digits: Digits::bytes_for(scalars, windows),
            sorted: Sorted::bytes_for(scalars, entries, windows, threads),
            threads: threads * scratch,
            weighted: weights * (g1 * size_of::<Weighted<G1>>() + g2 * size_of::<Weighted<G2>>()),
        }
    }

    /// What both need, one after the other.
    pub(crate) fn union(self, other: Self) -> Self {
        Self {
            digits: self.digits.max(other.digits),
            sorted: self.sorted.max(other.sorted),
            threads: self.threads.max(other.threads),
            weighted: self.weighted.max(other.weighted),
        }
    }

    /// All of it.
    pub(crate) fn bytes(self) -> usize {
        self.digits + self.sorted + self.threads + self.weighted
    }
}

/// Asks a backend how many lines eight elements of the base field take.
struct LinesOfCoordinate;

impl Kernel for LinesOfCoordinate {
    type Output = usize;

    #[inline(always)]
    fn run<M: Machine>(self) -> usize {
        M::Fq::LINES
    }
}
