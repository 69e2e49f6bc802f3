//! EdDSA-Poseidon in a circuit: twin of [`signature_canonical`](super::signature_canonical) and
//! [`signature_valid`](super::signature_valid).
//!
//! The equation is `S·B8 − 8·h·A = R8` with `h = Poseidon(R8x, R8y, Ax, Ay, M)`, as circomlib and iden3 define it. The
//! left side is computed on the curve, so that equality with (R8x, R8y) shows that R8 is a point of the curve, too.
//! A comes from a leaf: whoever let it in checked that it has order l.
//!
//! # The ladder
//!
//! With Q = 4·A, 8·h·A is 2·h·Q. Let n = 254, `w = h + T` as an integer and σ_i = 2·w_i − 1 for the bits of w. Starting
//! from 2·Q, n steps `P ↦ 2·P + σ_i·Q` from the top bit down give
//! `(2·2^n + Σ σ_i 2^i)·Q = (2·2^n + 2·w + 1 − 2^n)·Q = (2·h + 2·T + 1 + 2^n)·Q`, and T is the residue modulo l for which
//! `2·T + 1 + 2^n ≡ 0`: the result is 2·h·Q without a correction.
//!
//! The slope of a step is free only if P = Q. Before step j (from 0), P = k·Q with 2 ≤ k ≤ 3·2^j − 1. For j ≤ 249,
//! 3·2^249 − 1 < l − 1, so P ≠ ±Q. Before the last four steps k may exceed l, so `u_Q ≠ u_P` is enforced.
//!
//! # One reading of h
//!
//! w is determined by h only within a window of r integers; [`challenge_window`](super::challenge_window) states which.
//! Its top 84 bits are boolean variables compared with both ends of the window. The low 170 bits are needed as signs
//! alone: ±v_Q is hinted for each, `(s − v_Q)(s + v_Q) = 0`, and `Σ 2^i s_i = v_Q·(2·w_low + 1 − 2^170)` reads them all
//! at once, because v_Q ≠ 0.

use super::denominators::denominators;
use super::fixed_base;
use super::{CHALLENGE_OFFSET, CHALLENGE_WINDOW_ABOVE, CHALLENGE_WINDOW_BELOW};
use crate::babyjubjub::constraints::{
    EdwardsVar, MontgomeryVar, add_complete, double, double_and_add, to_edwards, to_montgomery,
};
use crate::babyjubjub::{ORDER, Point};
use crate::hash::constraints::HashGadget;
use crate::r1cs::{ConstraintSystem, FieldVar};
use crate::range::{enforce_boolean, weighted_sum};
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, BigInteger256, Field, PrimeField};

/// Bits of w.
pub(super) const LADDER_BITS: usize = 254;
/// Low bits of w that exist as signs only.
const SIGN_BITS: usize = 170;
/// Steps before which `P ≠ ±Q` follows from the size of k.
pub(super) const SAFE_STEPS: usize = 250;

/// A signature's parts inside a circuit, after its canonical form is enforced.
#[derive(Debug)]
pub struct SignatureVar<L> {
    r8: EdwardsVar<L>,
    s_bits: Vec<FieldVar<L>>,
    challenge: FieldVar<L>,
    /// Top bits of w, from bit 170 up.
    window_bits: Vec<FieldVar<L>>,
    /// All bits of w: hints for the signs.
    shifted: BigInteger256,
}

/// Reads a signature: S is below l, and the challenge is inside its window.
pub fn enforce_signature_canonical<C: ConstraintSystem, H: HashGadget>(
    cs: &mut C,
    key: &EdwardsVar<C::L>,
    message: &FieldVar<C::L>,
    r8: [Fr; 2],
    s: [u64; 4],
) -> SignatureVar<C::L> {
    canonical_with::<C, H>(cs, key, message, (r8, s), |challenge| {
        let mut shifted = challenge.into_bigint();
        shifted.add_with_carry(&BigInteger256::new(CHALLENGE_OFFSET));
        shifted
    })
}

