//! The frames of HTTP/2, as far as their heads say which requests are open (RFC 9113, section 4.1).

/// Bytes of a frame's head: 3 of length, big-endian, then kind, flags and 4 of the stream.
const HEAD_BYTES: usize = 9;

/// Kinds of frames that matter here.
pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const GOAWAY: u8 = 7;
pub(super) const CONTINUATION: u8 = 9;

/// On DATA and HEADERS: nothing follows on this stream.
pub(super) const END_STREAM: u8 = 0x1;
/// On HEADERS and CONTINUATION: the headers are complete.
pub(super) const END_HEADERS: u8 = 0x4;

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

/// Follows one direction of a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Frames {
    head: [u8; HEAD_BYTES],
    /// Bytes of the head that are there.
    filled: usize,
    /// Bytes of the payload that are still to come.
    left: usize,
}

/// Whether bytes were part of a request or an answer, and not only of what keeps a connection going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// They were.
    Some,
    /// Pings, settings, windows.
    None,
}

impl Frames {
    /// Goes on with the next bytes and tells of each frame whose last byte is among them.
    pub(super) fn follow(&mut self, mut bytes: &[u8], mut complete: impl FnMut(Head)) -> Content {
        let mut content = Content::None;
        while !bytes.is_empty() {
            if self.filled < HEAD_BYTES {
                let taken = bytes.len().min(HEAD_BYTES - self.filled);
                let (now, later) = bytes.split_at(taken);
                for (slot, byte) in self.head.iter_mut().skip(self.filled).zip(now) {
                    *slot = *byte;
                }
                self.filled += taken;
                bytes = later;
                if self.filled < HEAD_BYTES {
                    break;
                }
                let [a, b, c, ..] = self.head;
                self.left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            }
            let taken = bytes.len().min(self.left);
            self.left -= taken;
            bytes = bytes.split_at(taken).1;
            let head = self.head();
            if matches!(head.kind, DATA | HEADERS | CONTINUATION) {
                content = Content::Some;
            }
            if self.left == 0 {
                self.filled = 0;
                complete(head);
            }
        }
        content
    }

    fn head(&self) -> Head {
        let [_, _, _, kind, flags, a, b, c, d] = self.head;
        Head {
            kind,
            flags,
            // The first bit means nothing.
            stream: u32::from_be_bytes([a & 0x7f, b, c, d]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_however_the_bytes_are_cut() {
        let bytes = [
            &[0, 0, 3, HEADERS, END_HEADERS, 0x80, 0, 0, 1, 7, 7, 7][..],
            &[0, 0, 0, 4, 1, 0, 0, 0, 0],
            &[0, 1, 0, DATA, END_STREAM, 0, 1, 0, 3],
            &[9; 256],
        ]
        .concat();
        let head = |kind, flags, stream| Head { kind, flags, stream };
        let expected = [
            head(HEADERS, END_HEADERS, 1),
            head(4, 1, 0),
            head(DATA, END_STREAM, 0x1_0003),
        ];
        for size in 1..=bytes.len() {
            let mut frames = Frames::default();
            let mut found = Vec::new();
            for part in bytes.chunks(size) {
                frames.follow(part, |head| found.push(head));
            }
            assert_eq!(found, expected, "{size}");
        }
        let mut frames = Frames::default();
        assert_eq!(frames.follow(&bytes[..12], |_| ()), Content::Some);
        assert_eq!(frames.follow(&bytes[12..21], |_| ()), Content::None);
        // The last byte is missing.
        frames.follow(&bytes[21..bytes.len() - 1], |head| panic!("{head:?}"));
    }
}
