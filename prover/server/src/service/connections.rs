//! Which connections there are, what they are used for, and which one leaves when a new one needs its place.
//!
//! Every connection holds memory and a file descriptor, so there are at most `service.max_connections`, and a few that leave.
//! A client that does nothing cannot keep others out with that: the least used connection leaves for a new one. It is not
//! cut: its client is told to open a new one (GOAWAY), and what is under way is answered. Only where every connection has a
//! call at work, or every one of as many as may leave, does a new one wait, and each of these calls ends by itself: a request is
//! cut after `service.request_timeout_ms`, a stream of transfers when it falls silent for as long, an answer that is not read too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

/// How long a client that was told to leave may have no request open before its connection is closed: requests that
/// it sent before it heard come in this time, and the sign that it has heard.
pub(super) const FAREWELL: Duration = Duration::from_secs(2);

/// How long nothing of an answer may be taken before the connection counts as one that can leave for another.
const STALL: Duration = Duration::from_secs(5);

/// How long a client that has greeted is given for its first request, before it can be told to leave for another.
const YOUTH: Duration = Duration::from_millis(250);

/// How much longer than a request a connection that leaves may take: its last request may have come last.
const GRACE: Duration = Duration::from_secs(5);

/// Pages and bundles that one connection has in memory at the same time; the next one is made when one is written.
pub(super) const PAGES: usize = 4;

/// What a connection is used for; the earlier leaves first, and among equals the one that has been quiet longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Usage {
    /// No request is open.
    Idle,
    /// The client has taken nothing of its answers for a while.
    Stalled,
    /// All open requests are answered so far: watches. Such a one can last for ever.
    Resting,
    /// A request is at work, or its answer is being written.
    Working,
}

/// What a connection is told; later ones overrule earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    /// Nothing.
    Stay,
    /// The service stops: no new requests, open ones may end.
    Stop,
    /// Its place is needed: no new requests, watches end at once, other open ones may end.
    MakeRoom,
    /// The connection is closed, whatever is open.
    Close,
}

/// How many connections there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Connections that have not been told to leave.
    pub(super) standing: usize,
    /// Connections that leave.
    pub(super) leaving: usize,
    /// How long a client may take nothing of its answers.
    pub(super) request_timeout: Duration,
}

/// All open connections.
#[derive(Debug)]
pub(super) struct Connections {
    limits: Limits,
    table: Mutex<Table>,
    changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Table {
    last_id: u64,
    stopping: bool,
    open: HashMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    orders: watch::Sender<Order>,
    /// When it was told to leave.
    leaving: Option<Instant>,
    /// Whether its client has confirmed that it was told to leave.
    confirmed: bool,
    /// Whether it has had a request.
    used: bool,
    /// Requests whose answers have not wholly gone to the socket.
    requests: usize,
    /// Of these, the ones that are at work.
    calls: usize,
    /// And the ones whose answers go on when there is something to say.
    resting: usize,
    /// When it came, or its use changed last.
    since: Instant,
    /// When something of an answer went to the socket, or its use changed.
    went_on: Instant,
}

/// Whether there is room for one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// There is.
    Free,
    /// Every connection has a request at work, or as many leave as may.
    None,
}

