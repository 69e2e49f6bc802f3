//! Properties over random values: round trips, one encoding for each value, no panic on any bytes, and batch
//! verification that agrees with verification one by one.

use ark_bn254::Fr;
use ark_ff::PrimeField;
use proptest::collection::vec;
use proptest::prelude::*;
use quittance_verifier::*;

use crate::simulator::{Simulator, facts};

fn transfer() -> impl Strategy<Value = TransferData> {
    (
        any::<u32>(),
        any::<u32>(),
        0..=TransferData::MAX_AMOUNT,
        any::<u16>(),
    )
        .prop_map(|(from, to, amount, fee)| TransferData {
            from,
            to,
            amount,
            fee,
        })
}

fn fee() -> impl Strategy<Value = FeeData> {
    (any::<u32>(), any::<u32>(), any::<u128>()).prop_map(|(leaf, token, amount)| FeeData {
        leaf,
        token,
        amount,
    })
}

fn fr() -> impl Strategy<Value = Fr> {
    any::<[u8; 32]>().prop_map(|bytes| Fr::from_be_bytes_mod_order(&bytes))
}

pub(crate) fn any_facts() -> impl Strategy<Value = Facts> {
    (
        any::<[u8; 32]>(),
        any::<u32>(),
        fr(),
        fr(),
        vec(transfer(), 0..20),
        vec(fee(), 0..6),
    )
        .prop_map(
            |(mut rollup_id, batch_number, old_root, new_root, transfers, fees)| {
                rollup_id[0] = 0;
                Facts {
                    rollup_id,
                    batch_number,
                    old_root,
                    new_root,
                    transfers,
                    fees,
                }
            },
        )
}

/// A valid encoding of each kind, to be damaged.
fn encodings() -> [Vec<u8>; 4] {
    let simulator = Simulator::ceremony(1, "t4f2");
    let bundle = simulator.bundle(facts(1, 3, 2), 1);
    [
        bundle.to_bytes().unwrap(),
        bundle.facts.to_bytes().unwrap(),
        bundle.proof.to_bytes().to_vec(),
        simulator.key.to_bytes(),
    ]
}

