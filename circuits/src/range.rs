//! Bits and ranges inside a circuit. There is no native twin: the types of Rust are the ranges there.

use crate::r1cs::{ConstraintSystem, FieldVar};
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, BigInteger256, Field, PrimeField};

/// Enforces `bit ∈ {0, 1}`. One constraint.
pub fn enforce_boolean<C: ConstraintSystem>(cs: &mut C, bit: &FieldVar<C::L>) {
    cs.enforce(bit, bit, bit);
}

/// Allocates a boolean variable. One constraint.
pub fn new_bit<C: ConstraintSystem>(cs: &mut C, value: bool) -> FieldVar<C::L> {
    let bit = cs.witness(if value { Fr::ONE } else { Fr::ZERO });
    enforce_boolean(cs, &bit);
    bit
}

/// A boolean variable that is 1 exactly when `element` is 0. Two constraints.
///
/// Both directions: with the hint n, `element·n = 1 − bit` and `element·bit = 0`. For 0 the first row makes the bit 1; for anything
/// else the second makes it 0, and the first then has the inverse as its only n. Of 0 the hint is free and nothing else reads it.
pub fn is_zero<C: ConstraintSystem>(cs: &mut C, element: &FieldVar<C::L>) -> FieldVar<C::L> {
    let inverse = cs.inverses().invert(element.value());
    is_zero_with(cs, element, inverse)
}

/// [`is_zero`] with a hint that the caller has: the inverse, and 0 for 0.
pub(crate) fn is_zero_with<C: ConstraintSystem>(
    cs: &mut C,
    element: &FieldVar<C::L>,
    inverse: Fr,
) -> FieldVar<C::L> {
    let inverse = cs.witness(inverse);
    let bit = cs.witness(Fr::ONE - element.value() * inverse.value());
    cs.enforce(element, &inverse, &bit.complement());
    cs.enforce(element, &bit, &FieldVar::zero());
    bit
}

/// Enforces `element ∈ [0, 2^bits)` and returns its bits, least significant first. `bits` constraints.
///
/// `bits` is from 1 to 253, so that the sum of the bits cannot wrap around r and the reading is unique.
/// The last bit is not a variable: it is what the others leave, `(x − Σ b_i 2^i) / 2^(bits−1)`, and its own
/// constraint says that it is boolean. This spares the row that would add the bits up.
pub fn enforce_range<C: ConstraintSystem>(
    cs: &mut C,
    element: &FieldVar<C::L>,
    bits: usize,
) -> Vec<FieldVar<C::L>> {
    let value = element.value().into_bigint();
    let mut decomposed = Vec::with_capacity(bits);
    for index in 1..bits {
        decomposed.push(new_bit(cs, value.get_bit(index - 1)));
    }
    // As integers, x = Σ b_i 2^i + 2^(bits−1)·top.
    let top = FieldVar::with_value(high_part(value, bits - 1), || {
        let mut rest = element.clone();
        let mut weight = Fr::ONE;
        for bit in &decomposed {
            rest.add_scaled(bit, -weight);
            weight.double_in_place();
        }
        rest.scaled(weight.inverse().unwrap_or(Fr::ONE))
    });
    enforce_boolean(cs, &top);
    decomposed.push(top);
    decomposed
}

/// `⌊value / 2^low⌋`; 0 or 1, which cost nothing, if the value is in its range.
fn high_part(value: BigInteger256, low: usize) -> Fr {
    let high = u32::try_from(low).map_or(BigInteger256::default(), |low| value >> low);
    match high.0 {
        [0, 0, 0, 0] => Fr::ZERO,
        [1, 0, 0, 0] => Fr::ONE,
        _ => Fr::from(high),
    }
}

/// `if_true` when `bit` is 1, `if_false` when it is 0. One constraint.
pub fn select<C: ConstraintSystem>(
    cs: &mut C,
    bit: &FieldVar<C::L>,
    if_true: &FieldVar<C::L>,
    if_false: &FieldVar<C::L>,
) -> FieldVar<C::L> {
    cs.multiply(bit, &if_true.minus(if_false)).plus(if_false)
}

