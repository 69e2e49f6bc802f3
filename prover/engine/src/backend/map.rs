//! Files used where they lie: read-only mappings, and bytes seen as lines and as words.
//!
//! Everything here is little-endian, as key files are; other machines do not compile this crate.

use std::fs::File;
use std::io;

use memmap2::{Mmap, MmapOptions};

use super::Line;

#[cfg(not(all(target_endian = "little", target_pointer_width = "64")))]
compile_error!(
    "key files are mapped and used where they lie: quittance-engine is for 64-bit little-endian machines"
);

/// A file mapped for reading. Processes that map the same file share its pages.
///
/// The file must stay as it is: see `docs/key-file.md` for what happens when it does not.
#[derive(Debug)]
pub(crate) struct Mapping(Mmap);

impl Mapping {
    /// Maps the first `length` bytes of a regular file that has at least as many. Begins at a page.
    pub(crate) fn new(file: &File, length: usize) -> io::Result<Self> {
        // SAFETY: the mapping is read-only, so nothing writes through it. Whoever writes
        // to the file would change bytes behind a shared reference: that is the one thing that the type cannot exclude. Key files
        // are made under another name, renamed into place and never written again, which `docs/key-file.md` demands of whoever
        // else handles them; and every value that is read here is either checked where it is used as an index or only
        // arithmetic, so that a change gives a wrong proof, which is never let out, and no access out of bounds.
        let map = unsafe { MmapOptions::new().len(length).map(file) }?;
        Ok(Self(map))
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Bytes as lines; `None` where they do not begin at a multiple of 64, or are not whole lines.
pub(crate) fn lines(bytes: &[u8]) -> Option<&[Line]> {
    // SAFETY: a line is 64 bytes of plain integers, `repr(C)` without padding: any bytes make one.
    let (before, lines, after) = unsafe { bytes.align_to::<Line>() };
    (before.is_empty() && after.is_empty()).then_some(lines)
}

/// Bytes as words; `None` where they do not begin at a multiple of 4, or are not whole words.
pub(crate) fn words(bytes: &[u8]) -> Option<&[u32]> {
    // SAFETY: any four bytes are a word.
    let (before, words, after) = unsafe { bytes.align_to::<u32>() };
    (before.is_empty() && after.is_empty()).then_some(words)
}

/// Lines as bytes.
pub(crate) fn bytes(lines: &[Line]) -> &[u8] {
    // SAFETY: a line is 64 initialised bytes, and bytes have no alignment: nothing is before them or after them.
    let (_, bytes, _) = unsafe { lines.align_to::<u8>() };
    bytes
}

/// Lines as bytes that can be written.
pub(crate) fn bytes_mut(lines: &mut [Line]) -> &mut [u8] {
    // SAFETY: as `bytes`; and whatever bytes are written, they make lines again.
    let (_, bytes, _) = unsafe { lines.align_to_mut::<u8>() };
    bytes
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_and_words_are_their_little_endian_bytes() {
        let mut memory = [Line([1, 2, 3, 4, 5, 6, 7, u64::MAX]), Line::default()];
        bytes_mut(&mut memory)[64..72].copy_from_slice(&0x0807_0605_0403_0201u64.to_le_bytes());
        assert_eq!(memory[1].0[0], 0x0807_0605_0403_0201);
        let seen = bytes(&memory);
        assert_eq!(seen.len(), 128);
        assert_eq!(seen[..9], [1, 0, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!(lines(seen), Some(&memory[..]));
        assert_eq!(words(&seen[64..72]), Some(&[0x0403_0201, 0x0807_0605][..]));
    }

    #[test]
    fn what_is_not_aligned_or_not_whole_is_not_seen() {
        let memory = [Line::default(); 2];
        let seen = bytes(&memory);
        for (start, end) in [(0, 63), (1, 65), (4, 68), (0, 100)] {
            assert_eq!(lines(&seen[start..end]), None);
        }
        for (start, end) in [(0, 3), (1, 5), (2, 6)] {
            assert_eq!(words(&seen[start..end]), None);
        }
        assert_eq!(lines(&seen[..0]), Some(&[][..]));
        assert_eq!(words(&seen[..0]), Some(&[][..]));
    }

    #[test]
    fn a_mapped_file_reads_as_it_was_written() {
        let mut file = tempfile::tempfile().unwrap();
        let content: Vec<u8> = (0..10_000u32).map(|index| index.to_le_bytes()[0]).collect();
        file.write_all(&content).unwrap();
        let mapping = Mapping::new(&file, content.len()).unwrap();
        assert_eq!(mapping.bytes(), content);
        assert!(lines(&mapping.bytes()[..9984]).is_some());
    }
}
