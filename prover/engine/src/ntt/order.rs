//! Between arkworks' elements in natural order and blocks.
//!
//! A split leaves value k at position rev(k), k's bits in reversed order. Storing exchanges the six high bits of a
//! position with the six low ones, reversed, so that it reads runs of whole units and writes runs of 64 elements.

use ark_bn254::Fr;
use ark_ff::AdditiveGroup;

use super::levels::split_groups;
use super::roots::{Roots, UNIT};
use super::tiles::{BLOCK, Tiling};
use crate::backend::{Arithmetic, Kernel, Lanes, Line, Machine};

/// Rows into which stored values are cut: the elements of a unit.
pub(super) const ROWS: usize = UNIT;

/// Neighbouring values of a row that one task stores.
pub(super) fn span(tiling: Tiling) -> usize {
    (tiling.elements() / ROWS).min(UNIT)
}

/// Reads one tile from natural order and does the widest levels of a split. Gives 2.
pub(super) struct Load<'a> {
    pub(super) tiling: Tiling,
    pub(super) roots: &'a Roots,
    pub(super) values: &'a [Fr],
    /// The tile's first value.
    pub(super) first: usize,
    pub(super) tile: Vec<&'a mut [Line]>,
    pub(super) scratch: &'a mut [Line],
}

impl Kernel for Load<'_> {
    type Output = ();

    #[inline(always)]
    fn run<M: Machine>(mut self) {
        let width = self.tiling.width();
        let scratch = &mut self.scratch[..self.tiling.tile()];
        let row = self.values.len() >> self.tiling.top;
        let columns = width / M::Fr::LINES * BLOCK;
        for (values, room) in self.values.chunks_exact(row).zip(scratch.chunks_exact_mut(width)) {
            let values = values[self.first..][..columns].chunks_exact(BLOCK);
            for (values, block) in values.zip(room.chunks_exact_mut(M::Fr::LINES)) {
                let mut elements = [Fr::ZERO; BLOCK];
                elements.copy_from_slice(values);
                M::Fr::from_elements(&elements).write(block);
            }
        }
        split_groups::<M::Fr>(scratch, self.roots.groups(), 0, self.tiling.top);
        // [20 + 4 · 10 = 60]
        for (part, room) in self.tile.iter_mut().zip(scratch.chunks_exact(width)) {
            let blocks = part
                .chunks_exact_mut(M::Fr::LINES)
                .zip(room.chunks_exact(M::Fr::LINES));
            for (out, block) in blocks {
                for part in 0..M::Fr::PARTS {
                    M::Fr::write_part(M::Fr::read_part(block, part).reduce(), out, part);
                }
            }
        }
    }
}

/// Writes one tile of what [`SplitRow`](super::passes::SplitRow) has left: of 64 rows of values, `span` neighbouring ones.
pub(super) struct Store<'a> {
    pub(super) tiling: Tiling,
    /// A factor for each value.
    pub(super) scale: Option<Fr>,
    pub(super) source: &'a [Line],
    pub(super) index: usize,
    /// The tile's part of each row.
    pub(super) tile: Vec<&'a mut [Fr]>,
}

impl Kernel for Store<'_> {
    type Output = ();

    #[inline(always)]
    fn run<M: Machine>(mut self) {
        let units = self.tiling.elements() / UNIT;
        let span = span(self.tiling);
        let scale = self.scale.map(|scale| M::Fr::splat(&scale));
        // Column i lies in the unit whose index is i reversed; lane l and block j give the row, 8l + j reversed.
        let first = self.index * span;
        for group in (0..span).step_by(BLOCK) {
            // Short spans repeat units; their values are dropped below.
            let unit = |offset: usize| reverse(first + group + offset % span, units) * BLOCK;
            let at: [usize; BLOCK] = [
                unit(0),
                unit(1),
                unit(2),
                unit(3),
                unit(4),
                unit(5),
                unit(6),
                unit(7),
            ];
            for block in 0..BLOCK {
                let lanes = M::Fr::transpose([
                    read(self.source, at[0] + block),
                    read(self.source, at[1] + block),
                    read(self.source, at[2] + block),
                    read(self.source, at[3] + block),
                    read(self.source, at[4] + block),
                    read(self.source, at[5] + block),
                    read(self.source, at[6] + block),
                    read(self.source, at[7] + block),
                ]);
                for (lane, values) in lanes.into_iter().enumerate() {
                    let values = match scale {
                        Some(scale) => values.mul(scale),
                        None => values,
                    };
                    let row = reverse(8 * lane + block, UNIT);
                    let out = &mut self.tile[row][group..];
                    for (out, value) in out.iter_mut().zip(values.to_elements()) {
                        *out = value;
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn read<L: Lanes>(source: &[Line], block: usize) -> L {
    L::read(&source[block * L::LINES..][..L::LINES])
}

/// The bits of `index` below `size`, a power of two, in reversed order.
#[inline(always)]
pub(super) fn reverse(index: usize, size: usize) -> usize {
    match size.ilog2() {
        0 => 0,
        bits => index.reverse_bits() >> (usize::BITS - bits),
    }
}
