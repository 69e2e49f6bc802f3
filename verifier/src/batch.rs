//! Verification of many proofs with one product of pairings.
//!
//! Proof i, of a key with (α, β, γ, δ, ic), holds when e(A_i, B_i) = e(α, β) · e(L_i, γ) · e(C_i, δ). With
//! scalars r_i that nobody can choose, all hold, but for a chance of 2^−128, when
//!
//! ```text
//! Π_i e(r_i · A_i, B_i) · Π_keys e(−Σ r_i · α, β) · e(−Σ r_i · L_i, γ) · e(−Σ r_i · C_i, δ) = 1
//! ```
//!
//! where each sum runs over the proofs of one key. The scalars are the hash of everything that is verified,
//! see [`batch_scalars`]: whoever changes a proof changes them all.

use alloc::{collections::BTreeMap, vec::Vec};

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective};
use ark_ec::bn::G2Prepared;
use ark_ec::pairing::Pairing;
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::{AdditiveGroup, One, PrimeField};

use crate::encoding::{fr_to_bytes_be, halves, keccak256};
use crate::verify::Equation;
use crate::{BatchError, Bundle, KeyId, Proof, TAG_BATCH_VERIFY, Verifier};

/// Verifies many bundles, each with the verifier of its key: what [`Verifier::verify`] would say of each one,
/// at less than half the cost.
///
/// # Errors
/// [`BatchError::Empty`] for no bundle; else [`BatchError::Item`] with the index of the first bundle whose
/// statement cannot be formed or, if all can, of the first whose proof is rejected.
pub fn verify_batch(items: &[(&Verifier, &Bundle)]) -> Result<(), BatchError> {
    if items.is_empty() {
        return Err(BatchError::Empty);
    }
    let claims = items
        .iter()
        .enumerate()
        .map(|(index, (verifier, bundle))| {
            let inputs = verifier
                .public_inputs(bundle)
                .map_err(|source| BatchError::Item { index, source })?;
            Ok(Claim {
                index,
                verifier,
                inputs,
                proof: &bundle.proof,
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    if holds(&claims) {
        Ok(())
    } else {
        Err(culprit(&claims))
    }
}

/// The scalars of a batch: 128 bits each, namely the lower half of keccak256(seed ‖ i) for i = 0, 1, … as 32
/// bytes, where seed = keccak256([`TAG_BATCH_VERIFY`] ‖ number of proofs as 32 bytes ‖ for each proof: key id ‖
/// h ‖ z ‖ y ‖ its 256 bytes).
pub fn batch_scalars<'a>(claims: impl IntoIterator<Item = (&'a KeyId, &'a [Fr; 3], &'a Proof)>) -> Vec<u128> {
    let mut transcript = Vec::new();
    let mut count: u128 = 0;
    for (key_id, inputs, proof) in claims {
        transcript.extend(key_id.0);
        transcript.extend(inputs.iter().flat_map(fr_to_bytes_be));
        transcript.extend(proof.to_bytes());
        count = count.saturating_add(1);
    }
    let seed = keccak256([&TAG_BATCH_VERIFY[..], &[0; 16], &count.to_be_bytes(), &transcript]);
    (0..count)
        .map(|index| {
            let digest = keccak256([&seed[..], &[0; 16], &index.to_be_bytes()]);
            let (_, low) = halves(&digest);
            low
        })
        .collect()
}

/// A proof and the public inputs that it is claimed to prove.
#[derive(Clone, Copy)]
struct Claim<'a> {
    index: usize,
    verifier: &'a Verifier,
    inputs: [Fr; Verifier::INPUTS],
    proof: &'a Proof,
}

/// The proofs of one key, combined.
struct Group<'a> {
    verifier: &'a Verifier,
    /// Σ r_i, Σ r_i · h_i, Σ r_i · z_i, Σ r_i · y_i.
    sums: [Fr; 4],
    c: Vec<G1Affine>,
    c_scalars: Vec<Fr>,
}

/// Whether all claims hold: the batched equation.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "field and group arithmetic is total"
)]
fn holds(claims: &[Claim<'_>]) -> bool {
    // One proof is cheaper by itself: its e(α, β) is known.
    if let [
        Claim {
            verifier,
            inputs,
            proof,
            ..
        },
    ] = claims
    {
        return verifier.verify_inputs(inputs, proof).is_ok();
    }
    let scalars = batch_scalars(
        claims
            .iter()
            .map(|claim| (claim.verifier.key_id(), &claim.inputs, claim.proof)),
    );
    let mut groups = BTreeMap::<&KeyId, Group<'_>>::new();
    let mut scaled = Vec::with_capacity(claims.len());
    let mut g2 = Vec::with_capacity(claims.len());
    for (claim, scalar) in claims.iter().zip(scalars) {
        let r = Fr::from(scalar);
        let group = groups
            .entry(claim.verifier.key_id())
            .or_insert_with(|| Group::new(claim.verifier));
        let [h, z, y] = claim.inputs;
        for (sum, input) in group.sums.iter_mut().zip([Fr::one(), h, z, y]) {
            *sum += r * input;
        }
        group.c.push(*claim.proof.c());
        group.c_scalars.push(r);
        scaled.push(claim.proof.a().mul_bigint(r.into_bigint()));
        g2.push(G2Prepared::from(claim.proof.b()));
    }
    for group in groups.values() {
        let Equation {
            alpha_g1,
            beta_g2,
            gamma_g2,
            delta_g2,
            ic,
            ..
        } = &group.verifier.equation;
        let [r, ..] = group.sums;
        scaled.push(*alpha_g1 * -r);
        scaled.push(-G1Projective::msm_unchecked(ic, &group.sums));
        scaled.push(-G1Projective::msm_unchecked(&group.c, &group.c_scalars));
        g2.extend([beta_g2.clone(), gamma_g2.clone(), delta_g2.clone()]);
    }
    let product = Bn254::multi_miller_loop(G1Projective::normalize_batch(&scaled), g2);
    Bn254::final_exponentiation(product).is_some_and(|product| product.0.is_one())
}

impl<'a> Group<'a> {
    fn new(verifier: &'a Verifier) -> Self {
        Self {
            verifier,
            sums: [Fr::ZERO; 4],
            c: Vec::new(),
            c_scalars: Vec::new(),
        }
    }
}

/// Of claims that do not all hold, the first that does not: by halves, then by itself.
fn culprit(claims: &[Claim<'_>]) -> BatchError {
    let mut suspects = claims;
    while suspects.len() > 1 {
        let (left, right) = suspects.split_at(suspects.len().div_ceil(2));
        suspects = if holds(left) { right } else { left };
    }
    let verdict = suspects.first().map(|claim| {
        (
            claim.index,
            claim.verifier.verify_inputs(&claim.inputs, claim.proof),
        )
    });
    match verdict {
        Some((index, Err(source))) => BatchError::Item { index, source },
        _ => BatchError::Unattributed,
    }
}
