//! Multi-scalar multiplication: Σ sᵢ·Pᵢ in G1 and in G2.
//!
//! Signed digits ([`windows`]), sorted by bucket once for all lists of points that share the scalars ([`sort`](mod@sort)); buckets summed up in rounds of
//! affine additions that share inversions ([`add`]), in tasks that stay in a core's cache ([`tasks`], [`sums`]); buckets weighed by the bits
//! of their numbers with the same additions ([`reduce`]); and at the end one doubling for each bit of a scalar, in arkworks'
//! arithmetic. `docs/msm.md` has the whole of it.
//!
//! Points lie in memory as [`Group`] says, in key form: as arkworks and key files hold them, all zeros for the identity. Results are
//! elements of the group: they depend neither on the number of threads nor on the backend.

pub(crate) mod add;
mod bases;
mod coordinate;
mod digits;
pub(crate) mod fixed_base;
pub(crate) mod group;
mod inverse;
mod lift;
mod reduce;
mod scalars;
mod sort;
mod sums;
mod tasks;
mod windows;
mod workspace;

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use ark_bn254::{G1Projective, G2Projective};
use ark_ff::{AdditiveGroup, Zero};
use rayon::prelude::*;

pub use self::bases::{G1Bases, G2Bases, Multiplier, msm_g1, msm_g2};
pub(crate) use self::group::{G1, G2, Group};
pub(crate) use self::scalars::Scalars;
pub(crate) use self::windows::{Windows, typical_bits};
pub(crate) use self::workspace::{Demand, Workspace};

use self::sums::{Bases, Scratch, Shared, Weighted, sum_by_position};
use self::tasks::Task;
use self::workspace::ThreadScratch;
use crate::backend::{Backend, Line};

/// Points of one list: those of up to two ranges of the scalars' order, one range after the other, without the points between them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List<'a> {
    points: Points<'a>,
    starts: [u32; 2],
    lengths: [u32; 2],
}

#[derive(Clone, Copy, Debug)]
enum Points<'a> {
    G1(&'a [[Line; 1]]),
    G2(&'a [[Line; 2]]),
}

/// Why a list is none: the number of points is not that of the scalars they belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{points} points for {scalars} scalars")]
pub(crate) struct ListError {
    points: usize,
    scalars: usize,
}

impl<'a> List<'a> {
    /// Points in G1, one cache line each, in key form. At most 2^31 − 1.
    pub(crate) fn g1(lines: &'a [Line], ranges: [Range<usize>; 2]) -> Result<Self, ListError> {
        Self::new(Points::G1(lines.as_chunks().0), ranges)
    }

    /// Points in G2, two cache lines each, in key form. At most 2^31 − 1.
    pub(crate) fn g2(lines: &'a [Line], ranges: [Range<usize>; 2]) -> Result<Self, ListError> {
        Self::new(Points::G2(lines.as_chunks().0), ranges)
    }

    fn new(points: Points<'a>, ranges: [Range<usize>; 2]) -> Result<Self, ListError> {
        let found = match points {
            Points::G1(points) => points.len(),
            Points::G2(points) => points.len(),
        };
        let scalars = ranges[0].len() + ranges[1].len();
        let narrow = |number: usize| u32::try_from(number).ok().filter(|number| number >> 31 == 0);
        let both = |numbers: [usize; 2]| Some([narrow(numbers[0])?, narrow(numbers[1])?]);
        let starts = both([ranges[0].start, ranges[1].start]);
        let lengths = both([ranges[0].len(), ranges[1].len()]);
        match (starts, lengths) {
            (Some(starts), Some(lengths)) if found == scalars => Ok(Self {
                points,
                starts,
                lengths,
            }),
            _ => Err(ListError {
                points: found,
                scalars,
            }),
        }
    }

    /// Number of points.
    pub(crate) fn len(&self) -> usize {
        self.lengths.iter().map(|&length| length as usize).sum()
    }

    /// Cost of an addition.
    fn weight(&self) -> u32 {
        match self.points {
            Points::G1(_) => G1::WEIGHT,
            Points::G2(_) => G2::WEIGHT,
        }
    }
}

/// The sum of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sum {
    G1(G1Projective),
    G2(G2Projective),
}

/// How a caller stops a multiplication and hears how far it is.
#[derive(Clone, Copy)]
pub(crate) struct Watch<'a> {
    /// Asked between chunks of work of a few milliseconds, on all threads: true to stop, and from then on always true.
    pub(crate) cancelled: &'a (dyn Fn() -> bool + Sync),
    /// Hears after each task, on any thread, which list it was of and the share of that list that is done, 0 to 1. Lists are
    /// begun in their order; near the border between two their tasks overlap.
    pub(crate) progress: &'a (dyn Fn(usize, f64) + Sync),
}

