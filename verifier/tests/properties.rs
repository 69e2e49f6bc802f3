//! Properties over random values: round trips, one encoding for each value, no panic on any bytes, and batch
//! verification that agrees with verification one by one.

use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_ff::PrimeField;
use proptest::collection::vec;
use proptest::prelude::*;
use quittance_verifier::*;

use crate::simulator::{ExitSimulator, Simulator, exit_facts, facts, full_facts};

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

fn key() -> impl Strategy<Value = [Fr; 2]> {
    [fr(), fr()]
}

fn priority() -> impl Strategy<Value = PriorityData> {
    let deposit = (
        any::<u32>(),
        any::<u32>(),
        any::<u128>(),
        any::<[u8; 20]>(),
        key(),
    );
    let deposit = deposit.prop_map(|(leaf, token, amount, owner, key)| Deposit {
        leaf,
        token,
        amount,
        owner,
        key,
    });
    let exit = (any::<u32>(), any::<[u8; 20]>()).prop_map(|(leaf, caller)| ForcedExit { leaf, caller });
    let payout = (any::<u32>(), any::<u128>()).prop_map(|(token, amount)| Payout { token, amount });
    prop_oneof![
        (deposit, any::<bool>()).prop_map(|(deposit, done)| PriorityData::Deposit { deposit, done }),
        (exit, prop::option::of(payout)).prop_map(|(exit, paid)| PriorityData::ForcedExit { exit, paid }),
    ]
}

fn opening() -> impl Strategy<Value = OpeningData> {
    (transfer(), any::<u32>(), any::<[u8; 20]>(), key()).prop_map(|(transfer, token, owner, key)| {
        OpeningData {
            from: transfer.from,
            to: transfer.to,
            amount: transfer.amount,
            fee: transfer.fee,
            token,
            owner,
            key,
        }
    })
}

fn withdrawal() -> impl Strategy<Value = WithdrawalData> {
    (
        any::<u32>(),
        any::<u32>(),
        any::<u128>(),
        any::<u16>(),
        any::<[u8; 20]>(),
    )
        .prop_map(|(from, token, amount, fee, address)| WithdrawalData {
            from,
            token,
            amount,
            fee,
            address,
        })
}

fn rotation() -> impl Strategy<Value = RotationData> {
    (any::<u32>(), any::<u16>(), any::<[u8; 20]>(), key()).prop_map(|(from, fee, owner, key)| RotationData {
        from,
        fee,
        owner,
        key,
    })
}

pub(crate) fn any_facts() -> impl Strategy<Value = Facts> {
    (
        (any::<[u8; 32]>(), any::<u32>(), fr(), fr(), any::<[u8; 32]>()),
        vec(priority(), 0..6),
        vec(opening(), 0..4),
        vec(transfer(), 0..20),
        vec(withdrawal(), 0..4),
        vec(rotation(), 0..4),
        vec(fee(), 0..6),
    )
        .prop_map(
            |(head, priority, openings, transfers, withdrawals, rotations, fees)| {
                let (mut rollup_id, batch_number, old_root, new_root, mut queue) = head;
                rollup_id[0] = 0;
                queue[0] = 0;
                Facts {
                    rollup_id,
                    batch_number,
                    old_root,
                    new_root,
                    queue,
                    priority,
                    openings,
                    transfers,
                    withdrawals,
                    rotations,
                    fees,
                }
            },
        )
}

/// Room for whatever [`any_facts`] makes, and for one more of each.
const ROOM: Shape = Shape {
    levels: 16,
    priority: 7,
    openings: 5,
    transfers: 21,
    withdrawals: 5,
    rotations: 5,
    fee_slots: 7,
};

fn shape() -> impl Strategy<Value = Shape> {
    let slots = || prop_oneof![Just(0), 1..=Shape::MAX_SLOTS, 1..10_u32];
    (
        1..=16_u8,
        [slots(), slots(), slots(), slots(), slots()],
        1..=Shape::MAX_FEE_SLOTS,
    )
        .prop_filter_map("no operations", |(levels, slots, fee_slots)| {
            let [priority, openings, transfers, withdrawals, rotations] = slots;
            let shape = Shape {
                levels,
                priority,
                openings,
                transfers,
                withdrawals,
                rotations,
                fee_slots,
            };
            shape.validate().is_ok().then_some(shape)
        })
}

