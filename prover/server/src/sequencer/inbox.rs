//! What waits for the sequencer's thread: bounded, in order of arrival.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{Admitted, Enrolled, Single, SubmitError, WholeResult, WholeSubmission};
use crate::store::NewPriority;

/// Requests that wait for the thread. A request holds at most [`super::CHUNK`] operations or one batch; who comes later
/// waits without a place, in order.
const PLACES: usize = 256;

/// The requests that wait.
#[derive(Debug)]
pub(super) struct Inbox {
    queue: Mutex<Queue>,
    changed: Condvar,
    places: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Placed>,
    nudged: bool,
    closed: bool,
}

/// A request with its place, which is free again once the request is dropped.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) request: Request,
    _place: OwnedSemaphorePermit,
}

/// What the thread is asked to do. A dropped sender of an answer means that the thread failed.
#[derive(Debug)]
pub(super) enum Request {
    /// Accept operations, in order, up to the first that is refused.
    Singles {
        items: Vec<Single>,
        answer: oneshot::Sender<Admitted>,
    },
    /// Enter operations of the root chain's queue, in order, up to the first that is refused.
    Priority {
        items: Vec<NewPriority>,
        answer: oneshot::Sender<Result<Enrolled, SubmitError>>,
    },
    /// Execute a batch.
    Whole {
        submission: Box<WholeSubmission>,
        answer: oneshot::Sender<Result<WholeResult, SubmitError>>,
    },
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            queue: Mutex::default(),
            changed: Condvar::new(),
            places: Arc::new(Semaphore::new(PLACES)),
        }
    }

    /// Puts a request in, as soon as there is a place.
    pub(super) async fn put(&self, request: Request) -> Result<(), SubmitError> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_| SubmitError::Stopping)?;
        let mut queue = self.lock();
        if queue.closed {
            return Err(SubmitError::Stopping);
        }
        queue.waiting.push_back(Placed {
            request,
            _place: place,
        });
        drop(queue);
        self.changed.notify_all();
        Ok(())
    }

    /// Waits for requests, until the deadline or a nudge, and takes them in order until they hold `items` operations.
    /// `None` once the inbox is closed and empty.
    pub(super) fn take(&self, deadline: Option<Instant>, items: usize) -> Option<Vec<Request>> {
        let mut queue = self.lock();
        while queue.waiting.is_empty() && !queue.nudged {
            if queue.closed {
                return None;
            }
            queue = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                Some(time) if time.is_zero() => break,
                Some(time) => {
                    self.changed
                        .wait_timeout(queue, time)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
                None => self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
        queue.nudged = false;
        let mut taken = Vec::new();
        let mut held = 0;
        while held < items
            && let Some(placed) = queue.waiting.pop_front()
        {
            held += match &placed.request {
                Request::Singles { items, .. } => items.len(),
                Request::Priority { items, .. } => items.len(),
                Request::Whole { submission, .. } => submission.operations.len(),
            };
            taken.push(placed.request);
        }
        Some(taken)
    }

    /// Lets [`Inbox::take`] return: something that it does not know about has changed.
    pub(super) fn nudge(&self) {
        self.lock().nudged = true;
        self.changed.notify_all();
    }

    /// Takes no further request; those that wait are still given out.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.places.close();
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // The queue is consistent between any two statements, so a panic elsewhere leaves it usable.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn request() -> (Request, oneshot::Receiver<Admitted>) {
        let (answer, answered) = oneshot::channel();
        let items = Vec::new();
        (Request::Singles { items, answer }, answered)
    }

    #[tokio::test]
    async fn places_are_bounded_and_a_closed_inbox_is_emptied() {
        let inbox = Arc::new(Inbox::new());
        for _ in 0..PLACES {
            inbox.put(request().0).await.unwrap();
        }
        let late = tokio::spawn({
            let inbox = Arc::clone(&inbox);
            async move { inbox.put(request().0).await }
        });
        tokio::task::yield_now().await;
        assert!(!late.is_finished());
        inbox.close();
        assert!(matches!(late.await.unwrap(), Err(SubmitError::Stopping)));
        assert!(matches!(inbox.put(request().0).await, Err(SubmitError::Stopping)));
        assert_eq!(inbox.take(None, 1).unwrap().len(), PLACES);
        assert!(inbox.take(None, 1).is_none());
    }

    #[test]
    fn a_nudge_and_a_deadline_wake_the_thread() {
        let inbox = Inbox::new();
        inbox.nudge();
        assert!(inbox.take(None, 1).unwrap().is_empty());
        let soon = Instant::now() + Duration::from_millis(5);
        assert!(inbox.take(Some(soon), 1).unwrap().is_empty());
        assert!(Instant::now() >= soon);
    }
}
