//! How far a benchmark is, on stderr: a bar on a terminal, lines elsewhere. Nothing ticks while something is timed.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use super::super::output::note;

/// Steps of a benchmark.
pub(super) struct Steps {
    bar: Option<ProgressBar>,
}

impl Steps {
    /// So many steps, none begun.
    pub(super) fn new(count: usize) -> Self {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(count));
        if let (Some(bar), Ok(style)) = (
            &bar,
            ProgressStyle::with_template("{bar:40} {pos:>3}/{len}  {msg}"),
        ) {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// A step begins.
    pub(super) fn begin(&self, what: impl std::fmt::Display) {
        match &self.bar {
            Some(bar) => {
                bar.set_message(what.to_string());
                bar.inc(1);
            }
            None => note(what),
        }
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
