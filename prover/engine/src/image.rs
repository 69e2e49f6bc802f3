//! Bytes that are used where they lie: those of a mapped file, or the same bytes in memory of our own.
//!
//! A key and its matrices have one form, the file's, whether they come from a file or were just made. Clones share it.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::backend::Line;
use crate::backend::map::{self, Mapping};

/// Shared read-only bytes that begin at a multiple of 64.
#[derive(Clone)]
pub(crate) struct Image {
    store: Arc<Store>,
    length: usize,
}

enum Store {
    Owned(Vec<Line>),
    Mapped(Mapping),
}

impl Image {
    /// The first `length` bytes of `lines`, or all of them where there are fewer.
    pub(crate) fn from_lines(lines: Vec<Line>, length: usize) -> Self {
        Self {
            length: length.min(map::bytes(&lines).len()),
            store: Arc::new(Store::Owned(lines)),
        }
    }

    /// A copy of `bytes`.
    pub(crate) fn copy_of(bytes: &[u8]) -> Self {
        let mut lines = vec![Line::default(); bytes.len().div_ceil(size_of::<Line>())];
        map::bytes_mut(&mut lines)[..bytes.len()].copy_from_slice(bytes);
        Self::from_lines(lines, bytes.len())
    }

    /// The first `length` bytes of a regular file.
    pub(crate) fn map(file: &File, length: usize) -> io::Result<Self> {
        let mapping = Mapping::new(file, length)?;
        Ok(Self {
            length: length.min(mapping.bytes().len()),
            store: Arc::new(Store::Mapped(mapping)),
        })
    }

    /// All of it.
    pub(crate) fn bytes(&self) -> &[u8] {
        let bytes = match &*self.store {
            Store::Owned(lines) => map::bytes(lines),
            Store::Mapped(mapping) => mapping.bytes(),
        };
        &bytes[..self.length]
    }

    /// A range of bytes as lines; `None` where it is not one of whole lines inside.
    pub(crate) fn lines(&self, range: Range<usize>) -> Option<&[Line]> {
        map::lines(self.bytes().get(range)?)
    }

    /// A range of bytes as 32-bit words; `None` where it is not one of whole words inside.
    pub(crate) fn words(&self, range: Range<usize>) -> Option<&[u32]> {
        map::words(self.bytes().get(range)?)
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let store = match &*self.store {
            Store::Owned(_) => "owned",
            Store::Mapped(_) => "mapped",
        };
        write!(f, "{} bytes, {store}", self.length)
    }
}
