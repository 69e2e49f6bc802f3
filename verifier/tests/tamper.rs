//! The sweep: every byte of an encoded bundle, proof and key is changed in turn, and every change is refused.
//! Each encoding has a manifest of its fields; a byte that no field lists, or a field that is refused for
//! another reason than the manifest says, fails the test.

use std::ops::Range;

use quittance_verifier::*;

use crate::simulator::{Simulator, facts};

/// A field's bytes, and how a change in them may end.
type Field = (&'static str, Range<usize>, fn(Refusal) -> bool);

#[derive(Debug)]
enum Refusal {
    Decode(DecodeError),
    Verify(VerifyError),
}
use Refusal::{Decode, Verify};

fn sweep(name: &str, valid: &[u8], manifest: &[Field], check: impl Fn(&[u8]) -> Result<(), Refusal>) {
    assert!(check(valid).is_ok());
    let listed: Vec<usize> = manifest.iter().flat_map(|(_, range, _)| range.clone()).collect();
    assert_eq!(
        listed,
        (0..valid.len()).collect::<Vec<_>>(),
        "{name}: every byte once, in order"
    );
    for (field, range, expected) in manifest {
        for at in range.clone() {
            for mask in [0x01, 0x80, 0xff] {
                let mut tampered = valid.to_vec();
                tampered[at] ^= mask;
                let refusal = check(&tampered).expect_err(&format!(
                    "{name}: {field} at {at} with mask {mask:#x} is accepted"
                ));
                let text = format!("{refusal:?}");
                assert!(
                    expected(refusal),
                    "{name}: {field} at {at} with mask {mask:#x}: {text}"
                );
            }
        }
    }
}

fn rejected(refusal: Refusal) -> bool {
    matches!(refusal, Verify(VerifyError::ProofRejected))
}

fn field_element(refusal: Refusal) -> bool {
    matches!(
        refusal,
        Decode(DecodeError::NotCanonical { .. }) | Verify(VerifyError::ProofRejected)
    )
}

fn point(refusal: Refusal) -> bool {
    matches!(
        refusal,
        Decode(DecodeError::NotCanonical { .. } | DecodeError::NotOnCurve { .. })
    )
}

fn list_length(refusal: Refusal) -> bool {
    // A list that is longer or shorter by some items shifts what follows it: one more item takes its bytes from
    // h and the proof, one less leaves bytes to them.
    matches!(
        refusal,
        Decode(
            DecodeError::OutOfRange { .. }
                | DecodeError::Truncated { .. }
                | DecodeError::TrailingBytes { .. }
                | DecodeError::NotCanonical { .. }
                | DecodeError::NotOnCurve { .. }
        )
    )
}

#[test]
fn every_byte_of_a_bundle() {
    let simulator = Simulator::ceremony(1, "t4f2");
    let bundle = simulator.bundle(facts(1, 3, 2), 1);
    let verifier = simulator.verifier();
    let manifest: &[Field] = &[
        ("magic", 0..8, |refusal| {
            matches!(refusal, Decode(DecodeError::Format { .. }))
        }),
        ("version", 8..12, |refusal| {
            matches!(refusal, Decode(DecodeError::Version { .. }))
        }),
        ("key_id", 12..44, |refusal| {
            matches!(refusal, Verify(VerifyError::KeyMismatch { .. }))
        }),
        ("rollup_id, top byte", 44..45, |refusal| {
            matches!(refusal, Decode(DecodeError::RollupIdOutOfRange))
        }),
        ("rollup_id, the rest", 45..76, rejected),
        ("batch_number", 76..80, rejected),
        ("old_root", 80..112, field_element),
        ("new_root", 112..144, field_element),
        ("transfer_count", 144..148, list_length),
        ("fee_count", 148..152, list_length),
        ("fees", 152..200, rejected),
        ("transfers", 200..245, rejected),
        ("h", 245..277, field_element),
        ("proof.a", 277..341, point),
        ("proof.b", 341..469, point),
        ("proof.c", 469..533, point),
    ];
    sweep("bundle", &bundle.to_bytes().unwrap(), manifest, |bytes| {
        let bundle = Bundle::from_bytes(bytes).map_err(Decode)?;
        assert_eq!(
            bundle.to_bytes().unwrap(),
            bytes,
            "whatever decodes has one encoding"
        );
        verifier.verify(&bundle).map_err(Verify)
    });
}

#[test]
fn every_byte_of_a_proof() {
    let simulator = Simulator::ceremony(1, "t4f2");
    let bundle = simulator.bundle(facts(1, 3, 2), 1);
    let verifier = simulator.verifier();
    let manifest: &[Field] = &[("a", 0..64, point), ("b", 64..192, point), ("c", 192..256, point)];
    sweep("proof", &bundle.proof.to_bytes(), manifest, |bytes| {
        let proof = Proof::from_bytes(bytes).map_err(Decode)?;
        verifier
            .verify(&Bundle {
                proof,
                ..bundle.clone()
            })
            .map_err(Verify)
    });
}

#[test]
fn every_byte_of_a_key() {
    fn number(refusal: Refusal) -> bool {
        matches!(
            refusal,
            Decode(DecodeError::OutOfRange { .. })
                | Verify(VerifyError::KeyMismatch { .. } | VerifyError::DevelopmentKey { .. })
        )
    }
    fn absent(refusal: Refusal) -> bool {
        matches!(refusal, Decode(DecodeError::OutOfRange { min: 0, max: 0, .. }))
    }
    let simulator = Simulator::ceremony(1, "t4f2");
    let bundle = simulator.bundle(facts(1, 3, 2), 1);
    let manifest: &[Field] = &[
        ("tag", 0..32, |refusal| {
            matches!(refusal, Decode(DecodeError::Format { .. }))
        }),
        ("provenance", 32..64, number),
        ("levels", 64..96, number),
        ("priority", 96..128, absent),
        ("openings", 128..160, absent),
        ("transfers", 160..192, number),
        ("withdrawals", 192..224, absent),
        ("rotations", 224..256, absent),
        ("fee_slots", 256..288, number),
        ("alpha", 288..352, point),
        ("beta", 352..480, point),
        ("gamma", 480..608, point),
        ("delta", 608..736, point),
        ("ic", 736..992, point),
    ];
    sweep("key", &simulator.key.to_bytes(), manifest, |bytes| {
        let key = VerifyingKey::from_bytes(bytes).map_err(Decode)?;
        assert_eq!(key.to_bytes(), bytes, "whatever decodes has one encoding");
        let verifier = Verifier::new(&key, DevelopmentKeys::Refuse).map_err(Verify)?;
        verifier.verify(&bundle).map_err(Verify)
    });
}
