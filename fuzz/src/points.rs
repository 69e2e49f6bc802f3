//! Valid points and field elements for recipes. An input cannot guess a point of a curve; it can choose a multiple.

use std::sync::LazyLock;

use arbitrary::Unstructured;
use ark_bn254::{Fq, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInteger, Field, PrimeField};
use quittance_circuits::babyjubjub::{Point, PublicKey};

/// Points to choose from, 1 to 16 times the generator.
const MULTIPLES: u64 = 16;

/// The moduli r and q as 32 little-endian bytes.
pub static MODULI: LazyLock<[[u8; 32]; 2]> = LazyLock::new(|| {
    [Fr::MODULUS, Fq::MODULUS].map(|modulus| {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(&modulus.to_bytes_le());
        bytes
    })
});

static G1: LazyLock<Vec<G1Affine>> = LazyLock::new(|| {
    (1..=MULTIPLES)
        .map(|k| (G1Affine::generator() * Fr::from(k)).into_affine())
        .collect()
});
static G2: LazyLock<Vec<G2Affine>> = LazyLock::new(|| {
    (1..=MULTIPLES)
        .map(|k| (G2Affine::generator() * Fr::from(k)).into_affine())
        .collect()
});
static KEYS: LazyLock<Vec<PublicKey>> = LazyLock::new(|| {
    (1..=MULTIPLES)
        .filter_map(|k| PublicKey::new(Point::base_multiple(&[k, 0, 0, 0])).ok())
        .collect()
});

/// A point of G1, not the identity.
pub fn g1(recipe: &mut Unstructured<'_>) -> arbitrary::Result<G1Affine> {
    recipe.choose(&G1).copied()
}

/// A point of G2, not the identity.
pub fn g2(recipe: &mut Unstructured<'_>) -> arbitrary::Result<G2Affine> {
    recipe.choose(&G2).copied()
}

/// The same multiple in both groups.
pub fn twins(recipe: &mut Unstructured<'_>) -> arbitrary::Result<(G1Affine, G2Affine)> {
    let at = recipe.choose_index(G1.len())?;
    Ok((G1[at], G2[at]))
}

/// A public key on BabyJubjub.
pub fn public_key(recipe: &mut Unstructured<'_>) -> arbitrary::Result<PublicKey> {
    recipe.choose(&KEYS).copied()
}

/// A scalar: small, close to r, or any.
pub fn fr(recipe: &mut Unstructured<'_>) -> arbitrary::Result<Fr> {
    Ok(match recipe.int_in_range(0..=3u8)? {
        0 => Fr::from(recipe.arbitrary::<u8>()?),
        1 => -Fr::from(recipe.arbitrary::<u8>()?),
        2 => Fr::from(recipe.arbitrary::<u128>()?),
        _ => Fr::from_le_bytes_mod_order(&recipe.arbitrary::<[u8; 32]>()?),
    })
}

/// A scalar that is not zero.
pub fn fr_nonzero(recipe: &mut Unstructured<'_>) -> arbitrary::Result<Fr> {
    fr(recipe).map(|value| {
        if value.inverse().is_some() {
            value
        } else {
            Fr::from(7u64)
        }
    })
}
