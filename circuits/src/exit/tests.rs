//! The exit circuit: its twin, its attacks by rule, its variables one by one.

use super::*;
use crate::babyjubjub::{BASE8, PublicKey};
use crate::leaf::constraints::LeafWitness;
use crate::state::MemoryState;
use crate::types::RootAddress;
use ark_ff::Field;
use quittance_verifier::{exit_challenge, exit_elements};
use std::collections::BTreeSet;
use std::sync::LazyLock;

const LEVELS: u8 = 3;
const INDEX: u32 = 0b10_01_11;
const KEY_ID: KeyId = KeyId([7; 32]);

static MATRICES: LazyLock<LabelledMatrices> = LazyLock::new(|| circuit(LEVELS));

fn leaf(seed: u64, balance: u128) -> Leaf {
    let key = PublicKey::new(BASE8.mul(&[seed, 0, 0, 0])).unwrap();
    Leaf::new(key, balance, 5, 9, RootAddress([0x33; 20])).unwrap()
}

fn state() -> MemoryState {
    let leaves = [(0, 1), (4, 2), (INDEX, 3), (INDEX + 1, 4), (60, 5)];
    let leaves = leaves.map(|(index, seed)| (AccountIndex(index), leaf(seed, u128::MAX - u128::from(seed))));
    MemoryState::genesis(LEVELS, leaves.to_vec()).unwrap()
}

fn rollup() -> [u8; 32] {
    let mut id = [0x5a; 32];
    id[0] = 0;
    id
}

fn example() -> Exit {
    Exit::read(&state(), rollup(), AccountIndex(INDEX)).unwrap()
}

/// Rules whose rows these values break.
fn broken(values: &[Fr]) -> BTreeSet<&'static str> {
    (0..MATRICES.num_constraints())
        .filter(|row| !MATRICES.is_row_satisfied(*row, values))
        .filter_map(|row| MATRICES.label(row))
        .map(|label| {
            assert_eq!(label.section, crate::r1cs::Section::Exit);
            label.rule
        })
        .collect()
}

/// The assignment for hints whose statement is what the circuit itself would make of them, so that only other rules can refuse.
fn forge(witness: &ExitWitness) -> Vec<Fr> {
    let two = Fr::from(2u64);
    let word = witness.index * two.pow([160]) + witness.leaf.token * two.pow([128]) + witness.leaf.balance;
    let elements = [witness.rollup_id, witness.root, word, witness.leaf.owner];
    let h = RulesHasher::statement(&elements);
    let z = exit_challenge(&KEY_ID, &h, &elements);
    assign_witness(&[h, z, quittance_verifier::evaluate(&elements, &z)], witness)
}

fn attack(change: impl FnOnce(&mut ExitWitness)) -> BTreeSet<&'static str> {
    let mut witness = ExitWitness::new(&example());
    change(&mut witness);
    broken(&forge(&witness))
}

/// The same for a leaf that no operation writes, under the root that it gives.
fn attack_of_leaf(change: impl FnOnce(&mut LeafWitness)) -> BTreeSet<&'static str> {
    attack(|witness| {
        change(&mut witness.leaf);
        let LeafWitness {
            key: [x, y],
            balance,
            nonce,
            token,
            owner,
        } = witness.leaf;
        let packed = balance * Fr::from(1u128 << 64) + nonce * Fr::from(1u64 << 32) + token;
        let path = Path {
            siblings: witness.path.clone(),
        };
        witness.root = path.root(INDEX, RulesHasher::leaf(&[x, y, packed, owner]));
    })
}

#[test]
fn a_leaf_of_the_state_is_proved() {
    let exit = example();
    let values = assign(&KEY_ID, &exit).unwrap();
    assert_eq!(broken(&values), BTreeSet::new());
    assert_eq!(values, forge(&ExitWitness::new(&exit)));
    assert_eq!(exit.path.root(INDEX, exit.leaf.hash()), exit.root);
    let facts = exit.facts();
    assert_eq!(
        (facts.leaf, facts.token, facts.balance),
        (INDEX, 9, u128::MAX - 3)
    );
    assert_eq!(values[1], RulesHasher::statement(&exit_elements(&facts).unwrap()));
}

