//! One client's connection: a socket that closes when it is told to, and when its client does not begin to speak.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::Sleep;
use tonic::transport::server::Connected;

use super::connections::{Origin, Place};

/// How long a client may take to say that it speaks HTTP/2. Every client says so with its first packet.
const GREETING_TIME: Duration = Duration::from_secs(5);
/// Bytes of what a client says first (RFC 9113, section 3.4).
const GREETING_BYTES: usize = 24;

/// A socket with its place among the connections.
#[derive(Debug)]
pub(super) struct Connection {
    socket: TcpStream,
    place: Place,
    /// None once the word has come.
    closed: Option<oneshot::Receiver<()>>,
    /// None once the greeting is there.
    greeting: Option<Greeting>,
}

#[derive(Debug)]
struct Greeting {
    missing: usize,
    deadline: Pin<Box<Sleep>>,
}

impl Connection {
    /// A connection that closes as soon as `closed` says so.
    pub(super) fn new(socket: TcpStream, place: Place, closed: oneshot::Receiver<()>) -> Self {
        let greeting = Greeting {
            missing: GREETING_BYTES,
            deadline: Box::pin(tokio::time::sleep(GREETING_TIME)),
        };
        Self {
            socket,
            place,
            closed: Some(closed),
            greeting: Some(greeting),
        }
    }

    /// An error as soon as the connection was told to close. Reading and writing both ask, because a client that reads
    /// nothing stops the one, and a client that says nothing the other.
    fn still_open(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if let Some(closed) = &mut self.closed {
            if Pin::new(closed).poll(context).is_pending() {
                return Ok(());
            }
            self.closed = None;
        }
        Err(io::ErrorKind::ConnectionAborted.into())
    }

    /// Takes note of what was read while the greeting is not there.
    fn heard(&mut self, bytes: usize, context: &mut Context<'_>) -> io::Result<()> {
        let Some(greeting) = &mut self.greeting else {
            return Ok(());
        };
        greeting.missing = greeting.missing.saturating_sub(bytes);
        if greeting.missing == 0 {
            self.greeting = None;
            self.place.greeted();
        } else if greeting.deadline.as_mut().poll(context).is_ready() {
            tracing::debug!("closing a connection: its client says nothing");
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.still_open(context)?;
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(context, buffer);
        let bytes = buffer.filled().len().saturating_sub(before);
        self.heard(bytes, context)?;
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.still_open(context)?;
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.still_open(context)?;
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

impl Connected for Connection {
    type ConnectInfo = Origin;

    fn connect_info(&self) -> Origin {
        self.place.origin()
    }
}
