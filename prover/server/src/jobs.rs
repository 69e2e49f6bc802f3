//! Which proof is made when: a queue in the order of batch numbers, one proof at a time, and the events of all of them.
//!
//! A batch that finds too little memory lets others pass, which may need less. It is the first again as soon as its pause is over, so
//! that it waits for at most the one proof that is at work then; and since no proof is at work when it is looked at, nothing that has
//! passed it has the memory that it needs.
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
    waiting: BTreeMap<u32, Waiting>,
    active: Option<Active>,
    closed: bool,
    /// Number of the last event.
    sequence: u64,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    shape: Shape,
    /// When a batch that lets others pass is the next one again.
    not_before: Option<Instant>,
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
    /// Whether it lacked memory when it was taken up before.
    pub postponed: bool,
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
        let not_before = None;
        self.lock().waiting.insert(number, Waiting { shape, not_before });
        self.changed.notify_all();
    }

    /// Queues the proof of a batch again that cannot be made now: others pass it for so long, and until the proof that is at work then
    /// has ended.
    pub fn postpone(&self, number: u32, shape: Shape, pause: Duration) {
        let not_before = Some(Instant::now() + pause);
        self.lock().waiting.insert(number, Waiting { shape, not_before });
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
            let now = Instant::now();
            if let Some((number, shape, postponed)) = queue.next(now) {
                let stop = CancelFlag::default();
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
                return Some(Job {
                    number,
                    postponed,
                    stop,
                });
            }
            let postponed = queue.waiting.values().filter_map(|waiting| waiting.not_before);
            queue = match postponed.min() {
                Some(time) => {
                    let pause = time.saturating_duration_since(now);
                    let waited = self.changed.wait_timeout(queue, pause);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
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
            let progress = self.of_active(active, 0);
            self.publish(&mut queue, progress);
        }
    }

    /// Tells the watchers that a batch has moved.
    pub fn announce(&self, batch: &Batch) {
        let progress = self.progress(batch, 0);
        self.publish(&mut self.lock(), progress);
        if !batch.stage.is_active()
            && let Some(tell) = self.settled.0.get()
        {
            tell();
        }
    }

    /// Number of the last event so far.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.lock().sequence
    }

    /// Where a stored batch stands, with what the queue knows about it. `read_after` is the number of an event before which
    /// the batch was not read: later events tell what this may not know yet.
    #[must_use]
    pub fn progress(&self, batch: &Batch, read_after: u64) -> Progress {
        let queue = self.lock();
        let mut progress = match &queue.active {
            Some(active) if active.number == batch.number && batch.stage == Stage::Proving => {
                self.of_active(active, queue.sequence)
            }
            _ => Progress {
                sequence: read_after,
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
            let postponed = |waiting: &Waiting| waiting.not_before.is_some();
            let ahead = queue.waiting.range(..batch.number);
            let ahead = ahead.filter(|(_, waiting)| !postponed(waiting));
            // The prover may have taken this very batch up a moment ago.
            let other = queue
                .active
                .as_ref()
                .filter(|active| active.number != batch.number);
            progress.queue_ahead = ahead.clone().count() + usize::from(other.is_some());
            // Nobody knows when a batch finds its memory.
            let own = match queue.waiting.get(&batch.number) {
                Some(waiting) if postponed(waiting) => None,
                _ => self.costs.expected(&batch.shape),
            };
            let at_work = match other {
                Some(active) => self.remaining(active),
                None => Some(Duration::ZERO),
            };
            progress.eta = ahead
                .map(|(_, waiting)| self.costs.expected(&waiting.shape))
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

    /// Sends the next event; under the queue's lock, so that events are sent in the order of their numbers.
    fn publish(&self, queue: &mut Queue, progress: Progress) {
        queue.sequence += 1;
        let sequence = queue.sequence;
        // Nobody watching is no error.
        let _ = self.events.send(Progress { sequence, ..progress });
    }

    fn of_active(&self, active: &Active, sequence: u64) -> Progress {
        Progress {
            sequence,
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

impl Queue {
    /// Takes the first batch out that is not to be passed now.
    fn next(&mut self, now: Instant) -> Option<(u32, Shape, bool)> {
        let mut waiting = self.waiting.iter();
        let (&number, &Waiting { shape, not_before }) =
            waiting.find(|(_, waiting)| waiting.not_before.is_none_or(|time| time <= now))?;
        self.waiting.remove(&number);
        Some((number, shape, not_before.is_some()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::PhaseTime;

    const SHAPE: Shape = Shape::transfers_only(2, 2, 1);

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
    fn a_postponed_batch_lets_others_pass_and_is_the_first_again() {
        const LONG: Duration = Duration::from_secs(3600);
        let jobs = jobs();
        let take = || {
            let number = jobs.take().unwrap().number;
            jobs.release();
            number
        };
        jobs.postpone(1, SHAPE, LONG);
        jobs.enqueue(3, SHAPE);
        jobs.enqueue(2, SHAPE);
        assert_eq!((take(), take()), (2, 3));
        // The pause is over: it comes before all that are later, however many there are.
        jobs.postpone(1, SHAPE, Duration::ZERO);
        jobs.enqueue(4, SHAPE);
        jobs.enqueue(5, SHAPE);
        assert_eq!((take(), take(), take()), (1, 4, 5));
        // It is waited for when there is nothing else to do.
        jobs.postpone(1, SHAPE, Duration::from_millis(1));
        jobs.postpone(2, SHAPE, LONG);
        assert_eq!(take(), 1);
        // It is cancelled, queued anew and dropped at the end like all others.
        assert!(jobs.is_waiting(2));
        jobs.cancel(2);
        assert!(!jobs.is_waiting(2));
        jobs.postpone(3, SHAPE, LONG);
        jobs.enqueue(3, SHAPE);
        assert_eq!(take(), 3);
        jobs.postpone(1, SHAPE, Duration::ZERO);
        jobs.close();
        assert!(jobs.take().is_none());
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
            assert_eq!(event.sequence, count);
            if seen.last() != event.phase.as_ref() {
                seen.extend(event.phase);
            }
            assert!(event.eta.is_some());
        }
        assert_eq!(seen, Phase::ALL);
        assert!(count < 100, "{count}");
        assert_eq!(jobs.sequence(), count);
    }
}
