//! What a proof cost, and how it is measured.

use std::time::{Duration, Instant};

use rayon::ThreadPool;

use crate::Phase;

/// Times of one phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseTime {
    /// The phase.
    pub phase: Phase,
    /// Time on the clock.
    pub wall: Duration,
    /// CPU time of the proving threads, all together; zero where the system does not tell.
    pub cpu: Duration,
}

/// Times of the phases of one proof, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProofReport {
    /// One entry for each phase that the engine ran: all of [`Phase::ALL`] but `Witness`.
    pub phases: Vec<PhaseTime>,
}

impl ProofReport {
    /// Time on the clock of all phases.
    #[must_use]
    pub fn wall(&self) -> Duration {
        self.phases.iter().map(|phase| phase.wall).sum()
    }

    /// CPU time of the proving threads over all phases.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        self.phases.iter().map(|phase| phase.cpu).sum()
    }
}

/// Reads the clock and the CPU time of a pool's threads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopwatch {
    wall: Instant,
    cpu: Duration,
}

impl Stopwatch {
    pub(super) fn start(pool: &ThreadPool) -> Self {
        Self {
            cpu: cpu_time(pool),
            wall: Instant::now(),
        }
    }

    /// The time since the start; the stopwatch starts again.
    pub(super) fn lap(&mut self, pool: &ThreadPool, phase: Phase) -> PhaseTime {
        let wall = self.wall.elapsed();
        let now = Self::start(pool);
        let cpu = now.cpu.saturating_sub(self.cpu);
        *self = now;
        PhaseTime { phase, wall, cpu }
    }
}

/// Every thread is asked for its own clock: the process' clock would count the service's other work.
fn cpu_time(pool: &ThreadPool) -> Duration {
    pool.broadcast(|_| thread_cpu_time()).into_iter().sum()
}

#[cfg(unix)]
fn thread_cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(not(unix))]
fn thread_cpu_time() -> Duration {
    Duration::ZERO
}
