//! The file `proving.key`, drawn in `docs/key-file.md`: a header, a table, and sections that start at multiples of
//! 64 bytes, so that the file can be mapped. Little-endian throughout.

use std::io::{self, Read, Write};

use ark_bn254::{Bn254, G1Affine, G2Affine};

use super::points::{PointFault, StoredPoint, read_all};
use crate::{Bases, Digest, R1cs, R1csError};

const MAGIC: [u8; 8] = *b"QTNCPKEY";
const VERSION: u32 = 1;
const ALIGNMENT: usize = 64;
const HEADER_BYTES: usize = 64;
const ENTRY_BYTES: usize = 32;
const TABLE_BYTES: usize = ENTRY_BYTES * Section::ALL.len();
/// Points in [`Section::G1`] besides the bases of the public inputs: α, β, δ.
const FIXED_G1: usize = 3;

/// A part of the file, in the order of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Section {
    /// α, β, δ in G1, then the bases of the constant and the public inputs.
    G1,
    /// β, γ, δ in G2.
    G2,
    /// The A query, G1.
    A,
    /// The B query in G1.
    B1,
    /// The B query in G2.
    B2,
    /// The H query, G1.
    H,
    /// The L query, G1.
    L,
    /// The matrices, as `R1cs` encodes itself.
    Matrices,
}

/// Why a file is not a proving key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// Reading failed, or the file ends early.
    #[error("cannot read the proving key")]
    Io(#[from] io::Error),
    /// The first bytes are not the format's.
    #[error("the first bytes are not those of a proving key")]
    Magic,
    /// The format is another version.
    #[error("proving key format {got} is not {expected}")]
    Version {
        /// Version found.
        got: u32,
        /// The version that this build reads.
        expected: u32,
    },
    /// The file has another length than its header says.
    #[error("the proving key has {got} bytes, its header says {expected}")]
    Length {
        /// Bytes of the file.
        got: u64,
        /// Bytes that the header says.
        expected: u64,
    },
    /// The table is not that of sections one after the other, padded to 64 bytes.
    #[error("the table entry of section {section:?} is inconsistent")]
    Table {
        /// The section.
        section: Section,
    },
    /// Padding or reserved bytes are not zero.
    #[error("bytes that must be zero are not")]
    Padding,
    /// A coordinate is at or above the modulus.
    #[error("point {index} of section {section:?} has a coordinate at or above the modulus")]
    NotCanonical {
        /// The section.
        section: Section,
        /// The point, from 0.
        index: usize,
    },
    /// A point is not on its curve.
    #[error("point {index} of section {section:?} is not on the curve")]
    NotOnCurve {
        /// The section.
        section: Section,
        /// The point, from 0.
        index: usize,
    },
    /// The matrices are malformed.
    #[error("the matrices in the proving key are malformed")]
    Matrices(#[from] R1csError),
}

/// A key file's contents, decoded but not yet checked against each other.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) bases: Bases,
    pub(crate) r1cs: R1cs,
    /// Digest of the matrices' section.
    pub(crate) matrices: Digest,
}

/// Where a section lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    offset: u64,
    bytes: u64,
    elements: u64,
}

impl Section {
    /// All sections in the order of the file.
    pub const ALL: [Self; 8] = [
        Self::G1,
        Self::G2,
        Self::A,
        Self::B1,
        Self::B2,
        Self::H,
        Self::L,
        Self::Matrices,
    ];

    /// Number in the table.
    fn kind(self) -> u32 {
        match self {
            Self::G1 => 1,
            Self::G2 => 2,
            Self::A => 3,
            Self::B1 => 4,
            Self::B2 => 5,
            Self::H => 6,
            Self::L => 7,
            Self::Matrices => 8,
        }
    }

    /// Size of one element; the matrices are counted in bytes.
    fn element_bytes(self) -> u64 {
        match self {
            Self::G1 | Self::A | Self::B1 | Self::H | Self::L => to_u64(G1Affine::BYTES),
            Self::G2 | Self::B2 => to_u64(G2Affine::BYTES),
            Self::Matrices => 1,
        }
    }
}

/// Bytes of the file for a circuit of these counts; the matrices' encoding has `matrices` bytes.
pub(crate) fn file_bytes(num_instance: u64, variables: u64, domain: u64, matrices: u64) -> u64 {
    let witness = variables.saturating_sub(num_instance);
    let counts = [
        to_u64(FIXED_G1) + num_instance,
        3,
        variables,
        variables,
        variables,
        domain,
        witness,
        matrices,
    ];
    Section::ALL
        .into_iter()
        .zip(counts)
        .fold(to_u64(HEADER_BYTES + TABLE_BYTES), |end, (section, count)| {
            end + pad(count * section.element_bytes())
        })
}

