//! What a proof costs before it is made: memory from the lengths of the engine's own buffers, time from its own counts of work and the
//! rates of this machine. `docs/costs.md` has both beside measurements.

mod memory;
mod size;
#[cfg(test)]
mod tests;
mod time;

pub use self::memory::MemoryPlan;
pub(crate) use self::memory::workspace_bytes;
pub use self::size::CircuitSize;

use crate::memory::{self as system, Shortage};
use crate::msm::{G1, G2, Group, typical_bits};
use crate::{Calibration, Engine, ProofReport};

/// Lists that share the assignment, in G1 and in G2.
const QUERIES: [usize; 2] = [3, 1];

/// What a proof will cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Memory of the process.
    pub memory: MemoryPlan,
    /// Times of the phases that the engine runs, in their order, where nothing else wants the processor.
    pub time: ProofReport,
}

impl Engine {
    /// What a proof of a circuit of this size costs on this engine's backend and threads. Of the time, a quarter may be missing or too
    /// much, of the memory 15 % from 2^16 rows up.
    #[must_use]
    pub fn plan(&self, size: &CircuitSize, calibration: &Calibration) -> Plan {
        Plan {
            memory: self.plan_memory(size),
            time: time::predict(&size.clamped(), calibration),
        }
    }

    /// The memory alone, which needs no calibration.
    #[must_use]
    pub fn plan_memory(&self, size: &CircuitSize) -> MemoryPlan {
        MemoryPlan::new(self.backend(), self.threads(), &size.clamped())
    }

    /// Whether a process that holds a key of this size and makes a proof finds the memory: the least of what the system has
    /// ([`memory::available`](crate::memory::available)) and of this engine's limit. A system that does not tell has enough. It is
    /// answered as if no other proof was at work: a proof itself looks again.
    ///
    /// Like a proof itself it goes by the most that an assignment can take, whichever of its values are 0 and 1. What the plan
    /// expects is less.
    ///
    /// # Errors
    /// [`Shortage`].
    pub fn check_memory(&self, size: &CircuitSize) -> Result<(), Shortage> {
        self.check_available(self.plan_memory(&size.at_most()).peak_bytes())
    }

    /// Whether the process may come to hold so many bytes.
    pub(crate) fn check_available(&self, needed: u64) -> Result<(), Shortage> {
        match self.available_memory() {
            Some(available) if available < needed => Err(Shortage { needed, available }),
            _ => Ok(()),
        }
    }

    /// Bytes that the process may hold: the least of what the system says and of this engine's limit; `None` where neither is known.
    #[must_use]
    pub fn available_memory(&self) -> Option<u64> {
        system::available().into_iter().chain(self.memory_limit()).min()
    }
}

impl CircuitSize {
    /// Bits of an assignment's values: a sample.
    fn assignment_bits(&self) -> Vec<u32> {
        typical_bits(self.booleans as f64 / self.variables.max(1) as f64)
    }

    /// Points and weights of the lists that share the assignment: L, A, B1, B2.
    fn queries(&self) -> [(usize, u32); 4] {
        [
            (memory::to_usize(self.l_points()), G1::WEIGHT),
            (memory::to_usize(self.a_points), G1::WEIGHT),
            (memory::to_usize(self.b_points), G1::WEIGHT),
            (memory::to_usize(self.b_points), G2::WEIGHT),
        ]
    }
}
