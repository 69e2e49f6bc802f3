//! Files for snarkjs, against `vectors/snarkjs.json`: a setup and a proof that snarkjs itself made and wrote.

use ark_bn254::Fr;
use ark_ff::AdditiveGroup;
use quittance_verifier::snarkjs::{Files, SnarkjsError, export};
use quittance_verifier::*;
use serde_json::Value;

use crate::simulator::{Simulator, facts};

fn vector() -> Value {
    serde_json::from_str(include_str!("vectors/snarkjs.json")).unwrap()
}

fn snarkjs_own() -> (VerifyingKey, Bundle, Value) {
    let mut vector = vector();
    let digits = vector["verifying_key"].as_str().unwrap()[2..].to_owned();
    let bytes: Vec<u8> = (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect();
    let key = VerifyingKey::from_bytes(&bytes).unwrap();
    let bundle = json::from_json(vector["bundle"].to_string().as_bytes()).unwrap();
    (key, bundle, vector["files"].take())
}

fn ours(key: &VerifyingKey, bundle: &Bundle) -> Result<Files, SnarkjsError> {
    export(key, &Verifier::new(key, DevelopmentKeys::Refuse).unwrap(), bundle)
}

#[test]
fn a_proof_by_snarkjs_is_accepted_and_its_files_are_written_as_snarkjs_wrote_them() {
    let (key, bundle, theirs) = snarkjs_own();
    let files = ours(&key, &bundle).unwrap();
    assert_eq!(theirs["public.json"], files.public);
    assert_eq!(theirs["proof.json"], files.proof);
    // The one entry that is left out.
    let text = theirs["verification_key.json"].as_str().unwrap();
    let start = text.find(" \"vk_alphabeta_12\"").unwrap();
    let end = text.find(" \"IC\"").unwrap();
    assert_eq!([&text[..start], &text[end..]].concat(), files.verification_key);
    let named = files.named().map(|(name, _)| name);
    assert_eq!(named, ["verification_key.json", "public.json", "proof.json"]);
}

#[test]
fn nothing_that_is_not_accepted_is_written() {
    let (key, bundle, _) = snarkjs_own();
    let refused = |change: &dyn Fn(&mut Bundle)| {
        let mut changed = bundle.clone();
        change(&mut changed);
        match ours(&key, &changed) {
            Err(SnarkjsError::Verify(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    for change in [
        &(|bundle: &mut Bundle| bundle.facts.batch_number += 1) as &dyn Fn(&mut Bundle),
        &|bundle| bundle.facts.old_root += Fr::from(1),
        &|bundle| bundle.facts.transfers.swap(0, 1),
        &|bundle| bundle.facts.transfers[1].amount ^= 1,
        &|bundle| bundle.facts.fees[0].amount += 1,
        &|bundle| bundle.h += Fr::from(1),
        &|bundle| bundle.proof = Proof::new(*bundle.proof.c(), *bundle.proof.b(), *bundle.proof.a()).unwrap(),
    ] {
        assert_eq!(refused(change), VerifyError::ProofRejected);
    }
    let too_many = refused(&|bundle| bundle.facts.transfers.extend_from_within(..));
    assert!(matches!(too_many, VerifyError::Statement(_)), "{too_many:?}");
    let other_key = refused(&|bundle| bundle.key_id.0[0] ^= 1);
    assert!(
        matches!(other_key, VerifyError::KeyMismatch { .. }),
        "{other_key:?}"
    );
}

#[test]
fn s30_the_key_that_is_written_is_the_one_that_verified() {
    let (simulator, other) = (Simulator::ceremony(1, "t4f1"), Simulator::ceremony(2, "t4f1"));
    let bundle = simulator.bundle(facts(1, 3, 1), 1);
    match export(&other.key, &simulator.verifier(), &bundle) {
        Err(SnarkjsError::Verify(VerifyError::KeyMismatch { got, expected })) => {
            assert_eq!((got, expected), (other.key.key_id(), simulator.key.key_id()));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn zero_is_written_with_a_digit() {
    let simulator = Simulator::ceremony(1, "t4f1");
    let mut bundle = simulator.bundle(facts(1, 3, 1), 1);
    bundle.h = Fr::ZERO;
    let inputs = simulator.verifier().public_inputs(&bundle).unwrap();
    bundle.proof = simulator.prove(&inputs, &mut crate::simulator::rng(3));
    let files = ours(&simulator.key, &bundle).unwrap();
    let public: Vec<String> = serde_json::from_str(&files.public).unwrap();
    assert_eq!((public.len(), public[0].as_str()), (3, "0"));
}
