//! What a proof is bound to: every fact, its place, the rollup, the batch, the key.

use ark_bn254::Fr;
use ark_ff::UniformRand;
use quittance_verifier::encoding::{fr_from_bytes_be, fr_to_bytes_be, keccak256};
use quittance_verifier::*;

use crate::simulator::{Simulator, chain, facts, full_facts, rng};

/// A bundle with operations of every kind, and room for more.
pub(super) fn valid() -> (Simulator, Verifier, Bundle) {
    let simulator = Simulator::ceremony(1, "p6o3t8w3r3f2");
    let bundle = simulator.bundle(full_facts(1, "p4o2t5w2r2f1"), 1);
    let verifier = simulator.verifier();
    assert_eq!(verifier.verify(&bundle), Ok(()));
    (simulator, verifier, bundle)
}

/// The valid bundle with changed facts.
pub(super) fn changed(change: impl FnOnce(&mut Facts)) -> Result<(), VerifyError> {
    let (_, verifier, mut bundle) = valid();
    change(&mut bundle.facts);
    verifier.verify(&bundle)
}

pub(super) const REJECTED: Result<(), VerifyError> = Err(VerifyError::ProofRejected);

fn below_2_248(mut bytes: [u8; 32]) -> Fr {
    bytes[0] = 0;
    fr_from_bytes_be(&bytes, "z").unwrap()
}

#[test]
fn s16_challenge_leaves_nothing_out() {
    let (simulator, verifier, bundle) = valid();
    let elements = elements(&bundle.facts, verifier.shape()).unwrap();
    let words: Vec<u8> = elements.iter().flat_map(fr_to_bytes_be).collect();
    let (h, digest) = (fr_to_bytes_be(&bundle.h), keccak256([&words[..]]));
    let parts = [&TAG_STATEMENT, &bundle.key_id.0, &h, &digest];
    assert_eq!(
        below_2_248(keccak256(parts.map(|part| &part[..]))),
        challenge(&bundle.key_id, &bundle.h, &elements)
    );
    // A prover who is free to leave out any one part proves for another z, and is refused.
    for left_out in 0..parts.len() {
        let rest = parts.iter().enumerate().filter(|(index, _)| *index != left_out);
        let z = below_2_248(keccak256(rest.map(|(_, part)| &part[..])));
        let weak = [bundle.h, z, evaluate(&elements, &z)];
        let proof = simulator.prove(&weak, &mut rng(9));
        assert_eq!(
            verifier.verify_inputs(&weak, &proof),
            Ok(()),
            "a proof of the weak statement itself"
        );
        assert_eq!(
            verifier.verify(&Bundle {
                proof,
                ..bundle.clone()
            }),
            REJECTED,
            "part {left_out}"
        );
    }
}

#[test]
fn s16_challenge_binds_key_id_h_and_each_element() {
    let (_, verifier, bundle) = valid();
    let elements = elements(&bundle.facts, verifier.shape()).unwrap();
    let z = challenge(&bundle.key_id, &bundle.h, &elements);
    let mut other_key = bundle.key_id;
    other_key.0[31] ^= 1;
    assert_ne!(z, challenge(&other_key, &bundle.h, &elements));
    assert_ne!(z, challenge(&bundle.key_id, &(bundle.h + Fr::from(1)), &elements));
    for index in 0..elements.len() {
        let mut other = elements.clone();
        other[index] += Fr::from(1);
        assert_ne!(z, challenge(&bundle.key_id, &bundle.h, &other), "element {index}");
        other.remove(index);
        assert_ne!(z, challenge(&bundle.key_id, &bundle.h, &other), "element {index}");
    }
}

#[test]
fn s16_a_chosen_y_does_not_help_without_h() {
    // With z from the facts alone, other facts with the same evaluation are one linear equation away. Here a
    // prover keeps (h, z, y) and solves for such facts: z of the new facts is another, so the proof fails.
    let (_, verifier, bundle) = valid();
    let [_, z, y] = verifier.public_inputs(&bundle).unwrap();
    let mut forged = bundle.clone();
    forged.facts.batch_number += 1;
    // Element 3, the new root, absorbs the change of element 1: Δe1·z + Δe3·z³ = 0.
    forged.facts.new_root -= ark_ff::Field::inverse(&(z * z)).unwrap();
    let forged_elements = elements(&forged.facts, verifier.shape()).unwrap();
    assert_eq!(evaluate(&forged_elements, &z), y, "the equation was solved");
    assert_eq!(verifier.verify(&forged), REJECTED);
}

