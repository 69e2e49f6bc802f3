//! Decoders: short, long and greedy input.

use quittance_verifier::*;

use crate::simulator::{Simulator, full_facts};

/// Offset of the first count in a bundle, and of the lists.
const COUNTS: usize = 176;
const LISTS: usize = 200;

/// Lists as they stand in a bundle: section, entries, bytes of an entry.
const LAYOUT: [(Section, usize, usize); 6] = [
    (Section::Fees, 2, 24),
    (Section::Priority, 4, 110),
    (Section::Openings, 2, 103),
    (Section::Withdrawals, 2, 46),
    (Section::Rotations, 1, 90),
    (Section::Transfers, 3, 15),
];

/// h and the proof.
const TAIL: usize = 32 + 256;

fn valid() -> (Simulator, Bundle, Vec<u8>) {
    let simulator = Simulator::ceremony(1, "p4o2t4w2r1f2");
    let bundle = simulator.bundle(full_facts(1, "p4o2t3w2r1f2"), 1);
    let bytes = bundle.to_bytes().unwrap();
    let lists: usize = LAYOUT.iter().map(|(_, count, width)| count * width).sum();
    assert_eq!(bytes.len(), LISTS + lists + TAIL);
    (simulator, bundle, bytes)
}

/// Where a section's list starts in the valid bundle.
fn start_of(section: Section) -> usize {
    let before = LAYOUT.iter().take_while(|(other, ..)| *other != section);
    LISTS + before.map(|(_, count, width)| count * width).sum::<usize>()
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
    for section in Section::ALL {
        let (at, field) = (COUNTS + 4 * usize::from(section.number()), section.name());
        let max = section.max_slots();
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
        // Within the limit, but more than the input has: refused before anything is allocated for it.
        let (_, _, width) = LAYOUT.iter().find(|(other, ..)| *other == section).unwrap();
        let needed = u64::from(max) * (*width as u64);
        let got = (bytes.len() - start_of(section)) as u64;
        if needed > got {
            assert_eq!(with(at, max), Err(DecodeError::Truncated { field, needed, got }));
        } else {
            // 64 fee slots have fewer bytes than the rest of the bundle: their bytes are taken for a fee slot's, and
            // what follows is not where it was.
            assert_eq!(section, Section::Fees);
            assert!(with(at, max).is_err());
        }
    }
}

#[test]
fn s38_largest_bundle_round_trips() {
    let shape = "p65536o65536t65536w65536r65536f64";
    let small = full_facts(1, "p4o1t1w1r1f1");
    // One entry again and again: making random ones would take longer than the test.
    let mut facts = small.clone();
    facts.priority = small.priority.iter().copied().cycle().take(65_536).collect();
    facts.openings = vec![small.openings[0]; 65_536];
    facts.transfers = vec![small.transfers[0]; 65_536];
    facts.withdrawals = vec![small.withdrawals[0]; 65_536];
    facts.rotations = vec![small.rotations[0]; 65_536];
    facts.fees = vec![small.fees[0]; 64];
    let simulator = Simulator::ceremony(1, shape);
    let bundle = simulator.bundle(facts, 1);
    let bytes = bundle.to_bytes().unwrap();
    assert_eq!(Bundle::from_bytes(&bytes).as_ref(), Ok(&bundle));
    assert_eq!(simulator.verifier().verify(&bundle), Ok(()));
    type Push = fn(&mut Facts);
    let longer: [(Section, Push); 6] = [
        (Section::Priority, |facts| facts.priority.extend_from_within(..1)),
        (Section::Openings, |facts| facts.openings.extend_from_within(..1)),
        (Section::Transfers, |facts| {
            facts.transfers.extend_from_within(..1)
        }),
        (Section::Withdrawals, |facts| {
            facts.withdrawals.extend_from_within(..1);
        }),
        (Section::Rotations, |facts| {
            facts.rotations.extend_from_within(..1)
        }),
        (Section::Fees, |facts| facts.fees.extend_from_within(..1)),
    ];
    for (section, push) in longer {
        let mut too_many = bundle.facts.clone();
        push(&mut too_many);
        let capacity = section.max_slots();
        assert_eq!(
            too_many.to_bytes(),
            Err(StatementError::TooMany {
                section,
                got: usize::try_from(capacity).unwrap() + 1,
                capacity
            })
        );
    }
}

#[test]
fn s27_facts_have_one_encoding_or_none() {
    let (_, bundle, _) = valid();
    let refused = |change: fn(&mut Facts)| {
        let mut bundle = bundle.clone();
        change(&mut bundle.facts);
        bundle.to_bytes().unwrap_err()
    };
    assert_eq!(
        refused(|facts| facts.rollup_id[0] = 1),
        StatementError::RollupIdOutOfRange
    );
    assert_eq!(
        refused(|facts| facts.queue[0] = 0x80),
        StatementError::QueueOutOfRange
    );
    assert_eq!(
        refused(|facts| facts.transfers[1].amount = 1 << 40),
        StatementError::AmountOutOfRange {
            section: Section::Transfers,
            index: 1,
            got: 1 << 40
        }
    );
    assert_eq!(
        refused(|facts| facts.openings[1].amount = u64::MAX),
        StatementError::AmountOutOfRange {
            section: Section::Openings,
            index: 1,
            got: u64::MAX
        }
    );
}

