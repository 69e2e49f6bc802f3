//! Decimal floats in a circuit: twins of [`FloatAmount`](super::FloatAmount) and [`FloatFee`](super::FloatFee).

use crate::r1cs::{ConstraintSystem, FieldVar};
use crate::range::{enforce_range, weighted_sum};
use ark_bn254::Fr;
use ark_ff::Field;

/// Bits of every exponent.
const EXPONENT_BITS: usize = 5;

/// The value `mantissa · 10^exponent` of an encoding with `mantissa_bits` low bits and five bits of exponent.
/// `mantissa_bits + 10` constraints.
///
/// Enforces that the encoding is below `2^(mantissa_bits + 5)`. The value is below `2^mantissa_bits · 10^31`, far below r.
pub fn decode<C: ConstraintSystem>(
    cs: &mut C,
    encoding: &FieldVar<C::L>,
    mantissa_bits: usize,
) -> FieldVar<C::L> {
    let bits = enforce_range(cs, encoding, mantissa_bits + EXPONENT_BITS);
    let (mantissa, exponent) = bits.split_at(mantissa_bits);
    let mut value = weighted_sum(mantissa);
    let mut power = Fr::from(10u64);
    for bit in exponent {
        // times 10^(2^i) if the bit is set
        let factor = bit.scaled(power - Fr::ONE).plus_constant(Fr::ONE);
        value = cs.multiply(&value, &factor);
        power.square_in_place();
    }
    value
}
