//! The columns of A, B and C at τ, and the scalars of the H list; `docs/reduction.md` says what they are.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, batch_inversion};
use ark_groth16::r1cs_to_qap::R1CSToQAP as _;
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use rayon::prelude::*;

use crate::{MatrixName, R1cs, SnarkjsReduction};

/// Elements that one task inverts together.
const PER_TASK: usize = 1 << 12;

/// The value of each variable's polynomial at τ, for each matrix.
pub(super) struct Columns {
    pub(super) a: Vec<Fr>,
    pub(super) b: Vec<Fr>,
    pub(super) c: Vec<Fr>,
    tau: Fr,
    size: usize,
}

impl Columns {
    /// One pass over the terms of each matrix. `None` if τ lies in the domain.
    pub(super) fn at(r1cs: &R1cs, domain: &Radix2EvaluationDomain<Fr>, tau: Fr) -> Option<Self> {
        let lagrange = lagrange(domain, tau)?;
        let column = |name: MatrixName| {
            let mut values = vec![Fr::ZERO; r1cs.num_variables()];
            for (row, weight) in lagrange.iter().enumerate().take(r1cs.num_constraints()) {
                for (coefficient, variable) in r1cs.row(name, row) {
                    let value = &mut values[variable];
                    // Most coefficients are 1.
                    *value += match *coefficient == Fr::ONE {
                        true => *weight,
                        false => *coefficient * weight,
                    };
                }
            }
            values
        };
        let ((mut a, b), c) = rayon::join(
            || rayon::join(|| column(MatrixName::A), || column(MatrixName::B)),
            || column(MatrixName::C),
        );
        // The rows x_j · 0 = 0 keep the columns of the public inputs independent.
        for (value, weight) in a
            .iter_mut()
            .zip(&lagrange[r1cs.num_constraints()..])
            .take(r1cs.num_instance())
        {
            *value += weight;
        }
        Some(Self {
            a,
            b,
            c,
            tau,
            size: domain.size(),
        })
    }

    /// The scalars of the H list. `None` if τ is a power of ω.
    pub(super) fn h(&self, delta_inverse: Fr) -> Option<Vec<Fr>> {
        SnarkjsReduction::h_query_scalars::<Fr, Radix2EvaluationDomain<Fr>>(
            self.size - 1,
            self.tau,
            Fr::ZERO,
            delta_inverse,
        )
        .ok()
    }
}

/// The Lagrange basis of the domain at τ: (τⁿ − 1)/n · gⁱ/(τ − gⁱ). `None` if τ is one of the gⁱ.
fn lagrange(domain: &Radix2EvaluationDomain<Fr>, tau: Fr) -> Option<Vec<Fr>> {
    let weight = domain.evaluate_vanishing_polynomial(tau) * domain.size_inv();
    if weight == Fr::ZERO {
        return None;
    }
    let mut values = vec![Fr::ZERO; domain.size()];
    values
        .par_chunks_mut(PER_TASK)
        .enumerate()
        .for_each(|(task, values)| {
            let first = domain.element(task * PER_TASK);
            let mut power = first;
            for value in values.iter_mut() {
                *value = tau - power;
                power *= domain.group_gen();
            }
            batch_inversion(values);
            let mut factor = weight * first;
            for value in values {
                *value *= factor;
                factor *= domain.group_gen();
            }
        });
    Some(values)
}
