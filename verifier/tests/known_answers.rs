//! Every encoding of this crate against `vectors/statement.json`, written a second time in Python, and a proof
//! by ark-groth16 of a real circuit.

use ark_bn254::{Bn254, Fr};
use ark_groth16::Groth16;
use quittance_verifier::encoding::{fr_from_bytes_be, fr_to_bytes_be, keccak256, to_hex};
use quittance_verifier::*;
use serde_json::Value;

use crate::simulator::{Simulator, facts};
use crate::toy;

/// Bytes of a text 0x…; vectors are trusted, so this decoder need not be careful.
fn bytes(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap().strip_prefix("0x").unwrap();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

fn fr(value: &Value) -> Fr {
    fr_from_bytes_be(&bytes(value).try_into().unwrap(), "vector").unwrap()
}

fn number<N: TryFrom<u64, Error: std::fmt::Debug>>(value: &Value) -> N {
    value.as_u64().unwrap().try_into().unwrap()
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/statement.json")).unwrap()
}

fn cases() -> Vec<Value> {
    let Value::Array(cases) = vectors()["cases"].take() else {
        panic!("no cases")
    };
    assert!(cases.len() >= 7);
    cases
}

fn case_facts(case: &Value) -> Facts {
    let facts = &case["facts"];
    Facts {
        rollup_id: bytes(&facts["rollup_id"]).try_into().unwrap(),
        batch_number: number(&facts["batch_number"]),
        old_root: fr(&facts["old_root"]),
        new_root: fr(&facts["new_root"]),
        transfers: facts["transfers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| TransferData {
                from: number(&row[0]),
                to: number(&row[1]),
                amount: number(&row[2]),
                fee: number(&row[3]),
            })
            .collect(),
        fees: facts["fees"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| FeeData {
                leaf: number(&row[0]),
                token: number(&row[1]),
                amount: row[2].as_str().unwrap().parse().unwrap(),
            })
            .collect(),
    }
}

#[test]
fn tags_are_hashes_of_their_names() {
    let vectors = vectors();
    for (name, tag) in [
        ("rollup", TAG_ROLLUP),
        ("statement", TAG_STATEMENT),
        ("verifying-key", TAG_VERIFYING_KEY),
        ("batch-verify", TAG_BATCH_VERIFY),
    ] {
        assert_eq!(
            tag,
            keccak256([format!("quittance.{name}.v1").as_bytes()]),
            "{name}"
        );
        assert_eq!(tag.as_slice(), bytes(&vectors["tags"][name]), "{name}");
    }
}

#[test]
fn rollup_ids() {
    assert_eq!(DEMO_ROLLUP_ID, rollup_id(0, [0; 20]));
    for case in vectors()["rollup_ids"].as_array().unwrap() {
        let id = rollup_id(
            number(&case["chain_id"]),
            bytes(&case["contract"]).try_into().unwrap(),
        );
        assert_eq!(to_hex(&id), case["rollup_id"]);
    }
}

#[test]
fn elements_and_public_inputs() {
    for case in cases() {
        let name = &case["name"];
        let shape = Shape::parse_name(case["shape"].as_str().unwrap()).unwrap();
        assert_eq!(shape.name(), case["shape"]);
        let facts = case_facts(&case);
        let elements = elements(&facts, &shape).unwrap();
        assert_eq!(elements.len(), shape.elements(), "{name}");
        let expected = case["elements"].as_array().unwrap();
        let words: Vec<_> = elements
            .iter()
            .map(|element| to_hex(&fr_to_bytes_be(element)))
            .collect();
        assert_eq!(
            words,
            expected
                .iter()
                .map(|word| word.as_str().unwrap())
                .collect::<Vec<_>>(),
            "{name}"
        );

        let key_id: KeyId = case["key_id"].as_str().unwrap().parse().unwrap();
        let h = fr(&case["h"]);
        let z = challenge(&key_id, &h, &elements);
        assert_eq!(z, fr(&case["z"]), "{name}");
        assert_eq!(evaluate(&elements, &z), fr(&case["y"]), "{name}");
        let inputs = public_inputs(&key_id, &shape, &facts, &h).unwrap();
        assert_eq!(inputs, [h, z, fr(&case["y"])], "{name}");

        let words = pubdata(&facts).unwrap();
        let used_fees = &elements[5..5 + facts.fees.len()];
        let first_transfer = 5 + usize::try_from(shape.fee_slots).unwrap();
        let used_words = &elements[first_transfer..first_transfer + facts.transfers.len().div_ceil(2)];
        assert_eq!(words, [used_fees, used_words].concat(), "{name}");
    }
}

