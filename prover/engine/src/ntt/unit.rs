//! The last three levels of a split, the first three of a join: within a unit of eight blocks, where butterflies pair
//! lanes. A transposition makes them pair blocks.
//!
//! After it, lane l of vector j holds element 8l + j of the unit, so that every lane is a group of its own with
//! its own roots, and the three levels are eight small transforms of eight elements side by side.

use super::levels::{join_pair, split_pair};
use super::roots::{GroupRoots, UnitRoots};
use crate::backend::{Lanes, Line};

/// The seven roots of the three levels, from the widest to the narrowest.
struct Seven<L>([L; 7]);

impl<L: Lanes> Seven<L> {
    #[inline(always)]
    fn read(roots: UnitRoots<'_>) -> Self {
        let inner = |block: usize| &roots.inner[block * L::LINES..][..L::LINES];
        Self([
            L::read(roots.group),
            L::read(inner(0)),
            L::read(inner(1)),
            L::read(inner(2)),
            L::read(inner(3)),
            L::read(inner(4)),
            L::read(inner(5)),
        ])
    }

    /// Natural to bit-reversed. Takes up to 72, gives 12 more.
    #[inline(always)]
    fn split(&self, x: [L; 8]) -> [L; 8] {
        let Self([w0, w1, w2, w3, w4, w5, w6]) = *self;
        let [x0, x1, x2, x3, x4, x5, x6, x7] = x;
        let (x0, x4) = split_pair(x0, x4, w0);
        let (x1, x5) = split_pair(x1, x5, w0);
        let (x2, x6) = split_pair(x2, x6, w0);
        let (x3, x7) = split_pair(x3, x7, w0);
        let (x0, x2) = split_pair(x0, x2, w1);
        let (x1, x3) = split_pair(x1, x3, w1);
        let (x4, x6) = split_pair(x4, x6, w2);
        let (x5, x7) = split_pair(x5, x7, w2);
        let (x0, x1) = split_pair(x0, x1, w3);
        let (x2, x3) = split_pair(x2, x3, w4);
        let (x4, x5) = split_pair(x4, x5, w5);
        let (x6, x7) = split_pair(x6, x7, w6);
        [x0, x1, x2, x3, x4, x5, x6, x7]
    }

    /// Bit-reversed to natural. Takes 4, gives 6. Bounds in brackets, at each level for the vectors in order.
    #[inline(always)]
    fn join(&self, x: [L; 8]) -> [L; 8] {
        let Self([w0, w1, w2, w3, w4, w5, w6]) = *self;
        let [x0, x1, x2, x3, x4, x5, x6, x7] = x;
        let (x0, x1) = join_pair::<4, L>(x0, x1, w3);
        let (x2, x3) = join_pair::<4, L>(x2, x3, w4);
        let (x4, x5) = join_pair::<4, L>(x4, x5, w5);
        let (x6, x7) = join_pair::<4, L>(x6, x7, w6); // [8, 3, 8, 3, 8, 3, 8, 3]
        let (x0, x2) = join_pair::<8, L>(x0, x2, w1);
        let (x1, x3) = join_pair::<3, L>(x1, x3, w1);
        let (x4, x6) = join_pair::<8, L>(x4, x6, w2);
        let (x5, x7) = join_pair::<3, L>(x5, x7, w2); // [16, 6, 3, 3, 16, 6, 3, 3]
        let (x0, x4) = join_pair::<16, L>(x0, x4, w0);
        let (x1, x5) = join_pair::<6, L>(x1, x5, w0);
        let (x2, x6) = join_pair::<3, L>(x2, x6, w0);
        let (x3, x7) = join_pair::<3, L>(x3, x7, w0); // [32, 12, 6, 6, 3, 3, 3, 3]
        [x0.reduce(), x1.reduce(), x2, x3, x4, x5, x6, x7]
    }
}

/// The last three levels of a split. The unit stays transposed: lane l of block j gets element 8l + j. Takes up to 72,
/// gives 12 more.
#[inline(always)]
pub(super) fn split_unit<L: Lanes>(unit: &mut [Line], roots: UnitRoots<'_>) {
    let x = Seven::<L>::read(roots).split(L::transpose(read(unit)));
    write(unit, x);
}

/// From the values of a unit's polynomial to its coefficients, times the powers of the coset's generator and
/// 1/n, and back to values: the last three levels of a split, a multiplication, the first three levels of a join.
/// Takes up to 72, gives 6.
#[inline(always)]
pub(super) fn shift_unit<L: Lanes>(
    unit: &mut [Line],
    roots: UnitRoots<'_>,
    first: GroupRoots<'_>,
    coset: &[Line],
) {
    let seven = Seven::<L>::read(roots);
    let [x0, x1, x2, x3, x4, x5, x6, x7] = seven.split(L::transpose(read(unit)));
    // Element 64q + 8l + j is multiplied by ρ(64q + 8l) · ρ(j).
    let coset = L::read(coset);
    let x = [
        x0.mul(coset), // [4] for 84 · 2
        x1.mul(first.get(1)).mul(coset),
        x2.mul(first.get(2)).mul(coset),
        x3.mul(first.get(3)).mul(coset),
        x4.mul(first.get(4)).mul(coset),
        x5.mul(first.get(5)).mul(coset),
        x6.mul(first.get(6)).mul(coset),
        x7.mul(first.get(7)).mul(coset),
    ];
    write(unit, L::transpose(seven.join(x)));
}

#[inline(always)]
fn read<L: Lanes>(unit: &[Line]) -> [L; 8] {
    let block = |index: usize| &unit[index * L::LINES..][..L::LINES];
    [
        L::read(block(0)),
        L::read(block(1)),
        L::read(block(2)),
        L::read(block(3)),
        L::read(block(4)),
        L::read(block(5)),
        L::read(block(6)),
        L::read(block(7)),
    ]
}

#[inline(always)]
fn write<L: Lanes>(unit: &mut [Line], values: [L; 8]) {
    for (block, value) in unit.chunks_exact_mut(L::LINES).zip(values) {
        value.write(block);
    }
}
