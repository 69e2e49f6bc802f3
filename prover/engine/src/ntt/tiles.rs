//! How a transform is cut for threads and caches.
//!
//! The blocks of a polynomial are a matrix: 2^`top` rows one after the other. The widest `top` levels pair blocks of one
//! column, all other levels stay within a row. A row fits a core's cache; so do a few neighbouring columns, once they are
//! copied side by side (where they lie, their distance is a power of two, and a cache holds few such lines).

use std::sync::{Mutex, PoisonError};

use crate::backend::{Line, Pages};

/// Elements of a block.
pub(crate) const BLOCK: usize = 8;
/// Neighbouring columns of blocks that one task takes: enough for runs of memory, few enough for the cache.
const WIDTH: usize = 4;
/// Below this size one thread does all.
const MIN_PARALLEL_LOG2: u32 = 12;
/// Bounds of values allow this many levels in the columns.
const MAX_TOP: u32 = 10;
/// Levels within a block.
const BLOCK_LEVELS: u32 = BLOCK.ilog2();
/// Levels whose 2^6 blocks fit the first cache.
const NEAR_LEVELS: u32 = 6;

/// The cut for one size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiling {
    log2: u32,
    /// Lines of a block.
    pub(super) lines: usize,
    /// Levels in columns.
    pub(super) top: u32,
    /// Levels in a row above the first cache.
    pub(super) far: u32,
    /// Levels from there to blocks: at least the three of a unit.
    pub(super) near: u32,
}

impl Tiling {
    /// For 2^`log2` elements, `log2` at least 6.
    pub(super) fn new(log2: u32, lines: usize) -> Self {
        let levels = log2 - BLOCK_LEVELS;
        let top = if log2 < MIN_PARALLEL_LOG2 {
            0
        } else {
            (levels / 2).max(log2 - log2.min(13)).min(MAX_TOP)
        };
        let near = (levels - top).min(NEAR_LEVELS);
        Self {
            log2,
            lines,
            top,
            far: levels - top - near,
            near,
        }
    }

    pub(super) fn elements(&self) -> usize {
        1 << self.log2
    }

    /// Lines of a polynomial.
    pub(super) fn polynomial(&self) -> usize {
        self.elements() / BLOCK * self.lines
    }

    pub(super) fn rows(&self) -> usize {
        1 << self.top
    }

    /// Lines of a row.
    pub(super) fn row(&self) -> usize {
        self.polynomial() >> self.top
    }

    /// Lines of one row that belong to one tile.
    pub(super) fn width(&self) -> usize {
        self.row().min(WIDTH * self.lines)
    }

    /// Lines of a tile.
    pub(super) fn tile(&self) -> usize {
        self.width() << self.top
    }

    /// Cuts something in `rows` equal rows into tiles of at most `width` columns: for each tile its part of every row.
    pub(super) fn tiles<T>(values: &mut [T], rows: usize, width: usize) -> Vec<Vec<&mut [T]>> {
        let columns = values.len() / rows;
        let mut tiles: Vec<Vec<&mut [T]>> = Vec::new();
        tiles.resize_with(columns.div_ceil(width), || Vec::with_capacity(rows));
        for row in values.chunks_exact_mut(columns) {
            for (tile, part) in tiles.iter_mut().zip(row.chunks_mut(width)) {
                tile.push(part);
            }
        }
        tiles
    }
}

/// Room for tiles, one for each thread, kept between transforms.
#[derive(Debug, Default)]
pub(crate) struct Scratch(Vec<Mutex<Pages<Line>>>);

impl Scratch {
    /// At least `lines` for each thread of the current pool.
    pub(super) fn reserve(&mut self, lines: usize) {
        let threads = rayon::current_num_threads().max(self.0.len());
        self.0.resize_with(threads, Mutex::default);
        for room in &mut self.0 {
            room.get_mut().unwrap_or_else(PoisonError::into_inner).grow(lines);
        }
    }

    /// Calls `work` with the current thread's room. `work` starts no thread, so that nobody waits for long.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut [Line]) -> T) -> T {
        let thread = rayon::current_thread_index().unwrap_or(0);
        match self.0.get(thread % self.0.len().max(1)) {
            Some(room) => work(&mut room.lock().unwrap_or_else(PoisonError::into_inner)),
            None => work(&mut []),
        }
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        let room = |room: &Mutex<Pages<Line>>| room.lock().unwrap_or_else(PoisonError::into_inner).bytes();
        self.0.iter().map(room).sum()
    }
}
