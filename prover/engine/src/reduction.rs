//! The reduction from R1CS to QAP that snarkjs uses, as an [`R1CSToQAP`] of ark-groth16.
#![doc = include_str!("../docs/reduction.md")]

use ark_ff::{FftField, PrimeField, batch_inversion};
use ark_groth16::r1cs_to_qap::R1CSToQAP;
use ark_poly::EvaluationDomain;
use ark_relations::gr1cs::{ConstraintSystemRef, R1CS_PREDICATE_LABEL, SynthesisError};
use ark_relations::utils::matrix::Matrix;
use rayon::prelude::*;

/// snarkjs' reduction: quotient on the odd coset, c = a∘b.
#[derive(Clone, Copy, Debug, Default)]
pub struct SnarkjsReduction;

/// τ-evaluations of the columns of A, B and C, the vanishing polynomial's value, variables without the constant, n.
type InstanceMap<F> = (Vec<F>, Vec<F>, Vec<F>, F, usize, usize);

impl R1CSToQAP for SnarkjsReduction {
    fn instance_map_with_evaluation<F: PrimeField, D: EvaluationDomain<F>>(
        cs: ConstraintSystemRef<F>,
        tau: &F,
    ) -> Result<InstanceMap<F>, SynthesisError> {
        let all = cs.to_matrices()?;
        let Some([a, b, c]) = all.get(R1CS_PREDICATE_LABEL).map(Vec::as_slice) else {
            return Err(SynthesisError::PredicateNotFound);
        };
        let rows = cs.num_constraints();
        let instance = cs.num_instance_variables();
        let variables = instance + cs.num_witness_variables();
        let domain = D::new(rows + instance).ok_or(SynthesisError::PolynomialDegreeTooLarge)?;
        let lagrange = domain.evaluate_all_lagrange_coefficients(*tau);

        let columns = |matrix: &Matrix<F>| {
            let mut at_tau = vec![F::ZERO; variables];
            for (row, weight) in matrix.iter().zip(&lagrange) {
                for (coefficient, column) in row {
                    at_tau[*column] += *coefficient * weight;
                }
            }
            at_tau
        };
        let ((mut a, b), c) = rayon::join(|| rayon::join(|| columns(a), || columns(b)), || columns(c));
        // One more row x_j · 0 = 0 for each instance variable keeps the public inputs' columns independent.
        for (at_tau, weight) in a.iter_mut().zip(&lagrange[rows..rows + instance]) {
            *at_tau += weight;
        }
        let vanishing = domain.evaluate_vanishing_polynomial(*tau);
        Ok((a, b, c, vanishing, variables - 1, domain.size()))
    }

    fn witness_map_from_matrices<F: PrimeField, D: EvaluationDomain<F>>(
        matrices: &[Matrix<F>],
        num_inputs: usize,
        num_constraints: usize,
        full_assignment: &[F],
    ) -> Result<Vec<F>, SynthesisError> {
        let [a, b, ..] = matrices else {
            return Err(SynthesisError::AssignmentMissing);
        };
        if full_assignment.len() < num_inputs {
            return Err(SynthesisError::AssignmentMissing);
        }
        let (domain, _) = domains::<F, D>(num_constraints + num_inputs)?;
        let evaluate = |matrix: &Matrix<F>| {
            let inner_product = |row: &Vec<(F, usize)>| {
                row.iter()
                    .map(|(coefficient, column)| *coefficient * full_assignment[*column])
                    .sum()
            };
            let mut values = vec![F::ZERO; domain.size()];
            values
                .par_iter_mut()
                .zip(&matrix[..num_constraints])
                .for_each(|(value, row)| {
                    *value = inner_product(row);
                });
            values
        };
        let mut a = evaluate(a);
        let b = evaluate(b);
        a[num_constraints..num_constraints + num_inputs].copy_from_slice(&full_assignment[..num_inputs]);
        quotient_on_odd_coset::<F, D, _>(a, b, &mut |_| Ok(()))
    }

