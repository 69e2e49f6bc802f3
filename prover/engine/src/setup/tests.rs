use ark_bn254::Fr;
use ark_ff::{Field, UniformRand};
use ark_relations::gr1cs::{
    ConstraintSynthesizer as _, ConstraintSystem, OptimizationGoal, R1CS_PREDICATE_LABEL, SynthesisMode,
};
use ark_std::rand::SeedableRng;
use ark_std::rand::rngs::StdRng;
use quittance_verifier::DecodeError;

use super::reference::{Replay, generate};
use super::*;
use crate::synthetic;
use crate::testing::{SHAPE, random_circuit};

/// What the generator sees is what the engine proves: the same rows, variables and coefficients.
#[test]
fn arkworks_sees_the_same_matrices() {
    let circuits = (0..20)
        .map(random_circuit)
        .chain([synthetic::circuit(9, 1).unwrap()]);
    for (r1cs, _) in circuits {
        let cs = ConstraintSystem::new_ref();
        cs.set_optimization_goal(OptimizationGoal::Constraints);
        cs.set_mode(SynthesisMode::Setup);
        Replay(&r1cs).generate_constraints(cs.clone()).unwrap();
        cs.finalize();
        assert_eq!(cs.num_instance_variables(), r1cs.num_instance());
        assert_eq!(cs.num_witness_variables(), r1cs.num_witness());
        let matrices = &cs.to_matrices().unwrap()[R1CS_PREDICATE_LABEL];
        assert_eq!(matrices.as_slice(), r1cs.to_matrices());
    }
}

/// Every point is ark-groth16's, for the same trapdoor and τ, on every thread count.
#[test]
fn keys_equal_those_of_ark_groth16_for_equal_trapdoors() {
    let circuits = (0..12)
        .map(random_circuit)
        .chain([synthetic::circuit(11, 1).unwrap()]);
    for ((r1cs, _), seed) in circuits.zip(0..) {
        let expected = generate(&r1cs, &trapdoor(seed), &mut StdRng::seed_from_u64(seed)).unwrap();
        for threads in [1, 3] {
            let key = crate::testing::engine(threads)
                .install(|| setup(&r1cs, SHAPE, trapdoor(seed), StdRng::seed_from_u64(seed), &|_| ()))
                .unwrap();
            assert!(key.to_arkworks() == expected, "seed {seed}, {threads} threads");
        }
    }
}

fn trapdoor(seed: u64) -> Trapdoor {
    let mut rng = StdRng::seed_from_u64(seed);
    Trapdoor {
        alpha: Fr::rand(&mut rng),
        beta: Fr::rand(&mut rng),
        gamma: Fr::rand(&mut rng),
        delta: Fr::rand(&mut rng),
    }
}

fn refused(change: impl FnOnce(&mut Trapdoor)) -> SetupError {
    let (r1cs, _) = random_circuit(1);
    let mut trapdoor = trapdoor(1);
    change(&mut trapdoor);
    setup(&r1cs, SHAPE, trapdoor, StdRng::seed_from_u64(2), &|_| ()).unwrap_err()
}

#[test]
fn s31_gamma_equal_to_delta_is_refused() {
    for sign in [Fr::ONE, -Fr::ONE] {
        let error = refused(|trapdoor| trapdoor.delta = trapdoor.gamma * sign);
        assert!(
            matches!(
                error,
                SetupError::Key(ProvingKeyError::VerifyingKey(DecodeError::DeltaIsGamma))
            ),
            "{error:?}"
        );
    }
}

#[test]
fn s31_delta_equal_to_the_generator_is_refused() {
    for delta in [Fr::ONE, -Fr::ONE] {
        let error = refused(|trapdoor| trapdoor.delta = delta);
        assert!(
            matches!(
                error,
                SetupError::Key(ProvingKeyError::VerifyingKey(DecodeError::DeltaIsGenerator))
            ),
            "{error:?}"
        );
    }
}

#[test]
fn s32_identity_in_the_verifying_key_is_refused() {
    let error = refused(|trapdoor| trapdoor.alpha = Fr::from(0u64));
    assert!(
        matches!(
            error,
            SetupError::Key(ProvingKeyError::VerifyingKey(DecodeError::Identity {
                field: "alpha"
            }))
        ),
        "{error:?}"
    );
}

#[test]
fn s32_a_variable_without_a_row_is_refused() {
    let one_row = [
        vec![vec![(Fr::ONE, 4)]],
        vec![vec![(Fr::ONE, 4)]],
        vec![vec![(Fr::ONE, 4)]],
    ];
    let r1cs = R1cs::from_matrices(&one_row, 4, 3).unwrap();
    let error = setup_development(&r1cs, SHAPE, &|_| ()).unwrap_err();
    assert!(
        matches!(error, SetupError::UnusedVariable { index: 5 }),
        "{error:?}"
    );
}

#[test]
fn another_number_of_public_inputs_is_refused() {
    let one_row = [
        vec![vec![(Fr::ONE, 1)]],
        vec![vec![(Fr::ONE, 1)]],
        vec![vec![(Fr::ONE, 1)]],
    ];
    let r1cs = R1cs::from_matrices(&one_row, 2, 0).unwrap();
    let error = setup_development(&r1cs, SHAPE, &|_| ()).unwrap_err();
    assert!(
        matches!(error, SetupError::PublicInputs { got: 1, expected: 3 }),
        "{error:?}"
    );
}

#[test]
fn s33_keys_are_marked_as_development_keys() {
    let (r1cs, _) = random_circuit(2);
    let key = setup_development(&r1cs, SHAPE, &|_| ()).unwrap();
    assert_eq!(key.verifying_key().provenance(), Provenance::Development);
    assert_eq!(key.shape(), &SHAPE);
}
