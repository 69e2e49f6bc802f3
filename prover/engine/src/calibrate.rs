//! Parts of a small proof, timed: how fast this machine is.

use std::ops::{Add, Mul};
use std::sync::{Mutex, PoisonError};

use ark_bn254::Fr;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::Field;
use rayon::prelude::*;

use crate::backend::{Backend, Line};
use crate::msm::{self, G1, G2, Group, List, ListError, Scalars, Watch, Windows};
use crate::witness_map::{QuotientError, WitnessMap, WitnessMapBuffers};
use crate::{Control, Engine, R1csError, Stopwatch, synthetic};

/// Size of the circuit whose rows are evaluated and transformed.
const ROWS_LOG2: u32 = 13;
/// Points of the sums: enough for all threads, few enough for the caches.
const G1_POINTS: usize = 1 << 14;
const G2_POINTS: usize = 1 << 12;
/// Each part is timed so often, after once for its memory; the fastest counts, since other work on the machine can only slow it down.
const RUNS: u32 = 3;
/// Points that one task computes.
const POINTS_PER_TASK: usize = 1 << 9;

/// How fast a machine proves with a backend and a number of threads: seconds for each unit of work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// One non-zero of a row, evaluated.
    pub(crate) row_term: Rate,
    /// One butterfly of a transform.
    pub(crate) butterfly: Rate,
    /// One digit of a scalar, cut and sorted.
    pub(crate) digit: Rate,
    /// One addition in G1, everything about buckets included.
    pub(crate) g1: Rate,
    /// The same in G2.
    pub(crate) g2: Rate,
}

/// Seconds for some work.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rate {
    /// On the clock.
    pub(crate) wall: f64,
    /// Of all threads together.
    pub(crate) cpu: f64,
}

