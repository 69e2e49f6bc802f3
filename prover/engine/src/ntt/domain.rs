//! From values on the domain to the quotient's values on the odd coset, for a, b and c at once.

use rayon::prelude::*;

use super::passes::{Quotient, ShiftRow, SplitColumns};
use super::roots::{LinesOfBlock, Roots, UNIT};
use super::tiles::{Scratch, Tiling};
use super::{Direction, NttError, Wide, check_length};
use crate::backend::{Backend, Line};

/// What transforms of one size need: made once, shared by all that use it.
#[derive(Debug)]
pub(crate) struct Domain {
    backend: Backend,
    size: usize,
    wide: Option<Wide>,
}

/// Bytes of memory that the transforms of one size need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footprint {
    /// Tables.
    pub(crate) tables: usize,
    /// One polynomial.
    pub(crate) polynomial: usize,
    /// Room for tiles, for each thread.
    pub(crate) room: usize,
}

impl Footprint {
    /// For a domain of 2^`log2` elements. Less than 64 need next to nothing.
    pub(crate) fn new(backend: Backend, log2: u32) -> Self {
        if log2 < UNIT.ilog2() {
            return Self {
                tables: 0,
                polynomial: size_of::<Line>() * UNIT,
                room: 0,
            };
        }
        let lines = backend.run(LinesOfBlock);
        let tiling = Tiling::new(log2, lines);
        Self {
            tables: Roots::bytes_for(log2, lines),
            polynomial: size_of::<Line>() * tiling.polynomial(),
            room: size_of::<Line>() * TILES * tiling.tile(),
        }
    }
}

/// Tiles that a task works on at a time: one of each polynomial.
const TILES: usize = 3;

/// The transforms of one [`Domain`] that has at least 64 elements.
#[derive(Clone, Copy)]
pub(crate) struct CosetMap<'a> {
    backend: Backend,
    wide: &'a Wide,
}

impl Domain {
    /// For `size` elements; computes tables on the current threads. `stop` is asked every few milliseconds on each of them, and
    /// the domain is good for nothing once it said yes.
    ///
    /// # Errors
    /// [`NttError::Length`] unless `size` is a power of two up to 2^27.
    pub(crate) fn new(
        backend: Backend,
        size: usize,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, NttError> {
        let wide = Wide::new(backend, check_length(size)?, Direction::Inverse, true, stop)?;
        Ok(Self { backend, size, wide })
    }

    pub(crate) fn backend(&self) -> Backend {
        self.backend
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Bytes of the tables: 40 for each element (portable: 32), none below 64 elements.
    pub(crate) fn bytes(&self) -> usize {
        self.wide.as_ref().map_or(0, |wide| wide.roots.bytes())
    }

    /// The transforms; nothing below 64 elements.
    pub(crate) fn coset_map(&self) -> Option<CosetMap<'_>> {
        let wide = self.wide.as_ref()?;
        let backend = self.backend;
        Some(CosetMap { backend, wide })
    }
}

impl CosetMap<'_> {
    /// Lines of a block of eight elements.
    pub(crate) fn block(&self) -> usize {
        self.wide.tiling.lines
    }

    /// Lines of a polynomial.
    pub(crate) fn polynomial(&self) -> usize {
        self.wide.tiling.polynomial()
    }

    /// Makes room for [`run`](Self::run).
    pub(crate) fn reserve(&self, scratch: &mut Scratch) {
        scratch.reserve(TILES * self.wide.tiling.tile());
    }

    /// Takes the values of polynomials a, b and c of degree below n at ω⁰, ω², ω⁴, …, bound 16, and puts a·b − c at ω^(2i + 1) into
    /// the place of element n − 1 − i of a, as an integer below the modulus: the four first lines of each block hold two
    /// integers each, least significant word first.
    ///
    /// `stop` is asked before each task, and `passed` is told after each pass what part of the work is done. Gives false, and
    /// leaves anything in a, b and c, where `stop` said true.
    pub(crate) fn run(
        &self,
        [a, b, c]: [&mut [Line]; 3],
        scratch: &Scratch,
        stop: &(dyn Fn() -> bool + Sync),
        passed: &dyn Fn(f64),
    ) -> bool {
        let Self { backend, wide } = *self;
        let Wide { tiling, roots } = wide;
        let (tiling, row) = (*tiling, tiling.row());
        fn tiles(tiling: Tiling, polynomial: &mut [Line]) -> Vec<Vec<&mut [Line]>> {
            Tiling::tiles(polynomial, tiling.rows(), tiling.width())
        }
        if tiling.top > 0 {
            let all = tiles(tiling, &mut *a)
                .into_par_iter()
                .chain(tiles(tiling, &mut *b))
                .chain(tiles(tiling, &mut *c));
            all.for_each(|tile| {
                if !stop() {
                    scratch.with(|scratch| {
                        backend.run(SplitColumns {
                            tiling,
                            roots,
                            tile,
                            scratch,
                        });
                    });
                }
            });
        }
        passed(0.25);
        let rows = a
            .par_chunks_exact_mut(row)
            .zip(b.par_chunks_exact_mut(row))
            .zip(c.par_chunks_exact_mut(row));
        rows.enumerate().for_each(|(index, ((a, b), c))| {
            // The three rows use the same roots.
            for row in [a, b, c] {
                if !stop() {
                    backend.run(ShiftRow {
                        tiling,
                        roots,
                        index,
                        row,
                    });
                }
            }
        });
        passed(0.75);
        let all = tiles(tiling, a)
            .into_par_iter()
            .zip(tiles(tiling, b))
            .zip(tiles(tiling, c));
        all.for_each(|((a, b), c)| {
            if !stop() {
                scratch.with(|scratch| {
                    backend.run(Quotient {
                        tiling,
                        roots,
                        tiles: [a, b, c],
                        scratch,
                    });
                });
            }
        });
        passed(1.0);
        !stop()
    }
}