/// The same with any hint for the bits of the shifted challenge: tests hint wrong ones.
fn canonical_with<C: ConstraintSystem, H: HashGadget>(
    cs: &mut C,
    key: &EdwardsVar<C::L>,
    message: &FieldVar<C::L>,
    (r8, s): ([Fr; 2], [u64; 4]),
    shift: impl FnOnce(&Fr) -> BigInteger256,
) -> SignatureVar<C::L> {
    let r8 = {
        let [x, y] = r8.map(|coordinate| cs.witness(coordinate));
        EdwardsVar { x, y }
    };
    let inputs = [&r8.x, &r8.y, &key.x, &key.y, message].map(Clone::clone);
    let challenge = H::challenge(cs, &inputs);

    // S19. A scalar of more than 251 bits cannot be written at all: it is hinted as the largest, which is refused.
    let s = BigInteger256::new(s);
    let fits = usize::try_from(s.num_bits()).is_ok_and(|bits| bits <= fixed_base::SCALAR_BITS);
    let mut bound = BigInteger256::new(ORDER);
    bound.sub_with_borrow(&BigInteger256::from(1u64));
    let s_bits = new_bits_at_most(
        cs,
        |index| !fits || s.get_bit(index),
        |index| bound.get_bit(index),
        fixed_base::SCALAR_BITS,
    );

    let shifted = shift(&challenge.value());
    let window_bits = {
        let bits = LADDER_BITS - SIGN_BITS;
        let last = CHALLENGE_WINDOW_ABOVE - 1;
        let bits = new_bits_at_most(
            cs,
            |i| shifted.get_bit(SIGN_BITS + i),
            |i| last >> i & 1 == 1,
            bits,
        );
        enforce_at_least(cs, &bits, CHALLENGE_WINDOW_BELOW + 1);
        bits
    };
    SignatureVar {
        r8,
        s_bits,
        challenge,
        window_bits,
        shifted,
    }
}

/// The signature equation, if `enabled`.
pub fn enforce_signature_valid<C: ConstraintSystem>(
    cs: &mut C,
    enabled: &FieldVar<C::L>,
    key: &EdwardsVar<C::L>,
    signature: &SignatureVar<C::L>,
) {
    let denominators = denominators(
        &Point::new(key.x.value(), key.y.value()),
        |index| signature.shifted.get_bit(index),
        |index| signature.s_bits[index].value() == Fr::ONE,
    );
    cs.inverses().prepare(&denominators);

    // 8·h·A, negated by x ↦ −x.
    let key = to_montgomery(cs, key);
    let twice = double(cs, &key);
    let base = double(cs, &twice);
    let product = ladder(cs, &base, signature);
    let product = to_edwards(cs, &product);
    let negated = EdwardsVar {
        x: product.x.negated(),
        y: product.y,
    };

    let s_base = fixed_base::multiply(cs, &signature.s_bits);
    let r8 = add_complete(cs, &s_base, &negated);
    for (computed, given) in [(&r8.x, &signature.r8.x), (&r8.y, &signature.r8.y)] {
        cs.enforce(enabled, &computed.minus(given), &FieldVar::zero());
    }
}

/// `2·h·Q`, see the module's documentation.
fn ladder<C: ConstraintSystem>(
    cs: &mut C,
    base: &MontgomeryVar<C::L>,
    signature: &SignatureVar<C::L>,
) -> MontgomeryVar<C::L> {
    // Signs of the low bits, hinted as ±v_Q and constrained right away.
    let mut low_sum = FieldVar::zero();
    let mut weight = Fr::ONE;
    let mut signs = Vec::with_capacity(LADDER_BITS);
    for index in 0..SIGN_BITS {
        let positive = signature.shifted.get_bit(index);
        let sign = cs.witness(if positive { base.v.value() } else { -base.v.value() });
        cs.enforce(&sign.minus(&base.v), &sign.plus(&base.v), &FieldVar::zero());
        low_sum.add_scaled(&sign, weight);
        weight.double_in_place();
        signs.push(sign);
    }
    // w_low = h + T − 2^170·w_high
    let high = weighted_sum(&signature.window_bits);
    let low = signature
        .challenge
        .plus_constant(Fr::from(BigInteger256::new(CHALLENGE_OFFSET)))
        .minus(&high.scaled(weight));
    let odd = low.scaled(Fr::from(2u64)).plus_constant(Fr::ONE - weight);
    cs.enforce(&base.v, &odd, &low_sum);

    for bit in &signature.window_bits {
        let doubled = bit.scaled(Fr::from(2u64));
        signs.push(cs.multiply(&doubled.minus(&FieldVar::one()), &base.v));
    }

    let mut point = double(cs, base);
    for (step, sign) in signs.iter().rev().enumerate() {
        if step >= SAFE_STEPS {
            cs.enforce_nonzero(&base.u.minus(&point.u));
        }
        let signed = MontgomeryVar {
            u: base.u.clone(),
            v: sign.clone(),
        };
        point = double_and_add(cs, &point, &signed);
    }
    point
}

