//! The byte encoding of an R1CS, drawn in `docs/key-file.md`. Little-endian; every part is a multiple of four
//! bytes long and lies at one, so that a mapped file can be read in place.

use ark_bn254::Fr;
use ark_ff::{BigInt, BigInteger, PrimeField};
use rayon::prelude::*;

use super::{MatrixName, R1cs, R1csEncodingError, R1csError, SparseMatrix, Term, check_counts};

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

impl R1cs {
    /// The one encoding of this system, `docs/key-file.md`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Counts fit: the constructors bound them.
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let [a, b, c] = &self.matrices;
        let header = Header {
            num_instance: count(self.num_instance),
            num_witness: count(self.num_witness),
            rows: count(self.num_constraints()),
            coefficients: count(self.dictionary.len()),
            terms: [a, b, c].map(|matrix| count(matrix.terms.len())),
        };
        let mut bytes = Vec::with_capacity(HEADER_BYTES + 32 * self.dictionary.len() + 8 * self.nonzeros());
        bytes.extend(header.to_bytes());
        for coefficient in &self.dictionary {
            for limb in coefficient.into_bigint().0 {
                bytes.extend(limb.to_le_bytes());
            }
        }
        for matrix in [a, b, c] {
            for offset in &matrix.offsets {
                bytes.extend(offset.to_le_bytes());
            }
            for term in &matrix.terms {
                bytes.extend(term.column.to_le_bytes());
                bytes.extend(term.coefficient.to_le_bytes());
            }
        }
        bytes
    }

    /// Reads the encoding. Nothing is allocated before the length of `bytes` is known to match the header.
    ///
    /// # Errors
    /// [`R1csError`] for anything but the one encoding of an R1CS.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, R1csError> {
        let (header, body) = Header::read(bytes)?;
        let rows = header.rows as usize;
        let num_instance = header.num_instance as usize;
        let num_witness = header.num_witness as usize;
        check_counts(rows, num_instance, num_witness)?;
        let variables = num_instance + num_witness;

        let (dictionary, mut body) = body.split_at(header.coefficients as usize * COEFFICIENT_BYTES);
        let dictionary = read_dictionary(dictionary)?;
        let mut next_coefficient = 2;
        let mut read = |name: MatrixName| {
            let terms = header.terms[name.index()] as usize;
            let (offsets, rest) = body.split_at((rows + 1) * OFFSET_BYTES);
            let (terms, rest) = rest.split_at(terms * TERM_BYTES);
            body = rest;
            let matrix = SparseMatrix {
                offsets: read_offsets(name, offsets, terms.len() / TERM_BYTES)?,
                terms: terms.par_chunks_exact(TERM_BYTES).map(read_term).collect(),
            };
            matrix.check(name, variables, dictionary.len(), &mut next_coefficient)?;
            Ok::<_, R1csError>(matrix)
        };
        let matrices = [read(MatrixName::A)?, read(MatrixName::B)?, read(MatrixName::C)?];
        if next_coefficient != dictionary.len() {
            let index = next_coefficient;
            return Err(R1csEncodingError::Dictionary { index }.into());
        }
        Ok(Self {
            num_instance,
            num_witness,
            dictionary,
            matrices,
        })
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

impl SparseMatrix {
    /// Checks the order of columns, that coefficients exist and that each is first used in its turn.
    fn check(
        &self,
        name: MatrixName,
        variables: usize,
        coefficients: usize,
        next_coefficient: &mut usize,
    ) -> Result<(), R1csError> {
        for (row, terms) in self.rows_from(0).enumerate() {
            if let Some(term) = terms.iter().find(|term| term.column as usize >= variables) {
                return Err(R1csError::Column {
                    matrix: name,
                    row,
                    got: term.column as usize,
                    variables,
                });
            }
            let mut in_order = terms.is_sorted_by(|left, right| left.column < right.column);
            for term in terms {
                let index = term.coefficient as usize;
                in_order &= index < coefficients && index <= *next_coefficient;
                if index == *next_coefficient {
                    *next_coefficient += 1;
                }
            }
            if !in_order {
                return Err(R1csEncodingError::Terms { matrix: name, row }.into());
            }
        }
        Ok(())
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

fn read_offsets(name: MatrixName, bytes: &[u8], terms: usize) -> Result<Vec<u32>, R1csEncodingError> {
    let chunks = bytes.as_chunks::<OFFSET_BYTES>().0;
    let offsets: Vec<u32> = chunks.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
    let row = if offsets.first() != Some(&0) {
        Some(0)
    } else if offsets.last().map(|&last| last as usize) != Some(terms) {
        Some(offsets.len() - 1)
    } else {
        offsets.windows(2).position(|pair| pair[0] > pair[1])
    };
    match row {
        Some(row) => Err(R1csEncodingError::Offsets { matrix: name, row }),
        None => Ok(offsets),
    }
}

fn read_term(bytes: &[u8]) -> Term {
    let number = |start: usize| {
        let mut number = [0; 4];
        number.copy_from_slice(&bytes[start..start + 4]);
        u32::from_le_bytes(number)
    };
    Term {
        column: number(0),
        coefficient: number(4),
    }
}

fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
