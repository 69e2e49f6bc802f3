//! What a proof cost, and how it is measured.

use std::time::{Duration, Instant};

use crate::Phase;

/// Times of one phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseTime {
    /// The phase.
    pub phase: Phase,
    /// Time on the clock.
    pub wall: Duration,
    /// CPU time of the whole process meanwhile, all threads together: other work of the process counts, if there
    /// is any. Zero where the system does not tell.
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

    /// CPU time of the process over all phases.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        self.phases.iter().map(|phase| phase.cpu).sum()
    }
}

/// Reads the clock and the process' CPU time, for phases that run outside the engine, too.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    wall: Instant,
    cpu: Duration,
}

impl Stopwatch {
    /// A stopwatch that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            wall: Instant::now(),
            cpu: cpu_time(),
        }
    }

    /// Wall time and CPU time of the process since the start.
    #[must_use]
    pub fn elapsed(&self) -> (Duration, Duration) {
        Self::start().since(self)
    }

    /// Wall time and CPU time of the process from the start of `earlier` to the start of this one; zero where that is later.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> (Duration, Duration) {
        (
            self.wall.saturating_duration_since(earlier.wall),
            self.cpu.saturating_sub(earlier.cpu),
        )
    }

    /// The time since the start; the stopwatch starts again.
    pub fn lap(&mut self, phase: Phase) -> PhaseTime {
        let last = std::mem::replace(self, Self::start());
        PhaseTime {
            phase,
            wall: self.wall.saturating_duration_since(last.wall),
            cpu: self.cpu.saturating_sub(last.cpu),
        }
    }
}

/// The whole process': arkworks' multi-scalar multiplication starts threads of its own, which asking the pool's
/// threads would miss.
#[cfg(unix)]
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(not(unix))]
fn cpu_time() -> Duration {
    Duration::ZERO
}
