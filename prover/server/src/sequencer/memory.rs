//! Whether a proof will find its memory: asked before a batch is executed that a client submits as a whole.

use std::fmt;

use quittance_engine::Shortage;
use quittance_verifier::Shape;

/// What knows about the prover's memory.
pub struct MemoryCheck(Box<Check>);

type Check = dyn Fn(&Shape) -> Result<(), Shortage> + Send;

impl MemoryCheck {
    /// Asks `check` about each batch.
    pub fn new(check: impl Fn(&Shape) -> Result<(), Shortage> + Send + 'static) -> Self {
        Self(Box::new(check))
    }

    /// Whether a proof of this shape finds its memory now.
    pub(super) fn ask(&self, shape: &Shape) -> Result<(), Shortage> {
        (self.0)(shape)
    }
}

impl fmt::Debug for MemoryCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCheck").finish_non_exhaustive()
    }
}