#[test]
fn s28_proof_of_one_batch_offered_for_another() {
    assert_eq!(changed(|facts| facts.batch_number += 1), REJECTED);
    assert_eq!(changed(|facts| facts.old_root += Fr::from(1)), REJECTED);
    assert_eq!(changed(|facts| facts.new_root += Fr::from(1)), REJECTED);
    assert_eq!(
        changed(|facts| std::mem::swap(&mut facts.old_root, &mut facts.new_root)),
        REJECTED
    );
}

#[test]
fn s28_proof_of_one_rollup_offered_to_another() {
    assert_eq!(changed(|facts| facts.rollup_id = rollup_id(1, [0; 20])), REJECTED);
    assert_eq!(changed(|facts| facts.rollup_id = rollup_id(0, [1; 20])), REJECTED);
    assert_eq!(
        changed(|facts| facts.rollup_id[0] = 1),
        Err(VerifyError::Statement(StatementError::RollupIdOutOfRange))
    );
}

#[test]
fn s28_bundles_that_do_not_follow_each_other() {
    let bundles = chain(&Simulator::ceremony(1, "t4f1"), 4);
    let list: Vec<_> = bundles.iter().collect();
    assert_eq!(verify_chain(&list), Ok(()));
    assert_eq!(verify_chain(&list[1..2]), Ok(()));
    assert_eq!(verify_chain(&[]), Err(ChainError::Empty));

    let gap = [list[0], list[2]];
    assert_eq!(
        verify_chain(&gap),
        Err(ChainError::BatchNumber {
            index: 1,
            got: 3,
            expected: 2
        })
    );
    let repeated = [list[0], list[1], list[1]];
    assert_eq!(
        verify_chain(&repeated),
        Err(ChainError::BatchNumber {
            index: 2,
            got: 2,
            expected: 3
        })
    );
    let reversed = [list[1], list[0]];
    assert_eq!(
        verify_chain(&reversed),
        Err(ChainError::BatchNumber {
            index: 1,
            got: 1,
            expected: 3
        })
    );

    let mut fork = bundles[2].clone();
    fork.facts.old_root = Fr::from(7);
    assert_eq!(
        verify_chain(&[list[0], list[1], &fork, list[3]]),
        Err(ChainError::OldRoot {
            index: 2,
            got: Fr::from(7),
            expected: bundles[1].facts.new_root
        })
    );
    let mut other_queue = bundles[2].clone();
    other_queue.facts.queue[31] ^= 1;
    assert_eq!(
        verify_chain(&[list[0], list[1], &other_queue, list[3]]),
        Err(ChainError::Queue {
            index: 2,
            got: other_queue.facts.queue,
            expected: bundles[1].facts.queue_after()
        })
    );
    let mut foreign = bundles[3].clone();
    foreign.facts.rollup_id = rollup_id(1, [2; 20]);
    assert_eq!(
        verify_chain(&[list[0], list[1], list[2], &foreign]),
        Err(ChainError::RollupId { index: 3 })
    );
    let mut last = bundles[0].clone();
    last.facts.batch_number = u32::MAX;
    assert_eq!(
        verify_chain(&[&last, list[1]]),
        Err(ChainError::NumbersExhausted { index: 1 })
    );
}

#[test]
fn s29_proof_of_one_job_offered_for_another() {
    let simulator = Simulator::ceremony(1, "t8f1");
    let verifier = simulator.verifier();
    let (mut one, mut other) = (
        simulator.bundle(facts(1, 8, 1), 1),
        simulator.bundle(facts(2, 8, 1), 2),
    );
    std::mem::swap(&mut one.proof, &mut other.proof);
    assert_eq!(verifier.verify(&one), REJECTED);
    assert_eq!(verifier.verify(&other), REJECTED);
    // h goes with the proof: it does not help either.
    std::mem::swap(&mut one.h, &mut other.h);
    assert_eq!(verifier.verify(&one), REJECTED);
    assert_eq!(verifier.verify(&other), REJECTED);
}

#[test]
fn s29_h_of_another_statement() {
    let (_, verifier, mut bundle) = valid();
    bundle.h = Fr::rand(&mut rng(77));
    assert_eq!(verifier.verify(&bundle), REJECTED);
}
