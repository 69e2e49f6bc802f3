mod edges;

use ark_ff::{AdditiveGroup, UniformRand};
use ark_std::rand::SeedableRng;
use ark_std::rand::rngs::StdRng;

use super::*;
use crate::testing::{backends, in_pools};

type Domain = Radix2EvaluationDomain<Fr>;

fn inputs(log2: u32) -> Vec<Vec<Fr>> {
    let mut rng = StdRng::seed_from_u64(u64::from(log2));
    let length = 1 << log2;
    vec![
        (0..length).map(|_| Fr::rand(&mut rng)).collect(),
        vec![Fr::ZERO; length],
        vec![-Fr::ONE; length],
    ]
}

#[test]
fn transforms_equal_those_of_arkworks() {
    for backend in backends() {
        for log2 in 0..=14 {
            let domain = Domain::new(1 << log2).unwrap();
            for coefficients in inputs(log2) {
                let values = domain.fft(&coefficients);
                let mut transformed = coefficients.clone();
                forward(backend, &mut transformed).unwrap();
                assert_eq!(transformed, values, "forward, 2^{log2}");
                inverse(backend, &mut transformed).unwrap();
                assert_eq!(transformed, coefficients, "inverse, 2^{log2}");
            }
        }
    }
}

#[test]
fn every_number_of_threads_gives_the_same() {
    let coefficients = inputs(15).swap_remove(0);
    let values = Domain::new(1 << 15).unwrap().fft(&coefficients);
    for backend in backends() {
        in_pools(|| {
            let mut transform = Transform::forward(backend, 1 << 15).unwrap();
            // Twice: a transform keeps nothing of the last one.
            for _ in 0..2 {
                let mut transformed = coefficients.clone();
                transform.apply(&mut transformed).unwrap();
                assert!(transformed == values);
            }
        });
    }
}

#[test]
fn other_lengths_are_refused() {
    let backend = Backend::Portable;
    for got in [0, 3, 65, 100] {
        let refused = Err(NttError::Length { got });
        assert_eq!(forward(backend, &mut vec![Fr::ONE; got]), refused);
        assert_eq!(inverse(backend, &mut vec![Fr::ONE; got]), refused);
    }
    assert_eq!(
        Transform::forward(backend, 1 << 28).err(),
        Some(NttError::Length { got: 1 << 28 })
    );
    let mut transform = Transform::inverse(backend, 64).unwrap();
    assert_eq!(
        transform.apply(&mut [Fr::ONE; 32]),
        Err(NttError::Length { got: 32 })
    );
}
