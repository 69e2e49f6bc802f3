//! Where everything lies in `proving.key`, drawn in `docs/key-file.md`: one key has one layout, which its counts decide.

use std::ops::Range;

use super::classes::{CLASSES, Classes, Named};
use super::file::{KeyFileError, Section};
use crate::R1cs;

const MAGIC: [u8; 8] = *b"QTNCPKEY";
const VERSION: u32 = 2;
const HEADER_BYTES: usize = 64;
const ENTRY_BYTES: usize = 32;
const SECTIONS: usize = Section::ALL.len();
/// Header and table, up to the first section.
pub(super) const HEAD_BYTES: usize = (HEADER_BYTES + ENTRY_BYTES * SECTIONS).next_multiple_of(ALIGNMENT);
const ALIGNMENT: usize = 64;
/// Where the header has the ends of the classes.
const ENDS: usize = 24;
/// Points in [`Section::G1`] besides the bases of the constant and the public inputs: α, β, δ.
pub(super) const FIXED_G1: usize = 3;
/// Points in [`Section::G2`]: β, γ, δ.
pub(super) const FIXED_G2: usize = 3;

/// What decides a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Instance variables, the constant included.
    pub(crate) instance: u64,
    /// Points of the A query.
    pub(crate) a: u64,
    /// Points of the B query, in G1 and again in G2.
    pub(crate) b: u64,
    /// All variables.
    pub(crate) variables: u64,
    /// Elements of the domain.
    pub(crate) domain: u64,
    /// Bytes of the matrices' encoding.
    pub(crate) matrices: u64,
}

/// Where the sections lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    entries: [Entry; SECTIONS],
    length: u64,
}

/// Where one section lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Entry {
    offset: u64,
    bytes: u64,
    elements: u64,
}

impl Counts {
    /// The counts of a key for these matrices.
    pub(crate) fn of(r1cs: &R1cs) -> Self {
        let (classes, _) = Named::by(r1cs).order();
        Self::new(
            &classes,
            to_u64(r1cs.domain_size()),
            to_u64(r1cs.as_bytes().len()),
        )
    }

    /// The counts of a key with these classes.
    pub(super) fn new(classes: &Classes, domain: u64, matrices: u64) -> Self {
        let points = |ranges: [Range<usize>; 2]| to_u64(ranges.iter().map(Range::len).sum());
        Self {
            instance: to_u64(classes.instance()),
            a: points(classes.a()),
            b: points(classes.b()),
            variables: to_u64(classes.variables()),
            domain,
            matrices,
        }
    }
}

impl Layout {
    /// The layout for these counts. Numbers that no file can have saturate.
    pub(crate) fn new(counts: &Counts) -> Self {
        let mut entries = [Entry::default(); SECTIONS];
        let mut end = to_u64(HEAD_BYTES);
        for (section, entry) in Section::ALL.into_iter().zip(&mut entries) {
            let elements = match section {
                Section::G1 => counts.instance.saturating_add(to_u64(FIXED_G1)),
                Section::G2 => to_u64(FIXED_G2),
                Section::Order => counts.variables,
                Section::A => counts.a,
                Section::B1 | Section::B2 => counts.b,
                Section::L => counts.variables.saturating_sub(counts.instance),
                Section::H => counts.domain,
                Section::Matrices => counts.matrices,
            };
            *entry = Entry {
                offset: end,
                bytes: elements.saturating_mul(section.element_bytes()),
                elements,
            };
            end = end.saturating_add(pad(entry.bytes));
        }
        Self { entries, length: end }
    }

    /// Bytes of the whole file.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// The bytes of a section, without the padding after it. Fits where the file was read or is in memory.
    pub(crate) fn range(&self, section: Section) -> Range<usize> {
        let Entry { offset, bytes, .. } = self.entries[section.index()];
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        number(offset)..number(offset.saturating_add(bytes))
    }

