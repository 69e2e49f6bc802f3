//! Rules of signatures, one test for each way around them. Vectors of circomlibjs are in `tests/known_answers.rs`.

use ark_ff::{BigInteger, One, Zero};
use num_bigint::BigUint;
use proptest::prelude::*;

use super::*;
use crate::babyjubjub::{BASE8, PublicKeyError};

fn secret(seed: u8) -> SecretKey {
    SecretKey::from_bytes(&[seed; 32])
}

fn integer(limbs: &[u64]) -> BigUint {
    limbs
        .iter()
        .rev()
        .fold(BigUint::ZERO, |sum, limb| (sum << 64u32) + *limb)
}

fn limbs(integer: &BigUint) -> [u64; 4] {
    let mut limbs = [0; 4];
    let digits = integer.to_u64_digits();
    limbs[..digits.len()].copy_from_slice(&digits);
    limbs
}

fn element(integer: &BigUint) -> Fr {
    Fr::from_bigint(ark_ff::BigInt(limbs(integer))).unwrap()
}

fn modulus() -> BigUint {
    integer(&Fr::MODULUS.0)
}

/// The eight points of order dividing 8.
fn torsion() -> [Point; 8] {
    // l times the generator of the whole curve.
    let generator = Point::new(
        ark_ff::MontFp!("995203441582195749578291179787384436505546430278305826713579947235728471134"),
        ark_ff::MontFp!("5472060717959818805561601436314318772137091100104008585924551046643952123905"),
    );
    let eighth = generator.mul(&ORDER);
    let mut point = Point::IDENTITY;
    core::array::from_fn(|_| {
        let this = point;
        point = point.add(&eighth);
        this
    })
}

#[test]
fn s19_scalar_at_or_above_the_order_is_not_canonical() {
    let (key, message) = (secret(1).public_key(), Fr::from(5u64));
    let signature = secret(1).sign(&message);
    let h = challenge(&key, &message, &signature.r8);
    assert_eq!(verify(&key, &message, &signature), Ok(()));

    let order = integer(&ORDER);
    for multiple in 1u32..=3 {
        let s = limbs(&(integer(&signature.s) + &order * multiple));
        let malleated = Signature { s, ..signature };
        // The equation holds; the canonical rule alone refuses.
        assert_eq!(signature_valid(&key, &malleated, &h), Ok(()));
        assert_eq!(
            signature_canonical(&malleated, &h),
            Err(SignatureError::ScalarNotReduced { s })
        );
        assert_eq!(
            verify(&key, &message, &malleated),
            Err(SignatureError::ScalarNotReduced { s })
        );
    }
    for (s, refused) in [
        (&order - 1u32, false),
        (order.clone(), true),
        (&order + 1u32, true),
        ((BigUint::one() << 256u32) - 1u32, true),
        // Larger in a low limb only, smaller in the highest.
        ((&order >> 192u32 << 192u32) - 1u32, false),
        (BigUint::ZERO, false),
    ] {
        let edge = Signature {
            s: limbs(&s),
            ..signature
        };
        assert_eq!(signature_canonical(&edge, &h).is_err(), refused, "S = {s}");
    }
}

#[test]
fn s20_small_order_keys_are_refused_at_entry() {
    let points = torsion();
    assert_eq!(PublicKey::new(points[0]), Err(PublicKeyError::Identity));
    for (i, point) in points.into_iter().enumerate().skip(1) {
        assert!(point.is_on_curve() && !point.is_identity() && point.mul(&[8, 0, 0, 0]).is_identity());
        assert!(points[..i].iter().all(|other| *other != point));
        assert_eq!(
            PublicKey::new(point),
            Err(PublicKeyError::NotInSubgroup { point })
        );
        let mixed = BASE8.add(&point);
        assert_eq!(
            PublicKey::new(mixed),
            Err(PublicKeyError::NotInSubgroup { point: mixed })
        );
    }
}

#[test]
fn s20_small_order_r_is_judged_by_the_equation() {
    let (key, message) = (secret(2).public_key(), Fr::from(6u64));
    let signature = secret(2).sign(&message);
    for point in torsion() {
        // The honest signature moved by a torsion point; for the identity nothing moves.
        let r8 = signature.r8.add(&point);
        let moved = Signature { r8, ..signature };
        let expected = if point.is_identity() {
            Ok(())
        } else {
            Err(SignatureError::Mismatch)
        };
        assert_eq!(verify(&key, &message, &moved), expected);

        // R8 itself of small order, with the S that fits for the identity: S = h·s.
        let h = challenge(&key, &message, &point);
        let s = to_limbs(&(reduce_bytes_le(&fr_to_bytes_le(&h)) * secret(2).scalar));
        assert_eq!(verify(&key, &message, &Signature { r8: point, s }), expected);
    }
}

#[test]
fn s21_key_off_the_curve_is_refused_at_entry() {
    let on = secret(3).public_key().point().to_owned();
    for point in [
        Point::new(on.x, on.y + Fr::one()),
        Point::new(on.y, on.x),
        Point::new(Fr::zero(), Fr::zero()),
        Point::new(Fr::one(), Fr::zero()),
    ] {
        assert_eq!(PublicKey::new(point), Err(PublicKeyError::NotOnCurve { point }));
    }
}

