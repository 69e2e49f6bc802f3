//! Exits in an emergency: bound to the rollup, the root, the leaf, what it holds and whose it is; proved by their own
//! key, which a batch's cannot stand for.

use ark_bn254::Fr;
use ark_ff::UniformRand;
use quittance_verifier::encoding::{fr_to_bytes_be, keccak256};
use quittance_verifier::*;

use crate::simulator::{ExitSimulator, R, Simulator, add_be, exit_facts, full_facts, rng};

fn valid() -> (ExitSimulator, ExitVerifier, ExitBundle) {
    let simulator = ExitSimulator::new(1, Provenance::Ceremony);
    let bundle = simulator.bundle(exit_facts(1), 1);
    let verifier = simulator.verifier();
    assert_eq!(verifier.verify(&bundle), Ok(()));
    (simulator, verifier, bundle)
}

const REJECTED: Result<(), VerifyError> = Err(VerifyError::ProofRejected);

fn changed(change: impl FnOnce(&mut ExitFacts)) -> Result<(), VerifyError> {
    let (_, verifier, mut bundle) = valid();
    change(&mut bundle.facts);
    verifier.verify(&bundle)
}

#[test]
fn s48_exit_pays_nobody_else_and_nothing_else() {
    assert_eq!(changed(|facts| facts.owner[0] ^= 1), REJECTED);
    assert_eq!(changed(|facts| facts.owner = [7; 20]), REJECTED);
    assert_eq!(changed(|facts| facts.leaf ^= 1), REJECTED);
    assert_eq!(changed(|facts| facts.token ^= 1), REJECTED);
    assert_eq!(changed(|facts| facts.balance += 1), REJECTED);
    // The fields of one word do not give to each other.
    let shifted = changed(|facts| {
        facts.token ^= 1;
        facts.balance ^= 1 << 127;
    });
    assert_eq!(shifted, REJECTED);
}

#[test]
fn s28_exit_from_another_root_or_rollup() {
    assert_eq!(changed(|facts| facts.root += Fr::from(1)), REJECTED);
    assert_eq!(changed(|facts| facts.rollup_id = rollup_id(1, [0; 20])), REJECTED);
    assert_eq!(
        changed(|facts| facts.rollup_id[0] = 1),
        Err(VerifyError::Statement(StatementError::RollupIdOutOfRange))
    );
}

#[test]
fn s29_proof_of_one_exit_offered_for_another() {
    let (simulator, verifier, mut one) = valid();
    let mut other = simulator.bundle(exit_facts(2), 2);
    std::mem::swap(&mut one.proof, &mut other.proof);
    assert_eq!(
        (verifier.verify(&one), verifier.verify(&other)),
        (REJECTED, REJECTED)
    );
    std::mem::swap(&mut one.h, &mut other.h);
    assert_eq!(
        (verifier.verify(&one), verifier.verify(&other)),
        (REJECTED, REJECTED)
    );
    one.h = Fr::rand(&mut rng(5));
    assert_eq!(verifier.verify(&one), REJECTED);
}

#[test]
fn s30_exit_key_substituted() {
    let (own, verifier, bundle) = valid();
    let foreign = ExitSimulator::new(2, Provenance::Ceremony);
    let forged = foreign.bundle(bundle.facts, 1);
    assert_eq!(
        verifier.verify(&forged),
        Err(VerifyError::KeyMismatch {
            got: foreign.key.key_id(),
            expected: own.key.key_id()
        })
    );
    let renamed = ExitBundle {
        key_id: own.key.key_id(),
        ..forged
    };
    assert_eq!(verifier.verify(&renamed), REJECTED);
    // The same points for a tree of other levels are another key.
    let other_levels = ExitVerifyingKey::new(Provenance::Ceremony, 15, *own.key.points()).unwrap();
    let renamed = ExitBundle {
        key_id: other_levels.key_id(),
        ..bundle
    };
    let verifier = ExitVerifier::new(&other_levels, DevelopmentKeys::Accept).unwrap();
    assert_eq!(verifier.verify(&renamed), REJECTED);
    // Which is refused by itself, too: no rollup has such a tree.
    assert_eq!(
        ExitVerifier::new(&other_levels, DevelopmentKeys::Refuse).err(),
        Some(VerifyError::TestTree {
            key_id: other_levels.key_id(),
            levels: 15
        })
    );
}

