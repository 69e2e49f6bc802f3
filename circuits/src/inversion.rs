//! Many inverses at the price of one and three multiplications each (Montgomery's trick).

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

/// Replaces each value by its inverse; 0 stays 0.
///
/// On one thread, unlike `ark_ff::batch_inversion`, which may wait for other work of the pool: this runs while tables are
/// made behind a lock, and work of the pool may be waiting for those.
pub(crate) fn invert_all(values: &mut [Fr]) {
    let mut products = Vec::with_capacity(values.len());
    let mut product = Fr::ONE;
    for value in values.iter() {
        products.push(product);
        if *value != Fr::ZERO {
            product *= value;
        }
    }
    // A product of values that are not 0.
    let mut inverse = product.inverse().unwrap_or(Fr::ZERO);
    for (value, before) in values.iter_mut().zip(products).rev() {
        if *value != Fr::ZERO {
            let next = inverse * *value;
            *value = inverse * before;
            inverse = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_inverted_and_zeros_stay() {
        for length in 0..20u64 {
            let values: Vec<Fr> = (0..length).map(|i| Fr::from((i % 5) * 77)).collect();
            let mut inverses = values.clone();
            invert_all(&mut inverses);
            for (value, inverse) in values.iter().zip(&inverses) {
                assert_eq!(*inverse, value.inverse().unwrap_or(Fr::ZERO));
            }
        }
    }
}
