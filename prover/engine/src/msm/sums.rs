//! One task of one list: entries become points, points sums of buckets, and those a few points with weights of powers of two.

use super::add::{FromBases, InPlace, NEGATIVE, Pair, add_pairs};
use super::group::Group;
use super::lift::{Lift, lift};
use super::reduce::Reduction;
use super::sort::Sorted;
use super::tasks::{Block, CHUNK, MAX_LOG2, Tasks, Work};
use super::windows::Windows;
use crate::backend::{Backend, Line, Pages};

/// Bases of a list and the scalars they belong to: up to two ranges of the scalars' order, the points one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bases<'a, G: Group> {
    pub(crate) points: &'a [G::Words],
    pub(crate) starts: [u32; 2],
    pub(crate) lengths: [u32; 2],
}

impl<G: Group> Bases<'_, G> {
    /// Appends the entries of this list, with its own numbers.
    fn select(&self, entries: impl Iterator<Item = u32>, out: &mut Vec<u32>) {
        let ([start, other_start], [length, other_length]) = (self.starts, self.lengths);
        out.extend(entries.filter_map(|entry| {
            let scalar = entry & !NEGATIVE;
            let (first, second) = (scalar.wrapping_sub(start), scalar.wrapping_sub(other_start));
            let own = if first < length {
                first
            } else {
                second.wrapping_add(length)
            };
            (first < length || second < other_length).then_some(own | entry & NEGATIVE)
        }));
    }
}

/// A point that counts 2^`position` times in the sum of a list. In kernel form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weighted<G: Group> {
    pub(crate) list: usize,
    pub(crate) position: u32,
    pub(crate) words: G::Words,
}

/// Entries of one bucket in the present chunk: first of them so many entries, then so many points from `start`.
#[derive(Clone, Copy, Debug)]
struct Run {
    bucket: usize,
    start: usize,
    count: usize,
}

/// What a thread works in. Its size depends on constants only.
#[derive(Debug)]
pub(crate) struct Scratch<G: Group> {
    /// Entries of a chunk, bucket by bucket.
    entries: Vec<u32>,
    runs: Vec<Run>,
    lifts: Vec<Lift>,
    pairs: Vec<Pair>,
    points: Pages<G::Words>,
    products: Vec<Line>,
    reduction: Reduction<G>,
    /// What tasks gave so far.
    pub(crate) weighted: Vec<Weighted<G>>,
}

impl<G: Group> Default for Scratch<G> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            runs: Vec::new(),
            lifts: Vec::new(),
            pairs: Vec::new(),
            points: Pages::default(),
            products: Vec::new(),
            reduction: Reduction::default(),
            weighted: Vec::new(),
        }
    }
}