/// `Σ bits_i · 2^i`, least significant first. No constraint.
pub fn weighted_sum<'a, L: crate::r1cs::Linear + 'a>(
    bits: impl IntoIterator<Item = &'a FieldVar<L>>,
) -> FieldVar<L> {
    let mut sum = FieldVar::zero();
    let mut weight = Fr::ONE;
    for bit in bits {
        sum.add_scaled(bit, weight);
        weight.double_in_place();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::r1cs::{Assignment, Structure};

    fn satisfied(value: Fr, bits: usize) -> bool {
        fn circuit<C: ConstraintSystem>(cs: &mut C, value: Fr, bits: usize) {
            let element = cs.witness(value);
            enforce_range(cs, &element, bits);
        }
        let mut structure = Structure::new(1);
        circuit(&mut structure, Fr::ONE, bits);
        let matrices = structure.into_matrices();
        assert_eq!(matrices.num_constraints(), bits);
        let mut assignment = Assignment::new(&[]);
        circuit(&mut assignment, value, bits);
        matrices.first_unsatisfied(&assignment.into_values()).is_none()
    }

    #[test]
    fn s05_range_holds_exactly_below_its_bound() {
        let bound = |bits: u64| Fr::from(2u64).pow([bits]);
        for bits in [1usize, 2, 5, 32, 128, 253] {
            let top = bound(bits as u64);
            assert!(satisfied(Fr::ZERO, bits));
            assert!(satisfied(top - Fr::ONE, bits));
            assert!(!satisfied(top, bits), "{bits} bits");
            assert!(!satisfied(-Fr::ONE, bits), "{bits} bits");
            // Operands for which a comparison by halves of the field would fail.
            let half = (Fr::ZERO - Fr::ONE) * Fr::from(2u64).inverse().unwrap() + Fr::ONE;
            assert!(bits == 253 || !satisfied(half, bits), "{bits} bits");
        }
    }

    /// S25: for any element, every pair of hint and bit that the rows accept has the right bit; and one is accepted.
    #[test]
    fn s25_zero_is_told_in_both_directions() {
        let mut structure = Structure::new(1);
        let element = structure.witness(Fr::ZERO);
        is_zero(&mut structure, &element);
        let matrices = structure.into_matrices();
        assert_eq!(matrices.num_constraints(), 2);
        let two = Fr::from(2u64);
        for value in [Fr::ZERO, Fr::ONE, two, -Fr::ONE, Fr::from(77u64)] {
            let mut assignment = Assignment::new(&[]);
            let element = assignment.witness(value);
            let bit = is_zero(&mut assignment, &element);
            let right = if value == Fr::ZERO { Fr::ONE } else { Fr::ZERO };
            assert_eq!(bit.value(), right);
            assert_eq!(matrices.first_unsatisfied(&assignment.into_values()), None);
            let inverse = value.inverse().unwrap_or(Fr::ZERO);
            for hint in [
                Fr::ZERO,
                Fr::ONE,
                inverse,
                inverse + Fr::ONE,
                -inverse,
                two * inverse,
            ] {
                for bit in [Fr::ONE - right, two, -Fr::ONE, Fr::ONE - value * hint, -value] {
                    if bit != right {
                        let values = [Fr::ONE, value, hint, bit];
                        assert!(
                            matrices.first_unsatisfied(&values).is_some(),
                            "{value}: {hint}, {bit}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn s12_each_bit_is_boolean() {
        // All of the excess in one bit: only that bit's own row can refuse it.
        let bits = 8;
        let mut structure = Structure::new(1);
        let element = structure.witness(Fr::ZERO);
        enforce_range(&mut structure, &element, bits);
        let matrices = structure.into_matrices();
        // Variables: the element, then all bits but the last, which is what the others leave.
        for bit in 0..bits - 1 {
            for digit in [-Fr::ONE, Fr::from(2u64), Fr::from(300u64)] {
                let mut values = vec![Fr::ZERO; 1 + bits];
                values[0] = Fr::ONE;
                values[2 + bit] = digit;
                values[1] = digit * Fr::from(1u64 << bit);
                let broken: Vec<usize> = (0..bits)
                    .filter(|row| !matrices.is_row_satisfied(*row, &values))
                    .collect();
                assert_eq!(broken, vec![bit]);
            }
        }
    }
}
