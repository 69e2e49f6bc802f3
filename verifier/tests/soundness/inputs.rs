//! Public inputs: canonical form, number, and that each of them counts.

use ark_bn254::Fr;
use ark_ff::AdditiveGroup;
use quittance_verifier::encoding::fr_to_bytes_be;
use quittance_verifier::{Bundle, DecodeError, Proof, Verifier, VerifyError};

use crate::simulator::{R, Simulator, add_be, facts};

fn valid() -> (Verifier, [Fr; 3], Proof, Bundle) {
    let simulator = Simulator::ceremony(1, "t4f1");
    let bundle = simulator.bundle(facts(1, 4, 1), 1);
    let verifier = simulator.verifier();
    let inputs = verifier.public_inputs(&bundle).unwrap();
    assert_eq!(verifier.verify_inputs(&inputs, &bundle.proof), Ok(()));
    (verifier, inputs, bundle.proof, bundle)
}

#[test]
fn s01_public_input_plus_r_is_refused() {
    let (verifier, inputs, proof, _) = valid();
    let raw = inputs.map(|input| fr_to_bytes_be(&input));
    assert_eq!(verifier.verify_raw_inputs(&raw, &proof), Ok(()));
    for index in 0..3 {
        let mut aliased = raw;
        aliased[index] = add_be(&raw[index], &R);
        assert_eq!(
            verifier.verify_raw_inputs(&aliased, &proof),
            Err(VerifyError::InputNotCanonical { index })
        );
    }
}

#[test]
fn s01_field_element_plus_r_in_a_bundle_is_refused() {
    let (_, _, _, bundle) = valid();
    let bytes = bundle.to_bytes().unwrap();
    let h_at = bytes.len() - 256 - 32;
    for (at, field) in [(80, "old_root"), (112, "new_root"), (h_at, "h")] {
        let mut aliased = bytes.clone();
        let sum = add_be(&bytes[at..at + 32], &R);
        aliased[at..at + 32].copy_from_slice(&sum);
        assert_eq!(
            Bundle::from_bytes(&aliased),
            Err(DecodeError::NotCanonical { field })
        );
    }
}

#[test]
fn s34_each_public_input_counts() {
    let (verifier, inputs, proof, _) = valid();
    for index in 0..3 {
        for change in [Fr::from(1), -Fr::from(1), -inputs[index]] {
            let mut changed = inputs;
            changed[index] += change;
            assert_eq!(
                verifier.verify_inputs(&changed, &proof),
                Err(VerifyError::ProofRejected),
                "{index}"
            );
        }
    }
}

#[test]
fn s43_number_of_public_inputs_is_checked() {
    let (verifier, inputs, proof, _) = valid();
    let mut extra = inputs.to_vec();
    extra.push(Fr::ZERO);
    for (list, got) in [
        (&inputs[..0], 0),
        (&inputs[..1], 1),
        (&inputs[..2], 2),
        (&extra[..], 4),
    ] {
        assert_eq!(
            verifier.verify_inputs(list, &proof),
            Err(VerifyError::InputCount { got, expected: 3 })
        );
        let raw: Vec<_> = list.iter().map(fr_to_bytes_be).collect();
        assert_eq!(
            verifier.verify_raw_inputs(&raw, &proof),
            Err(VerifyError::InputCount { got, expected: 3 })
        );
    }
}

#[test]
fn s43_a_proof_of_an_input_list_cut_short_is_refused() {
    // A proof that holds for (h, z) if y is left out, as arkworks would do with a short list.
    let simulator = Simulator::ceremony(2, "t4f1");
    let verifier = simulator.verifier();
    let inputs = [Fr::from(5), Fr::from(6), Fr::ZERO];
    let proof = simulator.prove(&inputs, &mut crate::simulator::rng(3));
    assert_eq!(verifier.verify_inputs(&inputs, &proof), Ok(()));
    assert_eq!(
        verifier.verify_inputs(&inputs[..2], &proof),
        Err(VerifyError::InputCount { got: 2, expected: 3 })
    );
}
