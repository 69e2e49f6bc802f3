//! The last three levels of a split, the first three of a join: within a unit of eight blocks, where butterflies pair
//! lanes. A transposition makes them pair blocks.
//!
//! After it, lane l of vector j holds element 8l + j of the unit, so that every lane is a group of its own with
//! its own roots, and the three levels are eight small transforms of eight elements side by side.

use super::roots::{GroupRoots, UnitRoots};
use crate::backend::{Arithmetic, Lanes, Line};

/// The last three levels of a split. The unit stays transposed: lane l of block j gets element 8l + j. Takes up to 72,
/// gives 12 more.
#[inline(always)]
pub(super) fn split_unit<L: Lanes>(unit: &mut [Line], roots: UnitRoots<'_>) {
    let mut x = L::transpose(read(unit));
    split(&mut x, roots);
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
    let mut x = L::transpose(read(unit));
    split(&mut x, roots);
    // Element 64q + 8l + j is multiplied by ρ(64q + 8l)/n · ρ(j).
    let coset: L = L::read(coset);
    x[0] = x[0].mul(coset); // [4] for 84 · 2
    for (j, x) in x.iter_mut().enumerate().skip(1) {
        let power: L = first.get(j);
        for part in 0..L::PARTS {
            // [3]
            x.set_part(part, x.part(part).mul(power.part(part)).mul(coset.part(part)));
        }
    }
    join(&mut x, roots);
    write(unit, L::transpose(x));
}

/// Natural to bit-reversed. Takes up to 72, gives 12 more.
///
/// A loop around one butterfly: written out, the butterflies of a unit are more code than the first cache holds.
#[inline(always)]
fn split<L: Lanes>(x: &mut [L; 8], roots: UnitRoots<'_>) {
    let mut stride = 4;
    while stride > 0 {
        for group in 0..4 / stride {
            let root = root::<L>(roots, 4 / stride - 1 + group);
            for j in 0..stride {
                let a = (2 * group * stride + j) % 8;
                let b = (a + stride) % 8;
                for part in 0..L::PARTS {
                    let (y, z) = Arithmetic::split_pair(x[a].part(part), x[b].part(part), root.part(part));
                    x[a].set_part(part, y);
                    x[b].set_part(part, z);
                }
            }
        }
        stride /= 2;
    }
}

/// Bit-reversed to natural. Takes 4, gives 6.
///
/// Bounds of the vectors in order, before and after the three levels: 4, …; [8, 3, 8, 3, 8, 3, 8, 3];
/// [16, 6, 3, 3, 16, 6, 3, 3]; [32, 12, 6, 6, 3, 3, 3, 3].
#[inline(always)]
fn join<L: Lanes>(x: &mut [L; 8], roots: UnitRoots<'_>) {
    let mut stride = 1;
    while stride < 8 {
        for group in 0..4 / stride {
            let root = root::<L>(roots, 4 / stride - 1 + group);
            for j in 0..stride {
                let a = (2 * group * stride + j) % 8;
                let b = (a + stride) % 8;
                for part in 0..L::PARTS {
                    // At most [32, 2 + 32/42].
                    let (y, z) =
                        Arithmetic::join_pair::<16>(x[a].part(part), x[b].part(part), root.part(part));
                    x[a].set_part(part, y);
                    x[b].set_part(part, z);
                }
            }
        }
        stride *= 2;
    }
    x[0] = x[0].reduce();
    x[1] = x[1].reduce();
}

/// The seven roots of the three levels, from the widest to the narrowest.
#[inline(always)]
fn root<L: Lanes>(roots: UnitRoots<'_>, index: usize) -> L {
    match index {
        0 => L::read(roots.group),
        _ => L::read(&roots.inner[(index - 1) * L::LINES..][..L::LINES]),
    }
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
