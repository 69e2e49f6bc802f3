//! Every encoding of this crate against `vectors/statement.json`, written a second time in Python, and a proof
//! by ark-groth16 of a real circuit.

use ark_bn254::{Bn254, Fr};
use ark_groth16::Groth16;
use quittance_verifier::encoding::{fr_from_bytes_be, fr_to_bytes_be, keccak256, to_hex};
use quittance_verifier::*;
use serde_json::Value;

use crate::simulator::{Simulator, facts, full_facts};
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
    assert!(cases.len() >= 14);
    cases
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

fn sum(value: &Value) -> u128 {
    value.as_str().unwrap().parse().unwrap()
}

fn key(value: &Value) -> [Fr; 2] {
    [fr(&value[0]), fr(&value[1])]
}

fn list<T>(value: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    value.as_array().unwrap().iter().map(read).collect()
}

fn priority(row: &Value) -> PriorityData {
    let (leaf, done) = (number(&row["leaf"]), row["done"] == 1);
    let (token, amount) = (number(&row["token"]), sum(&row["amount"]));
    match number(&row["kind"]) {
        5 => PriorityData::Deposit {
            deposit: Deposit {
                leaf,
                token,
                amount,
                owner: array(&row["owner"]),
                key: key(&row["key"]),
            },
            done,
        },
        kind => {
            assert_eq!(kind, 6);
            PriorityData::ForcedExit {
                exit: ForcedExit {
                    leaf,
                    caller: array(&row["owner"]),
                },
                paid: done.then_some(Payout { token, amount }),
            }
        }
    }
}

fn case_facts(case: &Value) -> Facts {
    let facts = &case["facts"];
    Facts {
        rollup_id: array(&facts["rollup_id"]),
        batch_number: number(&facts["batch_number"]),
        old_root: fr(&facts["old_root"]),
        new_root: fr(&facts["new_root"]),
        queue: array(&facts["queue"]),
        priority: list(&facts["priority"], priority),
        openings: list(&facts["openings"], |row| OpeningData {
            from: number(&row["from"]),
            to: number(&row["to"]),
            amount: sum(&row["amount"]).try_into().unwrap(),
            fee: number(&row["fee"]),
            token: number(&row["token"]),
            owner: array(&row["owner"]),
            key: key(&row["key"]),
        }),
        transfers: list(&facts["transfers"], |row| TransferData {
            from: number(&row["from"]),
            to: number(&row["to"]),
            amount: sum(&row["amount"]).try_into().unwrap(),
            fee: number(&row["fee"]),
        }),
        withdrawals: list(&facts["withdrawals"], |row| WithdrawalData {
            from: number(&row["from"]),
            token: number(&row["token"]),
            amount: sum(&row["amount"]),
            fee: number(&row["fee"]),
            address: array(&row["address"]),
        }),
        rotations: list(&facts["rotations"], |row| RotationData {
            from: number(&row["from"]),
            fee: number(&row["fee"]),
            owner: array(&row["owner"]),
            key: key(&row["key"]),
        }),
        fees: list(&facts["fees"], |row| FeeData {
            leaf: number(&row["leaf"]),
            token: number(&row["token"]),
            amount: sum(&row["amount"]),
        }),
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
        ("priority", TAG_PRIORITY),
        ("exit-statement", TAG_EXIT_STATEMENT),
        ("exit-key", TAG_EXIT_KEY),
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

        // Pubdata is what is left of the elements without the head and the words of unused slots.
        let mut used = Vec::new();
        let mut at = Shape::HEAD_ELEMENTS;
        for section in [
            Section::Fees,
            Section::Priority,
            Section::Openings,
            Section::Withdrawals,
            Section::Rotations,
            Section::Transfers,
        ] {
            let count = u32::try_from(facts.count(section)).unwrap();
            let words = |slots| usize::try_from(section.words(slots)).unwrap();
            used.extend(&elements[at..at + words(count)]);
            at += words(shape.slots(section));
        }
        assert_eq!(at, elements.len(), "{name}");
        assert_eq!(pubdata(&facts).unwrap(), used, "{name}");
    }
}

#[test]
fn queue_hashes() {
    let vectors = vectors();
    let mut hash = EMPTY_QUEUE;
    for step in vectors["queue"].as_array().unwrap() {
        hash = priority(&step["operation"]).request().hash_after(&hash);
        assert_eq!(to_hex(&hash), step["hash"]);
    }
    assert_ne!(hash, EMPTY_QUEUE);
    for case in cases() {
        let facts = case_facts(&case);
        assert_eq!(
            to_hex(&facts.queue_after()),
            case["queue_after"],
            "{}",
            case["name"]
        );
    }
}

#[test]
fn exits() {
    let Value::Array(cases) = vectors()["exits"].take() else {
        panic!("no exits")
    };
    assert!(cases.len() >= 4);
    for case in cases {
        let name = &case["name"];
        let row = &case["facts"];
        let facts = ExitFacts {
            rollup_id: array(&row["rollup_id"]),
            root: fr(&row["root"]),
            leaf: number(&row["leaf"]),
            token: number(&row["token"]),
            balance: sum(&row["balance"]),
            owner: array(&row["owner"]),
        };
        let elements = exit_elements(&facts).unwrap();
        let words = elements.map(|element| to_hex(&fr_to_bytes_be(&element)));
        assert_eq!(Value::from(words.to_vec()), case["elements"], "{name}");
        assert_eq!(
            ExitFacts::from_bytes(&facts.to_bytes().unwrap()),
            Ok(facts),
            "{name}"
        );

        let key = ExitVerifyingKey::from_bytes(&bytes(&case["verifying_key"])).unwrap();
        assert_eq!(key.to_bytes(), bytes(&case["verifying_key"]), "{name}");
        assert_eq!(key.key_id().to_string(), case["key_id"], "{name}");
        assert_eq!(key.levels(), number::<u8>(&case["levels"]), "{name}");
        assert_eq!(key.provenance().to_string(), case["provenance"], "{name}");

        let bundle = ExitBundle::from_bytes(&bytes(&case["bundle"])).unwrap();
        assert_eq!(bundle.to_bytes().unwrap(), bytes(&case["bundle"]), "{name}");
        assert_eq!(bundle.to_bytes().unwrap().len(), ExitBundle::BYTES, "{name}");
        let expected = ExitBundle {
            key_id: key.key_id(),
            facts,
            h: fr(&case["h"]),
            proof: Proof::from_bytes(&bytes(&case["proof"])).unwrap(),
        };
        assert_eq!(bundle, expected, "{name}");

        let verifier = ExitVerifier::new(&key, DevelopmentKeys::Accept).unwrap();
        assert_eq!(verifier.verify(&bundle), Ok(()), "{name}");
        let inputs = ["h", "z", "y"].map(|input| fr(&case[input]));
        assert_eq!(verifier.public_inputs(&bundle), Ok(inputs), "{name}");
        let z = exit_challenge(&key.key_id(), &bundle.h, &elements);
        assert_eq!((z, evaluate(&elements, &z)), (inputs[1], inputs[2]), "{name}");
        let raw = ["h", "z", "y"].map(|input| array(&case[input]));
        assert_eq!(verifier.verify_raw_inputs(&raw, &bundle.proof), Ok(()), "{name}");
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
        let (key, bundle) = toy::prove(seed, full_facts(seed, toy::SHAPE));
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
