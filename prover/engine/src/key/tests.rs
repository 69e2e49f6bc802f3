use ark_bn254::{Fq, Fr, G1Projective};
use ark_ec::CurveGroup;
use ark_ff::{Field, UniformRand};
use ark_groth16::Groth16;
use ark_std::rand::SeedableRng;
use ark_std::rand::rngs::StdRng;
use quittance_verifier::Proof;

use super::*;
use crate::setup::reference::Replay;
use crate::testing::{SHAPE, engine, key, off_subgroup, random_circuit};
use crate::{Control, SnarkjsReduction};

fn refused(change: impl FnOnce(&mut Bases)) -> ProvingKeyError {
    let (r1cs, _) = random_circuit(1);
    let mut bases = key(&r1cs, 1).to_arkworks();
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

#[test]
fn arkworks_lists_come_back_with_their_identities() {
    let mut identities = 0;
    for seed in 0..10 {
        let (r1cs, _) = random_circuit(seed);
        let key = key(&r1cs, seed);
        let bases = key.to_arkworks();
        identities += bases.b_g2_query.iter().filter(|point| point.is_zero()).count();
        let again = CircuitKey::from_arkworks(bases.clone(), &r1cs, Subgroup::Known).unwrap();
        assert_eq!(again.as_bytes(), key.as_bytes());
        assert_eq!(again.to_arkworks(), bases);
        let lists = key.lists();
        assert_eq!(lists.h.len(), r1cs.domain_size());
        assert_eq!(lists.l.len(), r1cs.num_witness());
        assert_eq!(lists.b2.len(), 2 * lists.b1.len());
        assert_eq!(lists.order.len(), r1cs.num_variables());
    }
    assert!(identities > 50, "{identities}");
}

/// The matrices say where the identities are: elsewhere there are none, and there is nothing else.
#[test]
fn s32_identities_are_where_the_matrices_put_them() {
    let (r1cs, _) = random_circuit(1);
    let bases = key(&r1cs, 1).to_arkworks();
    let is_zero = |index: usize| bases.b_g1_query[index].is_zero();
    let named = (0..r1cs.num_variables()).find(|&index| !is_zero(index)).unwrap();
    let unnamed = (0..r1cs.num_variables()).find(|&index| is_zero(index)).unwrap();
    let query = QueryName::B1;
    assert_eq!(
        refused(|bases| bases.b_g1_query[named] = G1Affine::zero()),
        ProvingKeyError::Identity { query, index: named }
    );
    assert_eq!(
        refused(|bases| bases.b_g1_query[unnamed] = G1Affine::generator()),
        ProvingKeyError::Stray {
            query,
            index: unnamed
        }
    );
    let query = QueryName::B2;
    assert_eq!(
        refused(|bases| bases.b_g2_query[named] = G2Affine::zero()),
        ProvingKeyError::Identity { query, index: named }
    );
    assert_eq!(
        refused(|bases| bases.b_g2_query[unnamed] = G2Affine::generator()),
        ProvingKeyError::Stray {
            query,
            index: unnamed
        }
    );
    let query = QueryName::A;
    assert_eq!(
        refused(|bases| bases.a_query[0] = G1Affine::zero()),
        ProvingKeyError::Identity { query, index: 0 }
    );
}

#[test]
fn s36_every_point_of_a_key_from_elsewhere_is_checked() {
    let (r1cs, _) = random_circuit(1);
    let bases = key(&r1cs, 1).to_arkworks();
    let index = bases
        .b_g2_query
        .iter()
        .rposition(|point| !point.is_zero())
        .unwrap();
    let query = QueryName::B2;
    assert_eq!(
        refused(|bases| bases.b_g2_query[index] = off_subgroup()),
        ProvingKeyError::NotInSubgroup { query, index }
    );
    assert_eq!(
        refused(|bases| bases.b_g2_query[index].x = bases.b_g2_query[index].y),
        ProvingKeyError::NotOnCurve { query, index }
    );
    let query = QueryName::H;
    assert_eq!(
        refused(|bases| bases.h_query[3].y += Fq::ONE),
        ProvingKeyError::NotOnCurve { query, index: 3 }
    );
    let query = QueryName::L;
    assert_eq!(
        refused(|bases| bases.l_query[4].y += Fq::ONE),
        ProvingKeyError::NotOnCurve { query, index: 4 }
    );
    let query = QueryName::A;
    assert_eq!(
        refused(|bases| bases.a_query[1].x.0 = ark_ff::BigInt([u64::MAX; 4])),
        ProvingKeyError::NotCanonical { query, index: 1 }
    );
}

/// Keys are not only for statements: any number of public inputs, none included.
#[test]
fn a_circuit_with_any_number_of_public_inputs_is_proved() {
    let engine = engine(1);
    for inputs in [0, 1, 3, 7] {
        let row = |column: usize| vec![(Fr::from(1u64), column)];
        // x · x = y for a witness x and, if there is one, the last public input y.
        let (x, y) = (inputs + 1, inputs);
        let rows = [
            vec![row(x)],
            vec![row(x)],
            vec![row(if inputs == 0 { x } else { y })],
        ];
        let r1cs = R1cs::from_matrices(&rows, inputs + 1, 1).unwrap();
        let mut rng = StdRng::seed_from_u64(5);
        let bases = Groth16::<Bn254, SnarkjsReduction>::generate_random_parameters_with_reduction(
            Replay(&r1cs),
            &mut rng,
        );
        let bases = bases.unwrap();
        let key = CircuitKey::new(bases.clone(), &r1cs).unwrap();
        assert_eq!(key.to_arkworks(), bases);
        assert_eq!(key.vk(), &bases.vk);
        // ark-groth16 draws generators at random; a rollup's key has the standard ones.
        if inputs == 3 {
            let error = ProvingKey::new(Provenance::Development, SHAPE, bases, r1cs).unwrap_err();
            assert_eq!(error, ProvingKeyError::Twin { name: "beta" });
        }
        let mut assignment: Vec<Fr> = (0..inputs).map(|_| Fr::rand(&mut rng)).collect();
        assignment.insert(0, Fr::ONE);
        if inputs > 0 {
            assignment[y] = Fr::from(9u64);
        }
        assignment.push(Fr::from(if inputs == 0 { 1u64 } else { 3 }));
        let proof = engine
            .prove(&key, &assignment, &Control::default())
            .unwrap()
            .proof;
        assert_eq!(key.verify(&assignment[1..=inputs], &proof), Ok(()));
        assert_eq!(
            key.verify(&assignment[1..], &proof),
            Err(VerifyError::InputCount {
                got: inputs as u64 + 1,
                expected: inputs as u64
            })
        );
        let twice = Proof::new(*proof.a(), *proof.b(), *proof.a()).unwrap();
        assert_eq!(
            key.verify(&assignment[1..=inputs], &twice),
            Err(VerifyError::ProofRejected)
        );
    }
}
