//! Decoders: short, long and greedy input.

use quittance_verifier::*;

use crate::simulator::{Simulator, facts};

/// Offsets of the counts in a bundle.
const TRANSFER_COUNT: usize = 144;
const FEE_COUNT: usize = 148;

fn valid() -> (Simulator, Bundle, Vec<u8>) {
    let simulator = Simulator::ceremony(1, "t4f2");
    let bundle = simulator.bundle(facts(1, 3, 2), 1);
    let bytes = bundle.to_bytes().unwrap();
    assert_eq!(bytes.len(), 152 + 2 * 24 + 3 * 15 + 32 + 256);
    (simulator, bundle, bytes)
}

#[test]
fn s02_bundle_cut_at_every_length_is_refused() {
    let (_, _, bytes) = valid();
    for length in 0..bytes.len() {
        let error = Bundle::from_bytes(&bytes[..length]).unwrap_err();
        let DecodeError::Truncated { needed, got, .. } = error else {
            panic!("{length}: {error:?}")
        };
        assert!(got < needed && got <= length as u64, "{length}: {error:?}");
    }
}

#[test]
fn s02_facts_cut_at_every_length_are_refused() {
    let (_, bundle, _) = valid();
    let bytes = bundle.facts.to_bytes().unwrap();
    for length in 0..bytes.len() {
        let error = Facts::from_bytes(&bytes[..length]).unwrap_err();
        assert!(
            matches!(error, DecodeError::Truncated { .. }),
            "{length}: {error:?}"
        );
    }
}

#[test]
fn s02_padded_input_is_refused() {
    let (simulator, bundle, mut bytes) = valid();
    bytes.push(0);
    assert_eq!(
        Bundle::from_bytes(&bytes),
        Err(DecodeError::TrailingBytes { got: 1 })
    );
    let mut facts = bundle.facts.to_bytes().unwrap();
    facts.extend([0; 15]);
    assert_eq!(
        Facts::from_bytes(&facts),
        Err(DecodeError::TrailingBytes { got: 15 })
    );
    let mut proof = bundle.proof.to_bytes().to_vec();
    proof.push(0);
    assert_eq!(
        Proof::from_bytes(&proof),
        Err(DecodeError::Length {
            field: "proof",
            expected: 256,
            got: 257
        })
    );
    let mut key = simulator.key.to_bytes();
    key.extend([0; 32]);
    assert_eq!(
        VerifyingKey::from_bytes(&key),
        Err(DecodeError::Length {
            field: "verifying key",
            expected: 992,
            got: 1024
        })
    );
}

#[test]
fn s02_proof_and_key_cut_at_every_length_are_refused() {
    let (simulator, bundle, _) = valid();
    let (proof, key) = (bundle.proof.to_bytes(), simulator.key.to_bytes());
    for length in 0..proof.len() {
        let got = length as u64;
        assert_eq!(
            Proof::from_bytes(&proof[..length]),
            Err(DecodeError::Length {
                field: "proof",
                expected: 256,
                got
            })
        );
    }
    for length in 0..key.len() {
        let got = length as u64;
        assert_eq!(
            VerifyingKey::from_bytes(&key[..length]),
            Err(DecodeError::Length {
                field: "verifying key",
                expected: 992,
                got
            })
        );
    }
}

#[test]
fn s38_huge_counts_take_no_memory() {
    let (_, _, bytes) = valid();
    let with = |at: usize, count: u32| {
        let mut bytes = bytes.clone();
        bytes[at..at + 4].copy_from_slice(&count.to_be_bytes());
        Bundle::from_bytes(&bytes)
    };
    for (at, field, max) in [(TRANSFER_COUNT, "transfers", 65_536), (FEE_COUNT, "fees", 64)] {
        for count in [max + 1, 1 << 31, u32::MAX] {
            assert_eq!(
                with(at, count),
                Err(DecodeError::OutOfRange {
                    field,
                    min: 0,
                    max: max.into(),
                    got: count.into()
                })
            );
        }
    }
    // Within the limit, but more than the input has: refused before anything is allocated for it.
    let rest = 3 * 15 + 32 + 256;
    assert_eq!(
        with(TRANSFER_COUNT, 65_536),
        Err(DecodeError::Truncated {
            field: "transfers",
            needed: 65_536 * 15,
            got: rest
        })
    );
    assert_eq!(
        with(FEE_COUNT, 64),
        Err(DecodeError::Truncated {
            field: "fees",
            needed: 64 * 24,
            got: 2 * 24 + rest
        })
    );
}