#[test]
fn rows_are_predicted() {
    for levels in [1, 2, LEVELS, 16] {
        let rows = circuit(levels).num_constraints();
        assert_eq!(
            u64::try_from(rows),
            Ok(predicted_constraints(levels)),
            "{levels} levels"
        );
    }
    assert_eq!(predicted_constraints(16), 5_766);
}

#[test]
fn places_without_a_leaf_have_no_exit() {
    let read = |index| Exit::read(&state(), rollup(), AccountIndex(index)).unwrap_err();
    assert!(matches!(
        read(1),
        ExitError::AccountExists {
            index: AccountIndex(1)
        }
    ));
    assert!(matches!(read(64), ExitError::AccountInRange { capacity: 64, .. }));
}

/// S13: another sibling, another leaf, another place.
#[test]
fn s13_account_path_binds_leaf_and_place() {
    let only = BTreeSet::from(["account_path"]);
    for level in 0..usize::from(LEVELS) {
        for sibling in 0..3 {
            assert_eq!(attack(|witness| witness.path[level][sibling] += Fr::ONE), only);
        }
    }
    assert_eq!(attack(|witness| witness.index += Fr::ONE), only);
    assert_eq!(attack(|witness| witness.leaf.balance -= Fr::ONE), only);
    assert_eq!(attack(|witness| witness.leaf.token += Fr::ONE), only);
    assert_eq!(attack(|witness| witness.leaf.key[0] += Fr::ONE), only);
    assert_eq!(attack(|witness| witness.root += Fr::ONE), only);
}

/// S14: neither an empty place nor an inner node is a leaf.
#[test]
fn s14_account_exists_refuses_empty_places() {
    let empty = AccountIndex(1);
    let state = state();
    let overlay = Overlay::new(&state).unwrap();
    let path = overlay.path(empty).unwrap().siblings;
    let rules = attack(|witness| {
        witness.index = Fr::ONE;
        witness.leaf = LeafWitness::EMPTY;
        witness.path = path;
    });
    assert!(rules.contains("account_exists"), "{rules:?}");
    // The hash of zeros is not the empty place's 0 either.
    assert!(rules.contains("account_path"));
    // A leaf of nobody in a tree that has one.
    assert_eq!(
        attack_of_leaf(|leaf| leaf.owner = Fr::from(0u64)),
        BTreeSet::from(["account_exists"])
    );
    // A node's children as the fields of a leaf, one level up.
    let node = overlay.path(AccountIndex(INDEX)).unwrap().siblings[0];
    let rules = attack(|witness| {
        witness.leaf.key = [node[0], node[1]];
        witness.leaf.owner = node[2];
    });
    assert!(rules.contains("account_path"), "{rules:?}");
}

/// S4, S49: second readings of the packed leaf and of the statement's word; every hash agrees with them, the ranges do not.
#[test]
fn s04_s49_account_in_range_leaves_one_reading() {
    let only = BTreeSet::from(["account_in_range"]);
    let limb = Fr::from(1u64 << 32);
    // Of the packed word balance·2^64 + nonce·2^32 + token.
    assert_eq!(
        attack(|witness| {
            witness.leaf.balance -= Fr::ONE;
            witness.leaf.nonce += limb;
        }),
        only
    );
    assert_eq!(
        attack(|witness| {
            witness.leaf.balance += Fr::ONE;
            witness.leaf.nonce -= limb;
        }),
        only
    );
    assert_eq!(
        attack(|witness| {
            witness.leaf.nonce -= Fr::ONE;
            witness.leaf.token += limb;
        }),
        only
    );
    // Any nonce and token, for a balance that makes up for them modulo r.
    assert_eq!(
        attack(|witness| {
            witness.leaf.nonce += Fr::ONE;
            witness.leaf.balance -= limb.inverse().unwrap();
        }),
        only
    );
    // An index beyond the tree whose low digits lead to the leaf.
    for beyond in [Fr::from(64u64), limb, -Fr::from(64u64)] {
        // What is left for the last bit is no bit, and leads nowhere either.
        assert!(attack(|witness| witness.index += beyond).is_superset(&only));
    }
    // A balance of 2^128 in a leaf that really has it: no tree holds one, yet the circuit refuses it by itself.
    assert_eq!(
        attack_of_leaf(|leaf| leaf.balance = Fr::from(2u64).pow([128])),
        only
    );
    assert_eq!(attack_of_leaf(|leaf| leaf.nonce = limb), only);
    assert_eq!(attack_of_leaf(|leaf| leaf.token = limb), only);
}

