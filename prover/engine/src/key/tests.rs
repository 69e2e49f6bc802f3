use ark_bn254::{Fq, G1Projective};
use ark_ec::CurveGroup;
use ark_ff::Field;

use super::*;
use crate::testing::{SHAPE, key, random_circuit};

fn refused(change: impl FnOnce(&mut Bases)) -> ProvingKeyError {
    let (r1cs, _) = random_circuit(1);
    let mut bases = key(&r1cs, 1).bases().clone();
    change(&mut bases);
    ProvingKey::new(Provenance::Development, SHAPE, bases, r1cs).unwrap_err()
}

#[test]
fn s31_delta_of_a_key_without_a_second_phase_is_refused() {
    let error = refused(|bases| bases.vk.delta_g2 = G2Affine::generator());
    assert_eq!(
        error,
        ProvingKeyError::VerifyingKey(DecodeError::DeltaIsGenerator)
    );
    let error = refused(|bases| bases.vk.delta_g2 = bases.vk.gamma_g2);
    assert_eq!(error, ProvingKeyError::VerifyingKey(DecodeError::DeltaIsGamma));
}

#[test]
fn s32_identities_in_h_l_and_the_verifying_key_are_refused() {
    let error = refused(|bases| bases.h_query[5] = G1Affine::zero());
    assert_eq!(
        error,
        ProvingKeyError::Identity {
            query: QueryName::H,
            index: 5
        }
    );
    let error = refused(|bases| bases.l_query[2] = G1Affine::zero());
    assert_eq!(
        error,
        ProvingKeyError::Identity {
            query: QueryName::L,
            index: 2
        }
    );
    let error = refused(|bases| bases.vk.gamma_abc_g1[1] = G1Affine::zero());
    assert_eq!(
        error,
        ProvingKeyError::VerifyingKey(DecodeError::Identity { field: "ic1" })
    );
}

#[test]
fn lists_of_another_length_are_refused() {
    let error = refused(|bases| bases.b_g2_query.truncate(3));
    assert!(matches!(
        error,
        ProvingKeyError::QueryLength {
            query: QueryName::B2,
            got: 3,
            ..
        }
    ));
    // arkworks' own reduction has one point fewer.
    let error = refused(|bases| bases.h_query.truncate(2));
    assert!(matches!(
        error,
        ProvingKeyError::QueryLength {
            query: QueryName::H,
            ..
        }
    ));
    let error = refused(|bases| bases.vk.gamma_abc_g1.truncate(2));
    assert!(matches!(error, ProvingKeyError::PublicInputs { .. }));
}

#[test]
fn points_of_the_two_groups_that_do_not_match_are_refused() {
    let double = |point: G1Affine| (G1Projective::from(point) + point).into_affine();
    assert_eq!(
        refused(|bases| bases.beta_g1 = double(bases.beta_g1)),
        ProvingKeyError::Twin { name: "beta" }
    );
    assert_eq!(
        refused(|bases| bases.delta_g1 = double(bases.delta_g1)),
        ProvingKeyError::Twin { name: "delta" }
    );
}

#[test]
fn s36_a_verifying_key_off_the_curve_is_refused() {
    let error = refused(|bases| bases.vk.alpha_g1.y += Fq::ONE);
    assert_eq!(
        error,
        ProvingKeyError::VerifyingKey(DecodeError::NotOnCurve { field: "alpha" })
    );
}
