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
        .map(|task| largest_coefficient(matrix, task, variables))
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

/// The largest index of a coefficient in a task's rows; `None` if columns do not increase within a row, or do not exist.
///
/// Rows are short: a loop over each would mostly guess wrongly where it ends. So all terms are compared with their neighbours,
/// many at once, and of the columns that do not increase those are taken off again that begin a row.
fn largest_coefficient(matrix: SparseMatrix<'_>, task: usize, variables: usize) -> Option<u32> {
    let first = task * ROWS_PER_TASK;
    let offsets = &matrix.offsets[first..matrix.offsets.len().min(first + ROWS_PER_TASK + 1)];
    let start = offsets[0] as usize;
    let terms = &matrix.terms[start..offsets[offsets.len() - 1] as usize];
    let (mut largest, mut last_column, mut falls) = (0, 0, 0u32);
    for &[column, coefficient] in terms {
        largest = coefficient.max(largest);
        last_column = column.max(last_column);
    }
    for ([column, _], [next, _]) in terms.iter().zip(terms.get(1..).unwrap_or_default()) {
        falls = falls.wrapping_add(u32::from(next <= column));
    }
    for bounds in offsets.windows(2) {
        let at = bounds[0] as usize - start;
        if bounds[0] < bounds[1] && at > 0 {
            falls = falls.wrapping_sub(u32::from(terms[at][0] <= terms[at - 1][0]));
        }
    }
    let exists = terms.is_empty() || (last_column as usize) < variables;
    (exists && falls == 0).then_some(largest)
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