#[test]
fn s38_largest_bundle_round_trips() {
    let simulator = Simulator::ceremony(1, "t65536f64");
    let bundle = simulator.bundle(facts(1, 65_536, 64), 1);
    let bytes = bundle.to_bytes().unwrap();
    assert_eq!(Bundle::from_bytes(&bytes).as_ref(), Ok(&bundle));
    assert_eq!(simulator.verifier().verify(&bundle), Ok(()));
    let mut too_many = bundle.facts.clone();
    too_many.transfers.push(too_many.transfers[0]);
    assert_eq!(
        too_many.to_bytes(),
        Err(StatementError::TooManyTransfers {
            got: 65_537,
            capacity: 65_536
        })
    );
}

#[test]
fn s27_facts_have_one_encoding_or_none() {
    let (_, bundle, _) = valid();
    let mut out_of_range = bundle.clone();
    out_of_range.facts.rollup_id[0] = 1;
    assert_eq!(out_of_range.to_bytes(), Err(StatementError::RollupIdOutOfRange));
    let mut out_of_range = bundle;
    out_of_range.facts.transfers[1].amount = 1 << 40;
    assert_eq!(
        out_of_range.to_bytes(),
        Err(StatementError::AmountOutOfRange {
            index: 1,
            got: 1 << 40
        })
    );
}

#[test]
fn s38_sections_that_do_not_exist_yet_are_refused() {
    let (simulator, _, _) = valid();
    for (field, at) in [
        ("shape.priority", 127),
        ("shape.openings", 159),
        ("shape.withdrawals", 223),
        ("shape.rotations", 255),
    ] {
        let mut key = simulator.key.to_bytes();
        key[at] = 1;
        assert_eq!(
            VerifyingKey::from_bytes(&key),
            Err(DecodeError::OutOfRange {
                field,
                min: 0,
                max: 0,
                got: 1
            })
        );
    }
    for (field, at, max) in [
        ("shape.levels", 64, 16),
        ("shape.transfers", 160, 65_536),
        ("shape.fee_slots", 256, 64),
    ] {
        let attacks = [
            (31, 0, 0),
            (28, 0xff, 0xff00_0000),
            (27, 1, 1 << 32),
            (0, 1, u64::MAX),
        ];
        for (byte, value, number) in attacks {
            let mut key = simulator.key.to_bytes();
            let low = u64::from(key[at + 31]);
            key[at + byte] = value;
            let got = match number {
                0 | u64::MAX => number,
                high => high + low,
            };
            assert_eq!(
                VerifyingKey::from_bytes(&key),
                Err(DecodeError::OutOfRange {
                    field,
                    min: 1,
                    max,
                    got
                }),
                "byte {byte}"
            );
        }
    }
}

#[test]
fn s38_other_formats_and_versions_are_refused() {
    let (simulator, _, bytes) = valid();
    assert_eq!(
        Bundle::from_bytes(&simulator.key.to_bytes()),
        Err(DecodeError::Format {
            field: "proof bundle"
        })
    );
    let mut key = simulator.key.to_bytes();
    key[0] ^= 1;
    assert_eq!(
        VerifyingKey::from_bytes(&key),
        Err(DecodeError::Format {
            field: "verifying key"
        })
    );
    for version in [0, 2, u32::MAX] {
        let mut bytes = bytes.clone();
        bytes[8..12].copy_from_slice(&version.to_be_bytes());
        assert_eq!(
            Bundle::from_bytes(&bytes),
            Err(DecodeError::Version {
                got: version,
                expected: 1
            })
        );
    }
}
