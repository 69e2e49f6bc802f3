//! Levels whose butterflies pair whole blocks: one root for each group, in all lanes.
//!
//! A group is a run of blocks; a level splits each group into two halves, or joins two halves into a group. Group g of a
//! level has the root of index g, wherever the level is (`roots.rs`). Levels go two by two, so that a value
//! is read and written once for two multiplications.

use super::roots::GroupRoots;
use crate::backend::{Arithmetic, Lanes, Line};

/// `levels` levels from natural to bit-reversed order: `blocks` is group `first` of its level.
///
/// Takes up to 16, gives 20 + 4·`levels` where `first` is 0; elsewhere takes up to 84 − 4·`levels` and gives 4·`levels` more than
/// it took. From a bound of 2 it never gives more than 14 + 4·`levels`.
#[inline(always)]
pub(super) fn split_groups<L: Lanes>(
    blocks: &mut [Line],
    roots: GroupRoots<'_>,
    mut first: usize,
    levels: u32,
) {
    let mut size = blocks.len();
    let mut left = levels;
    while left >= 2 {
        for (index, group) in blocks.chunks_exact_mut(size).enumerate() {
            split_by_four::<L>(group, roots, first + index);
        }
        size /= 4;
        first *= 4;
        left -= 2;
    }
    if left == 1 {
        for (index, group) in blocks.chunks_exact_mut(size).enumerate() {
            split_by_two::<L>(group, roots, first + index);
        }
    }
}

/// `levels` levels from bit-reversed to natural order: `blocks` becomes group `first` of its level. Takes and gives
/// bound 6.
#[inline(always)]
pub(super) fn join_groups<L: Lanes>(blocks: &mut [Line], roots: GroupRoots<'_>, first: usize, levels: u32) {
    let mut left = levels;
    if left % 2 == 1 {
        left -= 1;
        let size = blocks.len() >> left;
        for (index, group) in blocks.chunks_exact_mut(size).enumerate() {
            join_two::<L>(group, roots, (first << left) + index);
        }
    }
    while left >= 2 {
        left -= 2;
        let size = blocks.len() >> left;
        for (index, group) in blocks.chunks_exact_mut(size).enumerate() {
            join_four::<L>(group, roots, (first << left) + index);
        }
    }
}

/// Two levels: the group, then both halves.
#[inline(always)]
fn split_by_four<L: Lanes>(group: &mut [Line], roots: GroupRoots<'_>, index: usize) {
    let whole = roots.get::<L>(index);
    let (low, high) = (roots.get::<L>(2 * index), roots.get::<L>(2 * index + 1));
    let [x0, x1, x2, x3] = quarters(group);
    let rows = x0
        .chunks_exact_mut(L::LINES)
        .zip(x1.chunks_exact_mut(L::LINES))
        .zip(x2.chunks_exact_mut(L::LINES))
        .zip(x3.chunks_exact_mut(L::LINES));
    if index == 0 {
        // Two of the three roots are 1. Sums of what is not multiplied would double at each level, so they are reduced:
        // group 0 always has bound 16.
        for (((x0, x1), x2), x3) in rows {
            for part in 0..L::PARTS {
                let (a, b) = (L::read_part(x0, part), L::read_part(x2, part));
                let (a0, a2) = (a.add(b), a.sub::<16>(b));
                let (a, b) = (L::read_part(x1, part), L::read_part(x3, part));
                let (a1, a3) = (a.add(b), a.sub::<16>(b));
                L::write_part(a0.add(a1).reduce(), x0, part);
                L::write_part(a0.sub::<32>(a1).reduce(), x1, part);
                let (y2, y3) = Arithmetic::split_pair(a2, a3, high.part(part));
                L::write_part(y2, x2, part);
                L::write_part(y3, x3, part);
            }
        }
        return;
    }
    for (((x0, x1), x2), x3) in rows {
        for part in 0..L::PARTS {
            let (a0, a2) =
                Arithmetic::split_pair(L::read_part(x0, part), L::read_part(x2, part), whole.part(part));
            let (a1, a3) =
                Arithmetic::split_pair(L::read_part(x1, part), L::read_part(x3, part), whole.part(part));
            let (y0, y1) = Arithmetic::split_pair(a0, a1, low.part(part));
            let (y2, y3) = Arithmetic::split_pair(a2, a3, high.part(part));
            L::write_part(y0, x0, part);
            L::write_part(y1, x1, part);
            L::write_part(y2, x2, part);
            L::write_part(y3, x3, part);
        }
    }
}

