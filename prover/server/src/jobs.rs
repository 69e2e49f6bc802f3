//! Which proof is made when: a queue in the order of batch numbers, one proof at a time, and the events of all of them.
//!
//! The store says what there is to do; this is its copy in memory, filled at the start and after each execution.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use quittance_engine::{CancelFlag, Phase};
use quittance_verifier::Shape;
use tokio::sync::broadcast;

use crate::batch::{Batch, Stage};
use crate::progress::{CostModel, Meter, Progress};

/// Events that a slow watcher may be behind before it misses some; it then goes on with the newest. A proof makes at most
/// a few hundred.
const EVENTS: usize = 1024;

/// Least time between two events of one phase, so that a fast phase does not flood the watchers.
const EVENT_INTERVAL: Duration = Duration::from_millis(40);

/// The queue of proofs.
#[derive(Debug)]
pub struct Jobs {
    queue: Mutex<Queue>,
    changed: Condvar,
    events: broadcast::Sender<Progress>,
    costs: Arc<CostModel>,
    settled: Hook,
}

/// Who wants to know that a batch waits for its proof no longer.
#[derive(Default)]
struct Hook(OnceLock<Box<dyn Fn() + Send + Sync>>);

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hook").field(&self.0.get().is_some()).finish()
    }
}

#[derive(Debug, Default)]
struct Queue {
    waiting: BTreeMap<u32, Shape>,
    active: Option<Active>,
    closed: bool,
}

#[derive(Debug)]
struct Active {
    number: u32,
    shape: Shape,
    stop: CancelFlag,
    meter: Meter,
    phase: Option<Phase>,
    phase_fraction: f64,
    began: Instant,
    last_event: Instant,
}

/// A proof that the prover has taken up.
#[derive(Clone, Debug)]
pub struct Job {
    /// Batch number.
    pub number: u32,
    /// Raised when the proof is not wanted any more.
    pub stop: CancelFlag,
}

impl Jobs {
    /// An empty queue.
    #[must_use]
    pub fn new(costs: Arc<CostModel>) -> Self {
        Self {
            queue: Mutex::default(),
            changed: Condvar::new(),
            events: broadcast::channel(EVENTS).0,
            costs,
            settled: Hook::default(),
        }
    }

    /// Has `tell` called whenever a batch was announced that waits for its proof no longer; only the first one is.
    pub fn on_settled(&self, tell: impl Fn() + Send + Sync + 'static) {
        drop(self.settled.0.set(Box::new(tell)));
    }

    /// The cost model behind fractions and expected times.
    #[must_use]
    pub fn costs(&self) -> &CostModel {
        &self.costs
    }

    /// Queues the proof of a batch; a second time changes nothing.
    pub fn enqueue(&self, number: u32, shape: Shape) {
        self.lock().waiting.insert(number, shape);
        self.changed.notify_all();
    }

    /// Takes a batch off the queue and stops the work of its proof.
    pub fn cancel(&self, number: u32) {
        let mut queue = self.lock();
        queue.waiting.remove(&number);
        if let Some(active) = &queue.active
            && active.number == number
        {
            active.stop.cancel();
        }
    }

    /// Whether the proof of a batch waits for the prover.
    #[must_use]
    pub fn is_waiting(&self, number: u32) -> bool {
        self.lock().waiting.contains_key(&number)
    }

