//! From an assignment to the quotient's values on the odd coset: rows, their check, six transforms.
//!
//! What is computed is in `docs/reduction.md`, how it is transformed in `docs/ntt.md`. Here c is ⟨Cᵢ, w⟩, which the check
//! has found equal to aᵢ·bᵢ.

mod rows;
mod sum;
#[cfg(test)]
mod tests;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, PrimeField};
use ark_poly::Radix2EvaluationDomain;
use ark_relations::gr1cs::SynthesisError;
use rayon::prelude::*;
use thiserror::Error;

use self::rows::{Assigned, EvaluateRows, FirstWrong};
use crate::backend::{Backend, Line, Pages};
use crate::ntt::{BLOCK, CosetMap, Domain, Footprint, NttError, Scratch};
use crate::reduction::quotient_on_odd_coset;
use crate::{Control, MatrixName, Phase, R1cs, R1csError};

/// Rows that one task evaluates: enough to hide the scheduling, few enough to balance long rows.
const ROWS_PER_TASK: usize = 512;
/// The rows' share of the time.
const ROWS_SHARE: f64 = 0.25;

/// The witness map of every R1CS with one size of domain. Shared between proofs.
#[derive(Debug)]
pub struct WitnessMap {
    domain: Domain,
}

/// Why there is no quotient.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QuotientError {
    /// The assignment does not satisfy this row, counted from 0, but all before it.
    #[error("row {row} is not satisfied")]
    Unsatisfied {
        /// The first wrong row.
        row: usize,
    },
    /// The control was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The assignment has another length than the system.
    #[error(transparent)]
    Assignment(#[from] R1csError),
    /// The system has another size of domain than the map.
    #[error(transparent)]
    Size(#[from] NttError),
}

/// Three polynomials and room for tiles, kept between proofs. Its size follows the largest proof.
#[derive(Debug, Default)]
pub struct WitnessMapBuffers {
    polynomials: [Pages<Line>; 3],
    scratch: Scratch,
}

/// The values h_i = a_i·b_i − c_i on the odd coset, as integers below the modulus.
#[derive(Clone, Copy, Debug)]
pub struct Quotient<'a> {
    lines: &'a [Line],
    /// Lines of a block.
    stride: usize,
    length: usize,
}

impl Quotient<'_> {
    /// How many values there are: the domain's size.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Never: a domain has at least one element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// h at ω^(2·`index` + 1), least significant word first; `index` below [`len`](Self::len). The values lie in memory from the last to
    /// the first.
    #[must_use]
    #[inline]
    pub fn get(&self, index: usize) -> [u64; 4] {
        let position = self.length - 1 - index;
        let line = &self.lines[position / BLOCK * self.stride + position % BLOCK / 2].0;
        let [a, b, c, d, e, f, g, h] = *line;
        match position % 2 {
            0 => [a, b, c, d],
            _ => [e, f, g, h],
        }
    }
}

impl WitnessMapBuffers {
    /// Bytes that a domain of this footprint needs on so many threads.
    pub(crate) fn bytes_for(domain: Footprint, threads: usize) -> usize {
        3 * domain.polynomial + threads * domain.room
    }

    /// Bytes of memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let polynomials: usize = self.polynomials.iter().map(Pages::bytes).sum();
        polynomials + self.scratch.bytes()
    }

    /// The first `lines` of each polynomial; what is in them is undefined.
    fn polynomials(&mut self, lines: usize) -> ([&mut [Line]; 3], &Scratch) {
        let polynomials = self.polynomials.each_mut().map(|polynomial| {
            polynomial.grow(lines);
            &mut polynomial[..lines]
        });
        (polynomials, &self.scratch)
    }
}

impl WitnessMap {
    /// For systems whose domain has `size` elements. Computes tables on the current threads.
    ///
    /// # Errors
    /// [`NttError::Length`] unless `size` is a power of two up to 2^27.
    pub fn new(backend: Backend, size: usize) -> Result<Self, NttError> {
        let domain = Domain::new(backend, size, &|| false)?;
        Ok(Self { domain })
    }

    /// [`new`](Self::new), which ends early once `control` is cancelled.
    ///
    /// # Errors
    /// [`QuotientError::Size`] as there, and [`QuotientError::Cancelled`].
    pub(crate) fn under(backend: Backend, size: usize, control: &Control<'_>) -> Result<Self, QuotientError> {
        let domain = Domain::new(backend, size, &|| control.is_cancelled())?;
        match control.is_cancelled() {
            true => Err(QuotientError::Cancelled),
            false => Ok(Self { domain }),
        }
    }