/// A valid encoding of each kind, to be damaged.
fn encodings() -> &'static [Vec<u8>; 8] {
    static ENCODINGS: LazyLock<[Vec<u8>; 8]> = LazyLock::new(|| {
        let simulator = Simulator::ceremony(1, "t4f2");
        let bundle = simulator.bundle(facts(1, 3, 2), 1);
        let all = "p4o1t3w1r1f2";
        let simulator = Simulator::ceremony(2, all);
        let full = simulator.bundle(full_facts(2, all), 2);
        let exits = ExitSimulator::new(3, Provenance::Ceremony);
        let exit = exits.bundle(exit_facts(3), 3);
        [
            bundle.to_bytes().unwrap(),
            bundle.facts.to_bytes().unwrap(),
            bundle.proof.to_bytes().to_vec(),
            simulator.key.to_bytes(),
            full.to_bytes().unwrap(),
            full.facts.to_bytes().unwrap(),
            exit.to_bytes().unwrap(),
            exits.key.to_bytes(),
        ]
    });
    &ENCODINGS
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
    if let Ok(bundle) = ExitBundle::from_bytes(bytes) {
        assert_eq!(bundle.to_bytes().unwrap(), bytes);
    }
    if let Ok(facts) = ExitFacts::from_bytes(bytes) {
        assert_eq!(facts.to_bytes().unwrap(), bytes);
    }
    if let Ok(key) = ExitVerifyingKey::from_bytes(bytes) {
        assert_eq!(key.to_bytes(), bytes);
    }
    #[cfg(feature = "cli")]
    {
        let _ = json::from_json(bytes);
        let _ = json::exit_from_json(bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn facts_round_trip(facts in any_facts()) {
        let bytes = facts.to_bytes().unwrap();
        let lists = 24 * facts.fees.len()
            + 110 * facts.priority.len()
            + 103 * facts.openings.len()
            + 46 * facts.withdrawals.len()
            + 90 * facts.rotations.len()
            + 15 * facts.transfers.len();
        prop_assert_eq!(bytes.len(), 156 + lists);
        prop_assert_eq!(Facts::from_bytes(&bytes), Ok(facts));
    }

    #[test]
    fn different_facts_have_different_elements(one in any_facts(), other in any_facts()) {
        let (left, right) = (elements(&one, &ROOM).unwrap(), elements(&other, &ROOM).unwrap());
        prop_assert_eq!(left == right, one == other);
        prop_assert_eq!(left.len(), ROOM.elements());
    }

    #[test]
    fn an_appended_zero_slot_changes_the_elements(facts in any_facts()) {
        let before = elements(&facts, &ROOM).unwrap();
        for (name, change) in zero_slots() {
            let mut longer = facts.clone();
            change(&mut longer);
            prop_assert_ne!(&before, &elements(&longer, &ROOM).unwrap(), "{}", name);
        }
    }

    #[test]
    fn elements_keep_to_their_ranges(facts in any_facts()) {
        // Roots and coordinates of keys are any field elements.
        let full: Vec<Fr> = [facts.old_root, facts.new_root]
            .into_iter()
            .chain(facts.priority.iter().flat_map(|operation| match operation {
                PriorityData::Deposit { deposit, .. } => deposit.key.to_vec(),
                PriorityData::ForcedExit { .. } => Vec::new(),
            }))
            .chain(facts.openings.iter().flat_map(|opening| opening.key))
            .chain(facts.rotations.iter().flat_map(|rotation| rotation.key))
            .collect();
        for element in elements(&facts, &ROOM).unwrap() {
            let small = element.into_bigint() < ark_ff::BigInt([0, 0, 0, 1 << 56]);
            prop_assert!(small || full.contains(&element));
        }
    }

    #[test]
    fn queue_hashes_say_what_was_asked_for(facts in any_facts(), other in priority()) {
        prop_assert_eq!(facts.queue_after()[0], 0);
        for index in 0..facts.priority.len() {
            // An outcome changes nothing, anything else does.
            let mut changed = facts.clone();
            changed.priority[index] = match changed.priority[index] {
                PriorityData::Deposit { deposit, done } => PriorityData::Deposit { deposit, done: !done },
                PriorityData::ForcedExit { exit, .. } => PriorityData::ForcedExit {
                    exit,
                    paid: Some(Payout { token: 1, amount: 2 }),
                },
            };
            prop_assert_eq!(changed.queue_after(), facts.queue_after());
            changed.priority[index] = other;
            prop_assert_ne!(changed.queue_after(), facts.queue_after());
            changed.priority.remove(index);
            prop_assert_ne!(changed.queue_after(), facts.queue_after());
        }
    }

    #[test]
    fn shape_names_round_trip(shape in shape()) {
        prop_assert_eq!(Shape::parse_name(&shape.name()), Ok(shape));
    }

    #[test]
    fn shape_names_are_unique(name in "(p[0-9]{0,2})?(o[0-9]{0,2})?t?[0-9+]{0,6}(w[0-9]{0,2})?(r[0-9]{0,2})?f?[0-9]{0,3}(l[0-9]{0,3})?") {
        if let Ok(shape) = Shape::parse_name(&name) {
            prop_assert_eq!(shape.name(), name);
        }
    }

    #[test]
    fn different_shapes_have_different_names(one in shape(), other in shape()) {
        prop_assert_eq!(one.name() == other.name(), one == other);
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..1200)) {
        decode_all(&bytes);
    }

    #[test]
    fn random_bytes_after_a_valid_start_never_panic(
        kind in 0..8_usize, keep in 0.0..1.0_f64, tail in vec(any::<u8>(), 0..300),
    ) {
        let valid = &encodings()[kind];
        let keep = (valid.len() as f64 * keep) as usize;
        decode_all(&[&valid[..keep], &tail[..]].concat());
    }

    #[test]
    fn damaged_encodings_never_panic(kind in 0..8_usize, damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
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

type Change = fn(&mut Facts);

/// An entry of zeros at the end of each list: its words are those of an unused slot, but for a deposit's kind.
fn zero_slots() -> [(&'static str, Change); 6] {
    const OWNER: [u8; 20] = [0; 20];
    [
        ("priority", |facts| {
            facts.priority.push(PriorityData::Deposit {
                deposit: Deposit {
                    leaf: 0,
                    token: 0,
                    amount: 0,
                    owner: OWNER,
                    key: Default::default(),
                },
                done: false,
            });
        }),
        ("openings", |facts| {
            facts.openings.push(OpeningData {
                from: 0,
                to: 0,
                amount: 0,
                fee: 0,
                token: 0,
                owner: OWNER,
                key: Default::default(),
            });
        }),
        ("transfers", |facts| {
            facts.transfers.push(TransferData {
                from: 0,
                to: 0,
                amount: 0,
                fee: 0,
            });
        }),
        ("withdrawals", |facts| {
            facts.withdrawals.push(WithdrawalData {
                from: 0,
                token: 0,
                amount: 0,
                fee: 0,
                address: OWNER,
            });
        }),
        ("rotations", |facts| {
            facts.rotations.push(RotationData {
                from: 0,
                fee: 0,
                owner: OWNER,
                key: Default::default(),
            });
        }),
        ("fees", |facts| {
            facts.fees.push(FeeData {
                leaf: 0,
                token: 0,
                amount: 0,
            });
        }),
    ]
}

#[test]
fn shape_names() {
    let shape = Shape {
        levels: 16,
        priority: 2,
        openings: 1,
        transfers: 8,
        withdrawals: 1,
        rotations: 1,
        fee_slots: 2,
    };
    assert_eq!(shape.name(), "p2o1t8w1r1f2");
    assert_eq!(shape.elements(), 6 + 2 + 4 * 2 + 4 + 2 + 4 + 4);
    assert_eq!(Shape::transfers_only(16, 10, 2).name(), "t10f2");
    assert_eq!(Shape::transfers_only(4, 8, 1).name(), "t8f1l4");
    let priority = Shape {
        priority: 3,
        ..Shape::transfers_only(16, 0, 0)
    };
    assert_eq!(priority.name(), "p3");
    assert_eq!(Shape::parse_name("p3"), Ok(priority));
    assert_eq!(Shape::parse_name("p3f1l2").map(|shape| shape.fee_slots), Ok(1));
    for (number, section) in (0..).zip(Section::ALL) {
        assert_eq!(
            (section.number(), section.name()),
            (number, &*section.to_string())
        );
    }
}

#[test]
fn shape_names_that_are_not() {
    for name in [
        "t",
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
        "t0f1",
        "t1f0",
        "p0t8f1",
        "t8w0f1",
        "t8p2f1",
        "t8f1p2",
        "f1t8",
        "r1w1f1",
        "t8t8f1",
        "p",
        "x1",
    ] {
        assert_eq!(Shape::parse_name(name), Err(DecodeError::ShapeName), "{name:?}");
    }
    for (name, field, min, max, got) in [
        ("p65537", "shape.priority", 0, 65_536, 65_537),
        ("o65537f1", "shape.openings", 0, 65_536, 65_537),
        ("t65537f1", "shape.transfers", 0, 65_536, 65_537),
        ("w4294967295f1", "shape.withdrawals", 0, 65_536, 4_294_967_295),
        ("r65537f1", "shape.rotations", 0, 65_536, 65_537),
        ("p1f65", "shape.fee_slots", 0, 64, 65),
        ("t1f65", "shape.fee_slots", 1, 64, 65),
        ("o1", "shape.fee_slots", 1, 64, 0),
        ("t8", "shape.fee_slots", 1, 64, 0),
        ("w1", "shape.fee_slots", 1, 64, 0),
        ("p4r1", "shape.fee_slots", 1, 64, 0),
        ("t1f1l0", "shape.levels", 1, 16, 0),
        ("t1f1l17", "shape.levels", 1, 16, 17),
    ] {
        let error = DecodeError::OutOfRange { field, min, max, got };
        assert_eq!(Shape::parse_name(name), Err(error), "{name:?}");
    }
    for name in ["", "f1", "l4", "f64l1"] {
        assert_eq!(Shape::parse_name(name), Err(DecodeError::EmptyShape), "{name:?}");
    }
}

#[test]
fn invalid_shapes_have_no_elements() {
    for (shape, error) in [
        (
            Shape {
                priority: u32::MAX,
                openings: u32::MAX,
                withdrawals: u32::MAX,
                rotations: u32::MAX,
                ..Shape::transfers_only(17, u32::MAX, u32::MAX)
            },
            DecodeError::OutOfRange {
                field: "shape.levels",
                min: 1,
                max: 16,
                got: 17,
            },
        ),
        (Shape::transfers_only(16, 0, 1), DecodeError::EmptyShape),
    ] {
        assert_eq!(shape.validate(), Err(error));
        assert_eq!(
            elements(&facts(1, 0, 1), &shape),
            Err(StatementError::Shape(error))
        );
    }
}