/// The caller cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub(crate) struct Cancelled;

/// The sums of all lists, in their order. Runs on the current rayon pool. Ranges beyond the last scalar count as zeros.
pub(crate) fn multi(
    backend: Backend,
    workspace: &mut Workspace,
    scalars: Scalars<'_>,
    lists: &[List<'_>],
    watch: Watch<'_>,
) -> Result<Vec<Sum>, Cancelled> {
    let checkpoint = || {
        if (watch.cancelled)() {
            Err(Cancelled)
        } else {
            Ok(())
        }
    };
    let Workspace {
        digits,
        sorted,
        tasks,
        threads,
    } = workspace;
    let windows = Windows::choose(&scalars, lists);
    digits.cut(backend, scalars, windows, watch.cancelled);
    checkpoint()?;
    sorted.sort(digits, windows, watch.cancelled);
    checkpoint()?;
    tasks.cut(sorted, windows, rayon::current_num_threads());
    let shared = Shared {
        backend,
        windows,
        sorted,
        tasks,
        cancelled: watch.cancelled,
    };

    // Within a list the longest first, so that the threads end together.
    let mut longest: Vec<&Task> = tasks.tasks.iter().collect();
    longest.sort_by_key(|task| std::cmp::Reverse(task.entries));
    let queue: Vec<(usize, &Task)> = (0..lists.len())
        .flat_map(|list| longest.iter().map(move |task| (list, *task)))
        .collect();
    let entries: usize = tasks.tasks.iter().map(|task| task.entries).sum();
    let done: Vec<AtomicUsize> = lists.iter().map(|_| AtomicUsize::new(0)).collect();
    threads.resize_with(rayon::current_num_threads(), ThreadScratch::default);
    let next = AtomicUsize::new(0);
    rayon::scope(|scope| {
        for scratch in threads.iter_mut() {
            let (next, queue, done) = (&next, &queue, &done);
            scope.spawn(move |_| {
                scratch.g1.weighted.clear();
                scratch.g2.weighted.clear();
                while let Some(item) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if (watch.cancelled)() {
                        return;
                    }
                    scratch.run(&shared, lists, item.0, item.1);
                    let before = done[item.0].fetch_add(item.1.entries, Ordering::Relaxed);
                    (watch.progress)(item.0, share(before + item.1.entries, entries));
                }
            });
        }
    });
    checkpoint()?;
    let sums = lists
        .par_iter()
        .enumerate()
        .map(|(number, list)| match list.points {
            Points::G1(_) => Sum::G1(finish(&shared, number, threads.iter().map(|scratch| &scratch.g1))),
            Points::G2(_) => Sum::G2(finish(&shared, number, threads.iter().map(|scratch| &scratch.g2))),
        });
    Ok(sums.collect())
}

/// Cuts and sorts as [`multi`] does first, and no more: to be timed.
pub(crate) fn sort(backend: Backend, workspace: &mut Workspace, scalars: Scalars<'_>, windows: Windows) {
    workspace.digits.cut(backend, scalars, windows, &|| false);
    workspace.sorted.sort(&workspace.digits, windows, &|| false);
}

fn share(done: usize, of: usize) -> f64 {
    if of == 0 { 1.0 } else { done as f64 / of as f64 }
}

impl ThreadScratch {
    fn run(&mut self, shared: &Shared<'_>, lists: &[List<'_>], number: usize, task: &Task) {
        let List {
            points,
            starts,
            lengths,
        } = lists[number];
        match points {
            Points::G1(points) => {
                let bases = Bases {
                    points,
                    starts,
                    lengths,
                };
                self.g1.run(shared, number, &bases, &task.work);
            }
            Points::G2(points) => {
                let bases = Bases {
                    points,
                    starts,
                    lengths,
                };
                self.g2.run(shared, number, &bases, &task.work);
            }
        }
    }
}

/// Σ 2^position · point over what all threads found for a list.
fn finish<'a, G: Group>(
    shared: &Shared<'_>,
    list: usize,
    threads: impl Iterator<Item = &'a Scratch<G>>,
) -> G::Curve {
    let mut weighted: Vec<Weighted<G>> = threads
        .flat_map(|scratch| &scratch.weighted)
        .filter(|weighted| weighted.list == list)
        .copied()
        .collect();
    let positions = shared.windows.count() * shared.windows.width() as usize;
    let sums = sum_by_position(shared.backend, &mut weighted, positions);
    let mut points: Vec<G::Words> = sums.iter().map(|sum| sum.unwrap_or_default()).collect();
    lift::export::<G>(shared.backend, &mut points);
    let mut sum = G::Curve::zero();
    for words in points.iter().rev() {
        sum.double_in_place();
        sum += G::to_affine(words);
    }
    sum
}

#[cfg(test)]
mod tests;