#[test]
fn s30_keys_of_batches_and_exits_do_not_stand_for_each_other() {
    let batch = Simulator::ceremony(1, "t8f1");
    let exit = ExitSimulator::new(1, Provenance::Ceremony);
    assert_eq!(
        VerifyingKey::from_bytes(&exit.key.to_bytes()),
        Err(DecodeError::Format {
            field: "verifying key"
        })
    );
    assert_eq!(
        ExitVerifyingKey::from_bytes(&batch.key.to_bytes()),
        Err(DecodeError::Format {
            field: "exit verifying key"
        })
    );
    // With the tag exchanged, the slots give a batch's key away, and the lack of slots an exit's.
    let mut bytes = batch.key.to_bytes();
    bytes[..32].copy_from_slice(&TAG_EXIT_KEY);
    assert_eq!(
        ExitVerifyingKey::from_bytes(&bytes),
        Err(DecodeError::OutOfRange {
            field: "shape.transfers",
            min: 0,
            max: 0,
            got: 8
        })
    );
    let mut bytes = exit.key.to_bytes();
    bytes[..32].copy_from_slice(&TAG_VERIFYING_KEY);
    assert_eq!(VerifyingKey::from_bytes(&bytes), Err(DecodeError::EmptyShape));
    let (_, _, bundle) = valid();
    assert_eq!(
        Bundle::from_bytes(&bundle.to_bytes().unwrap()),
        Err(DecodeError::Format {
            field: "proof bundle"
        })
    );
}

#[test]
fn s16_exit_challenge_leaves_nothing_out() {
    let (simulator, verifier, bundle) = valid();
    let elements = exit_elements(&bundle.facts).unwrap();
    let words: Vec<u8> = elements.iter().flat_map(fr_to_bytes_be).collect();
    let (h, digest) = (fr_to_bytes_be(&bundle.h), keccak256([&words[..]]));
    let parts = [&TAG_EXIT_STATEMENT, &bundle.key_id.0, &h, &digest];
    let z = exit_challenge(&bundle.key_id, &bundle.h, &elements);
    let mut expected = keccak256(parts.map(|part| &part[..]));
    expected[0] = 0;
    assert_eq!(fr_to_bytes_be(&z), expected);
    // A batch's tag gives another z: a proof for it is none of the exit's statement.
    let batch = challenge(&bundle.key_id, &bundle.h, &elements);
    assert_ne!(batch, z);
    let weak = [bundle.h, batch, evaluate(&elements, &batch)];
    let proof = simulator.prove(&weak, &mut rng(9));
    assert_eq!(verifier.verify_inputs(&weak, &proof), Ok(()));
    assert_eq!(verifier.verify(&ExitBundle { proof, ..bundle }), REJECTED);
}

#[test]
fn s33_exit_development_key_is_refused() {
    let simulator = ExitSimulator::new(1, Provenance::Development);
    let key_id = simulator.key.key_id();
    assert_eq!(
        ExitVerifier::new(&simulator.key, DevelopmentKeys::Refuse).err(),
        Some(VerifyError::DevelopmentKey { key_id })
    );
    let verifier = ExitVerifier::new(&simulator.key, DevelopmentKeys::Accept).unwrap();
    let bundle = simulator.bundle(exit_facts(1), 1);
    assert_eq!(verifier.verify(&bundle), Ok(()));
    // Washing the mark off makes another key, under which the proof does not hold.
    let mut bytes = simulator.key.to_bytes();
    bytes[63] = 2;
    let washed = ExitVerifyingKey::from_bytes(&bytes).unwrap();
    let verifier = ExitVerifier::new(&washed, DevelopmentKeys::Refuse).unwrap();
    let renamed = ExitBundle {
        key_id: washed.key_id(),
        ..bundle
    };
    assert_eq!(verifier.verify(&renamed), REJECTED);
}

