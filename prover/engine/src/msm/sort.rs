//! Scalars by window and bucket: a counting sort, done once for all lists that share the scalars.
//!
//! An entry is the number of a scalar, with [`NEGATIVE`] where its digit is. Entries of one bucket keep the order of the scalars; digits that
//! are zero have no entry.

use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;

use super::add::NEGATIVE;
use super::digits::{BLOCK, Digits};
use super::windows::Windows;
use crate::backend::Pages;

/// Blocks of digits that are worth a task of their own.
const MIN_BLOCKS: usize = 16;

/// Entries of all windows, sorted. The memory is kept for the next set of scalars.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    /// Written by several tasks, each its own places; relaxed stores cost what plain ones do. The last one takes the entries
    /// of zeros.
    entries: Pages<AtomicU32>,
    /// Where each bucket of each window starts, and the end of the last one.
    starts: Pages<u32>,
    /// Scratch: for each window, part of the scalars and magnitude (zero included) first the number of entries, then the place
    /// of the next one.
    cursors: Pages<u32>,
    buckets: usize,
}

impl Sorted {
    /// Sorts. `cancelled` is asked between tasks; nothing here may be used once it said yes.
    pub(crate) fn sort(&mut self, digits: &Digits, windows: Windows, cancelled: &(dyn Fn() -> bool + Sync)) {
        let (count, buckets) = (windows.count(), windows.buckets());
        self.buckets = buckets;
        let parts = parts(digits.blocks(), windows, rayon::current_num_threads());
        let part = digits.blocks().div_ceil(parts).max(1);
        let magnitudes = buckets + 1;
        self.cursors.grow(count * parts * magnitudes);
        let cursors = &mut self.cursors[..count * parts * magnitudes];
        let blocks = |index: usize| {
            let first = index % parts * part;
            first..(first + part).min(digits.blocks())
        };

        cursors
            .par_chunks_mut(magnitudes)
            .enumerate()
            .for_each(|(index, counts)| {
                counts.fill(0);
                if cancelled() {
                    return;
                }
                for block in blocks(index) {
                    for digit in digits.of(block, index / parts) {
                        let count = &mut counts[usize::from(digit.unsigned_abs())];
                        *count = count.wrapping_add(1);
                    }
                }
            });

        let mut ends: Vec<u32> = cursors
            .par_chunks(parts * magnitudes)
            .map(|counts| {
                let of_part = |counts: &[u32]| counts[1..].iter().sum::<u32>();
                counts.chunks(magnitudes).map(of_part).sum()
            })
            .collect();
        let mut total = 0;
        for end in &mut ends {
            total += *end;
            *end = total;
        }
        self.starts.grow(count * buckets + 1);
        let starts = &mut self.starts[..=count * buckets];
        starts[count * buckets] = total;
        starts[..count * buckets]
            .par_chunks_mut(buckets)
            .zip(cursors.par_chunks_mut(parts * magnitudes))
            .enumerate()
            .for_each(|(window, (starts, cursors))| {
                let mut place = if window == 0 { 0 } else { ends[window - 1] };
                for (bucket, start) in starts.iter_mut().enumerate() {
                    *start = place;
                    for part in 0..parts {
                        let cursor = &mut cursors[part * magnitudes + bucket + 1];
                        place += std::mem::replace(cursor, place);
                    }
                }
                for part in 0..parts {
                    cursors[part * magnitudes] = total;
                }
            });

        self.entries.grow(total as usize + 1);
        let entries = &self.entries[..];
        cursors
            .par_chunks_mut(magnitudes)
            .enumerate()
            .for_each(|(index, cursors)| {
                if cancelled() {
                    return;
                }
                for block in blocks(index) {
                    let numbers = (block * BLOCK) as u32..;
                    for (digit, number) in digits.of(block, index / parts).iter().zip(numbers) {
                        let magnitude = usize::from(digit.unsigned_abs());
                        let cursor = &mut cursors[magnitude];
                        let sign = u32::from(*digit < 0) * NEGATIVE;
                        entries[*cursor as usize].store(number | sign, Ordering::Relaxed);
                        // Zeros all go to the last place. A branch here would often go wrong.
                        *cursor = cursor.wrapping_add(u32::from(magnitude != 0));
                    }
                }
            });
    }

    /// Bytes that so many scalars need, with so many digits other than zero in all.
    pub(crate) fn bytes_for(scalars: usize, digits: usize, windows: Windows, threads: usize) -> usize {
        let (count, buckets) = (windows.count(), windows.buckets());
        let cursors = count * parts(scalars.div_ceil(BLOCK), windows, threads) * (buckets + 1);
        size_of::<u32>() * (digits + 1 + count * buckets + 1 + cursors)
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.bytes() + self.starts.bytes() + self.cursors.bytes()
    }

    /// Entries of buckets `first..last` of a window: where they start and end.
    pub(crate) fn range(&self, window: usize, first: usize, last: usize) -> std::ops::Range<usize> {
        let base = window * self.buckets;
        self.starts[base + first] as usize..self.starts[base + last] as usize
    }

    /// Entries by their places.
    pub(crate) fn entries(&self, places: std::ops::Range<usize>) -> impl Iterator<Item = u32> {
        self.entries[places]
            .iter()
            .map(|entry| entry.load(Ordering::Relaxed))
    }
}

/// Parts of the scalars that are sorted side by side in each window, where the windows alone are too few for the threads.
fn parts(blocks: usize, windows: Windows, threads: usize) -> usize {
    (2 * threads)
        .div_ceil(windows.count())
        .min(blocks / MIN_BLOCKS)
        .max(1)
}