impl Connections {
    /// No connection yet, and at most so many at one time.
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            table: Mutex::default(),
            changes: watch::channel(()).0,
        })
    }

    /// Wakes up whenever room may have come or a usage has changed.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Takes a connection in: its place, and what it is told.
    pub(super) fn enter(self: &Arc<Self>) -> (Place, watch::Receiver<Order>) {
        let now = Instant::now();
        let mut table = self.table();
        table.last_id += 1;
        let id = table.last_id;
        let order = if table.stopping { Order::Stop } else { Order::Stay };
        let (orders, told) = watch::channel(order);
        let entry = Entry {
            orders,
            leaving: table.stopping.then_some(now),
            confirmed: false,
            used: false,
            requests: 0,
            calls: 0,
            resting: 0,
            since: now,
            went_on: now,
        };
        table.open.insert(id, entry);
        drop(table);
        let origin = Origin {
            connections: Arc::clone(self),
            id,
            told: told.clone(),
            pages: Arc::new(Semaphore::new(PAGES)),
        };
        (Place { origin }, told)
    }

    /// Makes room, if there is none, by telling the least used connection to leave.
    pub(super) fn make_room(&self) -> Room {
        let now = Instant::now();
        let mut table = self.table();
        let leaving = table.leaving();
        if table.open.len() - leaving < self.limits.standing {
            return Room::Free;
        }
        if leaving >= self.limits.leaving {
            // Only where many come at once, or many stay that were told to leave; else the oldest has left before.
            table.close_one_that_leaves(now);
            return Room::None;
        }
        if table.tell_least_used(now) {
            Room::Free
        } else {
            Room::None
        }
    }

    /// Gets one connection closed although there is room: the system has none.
    pub(super) fn give_one_up(&self) {
        let now = Instant::now();
        let mut table = self.table();
        if !table.close_one_that_leaves(now) && table.open.values().all(|entry| entry.leaving.is_none()) {
            table.tell_least_used(now);
        }
    }

    /// Closes what has taken too long: to leave, or to take an answer.
    pub(super) fn close_overdue(&self) {
        let now = Instant::now();
        let limit = self.limits.request_timeout;
        for entry in self.table().open.values_mut() {
            if let Some(why) = entry.overdue(now, limit) {
                tracing::debug!(requests = entry.requests, "closing a connection: {why}");
                entry.tell(Order::Close, now);
            }
        }
    }

    /// Tells every connection, and those to come, that the service stops.
    pub(super) fn stop(&self) {
        let now = Instant::now();
        let mut table = self.table();
        table.stopping = true;
        for entry in table.open.values_mut() {
            entry.tell(Order::Stop, now);
        }
    }

    /// Closes every connection.
    pub(super) fn close_all(&self) {
        let now = Instant::now();
        for entry in self.table().open.values_mut() {
            entry.tell(Order::Close, now);
        }
    }

    /// Waits until there is no connection.
    pub(super) async fn gone(&self) {
        let mut changes = self.changes();
        while !self.table().open.is_empty() {
            // The sender is in here.
            let _ = changes.changed().await;
        }
    }

    /// Requests that are open, on all connections.
    pub(super) fn requests(&self) -> usize {
        self.table().open.values().map(|entry| entry.requests).sum()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes one connection's entry, if it is still there.
    fn change(&self, id: u64, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.table().open.get_mut(&id) {
            change(entry);
            entry.since = Instant::now();
            entry.went_on = entry.since;
        }
        self.changes.send_replace(());
    }
}

impl Table {
    /// Tells the least used connection to leave, if there is one that may.
    fn tell_least_used(&mut self, now: Instant) -> bool {
        let least = self
            .open
            .values_mut()
            .filter(|entry| {
                entry.leaving.is_none() && entry.usage(now) < Usage::Working && !entry.is_young(now)
            })
            .min_by_key(|entry| (entry.usage(now), entry.since));
        let Some(entry) = least else {
            return false;
        };
        tracing::debug!(usage = ?entry.usage(now), "a connection has to leave: its place is needed");
        entry.tell(Order::MakeRoom, now);
        true
    }

    /// How many leave.
    fn leaving(&self) -> usize {
        let leaves = |entry: &&Entry| entry.leaving.is_some();
        self.open.values().filter(leaves).count()
    }

    /// Closes one that leaves, one at a time: of those without an open request the one that was told first, else of those
    /// that do nothing for leaving. False if all others have a request at work and have confirmed, or still may.
    fn close_one_that_leaves(&mut self, now: Instant) -> bool {
        if self.open.values().any(Entry::is_closed) {
            return true;
        }
        let closable = self.open.values_mut().filter_map(|entry| {
            let leaving = entry.leaving?;
            let idle = entry.usage(now) == Usage::Idle;
            (idle || entry.stays_on(now)).then_some((!idle, leaving, entry))
        });
        let Some((_, leaving, entry)) = closable.min_by_key(|(busy, leaving, _)| (*busy, *leaving)) else {
            return false;
        };
        tracing::debug!(
            usage = ?entry.usage(now),
            confirmed = entry.confirmed,
            told_before = ?now.duration_since(leaving),
            "closing a connection that leaves: its place is needed"
        );
        entry.tell(Order::Close, now);
        true
    }
}

