//! Integers modulo l, the order of the prime subgroup.

use ark_ff::{BigInt, Fp256, MontBackend, MontConfig, MontFp, PrimeField};

use super::ORDER;

/// Parameters of [`Scalar`]. Written out because the derive macro brings `cfg`s of its own.
pub(crate) struct ScalarConfig;

impl MontConfig<4> for ScalarConfig {
    const MODULUS: BigInt<4> = BigInt(ORDER);
    const GENERATOR: Scalar = MontFp!("31");
    // 31^((l − 1) / 2^4); l − 1 has four factors of two.
    const TWO_ADIC_ROOT_OF_UNITY: Scalar =
        MontFp!("660854635938548466034658205324789272997681163813030924457091119852551226483");
}

/// An integer modulo l.
pub(crate) type Scalar = Fp256<MontBackend<ScalarConfig, 4>>;

/// An integer of any length, least significant byte first, modulo l.
pub(crate) fn reduce_bytes_le(bytes: &[u8]) -> Scalar {
    Scalar::from_le_bytes_mod_order(bytes)
}

/// The representative below l, limbs least significant first.
pub(crate) fn to_limbs(scalar: &Scalar) -> [u64; 4] {
    scalar.into_bigint().0
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Against big integers, with inputs beyond l.
        #[test]
        fn arithmetic_is_modulo_l(a in any::<[u8; 32]>(), b in any::<[[u8; 32]; 2]>()) {
            let b = b.concat();
            let l = BigUint::from_bytes_le(&super::super::limbs_to_bytes_le(&ORDER));
            let integer = |s: &Scalar| BigUint::from_bytes_le(&super::super::limbs_to_bytes_le(&to_limbs(s)));
            let (x, y) = (reduce_bytes_le(&a), reduce_bytes_le(&b));
            let (big_x, big_y) = (BigUint::from_bytes_le(&a) % &l, BigUint::from_bytes_le(&b) % &l);
            prop_assert_eq!(integer(&x), big_x.clone());
            prop_assert_eq!(integer(&y), big_y.clone());
            prop_assert_eq!(integer(&(x * y)), &big_x * &big_y % &l);
            prop_assert_eq!(integer(&(x + y)), (&big_x + &big_y) % &l);
        }
    }
}