    /// Header and table, [`HEAD_BYTES`] with the zeros after them.
    pub(super) fn head(&self, classes: &Classes) -> Vec<u8> {
        let mut head = Vec::with_capacity(HEAD_BYTES);
        head.extend(MAGIC);
        head.extend(VERSION.to_le_bytes());
        head.extend(to_u32(SECTIONS).to_le_bytes());
        head.extend(self.length.to_le_bytes());
        for end in classes.ends() {
            head.extend(to_u32(end).to_le_bytes());
        }
        head.resize(HEADER_BYTES, 0);
        for (section, entry) in Section::ALL.into_iter().zip(&self.entries) {
            head.extend(section.kind().to_le_bytes());
            head.extend([0; 4]);
            for number in [entry.offset, entry.bytes, entry.elements] {
                head.extend(number.to_le_bytes());
            }
        }
        head.resize(HEAD_BYTES, 0);
        head
    }

    /// Reads header and table of a file. Every byte of them is checked, and that the sections fill the file, so that
    /// whatever is allocated for a section afterwards is no larger than what is there.
    pub(super) fn read(file: &[u8]) -> Result<(Self, Classes), KeyFileError> {
        let got = to_u64(file.len());
        let Some(head) = file.first_chunk::<HEAD_BYTES>() else {
            let expected = to_u64(HEAD_BYTES);
            return Err(if file.starts_with(&MAGIC) || MAGIC.starts_with(file) {
                KeyFileError::Length { got, expected }
            } else {
                KeyFileError::Magic
            });
        };
        if head[..8] != MAGIC {
            return Err(KeyFileError::Magic);
        }
        if u32_at(head, 8) != VERSION {
            return Err(KeyFileError::Version {
                got: u32_at(head, 8),
                expected: VERSION,
            });
        }
        let expected = u64_at(head, 16);
        if expected != got {
            return Err(KeyFileError::Length { got, expected });
        }
        let ends: [usize; CLASSES] = std::array::from_fn(|class| u32_at(head, ENDS + 4 * class) as usize);
        let classes = Classes::new(ends).ok_or(KeyFileError::Classes)?;
        // Two counts are the table's own word; everything else follows from them and from the classes.
        let elements = |section: Section| u64_at(head, HEADER_BYTES + ENTRY_BYTES * section.index() + 24);
        let (domain, matrices) = (elements(Section::H), elements(Section::Matrices));
        let layout = Self::new(&Counts::new(&classes, domain, matrices));

        let written = layout.head(&classes);
        let (header, table) = written.split_at(HEADER_BYTES);
        let of_file = &head[HEADER_BYTES..];
        let entries = table.chunks(ENTRY_BYTES).zip(of_file.chunks(ENTRY_BYTES));
        for ((section, entry), (written, read)) in Section::ALL.into_iter().zip(&layout.entries).zip(entries)
        {
            if written != read || entry.bytes > got.saturating_sub(entry.offset) {
                return Err(KeyFileError::Table { section });
            }
        }
        if layout.length != got {
            return Err(KeyFileError::Length {
                got,
                expected: layout.length,
            });
        }
        if header != &head[..HEADER_BYTES] || table != of_file {
            return Err(KeyFileError::Padding);
        }
        layout.check_padding(file)?;
        Ok((layout, classes))
    }

    /// What lies between sections is zero.
    fn check_padding(&self, file: &[u8]) -> Result<(), KeyFileError> {
        let ends = Section::ALL.into_iter().map(|section| self.range(section).end);
        for end in ends {
            let padding = file.get(end..end.next_multiple_of(ALIGNMENT));
            if !padding.is_some_and(|padding| padding.iter().all(|&byte| byte == 0)) {
                return Err(KeyFileError::Padding);
            }
        }
        Ok(())
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(&bytes[at..]))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(&bytes[at..]))
}

/// The first bytes of `bytes`, zero where it is too short: callers slice what they have measured.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

fn pad(bytes: u64) -> u64 {
    bytes
        .checked_next_multiple_of(to_u64(ALIGNMENT))
        .unwrap_or(u64::MAX)
}

/// Counts in a header fit: classes have no more variables than 32 bits number.
fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn to_u64(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}