    /// n scalars L_(2i+1)(τ)/δ, where ark-groth16 passes n − 1 as `max_power`.
    fn h_query_scalars<F: PrimeField, D: EvaluationDomain<F>>(
        max_power: usize,
        tau: F,
        _vanishing: F,
        delta_inverse: F,
    ) -> Result<Vec<F>, SynthesisError> {
        let (domain, omega) = domains::<F, D>(max_power + 1)?;
        let n = domain.size();
        let double_n = domain.size_as_field_element().double();
        // L_j(τ) = (τ^2n − 1)/2n · ω^j/(τ − ω^j).
        let numerator = tau.pow([to_u64(n)]).square() - F::ONE;
        let weight = numerator * delta_inverse * double_n.inverse().ok_or(SynthesisError::DivisionByZero)?;
        if weight.is_zero() {
            // τ is itself a power of ω: a fresh τ is needed.
            return Err(SynthesisError::DivisionByZero);
        }
        let mut powers: Vec<F> = vec![omega; n];
        D::distribute_powers(&mut powers, domain.group_gen());
        let mut scalars: Vec<F> = powers.par_iter().map(|power| tau - power).collect();
        batch_inversion(&mut scalars);
        scalars
            .par_iter_mut()
            .zip(powers)
            .for_each(|(scalar, power)| *scalar *= weight * power);
        Ok(scalars)
    }
}

/// What [`quotient_on_odd_coset`] has finished: the transforms of one of its three polynomials, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transformed {
    /// The iNTT of c = a∘b.
    CInverse,
    /// Both transforms of c.
    C,
    /// The iNTT of a, both of c.
    AInverse,
    /// Both transforms of a and c.
    A,
    /// All but the last transform.
    BInverse,
}

/// The values aᵢbᵢ − cᵢ on the odd coset from the values of A and B on the domain; c = a∘b on the domain.
///
/// `a` and `b` have one value for each element of the domain, a power of two. `step` is called between the six
/// transforms; its error ends the work.
///
/// # Errors
/// The error of `step`, or [`SynthesisError::PolynomialDegreeTooLarge`] where the field lacks roots of unity.
pub(crate) fn quotient_on_odd_coset<F: PrimeField, D: EvaluationDomain<F>, E: From<SynthesisError>>(
    mut a: Vec<F>,
    mut b: Vec<F>,
    step: &mut (dyn FnMut(Transformed) -> Result<(), E> + Send),
) -> Result<Vec<F>, E> {
    let (domain, omega) = domains::<F, D>(a.len())?;
    let coset = domain
        .get_coset(omega)
        .ok_or(SynthesisError::PolynomialDegreeTooLarge)?;
    let mut c: Vec<F> = a.par_iter().zip(&b).map(|(a, b)| *a * b).collect();
    domain.ifft_in_place(&mut c);
    step(Transformed::CInverse)?;
    coset.fft_in_place(&mut c);
    step(Transformed::C)?;
    domain.ifft_in_place(&mut a);
    step(Transformed::AInverse)?;
    coset.fft_in_place(&mut a);
    step(Transformed::A)?;
    domain.ifft_in_place(&mut b);
    step(Transformed::BInverse)?;
    coset.fft_in_place(&mut b);
    a.par_iter_mut()
        .zip(b)
        .zip(c)
        .for_each(|((a, b), c)| *a = *a * b - c);
    Ok(a)
}

/// The domain that holds `size` values, and ω of twice its order with ω² its generator.
fn domains<F: FftField, D: EvaluationDomain<F>>(size: usize) -> Result<(D, F), SynthesisError> {
    let domain = D::new(size).ok_or(SynthesisError::PolynomialDegreeTooLarge)?;
    let omega = F::get_root_of_unity(to_u64(domain.size()) * 2)
        .filter(|omega| omega.square() == domain.group_gen())
        .ok_or(SynthesisError::PolynomialDegreeTooLarge)?;
    Ok((domain, omega))
}

fn to_u64(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