impl Entry {
    fn usage(&self, now: Instant) -> Usage {
        if self.calls > 0 {
            Usage::Working
        } else if self.requests == 0 {
            Usage::Idle
        } else if !self.owes() {
            Usage::Resting
        } else if now.duration_since(self.went_on) >= STALL {
            Usage::Stalled
        } else {
            Usage::Working
        }
    }

    /// Whether its first request may be on its way.
    fn is_young(&self, now: Instant) -> bool {
        !self.used && now.duration_since(self.since) < YOUTH
    }

    /// Whether it was told to leave and does nothing for it: its client takes no answers, or has not confirmed in time.
    /// A few such clients would otherwise keep all places of those that leave, and with them everybody new out.
    fn stays_on(&self, now: Instant) -> bool {
        let Some(leaving) = self.leaving else {
            return false;
        };
        self.usage(now) == Usage::Stalled || !self.confirmed && now.duration_since(leaving) >= FAREWELL
    }

    fn is_closed(&self) -> bool {
        *self.orders.borrow() == Order::Close
    }

    /// Whether the client has not taken all that there is for it.
    const fn owes(&self) -> bool {
        self.requests > self.calls.saturating_add(self.resting)
    }

    fn overdue(&self, now: Instant, request_timeout: Duration) -> Option<&'static str> {
        if self.is_closed() {
            return None;
        }
        if self.owes() && now.duration_since(self.went_on) >= request_timeout {
            return Some("its client reads no answers");
        }
        let leaving = self.leaving?;
        if self.usage(now) == Usage::Idle && now.duration_since(leaving.max(self.since)) >= FAREWELL {
            return Some("it was told to leave and has no request open");
        }
        (now.duration_since(leaving) >= request_timeout + GRACE).then_some("it did not leave in time")
    }

    fn tell(&mut self, order: Order, now: Instant) {
        self.leaving.get_or_insert(now);
        self.orders.send_if_modified(|told| {
            let higher = order > *told;
            *told = order.max(*told);
            higher
        });
    }
}

/// A connection's place among the others; the socket holds it until it is closed.
#[derive(Debug)]
pub(super) struct Place {
    origin: Origin,
}

impl Place {
    /// So many requests are open.
    pub(super) fn open_requests(&self, count: usize) {
        self.origin.change(|entry| {
            entry.requests = count;
            entry.used = true;
        });
    }

    /// Something of an answer went to the socket.
    pub(super) fn went_on(&self) {
        if let Some(entry) = self.origin.connections.table().open.get_mut(&self.origin.id) {
            entry.went_on = Instant::now();
        }
    }

    /// The client has confirmed that it was told to leave.
    pub(super) fn confirms(&self) {
        if let Some(entry) = self.origin.connections.table().open.get_mut(&self.origin.id) {
            entry.confirmed = true;
        }
    }

    /// Nothing more is said or heard. False if it has to be closed at once: it stood until now, and as many leave as may. It
    /// would be counted nowhere while it waits for its client, and each costs a file descriptor.
    pub(super) fn ends(&self) -> bool {
        let connections = &self.origin.connections;
        let mut table = connections.table();
        let full = table.leaving() >= connections.limits.leaving;
        let Some(entry) = table.open.get_mut(&self.origin.id) else {
            return false;
        };
        entry.requests = 0;
        if entry.leaving.is_some() {
            return true;
        }
        if full {
            return false;
        }
        entry.leaving = Some(Instant::now());
        drop(table);
        // Its place is free.
        connections.changes.send_replace(());
        true
    }

    /// Which connection a request came on, for the requests.
    pub(super) fn origin(&self) -> Origin {
        self.origin.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.origin.connections.table().open.remove(&self.origin.id);
        self.origin.connections.changes.send_replace(());
    }
}

/// Which connection a request came on.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    connections: Arc<Connections>,
    id: u64,
    told: watch::Receiver<Order>,
    pages: Arc<Semaphore>,
}

impl Origin {
    /// Counts a request at work until it is answered or dropped.
    pub(super) fn call(&self) -> Call {
        self.change(|entry| entry.calls += 1);
        Call { origin: self.clone() }
    }

    /// Counts an answer as one that has nothing to say, until it is dropped.
    pub(super) fn rest(&self) -> Rest {
        self.change(|entry| entry.resting += 1);
        Rest { origin: self.clone() }
    }

    /// Leave to make a page.
    pub(super) fn pages(&self) -> Arc<Semaphore> {
        Arc::clone(&self.pages)
    }

