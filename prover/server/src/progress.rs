//! How far a proof is: events for watchers, and the cost model that turns phases into one fraction and an expected time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use quittance_engine::Phase;
use quittance_verifier::Shape;

use crate::batch::{PhaseTime, Stage};

/// Where a batch stands, for a watcher.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Number of the event; of what was read, the number of the last event that it knows of.
    pub sequence: u64,
    /// Batch number.
    pub number: u32,
    /// Where it stands.
    pub stage: Stage,
    /// What is being done; `None` unless [`Stage::Proving`].
    pub phase: Option<Phase>,
    /// Done part of this phase, 0 to 1.
    pub phase_fraction: f64,
    /// Done part of the whole proof, 0 to 1.
    pub fraction: f64,
    /// Expected time until the proof is stored.
    pub eta: Option<Duration>,
    /// Number of batches that are proved before this one.
    pub queue_ahead: usize,
    /// Why the last attempt ended without a proof; empty if none did.
    pub failure: String,
}

/// Cost of a proof by phases: measured where a proof of the shape was made, else by the engine's plan.
#[derive(Debug)]
pub struct CostModel {
    plans: HashMap<Shape, [f64; PHASES]>,
    measured: Mutex<HashMap<Shape, [f64; PHASES]>>,
}

const PHASES: usize = Phase::ALL.len();

/// Weight of a new measurement against the mean of the earlier ones.
const NEWEST: f64 = 0.5;

impl CostModel {
    /// A model that knows only what the engine plans for each shape.
    #[must_use]
    pub fn new(plans: impl IntoIterator<Item = (Shape, Vec<PhaseTime>)>) -> Self {
        let plans = plans.into_iter().map(|(shape, phases)| (shape, seconds(&phases)));
        Self {
            plans: plans.collect(),
            measured: Mutex::default(),
        }
    }

    /// Takes in the phases of a finished proof.
    pub fn record(&self, shape: Shape, phases: &[PhaseTime]) {
        let seconds = seconds(phases);
        let mut measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        measured
            .entry(shape)
            .and_modify(|mean| {
                for (mean, new) in mean.iter_mut().zip(seconds) {
                    *mean += NEWEST * (new - *mean);
                }
            })
            .or_insert(seconds);
    }

    /// Expected wall time of one proof, if anything is known.
    #[must_use]
    pub fn expected(&self, shape: &Shape) -> Option<Duration> {
        let whole = self.phases(shape)?.iter().sum();
        Some(Duration::try_from_secs_f64(whole).unwrap_or(Duration::MAX))
    }

    /// Seconds of each phase, if anything is known.
    fn phases(&self, shape: &Shape) -> Option<[f64; PHASES]> {
        let measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        measured.get(shape).or_else(|| self.plans.get(shape)).copied()
    }

    /// The share of each phase in a proof of this shape; they add up to 1.
    #[must_use]
    pub fn weights(&self, shape: &Shape) -> Weights {
        let seconds = self.phases(shape).unwrap_or_else(typical);
        let total: f64 = seconds.iter().sum();
        if total > 0.0 {
            Weights(seconds.map(|part| part / total))
        } else {
            Weights(typical())
        }
    }
}

/// The share of each phase in a proof.
#[derive(Clone, Copy, Debug)]
pub struct Weights([f64; PHASES]);

/// Progress of one attempt: phases may overlap, the whole never goes back.
#[derive(Clone, Debug)]
pub struct Meter {
    weights: Weights,
    done: [f64; PHASES],
}

impl Meter {
    /// Nothing is done.
    #[must_use]
    pub const fn new(weights: Weights) -> Self {
        Self {
            weights,
            done: [0.0; PHASES],
        }
    }

    /// Notes the done part of a phase and gives the done part of the whole, both 0 to 1.
    pub fn advance(&mut self, phase: Phase, fraction: f64) -> f64 {
        let done = &mut self.done[index(phase)];
        *done = done.max(fraction.clamp(0.0, 1.0));
        self.fraction()
    }

    /// The done part of the whole, 0 to 1.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        let sum: f64 = self
            .done
            .iter()
            .zip(self.weights.0)
            .map(|(done, weight)| done * weight)
            .sum();
        sum.clamp(0.0, 1.0)
    }
}

fn seconds(phases: &[PhaseTime]) -> [f64; PHASES] {
    let mut seconds = [0.0; PHASES];
    for time in phases {
        seconds[index(time.phase)] += Duration::from_micros(time.wall_us).as_secs_f64();
    }
    seconds
}

/// What the engine says about the phases of proofs in general, where nothing is known.
fn typical() -> [f64; PHASES] {
    Phase::ALL.map(|phase| f64::from(phase.weight()) / 1000.0)
}

fn index(phase: Phase) -> usize {
    Phase::ALL
        .iter()
        .position(|other| *other == phase)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape::transfers_only(2, 2, 1);

    #[test]
    fn measurements_replace_the_plan() {
        let time = |wall_us| {
            [PhaseTime {
                phase: Phase::H,
                wall_us,
            }]
        };
        let planned = |phase, wall_us| PhaseTime { phase, wall_us };
        let plan = [planned(Phase::Witness, 3_000_000), planned(Phase::L, 6_000_000)];
        let model = CostModel::new([(SHAPE, plan.to_vec())]);
        assert_eq!(model.expected(&SHAPE), Some(Duration::from_secs(9)));
        // The plan weighs the phases, too.
        let mut meter = Meter::new(model.weights(&SHAPE));
        assert!((meter.advance(Phase::Witness, 1.0) - 1.0 / 3.0).abs() < 1e-9);
        model.record(SHAPE, &time(2_000_000));
        assert_eq!(model.expected(&SHAPE), Some(Duration::from_secs(2)));
        model.record(SHAPE, &time(4_000_000));
        assert_eq!(model.expected(&SHAPE), Some(Duration::from_secs(3)));
        let mut meter = Meter::new(model.weights(&SHAPE));
        assert_eq!(meter.advance(Phase::H, 0.25), 0.25);
    }

    #[test]
    fn the_whole_never_goes_back_and_ends_at_one() {
        let mut meter = Meter::new(CostModel::new([]).weights(&SHAPE));
        let mut last = 0.0;
        for phase in Phase::ALL {
            for fraction in [0.5, 0.2, f64::INFINITY, 1.0] {
                let whole = meter.advance(phase, fraction);
                assert!(whole >= last && whole <= 1.0);
                last = whole;
            }
        }
        assert!((last - 1.0).abs() < 1e-9);
    }
}
