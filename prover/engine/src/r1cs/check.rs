//! Whether encoded rows are the canonical ones: at a few nanoseconds for each term, on the threads of the current pool.

use rayon::prelude::*;

use super::{MatrixName, R1csEncodingError, R1csError, SparseMatrix, Term};

/// Rows that one task looks at.
const ROWS_PER_TASK: usize = 8192;

/// Checks row offsets, the order of columns, that coefficients exist and that each is first used in its turn;
/// `next_coefficient` is the one that no matrix before has used.
pub(super) fn check_terms(
    name: MatrixName,
    matrix: SparseMatrix<'_>,
    variables: usize,
    coefficients: usize,
    next_coefficient: &mut usize,
) -> Result<(), R1csError> {
    check_offsets(name, matrix)?;
    let rows = |task: usize| matrix.rows_from(task * ROWS_PER_TASK).take(ROWS_PER_TASK);
    let tasks: Vec<Option<u32>> = (0..matrix.rows().div_ceil(ROWS_PER_TASK))
        .into_par_iter()
        .map(|task| largest_coefficient(rows(task), variables))
        .collect();
    for (task, largest) in tasks.into_iter().enumerate() {
        // Where nothing is wrong with the columns and no coefficient is new, there is nothing more to see.
        if largest.is_none_or(|largest| largest as usize >= *next_coefficient) {
            for (offset, terms) in rows(task).enumerate() {
                let row = task * ROWS_PER_TASK + offset;
                check_row(name, row, terms, variables, coefficients, next_coefficient)?;
            }
        }
    }
    Ok(())
}

/// The first offset is 0, the last the number of terms, and none is below the one before.
fn check_offsets(name: MatrixName, matrix: SparseMatrix<'_>) -> Result<(), R1csEncodingError> {
    let SparseMatrix { offsets, terms } = matrix;
    let row = if offsets.first() != Some(&0) {
        Some(0)
    } else if offsets.last().map(|&last| last as usize) != Some(terms.len()) {
        Some(offsets.len() - 1)
    } else {
        let tasks = 0..matrix.rows().div_ceil(ROWS_PER_TASK);
        tasks.into_par_iter().find_map_first(|task| {
            let first = task * ROWS_PER_TASK;
            let part = &offsets[first..offsets.len().min(first + ROWS_PER_TASK + 1)];
            let pairs = || part.iter().zip(&part[1..]);
            // Without an end at the first fault, which there hardly ever is, many are compared at once.
            if pairs().fold(true, |ordered, (left, right)| ordered & (left <= right)) {
                return None;
            }
            pairs()
                .position(|(left, right)| left > right)
                .map(|offset| first + offset)
        })
    };
    match row {
        Some(row) => Err(R1csEncodingError::Offsets { matrix: name, row }),
        None => Ok(()),
    }
}

/// The largest index of a coefficient in these rows; `None` if columns do not increase within a row, or do not exist.
fn largest_coefficient<'a>(rows: impl Iterator<Item = &'a [Term]>, variables: usize) -> Option<u32> {
    let mut largest = 0;
    let mut increasing = true;
    for terms in rows {
        // The least that the next column may be.
        let mut next = 0;
        for &[column, coefficient] in terms {
            let column = column as usize;
            increasing &= column >= next;
            next = column + 1;
            largest = largest.max(coefficient);
        }
        increasing &= next <= variables;
    }
    increasing.then_some(largest)
}

fn check_row(
    name: MatrixName,
    row: usize,
    terms: &[Term],
    variables: usize,
    coefficients: usize,
    next_coefficient: &mut usize,
) -> Result<(), R1csError> {
    if let Some(&[column, _]) = terms.iter().find(|[column, _]| *column as usize >= variables) {
        return Err(R1csError::Column {
            matrix: name,
            row,
            got: column as usize,
            variables,
        });
    }
    let mut in_order = terms.is_sorted_by(|[left, _], [right, _]| left < right);
    for &[_, coefficient] in terms {
        let index = coefficient as usize;
        in_order &= index < coefficients && index <= *next_coefficient;
        if index == *next_coefficient {
            *next_coefficient += 1;
        }
    }
    if in_order {
        return Ok(());
    }
    Err(R1csEncodingError::Terms { matrix: name, row }.into())
}
