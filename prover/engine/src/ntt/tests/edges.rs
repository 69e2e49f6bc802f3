//! Transforms of values at the edges of their encodings.

use ark_ff::{BigInt, Field, MontConfig};
use ark_std::rand::Rng;

use super::*;

/// Elements whose words in memory are extreme, and those that are extreme as integers.
fn edges() -> Vec<Fr> {
    let words = |words: [u64; 4]| {
        let mut element = Fr::ZERO;
        element.0 = BigInt::new(words);
        element
    };
    let mut largest = ark_bn254::FrConfig::MODULUS.0;
    largest[0] -= 1;
    vec![
        Fr::ZERO,
        Fr::ONE,
        -Fr::ONE,
        words([1, 0, 0, 0]),
        words(largest),
        words([u64::MAX, u64::MAX, u64::MAX, 0]),
        words([0, 0, 0, 1 << 60]),
    ]
}

#[test]
fn transforms_of_extreme_values_equal_those_of_arkworks() {
    let mut rng = StdRng::seed_from_u64(77);
    let edges = edges();
    for log2 in 0..=12 {
        let domain = Domain::new(1 << log2).unwrap();
        let mut inputs: Vec<Vec<Fr>> = edges.iter().map(|&edge| vec![edge; 1 << log2]).collect();
        inputs.push(
            (0..1 << log2)
                .map(|_| edges[rng.gen_range(0..edges.len())])
                .collect(),
        );
        // One value that is not zero, at the end.
        let mut single = vec![Fr::ZERO; 1 << log2];
        single[(1 << log2) - 1] = -Fr::ONE;
        inputs.push(single);
        for input in inputs {
            let (values, coefficients) = (domain.fft(&input), domain.ifft(&input));
            for backend in backends() {
                let mut found = input.clone();
                forward(backend, &mut found).unwrap();
                assert!(found == values, "forward, 2^{log2}, {backend}");
                let mut found = input.clone();
                inverse(backend, &mut found).unwrap();
                assert!(found == coefficients, "inverse, 2^{log2}, {backend}");
            }
        }
    }
}
