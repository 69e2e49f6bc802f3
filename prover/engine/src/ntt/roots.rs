//! One table of roots of unity for all levels of a transform.
//!
//! For an index g with bits g₀ + 2g₁ + 4g₂ + …, let f(g) = g₀/2 + g₁/4 + g₂/8 + …, and ρ(g) = e^(f(g)/2) where e^x stands for the
//! x-th power of a full turn. The network needs ρ(g) for group g of *every* level and *every* size, so the table does
//! not depend on the level. Two rules make and read it: ρ(x + y) = ρ(x)·ρ(y) where x and y share no bit, and
//! ρ(2^j) is a primitive root of order 2^(j+2).

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, FftField, Field};
use rayon::prelude::*;

use crate::backend::{Backend, FrParams, Kernel, Lanes, Line, Machine, Pages};

/// Elements that lie in one unit of the last three levels: eight blocks of eight.
pub(super) const UNIT: usize = 64;
/// Blocks of the table for each unit of [`Roots::units`].
const UNIT_ROOTS: usize = 6;
/// Units that one task fills.
const UNITS_PER_TASK: usize = 64;

/// Which way a transform goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From coefficients to values: powers of ω.
    Forward,
    /// From values to coefficients, but for the factor 1/n: powers of 1/ω.
    Inverse,
}

/// Roots for the transforms of 2^`log2` elements, `log2` at least 6, as one backend keeps them. Bound of all: 2.
#[derive(Debug)]
pub(super) struct Roots {
    /// Block q: ρ(8q + l) in lane l, for each unit q.
    groups: Pages<Line>,
    /// For each unit q: ρ(16q + 2l), ρ(16q + 2l + 1), then ρ(32q + 4l + j) for j = 0 … 3.
    units: Pages<Line>,
    /// For each unit q: ρ(64q + 8l)/n. Empty where no coset is wanted.
    coset: Pages<Line>,
    lines: usize,
}

/// The roots of [`Roots`] that go into all lanes.
#[derive(Clone, Copy)]
pub(super) struct GroupRoots<'a>(&'a [Line]);

/// What one unit needs: see the fields of [`Roots`].
#[derive(Clone, Copy)]
pub(super) struct UnitRoots<'a> {
    pub(super) group: &'a [Line],
    pub(super) inner: &'a [Line],
}

impl GroupRoots<'_> {
    /// ρ(`index`) in all lanes: bound 2.
    #[inline(always)]
    pub(super) fn get<L: Lanes>(self, index: usize) -> L {
        L::broadcast(&self.0[index / 8 * L::LINES..][..L::LINES], index % 8)
    }
}

impl Roots {
    /// Computes the table on the current threads. `stop` is asked before each task; a table is worthless once it said yes.
    pub(super) fn new(
        backend: Backend,
        log2: u32,
        direction: Direction,
        coset: bool,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Option<Self> {
        let lines = backend.run(LinesOfBlock);
        let units = 1usize << log2.checked_sub(UNIT.ilog2())?;
        let root = |order: u32| {
            let root = Fr::get_root_of_unity(1 << order)?;
            match direction {
                Direction::Forward => Some(root),
                Direction::Inverse => root.inverse(),
            }
        };
        // ρ(2^j) for every bit that occurs: the last is the coset's generator.
        let bits = if coset { log2 } else { log2 - 1 };
        let mut powers = (0..bits).map(|bit| root(bit + 2)).collect::<Option<Vec<Fr>>>()?;
        powers.resize(log2 as usize + 6, Fr::ONE);
        let scale = Fr::from(1u64 << log2).inverse()?;

        let mut table = Self {
            groups: Pages::zeros(units * lines),
            units: Pages::zeros(units * lines * UNIT_ROOTS),
            coset: Pages::zeros(if coset { units * lines } else { 0 }),
            lines,
        };
        let per_task = UNITS_PER_TASK.min(units) * lines;
        let mut coset_tasks: Vec<&mut [Line]> = table.coset.chunks_mut(per_task).collect();
        coset_tasks.resize_with(units.div_ceil(UNITS_PER_TASK), Default::default);
        table
            .groups
            .par_chunks_mut(per_task)
            .zip(table.units.par_chunks_mut(per_task * UNIT_ROOTS))
            .zip(coset_tasks)
            .enumerate()
            .for_each(|(task, ((groups, units), coset))| {
                if stop() {
                    return;
                }
                backend.run(Fill {
                    first: task * UNITS_PER_TASK,
                    powers: &powers,
                    scale,
                    groups,
                    units,
                    coset,
                });
            });
        Some(table)
    }

    pub(super) fn lines_of_block(&self) -> usize {
        self.lines
    }

    pub(super) fn groups(&self) -> GroupRoots<'_> {
        GroupRoots(&self.groups)
    }