/// Every decoder on the same bytes: whatever it accepts, it encodes to those bytes again.
fn decode_all(bytes: &[u8]) {
    if let Ok(bundle) = Bundle::from_bytes(bytes) {
        assert_eq!(bundle.to_bytes().unwrap(), bytes);
    }
    if let Ok(facts) = Facts::from_bytes(bytes) {
        assert_eq!(facts.to_bytes().unwrap(), bytes);
    }
    if let Ok(proof) = Proof::from_bytes(bytes) {
        assert_eq!(proof.to_bytes().as_slice(), bytes);
    }
    if let Ok(key) = VerifyingKey::from_bytes(bytes) {
        assert_eq!(key.to_bytes(), bytes);
    }
    #[cfg(feature = "cli")]
    let _ = json::from_json(bytes);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn facts_round_trip(facts in any_facts()) {
        let bytes = facts.to_bytes().unwrap();
        prop_assert_eq!(bytes.len(), 108 + 24 * facts.fees.len() + 15 * facts.transfers.len());
        prop_assert_eq!(Facts::from_bytes(&bytes), Ok(facts));
    }

    #[test]
    fn different_facts_have_different_elements(one in any_facts(), other in any_facts()) {
        let shape = Shape { levels: 16, transfers: 20, fee_slots: 6 };
        let (left, right) = (elements(&one, &shape).unwrap(), elements(&other, &shape).unwrap());
        prop_assert_eq!(left == right, one == other);
        prop_assert_eq!(left.len(), shape.elements());
    }

    #[test]
    fn an_appended_zero_slot_changes_the_elements(mut facts in any_facts()) {
        let shape = Shape { levels: 16, transfers: 21, fee_slots: 7 };
        let before = elements(&facts, &shape).unwrap();
        facts.transfers.push(TransferData { from: 0, to: 0, amount: 0, fee: 0 });
        let more_transfers = elements(&facts, &shape).unwrap();
        facts.fees.push(FeeData { leaf: 0, token: 0, amount: 0 });
        let more_fees = elements(&facts, &shape).unwrap();
        prop_assert_ne!(&before, &more_transfers);
        prop_assert_ne!(&more_transfers, &more_fees);
    }

    #[test]
    fn elements_keep_to_their_ranges(facts in any_facts()) {
        let shape = Shape { levels: 16, transfers: 20, fee_slots: 6 };
        for (index, element) in elements(&facts, &shape).unwrap().iter().enumerate() {
            let bits = element.into_bigint();
            prop_assert!(index == 2 || index == 3 || bits < ark_ff::BigInt([0, 0, 0, 1 << 56]));
        }
    }

    #[test]
    fn shape_names_round_trip(levels in 1..=16_u8, transfers in 1..=65_536_u32, fee_slots in 1..=64_u32) {
        let shape = Shape { levels, transfers, fee_slots };
        prop_assert_eq!(Shape::parse_name(&shape.name()), Ok(shape));
    }

    #[test]
    fn shape_names_are_unique(name in "t?[0-9+]{0,6}f?[0-9]{0,3}(l[0-9]{0,3})?") {
        if let Ok(shape) = Shape::parse_name(&name) {
            prop_assert_eq!(shape.name(), name);
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..1200)) {
        decode_all(&bytes);
    }

    #[test]
    fn random_bytes_after_a_valid_start_never_panic(
        kind in 0..4_usize, keep in 0.0..1.0_f64, tail in vec(any::<u8>(), 0..300),
    ) {
        let valid = &encodings()[kind];
        let keep = (valid.len() as f64 * keep) as usize;
        decode_all(&[&valid[..keep], &tail[..]].concat());
    }

    #[test]
    fn damaged_encodings_never_panic(kind in 0..4_usize, damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = encodings()[kind].clone();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        decode_all(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn batch_agrees_with_one_by_one(bad in vec(any::<bool>(), 1..12)) {
        let simulators = [Simulator::ceremony(1, "t4f1"), Simulator::ceremony(2, "t8f2")];
        let verifiers = simulators.each_ref().map(Simulator::verifier);
        let bundles: Vec<Bundle> = bad
            .iter()
            .enumerate()
            .map(|(index, bad)| {
                let mut bundle = simulators[index % 2].bundle(facts(index as u64, 3, 1), index as u64);
                bundle.facts.transfers[0].fee ^= u16::from(*bad);
                bundle
            })
            .collect();
        let items: Vec<_> =
            bundles.iter().enumerate().map(|(index, bundle)| (&verifiers[index % 2], bundle)).collect();
        let expected = items.iter().enumerate().find_map(|(index, (verifier, bundle))| {
            verifier.verify(bundle).err().map(|source| BatchError::Item { index, source })
        });
        prop_assert_eq!(verify_batch(&items).err(), expected);
    }
}

#[test]
fn shape_names_that_are_not() {
    for name in [
        "",
        "t",
        "t8",
        "f1",
        "t8f",
        "tf1",
        "t8f1l",
        "t08f1",
        "t8f01",
        "t8f1l16",
        "t8f1l04",
        "t+8f1",
        "t8f1 ",
        " t8f1",
        "T8F1",
        "t8f1l-1",
        "t8f1l256",
        "t4294967296f1",
        "t8f1f1",
        "t8l4f1",
    ] {
        assert_eq!(Shape::parse_name(name), Err(DecodeError::ShapeName), "{name:?}");
    }
    for (name, field, max, got) in [
        ("t0f1", "shape.transfers", 65_536, 0),
        ("t65537f1", "shape.transfers", 65_536, 65_537),
        ("t1f0", "shape.fee_slots", 64, 0),
        ("t1f65", "shape.fee_slots", 64, 65),
        ("t1f1l0", "shape.levels", 16, 0),
        ("t1f1l17", "shape.levels", 16, 17),
    ] {
        assert_eq!(
            Shape::parse_name(name),
            Err(DecodeError::OutOfRange {
                field,
                min: 1,
                max,
                got
            })
        );
    }
}

#[test]
fn invalid_shapes_have_no_elements() {
    let shape = Shape {
        levels: 17,
        transfers: u32::MAX,
        fee_slots: u32::MAX,
    };
    let error = DecodeError::OutOfRange {
        field: "shape.levels",
        min: 1,
        max: 16,
        got: 17,
    };
    assert_eq!(shape.validate(), Err(error));
    assert_eq!(
        elements(&facts(1, 1, 1), &shape),
        Err(StatementError::Shape(error))
    );
}
