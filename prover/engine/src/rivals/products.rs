//! Field multiplications by themselves, for counting what one costs.

use ark_bn254::Fr;

use crate::Backend;
use crate::backend::{Kernel, Lanes, Machine};

/// Multiplies each value by its factor, eight at a time; values beyond the last eight stay as they are.
pub fn multiply(backend: Backend, values: &mut [Fr], factors: &[Fr]) {
    backend.run(Multiply { values, factors });
}

struct Multiply<'a> {
    values: &'a mut [Fr],
    factors: &'a [Fr],
}

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<M: Machine>(self) {
        let (values, _) = self.values.as_chunks_mut::<8>();
        let (factors, _) = self.factors.as_chunks::<8>();
        for (values, factors) in values.iter_mut().zip(factors) {
            let product = M::Fr::from_elements(values).mul(M::Fr::from_elements(factors));
            *values = product.to_elements();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::values;

    #[test]
    fn values_are_multiplied_by_their_factors() {
        let mut products: Vec<Fr> = values(1).take(19).collect();
        let factors: Vec<Fr> = values(2).take(19).collect();
        let expected: Vec<Fr> = values(1)
            .zip(values(2))
            .map(|(value, factor)| value * factor)
            .take(16)
            .chain(values(1).skip(16).take(3))
            .collect();
        multiply(Backend::Portable, &mut products, &factors);
        assert_eq!(products, expected);
    }
}