#[test]
fn keys_proofs_and_bundles() {
    for case in cases() {
        let name = &case["name"];
        let key = VerifyingKey::from_bytes(&bytes(&case["verifying_key"])).unwrap();
        assert_eq!(key.to_bytes(), bytes(&case["verifying_key"]), "{name}");
        assert_eq!(key.key_id().to_string(), case["key_id"], "{name}");
        assert_eq!(key.shape().name(), case["shape"], "{name}");
        assert_eq!(key.provenance().to_string(), case["provenance"], "{name}");

        let proof = Proof::from_bytes(&bytes(&case["proof"])).unwrap();
        assert_eq!(proof.to_bytes().as_slice(), bytes(&case["proof"]), "{name}");

        let bundle = Bundle::from_bytes(&bytes(&case["bundle"])).unwrap();
        assert_eq!(bundle.to_bytes().unwrap(), bytes(&case["bundle"]), "{name}");
        assert_eq!(bundle.facts, case_facts(&case), "{name}");
        assert_eq!(
            bundle,
            Bundle {
                key_id: key.key_id(),
                facts: bundle.facts.clone(),
                h: fr(&case["h"]),
                proof
            },
            "{name}"
        );
        assert_eq!(
            Facts::from_bytes(&bundle.facts.to_bytes().unwrap()).unwrap(),
            bundle.facts,
            "{name}"
        );

        let verifier = Verifier::new(&key, DevelopmentKeys::Accept).unwrap();
        assert_eq!(verifier.verify(&bundle), Ok(()), "{name}");
        let raw = ["h", "z", "y"].map(|input| bytes(&case[input]).try_into().unwrap());
        assert_eq!(verifier.verify_raw_inputs(&raw, &proof), Ok(()), "{name}");
    }
}

#[test]
fn batch_of_all_cases() {
    let cases = cases();
    let verifiers: Vec<_> = cases
        .iter()
        .map(|case| {
            let key = VerifyingKey::from_bytes(&bytes(&case["verifying_key"])).unwrap();
            Verifier::new(&key, DevelopmentKeys::Accept).unwrap()
        })
        .collect();
    let bundles: Vec<_> = cases
        .iter()
        .map(|case| Bundle::from_bytes(&bytes(&case["bundle"])).unwrap())
        .collect();
    let items: Vec<_> = verifiers.iter().zip(&bundles).collect();
    assert_eq!(verify_batch(&items), Ok(()));

    let inputs: Vec<_> = items
        .iter()
        .map(|(verifier, bundle)| verifier.public_inputs(bundle).unwrap())
        .collect();
    let scalars = batch_scalars(
        bundles
            .iter()
            .zip(&inputs)
            .map(|(bundle, inputs)| (&bundle.key_id, inputs, &bundle.proof)),
    );
    let scalars: Vec<_> = scalars
        .iter()
        .map(|scalar| to_hex(&scalar.to_be_bytes()))
        .collect();
    let vectors = vectors();
    let expected: Vec<_> = vectors["batch_scalars"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scalar| scalar.as_str().unwrap())
        .collect();
    assert_eq!(scalars, expected);
}

#[test]
fn proof_by_ark_groth16() {
    let vector: Value = serde_json::from_str(include_str!("vectors/groth16.json")).unwrap();
    let key = VerifyingKey::from_bytes(&bytes(&vector["verifying_key"])).unwrap();
    let bundle = Bundle::from_bytes(&bytes(&vector["bundle"])).unwrap();
    assert_eq!(key.key_id().to_string(), vector["key_id"]);
    let verifier = Verifier::new(&key, DevelopmentKeys::Accept).unwrap();
    assert_eq!(verifier.verify(&bundle), Ok(()));
    assert_eq!(
        verify_batch(&[(&verifier, &bundle), (&verifier, &bundle)]),
        Ok(())
    );
    let inputs = ["h", "z", "y"].map(|name| fr(&vector[name]));
    assert_eq!(verifier.public_inputs(&bundle), Ok(inputs));
    assert_eq!(bundle.proof.to_bytes().as_slice(), bytes(&vector["proof"]));
    #[cfg(feature = "cli")]
    assert_eq!(
        json::from_json(vector["json"].to_string().as_bytes()).unwrap(),
        bundle
    );
}

/// The vector of a key and a proof that are not in the file, so that the file could not be made to fit.
#[test]
fn fresh_proofs_by_ark_groth16() {
    for seed in 1..4 {
        let (key, bundle) = toy::prove(seed, facts(seed, 8, 1));
        let verifier = Verifier::new(&key, DevelopmentKeys::Accept).unwrap();
        assert_eq!(verifier.verify(&bundle), Ok(()));
        let mut forged = bundle;
        forged.facts.new_root += Fr::from(1);
        assert_eq!(verifier.verify(&forged), Err(VerifyError::ProofRejected));
    }
}

#[test]
fn ark_groth16_accepts_simulated_proofs() {
    let simulator = Simulator::ceremony(1, "t8f1");
    let bundle = simulator.bundle(facts(1, 8, 1), 1);
    let points = *simulator.key.points();
    let vk = ark_groth16::VerifyingKey::<Bn254> {
        alpha_g1: points.alpha_g1,
        beta_g2: points.beta_g2,
        gamma_g2: points.gamma_g2,
        delta_g2: points.delta_g2,
        gamma_abc_g1: points.ic.to_vec(),
    };
    let inputs = simulator.verifier().public_inputs(&bundle).unwrap();
    let proof = ark_groth16::Proof {
        a: *bundle.proof.a(),
        b: *bundle.proof.b(),
        c: *bundle.proof.c(),
    };
    let prepared = ark_groth16::prepare_verifying_key(&vk);
    assert!(Groth16::<Bn254>::verify_proof(&prepared, &proof, &inputs).unwrap());
}