/// Why the machine's speed could not be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrateError {
    /// The circuit could not be made.
    #[error("the calibration circuit could not be made")]
    Circuit(#[from] R1csError),
    /// Its rows could not be evaluated and transformed.
    #[error("the rows of the calibration circuit could not be evaluated")]
    Rows(#[from] QuotientError),
    /// The points could not be added up.
    #[error("the calibration points could not be added up")]
    Sums,
}

impl Engine {
    /// Times rows and transforms of a synthetic circuit of 2^13 rows, and sums of 2^14 points in G1 and 2^12 in G2: a tenth of a second of
    /// processor time with AVX-512, half a second without. Callers keep the result; it is valid for this machine, this
    /// backend and this number of threads.
    ///
    /// # Errors
    /// [`CalibrateError`]; none of its variants can be caused by input.
    pub fn calibrate(&self) -> Result<Calibration, CalibrateError> {
        let backend = self.backend();
        self.install(|| {
            let [row_term, butterfly] = rows(backend)?;
            let scalars: Vec<Fr> =
                std::iter::successors(Some(-Fr::from(3u64)), |x| Some(x.square() + Fr::ONE))
                    .take(G1_POINTS)
                    .collect();
            let [digit, g1] = sums::<G1>(backend, &scalars)?;
            let [_, g2] = sums::<G2>(backend, &scalars[..G2_POINTS])?;
            Ok(Calibration {
                row_term,
                butterfly,
                digit,
                g1,
                g2,
            })
        })
    }
}

/// A row's term and a butterfly.
fn rows(backend: Backend) -> Result<[Rate; 2], CalibrateError> {
    let (r1cs, assignment) = synthetic::circuit(ROWS_LOG2, 1)?;
    let map = WitnessMap::new(backend, r1cs.domain_size()).map_err(QuotientError::from)?;
    let mut buffers = WitnessMapBuffers::default();
    let mut fastest = [Rate::WORST; 2];
    for run in 0..=RUNS {
        let stopwatch = Stopwatch::start();
        // The first report comes when the rows are evaluated.
        let rows = Mutex::new(None);
        let report = |_| {
            let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
            rows.get_or_insert_with(|| Rate::since(&stopwatch));
        };
        map.quotient(
            &r1cs,
            &assignment,
            &mut buffers,
            &Control::default().with_progress(&report),
        )?;
        let whole = Rate::since(&stopwatch);
        let rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
        let rows = rows.unwrap_or_default();
        if run > 0 {
            let transforms = Rate {
                wall: whole.wall - rows.wall,
                cpu: whole.cpu - rows.cpu,
            };
            fastest = [fastest[0].least(rows), fastest[1].least(transforms)];
        }
    }
    let butterflies = 3.0 * r1cs.domain_size() as f64 * f64::from(r1cs.domain_size().ilog2());
    Ok([
        fastest[0] * (1.0 / r1cs.nonzeros() as f64),
        fastest[1] * (1.0 / butterflies),
    ])
}

/// A digit and an addition.
fn sums<G: Group>(backend: Backend, scalars: &[Fr]) -> Result<[Rate; 2], CalibrateError> {
    let lines = points::<G>(scalars.len());
    let ranges = [0..scalars.len(), 0..0];
    let list = if size_of::<G::Words>() == size_of::<Line>() {
        List::g1(&lines, ranges)
    } else {
        List::g2(&lines, ranges)
    };
    let lists = [list?];
    let scalars = Scalars::Elements(scalars);
    let windows = Windows::choose(&scalars, &lists);
    let mut workspace = msm::Workspace::new();
    let mut fastest = [Rate::WORST; 2];
    for run in 0..=RUNS {
        let stopwatch = Stopwatch::start();
        msm::sort(backend, &mut workspace, scalars, windows);
        let sorted = Rate::since(&stopwatch);
        let stopwatch = Stopwatch::start();
        let watch = Watch {
            cancelled: &|| false,
            progress: &|_, _| (),
        };
        msm::multi(backend, &mut workspace, scalars, &lists, watch).map_err(|_| CalibrateError::Sums)?;
        let whole = Rate::since(&stopwatch);
        if run > 0 {
            fastest = [fastest[0].least(sorted), fastest[1].least(whole)];
        }
    }
    let [sorted, whole] = fastest;
    let additions = Rate {
        wall: (whole.wall - sorted.wall).max(0.0),
        cpu: (whole.cpu - sorted.cpu).max(0.0),
    };
    let bits = msm::typical_bits(0.0);
    Ok([
        sorted * (1.0 / (scalars.len() * windows.count()) as f64),
        additions * (1.0 / windows.cost(&bits, scalars.len())),
    ])
}

/// The first multiples of the generator, all of them different: additions never meet a special case.
fn points<G: Group>(count: usize) -> Vec<Line> {
    let generator = G::Affine::generator();
    let tasks = count.div_ceil(POINTS_PER_TASK);
    (0..tasks)
        .into_par_iter()
        .flat_map_iter(|task| {
            let first = task * POINTS_PER_TASK;
            let mut point = generator * Fr::from(first as u64);
            let points: Vec<G::Curve> = (first..count.min(first + POINTS_PER_TASK))
                .map(|_| {
                    point += generator;
                    point
                })
                .collect();
            let points = G::Curve::normalize_batch(&points);
            points
                .iter()
                .flat_map(|point| G::lines(&G::from_affine(point)).to_vec())
                .collect::<Vec<Line>>()
        })
        .collect()
}

impl Rate {
    const WORST: Self = Self {
        wall: f64::INFINITY,
        cpu: f64::INFINITY,
    };

    fn since(stopwatch: &Stopwatch) -> Self {
        let (wall, cpu) = stopwatch.elapsed();
        Self {
            wall: wall.as_secs_f64(),
            cpu: cpu.as_secs_f64(),
        }
    }

    fn least(self, other: Self) -> Self {
        Self {
            wall: self.wall.min(other.wall),
            cpu: self.cpu.min(other.cpu),
        }
    }

    /// Work that one thread does while the others wait.
    pub(crate) fn of_one_thread(seconds: f64) -> Self {
        Self {
            wall: seconds,
            cpu: seconds,
        }
    }

    /// So many seconds more of each thread.
    pub(crate) fn slower_by(self, seconds: f64) -> Self {
        if self.cpu <= 0.0 {
            return self;
        }
        self * (1.0 + seconds / self.cpu)
    }
}

impl Add for Rate {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            wall: self.wall + other.wall,
            cpu: self.cpu + other.cpu,
        }
    }
}

impl Mul<f64> for Rate {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        Self {
            wall: self.wall * factor,
            cpu: self.cpu * factor,
        }
    }
}

impl From<ListError> for CalibrateError {
    fn from(_: ListError) -> Self {
        Self::Sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::engine;

    #[test]
    fn every_rate_is_measured() {
        let calibration = engine(2).calibrate().unwrap();
        let Calibration {
            row_term,
            butterfly,
            digit,
            g1,
            g2,
        } = calibration;
        for rate in [row_term, butterfly, digit, g1, g2] {
            assert!(rate.wall.is_finite() && rate.wall >= 0.0, "{calibration:?}");
            assert!(rate.cpu.is_finite() && rate.cpu >= 0.0, "{calibration:?}");
        }
        assert!(g1.wall > 0.0 && g2.wall > 0.0, "{calibration:?}");
    }

    #[test]
    fn points_are_the_first_multiples() {
        let count = POINTS_PER_TASK + 3;
        let lines = points::<G1>(count);
        let words: &[<G1 as Group>::Words] = lines.as_chunks().0;
        for index in [0, 1, POINTS_PER_TASK - 1, POINTS_PER_TASK, count - 1] {
            let expected = <G1 as Group>::Affine::generator() * Fr::from(index as u64 + 1);
            assert_eq!(G1::to_affine(&words[index]), expected.into_affine());
        }
        assert_eq!(points::<G2>(3).len(), 6);
    }
}
