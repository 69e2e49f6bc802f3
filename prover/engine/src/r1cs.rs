//! Rank-one constraint systems over BN254's scalar field, in the form in which rows are evaluated.
//!
//! Row *i* says ⟨Aᵢ, w⟩ · ⟨Bᵢ, w⟩ = ⟨Cᵢ, w⟩ for the full assignment w = (1, public inputs, witness). The three
//! matrices are compressed sparse rows; a term is a column and an index into one dictionary of coefficients, eight
//! bytes together, since a circuit has millions of terms and few distinct coefficients.
//!
//! One R1CS has one representation, so its [`digest`](R1cs::digest) identifies it: columns increase strictly within
//! a row, no coefficient is zero, and the dictionary is 1, −1, then every other coefficient in order of first use
//! (rows of A, then of B, then of C). In memory it is its own encoding, `docs/key-file.md`: rows are read where they lie,
//! also in a mapped key file.

mod check;
mod encoding;
mod error;

pub(crate) use self::encoding::encoded_bytes;
pub use self::error::{R1csEncodingError, R1csError};

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, PrimeField, Zero};
use ark_relations::utils::matrix::Matrix;
use rayon::prelude::*;

use self::encoding::Encoding;
use crate::Digest;

/// Rows that one task evaluates: enough to hide the scheduling, few enough to balance long rows.
const ROWS_PER_TASK: usize = 512;
/// Values of an assignment that one task looks at: some ten microseconds.
const VALUES_PER_TASK: usize = 1 << 14;

/// Indices are stored in 32 bits and used as `usize`.
const _: () = assert!(usize::BITS >= u32::BITS);

/// An R1CS over BN254: matrices A, B and C, and how many variables of each kind there are. Clones share the matrices.
#[derive(Clone)]
pub struct R1cs {
    num_instance: usize,
    num_witness: usize,
    /// `dictionary[0]` is 1 and `dictionary[1]` is −1, whether they occur or not.
    dictionary: Arc<[Fr]>,
    encoding: Encoding,
}

/// Which of the three matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatrixName {
    /// Left factors.
    A,
    /// Right factors.
    B,
    /// Products.
    C,
}

/// Compressed sparse rows: row i has the terms `offsets[i]..offsets[i + 1]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SparseMatrix<'a> {
    /// One more than there are rows; never decreasing; from 0 to the number of terms.
    offsets: &'a [u32],
    terms: &'a [Term],
}

/// One non-zero of a matrix: its column, and its coefficient's index in the dictionary.
pub(crate) type Term = [u32; 2];

/// A matrix under construction.
struct Rows {
    offsets: Vec<u32>,
    terms: Vec<Term>,
}

/// One encoding for one system: equal exactly where the encodings are.
impl PartialEq for R1cs {
    fn eq(&self, other: &Self) -> bool {
        self.encoding.bytes() == other.encoding.bytes()
    }
}

impl Eq for R1cs {}

impl fmt::Debug for R1cs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("R1cs")
            .field("constraints", &self.num_constraints())
            .field("instance", &self.num_instance)
            .field("witness", &self.num_witness)
            .field("nonzeros", &self.nonzeros())
            .finish_non_exhaustive()
    }
}

impl MatrixName {
    /// The three matrices in their order everywhere: A, B, C.
    pub const ALL: [Self; 3] = [Self::A, Self::B, Self::C];

    fn index(self) -> usize {
        match self {
            Self::A => 0,
            Self::B => 1,
            Self::C => 2,
        }
    }
}

impl R1cs {
    /// Domains are powers of two up to 2^27: keys need the roots of unity of twice the domain, and BN254's
    /// scalar field has 2^28 of them.
    pub const MAX_DOMAIN: usize = 1 << 27;

    /// Takes the matrices A, B, C as arkworks gives them. `num_instance` counts the constant 1.
    ///
    /// Rows may have their terms in any order; terms of equal column are added, zero coefficients dropped.
    ///
    /// # Errors
    /// Every variant of [`R1csError`] but `AssignmentLength`, `AssignmentValue` and `Encoding`.
    pub fn from_matrices(
        matrices: &[Matrix<Fr>; 3],
        num_instance: usize,
        num_witness: usize,
    ) -> Result<Self, R1csError> {
        let rows = matrices[0].len();
        check_counts(rows, num_instance, num_witness)?;
        let variables = num_instance + num_witness;
        let mut dictionary = Dictionary::new();
        let mut encoded = Vec::with_capacity(3);
        for (name, matrix) in MatrixName::ALL.into_iter().zip(matrices) {
            if matrix.len() != rows {
                return Err(R1csError::RowCount {
                    matrix: name,
                    got: matrix.len(),
                    expected: rows,
                });
            }
            encoded.push(Rows::new(name, matrix, variables, &mut dictionary)?);
        }
        let dictionary: Arc<[Fr]> = dictionary.coefficients.into();
        Ok(Self {
            num_instance,
            num_witness,
            encoding: Encoding::write(num_instance, num_witness, &dictionary, &encoded),
            dictionary,
        })
    }

