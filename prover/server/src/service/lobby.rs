//! Where connections wait whose clients have not greeted yet, or have and wait for a place.
//!
//! One that waits costs a file descriptor and little memory, so many may, and those that say nothing keep no place from
//! those that speak. Where even the lobby is full, the one goes that has said nothing for longest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

/// How long one that has just come is left alone: its greeting may be there, and not be read yet.
const YOUTH: Duration = Duration::from_millis(100);

/// The lobby.
#[derive(Debug)]
pub(super) struct Lobby {
    limit: usize,
    guests: Mutex<Guests>,
    changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Guests {
    last_id: u64,
    /// By their arrival. One that was told to go counts until it has gone.
    waiting: BTreeMap<u64, Manner>,
}

/// What somebody who waits has done.
#[derive(Debug)]
enum Manner {
    /// Nothing since it came; with the word to go.
    Silent(Instant, oneshot::Sender<()>),
    /// It was told to go.
    Told,
    /// It has greeted, and waits for a place.
    Greeted,
}

impl Lobby {
    /// An empty lobby for so many.
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            guests: Mutex::default(),
            changes: watch::channel(()).0,
        })
    }

    /// Waits until there is room for one more; makes it, where somebody waits who says nothing.
    pub(super) async fn room(&self) {
        let mut changes = self.changes.subscribe();
        loop {
            if self.guests().waiting.len() < self.limit {
                return;
            }
            self.give_one_up();
            // Either somebody goes, or somebody has been there long enough to be sent away.
            let _ = tokio::time::timeout(YOUTH, changes.changed()).await;
        }
    }

    /// Sends away who has said nothing for longest, one at a time; false if there is nobody.
    pub(super) fn give_one_up(&self) -> bool {
        let mut guests = self.guests();
        if guests
            .waiting
            .values()
            .any(|manner| matches!(manner, Manner::Told))
        {
            return true;
        }
        let silent =
            |manner: &&mut Manner| matches!(manner, Manner::Silent(since, _) if since.elapsed() >= YOUTH);
        let Some(manner) = guests.waiting.values_mut().find(silent) else {
            return false;
        };
        if let Manner::Silent(_, go) = std::mem::replace(manner, Manner::Told) {
            tracing::debug!("closing a connection: its client says nothing, and others wait");
            // One that has gone meanwhile needs no telling.
            let _ = go.send(());
        }
        true
    }

    /// Takes somebody in: the place, and the word to go.
    pub(super) fn enter(self: &Arc<Self>) -> (Guest, oneshot::Receiver<()>) {
        let (go, told) = oneshot::channel();
        let mut guests = self.guests();
        guests.last_id += 1;
        let id = guests.last_id;
        guests.waiting.insert(id, Manner::Silent(Instant::now(), go));
        drop(guests);
        let lobby = Arc::clone(self);
        (Guest { lobby, id }, told)
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the lobby, until it is dropped.
#[derive(Debug)]
pub(super) struct Guest {
    lobby: Arc<Lobby>,
    id: u64,
}

impl Guest {
    /// It has greeted, so it is not sent away any more; false if it was, a moment ago.
    pub(super) fn greeted(&self) -> bool {
        match self.lobby.guests().waiting.get_mut(&self.id) {
            Some(manner @ Manner::Silent(..)) => {
                *manner = Manner::Greeted;
                true
            }
            _ => false,
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.lobby.guests().waiting.remove(&self.id);
        self.lobby.changes.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_goes_and_who_has_greeted_stays() {
        let lobby = Lobby::new(3);
        let (greeted, mut greeted_told) = lobby.enter();
        assert!(greeted.greeted());
        let (first, mut first_told) = lobby.enter();
        let (second, mut second_told) = lobby.enter();
        let room = |lobby: &Arc<Lobby>| {
            let lobby = Arc::clone(lobby);
            tokio::spawn(async move { lobby.room().await })
        };
        let came = Instant::now();
        let waiting = room(&lobby);
        (&mut first_told).await.unwrap();
        assert!(came.elapsed() >= YOUTH);
        assert!(greeted_told.try_recv().is_err() && second_told.try_recv().is_err());
        // Too late.
        assert!(!first.greeted());
        // Its place is free when it has gone.
        assert!(lobby.give_one_up() && second_told.try_recv().is_err());
        assert!(!waiting.is_finished());
        drop(first);
        waiting.await.unwrap();
        let (third, _) = lobby.enter();
        assert!(second.greeted() && third.greeted());
        assert!(!lobby.give_one_up());
        let waiting = room(&lobby);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(third);
        waiting.await.unwrap();
    }
}
