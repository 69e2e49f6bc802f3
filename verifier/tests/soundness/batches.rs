//! Batch verification: bad proofs that would cancel, and which one is to blame.

use ark_bn254::Fr;
use ark_ec::CurveGroup;
use ark_ff::UniformRand;
use quittance_verifier::*;

use crate::simulator::{Simulator, facts, g1, rng};

fn valid(simulator: &Simulator, count: u64) -> Vec<Bundle> {
    (0..count)
        .map(|seed| simulator.bundle(facts(seed, 3, 1), seed))
        .collect()
}

fn rejected(index: usize) -> Result<(), BatchError> {
    Err(BatchError::Item {
        index,
        source: VerifyError::ProofRejected,
    })
}

/// The bundle with D added to its C.
fn shifted(bundle: &Bundle, d: Fr) -> Bundle {
    let proof = &bundle.proof;
    let c = (*proof.c() + g1(d)).into_affine();
    Bundle {
        proof: Proof::new(*proof.a(), *proof.b(), c).unwrap(),
        ..bundle.clone()
    }
}

#[test]
fn s37_two_bad_proofs_that_cancel() {
    let simulator = Simulator::ceremony(1, "t4f1");
    let verifier = simulator.verifier();
    let d = Fr::rand(&mut rng(3));
    let mut bundles = valid(&simulator, 4);
    bundles[1] = shifted(&bundles[1], d);
    bundles[2] = shifted(&bundles[2], -d);
    // Without scalars the sum of all C is what it was, so that the plain product would hold.
    let items: Vec<_> = bundles.iter().map(|bundle| (&verifier, bundle)).collect();
    assert_eq!(verify_batch(&items), rejected(1));
    assert_eq!(verify_batch(&items[2..]), rejected(0));
}

#[test]
fn s37_scalars_known_in_advance_do_not_cancel() {
    // With the scalars of the honest batch in hand: r1·D1 + r2·D2 = 0. Changing the proofs changes the scalars.
    let simulator = Simulator::ceremony(1, "t4f1");
    let verifier = simulator.verifier();
    let mut bundles = valid(&simulator, 2);
    let scalars = scalars_of(&verifier, &bundles);
    let d = Fr::rand(&mut rng(4));
    bundles[0] = shifted(&bundles[0], d * Fr::from(scalars[1]));
    bundles[1] = shifted(&bundles[1], -d * Fr::from(scalars[0]));
    assert_eq!(
        verify_batch(&[(&verifier, &bundles[0]), (&verifier, &bundles[1])]),
        rejected(0)
    );
}

fn scalars_of(verifier: &Verifier, bundles: &[Bundle]) -> Vec<u128> {
    let inputs: Vec<_> = bundles
        .iter()
        .map(|bundle| verifier.public_inputs(bundle).unwrap())
        .collect();
    batch_scalars(
        bundles
            .iter()
            .zip(&inputs)
            .map(|(bundle, inputs)| (verifier.key_id(), inputs, &bundle.proof)),
    )
}

#[test]
fn s16_batch_scalars_bind_every_key_input_and_proof() {
    let simulator = Simulator::ceremony(1, "t4f1");
    let other = Simulator::ceremony(2, "t4f1");
    let bundles = valid(&simulator, 3);
    let verifier = simulator.verifier();
    let claims: Vec<(KeyId, [Fr; 3], Proof)> = bundles
        .iter()
        .map(|bundle| {
            (
                bundle.key_id,
                verifier.public_inputs(bundle).unwrap(),
                bundle.proof,
            )
        })
        .collect();
    let scalars = |claims: &[(KeyId, [Fr; 3], Proof)]| {
        batch_scalars(
            claims
                .iter()
                .map(|(key_id, inputs, proof)| (key_id, inputs, proof)),
        )
    };
    let honest = scalars(&claims);
    let distinct: std::collections::BTreeSet<_> = honest.iter().collect();
    assert_eq!(distinct.len(), honest.len());
    for index in 0..claims.len() {
        let mut attacks = Vec::new();
        let mut changed = claims.clone();
        changed[index].0 = other.key.key_id();
        attacks.push(changed);
        for input in 0..3 {
            let mut changed = claims.clone();
            changed[index].1[input] += Fr::from(1);
            attacks.push(changed);
        }
        let (a, b, c) = (*claims[index].2.a(), *claims[index].2.b(), *claims[index].2.c());
        for proof in [Proof::new(-a, b, c), Proof::new(a, -b, c), Proof::new(a, b, -c)] {
            let mut changed = claims.clone();
            changed[index].2 = proof.unwrap();
            attacks.push(changed);
        }
        let mut dropped = claims.clone();
        dropped.remove(index);
        attacks.push(dropped);
        for attack in attacks {
            for (honest, changed) in honest.iter().zip(scalars(&attack)) {
                assert_ne!(*honest, changed, "every scalar depends on every claim");
            }
        }
    }
}

#[test]
fn s37_culprit_is_named_wherever_it_is() {
    let simulator = Simulator::ceremony(1, "t4f1");
    let verifier = simulator.verifier();
    let bundles = valid(&simulator, 9);
    for count in 1..=bundles.len() {
        for bad in 0..count {
            let mut bundles = bundles[..count].to_vec();
            bundles[bad].facts.batch_number += 1;
            // A second culprit after the first changes nothing.
            bundles[count - 1].facts.batch_number += u32::from(bad + 1 < count);
            let items: Vec<_> = bundles.iter().map(|bundle| (&verifier, bundle)).collect();
            assert_eq!(verify_batch(&items), rejected(bad), "{bad} of {count}");
        }
    }
}

#[test]
fn s30_batch_over_several_keys() {
    let (one, two) = (Simulator::ceremony(1, "t4f1"), Simulator::ceremony(2, "t8f2"));
    let (first, second) = (one.verifier(), two.verifier());
    let (a, b) = (valid(&one, 3), valid(&two, 3));
    let items = [
        (&first, &a[0]),
        (&second, &b[0]),
        (&first, &a[1]),
        (&second, &b[1]),
        (&second, &b[2]),
    ];
    assert_eq!(verify_batch(&items), Ok(()));
    let mut swapped = items;
    swapped[3].0 = &first;
    assert_eq!(
        verify_batch(&swapped),
        Err(BatchError::Item {
            index: 3,
            source: VerifyError::KeyMismatch {
                got: two.key.key_id(),
                expected: one.key.key_id()
            }
        })
    );
    let mut forged = b[1].clone();
    forged.proof = a[2].proof;
    let mut attack = items;
    attack[3].1 = &forged;
    assert_eq!(verify_batch(&attack), rejected(3));
}

#[test]
fn s43_empty_batch_proves_nothing() {
    assert_eq!(verify_batch(&[]), Err(BatchError::Empty));
}

#[test]
fn s27_batch_refuses_facts_that_do_not_fit() {
    let simulator = Simulator::ceremony(1, "t4f1");
    let verifier = simulator.verifier();
    let mut bundles = valid(&simulator, 3);
    bundles[2].facts = facts(9, 5, 1);
    let items: Vec<_> = bundles.iter().map(|bundle| (&verifier, bundle)).collect();
    assert_eq!(
        verify_batch(&items),
        Err(BatchError::Item {
            index: 2,
            source: VerifyError::Statement(StatementError::TooMany {
                section: Section::Transfers,
                got: 5,
                capacity: 4
            })
        })
    );
}
