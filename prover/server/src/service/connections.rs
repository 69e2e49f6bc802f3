//! Which connections there are, what they are used for, and which one goes when a new one needs its place.
//!
//! Every connection holds memory and a file descriptor, so there are at most `service.max_connections`. A client that
//! does nothing cannot keep others out with that: the least used connection is closed for a new one. Only where every
//! connection has a call at work does a new one wait, and each of these calls ends by itself: a request is cut after
//! `service.request_timeout_ms`, a stream of transfers when it falls silent for as long.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

/// How long a client that has not begun to speak counts as one that is about to: in a crowd, newcomers would else close each
/// other's connections.
const YOUTH: Duration = Duration::from_secs(1);

/// How long an answer may take to be written after its request counts as ended: so long no connection is closed for another.
pub(super) const SETTLING: Duration = Duration::from_millis(100);

/// What a connection is used for; the earlier goes first, and among equals the one that has been quiet longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Usage {
    /// It is not new, and has not said that it speaks HTTP/2.
    Silent,
    /// No request is open.
    Idle,
    /// All open requests are answered, as far as the client reads: a watch, say. Such a one can last for ever.
    Answering,
    /// A request is at work.
    Working,
}

/// All open connections.
#[derive(Debug)]
pub(super) struct Connections {
    limit: NonZeroUsize,
    table: Mutex<Table>,
    changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Table {
    last_id: u64,
    open: HashMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    /// Tells the connection to close; none if it was told.
    close: Option<oneshot::Sender<()>>,
    greeted: bool,
    calls: usize,
    answers: usize,
    /// When it came, or its use changed last.
    since: Instant,
}

/// Whether there is room for one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// There is.
    Free,
    /// There will be as soon as one that was told to close has done so.
    Soon,
    /// Every connection has a request at work, or had one a moment ago.
    None,
}

impl Connections {
    /// No connection yet, and at most so many at one time.
    pub(super) fn new(limit: NonZeroUsize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            table: Mutex::default(),
            changes: watch::channel(()).0,
        })
    }

    /// Wakes up whenever room may have come or a usage has changed.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Takes a connection in: its place, and the word to close.
    pub(super) fn enter(self: &Arc<Self>) -> (Place, oneshot::Receiver<()>) {
        let (close, closed) = oneshot::channel();
        let mut table = self.table();
        table.last_id += 1;
        let id = table.last_id;
        let entry = Entry {
            close: Some(close),
            greeted: false,
            calls: 0,
            answers: 0,
            since: Instant::now(),
        };
        table.open.insert(id, entry);
        let connections = Arc::clone(self);
        (Place { connections, id }, closed)
    }

    /// Makes room by telling the least used connection to close, one at a time.
    pub(super) fn make_room(&self) -> Room {
        let mut table = self.table();
        if table.open.len() < self.limit.get() {
            return Room::Free;
        }
        table.close_least_used()
    }

    /// Tells the least used connection to close although there is room: the system has none.
    pub(super) fn give_one_up(&self) {
        self.table().close_least_used();
    }

    /// Tells every connection to close whose client has not begun to speak.
    pub(super) fn close_silent(&self) {
        self.close(|entry| !entry.greeted);
    }

    /// Tells every connection to close that has no request open, and had none for so long.
    pub(super) fn close_idle(&self, quiet: Duration) {
        let now = Instant::now();
        self.close(|entry| entry.usage(now) <= Usage::Idle && now.duration_since(entry.since) >= quiet);
    }

    /// Tells every connection to close.
    pub(super) fn close_all(&self) {
        self.close(|_| true);
    }

    fn close(&self, which: impl Fn(&Entry) -> bool) {
        for entry in self.table().open.values_mut() {
            if which(entry) {
                entry.close();
            }
        }
    }

    /// Requests that are open, on all connections.
    pub(super) fn requests(&self) -> usize {
        let table = self.table();
        table.open.values().map(|entry| entry.calls + entry.answers).sum()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes one connection's entry, if it is still there.
    fn change(&self, id: u64, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.table().open.get_mut(&id) {
            change(entry);
            entry.since = Instant::now();
        }
        self.changes.send_replace(());
    }
}

impl Table {
    fn close_least_used(&mut self) -> Room {
        if self.open.values().any(|entry| entry.close.is_none()) {
            return Room::Soon;
        }
        let now = Instant::now();
        let least = self
            .open
            .values_mut()
            .filter(|entry| entry.usage(now) < Usage::Working && entry.settled(now))
            .min_by_key(|entry| (entry.usage(now), entry.since));
        let Some(entry) = least else {
            return Room::None;
        };
        tracing::debug!(usage = ?entry.usage(now), "closing a connection: its place is needed");
        entry.close();
        Room::Soon
    }
}

impl Entry {
    fn usage(&self, now: Instant) -> Usage {
        match (self.greeted, self.calls, self.answers) {
            (false, ..) if now.duration_since(self.since) >= YOUTH => Usage::Silent,
            (_, 0, 0) => Usage::Idle,
            (_, 0, _) => Usage::Answering,
            _ => Usage::Working,
        }
    }

