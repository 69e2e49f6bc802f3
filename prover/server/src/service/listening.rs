//! The door: takes connections in, waits until their clients greet and there is a place for them, and goes on after the system
//! refused one.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, oneshot, watch};
use tokio::time::Instant;

use super::connection::{Connection, GREETING};
use super::connections::{Connections, Order, Place, Room};
use super::lobby::Lobby;

/// Pause after the system refused a connection: what it lacks, such as file descriptors, does not come back at once, and
/// asking without a pause costs a core.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a client may take to say that it speaks HTTP/2. Every client says so with its first packet.
const GREETING_TIME: Duration = Duration::from_secs(5);

/// How often it is looked for room that comes with time and not with an event.
const LOOK: Duration = Duration::from_millis(100);

/// How often at most the same warning is said: in a flood, what it tells of can come and go many times in a second.
const REPEAT: Duration = Duration::from_secs(10);

/// When a warning was said last.
#[derive(Debug, Default)]
struct Said(std::sync::Mutex<Option<Instant>>);

impl Said {
    /// Whether it is to be said now.
    fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| last.elapsed() >= REPEAT);
        if due {
            *last = Some(Instant::now());
        }
        due
    }
}

/// The door, shared by those who wait at it.
#[derive(Debug)]
pub(super) struct Door {
    connections: Arc<Connections>,
    lobby: Arc<Lobby>,
    /// Held by the one whose turn it is; the others get theirs in the order of their greetings.
    turn: Mutex<()>,
    /// Whether it was said that there is no room; said once until there is.
    full: AtomicBool,
    full_said: Said,
    refused_said: Said,
}

impl Door {
    /// The door to these connections, with a lobby for so many.
    pub(super) fn new(connections: Arc<Connections>, lobby: usize) -> Arc<Self> {
        Arc::new(Self {
            connections,
            lobby: Lobby::new(lobby),
            turn: Mutex::default(),
            full: AtomicBool::new(false),
            full_said: Said::default(),
            refused_said: Said::default(),
        })
    }

    /// Takes connections in until the service stops, and has each that gets a place served.
    pub(super) async fn stand_open<F>(
        self: Arc<Self>,
        listener: TcpListener,
        mut stopping: watch::Receiver<bool>,
        serve: impl Fn(Connection, watch::Receiver<Order>) -> F + Clone + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        loop {
            let (stop, door, serve) = (stopping.clone(), Arc::clone(&self), serve.clone());
            let come = async {
                self.lobby.room().await;
                self.accept(&listener).await
            };
            let socket = tokio::select! {
                socket = come => socket,
                () = stopped(&mut stopping) => return,
            };
            // Before anything else: the next look at the lobby has to see it.
            let (guest, told) = self.lobby.enter();
            tokio::spawn(async move {
                let mut stop = stop;
                let admitted = async {
                    let socket = greeted(socket, told).await.filter(|_| guest.greeted())?;
                    let (place, orders) = door.place().await;
                    Some((Connection::new(socket, place), orders))
                };
                let admitted = tokio::select! {
                    admitted = admitted => admitted,
                    () = stopped(&mut stop) => None,
                };
                drop(guest);
                if let Some((connection, orders)) = admitted {
                    serve(connection, orders).await;
                }
            });
        }
    }

    /// The next connection. What the system refuses is said once until it accepts again.
    async fn accept(&self, listener: &TcpListener) -> TcpStream {
        let mut refused = false;
        loop {
            match listener.accept().await {
                Ok((socket, _)) => {
                    if refused {
                        tracing::info!("connections are accepted again");
                    }
                    // Messages are small, and somebody waits for each; without it, they are only later.
                    if let Err(error) = socket.set_nodelay(true) {
                        tracing::debug!(%error, "no TCP_NODELAY");
                    }
                    return socket;
                }
                Err(error) if of_the_client(&error) => {
                    tracing::debug!(%error, "a client left before it was accepted");
                }
                Err(error) => {
                    if !refused && self.refused_said.is_due() {
                        refused = true;
                        tracing::warn!(%error, "no connection is accepted: the system refuses; idle ones are closed");
                    }
                    if !self.lobby.give_one_up() {
                        self.connections.give_one_up();
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Waits for a place, in turn.
    async fn place(&self) -> (Place, watch::Receiver<Order>) {
        let _turn = self.turn.lock().await;
        let mut changes = self.connections.changes();
        let mut waited = false;
        while self.connections.make_room() == Room::None {
            waited = true;
            // Only one at a time is here.
            if !self.full.load(Ordering::Relaxed) && self.full_said.is_due() {
                self.full.store(true, Ordering::Relaxed);
                tracing::warn!(
                    "service.max_connections is reached, and no connection can leave now: new ones wait"
                );
            }
            let _ = tokio::time::timeout(LOOK, changes.changed()).await;
        }
        if !waited {
            self.full.store(false, Ordering::Relaxed);
        }
        self.connections.enter()
    }
}

/// The socket of a client that says in time that it speaks HTTP/2, and was not told to go before.
async fn greeted(mut socket: TcpStream, told: oneshot::Receiver<()>) -> Option<TcpStream> {
    let mut said = [0; GREETING.len()];
    let heard = tokio::select! {
        heard = tokio::time::timeout(GREETING_TIME, socket.read_exact(&mut said)) => heard,
        _ = told => return None,
    };
    match heard {
        Ok(Ok(_)) if said == GREETING => Some(socket),
        Ok(_) => {
            tracing::debug!("closing a connection: its client does not speak HTTP/2, or has left");
            None
        }
        Err(_) => {
            tracing::debug!("closing a connection: its client says nothing");
            None
        }
    }
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that the signal's task is gone, which is the end as well.
    drop(stopping.wait_for(|stop| *stop).await);
}

/// Whether this is about one client and says nothing about the next.
fn of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            | io::ErrorKind::TimedOut
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_warning_is_said_once_in_a_while() {
        let said = Said::default();
        assert!(said.is_due());
        tokio::time::advance(REPEAT.checked_sub(Duration::from_millis(1)).unwrap()).await;
        assert!(!said.is_due());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(said.is_due());
        assert!(!said.is_due());
    }
}