#[test]
fn s27_queue_hash_at_2_to_the_248_is_refused() {
    let (_, _, mut bytes) = valid();
    bytes[144] = 1;
    assert_eq!(Bundle::from_bytes(&bytes), Err(DecodeError::QueueOutOfRange));
}

#[test]
fn s47_priority_operations_have_one_encoding() {
    // Entries 0 and 1 are deposits, 2 is a forced exit that pays, 3 one that does not. Offsets in an entry: kind 0,
    // done 1, leaf 2, token 6, amount 10, owner 26, key x 46, key y 78.
    let (_, _, bytes) = valid();
    let with = |index: usize, changes: &[(usize, u8)]| {
        let mut bytes = bytes.clone();
        let entry = start_of(Section::Priority) + 110 * index;
        for (at, value) in changes {
            bytes[entry + at] = *value;
        }
        Bundle::from_bytes(&bytes).map(|bundle| bundle.facts.priority[index])
    };
    for kind in [0, 1, 2, 3, 4, 7, 0x85, 255] {
        let error = DecodeError::PriorityKind { index: 3, got: kind };
        assert_eq!(with(3, &[(0, kind)]), Err(error));
    }
    for (index, done) in [(0, 2), (1, 255), (2, 128), (3, 3)] {
        let error = DecodeError::PriorityDone {
            index: index as u32,
            got: done,
        };
        assert_eq!(with(index, &[(1, done)]), Err(error));
    }
    for index in [2, 3] {
        for at in 46..110 {
            // The highest byte of a coordinate stays below r's.
            let error = DecodeError::NotZero {
                field: "priority.key",
                index: index as u32,
            };
            assert_eq!(with(index, &[(at, 1)]), Err(error), "byte {at}");
        }
    }
    for at in 6..26 {
        let field = if at < 10 {
            "priority.token"
        } else {
            "priority.amount"
        };
        assert_eq!(
            with(3, &[(at, 1)]),
            Err(DecodeError::NotZero { field, index: 3 }),
            "byte {at}"
        );
    }
    // A payout of nothing is a payout, and so a value of its own: the flag says which.
    let nothing = with(3, &[(1, 1)]).unwrap();
    assert!(nothing.is_done());
    assert_ne!(nothing, with(3, &[]).unwrap());
    // A deposit is not a forced exit with more fields: turned into one, its key gives it away.
    assert_eq!(
        with(0, &[(0, 6)]),
        Err(DecodeError::NotZero {
            field: "priority.key",
            index: 0
        })
    );
}

#[test]
fn s01_key_coordinates_at_the_modulus_are_refused() {
    let (_, _, bytes) = valid();
    let r = crate::simulator::R;
    for (section, field, offsets) in [
        (Section::Priority, "priority.key", [46, 78]),
        (Section::Openings, "openings.key", [39, 71]),
        (Section::Rotations, "rotations.key", [26, 58]),
    ] {
        for offset in offsets {
            let mut bytes = bytes.clone();
            let at = start_of(section) + offset;
            bytes[at..at + 32].copy_from_slice(&r);
            assert_eq!(
                Bundle::from_bytes(&bytes),
                Err(DecodeError::NotCanonical { field })
            );
        }
    }
}

#[test]
fn s38_slots_out_of_range_are_refused() {
    let (simulator, _, _) = valid();
    let sections = [
        ("shape.levels", 64, 1, 16),
        ("shape.priority", 96, 0, 65_536),
        ("shape.openings", 128, 0, 65_536),
        ("shape.transfers", 160, 0, 65_536),
        ("shape.withdrawals", 192, 0, 65_536),
        ("shape.rotations", 224, 0, 65_536),
        ("shape.fee_slots", 256, 0, 64),
    ];
    for (field, at, min, max) in sections {
        let attacks = [(28, 0xff, 0xff00_0000), (27, 1, 1 << 32), (0, 1, u64::MAX)];
        for (byte, value, number) in attacks {
            let mut key = simulator.key.to_bytes();
            let low = u64::from(key[at + 31]);
            key[at + byte] = value;
            let got = match number {
                u64::MAX => number,
                high => high + low,
            };
            assert_eq!(
                VerifyingKey::from_bytes(&key),
                Err(DecodeError::OutOfRange { field, min, max, got }),
                "byte {byte}"
            );
        }
    }
    let without = |words: &[usize]| {
        let mut key = simulator.key.to_bytes();
        for at in words {
            key[at + 31] = 0;
        }
        VerifyingKey::from_bytes(&key)
    };
    assert_eq!(
        without(&[64]),
        Err(DecodeError::OutOfRange {
            field: "shape.levels",
            min: 1,
            max: 16,
            got: 0
        })
    );
    assert_eq!(
        without(&[256]),
        Err(DecodeError::OutOfRange {
            field: "shape.fee_slots",
            min: 1,
            max: 64,
            got: 0
        })
    );
    assert_eq!(without(&[96, 128, 160, 192, 224]), Err(DecodeError::EmptyShape));
    assert!(without(&[128, 192, 224]).is_ok());
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
    for version in [0, 1, 3, u32::MAX] {
        let mut bytes = bytes.clone();
        bytes[8..12].copy_from_slice(&version.to_be_bytes());
        assert_eq!(
            Bundle::from_bytes(&bytes),
            Err(DecodeError::Version {
                got: version,
                expected: 2
            })
        );
    }
}
