//! Membership in the subgroup of order l by one exponentiation, a fifth of the cost of l·P.
//!
//! The rational points form a cyclic group of order 8·l, so P lies in the subgroup if and only if P = 8·Q for a rational Q. Let
//! T be a rational point of order 8. As Fr contains the eighth roots of unity, the reduced Tate pairing
//! P ↦ f(P)^((r−1)/8) with div(f) = 8(T) − 8(O) is a homomorphism into them whose kernel is exactly 8·E(Fr)
//! (Koshelev, eprint 2022/037, section 2).
//!
//! On the Montgomery form v² = u³ + 168698·u² + u, Miller's algorithm takes three doublings, T → 2T → 4T → O:
//! f = ℓ₁⁴·ℓ₂²·u / (m⁴·u²), where ℓ₁ and ℓ₂ are the tangents at T and 2T and m = u − u(2T), u = u − u(4T) the verticals; the
//! tangent at 4T = (0, 0) is u again. 2T has u = 1 and v = √168700 =: s, so ℓ₂ = v − s·u. Eighth powers do not matter, so no
//! division is left: with w = x·(1 − y), U = u·w = x·(1 + y), V = v·w = 1 + y, M = m·w = 2·x·y and
//! L₁ = ℓ₁·w, L₂ = V − s·U, the value is (L₁·M)⁴·L₂²·(U·w)⁷ up to an eighth power.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, MontFp, One, Zero};

use super::Point;

/// u of T, a point of order 8 on the Montgomery form.
const T_U: Fr = MontFp!("19799329160503878365519859265345525785148473002902384773314932802961476726446");

/// v of T.
const T_V: Fr = MontFp!("17254532040196108728490891380973133526547459744854918265191993098218014369797");

/// Slope of the tangent at T.
const T_SLOPE: Fr = MontFp!("5125366436769623165205660392107939355810725029703343239946747673935168202680");

/// s = √168700, the v of 2T, whose u is 1.
const S: Fr = MontFp!("14673962723734255200314198873237586429337747973199041533368185129026308523766");

/// (r − 1)/8, limbs least significant first.
const EXPONENT: [u64; 4] = [
    0x287c3eb27e000000,
    0xa5067d090f372e12,
    0x370a08b6d0302b0b,
    0x060c89ce5c263405,
];

/// Whether a point of the curve lies in the subgroup of order l. For coordinates off the curve the answer means nothing.
pub(super) fn contains(point: &Point) -> bool {
    let Point { x, y } = *point;
    if x.is_zero() {
        // The identity (0, 1), or (0, −1) of order 2.
        return y.is_one();
    }
    let w = x * (Fr::one() - y);
    let u = x * (Fr::one() + y);
    let v = Fr::one() + y;
    let tangent = v - T_V * w - T_SLOPE * (u - T_U * w);
    let vertical = (x * y).double();
    let tangent_at_double = v - S * u;
    let last = u * w;
    let last_cubed = last.square() * last;
    let value =
        (tangent * vertical).square().square() * tangent_at_double.square() * last_cubed.square() * last;
    // 0 at the other points of small order where a line or vertical vanishes, and 0 is no root of unity.
    value.pow(EXPONENT).is_one()
}

#[cfg(test)]
mod tests {
    use super::super::{MONTGOMERY_A, ORDER};
    use super::*;
    use ark_ff::PrimeField;
    use proptest::prelude::*;

    const GENERATOR: Point = super::super::tests::GENERATOR;

    #[test]
    fn constants_belong_to_a_point_of_order_8() {
        let torsion = GENERATOR.mul(&ORDER);
        assert!(!torsion.mul(&[4, 0, 0, 0]).is_identity());
        assert_eq!(torsion.to_montgomery(), Some((T_U, T_V)));
        assert_eq!(torsion.double().to_montgomery(), Some((Fr::one(), S)));
        assert_eq!(S.square(), super::super::A);
        let numerator = Fr::from(3u64) * T_U.square() + MONTGOMERY_A.double() * T_U + Fr::one();
        assert_eq!(T_SLOPE * T_V.double(), numerator);
        let mut exponent = Fr::MODULUS;
        exponent.0[0] -= 1;
        exponent >>= 3;
        assert_eq!(exponent.0, EXPONENT);
    }

    #[test]
    fn torsion_is_outside() {
        let torsion = GENERATOR.mul(&ORDER);
        for k in 0..8 {
            assert_eq!(contains(&torsion.mul(&[k, 0, 0, 0])), k == 0, "{k}T");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Against l·P = O, in each of the eight cosets.
        #[test]
        fn equals_the_definition(scalar: [u64; 4]) {
            for coset in 0..8 {
                let point = GENERATOR.mul(&[scalar[0] & !7 | coset, scalar[1], scalar[2], scalar[3]]);
                prop_assert_eq!(point.mul(&ORDER).is_identity(), coset == 0);
                prop_assert_eq!(contains(&point), coset == 0, "coset {}", coset);
            }
        }
    }
}
