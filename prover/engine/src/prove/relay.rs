//! Progress of tasks on several threads, told to one callback.
//!
//! The callback is called on one thread at a time and in order, but under no lock: it may wait for work of the same threads. A
//! thread that waits there takes up another task of the proof and has something to report itself, which it leaves to
//! the call that is under way.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Control, Phase};

/// Takes what tasks report, and passes it on.
pub(super) struct Relay<'a, T> {
    control: &'a Control<'a>,
    state: Mutex<State<T>>,
}

struct State<T> {
    known: T,
    reports: Reports,
    /// Whether some thread is passing reports on.
    busy: bool,
}

/// Reports that are not passed on yet.
#[derive(Debug, Default)]
pub(super) struct Reports(VecDeque<(Phase, f64)>);

impl Reports {
    /// Of the shares of a phase that were not passed on, only the last one matters; its start is always reported.
    pub(super) fn push(&mut self, phase: Phase, share: f64) {
        match self.0.back_mut() {
            Some((last, known)) if *last == phase && *known > 0.0 => *known = share,
            _ => self.0.push_back((phase, share)),
        }
    }
}

impl<'a, T> Relay<'a, T> {
    /// `known` is what decides about reports.
    pub(super) fn new(control: &'a Control<'a>, known: T) -> Self {
        let state = State {
            known,
            reports: Reports::default(),
            busy: false,
        };
        let state = Mutex::new(state);
        Self { control, state }
    }

    /// Changes what is known and passes on what is to be reported, unless a call is under way: that one will.
    pub(super) fn pass(&self, change: impl FnOnce(&mut T, &mut Reports)) {
        let mut state = self.lock();
        let State { known, reports, .. } = &mut *state;
        change(known, reports);
        if state.busy {
            return;
        }
        state.busy = true;
        while let Some((phase, share)) = state.reports.0.pop_front() {
            drop(state);
            self.control.report(phase, share);
            state = self.lock();
        }
        state.busy = false;
    }

    /// What is known at the end.
    pub(super) fn into_inner(self) -> T {
        let state = self.state.into_inner();
        state.unwrap_or_else(PoisonError::into_inner).known
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_that_wait_are_told_by_the_last_of_them() {
        let heard = Mutex::new(Vec::new());
        let report = |progress: crate::Progress| {
            heard.lock().unwrap().push((progress.phase, progress.fraction));
        };
        let control = Control::default().with_progress(&report);
        let relay = Relay::new(&control, 0);
        relay.pass(|calls, reports| {
            *calls += 1;
            for (phase, share) in [
                (Phase::L, 0.0),
                (Phase::L, 0.25),
                (Phase::L, 0.5),
                (Phase::L, 1.0),
                (Phase::A, 0.0),
                (Phase::A, 0.5),
            ] {
                reports.push(phase, share);
            }
        });
        relay.pass(|calls, reports| {
            *calls += 1;
            reports.push(Phase::A, 0.75);
        });
        assert_eq!(relay.into_inner(), 2);
        let expected = [
            (Phase::L, 0.0),
            (Phase::L, 1.0),
            (Phase::A, 0.0),
            (Phase::A, 0.5),
            (Phase::A, 0.75),
        ];
        assert_eq!(heard.into_inner().unwrap(), expected);
    }
}
