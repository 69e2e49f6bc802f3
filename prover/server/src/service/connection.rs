//! One client's connection: a socket that knows from the frames that pass which of its client's requests are open.
//!
//! A request is open from the end of its headers until the last byte of its answer has gone to the socket. What is above the
//! socket cannot know the latter: it hands answers over long before slow clients have taken them.

use std::collections::HashSet;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::connections::{Origin, Place};
use super::frames::{
    CONTINUATION, Content, DATA, END_HEADERS, END_STREAM, Frames, GOAWAY, HEADERS, Head, RST_STREAM,
};

/// What a client says first (RFC 9113, section 3.4).
pub(super) const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A socket with its place among the connections.
#[derive(Debug)]
pub(super) struct Connection {
    socket: TcpStream,
    place: Place,
    /// What was read of the greeting at the door, for the reader behind it.
    greeting: &'static [u8],
    heard: Frames,
    said: Frames,
    requests: Requests,
}

/// The requests of a connection by their streams.
#[derive(Debug, Default)]
struct Requests {
    open: HashSet<u32>,
    /// The newest stream.
    last: u32,
    /// The stream whose headers are not complete.
    beginning: Option<u32>,
    /// How often the client was told to go. From the second time on, new requests get no answer.
    farewells: u8,
}

impl Requests {
    fn heard(&mut self, head: Head) {
        match head.kind {
            HEADERS if head.stream > self.last => {
                self.last = head.stream;
                self.beginning = Some(head.stream);
            }
            RST_STREAM => {
                self.open.remove(&head.stream);
            }
            _ => {}
        }
        let headers = matches!(head.kind, HEADERS | CONTINUATION);
        if headers && head.flags & END_HEADERS != 0 && self.beginning == Some(head.stream) {
            self.beginning = None;
            if self.farewells < 2 {
                self.open.insert(head.stream);
            }
        }
    }

    fn said(&mut self, head: Head) {
        let ended = match head.kind {
            DATA | HEADERS => head.flags & END_STREAM != 0,
            RST_STREAM => true,
            GOAWAY => {
                self.farewells = self.farewells.saturating_add(1);
                false
            }
            _ => false,
        };
        if ended {
            self.open.remove(&head.stream);
        }
    }
}

impl Connection {
    /// A connection whose client has greeted.
    pub(super) fn new(socket: TcpStream, place: Place) -> Self {
        Self {
            socket,
            place,
            greeting: GREETING,
            heard: Frames::default(),
            said: Frames::default(),
            requests: Requests::default(),
        }
    }

    /// Which connection this is, for its requests.
    pub(super) fn origin(&self) -> Origin {
        self.place.origin()
    }

    fn heard(&mut self, bytes: &[u8]) {
        let (heard, requests) = (&mut self.heard, &mut self.requests);
        let before = requests.open.len();
        heard.follow(bytes, |head| requests.heard(head));
        if requests.open.len() != before {
            self.place.open_requests(self.requests.open.len());
        }
    }

    fn said<'a>(&mut self, parts: impl Iterator<Item = &'a [u8]>, mut written: usize) {
        let (said, requests) = (&mut self.said, &mut self.requests);
        let before = requests.open.len();
        let farewells = requests.farewells;
        let mut content = Content::None;
        for part in parts {
            let now = part.len().min(written);
            written -= now;
            if said.follow(part.split_at(now).0, |head| requests.said(head)) == Content::Some {
                content = Content::Some;
            }
        }
        if requests.open.len() != before {
            self.place.open_requests(self.requests.open.len());
        } else if content == Content::Some {
            self.place.went_on();
        }
        // The second one is said when the client has confirmed the first.
        if farewells < 2 && self.requests.farewells >= 2 {
            self.place.confirms();
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.greeting.is_empty() {
            let (now, later) = self
                .greeting
                .split_at(self.greeting.len().min(buffer.remaining()));
            buffer.put_slice(now);
            self.greeting = later;
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(context, buffer);
        self.heard(buffer.filled().split_at(before).1);
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.socket).poll_write(context, bytes))?;
        self.said(std::iter::once(bytes), written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.socket).poll_write_vectored(context, slices))?;
        self.said(slices.iter().map(|slice| &**slice), written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    /// Ends when the client has closed too: a socket that is closed before takes what the client still says for an error,
    /// and the system may then throw away what the client has not read. Where too many do so already, it is closed all the same.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.socket).poll_shutdown(context))?;
        if !self.place.ends() {
            return Poll::Ready(Ok(()));
        }
        let mut bytes = [0; 1024];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match ready!(Pin::new(&mut self.socket).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                // Whatever went wrong, it is closed.
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn head(kind: u8, flags: u8, stream: u32) -> Head {
        Head { kind, flags, stream }
    }

    #[test]
    fn a_request_is_open_from_its_headers_to_the_end_of_its_answer() {
        let mut requests = Requests::default();
        requests.heard(head(HEADERS, 0, 1));
        assert!(requests.open.is_empty());
        requests.heard(head(CONTINUATION, END_HEADERS, 1));
        requests.heard(head(HEADERS, END_HEADERS, 3));
        requests.heard(head(DATA, END_STREAM, 1));
        // The trailers of a request are no request.
        requests.heard(head(HEADERS, END_HEADERS | END_STREAM, 1));
        assert_eq!(requests.open.len(), 2);
        requests.said(head(HEADERS, END_HEADERS, 1));
        requests.said(head(DATA, 0, 1));
        assert_eq!(requests.open.len(), 2);
        requests.said(head(HEADERS, END_HEADERS | END_STREAM, 1));
        assert_eq!(requests.open.len(), 1);
        // Taken back by the client; refused by the service.
        requests.heard(head(RST_STREAM, 0, 3));
        assert!(requests.open.is_empty());
        requests.heard(head(HEADERS, END_HEADERS, 5));
        requests.said(head(RST_STREAM, 0, 5));
        assert!(requests.open.is_empty());
    }

    #[test]
    fn what_comes_after_the_last_farewell_is_not_waited_for() {
        let mut requests = Requests::default();
        requests.said(head(GOAWAY, 0, 0));
        requests.heard(head(HEADERS, END_HEADERS, 1));
        requests.said(head(GOAWAY, 0, 0));
        requests.heard(head(HEADERS, END_HEADERS, 3));
        assert_eq!(requests.open, [1].into());
    }
}