    /// Waits for the next proof to make; `None` once the queue is closed.
    pub fn take(&self) -> Option<Job> {
        let mut queue = self.lock();
        loop {
            if queue.closed {
                return None;
            }
            if let Some((number, shape)) = queue.waiting.pop_first() {
                let stop = CancelFlag::default();
                let now = Instant::now();
                queue.active = Some(Active {
                    number,
                    shape,
                    stop: stop.clone(),
                    meter: Meter::new(self.costs.weights(&shape)),
                    phase: None,
                    phase_fraction: 0.0,
                    began: now,
                    last_event: now,
                });
                return Some(Job { number, stop });
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until the queue is closed, but no longer than `time`; gives whether it is.
    pub fn wait_closed(&self, time: Duration) -> bool {
        let queue = self.lock();
        self.changed
            .wait_timeout_while(queue, time, |queue| !queue.closed)
            .unwrap_or_else(PoisonError::into_inner)
            .0
            .closed
    }

    /// Gives out no further proof; the one at work goes on.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Stops the proof at work, if there is one.
    pub fn stop_active(&self) {
        if let Some(active) = &self.lock().active {
            active.stop.cancel();
        }
    }

    /// The prover has ended the proof at work, in whatever way.
    pub fn release(&self) {
        self.lock().active = None;
    }

    /// Notes how far a phase of the proof at work is and tells the watchers, unless it was just told.
    pub fn phase(&self, phase: Phase, fraction: f64) {
        let mut queue = self.lock();
        let Some(active) = &mut queue.active else {
            return;
        };
        active.meter.advance(phase, fraction);
        let now = Instant::now();
        let news = active.phase != Some(phase) || fraction >= 1.0;
        active.phase = Some(phase);
        active.phase_fraction = fraction;
        if news || now.duration_since(active.last_event) >= EVENT_INTERVAL {
            active.last_event = now;
            let progress = self.of_active(active);
            drop(queue);
            self.publish(progress);
        }
    }

    /// Tells the watchers that a batch has moved.
    pub fn announce(&self, batch: &Batch) {
        self.publish(self.progress(batch));
        if !batch.stage.is_active()
            && let Some(tell) = self.settled.0.get()
        {
            tell();
        }
    }

    /// Where a stored batch stands, with what the queue knows about it.
    #[must_use]
    pub fn progress(&self, batch: &Batch) -> Progress {
        let queue = self.lock();
        let mut progress = match &queue.active {
            Some(active) if active.number == batch.number && batch.stage == Stage::Proving => {
                self.of_active(active)
            }
            _ => Progress {
                number: batch.number,
                stage: batch.stage,
                phase: None,
                phase_fraction: 0.0,
                fraction: if batch.stage == Stage::Proved { 1.0 } else { 0.0 },
                eta: None,
                queue_ahead: 0,
                failure: String::new(),
            },
        };
        if batch.stage == Stage::Executed {
            let ahead = queue.waiting.range(..batch.number);
            // The prover may have taken this very batch up a moment ago.
            let other = queue
                .active
                .as_ref()
                .filter(|active| active.number != batch.number);
            progress.queue_ahead = ahead.clone().count() + usize::from(other.is_some());
            let own = self.costs.expected(&batch.shape);
            let at_work = match other {
                Some(active) => self.remaining(active),
                None => Some(Duration::ZERO),
            };
            progress.eta = ahead
                .map(|(_, shape)| self.costs.expected(shape))
                .fold(own.zip(at_work).map(|(own, rest)| own + rest), |sum, next| {
                    sum.zip(next).map(|(sum, next)| sum + next)
                });
        }
        progress.failure.clone_from(&batch.failure);
        progress
    }

    /// Events from now on, of all batches.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Progress> {
        self.events.subscribe()
    }

    fn publish(&self, progress: Progress) {
        // Nobody watching is no error.
        let _ = self.events.send(progress);
    }

    fn of_active(&self, active: &Active) -> Progress {
        Progress {
            number: active.number,
            stage: Stage::Proving,
            phase: active.phase,
            phase_fraction: active.phase_fraction,
            fraction: active.meter.fraction(),
            eta: self.remaining(active),
            queue_ahead: 0,
            failure: String::new(),
        }
    }

    /// Expected rest of the proof at work: the expected whole less the done part, corrected by this proof's own pace
    /// the more of it is done.
    fn remaining(&self, active: &Active) -> Option<Duration> {
        let expected = self.costs.expected(&active.shape)?.as_secs_f64();
        let done = active.meter.fraction();
        let elapsed = active.began.elapsed().as_secs_f64();
        let by_pace = if done > 0.0 { elapsed / done } else { expected };
        let whole = expected * (1.0 - done) + by_pace * done;
        Duration::try_from_secs_f64((whole * (1.0 - done)).max(0.0)).ok()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // The queue is consistent between any two statements, so a panic elsewhere leaves it usable.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::PhaseTime;

    const SHAPE: Shape = Shape {
        levels: 2,
        transfers: 2,
        fee_slots: 1,
    };

    fn jobs() -> Jobs {
        let plan = PhaseTime {
            phase: Phase::H,
            wall_us: 10_000_000,
        };
        Jobs::new(Arc::new(CostModel::new([(SHAPE, vec![plan])])))
    }

    #[test]
    fn proofs_come_in_the_order_of_batches_and_once() {
        let jobs = jobs();
        for number in [3, 1, 2, 3] {
            jobs.enqueue(number, SHAPE);
        }
        for number in 1..=3 {
            assert_eq!(jobs.take().unwrap().number, number);
            jobs.release();
        }
        jobs.close();
        assert!(jobs.take().is_none());
        assert!(jobs.wait_closed(Duration::from_secs(60)));
    }

    #[test]
    fn cancelling_stops_the_work_or_takes_it_off_the_queue() {
        let jobs = jobs();
        jobs.enqueue(1, SHAPE);
        jobs.enqueue(2, SHAPE);
        let job = jobs.take().unwrap();
        jobs.cancel(2);
        assert!(!job.stop.is_cancelled());
        jobs.cancel(1);
        assert!(job.stop.is_cancelled());
        jobs.release();
        jobs.close();
        assert!(jobs.take().is_none());
    }

    #[test]
    fn events_name_every_phase_and_do_not_flood() {
        let jobs = jobs();
        let mut events = jobs.subscribe();
        jobs.enqueue(1, SHAPE);
        jobs.take().unwrap();
        for phase in Phase::ALL {
            for step in 0..=1000 {
                jobs.phase(phase, f64::from(step) / 1000.0);
            }
        }
        let mut seen = Vec::new();
        let mut count = 0;
        while let Ok(event) = events.try_recv() {
            count += 1;
            if seen.last() != event.phase.as_ref() {
                seen.extend(event.phase);
            }
            assert!(event.eta.is_some());
        }
        assert_eq!(seen, Phase::ALL);
        assert!(count < 100, "{count}");
    }
}