    /// The matrices A, B, C as arkworks wants them; for equal systems equal to what went into
    /// [`from_matrices`](Self::from_matrices), up to the order of terms in a row.
    #[must_use]
    pub fn to_matrices(&self) -> [Matrix<Fr>; 3] {
        MatrixName::ALL.map(|name| {
            (0..self.num_constraints())
                .into_par_iter()
                .map(|row| {
                    self.row(name, row)
                        .map(|(coefficient, column)| (*coefficient, column))
                        .collect()
                })
                .collect()
        })
    }

    /// Instance variables: the constant 1 and the public inputs.
    #[must_use]
    pub fn num_instance(&self) -> usize {
        self.num_instance
    }

    /// Witness variables.
    #[must_use]
    pub fn num_witness(&self) -> usize {
        self.num_witness
    }

    /// All variables, the constant included: the length of an assignment.
    #[must_use]
    pub fn num_variables(&self) -> usize {
        self.num_instance + self.num_witness
    }

    /// Rows.
    #[must_use]
    pub fn num_constraints(&self) -> usize {
        self.encoding.rows()
    }

    /// Terms of A, B and C together.
    #[must_use]
    pub fn nonzeros(&self) -> usize {
        MatrixName::ALL
            .map(|name| self.matrix(name).terms.len())
            .iter()
            .sum()
    }

    /// Distinct coefficients, 1 and −1 included.
    #[must_use]
    pub fn num_coefficients(&self) -> usize {
        self.dictionary.len()
    }

    /// Variables that a row of their own keeps to 0 and 1: v·(1 − v) = 0, in either order and up to signs, or v·v = v. Looks at every row, on
    /// the current pool.
    #[must_use]
    pub fn num_booleans(&self) -> usize {
        let [a, b, c] = MatrixName::ALL.map(|name| self.matrix(name));
        let tasks = self.num_constraints().div_ceil(ROWS_PER_TASK);
        let mut booleans: Vec<u32> = (0..tasks)
            .into_par_iter()
            .flat_map_iter(|task| {
                let first = task * ROWS_PER_TASK;
                let rows = a.rows_from(first).zip(b.rows_from(first)).zip(c.rows_from(first));
                rows.take(ROWS_PER_TASK)
                    .filter_map(|((a, b), c)| boolean(a, b, c))
            })
            .collect();
        booleans.par_sort_unstable();
        booleans.dedup();
        booleans.len()
    }

    /// Size n of the evaluation domain: the smallest power of two that holds the rows and one more for each
    /// instance variable.
    #[must_use]
    pub fn domain_size(&self) -> usize {
        (self.num_constraints() + self.num_instance).next_power_of_two()
    }

    /// The terms of one row as (coefficient, column), columns increasing; nothing where there is no such row.
    pub fn row(&self, name: MatrixName, row: usize) -> impl Iterator<Item = (&Fr, usize)> {
        let terms = self.matrix(name).row(row).unwrap_or(&[]);
        terms
            .iter()
            .map(|&[column, coefficient]| (&self.dictionary[coefficient as usize], column as usize))
    }

    /// M·w for one matrix, a value for each row, computed on the threads of the current pool.
    ///
    /// # Errors
    /// [`R1csError::AssignmentLength`], [`R1csError::AssignmentValue`].
    pub fn evaluate(&self, name: MatrixName, assignment: &[Fr]) -> Result<Vec<Fr>, R1csError> {
        let mut values = vec![Fr::ZERO; self.num_constraints()];
        self.evaluate_into(name, assignment, &mut values)?;
        Ok(values)
    }

    /// As [`evaluate`](Self::evaluate), into the first values of `out`; values beyond the last row stay.
    pub(crate) fn evaluate_into(
        &self,
        name: MatrixName,
        assignment: &[Fr],
        out: &mut [Fr],
    ) -> Result<(), R1csError> {
        self.check_assignment(assignment)?;
        let matrix = self.matrix(name);
        let rows = out.len().min(matrix.rows());
        out[..rows]
            .par_chunks_mut(ROWS_PER_TASK)
            .enumerate()
            .for_each(|(task, chunk)| {
                for (value, terms) in chunk.iter_mut().zip(matrix.rows_from(task * ROWS_PER_TASK)) {
                    *value = self.inner_product(terms, assignment);
                }
            });
        Ok(())
    }