/// S48: the proof of one exit under facts that name another owner, amount, leaf, token, root or rollup.
#[test]
fn s48_another_statement_is_refused() {
    let exit = example();
    let witness = ExitWitness::new(&exit);
    let honest = exit.facts();
    let h = statement_hash(&honest).unwrap();
    let changes: [fn(&mut ExitFacts); 6] = [
        |facts| facts.owner[19] ^= 1,
        |facts| facts.balance -= 1,
        |facts| facts.leaf ^= 1,
        |facts| facts.token += 1,
        |facts| facts.root += Fr::ONE,
        |facts| facts.rollup_id[31] ^= 1,
    ];
    for change in changes {
        let mut facts = honest;
        change(&mut facts);
        // With the h of these facts, and with the circuit's own.
        let inputs = exit_public_inputs(&KEY_ID, &facts, &statement_hash(&facts).unwrap()).unwrap();
        let rules = broken(&assign_witness(&inputs, &witness));
        assert_eq!(rules, BTreeSet::from(["statement_evaluation", "statement_hash"]));
        let inputs = exit_public_inputs(&KEY_ID, &facts, &h).unwrap();
        let rules = broken(&assign_witness(&inputs, &witness));
        assert_eq!(rules, BTreeSet::from(["statement_evaluation"]));
    }
    // S16: another h, for which z and y are right.
    let elements = exit_elements(&honest).unwrap();
    let other = h + Fr::ONE;
    let z = exit_challenge(&KEY_ID, &other, &elements);
    let inputs = [other, z, quittance_verifier::evaluate(&elements, &z)];
    let rules = broken(&assign_witness(&inputs, &witness));
    assert_eq!(rules, BTreeSet::from(["statement_hash"]));
    // S34: each public input counts.
    let values = assign(&KEY_ID, &exit).unwrap();
    for input in 1..NUM_INSTANCE {
        let mut values = values.clone();
        values[input] += Fr::ONE;
        assert!(!broken(&values).is_empty(), "input {input}");
    }
}

/// S12: 2 and −1 for each bit.
#[test]
fn s12_bits_are_boolean() {
    let values = assign(&KEY_ID, &example()).unwrap();
    let mut bits = 0;
    for row in 0..MATRICES.num_constraints() {
        let (a, b, c) = (&MATRICES.a[row], &MATRICES.b[row], &MATRICES.c[row]);
        let [(_, variable)] = a[..] else { continue };
        if a != b || b != c {
            continue;
        }
        bits += 1;
        for digit in [Fr::from(2u64), -Fr::ONE] {
            let mut values = values.clone();
            values[variable] = digit;
            assert!(!MATRICES.is_row_satisfied(row, &values));
        }
    }
    // The last bit of each of the four ranges is no variable.
    assert_eq!(bits, 2 * usize::from(LEVELS) + 32 + 32 + 128 - 4);
}

/// S17: every variable alone, by a large amount, by 1 and by −1. None is free.
#[test]
fn s17_no_variable_can_move_alone() {
    let values = assign(&KEY_ID, &example()).unwrap();
    let mut rows_of = vec![Vec::new(); values.len()];
    for row in 0..MATRICES.num_constraints() {
        for matrix in [&MATRICES.a, &MATRICES.b, &MATRICES.c] {
            for (_, variable) in &matrix[row] {
                rows_of[*variable].push(row);
            }
        }
    }
    for variable in 1..values.len() {
        for change in [Fr::from(77u64).pow([99]), Fr::ONE, -Fr::ONE] {
            let mut values = values.clone();
            values[variable] += change;
            let noticed = rows_of[variable]
                .iter()
                .any(|row| !MATRICES.is_row_satisfied(*row, &values));
            assert!(noticed, "variable {variable} is free");
        }
    }
}
