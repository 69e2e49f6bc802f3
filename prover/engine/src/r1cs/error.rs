//! Why something is not an R1CS, or not an assignment of one.

use super::MatrixName;

/// Why matrices or bytes are not an R1CS that this crate can hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum R1csError {
    /// The matrices have different numbers of rows.
    #[error("matrix {matrix:?} has {got} rows, matrix A has {expected}")]
    RowCount {
        /// The matrix that differs from A.
        matrix: MatrixName,
        /// Its number of rows.
        got: usize,
        /// Number of rows of A.
        expected: usize,
    },
    /// There is no constant: the first instance variable is the 1.
    #[error("an R1CS has at least one instance variable, the constant 1")]
    NoConstant,
    /// A count does not fit the 32 bits that it is stored in, or the domain is above the field's 2^28.
    #[error("{what} is {got}, at most {max} fit")]
    TooLarge {
        /// What was counted.
        what: &'static str,
        /// The count.
        got: usize,
        /// The largest count allowed.
        max: usize,
    },
    /// A term names a variable that does not exist.
    #[error("row {row} of matrix {matrix:?} names variable {got}, there are {variables}")]
    Column {
        /// The matrix.
        matrix: MatrixName,
        /// The row, from 0.
        row: usize,
        /// The column found.
        got: usize,
        /// Number of variables, the constant included.
        variables: usize,
    },
    /// A coefficient is not below the field's modulus, as a program may make one with arkworks' type.
    #[error(
        "row {row} of matrix {matrix:?} has a coefficient for variable {column} that is not below the field's modulus"
    )]
    Coefficient {
        /// The matrix.
        matrix: MatrixName,
        /// The row, from 0.
        row: usize,
        /// The variable.
        column: usize,
    },
    /// The assignment does not have one value for each variable.
    #[error("the assignment has {got} values, the circuit has {expected} variables")]
    AssignmentLength {
        /// Number of values.
        got: usize,
        /// Number of variables, the constant included.
        expected: usize,
    },
    /// A value of the assignment is not below the field's modulus, as a program may make one with arkworks' type.
    #[error("variable {variable} of the assignment is not below the field's modulus")]
    AssignmentValue {
        /// The first such variable, from 0, the constant.
        variable: usize,
    },
    /// Bytes are not the encoding of an R1CS.
    #[error("encoded matrices are malformed: {0}")]
    Encoding(#[from] R1csEncodingError),
}

/// Why bytes are not the one encoding of an R1CS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum R1csEncodingError {
    /// The first bytes are not the format's.
    #[error("the first bytes are not the format's")]
    Magic,
    /// The format is another version.
    #[error("format version {got} is not {expected}")]
    Version {
        /// Version found.
        got: u32,
        /// The version that this build reads.
        expected: u32,
    },
    /// The length is not what the counts in the header need.
    #[error("the header describes {expected} bytes, there are {got}")]
    Length {
        /// Bytes given.
        got: u64,
        /// Bytes that the header describes.
        expected: u64,
    },
    /// Bytes that must be zero are not.
    #[error("reserved bytes are not zero")]
    Reserved,
    /// A coefficient is zero, at or above the field's modulus, or a repetition.
    #[error("coefficient {index} of the dictionary is not canonical")]
    Dictionary {
        /// Position in the dictionary.
        index: usize,
    },
    /// Row offsets decrease, or do not run from 0 to the number of terms.
    #[error("row offsets of matrix {matrix:?} are inconsistent at row {row}")]
    Offsets {
        /// The matrix.
        matrix: MatrixName,
        /// The row, from 0.
        row: usize,
    },
    /// Columns of a row do not increase, or a coefficient is used before its turn or does not exist.
    #[error("terms of matrix {matrix:?} are not in canonical order at row {row}")]
    Terms {
        /// The matrix.
        matrix: MatrixName,
        /// The row, from 0.
        row: usize,
    },
}
