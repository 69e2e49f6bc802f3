//! The group law against the curve's equations and against circomlibjs' constants.

use ark_ff::{AdditiveGroup, MontFp, PrimeField, Zero};
use num_bigint::BigUint;
use proptest::prelude::*;

use super::*;

/// Generator of the whole curve, of order 8·l (EIP-2494).
pub(super) const GENERATOR: Point = Point {
    x: MontFp!("995203441582195749578291179787384436505546430278305826713579947235728471134"),
    y: MontFp!("5472060717959818805561601436314318772137091100104008585924551046643952123905"),
};

/// The affine addition law as EIP-2494 prints it.
fn naive_add(p: &Point, q: &Point) -> Point {
    let product = D * p.x * q.x * p.y * q.y;
    let x = (p.x * q.y + p.y * q.x) * (Fr::one() + product).inverse().unwrap();
    let y = (p.y * q.y - A * p.x * q.x) * (Fr::one() - product).inverse().unwrap();
    Point { x, y }
}

/// Any point of the curve, torsion and identity included.
fn point() -> impl Strategy<Value = Point> {
    (any::<[u64; 4]>(), 0u8..6).prop_map(|(scalar, kind)| match kind {
        0 => Point::IDENTITY,
        1 => GENERATOR.mul(&ORDER).mul(&[scalar[0] % 8, 0, 0, 0]),
        2 => GENERATOR.mul(&[scalar[0] % 4, 0, 0, 0]),
        _ => GENERATOR.mul(&scalar),
    })
}

#[test]
fn constants_fit_together() {
    assert!(GENERATOR.is_on_curve() && BASE8.is_on_curve());
    assert_eq!(GENERATOR.mul(&[8, 0, 0, 0]), BASE8);
    assert!(BASE8.mul(&ORDER).is_identity() && BASE8.is_in_subgroup());
    assert!(!GENERATOR.is_in_subgroup());
    // The addition law is complete: a is a square, d is not.
    assert!(A.legendre().is_qr() && D.legendre().is_qnr());
    let order: BigUint = "2736030358979909402780800718157159386076813972158567259200215660948447373041"
        .parse()
        .unwrap();
    assert_eq!(BigUint::from_bytes_le(&limbs_to_bytes_le(&ORDER)), order);
    assert_eq!(MONTGOMERY_A, (A + D).double() * (A - D).inverse().unwrap());
    assert_eq!(Fr::from(4u64) * (A - D).inverse().unwrap(), Fr::one());
}

/// Published by circomlibjs in its own tests (`test/babyjub.js`).
#[test]
fn sums_equal_published_vectors() {
    let p = Point::new(
        MontFp!("17777552123799933955779906779655732241715742912184938656739573121738514868268"),
        MontFp!("2626589144620713026669568689430873010625803728049924121243784502389097019475"),
    );
    let q = Point::new(
        MontFp!("16540640123574156134436876038791482806971768689494387082833631921987005038935"),
        MontFp!("20819045374670962167435360035096875258406992893633759881276124905556507972311"),
    );
    assert_eq!(
        p.add(&q),
        Point::new(
            MontFp!("7916061937171219682591368294088513039687205273691143098332585753343424131937"),
            MontFp!("14035240266687799601661095864649209771790948434046947201833777492504781204499"),
        )
    );
    assert_eq!(
        p.double(),
        Point::new(
            MontFp!("6890855772600357754907169075114257697580319025794532037257385534741338397365"),
            MontFp!("4338620300185947561074059802482547481416142213883829469920100239455078257889"),
        )
    );
}

#[test]
fn coordinates_off_the_curve_are_told() {
    assert!(Point::IDENTITY.is_on_curve() && Point::IDENTITY.is_in_subgroup());
    for point in [Point::new(Fr::zero(), Fr::zero()), Point::new(BASE8.y, BASE8.x)] {
        assert!(!point.is_on_curve() && !point.is_in_subgroup());
        // Whatever a sum with it is, asking does no harm.
        let _ = point.add(&BASE8);
    }
}

#[test]
fn montgomery_form_has_no_image_of_two_points() {
    assert_eq!(Point::IDENTITY.to_montgomery(), None);
    assert_eq!(Point::new(Fr::zero(), -Fr::one()).to_montgomery(), None);
    assert_eq!(Point::from_montgomery(Fr::zero(), Fr::zero()), None);
    assert_eq!(Point::from_montgomery(-Fr::one(), Fr::one()), None);
}

#[test]
fn keys_are_decoded_strictly() {
    let key = PublicKey::new(BASE8).unwrap();
    let bytes = key.to_bytes_le();
    assert_eq!(PublicKey::from_bytes_le(&bytes), Ok(key));
    for (coordinate, at) in [('x', 0), ('y', 32)] {
        let mut aliased = bytes;
        aliased[at..at + 32].copy_from_slice(&limbs_to_bytes_le(&Fr::MODULUS.0));
        assert_eq!(
            PublicKey::from_bytes_le(&aliased),
            Err(PublicKeyError::NotCanonical { coordinate })
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn group_law_equals_the_affine_formula(p in point(), q in point()) {
        prop_assert!(p.is_on_curve());
        prop_assert_eq!(p.add(&q), naive_add(&p, &q));
        prop_assert_eq!(p.double(), naive_add(&p, &p));
        prop_assert_eq!(p.add(&p), p.double());
        prop_assert_eq!(p.add(&p.neg()), Point::IDENTITY);
        prop_assert_eq!(p.add(&Point::IDENTITY), p);
    }

    #[test]
    fn subgroup_check_equals_its_definition(p in point()) {
        prop_assert_eq!(p.is_in_subgroup(), p.mul(&ORDER).is_identity());
        prop_assert!(p.mul(&[8, 0, 0, 0]).is_in_subgroup());
    }

    #[test]
    fn montgomery_form_is_the_same_curve(p in point()) {
        if let Some((u, v)) = p.to_montgomery() {
            prop_assert_eq!(v.square(), u * u.square() + MONTGOMERY_A * u.square() + u);
            if let Some(back) = Point::from_montgomery(u, v) {
                prop_assert_eq!(back, p);
            }
        }
    }

    #[test]
    fn scalars_are_not_reduced(p in point(), k: [u64; 4]) {
        let bytes = limbs_to_bytes_le(&k);
        prop_assert_eq!(limbs_from_bytes_le(&bytes), k);
        prop_assert_eq!(p.mul_bytes_le(&bytes), p.mul(&k));
        let next = p.mul(&[k[0] | 1, k[1], k[2], k[3]]);
        let even = p.mul(&[k[0] & !1, k[1], k[2], k[3]]);
        prop_assert_eq!(even.add(&p), next);
    }
}
