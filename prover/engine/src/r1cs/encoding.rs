//! The byte encoding of an R1CS, drawn in `docs/key-file.md`. Little-endian; every part is a multiple of four
//! bytes long and lies at one, so that rows are read in place, in a mapped file too.

use std::ops::Range;

use ark_bn254::Fr;
use ark_ff::{BigInt, BigInteger, PrimeField};

use super::check::check_terms;
use super::{MatrixName, R1cs, R1csEncodingError, R1csError, Rows, SparseMatrix, check_counts};
use crate::image::Image;

const MAGIC: [u8; 8] = *b"QTNCR1CS";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 64;
const COEFFICIENT_BYTES: usize = 32;
const OFFSET_BYTES: usize = 4;
const TERM_BYTES: usize = 8;

/// What the header says: enough to know every length that follows.
struct Header {
    num_instance: u32,
    num_witness: u32,
    rows: u32,
    coefficients: u32,
    terms: [u32; 3],
}

/// Bytes of the encoding of a system with these counts.
pub(crate) fn encoded_bytes(rows: u64, nonzeros: u64, coefficients: u64) -> u64 {
    let bytes = |size: usize| u64::try_from(size).unwrap_or(u64::MAX);
    bytes(HEADER_BYTES)
        + bytes(COEFFICIENT_BYTES) * coefficients
        + 3 * bytes(OFFSET_BYTES) * (rows + 1)
        + bytes(TERM_BYTES) * nonzeros
}

/// Where the parts of an encoding lie in an image.
#[derive(Clone, Debug)]
pub(super) struct Encoding {
    image: Image,
    /// All of it.
    range: Range<usize>,
    rows: usize,
    offsets: [Range<usize>; 3],
    terms: [Range<usize>; 3],
}

impl R1cs {
    /// The one encoding of this system, `docs/key-file.md`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }

    /// [`to_bytes`](Self::to_bytes) where they lie.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.encoding.bytes()
    }

    /// Reads the encoding. Nothing is allocated before the length of `bytes` is known to match the header.
    ///
    /// # Errors
    /// [`R1csError`] for anything but the one encoding of an R1CS.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, R1csError> {
        Header::read(bytes)?;
        Self::from_image(&Image::copy_of(bytes), 0..bytes.len())
    }

    /// As [`from_bytes`](Self::from_bytes), without a copy of the rows: those in `range` of `image` are used. The checks run on
    /// the current rayon pool.
    pub(crate) fn from_image(image: &Image, range: Range<usize>) -> Result<Self, R1csError> {
        let bytes = image.bytes().get(range.clone()).unwrap_or_default();
        let (header, body) = Header::read(bytes)?;
        let rows = header.rows as usize;
        let num_instance = header.num_instance as usize;
        let num_witness = header.num_witness as usize;
        check_counts(rows, num_instance, num_witness)?;
        let variables = num_instance + num_witness;

        let dictionary = read_dictionary(&body[..header.coefficients as usize * COEFFICIENT_BYTES])?;
        let encoding = Encoding::new(image, range, &header);
        let mut next_coefficient = 2;
        for name in MatrixName::ALL {
            let matrix = encoding.matrix(name);
            check_terms(name, matrix, variables, dictionary.len(), &mut next_coefficient)?;
        }
        if next_coefficient != dictionary.len() {
            let index = next_coefficient;
            return Err(R1csEncodingError::Dictionary { index }.into());
        }
        Ok(Self {
            num_instance,
            num_witness,
            dictionary: dictionary.into(),
            encoding,
        })
    }
}

impl Encoding {
    /// Encodes rows that were put in canonical form. Counts fit: their makers bound them.
    pub(super) fn write(
        num_instance: usize,
        num_witness: usize,
        dictionary: &[Fr],
        matrices: &[Rows],
    ) -> Self {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let rows = matrices.first().map_or(0, |matrix| matrix.offsets.len() - 1);
        let mut terms = [0; 3];
        for (terms, matrix) in terms.iter_mut().zip(matrices) {
            *terms = count(matrix.terms.len());
        }
        let header = Header {
            num_instance: count(num_instance),
            num_witness: count(num_witness),
            rows: count(rows),
            coefficients: count(dictionary.len()),
            terms,
        };
        let mut bytes = Vec::with_capacity(usize::try_from(header.length()).unwrap_or_default());
        bytes.extend(header.to_bytes());
        for coefficient in dictionary {
            for limb in coefficient.into_bigint().0 {
                bytes.extend(limb.to_le_bytes());
            }
        }
        for matrix in matrices {
            for offset in &matrix.offsets {
                bytes.extend(offset.to_le_bytes());
            }
            for word in matrix.terms.as_flattened() {
                bytes.extend(word.to_le_bytes());
            }
        }
        Self::new(&Image::copy_of(&bytes), 0..bytes.len(), &header)
    }

