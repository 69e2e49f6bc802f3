//! Number-theoretic transforms over BN254's scalar field, in lanes and without bit reversals.
#![doc = include_str!("../docs/ntt.md")]

mod domain;
mod levels;
mod order;
mod passes;
mod roots;
#[cfg(test)]
mod tests;
mod tiles;
mod unit;

use ark_bn254::Fr;
use ark_ff::Field;
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use rayon::prelude::*;

pub(crate) use self::domain::{CosetMap, Domain, Footprint};
use self::order::{Load, Store};
use self::passes::SplitRow;
use self::roots::{Direction, Roots, UNIT};
use self::tiles::Tiling;
pub(crate) use self::tiles::{BLOCK, Scratch};
use crate::backend::{Backend, Line, Pages};

/// The largest transform: 2^27 elements.
pub const MAX_LOG2: u32 = 27;

/// Why a transform cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NttError {
    /// Lengths are powers of two up to 2^27.
    #[error("{got} values cannot be transformed: the number must be a power of two up to 2^27")]
    Length {
        /// The number of values.
        got: usize,
    },
}

/// Replaces coefficients by the polynomial's values at 1, ω, ω², …, in this order, with ω the root of unity that arkworks takes
/// for this length. Runs on the threads of the current pool. [`Transform`] keeps the tables for many transforms.
///
/// # Errors
/// [`NttError::Length`].
pub fn forward(backend: Backend, values: &mut [Fr]) -> Result<(), NttError> {
    Transform::forward(backend, values.len())?.apply(values)
}

/// The inverse of [`forward`]: from values to coefficients.
///
/// # Errors
/// [`NttError::Length`].
pub fn inverse(backend: Backend, values: &mut [Fr]) -> Result<(), NttError> {
    Transform::inverse(backend, values.len())?.apply(values)
}

/// A transform of one length and direction: its tables and its room. About 75 bytes for each element (60 on the
/// portable backend).
#[derive(Debug)]
pub struct Transform {
    backend: Backend,
    direction: Direction,
    length: usize,
    /// Absent for less than 64 elements.
    wide: Option<Wide>,
    values: Pages<Line>,
    scratch: Scratch,
}

/// Tables for transforms in lanes.
#[derive(Debug)]
struct Wide {
    tiling: Tiling,
    roots: Roots,
}

impl Transform {
    /// As [`forward`] for `length` values.
    ///
    /// # Errors
    /// [`NttError::Length`].
    pub fn forward(backend: Backend, length: usize) -> Result<Self, NttError> {
        Self::new(backend, length, Direction::Forward)
    }

    /// As [`inverse`] for `length` values.
    ///
    /// # Errors
    /// [`NttError::Length`].
    pub fn inverse(backend: Backend, length: usize) -> Result<Self, NttError> {
        Self::new(backend, length, Direction::Inverse)
    }

    fn new(backend: Backend, length: usize, direction: Direction) -> Result<Self, NttError> {
        let log2 = check_length(length)?;
        let wide = Wide::new(backend, log2, direction, false, &|| false)?;
        let lines = wide.as_ref().map_or(0, |wide| wide.tiling.polynomial());
        Ok(Self {
            backend,
            direction,
            length,
            wide,
            values: Pages::zeros(lines),
            scratch: Scratch::default(),
        })
    }

    /// Transforms `values` in place, on the threads of the current pool.
    ///
    /// # Errors
    /// [`NttError::Length`] unless there are as many as this transform is for.
    pub fn apply(&mut self, values: &mut [Fr]) -> Result<(), NttError> {
        if values.len() != self.length {
            return Err(NttError::Length { got: values.len() });
        }
        let Some(Wide { tiling, roots }) = &self.wide else {
            let domain = Radix2EvaluationDomain::<Fr>::new(self.length);
            let domain = domain.ok_or(NttError::Length { got: self.length })?;
            values.copy_from_slice(&match self.direction {
                Direction::Forward => domain.fft(values),
                Direction::Inverse => domain.ifft(values),
            });
            return Ok(());
        };
        let (backend, tiling) = (self.backend, *tiling);
        self.scratch.reserve(tiling.tile());
        let scratch = &self.scratch;

        let tiles = Tiling::tiles(&mut self.values, tiling.rows(), tiling.width());
        let columns = tiling.width() / tiling.lines * BLOCK;
        tiles.into_par_iter().enumerate().for_each(|(index, tile)| {
            scratch.with(|scratch| {
                backend.run(Load {
                    tiling,
                    roots,
                    values,
                    first: index * columns,
                    tile,
                    scratch,
                });
            });
        });
        let rows = self.values.par_chunks_exact_mut(tiling.row()).enumerate();
        rows.for_each(|(index, row)| {
            backend.run(SplitRow {
                tiling,
                roots,
                index,
                row,
            });
        });
        let scale = match self.direction {
            Direction::Forward => None,
            Direction::Inverse => Fr::from(tiling.elements() as u64).inverse(),
        };
        let (source, span) = (&self.values, order::span(tiling));
        let tiles = Tiling::tiles(values, order::ROWS, span);
        tiles.into_par_iter().enumerate().for_each(|(index, tile)| {
            backend.run(Store {
                tiling,
                scale,
                source,
                index,
                tile,
            });
        });
        Ok(())
    }
}

impl Wide {
    /// Nothing below 2^6. Worthless once `stop` said yes.
    fn new(
        backend: Backend,
        log2: u32,
        direction: Direction,
        coset: bool,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<Self>, NttError> {
        if log2 < UNIT.ilog2() {
            return Ok(None);
        }
        let got = 1 << log2;
        let roots = Roots::new(backend, log2, direction, coset, stop).ok_or(NttError::Length { got })?;
        let tiling = Tiling::new(log2, roots.lines_of_block());
        Ok(Some(Self { tiling, roots }))
    }
}

fn check_length(length: usize) -> Result<u32, NttError> {
    if length.is_power_of_two() && length.ilog2() <= MAX_LOG2 {
        return Ok(length.ilog2());
    }
    Err(NttError::Length { got: length })
}