/// Writes the file; returns its length and digest.
pub(crate) fn write(bases: &Bases, r1cs: &R1cs, out: &mut dyn Write) -> io::Result<(u64, Digest)> {
    let vk = &bases.vk;
    let g1 = [
        &[vk.alpha_g1, bases.beta_g1, bases.delta_g1],
        vk.gamma_abc_g1.as_slice(),
    ]
    .concat();
    let g2 = [vk.beta_g2, vk.gamma_g2, vk.delta_g2];
    let matrices = r1cs.to_bytes();
    let counts = [
        g1.len(),
        g2.len(),
        bases.a_query.len(),
        bases.b_g1_query.len(),
        bases.b_g2_query.len(),
        bases.h_query.len(),
        bases.l_query.len(),
        matrices.len(),
    ];

    let mut table = Vec::with_capacity(TABLE_BYTES);
    let mut end = to_u64(HEADER_BYTES + TABLE_BYTES);
    for (section, count) in Section::ALL.into_iter().zip(counts) {
        let entry = Entry {
            offset: end,
            bytes: to_u64(count) * section.element_bytes(),
            elements: to_u64(count),
        };
        entry.write(section, &mut table);
        end += pad(entry.bytes);
    }
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.extend(MAGIC);
    header.extend(VERSION.to_le_bytes());
    header.extend(section_count().to_le_bytes());
    header.extend(end.to_le_bytes());
    header.resize(HEADER_BYTES, 0);

    let mut out = HashingWriter {
        out,
        hasher: blake3::Hasher::new(),
    };
    out.write(&header)?;
    out.write(&table)?;
    out.write_points(&g1)?;
    out.write_points(&g2)?;
    out.write_points(&bases.a_query)?;
    out.write_points(&bases.b_g1_query)?;
    out.write_points(&bases.b_g2_query)?;
    out.write_points(&bases.h_query)?;
    out.write_points(&bases.l_query)?;
    out.write(&matrices)?;
    out.write(&vec![0; padding(matrices.len())])?;
    Ok((end, Digest(out.hasher.finalize().into())))
}

/// Reads a file of `length` bytes. The digest is that of the whole file, whether it is well-formed or not, so that
/// a damaged file can be told from one that was made wrong; it is an error only if the file cannot be read.
pub(crate) fn read(file: &mut dyn Read, length: u64) -> io::Result<(Digest, Result<Contents, KeyFileError>)> {
    let mut reader = HashingReader {
        file,
        hasher: blake3::Hasher::new(),
        left: length,
    };
    let contents = read_contents(&mut reader, length);
    reader.drain()?;
    Ok((Digest(reader.hasher.finalize().into()), contents))
}

fn read_contents(reader: &mut HashingReader<'_>, length: u64) -> Result<Contents, KeyFileError> {
    read_header(&reader.read(to_u64(HEADER_BYTES))?, length)?;
    let table = reader.read(to_u64(TABLE_BYTES))?;
    let entries = read_table(&table, length)?;
    let mut entries = Section::ALL.into_iter().zip(entries);
    let mut next = |reader: &mut HashingReader<'_>| match entries.next() {
        Some((section, entry)) => Ok((section, reader.read_section(entry)?)),
        None => Err(KeyFileError::Padding),
    };
    let g1: Vec<G1Affine> = read_points(next(reader)?)?;
    let g2: Vec<G2Affine> = read_points(next(reader)?)?;
    let a_query = read_points(next(reader)?)?;
    let b_g1_query = read_points(next(reader)?)?;
    let b_g2_query = read_points(next(reader)?)?;
    let h_query = read_points(next(reader)?)?;
    let l_query = read_points(next(reader)?)?;
    let (_, matrices) = next(reader)?;

    let [alpha_g1, beta_g1, delta_g1, ref gamma_abc_g1 @ ..] = g1[..] else {
        return Err(KeyFileError::Table { section: Section::G1 });
    };
    let [beta_g2, gamma_g2, delta_g2] = g2[..] else {
        return Err(KeyFileError::Table { section: Section::G2 });
    };
    let vk = ark_groth16::VerifyingKey::<Bn254> {
        alpha_g1,
        beta_g2,
        gamma_g2,
        delta_g2,
        gamma_abc_g1: gamma_abc_g1.to_vec(),
    };
    Ok(Contents {
        bases: Bases {
            vk,
            beta_g1,
            delta_g1,
            a_query,
            b_g1_query,
            b_g2_query,
            h_query,
            l_query,
        },
        r1cs: R1cs::from_bytes(&matrices)?,
        matrices: Digest::of(&matrices),
    })
}

fn read_header(header: &[u8], length: u64) -> Result<(), KeyFileError> {
    let number = |start: usize| u32::from_le_bytes(array(&header[start..]));
    if header[..8] != MAGIC {
        return Err(KeyFileError::Magic);
    }
    if number(8) != VERSION {
        return Err(KeyFileError::Version {
            got: number(8),
            expected: VERSION,
        });
    }
    let expected = u64::from_le_bytes(array(&header[16..]));
    if expected != length {
        return Err(KeyFileError::Length {
            got: length,
            expected,
        });
    }
    if number(12) != section_count() || header[24..].iter().any(|&byte| byte != 0) {
        return Err(KeyFileError::Padding);
    }
    Ok(())
}

