//! The work on one set of scalars, cut into tasks of about equal size: the same for every list.
//!
//! A *block* is 2^k neighbouring buckets of one window, the first one a multiple of 2^k. A block is reduced as a whole, so that nothing of a
//! size that grows with the number of buckets leaves its task. A bucket with more than [`CHUNK`] entries is in no block: its entries
//! are cut into *pieces*, each a task.

use std::ops::Range;

use super::sort::Sorted;
use super::windows::Windows;

/// Entries that are summed up at once: their sums, in their first round, stay in a core's second-level cache.
pub(crate) const CHUNK: usize = 8192;
/// At most so many entries in a task: two milliseconds in G1.
const MAX_TASK: usize = 1 << 16;
/// At least so many: fewer do not pay for their inversions.
const MIN_TASK: usize = 1 << 12;
/// At most 2^12 buckets in a block, and so in a task: they, too, are held in cache.
pub(crate) const MAX_LOG2: u32 = 12;
/// Tasks for each thread and list.
const TASKS: usize = 6;

/// Neighbouring buckets `first..first + 2^log2` of a window. Buckets are numbered from 0; bucket b is that of magnitude b + 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) window: usize,
    pub(crate) first: usize,
    pub(crate) log2: u32,
}

/// What one thread does at a time for one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Blocks `range` of [`Tasks::blocks`].
    Blocks(Range<usize>),
    /// Entries at these places, all of one bucket.
    Piece {
        window: usize,
        bucket: usize,
        places: Range<usize>,
    },
}

/// Work with its number of entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) work: Work,
    pub(crate) entries: usize,
}

/// All blocks and pieces.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    pub(crate) blocks: Vec<Block>,
    pub(crate) tasks: Vec<Task>,
}

/// At most so many entries in a task, of so many in all.
fn limit(entries: usize, threads: usize) -> usize {
    (entries / (threads * TASKS)).clamp(MIN_TASK, MAX_TASK)
}

impl Tasks {
    /// About as many points with weights come out of all tasks of a list with so many entries.
    pub(crate) fn weights_for(entries: usize, windows: Windows, threads: usize) -> usize {
        let top = windows.width() - 1;
        let of_bucket = (entries / windows.count()) >> top;
        let buckets = limit(entries, threads) / of_bucket.max(1);
        let log2 = buckets.max(1).ilog2().min(top).min(MAX_LOG2);
        let blocks = windows.count() << (top - log2);
        // One for each bit within a block, one for the block, and one for every second bit of its number.
        blocks * (log2 + 1 + (top - log2).div_ceil(2)) as usize
    }

    /// Cuts what was sorted, for so many threads. Results do not depend on that.
    pub(crate) fn cut(&mut self, sorted: &Sorted, windows: Windows, threads: usize) {
        self.blocks.clear();
        self.tasks.clear();
        let total = sorted.range(0, 0, windows.buckets() * windows.count()).len();
        let limit = limit(total, threads);
        let top = windows.width() - 1;
        for window in 0..windows.count() {
            // Halves on a stack, the lower one on top.
            let mut open = vec![(0, top)];
            while let Some((first, log2)) = open.pop() {
                let places = sorted.range(window, first, first + (1 << log2));
                if places.is_empty() {
                } else if log2 > 0 && (places.len() > limit || log2 > MAX_LOG2) {
                    let half = log2 - 1;
                    open.push((first + (1 << half), half));
                    open.push((first, half));
                } else {
                    self.blocks.push(Block { window, first, log2 });
                    for bucket in first..first + (1 << log2) {
                        self.pieces(window, bucket, sorted.range(window, bucket, bucket + 1));
                    }
                }
            }
        }
        self.gather(sorted, limit);
    }

    /// Pieces of a bucket, if it is large.
    fn pieces(&mut self, window: usize, bucket: usize, places: Range<usize>) {
        if places.len() <= CHUNK {
            return;
        }
        let size = places.len().div_ceil(places.len().div_ceil(CHUNK));
        for start in places.clone().step_by(size) {
            let places = start..(start + size).min(places.end);
            self.tasks.push(Task {
                entries: places.len(),
                work: Work::Piece {
                    window,
                    bucket,
                    places,
                },
            });
        }
    }

    /// Puts neighbouring blocks together until a task is full.
    fn gather(&mut self, sorted: &Sorted, limit: usize) {
        let (mut start, mut entries, mut buckets) = (0, 0, 0);
        for index in 0..=self.blocks.len() {
            let (more_entries, more_buckets) = self.blocks.get(index).map_or((0, 0), |block| {
                let last = block.first + (1 << block.log2);
                (
                    sorted.range(block.window, block.first, last).len(),
                    1usize << block.log2,
                )
            });
            let full = entries + more_entries > limit || buckets + more_buckets > 1 << MAX_LOG2;
            if index > start && (full || index == self.blocks.len()) {
                self.tasks.push(Task {
                    work: Work::Blocks(start..index),
                    entries,
                });
                (start, entries, buckets) = (index, 0, 0);
            }
            entries += more_entries;
            buckets += more_buckets;
        }
    }
}
