//! Large buffers that live between proofs: pages of the operating system's own, zeroed by it when they are touched first.
//!
//! A fresh page costs up to a microsecond, so the pages of a proof are kept for the next; they are touched by the threads that use
//! them, not by the one that asks for the buffer. A buffer that is dropped gives its pages back at once, where an allocator would
//! keep tens of megabytes: a cancelled proof leaves nothing behind.
//!
//! Huge pages are not asked for. On the machines that were measured, proofs of 2^18 and 2^20 rows took the same CPU time with them,
//! and the first one, whose pages are fresh, half a second more at 2^20.

use std::alloc::{Layout, handle_alloc_error};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::AtomicU32;

use memmap2::MmapMut;

use super::Line;

/// What a buffer can hold.
///
/// # Safety
/// Any bytes make a value, zeros among them. It has no padding, is not dropped and is aligned to at most a page.
pub(crate) unsafe trait Plain: Send + Sync {}

// SAFETY: eight words, `repr(C)`, 64-byte aligned.
unsafe impl Plain for Line {}
// SAFETY: as the lines in it, which lie side by side.
unsafe impl<const LINES: usize> Plain for [Line; LINES] {}
// SAFETY: an integer.
unsafe impl Plain for i16 {}
// SAFETY: an integer.
unsafe impl Plain for u32 {}
// SAFETY: as the integer in it.
unsafe impl Plain for AtomicU32 {}

/// A buffer of plain values. Its memory is taken page by page, when it is touched first.
pub(crate) struct Pages<T: Plain> {
    /// Nothing for no values: a mapping cannot be empty.
    map: Option<MmapMut>,
    length: usize,
    values: PhantomData<T>,
}

impl<T: Plain> Default for Pages<T> {
    fn default() -> Self {
        Self {
            map: None,
            length: 0,
            values: PhantomData,
        }
    }
}

impl<T: Plain> Pages<T> {
    /// `length` zeros. Ends the process where there is no room in the address space, as a vector does.
    pub(crate) fn zeros(length: usize) -> Self {
        let Ok(layout) = Layout::array::<T>(length) else {
            handle_alloc_error(Layout::new::<T>());
        };
        if layout.size() == 0 {
            return Self::default();
        }
        let Ok(map) = MmapMut::map_anon(layout.size()) else {
            handle_alloc_error(layout);
        };
        Self {
            map: Some(map),
            length,
            values: PhantomData,
        }
    }

    /// Makes room for `length` values, whatever they are. Keeps what it has where that is enough; else gives that back first.
    pub(crate) fn grow(&mut self, length: usize) {
        if self.length < length {
            *self = Self::default();
            *self = Self::zeros(length);
        }
    }

    /// Bytes of memory, touched or not.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self[..])
    }
}

impl<T: Plain> Deref for Pages<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        let bytes: &[u8] = self.map.as_deref().unwrap_or_default();
        // SAFETY: any bytes make plain values, and zeros or values are what is there. A mapping begins at a page, so that no byte
        // is left out before the first value.
        let (_, values, _) = unsafe { bytes.align_to() };
        &values[..self.length]
    }
}

impl<T: Plain> DerefMut for Pages<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        let bytes: &mut [u8] = self.map.as_deref_mut().unwrap_or_default();
        // SAFETY: as above; and whatever values are written, they make bytes again.
        let (_, values, _) = unsafe { bytes.align_to_mut() };
        &mut values[..self.length]
    }
}

impl<T: Plain> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    #[test]
    fn pages_begin_as_zeros_and_keep_what_is_written() {
        for length in [0, 1, 63, 64, 65, 100_000] {
            let mut pages = Pages::<Line>::zeros(length);
            assert_eq!(pages[..], vec![Line::default(); length]);
            for (line, value) in pages.iter_mut().zip(1..) {
                line.0 = [value; 8];
            }
            assert!(pages.iter().zip(1..).all(|(line, value)| line.0 == [value; 8]));
            assert_eq!(pages.bytes(), 64 * length);
        }
    }

    #[test]
    fn smaller_values_lie_side_by_side() {
        for length in [0, 1, 2047, 2048, 2049, 1 << 21] {
            let mut digits = Pages::<i16>::zeros(length);
            let numbers = Pages::<AtomicU32>::zeros(length);
            for (index, digit) in digits.iter_mut().enumerate() {
                *digit = (index % 30_000) as i16;
                numbers[index].store(index as u32, Ordering::Relaxed);
            }
            assert_eq!((digits.len(), numbers.len()), (length, length));
            assert!(
                digits
                    .iter()
                    .zip(0..)
                    .all(|(digit, index)| i32::from(*digit) == index % 30_000)
            );
            let numbers = numbers.iter().map(|number| number.load(Ordering::Relaxed));
            assert!(numbers.eq(0..length as u32));
        }
    }

    #[test]
    fn room_grows_and_never_shrinks() {
        let mut pages = Pages::<Line>::default();
        assert!(pages.is_empty());
        pages.grow(10);
        pages[9].0[0] = 1;
        pages.grow(5);
        assert_eq!((pages.len(), pages[9].0[0]), (10, 1));
        pages.grow(1000);
        assert_eq!((pages.len(), pages[9].0[0]), (1000, 0));
    }
}
