//! How a caller stops a proof and hears how far it is.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Phase, Progress};

/// A flag that cancels a proof from any thread. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// A flag that is not raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the flag; it stays up.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the flag is up.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a caller hands to a proof in progress: a flag that it may raise, and what to call with the progress.
///
/// The callback runs on the thread that called the engine or on a proving thread, never on two at once and under no lock, and delays
/// the proof as long as it takes. Shares that come up while it runs are told by the last of them.
#[derive(Clone, Default)]
pub struct Control<'a> {
    cancel: CancelFlag,
    progress: Option<&'a (dyn Fn(Progress) + Send + Sync)>,
}

impl<'a> Control<'a> {
    /// Honours `cancel`, reports nothing. `Control::default()` does neither.
    #[must_use]
    pub fn new(cancel: CancelFlag) -> Self {
        Self {
            cancel,
            progress: None,
        }
    }

    /// The same control, calling `progress` at the start of each phase and after each chunk of its work.
    #[must_use]
    pub fn with_progress(self, progress: &'a (dyn Fn(Progress) + Send + Sync)) -> Self {
        Self {
            progress: Some(progress),
            ..self
        }
    }

    /// Whether the work should end.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Calls the callback, if there is one.
    pub(crate) fn report(&self, phase: Phase, fraction: f64) {
        if let Some(progress) = self.progress {
            progress(Progress::new(phase, fraction));
        }
    }
}

impl fmt::Debug for Control<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("cancel", &self.cancel)
            .field("progress", &self.progress.is_some())
            .finish()
    }
}