#[test]
fn s31_exit_key_without_phase_2_is_refused() {
    let (simulator, ..) = valid();
    let points = *simulator.key.points();
    for delta_g2 in [points.gamma_g2, -points.gamma_g2] {
        let weak = KeyPoints { delta_g2, ..points };
        assert_eq!(
            ExitVerifyingKey::new(Provenance::Ceremony, 16, weak),
            Err(DecodeError::DeltaIsGamma)
        );
    }
    for levels in [0, 17, 255] {
        assert_eq!(
            ExitVerifyingKey::new(Provenance::Ceremony, levels, points),
            Err(DecodeError::OutOfRange {
                field: "shape.levels",
                min: 1,
                max: 16,
                got: levels.into()
            })
        );
    }
}

#[test]
fn s01_exit_field_element_plus_r_is_refused() {
    let (_, verifier, bundle) = valid();
    let bytes = bundle.to_bytes().unwrap();
    for (at, field) in [(76, "root"), (152, "h")] {
        let mut aliased = bytes.clone();
        let sum = add_be(&bytes[at..at + 32], &R);
        aliased[at..at + 32].copy_from_slice(&sum);
        assert_eq!(
            ExitBundle::from_bytes(&aliased),
            Err(DecodeError::NotCanonical { field })
        );
    }
    let mut raw = verifier
        .public_inputs(&bundle)
        .unwrap()
        .map(|input| fr_to_bytes_be(&input));
    raw[1] = add_be(&raw[1], &R);
    assert_eq!(
        verifier.verify_raw_inputs(&raw, &bundle.proof),
        Err(VerifyError::InputNotCanonical { index: 1 })
    );
}

#[test]
fn s43_number_of_an_exits_public_inputs_is_checked() {
    let (_, verifier, bundle) = valid();
    let inputs = verifier.public_inputs(&bundle).unwrap();
    let longer = [&inputs[..], &[Fr::from(0)]].concat();
    for (list, got) in [(&inputs[..0], 0), (&inputs[..2], 2), (&longer[..], 4)] {
        assert_eq!(
            verifier.verify_inputs(list, &bundle.proof),
            Err(VerifyError::InputCount { got, expected: 3 })
        );
    }
}

#[test]
fn s34_each_public_input_of_an_exit_counts() {
    let (_, verifier, bundle) = valid();
    let inputs = verifier.public_inputs(&bundle).unwrap();
    for index in 0..3 {
        let mut changed = inputs;
        changed[index] += Fr::from(1);
        assert_eq!(verifier.verify_inputs(&changed, &bundle.proof), REJECTED);
    }
}

#[test]
fn s02_exits_cut_and_padded() {
    let (simulator, _, bundle) = valid();
    let bytes = bundle.to_bytes().unwrap();
    assert_eq!(bytes.len(), ExitBundle::BYTES);
    for length in 0..bytes.len() {
        let error = ExitBundle::from_bytes(&bytes[..length]).unwrap_err();
        assert!(
            matches!(error, DecodeError::Truncated { .. }),
            "{length}: {error:?}"
        );
    }
    let padded = [&bytes[..], &[0]].concat();
    assert_eq!(
        ExitBundle::from_bytes(&padded),
        Err(DecodeError::TrailingBytes { got: 1 })
    );
    let facts = bundle.facts.to_bytes().unwrap();
    assert_eq!(facts.len(), ExitFacts::BYTES);
    assert!(ExitFacts::from_bytes(&facts[1..]).is_err());
    let key = simulator.key.to_bytes();
    for length in [0, 31, 991, 993] {
        let input = [&key[..], &[0]].concat()[..length].to_vec();
        assert_eq!(
            ExitVerifyingKey::from_bytes(&input),
            Err(DecodeError::Length {
                field: "exit verifying key",
                expected: 992,
                got: length as u64
            })
        );
    }
    for version in [0, 2, u32::MAX] {
        let mut bytes = bytes.clone();
        bytes[8..12].copy_from_slice(&version.to_be_bytes());
        assert_eq!(
            ExitBundle::from_bytes(&bytes),
            Err(DecodeError::Version {
                got: version,
                expected: 1
            })
        );
    }
    let batch = Simulator::ceremony(1, "p1t1f1").bundle(full_facts(1, "p1t1f1"), 1);
    assert_eq!(
        ExitBundle::from_bytes(&batch.to_bytes().unwrap()),
        Err(DecodeError::Format { field: "exit bundle" })
    );
}
