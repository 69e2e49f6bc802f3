//! The sweep: every byte of an encoded bundle, proof and key is changed in turn, and every change is refused.
//! Each encoding has a manifest of its fields; a byte that no field lists, or a field that is refused for
//! another reason than the manifest says, fails the test.

use quittance_verifier::*;

use crate::simulator::{ExitSimulator, Simulator, exit_facts, full_facts};

/// A field, its width in bytes, and how a change in them may end. Fields follow each other.
type Field = (&'static str, usize, fn(Refusal) -> bool);

#[derive(Debug)]
enum Refusal {
    Decode(DecodeError),
    Verify(VerifyError),
}
use Refusal::{Decode, Verify};

fn sweep(name: &str, valid: &[u8], manifest: &[Field], check: impl Fn(&[u8]) -> Result<(), Refusal>) {
    assert!(check(valid).is_ok());
    let listed: usize = manifest.iter().map(|(_, width, _)| width).sum();
    assert_eq!(listed, valid.len(), "{name}: every byte once, in order");
    let mut at = 0;
    for (field, width, expected) in manifest {
        for at in at..at + width {
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
        at += width;
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
                | DecodeError::PriorityKind { .. }
                | DecodeError::PriorityDone { .. }
                | DecodeError::NotZero { .. }
        )
    )
}

fn kind(refusal: Refusal) -> bool {
    matches!(refusal, Decode(DecodeError::PriorityKind { .. }))
}

fn flag(refusal: Refusal) -> bool {
    matches!(
        refusal,
        Decode(DecodeError::PriorityDone { .. }) | Verify(VerifyError::ProofRejected)
    )
}

/// Of a forced exit that pays, the flag alone cannot be taken back: token and amount would be left.
fn flag_of_a_payout(refusal: Refusal) -> bool {
    matches!(
        refusal,
        Decode(DecodeError::PriorityDone { .. } | DecodeError::NotZero { .. })
    )
}

fn zero(refusal: Refusal) -> bool {
    matches!(
        refusal,
        Decode(DecodeError::NotZero { .. } | DecodeError::NotCanonical { .. })
    )
}

fn magic(refusal: Refusal) -> bool {
    matches!(refusal, Decode(DecodeError::Format { .. }))
}

fn version(refusal: Refusal) -> bool {
    matches!(refusal, Decode(DecodeError::Version { .. }))
}

fn key_id(refusal: Refusal) -> bool {
    matches!(refusal, Verify(VerifyError::KeyMismatch { .. }))
}

fn rollup_id_top(refusal: Refusal) -> bool {
    matches!(refusal, Decode(DecodeError::RollupIdOutOfRange))
}

fn queue_top(refusal: Refusal) -> bool {
    matches!(refusal, Decode(DecodeError::QueueOutOfRange))
}

fn number(refusal: Refusal) -> bool {
    matches!(
        refusal,
        Decode(DecodeError::OutOfRange { .. })
            | Verify(VerifyError::KeyMismatch { .. } | VerifyError::DevelopmentKey { .. })
    )
}

/// h and the proof.
const TAIL: [Field; 4] = [
    ("h", 32, field_element),
    ("proof.a", 64, point),
    ("proof.b", 128, point),
    ("proof.c", 64, point),
];

/// The points of a key.
const POINTS: [Field; 5] = [
    ("alpha", 64, point),
    ("beta", 128, point),
    ("gamma", 128, point),
    ("delta", 128, point),
    ("ic", 256, point),
];

#[test]
fn every_byte_of_a_bundle() {
    let shape = "p4o1t3w1r1f2";
    let simulator = Simulator::ceremony(1, shape);
    let bundle = simulator.bundle(full_facts(1, shape), 1);
    let verifier = simulator.verifier();
    let deposit: [Field; 5] = [
        ("deposit, kind", 1, kind),
        ("deposit, done", 1, flag),
        ("deposit, leaf, token, amount, owner", 44, rejected),
        ("deposit, key x", 32, field_element),
        ("deposit, key y", 32, field_element),
    ];
    let manifest: &[Field] = &[
        ("magic", 8, magic),
        ("version", 4, version),
        ("key_id", 32, key_id),
        ("rollup_id, top byte", 1, rollup_id_top),
        ("rollup_id, the rest", 31, rejected),
        ("batch_number", 4, rejected),
        ("old_root", 32, field_element),
        ("new_root", 32, field_element),
        ("queue, top byte", 1, queue_top),
        ("queue, the rest", 31, rejected),
        ("priority count", 4, list_length),
        ("openings count", 4, list_length),
        ("transfers count", 4, list_length),
        ("withdrawals count", 4, list_length),
        ("rotations count", 4, list_length),
        ("fees count", 4, list_length),
        ("fees", 48, rejected),
    ];
    let exits: [Field; 9] = [
        ("forced exit that pays, kind", 1, kind),
        ("forced exit that pays, done", 1, flag_of_a_payout),
        ("forced exit that pays, leaf, token, amount, caller", 44, rejected),
        ("forced exit that pays, key", 64, zero),
        ("forced exit that does not, kind", 1, kind),
        ("forced exit that does not, done", 1, flag),
        ("forced exit that does not, leaf", 4, rejected),
        ("forced exit that does not, token, amount", 20, zero),
        ("forced exit that does not, caller", 20, rejected),
    ];
    let rest: &[Field] = &[
        ("forced exit that does not, key", 64, zero),
        ("opening, from, to, amount, fee, token, owner", 39, rejected),
        ("opening, key x", 32, field_element),
        ("opening, key y", 32, field_element),
        ("withdrawal", 46, rejected),
        ("rotation, from, fee, owner", 26, rejected),
        ("rotation, key x", 32, field_element),
        ("rotation, key y", 32, field_element),
        ("transfers", 45, rejected),
    ];
    let manifest = [manifest, &deposit, &deposit, &exits, rest, &TAIL].concat();
    sweep("bundle", &bundle.to_bytes().unwrap(), &manifest, |bytes| {
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
fn every_byte_of_an_exit_bundle() {
    let simulator = ExitSimulator::new(1, Provenance::Ceremony);
    let bundle = simulator.bundle(exit_facts(1), 1);
    let verifier = simulator.verifier();
    let manifest: &[Field] = &[
        ("magic", 8, magic),
        ("version", 4, version),
        ("key_id", 32, key_id),
        ("rollup_id, top byte", 1, rollup_id_top),
        ("rollup_id, the rest", 31, rejected),
        ("root", 32, field_element),
        ("leaf", 4, rejected),
        ("token", 4, rejected),
        ("balance", 16, rejected),
        ("owner", 20, rejected),
    ];
    let manifest = [manifest, &TAIL].concat();
    sweep("exit bundle", &bundle.to_bytes().unwrap(), &manifest, |bytes| {
        let bundle = ExitBundle::from_bytes(bytes).map_err(Decode)?;
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
    let bundle = simulator.bundle(full_facts(1, "t3f2"), 1);
    let verifier = simulator.verifier();
    let manifest: &[Field] = &[("a", 64, point), ("b", 128, point), ("c", 64, point)];
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
    let shape = "p4o1t4w1r1f2";
    let simulator = Simulator::ceremony(1, shape);
    let bundle = simulator.bundle(full_facts(1, shape), 1);
    let manifest: &[Field] = &[
        ("tag", 32, magic),
        ("provenance", 32, number),
        ("levels", 32, number),
        ("priority", 32, number),
        ("openings", 32, number),
        ("transfers", 32, number),
        ("withdrawals", 32, number),
        ("rotations", 32, number),
        ("fee_slots", 32, number),
    ];
    let manifest = [manifest, &POINTS].concat();
    sweep("key", &simulator.key.to_bytes(), &manifest, |bytes| {
        let key = VerifyingKey::from_bytes(bytes).map_err(Decode)?;
        assert_eq!(key.to_bytes(), bytes, "whatever decodes has one encoding");
        let verifier = Verifier::new(&key, DevelopmentKeys::Refuse).map_err(Verify)?;
        verifier.verify(&bundle).map_err(Verify)
    });
}

#[test]
fn every_byte_of_an_exit_key() {
    fn absent(refusal: Refusal) -> bool {
        matches!(refusal, Decode(DecodeError::OutOfRange { min: 0, max: 0, .. }))
    }
    let simulator = ExitSimulator::new(1, Provenance::Ceremony);
    let bundle = simulator.bundle(exit_facts(1), 1);
    let manifest: &[Field] = &[
        ("tag", 32, magic),
        ("provenance", 32, number),
        ("levels", 32, number),
        ("slots of six sections", 192, absent),
    ];
    let manifest = [manifest, &POINTS].concat();
    sweep("exit key", &simulator.key.to_bytes(), &manifest, |bytes| {
        let key = ExitVerifyingKey::from_bytes(bytes).map_err(Decode)?;
        assert_eq!(key.to_bytes(), bytes, "whatever decodes has one encoding");
        let verifier = ExitVerifier::new(&key, DevelopmentKeys::Refuse).map_err(Verify)?;
        verifier.verify(&bundle).map_err(Verify)
    });
}