    /// The first row that `assignment` does not satisfy, counted from 0; `None` if it satisfies all of them. An
    /// assignment of another length than [`num_variables`](Self::num_variables), or with a value that is not below the modulus, fails
    /// at row 0.
    #[must_use]
    pub fn first_unsatisfied(&self, assignment: &[Fr]) -> Option<usize> {
        if self.check_assignment(assignment).is_err() {
            return Some(0);
        }
        let [a, b, c] = MatrixName::ALL.map(|name| self.matrix(name));
        let tasks = self.num_constraints().div_ceil(ROWS_PER_TASK);
        (0..tasks).into_par_iter().find_map_first(|task| {
            let first = task * ROWS_PER_TASK;
            let rows = a.rows_from(first).zip(b.rows_from(first)).zip(c.rows_from(first));
            rows.take(ROWS_PER_TASK)
                .position(|((a, b), c)| {
                    self.inner_product(a, assignment) * self.inner_product(b, assignment)
                        != self.inner_product(c, assignment)
                })
                .map(|offset| first + offset)
        })
    }

    /// The first row for which aᵢ·bᵢ is not ⟨Cᵢ, w⟩, given the values of the rows of A and B.
    pub(crate) fn first_wrong_product(&self, a: &[Fr], b: &[Fr], assignment: &[Fr]) -> Option<usize> {
        let matrix = self.matrix(MatrixName::C);
        let rows = self.num_constraints();
        let chunks = a[..rows]
            .par_chunks(ROWS_PER_TASK)
            .zip(b[..rows].par_chunks(ROWS_PER_TASK));
        chunks.enumerate().find_map_first(|(task, (a, b))| {
            let first = task * ROWS_PER_TASK;
            a.iter()
                .zip(b)
                .zip(matrix.rows_from(first))
                .position(|((a, b), terms)| *a * b != self.inner_product(terms, assignment))
                .map(|offset| first + offset)
        })
    }

    /// The terms of a matrix, row after row: columns, and coefficients as indices into the dictionary.
    pub(crate) fn terms(&self, name: MatrixName) -> &[Term] {
        self.matrix(name).terms
    }

    /// For each variable, whether any row names it.
    #[must_use]
    pub(crate) fn used_variables(&self) -> Vec<bool> {
        let mut used = vec![false; self.num_variables()];
        for name in MatrixName::ALL {
            for &[column, _] in self.terms(name) {
                used[column as usize] = true;
            }
        }
        used
    }

    /// The digest of [`to_bytes`](Self::to_bytes): equal exactly for equal systems.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.encoding.bytes())
    }

    pub(crate) fn matrix(&self, name: MatrixName) -> SparseMatrix<'_> {
        self.encoding.matrix(name)
    }

    /// What the coefficients of terms index.
    pub(crate) fn dictionary(&self) -> &[Fr] {
        &self.dictionary
    }

    /// Whether there is one value for each variable, and all are below the modulus, on the threads of the current pool.
    pub(crate) fn check_assignment(&self, assignment: &[Fr]) -> Result<(), R1csError> {
        if assignment.len() != self.num_variables() {
            return Err(R1csError::AssignmentLength {
                got: assignment.len(),
                expected: self.num_variables(),
            });
        }
        // The words of the Montgomery form: kernels rely on them, and two forms of one value would not be equal.
        let chunks = assignment.par_chunks(VALUES_PER_TASK).enumerate();
        let variable = chunks.find_map_first(|(task, values)| {
            let offset = values.iter().position(|value| value.0 >= Fr::MODULUS)?;
            Some(task * VALUES_PER_TASK + offset)
        });
        match variable {
            Some(variable) => Err(R1csError::AssignmentValue { variable }),
            None => Ok(()),
        }
    }

    /// Most terms have coefficient 1 or −1, which cost no multiplication.
    fn inner_product(&self, terms: &[Term], assignment: &[Fr]) -> Fr {
        let mut sum = Fr::ZERO;
        for &[column, coefficient] in terms {
            let value = &assignment[column as usize];
            match coefficient {
                0 => sum += value,
                1 => sum -= value,
                index => sum += self.dictionary[index as usize] * value,
            }
        }
        sum
    }
}

