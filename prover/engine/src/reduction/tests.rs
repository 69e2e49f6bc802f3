use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, UniformRand, Zero};
use ark_poly::univariate::DensePolynomial;
use ark_poly::{DenseUVPolynomial, GeneralEvaluationDomain, Polynomial, Radix2EvaluationDomain};
use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystem, OptimizationGoal, SynthesisMode};
use ark_std::rand::SeedableRng;
use ark_std::rand::rngs::StdRng;

use super::*;
use crate::setup::reference::Replay;
use crate::testing::random_circuit;
use crate::{MatrixName, R1cs};

type Domain = Radix2EvaluationDomain<Fr>;

/// A, B, C of the QAP for one assignment, interpolated: the slow way that needs no reduction.
fn polynomials(r1cs: &R1cs, assignment: &[Fr]) -> [DensePolynomial<Fr>; 3] {
    let domain = Domain::new(r1cs.domain_size()).unwrap();
    MatrixName::ALL.map(|name| {
        let mut values = r1cs.evaluate(name, assignment).unwrap();
        if name == MatrixName::A {
            values.extend(&assignment[..r1cs.num_instance()]);
        }
        values.resize(domain.size(), Fr::ZERO);
        DensePolynomial::from_coefficients_vec(domain.ifft(&values))
    })
}

fn quotient(r1cs: &R1cs, assignment: &[Fr]) -> Vec<Fr> {
    SnarkjsReduction::witness_map_from_matrices::<Fr, GeneralEvaluationDomain<Fr>>(
        &r1cs.to_matrices(),
        r1cs.num_instance(),
        r1cs.num_constraints(),
        assignment,
    )
    .unwrap()
}

#[test]
fn the_quotient_is_a_b_minus_c_on_the_odd_powers() {
    for seed in 0..10 {
        let (r1cs, assignment) = random_circuit(seed);
        let [a, b, c] = polynomials(&r1cs, &assignment);
        let double = Domain::new(2 * r1cs.domain_size()).unwrap();
        for (index, value) in quotient(&r1cs, &assignment).into_iter().enumerate() {
            let at = double.element(2 * index + 1);
            assert_eq!(value, a.evaluate(&at) * b.evaluate(&at) - c.evaluate(&at));
        }
    }
}

#[test]
fn h_scalars_are_the_odd_lagrange_basis_over_delta() {
    let mut rng = StdRng::seed_from_u64(1);
    for log2 in 0..8 {
        let n = 1 << log2;
        let (tau, delta) = (Fr::rand(&mut rng), Fr::rand(&mut rng));
        let scalars = SnarkjsReduction::h_query_scalars::<Fr, GeneralEvaluationDomain<Fr>>(
            n - 1,
            tau,
            Fr::ZERO,
            delta.inverse().unwrap(),
        )
        .unwrap();
        let lagrange = Domain::new(2 * n)
            .unwrap()
            .evaluate_all_lagrange_coefficients(tau);
        let odd: Vec<Fr> = lagrange.into_iter().skip(1).step_by(2).collect();
        assert_eq!(
            scalars.iter().map(|scalar| *scalar * delta).collect::<Vec<_>>(),
            odd
        );
    }
}

/// Key and prover meet: Σ hᵢ·Lᵢ(τ)/δ is (A·B − C)(τ)/δ.
#[test]
fn quotient_and_scalars_give_the_polynomial_at_tau() {
    let mut rng = StdRng::seed_from_u64(2);
    for seed in 0..10 {
        let (r1cs, assignment) = random_circuit(seed);
        let (tau, delta) = (Fr::rand(&mut rng), Fr::rand(&mut rng));
        let n = r1cs.domain_size();
        let scalars = SnarkjsReduction::h_query_scalars::<Fr, GeneralEvaluationDomain<Fr>>(
            n - 1,
            tau,
            Fr::ZERO,
            delta.inverse().unwrap(),
        )
        .unwrap();
        let [a, b, c] = polynomials(&r1cs, &assignment).map(|polynomial| polynomial.evaluate(&tau));
        let sum: Fr = quotient(&r1cs, &assignment)
            .iter()
            .zip(&scalars)
            .map(|(h, scalar)| *h * scalar)
            .sum();
        assert_eq!(sum * delta, a * b - c);
        // The vanishing polynomial divides it, or the assignment would not satisfy the rows.
        let vanishing = tau.pow([n as u64]) - Fr::ONE;
        assert!(!vanishing.is_zero());
    }
}

#[test]
fn columns_at_tau_are_those_of_the_interpolated_polynomials() {
    let mut rng = StdRng::seed_from_u64(3);
    for seed in 0..10 {
        let (r1cs, assignment) = random_circuit(seed);
        let tau = Fr::rand(&mut rng);
        let cs = ConstraintSystem::new_ref();
        cs.set_optimization_goal(OptimizationGoal::Constraints);
        cs.set_mode(SynthesisMode::Setup);
        Replay(&r1cs).generate_constraints(cs.clone()).unwrap();
        cs.finalize();
        let (a, b, c, vanishing, variables, n) =
            SnarkjsReduction::instance_map_with_evaluation::<Fr, GeneralEvaluationDomain<Fr>>(cs, &tau)
                .unwrap();
        assert_eq!(variables + 1, r1cs.num_variables());
        assert_eq!(n, r1cs.domain_size());
        assert_eq!(vanishing, tau.pow([n as u64]) - Fr::ONE);
        let sum = |columns: &[Fr]| columns.iter().zip(&assignment).map(|(x, w)| *x * w).sum::<Fr>();
        let expected = polynomials(&r1cs, &assignment).map(|polynomial| polynomial.evaluate(&tau));
        assert_eq!([sum(&a), sum(&b), sum(&c)], expected);
    }
}

#[test]
fn a_tau_inside_the_domain_is_refused() {
    let double = Domain::new(16).unwrap();
    for index in 0..16 {
        let scalars = SnarkjsReduction::h_query_scalars::<Fr, GeneralEvaluationDomain<Fr>>(
            7,
            double.element(index),
            Fr::ZERO,
            Fr::ONE,
        );
        assert!(scalars.is_err());
    }
}