    /// The roots of unit `index`.
    #[inline(always)]
    pub(super) fn unit(&self, index: usize) -> UnitRoots<'_> {
        let size = UNIT_ROOTS * self.lines;
        UnitRoots {
            group: &self.groups[index * self.lines..][..self.lines],
            inner: &self.units[index * size..][..size],
        }
    }

    /// ρ(64·`index` + 8l)/n in lane l: bound 2.
    #[inline(always)]
    pub(super) fn coset(&self, index: usize) -> &[Line] {
        &self.coset[index * self.lines..][..self.lines]
    }

    /// Bytes of the table with a coset for 2^`log2` elements, where a block takes `lines` lines.
    pub(super) const fn bytes_for(log2: u32, lines: usize) -> usize {
        size_of::<Line>() * ((1 << log2) / UNIT) * lines * (1 + UNIT_ROOTS + 1)
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.groups.bytes() + self.units.bytes() + self.coset.bytes()
    }
}

/// Asks a backend how many lines eight scalars take.
pub(super) struct LinesOfBlock;

impl Kernel for LinesOfBlock {
    type Output = usize;

    #[inline(always)]
    fn run<M: Machine>(self) -> usize {
        M::Fr::LINES
    }
}

/// Fills the table for some neighbouring units, a power of two of them.
struct Fill<'a> {
    /// The first unit, a multiple of their number.
    first: usize,
    /// ρ(2^j).
    powers: &'a [Fr],
    /// 1/n.
    scale: Fr,
    groups: &'a mut [Line],
    units: &'a mut [Line],
    /// May be empty.
    coset: &'a mut [Line],
}

impl Fill<'_> {
    fn root(&self, index: usize) -> Fr {
        let set = self
            .powers
            .iter()
            .enumerate()
            .filter(|(bit, _)| index >> bit & 1 == 1);
        set.fold(Fr::ONE, |product, (_, power)| product * power)
    }

    /// Fills one block for each unit: lane l of unit q gets scale · ρ(2^`shift`·q + `step`·l + `offset`). The blocks of
    /// a unit are `stride` lines from those of the next.
    #[inline(always)]
    fn blocks<L: Lanes<Params = FrParams>>(
        &self,
        out: &mut [Line],
        stride: usize,
        [shift, step, offset]: [usize; 3],
        scale: Fr,
    ) {
        let first = self.root(self.first << shift) * scale;
        let mut start = [Fr::ZERO; 8];
        for (lane, start) in start.iter_mut().enumerate() {
            *start = first * self.root(step * lane + offset);
        }
        L::from_elements(&start).reduce().write(&mut out[..L::LINES]);
        let units = out.len().div_ceil(stride);
        for bit in 0..units.ilog2() as usize {
            let power = L::splat(&self.powers[bit + shift]);
            let (done, next) = out.split_at_mut(stride << bit);
            for (done, next) in done.chunks(stride).zip(next.chunks_mut(stride)) {
                let root = L::read(&done[..L::LINES]).mul(power); // [3]
                root.reduce().write(&mut next[..L::LINES]);
            }
        }
    }
}

impl Kernel for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn run<M: Machine>(mut self) {
        let lines = M::Fr::LINES;
        let groups = std::mem::take(&mut self.groups);
        self.blocks::<M::Fr>(groups, lines, [3, 1, 0], Fr::ONE);
        let units = std::mem::take(&mut self.units);
        let shapes = [[4, 2, 0], [4, 2, 1], [5, 4, 0], [5, 4, 1], [5, 4, 2], [5, 4, 3]];
        for (block, shape) in shapes.into_iter().enumerate() {
            self.blocks::<M::Fr>(&mut units[block * lines..], UNIT_ROOTS * lines, shape, Fr::ONE);
        }
        let coset = std::mem::take(&mut self.coset);
        if !coset.is_empty() {
            self.blocks::<M::Fr>(coset, lines, [6, 8, 0], self.scale);
        }
    }
}