/// Boolean bits of a number that is at most `bound`, least significant first.
///
/// One constraint for each bit and one more for each 1 of the bound above its trailing ones, the topmost aside.
/// From the top, `equal` tells whether all bits so far are those of the bound; where the bound has a 0, `(1 − equal − b)·b = 0`
/// says at once that b is boolean and that it does not exceed the bound (Zcash protocol specification, A.3.2.2).
fn new_bits_at_most<C: ConstraintSystem>(
    cs: &mut C,
    hint: impl Fn(usize) -> bool,
    bound: impl Fn(usize) -> bool,
    bits: usize,
) -> Vec<FieldVar<C::L>> {
    let lowest_zero = (0..bits).find(|&index| !bound(index)).unwrap_or(bits);
    let mut equal: Option<FieldVar<C::L>> = None;
    let mut result = Vec::with_capacity(bits);
    for index in (0..bits).rev() {
        let bit = cs.witness(if hint(index) { Fr::ONE } else { Fr::ZERO });
        if bound(index) {
            enforce_boolean(cs, &bit);
            if index > lowest_zero {
                equal = Some(match equal {
                    None => bit.clone(),
                    Some(equal) => cs.multiply(&equal, &bit),
                });
            }
        } else {
            let room = equal.clone().unwrap_or_else(FieldVar::one).complement();
            cs.enforce(&room.minus(&bit), &bit, &FieldVar::zero());
        }
        result.push(bit);
    }
    result.reverse();
    result
}

/// Enforces that the number with these boolean bits is at least `least`.
///
/// From the top, `equal` tells whether all bits so far are those of `least`. Where it has ones, each bit must be 1 while `equal`;
/// a run of them takes one constraint, for a sum of terms that are not negative.
fn enforce_at_least<C: ConstraintSystem>(cs: &mut C, bits: &[FieldVar<C::L>], least: u128) {
    let mut equal: Option<FieldVar<C::L>> = None;
    let mut missing: Option<FieldVar<C::L>> = None;
    for (index, bit) in bits.iter().enumerate().rev() {
        let complement = bit.complement();
        if least >> index & 1 == 1 {
            missing = Some(missing.map_or(complement.clone(), |sum| sum.plus(&complement)));
        } else {
            enforce_none_missing(cs, equal.as_ref(), missing.take());
            if least << (127 - index) == 0 {
                // Nothing but zeros from here on.
                return;
            }
            equal = Some(match equal {
                None => complement,
                Some(equal) => cs.multiply(&equal, &complement),
            });
        }
    }
    enforce_none_missing(cs, equal.as_ref(), missing);
}

