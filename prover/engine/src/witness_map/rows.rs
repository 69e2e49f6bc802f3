//! The values of the rows, and whether they are satisfied.

use std::sync::atomic::{AtomicUsize, Ordering};

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

use super::sum::Sum;
use crate::backend::{Arithmetic, Kernel, Lanes, Line, Machine};
use crate::ntt::BLOCK;
use crate::r1cs::{SparseMatrix, Term};
use crate::{MatrixName, R1cs};

/// An R1CS with an assignment of its length.
#[derive(Clone, Copy)]
pub(super) struct Assigned<'a> {
    matrices: [SparseMatrix<'a>; 3],
    dictionary: &'a [Fr],
    assignment: &'a [Fr],
    rows: usize,
    instance: usize,
    /// Whether variable 0 is 1, as it is in every proper assignment.
    has_one: bool,
}

impl<'a> Assigned<'a> {
    pub(super) fn new(r1cs: &'a R1cs, assignment: &'a [Fr]) -> Self {
        Self {
            matrices: MatrixName::ALL.map(|name| r1cs.matrix(name)),
            dictionary: r1cs.dictionary(),
            assignment,
            rows: r1cs.num_constraints(),
            instance: r1cs.num_instance(),
            has_one: assignment.first() == Some(&Fr::ONE),
        }
    }

    /// The values of A, B and C in eight rows; beyond the last row those of the instance's rows, x_j · 0 = 0, then zeros.
    fn block(&self, first: usize) -> [[Fr; BLOCK]; 3] {
        let mut block = [[Fr::ZERO; BLOCK]; 3];
        for (values, matrix) in block.iter_mut().zip(&self.matrices) {
            if first < self.rows {
                for (value, terms) in values.iter_mut().zip(matrix.rows_from(first)) {
                    *value = self.inner_product(terms);
                }
            }
        }
        let [a, ..] = &mut block;
        for (value, row) in a.iter_mut().zip(first..) {
            if (self.rows..self.rows + self.instance).contains(&row) {
                *value = self.assignment[row - self.rows];
            }
        }
        block
    }

    /// Most terms have coefficient 1 or −1, or are a constant: they cost no multiplication, and a sum is reduced once.
    fn inner_product(&self, terms: &[Term]) -> Fr {
        if let [[column, 0]] = terms {
            return self.assignment[*column as usize];
        }
        let mut sum = Sum::default();
        for &[column, coefficient] in terms {
            let value = &self.assignment[column as usize];
            match coefficient {
                0 => sum.add(value),
                1 => sum.subtract(value),
                index if column == 0 && self.has_one => sum.add(&self.dictionary[index as usize]),
                index => sum.add(&(self.dictionary[index as usize] * value)),
            }
        }
        sum.reduce()
    }
}

/// The first of the wrong rows that tasks find, in whatever order they find them.
#[derive(Debug)]
pub(super) struct FirstWrong(AtomicUsize);

impl FirstWrong {
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(usize::MAX))
    }

    /// A task has found this row wrong.
    pub(super) fn hear(&self, row: usize) {
        self.0.fetch_min(row, Ordering::Relaxed);
    }

    /// Whether a row before this one is wrong.
    pub(super) fn is_before(&self, row: usize) -> bool {
        self.0.load(Ordering::Relaxed) < row
    }

    /// The first of all, if there is one.
    pub(super) fn row(&self) -> Option<usize> {
        Some(self.0.load(Ordering::Relaxed)).filter(|&row| row != usize::MAX)
    }
}

/// Writes the values of neighbouring rows into blocks of a, b and c, bound 16. Gives the first row whose product is wrong.
pub(super) struct EvaluateRows<'a> {
    pub(super) system: Assigned<'a>,
    /// A multiple of eight.
    pub(super) first: usize,
    pub(super) out: [&'a mut [Line]; 3],
}

impl Kernel for EvaluateRows<'_> {
    type Output = Option<usize>;

    #[inline(always)]
    fn run<M: Machine>(self) -> Option<usize> {
        let [a, b, c] = self.out;
        let blocks = a
            .chunks_exact_mut(M::Fr::LINES)
            .zip(b.chunks_exact_mut(M::Fr::LINES))
            .zip(c.chunks_exact_mut(M::Fr::LINES));
        let mut wrong = None;
        for (((a, b), c), first) in blocks.zip((self.first..).step_by(BLOCK)) {
            let values = self.system.block(first);
            let left = M::Fr::from_elements(&values[0]);
            let right = M::Fr::from_elements(&values[1]);
            let product = M::Fr::from_elements(&values[2]);
            // [6 + 16]
            let satisfied = left.mul(right).sub::<16>(product).zero_lanes();
            if satisfied != u8::MAX && wrong.is_none() {
                wrong = Some(first + satisfied.trailing_ones() as usize);
            }
            left.write(a);
            right.write(b);
            product.write(c);
        }
        wrong
    }
}