    /// Waits until the connection is told to make room.
    pub(super) async fn place_needed(mut self) {
        // An error means that the connection is gone, and nobody hears what follows.
        let _ = self.told.wait_for(|order| *order >= Order::MakeRoom).await;
    }

    fn change(&self, change: impl FnOnce(&mut Entry)) {
        self.connections.change(self.id, change);
    }
}

/// A request at work, counted with its connection.
#[derive(Debug)]
pub(super) struct Call {
    origin: Origin,
}

impl Drop for Call {
    fn drop(&mut self) {
        self.origin.change(|entry| entry.calls -= 1);
    }
}

/// An answer that has nothing to say at the moment, counted with its connection.
#[derive(Debug)]
pub(super) struct Rest {
    origin: Origin,
}

impl Drop for Rest {
    fn drop(&mut self) {
        self.origin.change(|entry| entry.resting -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(30);

    fn connections(standing: usize, leaving: usize) -> Arc<Connections> {
        Connections::new(Limits {
            standing,
            leaving,
            request_timeout: TIMEOUT,
        })
    }

    /// Those that were told so much, by their place.
    fn told(entered: &[(Place, watch::Receiver<Order>)], order: Order) -> Vec<usize> {
        let told = entered.iter().map(|(_, told)| *told.borrow());
        told.enumerate()
            .filter(|(_, told)| *told == order)
            .map(|(at, _)| at)
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_least_used_one_leaves_first() {
        let all = connections(6, 6);
        let mut entered = Vec::new();
        for _ in 0..6 {
            assert_eq!(all.make_room(), Room::Free);
            entered.push(all.enter());
        }
        // 0 works, 1 has a watch, 2 takes no answer, 3 takes its answer, 4 was used after 5.
        for (place, _) in entered.iter().take(4) {
            place.open_requests(1);
        }
        let working = entered[0].0.origin().call();
        let resting = entered[1].0.origin().rest();
        tokio::time::advance(STALL).await;
        entered[3].0.went_on();
        entered[4].0.open_requests(1);
        entered[4].0.open_requests(0);
        let mut left = Vec::new();
        for expected in [5, 4, 2, 1] {
            assert_eq!(all.make_room(), Room::Free);
            left.push(expected);
            left.sort_unstable();
            assert_eq!(told(&entered, Order::MakeRoom), left);
            let (place, _) = all.enter();
            std::mem::forget(place.origin().call());
            std::mem::forget(place);
        }
        // Neither a call nor an answer that is being taken is given up.
        assert_eq!(all.make_room(), Room::None);
        drop((working, resting));
        entered[0].0.open_requests(0);
        assert_eq!(all.make_room(), Room::Free);
        assert_eq!(told(&entered, Order::MakeRoom), [0, 1, 2, 4, 5]);
        assert!(told(&entered, Order::Close).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_leaves_has_time_as_long_as_a_request_is_open_and_others_can_wait() {
        let all = connections(1, 2);
        let mut entered = vec![all.enter()];
        // One that has just come is not sent away: its first request may be on its way.
        assert_eq!(all.make_room(), Room::None);
        for _ in 0..2 {
            tokio::time::advance(YOUTH).await;
            assert_eq!(all.make_room(), Room::Free);
            entered.push(all.enter());
        }
        tokio::time::advance(YOUTH).await;
        // The first one's last request came after it was told.
        entered[0].0.open_requests(1);
        let call = entered[0].0.origin().call();
        assert_eq!(told(&entered, Order::MakeRoom), [0, 1]);
        // No more may leave at the same time, so one has to be gone: the one without a request.
        for _ in 0..2 {
            assert_eq!(all.make_room(), Room::None);
            assert_eq!(told(&entered, Order::Close), [1]);
        }
        drop(entered.remove(1));
        assert_eq!(all.make_room(), Room::Free);
        assert_eq!(told(&entered, Order::MakeRoom), [0, 1]);
        entered.push(all.enter());
        tokio::time::advance(FAREWELL).await;
        all.close_overdue();
        assert_eq!(told(&entered, Order::Close), [1]);
        drop(call);
        entered[0].0.open_requests(0);
        all.close_overdue();
        assert_eq!(told(&entered, Order::Close), [1]);
        tokio::time::advance(FAREWELL).await;
        all.close_overdue();
        assert_eq!(told(&entered, Order::Close), [0, 1]);
        // The one that stands was told nothing.
        assert_eq!(told(&entered, Order::Stay), [2]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_takes_and_a_leave_without_end_are_cut() {
        let all = connections(3, 3);
        let entered: Vec<_> = (0..3).map(|_| all.enter()).collect();
        // 0 takes nothing, 1 takes a little, 2 has a call that does not end.
        for (place, _) in &entered {
            place.open_requests(1);
        }
        let call = entered[2].0.origin().call();
        tokio::time::advance(TIMEOUT - Duration::from_millis(1)).await;
        entered[1].0.went_on();
        tokio::time::advance(Duration::from_millis(1)).await;
        all.close_overdue();
        assert_eq!(told(&entered, Order::Close), [0]);
        all.stop();
        assert_eq!(all.requests(), 3);
        tokio::time::advance(TIMEOUT + GRACE).await;
        all.close_overdue();
        assert_eq!(told(&entered, Order::Close), [0, 1, 2]);
        drop((call, entered));
        all.gone().await;
        // Who comes later is told at once.
        assert_eq!(*all.enter().1.borrow(), Order::Stop);
    }

    /// Takes another one in, where all have been there long enough to leave.
    fn another(all: &Arc<Connections>, entered: &mut Vec<(Place, watch::Receiver<Order>)>) {
        assert_eq!(all.make_room(), Room::Free);
        entered.push(all.enter());
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_confirm_keeps_nobody_out() {
        let all = connections(1, 2);
        let mut entered = vec![all.enter()];
        let mut calls = Vec::new();
        // Both that were told to leave have begun a request since; the first one's client has confirmed.
        for at in 0..2 {
            tokio::time::advance(YOUTH).await;
            another(&all, &mut entered);
            entered[at].0.open_requests(1);
            calls.push(entered[at].0.origin().call());
        }
        entered[0].0.confirms();
        // The one that stands is idle, but the other may still confirm.
        tokio::time::advance(FAREWELL.checked_sub(Duration::from_millis(1)).unwrap()).await;
        assert_eq!(all.make_room(), Room::None);
        assert!(told(&entered, Order::Close).is_empty());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(all.make_room(), Room::None);
        assert_eq!(told(&entered, Order::Close), [1]);
        drop(calls.pop());
        drop(entered.remove(1));
        another(&all, &mut entered);
        assert_eq!(told(&entered, Order::MakeRoom), [0, 1]);
        assert!(told(&entered, Order::Close).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_no_answer_keeps_nobody_out() {
        let all = connections(2, 1);
        let mut entered = vec![all.enter(), all.enter()];
        entered[0].0.open_requests(1);
        entered[1].0.open_requests(1);
        tokio::time::advance(STALL).await;
        entered[1].0.went_on();
        another(&all, &mut entered);
        entered[0].0.confirms();
        assert_eq!(told(&entered, Order::MakeRoom), [0]);
        // It has gone on a moment ago, so it stays for now; the one that stands is idle.
        entered[0].0.went_on();
        tokio::time::advance(YOUTH).await;
        assert_eq!(all.make_room(), Room::None);
        assert!(told(&entered, Order::Close).is_empty());
        tokio::time::advance(STALL).await;
        assert_eq!(all.make_room(), Room::None);
        assert_eq!(told(&entered, Order::Close), [0]);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_ends_lingers_only_where_it_is_counted() {
        let all = connections(2, 2);
        let mut entered = Vec::new();
        for lingers in [true, true, false] {
            another(&all, &mut entered);
            let (place, _) = &entered[entered.len() - 1];
            let mut changes = all.changes();
            assert_eq!(place.ends(), lingers);
            // Who waits at the door hears of the place.
            assert_eq!(changes.has_changed().unwrap(), lingers);
            changes.mark_unchanged();
            // Asked again, it is the same one.
            assert_eq!(place.ends(), lingers);
        }
        drop(entered.pop());
        // One that was told to leave has its place among those that leave.
        drop(entered.remove(0));
        for _ in 0..2 {
            entered.push(all.enter());
            tokio::time::advance(YOUTH).await;
        }
        another(&all, &mut entered);
        assert_eq!(told(&entered, Order::MakeRoom), [1]);
        assert!(entered[1].0.ends());
        assert!(!entered[2].0.ends());
    }
}