/// `equal · missing = 0`, if there was a run of ones.
fn enforce_none_missing<C: ConstraintSystem>(
    cs: &mut C,
    equal: Option<&FieldVar<C::L>>,
    missing: Option<FieldVar<C::L>>,
) {
    if let Some(missing) = missing {
        let equal = equal.cloned().unwrap_or_else(FieldVar::one);
        cs.enforce(&equal, &missing, &FieldVar::zero());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::babyjubjub::{BASE8, Point};
    use crate::hash::constraints::PoseidonGadget;
    use crate::r1cs::{Assignment, Label, Structure};

    const BITS: usize = 6;

    fn bits_of<L: crate::r1cs::Linear>(bits: &[FieldVar<L>]) -> u64 {
        bits.iter()
            .enumerate()
            .map(|(i, bit)| u64::from(bit.value() == Fr::ONE) << i)
            .sum()
    }

    /// Exhaustively: whatever bits are hinted, the rows hold exactly for numbers up to the bound.
    #[test]
    fn s05_at_most_holds_exactly_up_to_its_bound() {
        for bound in 0..1u64 << BITS {
            let run = |hint: u64| {
                let mut assignment = Assignment::new(&[]);
                let bits = new_bits_at_most(
                    &mut assignment,
                    |i| hint >> i & 1 == 1,
                    |i| bound >> i & 1 == 1,
                    BITS,
                );
                assert_eq!(bits_of(&bits), hint);
                assignment.into_values()
            };
            let mut structure = Structure::new(1);
            new_bits_at_most(&mut structure, |_| false, |i| bound >> i & 1 == 1, BITS);
            let matrices = structure.into_matrices();
            for hint in 0..1u64 << BITS {
                let satisfied = matrices.first_unsatisfied(&run(hint)).is_none();
                assert_eq!(satisfied, hint <= bound, "{hint} against {bound}");
            }
            // S12: 2 and −1 in place of each bit, everything else as it was. Bits are the variables of this circuit whose
            // value is hinted; products follow them.
            let honest = run(0);
            for variable in 1..honest.len() {
                for value in [Fr::from(2u64), -Fr::ONE] {
                    let mut values = honest.clone();
                    values[variable] = value;
                    assert!(
                        matrices.first_unsatisfied(&values).is_some(),
                        "{bound}, variable {variable}"
                    );
                }
            }
        }
    }

    #[test]
    fn s05_at_least_holds_exactly_from_its_bound() {
        for least in 0..1u64 << BITS {
            let matrices = at_least(least);
            for number in 0..1u64 << BITS {
                let satisfied = matrices.first_unsatisfied(&against(number, least)).is_none();
                assert_eq!(satisfied, number >= least, "{number} against {least}");
            }
        }
    }

    /// Each row that compares refuses a number which no other row refuses.
    #[test]
    fn s05_each_row_of_at_least_is_needed() {
        for least in 0..1u64 << BITS {
            let matrices = at_least(least);
            let broken = |number| -> Vec<usize> {
                let values = against(number, least);
                (0..matrices.num_constraints())
                    .filter(|row| !matrices.is_row_satisfied(*row, &values))
                    .collect()
            };
            let alone: std::collections::BTreeSet<Vec<usize>> = (0..least).map(broken).collect();
            // After the bits' own rows: those that define whether all bits so far are the bound's have a result.
            for row in (BITS..matrices.num_constraints()).filter(|row| matrices.c[*row].is_empty()) {
                assert!(alone.contains(&vec![row]), "row {row} against {least}");
            }
        }
    }

    fn enforce_number_at_least<C: ConstraintSystem>(cs: &mut C, number: u64, least: u64) {
        let bits: Vec<_> = (0..BITS)
            .map(|i| crate::range::new_bit(cs, number >> i & 1 == 1))
            .collect();
        enforce_at_least(cs, &bits, u128::from(least));
    }

    fn at_least(least: u64) -> crate::r1cs::LabelledMatrices {
        let mut structure = Structure::new(1);
        enforce_number_at_least(&mut structure, 0, least);
        structure.into_matrices()
    }

    fn against(number: u64, least: u64) -> Vec<Fr> {
        let mut assignment = Assignment::new(&[]);
        enforce_number_at_least(&mut assignment, number, least);
        assignment.into_values()
    }

    fn signature<C: ConstraintSystem>(
        cs: &mut C,
        key: &Point,
        message: Fr,
        signature: (Point, [u64; 4]),
        shift: impl FnOnce(&Fr) -> BigInteger256,
    ) {
        let key = EdwardsVar {
            x: cs.witness(key.x),
            y: cs.witness(key.y),
        };
        let message = cs.witness(message);
        let (r8, s) = signature;
        cs.label(Label::statement("signature_canonical"));
        let signature = canonical_with::<C, PoseidonGadget>(cs, &key, &message, ([r8.x, r8.y], s), shift);
        cs.label(Label::statement("signature_valid"));
        enforce_signature_valid(cs, &FieldVar::one(), &key, &signature);
    }

    /// The other readings of the challenge, w + r and w − r, with a signature that fits the multiplier they stand for: a
    /// signer who could choose the reading would have two challenges to choose from. Only the window refuses them.
    #[test]
    fn s03_only_the_window_refuses_another_reading_of_the_challenge() {
        use num_bigint::BigUint;
        let order = BigUint::from_bytes_le(&BigInteger256::new(ORDER).to_bytes_le());
        let modulus = BigUint::from_bytes_le(&Fr::MODULUS.to_bytes_le());
        let (secret, nonce) = (1_234_567u64, 99_991u64);
        let key = BASE8.mul(&[secret, 0, 0, 0]);
        let r8 = BASE8.mul(&[nonce, 0, 0, 0]);
        let mut structure = Structure::new(1);
        signature(&mut structure, &BASE8, Fr::ZERO, (BASE8, [1; 4]), |_| {
            BigInteger256::from(1u64)
        });
        let matrices = structure.into_matrices();
        let mut readings = [0; 3];
        for message in (0u64..).map(Fr::from) {
            let public = crate::babyjubjub::PublicKey::new(key).unwrap();
            let challenge = super::super::challenge(&public, &message, &r8);
            let mut honest = challenge.into_bigint();
            honest.add_with_carry(&BigInteger256::new(CHALLENGE_OFFSET));
            let (mut above, mut below) = (honest, honest);
            above.add_with_carry(&Fr::MODULUS);
            below.sub_with_borrow(&Fr::MODULUS);
            let h = BigUint::from_bytes_le(&challenge.into_bigint().to_bytes_le());
            let cases = [
                (honest, Some(h.clone())),
                (above, (above.num_bits() <= 254).then(|| &h + &modulus)),
                // h − r ≡ h − r + 8·l, which is not negative for the h at hand.
                (
                    below,
                    (honest >= Fr::MODULUS).then(|| &h + &order * 8u32 - &modulus),
                ),
            ];
            for (reading, (shifted, multiplier)) in cases.into_iter().enumerate() {
                let Some(multiplier) = multiplier else { continue };
                readings[reading] += 1;
                let s = (BigUint::from(nonce) + multiplier * 8u32 * secret) % &order;
                let mut limbs = [0; 4];
                for (limb, digit) in limbs.iter_mut().zip(s.to_u64_digits()) {
                    *limb = digit;
                }
                let mut assignment = Assignment::new(&[]);
                signature(&mut assignment, &key, message, (r8, limbs), |_| shifted);
                let values = assignment.into_values();
                let broken: std::collections::BTreeSet<_> = (0..matrices.num_constraints())
                    .filter(|row| !matrices.is_row_satisfied(*row, &values))
                    .map(|row| matrices.label(row).map(|label| label.rule))
                    .collect();
                let expected = if reading == 0 {
                    vec![]
                } else {
                    vec![Some("signature_canonical")]
                };
                assert_eq!(Vec::from_iter(broken), expected, "reading {reading}");
            }
            if readings.iter().all(|count| *count >= 3) {
                return;
            }
        }
    }

    /// The claim on which the ladder's unchecked steps rest: 3·2^249 − 1 < l − 1.
    #[test]
    fn safe_steps_are_safe() {
        let mut largest = BigInteger256::from(3u64) << 249;
        largest.sub_with_borrow(&BigInteger256::from(1u64));
        let mut last = BigInteger256::new(ORDER);
        last.sub_with_borrow(&BigInteger256::from(1u64));
        assert!(largest < last);
        assert_eq!(SAFE_STEPS, 250);
    }
}
