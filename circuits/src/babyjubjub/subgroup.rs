//! Membership in the subgroup of order l by one exponentiation, a fifth of the cost of l·P.
//!
//! The rational points form a cyclic group of order 8·l, so P lies in the subgroup if and only if P = 8·Q for a rational Q. Let
//! T be a rational point of order 8. As Fr contains the eighth roots of unity, the reduced Tate pairing
//! P ↦ f(P)^((r−1)/8) with div(f) = 8(T) − 8(O) is a homomorphism into them whose kernel is exactly 8·E(Fr)
//! (Koshelev, eprint 2022/037, section 2).
//!
//! On the Montgomery form v² = u³ + 168698·u² + u, Miller's algorithm takes three doublings, T → 2T → 4T → O:
//! f = ℓ₁⁴·ℓ₂²·u / (m⁴·u²), where ℓ₁ and ℓ₂ are the tangents at T and 2T and m = u − u(2T), u = u − u(4T) the verticals; the
//! tangent at 4T = (0, 0) is u again. 2T has u = 1 and v = √168700 =: s, so ℓ₂ = v − s·u. Eighth powers do not matter, and
//! neither does taking the inverse, so no division is left: with w = x·(1 − y), U = u·w = x·(1 + y), V = v·w = 1 + y,
//! M = m·w = 2·x·y, L₁ = ℓ₁·w and L₂ = V − s·U, f is (L₁·M)⁴·L₂²·(U·w)⁷ up to an eighth power, and its inverse is
//! U·w·((L₁·M)²·L₂³)², where U·w = x²·(1 − y²). The circuit evaluates the same polynomial, see `key/constraints.rs`.

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

/// A generator of Fr's multiplicative group: its powers 0 to 7 are the eight classes modulo eighth powers.
pub(super) const NON_SQUARE: Fr = MontFp!("5");

/// Whether a point of the curve lies in the subgroup of order l. For coordinates off the curve the answer means nothing.
pub(super) fn contains(point: &Point) -> bool {
    if point.x.is_zero() {
        // The identity (0, 1), or (0, −1) of order 2.
        return point.y.is_one();
    }
    // 0 at the points of small order where a line or vertical vanishes, and 0 is no root of unity.
    pairing(point).pow(EXPONENT).is_one()
}

/// The pairing's value up to an eighth power, a polynomial in the coordinates; 0 where a line or a vertical vanishes.
pub(super) fn pairing(point: &Point) -> Fr {
    let Point { x, y } = *point;
    let product = x * y;
    let [tangent, tangent_at_double] = tangents(x, y, product);
    let vertical = product.double();
    let last = x.square() - product.square();
    let root = (tangent * vertical).square() * tangent_at_double.square() * tangent_at_double;
    last * root.square()
}

/// L₁ and L₂ from x, y and x·y: linear in these three.
fn tangents(x: Fr, y: Fr, product: Fr) -> [Fr; 2] {
    let (w, u) = (x - product, x + product);
    let v = Fr::one() + y;
    [v - T_V * w - T_SLOPE * (u - T_U * w), v - S * u]
}

/// Coefficients of L₁ and L₂: those of x, y and x·y, and the constant.
pub(super) fn tangent_coefficients() -> [[Fr; 4]; 2] {
    let (zero, one) = (Fr::zero(), Fr::one());
    let constant = tangents(zero, zero, zero);
    let [x, y, product] = [(one, zero, zero), (zero, one, zero), (zero, zero, one)]
        .map(|(x, y, product)| tangents(x, y, product));
    [0, 1].map(|i| {
        [
            x[i] - constant[i],
            y[i] - constant[i],
            product[i] - constant[i],
            constant[i],
        ]
    })
}

/// The class k from 0 to 7 and a root t with value = 5^k·t⁸; zeros for 0.
pub(super) fn eighth_root(value: &Fr) -> (u8, Fr) {
    let character = value.pow(EXPONENT);
    let step = NON_SQUARE.pow(EXPONENT);
    let mut power = Fr::one();
    for class in 0..8 {
        if power == character {
            // What is left is an eighth power. −1 is a fourth power, so either square root of it is a fourth power too, and
            // either square root of that a square.
            let rest = *value * NON_SQUARE.inverse().unwrap_or_default().pow([u64::from(class)]);
            let root = (0..3).try_fold(rest, |root, _| root.sqrt());
            return (class, root.unwrap_or_default());
        }
        power *= step;
    }
    (0, Fr::zero())
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

    #[test]
    fn five_generates_the_classes() {
        let step = NON_SQUARE.pow(EXPONENT);
        assert_eq!(step.square().square(), -Fr::one());
        assert_eq!(eighth_root(&Fr::zero()), (0, Fr::zero()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn every_element_has_one_class(limbs: [u64; 4], class in 0u8..8) {
            let t = Fr::from_le_bytes_mod_order(&super::super::limbs_to_bytes_le(&limbs));
            let value = NON_SQUARE.pow([u64::from(class)]) * t.pow([8]);
            let (found, root) = eighth_root(&value);
            prop_assert_eq!(found, if t.is_zero() { 0 } else { class });
            prop_assert_eq!(root.pow([8]), t.pow([8]));
        }
    }
}
