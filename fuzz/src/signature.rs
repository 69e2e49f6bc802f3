//! [`Signature::from_bytes`] and [`PublicKey::from_bytes_le`], then the rules that judge a signature.

use std::sync::LazyLock;

use arbitrary::Unstructured;
use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField};
use quittance_circuits::babyjubjub::{ORDER, Point, PublicKey};
use quittance_circuits::eddsa::{SecretKey, Signature, challenge, challenge_window, verify};

use crate::damage::damage;
use crate::memory::Budget;
use crate::{points, recipe};

const BUDGET: Budget = Budget {
    base: 1024,
    for_each: 0,
};

static SECRETS: LazyLock<Vec<SecretKey>> =
    LazyLock::new(|| (1..=4u8).map(|k| SecretKey::from_bytes(&[k; 32])).collect());

/// 96 bytes: R8, S. 160 bytes: a public key before them. Accepted bytes are the bytes of what was decoded. A signature that
/// the rules accept has S below the order and R8 in the curve's subgroup times the cofactor; it is the only one with its R8,
/// and no bit of it can be changed.
pub fn check(data: &[u8]) {
    let (key, rest) = match data.split_first_chunk::<64>() {
        Some((key, rest)) if data.len() == 64 + Signature::BYTES => (decode_key(key), rest),
        _ => (None, data),
    };
    if let Ok(bytes) = <&[u8; Signature::BYTES]>::try_from(rest) {
        let key = key.unwrap_or_else(|| SECRETS[0].public_key());
        if let Some(signature) = decode(bytes) {
            judged(&key, &Fr::from(1u64), &signature);
        }
    }
    if let Some(mut recipe) = recipe(data) {
        let _ = build(&mut recipe);
    }
}

fn decode(bytes: &[u8; Signature::BYTES]) -> Option<Signature> {
    let signature = BUDGET.within(bytes.len(), || Signature::from_bytes(bytes)).ok()?;
    assert_eq!(&signature.to_bytes(), bytes);
    Some(signature)
}

fn decode_key(bytes: &[u8; 64]) -> Option<PublicKey> {
    let key = BUDGET
        .within(bytes.len(), || PublicKey::from_bytes_le(bytes))
        .ok()?;
    assert_eq!(&key.to_bytes_le(), bytes);
    assert_eq!(PublicKey::new(*key.point()), Ok(key));
    Some(key)
}

/// Whether the rules accept; if so, what must be true of the signature.
fn judged(key: &PublicKey, message: &Fr, signature: &Signature) -> bool {
    let accepted = verify(key, message, signature);
    assert_eq!(accepted, verify(key, message, signature), "not the same twice");
    if accepted.is_err() {
        return false;
    }
    assert!(signature.s.iter().rev().lt(ORDER.iter().rev()));
    assert!(signature.r8.is_on_curve());
    let h = challenge(key, message, &signature.r8);
    let window = challenge_window(&h).expect("an accepted challenge lies in the window");
    assert!(
        window
            .iter()
            .rev()
            .gt(quittance_circuits::eddsa::CHALLENGE_OFFSET.iter().rev())
    );
    // S·B8 = R8 + 8·h·A, by the plain double-and-add of the curve.
    let multiple = key.point().mul(&h.into_bigint().0);
    let right = signature.r8.add(&multiple.double().double().double());
    assert_eq!(Point::base_multiple(&signature.s), right);
    // S + l is the classical second spelling.
    let mut s = ark_ff::BigInt(signature.s);
    if !s.add_with_carry(&ark_ff::BigInt(ORDER)) {
        assert!(verify(key, message, &Signature { s: s.0, ..*signature }).is_err());
    }
    true
}

fn build(recipe: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let secret = recipe.choose(&SECRETS)?;
    let message = points::fr(recipe)?;
    let signature = secret.sign(&message);
    let key = secret.public_key();
    let mut bytes = signature.to_bytes().to_vec();
    assert_eq!(decode(&signature.to_bytes()), Some(signature));
    assert!(judged(&key, &message, &signature));
    // A point of small order added to R8 must not pass either: the equation is compared without the cofactor.
    let small = Point::new(Fr::from(0u64), -Fr::from(1u64));
    assert!(
        verify(
            &key,
            &message,
            &Signature {
                r8: signature.r8.add(&small),
                ..signature
            }
        )
        .is_err()
    );

    damage(&mut bytes, recipe);
    if let Ok(bytes) = <&[u8; Signature::BYTES]>::try_from(bytes.as_slice())
        && let Some(damaged) = decode(bytes)
    {
        assert_eq!(judged(&key, &message, &damaged), damaged == signature);
    }
    let mut bytes = points::public_key(recipe)?.to_bytes_le().to_vec();
    damage(&mut bytes, recipe);
    if let Ok(bytes) = <&[u8; 64]>::try_from(bytes.as_slice()) {
        decode_key(bytes);
    }
    Ok(())
}

/// A valid input: a signature of the message 1, with or without its key.
pub fn seed(number: usize, recipe: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let secret = if number.is_multiple_of(2) {
        &SECRETS[0]
    } else {
        recipe.choose(&SECRETS)?
    };
    let signature = secret.sign(&Fr::from(1u64)).to_bytes();
    let key = secret.public_key().to_bytes_le();
    Ok(if number.is_multiple_of(2) {
        signature.to_vec()
    } else {
        [&key[..], &signature[..]].concat()
    })
}
