//! The passes over memory that a transform is made of, one kernel for each task.

use super::levels::{join_groups, split_groups};
use super::roots::Roots;
use super::tiles::{BLOCK, Tiling};
use super::unit::{shift_unit, split_unit};
use crate::backend::{Arithmetic, Kernel, Lanes, Line, Machine};

/// The widest levels of a split, for one tile. Takes 16, gives 2.
pub(super) struct SplitColumns<'a> {
    pub(super) tiling: Tiling,
    pub(super) roots: &'a Roots,
    /// The tile's part of each row.
    pub(super) tile: Vec<&'a mut [Line]>,
    pub(super) scratch: &'a mut [Line],
}

impl Kernel for SplitColumns<'_> {
    type Output = ();

    #[inline(always)]
    fn run<M: Machine>(mut self) {
        let scratch = &mut self.scratch[..self.tiling.tile()];
        gather(scratch, &self.tile);
        split_groups::<M::Fr>(scratch, self.roots.groups(), 0, self.tiling.top);
        // [20 + 4 · 10 = 60]
        let width = self.tiling.width();
        for (part, row) in self.tile.iter_mut().zip(scratch.chunks_exact(width)) {
            let blocks = part
                .chunks_exact_mut(M::Fr::LINES)
                .zip(row.chunks_exact(M::Fr::LINES));
            for (out, block) in blocks {
                for part in 0..M::Fr::PARTS {
                    M::Fr::write_part(M::Fr::read_part(block, part).reduce(), out, part);
                }
            }
        }
    }
}

/// The levels of a split within a row, whose units stay transposed: element 64q + 8l + j lies in lane l of block 8q + j.
/// Takes 2, or 16 where there is one row; gives up to 82.
pub(super) struct SplitRow<'a> {
    pub(super) tiling: Tiling,
    pub(super) roots: &'a Roots,
    pub(super) index: usize,
    pub(super) row: &'a mut [Line],
}

impl Kernel for SplitRow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<M: Machine>(self) {
        let Tiling { far, near, .. } = self.tiling;
        let groups = self.roots.groups();
        split_groups::<M::Fr>(self.row, groups, self.index, far);
        let size = self.row.len() >> far;
        for (offset, part) in self.row.chunks_exact_mut(size).enumerate() {
            let group = (self.index << far) + offset;
            split_groups::<M::Fr>(part, groups, group, near);
            let first = (group << near) / BLOCK;
            for (offset, unit) in part.chunks_exact_mut(BLOCK * M::Fr::LINES).enumerate() {
                split_unit::<M::Fr>(unit, self.roots.unit(first + offset));
            }
        }
    }
}

/// In one row: the end of a split to coefficients, their multiplication with the powers of the coset's generator, and the
/// beginning of a join to values. Takes 2, or 16 where there is one row; gives 6.
pub(super) struct ShiftRow<'a> {
    pub(super) tiling: Tiling,
    pub(super) roots: &'a Roots,
    pub(super) index: usize,
    pub(super) row: &'a mut [Line],
}

impl Kernel for ShiftRow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<M: Machine>(self) {
        let Tiling { far, near, .. } = self.tiling;
        let groups = self.roots.groups();
        split_groups::<M::Fr>(self.row, groups, self.index, far);
        let size = self.row.len() >> far;
        for (offset, part) in self.row.chunks_exact_mut(size).enumerate() {
            let group = (self.index << far) + offset;
            // [14 + 4 · 14 = 70], or [20 + 4 · 8 = 52] where there is one row
            split_groups::<M::Fr>(part, groups, group, near);
            let first = (group << near) / BLOCK;
            for (offset, unit) in part.chunks_exact_mut(BLOCK * M::Fr::LINES).enumerate() {
                let (roots, coset) = (self.roots.unit(first + offset), self.roots.coset(first + offset));
                shift_unit::<M::Fr>(unit, roots, groups, coset);
            }
            join_groups::<M::Fr>(part, groups, group, near);
        }
        join_groups::<M::Fr>(self.row, groups, self.index, far);
    }
}

/// The widest levels of a join for one tile of three polynomials, and a·b − c of their values as integers. Takes 6.
pub(super) struct Quotient<'a> {
    pub(super) tiling: Tiling,
    pub(super) roots: &'a Roots,
    /// The tile's part of each row of a, b and c. That of a gets the integers, in the first four lines of each block.
    pub(super) tiles: [Vec<&'a mut [Line]>; 3],
    pub(super) scratch: &'a mut [Line],
}

impl Kernel for Quotient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<M: Machine>(mut self) {
        let lines = self.tiling.tile();
        let (a, rest) = self.scratch.split_at_mut(lines);
        let (b, rest) = rest.split_at_mut(lines);
        let c = &mut rest[..lines];
        let mut rooms = [a, b, c];
        for (room, tile) in rooms.iter_mut().zip(&self.tiles) {
            gather(room, tile);
            join_groups::<M::Fr>(room, self.roots.groups(), 0, self.tiling.top);
        }
        let [a, b, c] = rooms;
        let width = self.tiling.width();
        let [out, ..] = &mut self.tiles;
        let rows = a
            .chunks_exact(width)
            .zip(b.chunks_exact(width))
            .zip(c.chunks_exact(width));
        for (out, ((a, b), c)) in out.iter_mut().zip(rows) {
            let blocks = a
                .chunks_exact(M::Fr::LINES)
                .zip(b.chunks_exact(M::Fr::LINES))
                .zip(c.chunks_exact(M::Fr::LINES));
            for (out, ((a, b), c)) in out.chunks_exact_mut(M::Fr::LINES).zip(blocks) {
                let mut value = M::Fr::zero();
                for part in 0..M::Fr::PARTS {
                    let product = M::Fr::read_part(a, part).mul(M::Fr::read_part(b, part)); // [3]
                    value.set_part(part, product.sub::<6>(M::Fr::read_part(c, part))); // [9]
                }
                write_integers(out, value.to_integers());
            }
        }
    }
}

/// Eight integers, two in each of the first four lines.
#[inline(always)]
pub(super) fn write_integers(out: &mut [Line], integers: [[u64; 4]; 8]) {
    for (line, pair) in out.iter_mut().zip(integers.chunks_exact(2)) {
        line.0[..4].copy_from_slice(&pair[0]);
        line.0[4..].copy_from_slice(&pair[1]);
    }
}

#[inline(always)]
fn gather(room: &mut [Line], tile: &[&mut [Line]]) {
    let Some(first) = tile.first() else { return };
    for (room, part) in room.chunks_exact_mut(first.len()).zip(tile) {
        room.copy_from_slice(part);
    }
}