    /// Whether nothing of an answer can still be on its way to the socket.
    fn settled(&self, now: Instant) -> bool {
        !self.greeted || now.duration_since(self.since) >= SETTLING
    }

    fn close(&mut self) {
        if let Some(close) = self.close.take() {
            // One that has gone meanwhile needs no telling.
            let _ = close.send(());
        }
    }
}

/// A connection's place among the others; the socket holds it until it is closed.
#[derive(Debug)]
pub(super) struct Place {
    connections: Arc<Connections>,
    id: u64,
}

impl Place {
    /// The client has said that it speaks HTTP/2.
    pub(super) fn greeted(&self) {
        self.connections.change(self.id, |entry| entry.greeted = true);
    }

    /// Which connection a request came on, for the requests.
    pub(super) fn origin(&self) -> Origin {
        Origin {
            connections: Arc::clone(&self.connections),
            id: self.id,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.table().open.remove(&self.id);
        self.connections.changes.send_replace(());
    }
}

/// Which connection a request came on.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    connections: Arc<Connections>,
    id: u64,
}

impl Origin {
    /// Counts a request until it is dropped.
    pub(super) fn request(self) -> OpenRequest {
        self.connections.change(self.id, |entry| entry.calls += 1);
        OpenRequest {
            origin: self,
            answered: false,
        }
    }
}

/// An open request, counted with its connection.
#[derive(Debug)]
pub(super) struct OpenRequest {
    origin: Origin,
    answered: bool,
}

impl OpenRequest {
    /// From now on only the answer's body is under way.
    pub(super) fn answered(&mut self) {
        self.answered = true;
        self.origin.connections.change(self.origin.id, |entry| {
            entry.calls -= 1;
            entry.answers += 1;
        });
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let answered = self.answered;
        self.origin.connections.change(self.origin.id, |entry| {
            if answered {
                entry.answers -= 1;
            } else {
                entry.calls -= 1;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn connections(limit: usize) -> Arc<Connections> {
        Connections::new(NonZeroUsize::new(limit).unwrap())
    }

    async fn later() {
        tokio::time::advance(Duration::from_millis(1)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_new_is_not_yet_called_silent() {
        let all = connections(2);
        let (idle, mut idle_closed) = all.enter();
        idle.greeted();
        tokio::time::advance(SETTLING).await;
        let (_silent, mut silent_closed) = all.enter();
        assert_eq!(all.make_room(), Room::Soon);
        assert_eq!(
            (idle_closed.try_recv().is_ok(), silent_closed.try_recv().is_ok()),
            (true, false)
        );
        drop(idle);
        let (idle, mut idle_closed) = all.enter();
        idle.greeted();
        tokio::time::advance(YOUTH).await;
        assert_eq!(all.make_room(), Room::Soon);
        assert_eq!(
            (idle_closed.try_recv().is_ok(), silent_closed.try_recv().is_ok()),
            (false, true)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_least_used_one_goes_first_and_one_at_a_time() {
        let all = connections(6);
        let mut entered = Vec::new();
        for _ in 0..6 {
            assert_eq!(all.make_room(), Room::Free);
            entered.push(Some(all.enter()));
            later().await;
        }
        let place = |entered: &[Option<(Place, _)>], at: usize| entered[at].as_ref().unwrap().0.origin();
        // 0 works, 1 answers, 2 was used after 3, 4 and 5 are silent.
        for at in [0, 1, 3, 2] {
            entered[at].as_ref().unwrap().0.greeted();
            later().await;
        }
        tokio::time::advance(YOUTH).await;
        let working = place(&entered, 0).request();
        let mut answering = place(&entered, 1).request();
        answering.answered();
        drop(place(&entered, 3).request());
        later().await;
        drop(place(&entered, 2).request());
        tokio::time::advance(SETTLING).await;
        for expected in [4, 5, 3, 2, 1] {
            assert_eq!(all.make_room(), Room::Soon);
            // Asked again, it waits for the one that was told.
            assert_eq!(all.make_room(), Room::Soon);
            let told: Vec<usize> = (0..6)
                .filter(|at| {
                    let entered = entered[*at].as_mut();
                    entered.is_some_and(|(_, closed)| closed.try_recv().is_ok())
                })
                .collect();
            assert_eq!(told, [expected]);
            entered[expected] = Some(all.enter());
            entered[expected].as_ref().unwrap().0.greeted();
            std::mem::forget(place(&entered, expected).request());
        }
        assert_eq!(all.make_room(), Room::None);
        drop(working);
        // Its answer may still be on the way.
        assert_eq!(all.make_room(), Room::None);
        tokio::time::advance(SETTLING).await;
        assert_eq!(all.make_room(), Room::Soon);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_counted_until_they_are_dropped_or_their_connection_is_gone() {
        let all = connections(1);
        let (place, _closed) = all.enter();
        place.greeted();
        let mut first = place.origin().request();
        let second = place.origin().request();
        first.answered();
        assert_eq!(all.requests(), 2);
        drop(second);
        assert_eq!(all.requests(), 1);
        drop(place);
        assert_eq!((all.requests(), all.make_room()), (0, Room::Free));
        drop(first);
        assert_eq!(all.requests(), 0);
    }
}
