//! The door: takes connections in, as many as there may be, and goes on after the system refused one.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

use super::connection::Connection;
use super::connections::{Connections, Room, SETTLING};

/// Pause after the system refused a connection: what it lacks, such as file descriptors, does not come back at once, and
/// asking without a pause costs a core.
const PAUSE: Duration = Duration::from_millis(100);

/// The connections of a listener. It is closed as soon as the stream is dropped.
pub(super) fn incoming(
    listener: TcpListener,
    connections: Arc<Connections>,
) -> impl Stream<Item = Result<Connection, Infallible>> {
    // One that is ready waits for nothing but its turn.
    let (sender, receiver) = mpsc::channel(1);
    let door = Door {
        listener,
        connections,
        full: false,
    };
    tokio::spawn(door.stand_open(sender));
    ReceiverStream::new(receiver).map(Ok)
}

#[derive(Debug)]
struct Door {
    listener: TcpListener,
    connections: Arc<Connections>,
    /// Whether it was said that there is no room; said once until there is.
    full: bool,
}

impl Door {
    async fn stand_open(mut self, sender: mpsc::Sender<Connection>) {
        let gone = sender.clone();
        tokio::select! {
            () = self.take_in(sender) => {}
            () = gone.closed() => {}
        }
    }

    async fn take_in(&mut self, sender: mpsc::Sender<Connection>) {
        loop {
            let socket = self.accept().await;
            // A new connection gets its place only when it is there, and the next ones wait in the system's queue: they
            // cost nothing there, and come in as soon as a call has ended.
            self.room().await;
            let (place, closed) = self.connections.enter();
            if sender.send(Connection::new(socket, place, closed)).await.is_err() {
                return;
            }
        }
    }

    /// The next connection. What the system refuses is said once until it accepts again.
    async fn accept(&self) -> TcpStream {
        let mut refused = false;
        loop {
            match self.listener.accept().await {
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
                    if !refused {
                        refused = true;
                        tracing::warn!(%error, "no connection is accepted: the system refuses; idle ones are closed");
                    }
                    self.connections.give_one_up();
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Waits until there is room for one more.
    async fn room(&mut self) {
        let mut changes = self.connections.changes();
        let mut waited = false;
        loop {
            match self.connections.make_room() {
                Room::Free => break,
                Room::Soon => {}
                Room::None if !self.full => {
                    self.full = true;
                    tracing::warn!(
                        "service.max_connections is reached and each has a request at work: new ones wait"
                    );
                }
                Room::None => {}
            }
            waited = true;
            // Either something changes, or something has settled meanwhile.
            let _ = tokio::time::timeout(SETTLING, changes.changed()).await;
        }
        if !waited {
            self.full = false;
        }
    }
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