/// The one table that sections of these sizes can have; they fill the file to its end.
fn read_table(table: &[u8], length: u64) -> Result<Vec<Entry>, KeyFileError> {
    let mut entries = Vec::with_capacity(Section::ALL.len());
    let mut end = to_u64(HEADER_BYTES + TABLE_BYTES);
    for (section, bytes) in Section::ALL.into_iter().zip(table.chunks_exact(ENTRY_BYTES)) {
        let entry = Entry {
            offset: u64::from_le_bytes(array(&bytes[8..])),
            bytes: u64::from_le_bytes(array(&bytes[16..])),
            elements: u64::from_le_bytes(array(&bytes[24..])),
        };
        let mut expected = Vec::with_capacity(ENTRY_BYTES);
        entry.write(section, &mut expected);
        let fits = entry.offset == end
            && entry.elements.checked_mul(section.element_bytes()) == Some(entry.bytes)
            && entry.bytes <= length.saturating_sub(end);
        if bytes != expected || !fits {
            return Err(KeyFileError::Table { section });
        }
        end += pad(entry.bytes);
        entries.push(entry);
    }
    if end != length {
        return Err(KeyFileError::Length {
            got: length,
            expected: end,
        });
    }
    Ok(entries)
}

fn read_points<P: StoredPoint>((section, bytes): (Section, Vec<u8>)) -> Result<Vec<P>, KeyFileError> {
    read_all(&bytes).map_err(|(index, fault)| match fault {
        PointFault::NotCanonical => KeyFileError::NotCanonical { section, index },
        PointFault::NotOnCurve => KeyFileError::NotOnCurve { section, index },
    })
}

impl Entry {
    /// kind u32, zero u32, offset, bytes, elements.
    fn write(&self, section: Section, table: &mut Vec<u8>) {
        table.extend(section.kind().to_le_bytes());
        table.extend([0; 4]);
        for number in [self.offset, self.bytes, self.elements] {
            table.extend(number.to_le_bytes());
        }
    }
}

/// Writes and hashes.
struct HashingWriter<'a> {
    out: &'a mut dyn Write,
    hasher: blake3::Hasher,
}

impl HashingWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update_rayon(bytes);
        self.out.write_all(bytes)
    }

    /// Points, a few megabytes at a time, and the padding after them.
    fn write_points<P: StoredPoint>(&mut self, points: &[P]) -> io::Result<()> {
        let mut bytes = Vec::new();
        for points in points.chunks(1 << 15) {
            bytes.clear();
            for point in points {
                point.write(&mut bytes);
            }
            self.write(&bytes)?;
        }
        self.write(&vec![0; padding(points.len() * P::BYTES)])
    }
}

/// Reads and hashes, never beyond the length that the file has.
struct HashingReader<'a> {
    file: &'a mut dyn Read,
    hasher: blake3::Hasher,
    left: u64,
}

impl HashingReader<'_> {
    /// Exactly `bytes` bytes; they are allocated only if the file has them.
    fn read(&mut self, bytes: u64) -> Result<Vec<u8>, KeyFileError> {
        let size = usize::try_from(bytes).ok().filter(|_| bytes <= self.left);
        let Some(size) = size else {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        };
        let mut buffer = vec![0; size];
        self.file.read_exact(&mut buffer)?;
        self.hasher.update_rayon(&buffer);
        self.left -= bytes;
        Ok(buffer)
    }

    /// A section and the padding after it, without the padding.
    fn read_section(&mut self, entry: Entry) -> Result<Vec<u8>, KeyFileError> {
        let bytes = self.read(entry.bytes)?;
        let padding = self.read(pad(entry.bytes) - entry.bytes)?;
        if padding.iter().any(|&byte| byte != 0) {
            return Err(KeyFileError::Padding);
        }
        Ok(bytes)
    }

    /// Hashes what has not been read of the length that the file had.
    fn drain(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 20];
        let mut rest = (&mut *self.file).take(self.left);
        loop {
            match rest.read(&mut buffer)? {
                0 => return Ok(()),
                got => self.hasher.update(&buffer[..got]),
            };
        }
    }
}

/// The first bytes of `bytes`, zero where it is too short: callers slice what they have measured.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

fn pad(bytes: u64) -> u64 {
    bytes.next_multiple_of(to_u64(ALIGNMENT))
}

fn padding(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGNMENT) - bytes
}

fn section_count() -> u32 {
    u32::try_from(Section::ALL.len()).unwrap_or(u32::MAX)
}

fn to_u64(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