    /// Bytes of the tables.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.domain.bytes()
    }

    /// The quotient for an assignment that satisfies every row, on the threads of the current pool. `control` is asked every few
    /// milliseconds on each of them, and hears the progress on the current one.
    ///
    /// # Errors
    /// Every variant of [`QuotientError`].
    pub fn quotient<'a>(
        &self,
        r1cs: &R1cs,
        assignment: &[Fr],
        buffers: &'a mut WitnessMapBuffers,
        control: &Control<'_>,
    ) -> Result<Quotient<'a>, QuotientError> {
        let size = r1cs.domain_size();
        if size != self.domain.size() {
            return Err(NttError::Length { got: size }.into());
        }
        r1cs.check_assignment(assignment)?;
        match self.domain.coset_map() {
            Some(map) => self.wide(map, r1cs, assignment, buffers, control),
            None => Self::narrow(r1cs, assignment, buffers, control),
        }
    }

    fn wide<'a>(
        &self,
        map: CosetMap<'_>,
        r1cs: &R1cs,
        assignment: &[Fr],
        buffers: &'a mut WitnessMapBuffers,
        control: &Control<'_>,
    ) -> Result<Quotient<'a>, QuotientError> {
        let length = self.domain.size();
        map.reserve(&mut buffers.scratch);
        let (polynomials, scratch) = buffers.polynomials(map.polynomial());
        let [a, b, c] = polynomials;

        let system = Assigned::new(r1cs, assignment);
        let per_task = ROWS_PER_TASK / BLOCK * map.block();
        let wrong = FirstWrong::new();
        let tasks = a
            .par_chunks_mut(per_task)
            .zip(b.par_chunks_mut(per_task))
            .zip(c.par_chunks_mut(per_task));
        tasks.enumerate().for_each(|(task, ((a, b), c))| {
            let first = task * ROWS_PER_TASK;
            // A row before this one may still be found wrong, a row after a wrong one is of no interest.
            if control.is_cancelled() || wrong.is_before(first) {
                return;
            }
            let out = [a, b, c];
            let found = self.domain.backend().run(EvaluateRows { system, first, out });
            if let Some(row) = found {
                wrong.hear(row);
            }
        });
        if control.is_cancelled() {
            return Err(QuotientError::Cancelled);
        }
        if let Some(row) = wrong.row() {
            return Err(QuotientError::Unsatisfied { row });
        }
        control.report(Phase::WitnessMap, ROWS_SHARE);

        let stop = || control.is_cancelled();
        let passed = |part: f64| control.report(Phase::WitnessMap, ROWS_SHARE + (1.0 - ROWS_SHARE) * part);
        if !map.run([&mut *a, b, c], scratch, &stop, &passed) {
            return Err(QuotientError::Cancelled);
        }
        Ok(Quotient {
            lines: a,
            stride: map.block(),
            length,
        })
    }

    /// Fewer than 64 elements: arkworks' transforms.
    fn narrow<'a>(
        r1cs: &R1cs,
        assignment: &[Fr],
        buffers: &'a mut WitnessMapBuffers,
        control: &Control<'_>,
    ) -> Result<Quotient<'a>, QuotientError> {
        let length = r1cs.domain_size();
        let mut a = vec![Fr::ZERO; length];
        let mut b = vec![Fr::ZERO; length];
        r1cs.evaluate_into(MatrixName::A, assignment, &mut a)?;
        r1cs.evaluate_into(MatrixName::B, assignment, &mut b)?;
        if let Some(row) = r1cs.first_wrong_product(&a, &b, assignment) {
            return Err(QuotientError::Unsatisfied { row });
        }
        let (rows, instance) = (r1cs.num_constraints(), r1cs.num_instance());
        a[rows..rows + instance].copy_from_slice(&assignment[..instance]);
        let values =
            quotient_on_odd_coset::<Fr, Radix2EvaluationDomain<Fr>, SynthesisError>(a, b, &mut |_| Ok(()))
                .map_err(|_| NttError::Length { got: length })?;
        if control.is_cancelled() {
            return Err(QuotientError::Cancelled);
        }
        control.report(Phase::WitnessMap, 1.0);
        let ([lines, ..], _) = buffers.polynomials(length.div_ceil(2).max(BLOCK / 2));
        for (position, value) in values.iter().rev().enumerate() {
            lines[position / 2].0[position % 2 * 4..][..4].copy_from_slice(&value.into_bigint().0);
        }
        Ok(Quotient {
            lines,
            stride: BLOCK / 2,
            length,
        })
    }
}
