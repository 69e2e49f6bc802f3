//! Large buffers of lines that live between proofs: zeroed by the operating system, in huge pages where it has them.
//!
//! A fresh page costs about a microsecond when it is touched first, so the pages of a proof are kept for the next.
//! Huge pages also spare the lookups of addresses that the scattered reads of a multi-scalar multiplication pay for.

use std::io;

use memmap2::MmapMut;

use super::{Line, map};

/// A buffer of lines. Its memory is taken page by page, when it is touched first.
#[derive(Debug)]
pub(crate) struct Pages {
    map: MmapMut,
    length: usize,
}

impl Pages {
    /// `length` lines of zeros.
    ///
    /// # Errors
    /// The address space has no room, or the operating system refuses.
    pub(crate) fn new(length: usize) -> io::Result<Self> {
        let bytes = length
            .checked_mul(size_of::<Line>())
            .ok_or(io::ErrorKind::OutOfMemory)?;
        // A mapping cannot be empty.
        let map = MmapMut::map_anon(bytes.max(1))?;
        // Many systems give huge pages only to who asks. One that has none says so, and ordinary pages do as well.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Ok(Self { map, length })
    }

    /// Makes room for `length` lines, whose values are unspecified. Keeps what it has where that is enough.
    ///
    /// # Errors
    /// As [`new`](Self::new); then the buffer is as before.
    pub(crate) fn ensure(&mut self, length: usize) -> io::Result<()> {
        if self.length < length {
            *self = Self::new(length)?;
        }
        Ok(())
    }

    /// All lines.
    pub(crate) fn lines(&self) -> &[Line] {
        // A mapping begins at a page, so only its unused end is no line.
        let bytes = &self.map[..self.length * size_of::<Line>()];
        map::lines(bytes).unwrap_or_default()
    }

    /// All lines, to be written.
    pub(crate) fn lines_mut(&mut self) -> &mut [Line] {
        let bytes = &mut self.map[..self.length * size_of::<Line>()];
        map::lines_mut(bytes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_begin_as_zeros_and_keep_what_is_written() {
        for length in [0, 1, 63, 64, 65, 100_000] {
            let mut pages = Pages::new(length).unwrap();
            assert_eq!(pages.lines(), vec![Line::default(); length]);
            for (line, value) in pages.lines_mut().iter_mut().zip(1..) {
                line.0 = [value; 8];
            }
            assert!(
                pages
                    .lines()
                    .iter()
                    .zip(1..)
                    .all(|(line, value)| line.0 == [value; 8])
            );
        }
    }

    #[test]
    fn room_grows_and_never_shrinks() {
        let mut pages = Pages::new(10).unwrap();
        pages.lines_mut()[9].0[0] = 1;
        pages.ensure(5).unwrap();
        assert_eq!((pages.lines().len(), pages.lines()[9].0[0]), (10, 1));
        pages.ensure(1000).unwrap();
        assert_eq!(pages.lines().len(), 1000);
    }

    #[test]
    fn more_than_the_address_space_is_refused() {
        assert!(Pages::new(usize::MAX / 64).is_err());
        assert!(Pages::new(usize::MAX).is_err());
    }
}
