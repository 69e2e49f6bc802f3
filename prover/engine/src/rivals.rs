//! Other libraries on the engine's own inputs: what benchmarks compare with. Nothing that proves uses it.
//!
//! A rival gets what the engine gets (matrices, assignment, key, r and s; points and scalars; values), in the types that it
//! computes with, made before the clock starts, and as many threads. Results are compared, so that nobody is
//! timed at something else.

mod groth16;
#[cfg(feature = "halo2curves")]
mod halo2;
mod kernels;
mod setup;

use std::time::Duration;

pub use groth16::{ArkGroth16, RivalError, Round, Side};
pub use kernels::{Direction, Group, KernelError, Library, Msm, Ntt, Sum, Transformed};
pub use setup::{ArkSetup, SetupRivalError, SetupRound};

use crate::Stopwatch;

/// What one piece of work cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Time on the clock.
    pub wall: Duration,
    /// CPU time of the whole process meanwhile, all threads of all pools together.
    pub cpu: Duration,
}

impl Cost {
    /// Does `work` and takes its time.
    pub fn of<T>(work: impl FnOnce() -> T) -> (Self, T) {
        let stopwatch = Stopwatch::start();
        let result = work();
        let (wall, cpu) = stopwatch.elapsed();
        (Self { wall, cpu }, result)
    }

    /// The median of the wall times and, apart from it, of the CPU times. Zero for no costs; of an even number, the
    /// upper of the two in the middle.
    #[must_use]
    pub fn median(costs: &[Self]) -> Self {
        let middle = |time: fn(&Self) -> Duration| {
            let mut times: Vec<Duration> = costs.iter().map(time).collect();
            times.sort_unstable();
            times.get(times.len() / 2).copied().unwrap_or_default()
        };
        Self {
            wall: middle(|cost| cost.wall),
            cpu: middle(|cost| cost.cpu),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_taken_of_wall_and_cpu_apart() {
        let cost = |wall, cpu| Cost {
            wall: Duration::from_secs(wall),
            cpu: Duration::from_secs(cpu),
        };
        let costs = [cost(3, 4), cost(1, 9), cost(2, 7)];
        assert_eq!(Cost::median(&costs), cost(2, 7));
        assert_eq!(Cost::median(&[]), cost(0, 0));
    }
}