/// What the tasks of one set of scalars share.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a> {
    pub(crate) backend: Backend,
    pub(crate) windows: Windows,
    pub(crate) sorted: &'a Sorted,
    pub(crate) tasks: &'a Tasks,
    /// Asked between chunks: what a task gives is worthless once it said yes.
    pub(crate) cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl<G: Group> Scratch<G> {
    /// Bytes that a thread's scratch comes to have, what tasks gave not counted, where a field element of eight lanes takes `lines` lines.
    pub(crate) const fn bytes_for(lines: usize) -> usize {
        let buckets = 1 << MAX_LOG2;
        // A chunk has a point for each two entries of a bucket, and one for an odd one.
        let points = (CHUNK + buckets) / 2;
        let coordinate = size_of::<G::Words>() / (2 * size_of::<[u64; 4]>());
        CHUNK * size_of::<u32>()
            + buckets * (size_of::<Run>() + size_of::<Lift>() + size_of::<bool>())
            + CHUNK / 2 * size_of::<Pair>()
            + (points + buckets) * size_of::<G::Words>()
            + G::BATCH / 8 * coordinate * lines * size_of::<Line>()
    }

    /// Bytes of memory, what tasks gave not counted.
    pub(crate) fn bytes(&self) -> usize {
        self.points.bytes()
            + size_of_val(&self.products[..])
            + self.entries.capacity() * size_of::<u32>()
            + self.runs.capacity() * size_of::<Run>()
            + self.lifts.capacity() * size_of::<Lift>()
            + self.pairs.capacity() * size_of::<Pair>()
            + self.reduction.bytes()
    }

    /// Does one task for the list of this number; its points are appended to [`weighted`](Self::weighted).
    pub(crate) fn run(&mut self, shared: &Shared<'_>, list: usize, bases: &Bases<'_, G>, work: &Work) {
        // A task that was cancelled has left its last chunk.
        self.entries.clear();
        self.runs.clear();
        match work {
            Work::Blocks(range) => self.blocks(shared, list, bases, &shared.tasks.blocks[range.clone()]),
            Work::Piece {
                window,
                bucket,
                places,
            } => {
                self.reduction.clear(1);
                bases.select(shared.sorted.entries(places.clone()), &mut self.entries);
                self.close_run(0, 0);
                self.sum_up(shared.backend, bases);
                let position = *window as u32 * shared.windows.width();
                if let Some(words) = self.reduction.get(0) {
                    self.weigh(list, position, *bucket + 1, words);
                }
            }
        }
    }

    fn blocks(&mut self, shared: &Shared<'_>, list: usize, bases: &Bases<'_, G>, blocks: &[Block]) {
        self.reduction
            .clear(blocks.iter().map(|block| 1 << block.log2).sum());
        let mut bucket = 0;
        for block in blocks {
            for number in block.first..block.first + (1 << block.log2) {
                let places = shared.sorted.range(block.window, number, number + 1);
                if places.len() <= CHUNK {
                    if self.entries.len() + places.len() > CHUNK {
                        if (shared.cancelled)() {
                            return;
                        }
                        self.sum_up(shared.backend, bases);
                    }
                    let before = self.entries.len();
                    bases.select(shared.sorted.entries(places), &mut self.entries);
                    self.close_run(bucket, before);
                }
                bucket += 1;
            }
        }
        self.sum_up(shared.backend, bases);

        self.reduction
            .run(shared.backend, blocks, &mut self.pairs, &mut self.products);
        let mut start = 0;
        for block in blocks {
            let position = block.window as u32 * shared.windows.width();
            // Bucket b counts b + 1 times.
            if let Some(words) = self.reduction.get(start) {
                self.weigh(list, position, 1, words);
                self.weigh(list, position, block.first, words);
            }
            for bit in 0..block.log2 {
                if let Some(words) = self.reduction.get(start + (1 << bit)) {
                    self.weigh(list, position, 1 << bit, words);
                }
            }
            start += 1 << block.log2;
        }
    }

    /// `factor` times a point.
    fn weigh(&mut self, list: usize, position: u32, factor: usize, words: G::Words) {
        let bits = (0..usize::BITS).filter(|bit| factor >> bit & 1 == 1);
        self.weighted.extend(bits.map(|bit| Weighted {
            list,
            position: position + bit,
            words,
        }));
    }

    /// The entries since `before` are those of `bucket`.
    fn close_run(&mut self, bucket: usize, before: usize) {
        let count = self.entries.len() - before;
        if count > 0 {
            self.runs.push(Run {
                bucket,
                start: 0,
                count,
            });
        }
    }

    /// Adds up all runs, side by side, and hands their sums to the reduction.
    fn sum_up(&mut self, backend: Backend, bases: &Bases<'_, G>) {
        self.pairs.clear();
        self.lifts.clear();
        let (mut entries, mut end) = (&self.entries[..], 0);
        for run in &mut self.runs {
            let (own, rest) = entries.split_at(run.count);
            entries = rest;
            run.start = end;
            let (pairs, single) = own.as_chunks::<2>();
            for (pair, out) in pairs.iter().zip(end as u32..) {
                let [left, right] = *pair;
                self.pairs.push(Pair { left, right, out });
            }
            end += pairs.len();
            if let [base] = *single {
                let out = end as u32;
                self.lifts.push(Lift { base, out });
                end += 1;
            }
            run.count = end - run.start;
        }
        self.points.grow(end);
        let points = &mut self.points[..end];
        let sums = FromBases::<G> {
            bases: bases.points,
            sums: points,
        };
        add_pairs(backend, sums, &self.pairs, &mut self.products);
        lift::<G>(backend, bases.points, &self.lifts, points);
        sum_runs::<G>(backend, &self.runs, points, &mut self.pairs, &mut self.products);
        for run in &self.runs {
            self.reduction.set(run.bucket, points[run.start]);
        }
        self.entries.clear();
        self.runs.clear();
    }
}

/// Rounds of additions within each run: the sum of a run ends up at its start. Points never move: in the round of stride s, those that are
/// left stand at multiples of s from the start.
fn sum_runs<G: Group>(
    backend: Backend,
    runs: &[Run],
    points: &mut [G::Words],
    pairs: &mut Vec<Pair>,
    products: &mut Vec<Line>,
) {
    let longest = runs.iter().map(|run| run.count).max().unwrap_or(0);
    let mut stride = 1;
    while stride < longest {
        pairs.clear();
        for run in runs {
            let mut left = run.start;
            let end = run.start + run.count;
            while left + stride < end {
                pairs.push(Pair {
                    left: left as u32,
                    right: (left + stride) as u32,
                    out: left as u32,
                });
                left += 2 * stride;
            }
        }
        add_pairs::<G, _>(backend, InPlace { points }, pairs, products);
        stride *= 2;
    }
}

/// Sums of points of equal positions, one for each position below `positions`: None where there is no point.
pub(crate) fn sum_by_position<G: Group>(
    backend: Backend,
    weighted: &mut [Weighted<G>],
    positions: usize,
) -> Vec<Option<G::Words>> {
    weighted.sort_unstable_by_key(|weighted| weighted.position);
    let mut points: Vec<G::Words> = weighted.iter().map(|weighted| weighted.words).collect();
    let mut runs: Vec<Run> = Vec::with_capacity(positions);
    for (start, weighted) in weighted.iter().enumerate() {
        let bucket = weighted.position as usize;
        match runs.last_mut() {
            Some(run) if run.bucket == bucket => run.count += 1,
            _ => runs.push(Run {
                bucket,
                start,
                count: 1,
            }),
        }
    }
    sum_runs::<G>(backend, &runs, &mut points, &mut Vec::new(), &mut Vec::new());
    let mut sums = vec![None; positions];
    for run in runs {
        sums[run.bucket] = Some(points[run.start]);
    }
    sums
}