    /// The parts of the encoding in `range` of `image`, which has the length that the header says.
    fn new(image: &Image, range: Range<usize>, header: &Header) -> Self {
        let rows = header.rows as usize;
        let mut end = range.start + HEADER_BYTES + header.coefficients as usize * COEFFICIENT_BYTES;
        let mut next = |bytes: usize| {
            let start = end;
            end += bytes;
            start..end
        };
        let [a, b, c] = header
            .terms
            .map(|terms| [next((rows + 1) * OFFSET_BYTES), next(terms as usize * TERM_BYTES)]);
        let [offsets_a, terms_a] = a;
        let [offsets_b, terms_b] = b;
        let [offsets_c, terms_c] = c;
        Self {
            image: image.clone(),
            range,
            rows,
            offsets: [offsets_a, offsets_b, offsets_c],
            terms: [terms_a, terms_b, terms_c],
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.image.bytes().get(self.range.clone()).unwrap_or_default()
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn matrix(&self, name: MatrixName) -> SparseMatrix<'_> {
        let words = |ranges: &[Range<usize>; 3]| self.image.words(ranges[name.index()].clone());
        SparseMatrix {
            offsets: words(&self.offsets).unwrap_or(&[0]),
            terms: words(&self.terms).unwrap_or_default().as_chunks().0,
        }
    }
}

impl Header {
    fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let [a, b, c] = self.terms;
        let numbers = [
            VERSION,
            self.num_instance,
            self.num_witness,
            self.rows,
            self.coefficients,
            a,
            b,
            c,
        ];
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        for (chunk, number) in bytes[8..].as_chunks_mut::<4>().0.iter_mut().zip(numbers) {
            *chunk = number.to_le_bytes();
        }
        bytes
    }

    /// Splits `bytes` into the header and what follows, whose length is then right.
    fn read(bytes: &[u8]) -> Result<(Self, &[u8]), R1csEncodingError> {
        let Some((header, body)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
            return Err(R1csEncodingError::Length {
                got: length(bytes.len()),
                expected: length(HEADER_BYTES),
            });
        };
        if header[..8] != MAGIC {
            return Err(R1csEncodingError::Magic);
        }
        let numbers = header[8..].as_chunks::<4>().0;
        let number = |index: usize| u32::from_le_bytes(numbers[index]);
        if number(0) != VERSION {
            return Err(R1csEncodingError::Version {
                got: number(0),
                expected: VERSION,
            });
        }
        if (8..numbers.len()).any(|index| number(index) != 0) {
            return Err(R1csEncodingError::Reserved);
        }
        let header = Self {
            num_instance: number(1),
            num_witness: number(2),
            rows: number(3),
            coefficients: number(4),
            terms: [number(5), number(6), number(7)],
        };
        let expected = header.length();
        if expected != length(bytes.len()) {
            return Err(R1csEncodingError::Length {
                got: length(bytes.len()),
                expected,
            });
        }
        Ok((header, body))
    }

    /// Bytes of the whole encoding. Below 2^40: cannot overflow.
    fn length(&self) -> u64 {
        let terms: u64 = self.terms.iter().map(|&terms| u64::from(terms)).sum();
        length(HEADER_BYTES)
            + u64::from(self.coefficients) * length(COEFFICIENT_BYTES)
            + 3 * (u64::from(self.rows) + 1) * length(OFFSET_BYTES)
            + terms * length(TERM_BYTES)
    }
}

fn read_dictionary(bytes: &[u8]) -> Result<Vec<Fr>, R1csEncodingError> {
    let mut dictionary = Vec::with_capacity(bytes.len() / COEFFICIENT_BYTES);
    let mut seen = std::collections::HashSet::with_capacity(bytes.len() / COEFFICIENT_BYTES);
    let [one, minus_one] = [Fr::from(1u64), -Fr::from(1u64)];
    for (index, chunk) in bytes.as_chunks::<COEFFICIENT_BYTES>().0.iter().enumerate() {
        let mut limbs = [0; 4];
        for (limb, bytes) in limbs.iter_mut().zip(chunk.as_chunks::<8>().0) {
            *limb = u64::from_le_bytes(*bytes);
        }
        let coefficient = Fr::from_bigint(BigInt(limbs)).filter(|_| !BigInt(limbs).is_zero());
        let expected = match index {
            0 => Some(one),
            1 => Some(minus_one),
            _ => coefficient,
        };
        match coefficient {
            Some(value) if coefficient == expected && seen.insert(value) => dictionary.push(value),
            _ => return Err(R1csEncodingError::Dictionary { index }),
        }
    }
    if dictionary.len() < 2 {
        let index = dictionary.len();
        return Err(R1csEncodingError::Dictionary { index });
    }
    Ok(dictionary)
}

fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