/// The variable that a row keeps to 0 and 1, if it is such a row. Coefficient 0 is 1 and coefficient 1 is −1.
fn boolean(a: &[Term], b: &[Term], c: &[Term]) -> Option<u32> {
    match (a, b, c) {
        ([[v, _]], [[0, one], [w, minus]], []) | ([[0, one], [w, minus]], [[v, _]], []) => {
            (v == w && *one < 2 && one + minus == 1).then_some(*v)
        }
        ([[v, 0]], [[w, 0]], [[x, 0]]) => (v == w && w == x).then_some(*v),
        _ => None,
    }
}

/// Checks what every R1CS keeps, wherever its counts come from.
fn check_counts(rows: usize, num_instance: usize, num_witness: usize) -> Result<(), R1csError> {
    if num_instance == 0 {
        return Err(R1csError::NoConstant);
    }
    let counts = [
        ("number of rows", rows),
        ("instance", num_instance),
        ("witness", num_witness),
    ];
    for (what, got) in counts {
        if got > R1cs::MAX_DOMAIN {
            return Err(R1csError::TooLarge {
                what,
                got,
                max: R1cs::MAX_DOMAIN,
            });
        }
    }
    if rows + num_instance > R1cs::MAX_DOMAIN {
        return Err(R1csError::TooLarge {
            what: "rows and instance variables together",
            got: rows + num_instance,
            max: R1cs::MAX_DOMAIN,
        });
    }
    Ok(())
}

/// Coefficients in order of first use, after 1 and −1.
struct Dictionary {
    coefficients: Vec<Fr>,
    index: HashMap<Fr, u32>,
}

impl Dictionary {
    fn new() -> Self {
        let coefficients = vec![Fr::ONE, -Fr::ONE];
        let index = coefficients.iter().copied().zip(0..).collect();
        Self { coefficients, index }
    }

    fn intern(&mut self, coefficient: &Fr) -> Result<u32, R1csError> {
        // The map is not asked for the coefficient that almost every term has.
        if coefficient == &self.coefficients[0] {
            return Ok(0);
        }
        if let Some(&index) = self.index.get(coefficient) {
            return Ok(index);
        }
        let index = to_u32("number of distinct coefficients", self.coefficients.len())?;
        self.coefficients.push(*coefficient);
        self.index.insert(*coefficient, index);
        Ok(index)
    }
}

impl Rows {
    fn new(
        name: MatrixName,
        matrix: &Matrix<Fr>,
        variables: usize,
        dictionary: &mut Dictionary,
    ) -> Result<Self, R1csError> {
        let mut offsets = Vec::with_capacity(matrix.len() + 1);
        offsets.push(0);
        let mut terms = Vec::with_capacity(matrix.iter().map(Vec::len).sum());
        let mut sorted: Vec<(Fr, usize)> = Vec::new();
        for (index, row) in matrix.iter().enumerate() {
            sorted.clone_from(row);
            sorted.sort_by_key(|&(_, column)| column);
            for same_column in sorted.chunk_by(|left, right| left.1 == right.1) {
                let (_, got) = same_column[0];
                if got >= variables {
                    return Err(R1csError::Column {
                        matrix: name,
                        row: index,
                        got,
                        variables,
                    });
                }
                if same_column
                    .iter()
                    .any(|(coefficient, _)| coefficient.0 >= Fr::MODULUS)
                {
                    return Err(R1csError::Coefficient {
                        matrix: name,
                        row: index,
                        column: got,
                    });
                }
                let coefficient: Fr = same_column.iter().map(|(coefficient, _)| coefficient).sum();
                if !coefficient.is_zero() {
                    terms.push([to_u32("column", got)?, dictionary.intern(&coefficient)?]);
                }
            }
            offsets.push(to_u32("number of terms", terms.len())?);
        }
        Ok(Self { offsets, terms })
    }
}

impl<'a> SparseMatrix<'a> {
    fn rows(&self) -> usize {
        self.offsets.len() - 1
    }

    fn row(&self, row: usize) -> Option<&'a [Term]> {
        let bounds = self.offsets.get(row..row + 2)?;
        self.terms.get(bounds[0] as usize..bounds[1] as usize)
    }

    pub(crate) fn rows_from(&self, first: usize) -> impl Iterator<Item = &'a [Term]> {
        let Self { offsets, terms } = *self;
        offsets[first..]
            .windows(2)
            .map(move |bounds| &terms[bounds[0] as usize..bounds[1] as usize])
    }
}

fn to_u32(what: &'static str, got: usize) -> Result<u32, R1csError> {
    u32::try_from(got).map_err(|_| R1csError::TooLarge {
        what,
        got,
        max: u32::MAX as usize,
    })
}

#[cfg(test)]
mod tests;