#[inline(always)]
fn split_by_two<L: Lanes>(group: &mut [Line], roots: GroupRoots<'_>, index: usize) {
    let root = roots.get::<L>(index);
    let (x0, x1) = group.split_at_mut(group.len() / 2);
    let rows = x0.chunks_exact_mut(L::LINES).zip(x1.chunks_exact_mut(L::LINES));
    if index == 0 {
        // The root is 1.
        for (x0, x1) in rows {
            for part in 0..L::PARTS {
                let (a, b) = (L::read_part(x0, part), L::read_part(x1, part));
                L::write_part(a.add(b).reduce(), x0, part);
                L::write_part(a.sub::<16>(b).reduce(), x1, part);
            }
        }
        return;
    }
    for (x0, x1) in rows {
        for part in 0..L::PARTS {
            let (y0, y1) =
                Arithmetic::split_pair(L::read_part(x0, part), L::read_part(x1, part), root.part(part));
            L::write_part(y0, x0, part);
            L::write_part(y1, x1, part);
        }
    }
}

/// Two levels: both halves, then the group. Bounds in brackets.
#[inline(always)]
fn join_four<L: Lanes>(group: &mut [Line], roots: GroupRoots<'_>, index: usize) {
    let whole = roots.get::<L>(index);
    let (low, high) = (roots.get::<L>(2 * index), roots.get::<L>(2 * index + 1));
    let [x0, x1, x2, x3] = quarters(group);
    let rows = x0
        .chunks_exact_mut(L::LINES)
        .zip(x1.chunks_exact_mut(L::LINES))
        .zip(x2.chunks_exact_mut(L::LINES))
        .zip(x3.chunks_exact_mut(L::LINES));
    if index == 0 {
        // Two of the three roots are 1: a reduction costs less than a product with it.
        for (((x0, x1), x2), x3) in rows {
            for part in 0..L::PARTS {
                let (a, b) = (L::read_part(x0, part), L::read_part(x1, part)); // [6, 6]
                let (a0, a1) = (a.add(b), a.sub::<6>(b)); // [12, 12]
                let (a2, a3) = Arithmetic::join_pair::<6>(
                    L::read_part(x2, part),
                    L::read_part(x3, part),
                    high.part(part),
                ); // [12, 3]
                L::write_part(a0.add(a2).reduce(), x0, part); // [2]
                L::write_part(a0.sub::<12>(a2).reduce(), x2, part); // [2]
                L::write_part(a1.add(a3).reduce(), x1, part); // [2]
                L::write_part(a1.sub::<3>(a3).reduce(), x3, part); // [2]
            }
        }
        return;
    }
    for (((x0, x1), x2), x3) in rows {
        for part in 0..L::PARTS {
            let (a0, a1) =
                Arithmetic::join_pair::<6>(L::read_part(x0, part), L::read_part(x1, part), low.part(part)); // [12, 3]
            let (a2, a3) =
                Arithmetic::join_pair::<6>(L::read_part(x2, part), L::read_part(x3, part), high.part(part)); // [12, 3]
            let (y0, y2) = Arithmetic::join_pair::<12>(a0, a2, whole.part(part)); // [24, 3]
            let (y1, y3) = Arithmetic::join_pair::<3>(a1, a3, whole.part(part)); // [6, 3]
            L::write_part(y0.reduce(), x0, part); // [2]
            L::write_part(y1, x1, part);
            L::write_part(y2, x2, part);
            L::write_part(y3, x3, part);
        }
    }
}

#[inline(always)]
fn join_two<L: Lanes>(group: &mut [Line], roots: GroupRoots<'_>, index: usize) {
    let root = roots.get::<L>(index);
    let (x0, x1) = group.split_at_mut(group.len() / 2);
    for (x0, x1) in x0.chunks_exact_mut(L::LINES).zip(x1.chunks_exact_mut(L::LINES)) {
        for part in 0..L::PARTS {
            let (y0, y1) =
                Arithmetic::join_pair::<6>(L::read_part(x0, part), L::read_part(x1, part), root.part(part)); // [12, 3]
            L::write_part(y0.reduce(), x0, part); // [2]
            L::write_part(y1, x1, part);
        }
    }
}

#[inline(always)]
fn quarters(group: &mut [Line]) -> [&mut [Line]; 4] {
    let quarter = group.len() / 4;
    let (low, high) = group.split_at_mut(2 * quarter);
    let (x0, x1) = low.split_at_mut(quarter);
    let (x2, x3) = high.split_at_mut(quarter);
    [x0, x1, x2, x3]
}