#[test]
fn s21_r_off_the_curve_does_not_fit() {
    let (key, message) = (secret(3).public_key(), Fr::from(7u64));
    let signature = secret(3).sign(&message);
    let Point { x, y } = signature.r8;
    for r8 in [
        Point::new(x + Fr::one(), y),
        Point::new(y, x),
        Point::new(Fr::zero(), Fr::zero()),
    ] {
        assert_eq!(
            verify(&key, &message, &Signature { r8, ..signature }),
            Err(SignatureError::Mismatch)
        );
        // With the honest challenge too: the coordinates themselves are compared.
        let h = challenge(&key, &message, &signature.r8);
        let off = Signature { r8, ..signature };
        assert_eq!(signature_valid(&key, &off, &h), Err(SignatureError::Mismatch));
    }
}

#[test]
fn s23_another_message_or_key_does_not_fit() {
    let message = Fr::from(8u64);
    let signature = secret(4).sign(&message);
    let key = secret(4).public_key();
    assert_eq!(verify(&key, &message, &signature), Ok(()));
    assert_eq!(
        verify(&key, &(message + Fr::one()), &signature),
        Err(SignatureError::Mismatch)
    );
    assert_eq!(
        verify(&secret(5).public_key(), &message, &signature),
        Err(SignatureError::Mismatch)
    );
}

#[test]
fn window_constants_are_what_they_say() {
    let (order, r) = (integer(&ORDER), modulus());
    let t = integer(&CHALLENGE_OFFSET);
    assert!(t < order);
    assert_eq!(
        (&t * 2u32 + 1u32 + (BigUint::one() << 254u32)) % &order,
        BigUint::ZERO
    );
    assert_eq!(
        &t >> CHALLENGE_WINDOW_SHIFT,
        BigUint::from(CHALLENGE_WINDOW_BELOW)
    );
    assert_eq!(
        (&t + &r) >> CHALLENGE_WINDOW_SHIFT,
        BigUint::from(CHALLENGE_WINDOW_ABOVE)
    );
}

#[test]
fn window_is_exact_at_both_ends() {
    let (r, t) = (modulus(), integer(&CHALLENGE_OFFSET));
    let first = (BigUint::from(CHALLENGE_WINDOW_BELOW + 1) << CHALLENGE_WINDOW_SHIFT) - &t;
    let end = (BigUint::from(CHALLENGE_WINDOW_ABOVE) << CHALLENGE_WINDOW_SHIFT) - &t;
    for (h, inside) in [
        (BigUint::ZERO, false),
        (&first - 1u32, false),
        (first.clone(), true),
        (&end - 1u32, true),
        (end.clone(), false),
        (&r - 1u32, false),
    ] {
        let w = inside.then(|| limbs(&(&h + &t)));
        let h = element(&h);
        assert_eq!(challenge_window(&h), w);
        let signature = Signature { r8: BASE8, s: [0; 4] };
        let refused = Err(SignatureError::ChallengeOutsideWindow { challenge: h });
        assert_eq!(
            signature_canonical(&signature, &h),
            if inside { Ok(()) } else { refused }
        );
    }
    // What is left out: between 2^-85 and 2^-84 of the field.
    let excluded = &first + (&r - &end);
    assert!(&excluded << 84u32 < r && r < excluded << 85u32);
}

/// What the circuit relies on: for every canonical h, no other integer congruent to w modulo r is in the window.
#[test]
fn window_has_one_representative() {
    let (r, t) = (modulus(), integer(&CHALLENGE_OFFSET));
    let lowest = BigUint::from(CHALLENGE_WINDOW_BELOW + 1) << CHALLENGE_WINDOW_SHIFT;
    let highest = (BigUint::from(CHALLENGE_WINDOW_ABOVE) << CHALLENGE_WINDOW_SHIFT) - 1u32;
    assert!(lowest > t && highest < &t + &r && highest - lowest < r);
}

#[test]
fn a_secret_key_is_not_printed() {
    let key = secret(9);
    let text = format!("{key:?}");
    assert!(text.contains("public"));
    assert!(!text.contains(&key.scalar.to_string()));
    assert!(!text.contains(&format!("{:?}", key.prefix)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn what_is_signed_verifies(seed: [u8; 32], message: [u8; 32]) {
        let key = SecretKey::from_bytes(&seed);
        let message = Fr::from_le_bytes_mod_order(&message);
        prop_assert_eq!(PublicKey::new(*key.public_key().point()), Ok(key.public_key()));
        let signature = key.sign(&message);
        prop_assert_eq!(verify(&key.public_key(), &message, &signature), Ok(()));
        prop_assert_eq!(Signature::from_bytes(&signature.to_bytes()), Ok(signature));
    }

    #[test]
    fn window_equals_big_integers(h: [u8; 32]) {
        let h = Fr::from_le_bytes_mod_order(&h);
        let w = integer(&h.into_bigint().0) + integer(&CHALLENGE_OFFSET);
        prop_assert_eq!(challenge_window(&h), Some(limbs(&w)));
    }

    #[test]
    fn coordinates_of_r_are_decoded_strictly(mut bytes in any::<[u8; 32]>()) {
        bytes[31] |= 0x40;
        let signature = secret(1).sign(&Fr::one());
        let mut encoded = signature.to_bytes();
        encoded[32..64].copy_from_slice(&bytes);
        let expected = SignatureDecodeError::NotCanonical { coordinate: 'y' };
        prop_assert_eq!(Signature::from_bytes(&encoded), Err(expected));
        let mut aliased = signature.r8.x.into_bigint();
        prop_assert!(!aliased.add_with_carry(&Fr::MODULUS));
        let mut encoded = signature.to_bytes();
        encoded[..32].copy_from_slice(&aliased.to_bytes_le());
        let expected = SignatureDecodeError::NotCanonical { coordinate: 'x' };
        prop_assert_eq!(Signature::from_bytes(&encoded), Err(expected));
    }
}
