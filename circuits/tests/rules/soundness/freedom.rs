//! S17 for several variables at once: how much freedom the hints of a gadget or of a whole batch leave together.
//!
//! The sweep moves one variable; a dishonest prover moves many. At a satisfied assignment, the kernel of the Jacobian counts the
//! independent directions in which all variables together can move. Each must be one that the statement leaves open: what a prover
//! may choose (a sibling, a key nobody reads) and what padding does not use. Those directions are to first order: along most of
//! them lie other preimages of the same hash, which exist and which nobody can find.

use crate::elimination::*;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::Field;
use quittance_circuits::circuit::assign;
use quittance_circuits::float::constraints::decode;
use quittance_circuits::hash::constraints::{HashGadget, LeafField, PoseidonGadget};
use quittance_circuits::poseidon::constraints::{PoseidonRows, WIDTH_4, WIDTH_5, WIDTH_6, WIDTH_17};
use quittance_circuits::poseidon::params::params;
use quittance_circuits::r1cs::{Assignment, ConstraintSystem, LabelledMatrices, Structure};
use quittance_circuits::range::enforce_range;
use std::collections::BTreeMap;

/// A gadget that can be run against both systems.
trait Gadget {
    fn run<C: ConstraintSystem>(&self, cs: &mut C);
}

fn freedom(gadget: &impl Gadget, inputs: usize) -> usize {
    let mut structure = Structure::new(1);
    gadget.run(&mut structure);
    let mut assignment = Assignment::new(&[]);
    gadget.run(&mut assignment);
    let inputs: Vec<usize> = (1..=inputs).collect();
    derivatives(&structure.into_matrices(), &assignment.into_values(), &inputs)
        .free()
        .len()
}

fn number(seed: u64) -> Fr {
    Fr::from(seed + 2).pow([77])
}

struct Node(u64);

impl Gadget for Node {
    fn run<C: ConstraintSystem>(&self, cs: &mut C) {
        let [b0, b1, old, new] =
            [Fr::from(self.0 & 1), Fr::from(self.0 >> 1), number(1), number(2)].map(|v| cs.witness(v));
        PoseidonGadget::node_update(cs, [&b0, &b1], [&old, &new], &[number(3), number(4), number(5)]);
    }
}

struct Leaf;

impl Gadget for Leaf {
    fn run<C: ConstraintSystem>(&self, cs: &mut C) {
        let [old, new, owner] = [1, 2, 3].map(|seed| cs.witness(number(seed)));
        let key = [LeafField::Inner(number(4)), LeafField::Inner(number(5))];
        PoseidonGadget::leaf_update(cs, key, [&old, &new], &owner);
    }
}

struct Range(usize);

impl Gadget for Range {
    fn run<C: ConstraintSystem>(&self, cs: &mut C) {
        let element = cs.witness(Fr::from(1u64));
        enforce_range(cs, &element, self.0);
    }
}

struct Float;

impl Gadget for Float {
    fn run<C: ConstraintSystem>(&self, cs: &mut C) {
        let element = cs.witness(Fr::from(12_345u64));
        decode(cs, &element, 35);
    }
}

struct Sponge(u64);

impl Gadget for Sponge {
    fn run<C: ConstraintSystem>(&self, cs: &mut C) {
        let elements: Vec<_> = (0..self.0).map(|seed| cs.witness(number(seed))).collect();
        PoseidonGadget::sponge(cs, &elements);
    }
}

#[test]
fn s17_gadgets_leave_only_their_hints_free() {
    for position in 0..4 {
        assert_eq!(freedom(&Node(position), 4), 3, "three siblings");
    }
    assert_eq!(freedom(&Leaf, 3), 2, "the key's two coordinates");
    for bits in [1, 2, 32, 128, 253] {
        assert_eq!(freedom(&Range(bits), 1), 0);
    }
    assert_eq!(freedom(&Float, 1), 0);
    for elements in [1, 7, 16, 17, 40] {
        assert_eq!(freedom(&Sponge(elements), usize::try_from(elements).unwrap()), 0);
    }
}

#[test]
fn s17_a_whole_batch_leaves_only_what_nobody_reads() {
    let (_, batch) = example();
    let values = assign(&SMALL, &KEY_ID, &batch).unwrap();
    let free = derivatives(&SMALL_CIRCUIT, &values, &[1, 2, 3]).free();
    let siblings = 3 * usize::from(SMALL.levels);
    // Whatever is made of bits is rigid: balances, nonces, tokens, indices, amounts, addresses, S and the challenge's digits. What
    // can move in a signed slot are key (2), owner, R8 (2) and siblings. Equations take away two for the signature's point, one for the
    // challenge, whose digits are rigid, and one for the root that the path must meet.
    let signed = 2 + 1 + 2 + siblings - (2 + 1 + 1);
    // Padding meets no root and no point.
    let padding = 2 + 1 + 2 + siblings - 1;
    // A recipient's key, owner and path; enabled it meets a root.
    let recipient = 2 + 1 + siblings;
    // A new key (2) on the curve and a new owner, as published; and the inverse hint of the curve's equation, which is 0.
    let holder = 2 - 1 + 1 + 1;
    // Zeros, with three hints that zeros leave open: two inverses, of the pairing's value and the owner, and the eighth root.
    let no_holder = 3;
    let transfers = 2 * (signed + recipient - 1) + padding + recipient;
    let openings = (signed + holder + siblings - 1) + (padding + no_holder + siblings);
    // In padding, the inverse hint of the address, which is 0.
    let withdrawals = signed + padding + 1;
    let rotations = (signed + holder) + (padding + no_holder);
    // A deposit into an empty place reads no account, whose key and owner are anybody's; nor does padding, where also the two tokens are
    // equal, so that the inverse hint of their difference is free.
    let priority = (recipient - 1 + holder) + (recipient + no_holder + 1);
    let fees = 2 * (recipient - 1);
    // Rollup id, both roots and the queue's hash; less h, y and the end of the chain.
    let statement = 4 - 3;
    // Three bits of the transfer padding's window, whose rows read −b² = 0 at b = 0: flat to first order, but 0 is their only solution.
    let flat = 3;
    assert_eq!(
        free.len(),
        priority + openings + transfers + withdrawals + rotations + fees + statement + flat,
        "{:?}",
        by_rule(&free)
    );
}

fn by_rule(variables: &[usize]) -> BTreeMap<String, usize> {
    let mut first = BTreeMap::new();
    for row in (0..SMALL_CIRCUIT.num_constraints()).rev() {
        for matrix in [&SMALL_CIRCUIT.a, &SMALL_CIRCUIT.b, &SMALL_CIRCUIT.c] {
            for (_, variable) in &matrix[row] {
                first.insert(*variable, row);
            }
        }
    }
    let mut counts = BTreeMap::new();
    for variable in variables {
        let label = first.get(variable).and_then(|row| SMALL_CIRCUIT.label(*row));
        *counts
            .entry(label.map_or_else(String::new, |label| label.to_string()))
            .or_default() += 1;
    }
    counts
}

/// The rows of Poseidon hold exactly when its S-box relations do, for whatever values: not only for those of an honest prover.
///
/// Each S-box appears as `x·x = s, s·s = q, q·x = y` with linear forms x and y. The form x is that of the reference permutation over
/// the earlier outputs y; and the forms y are independent, as many as there are remaining variables, so that every choice of outputs
/// is exactly one choice of variables.
#[test]
fn s18_poseidon_rows_are_equivalent_to_its_boxes() {
    equivalence(&*WIDTH_4);
    equivalence(&*WIDTH_5);
    equivalence(&*WIDTH_6);
    equivalence(&*WIDTH_17);
}

/// No gadget library is used: each gadget is this crate's own, with a test of its own beside it.
#[test]
fn s18_the_crate_depends_on_no_gadget_library() {
    let manifest = include_str!("../../../Cargo.toml");
    for library in ["ark-r1cs-std", "ark-crypto-primitives", "bellman", "halo2"] {
        assert!(!manifest.contains(library), "{library}");
    }
}

fn equivalence<const T: usize>(rows: &PoseidonRows<T>) {
    let t = rows.width();
    let mut structure = Structure::new(1);
    let inputs: Vec<_> = (1..t).map(|_| structure.witness(Fr::ONE)).collect();
    rows.hash(&mut structure, Fr::ONE, &inputs);
    let matrices = structure.into_matrices();
    let boxes = boxes(&matrices);

    // The reference, over the constant, the inputs and the boxes' outputs.
    let params = params(t);
    let one = Form::from([(0, Fr::ONE)]);
    let mut state = vec![one.clone()];
    state.extend((1..t).map(|variable| Form::from([(variable, Fr::ONE)])));
    let mut next_box = boxes.iter();
    for round in 0..params.rounds() {
        for (element, constant) in state.iter_mut().zip(params.constants_of_round(round)) {
            add(element, &one, *constant);
        }
        let boxed = if params.is_full(round) { t } else { 1 };
        for (index, element) in state.iter_mut().enumerate().take(boxed) {
            if round == 0 && index == 0 {
                // The capacity is a constant and needs no rows.
                let constant = element.get(&0).copied().unwrap();
                *element = Form::from([(0, constant.pow([5]))]);
            } else {
                let (x, y) = next_box.next().unwrap();
                assert_eq!(element, x, "t = {t}, round {round}, S-box {index}");
                *element = y.clone();
            }
        }
        state = params
            .mds
            .iter()
            .map(|row| {
                let mut mixed = Form::new();
                row.iter()
                    .zip(&state)
                    .for_each(|(factor, element)| add(&mut mixed, element, *factor));
                mixed
            })
            .collect();
    }
    assert!(next_box.next().is_none());
    // The output is the last variable.
    assert_eq!(state[0], Form::from([(matrices.num_witness, Fr::ONE)]));

    // As many independent outputs as variables that are neither inputs nor powers.
    let mut elimination = Elimination::new(1 + matrices.num_witness);
    (0..t).for_each(|variable| elimination.fix(variable));
    let rank = boxes.iter().filter(|(_, y)| elimination.equation(y)).count();
    assert_eq!(rank, boxes.len());
    let powers = 2 * boxes.len();
    assert_eq!(rank, matrices.num_witness - (t - 1) - powers);
}

/// The S-boxes of a circuit that consists of nothing else, in order: input and output as forms.
fn boxes(matrices: &LabelledMatrices) -> Vec<(Form, Form)> {
    // By the variable of the fourth power: the input, and the position.
    let mut inputs: BTreeMap<usize, (Form, usize)> = BTreeMap::new();
    let mut found = Vec::new();
    let mut row = 0;
    while row < matrices.num_constraints() {
        let (a, b, c) = (&matrices.a[row], &matrices.b[row], &matrices.c[row]);
        if a == b {
            let [(_, square)] = c[..] else {
                panic!("row {row} is not a square")
            };
            let next = row + 1;
            assert_eq!(matrices.a[next], vec![(Fr::ONE, square)]);
            assert_eq!(matrices.b[next], vec![(Fr::ONE, square)]);
            let [(_, fourth)] = matrices.c[next][..] else {
                panic!("row {next} is not a fourth power")
            };
            inputs.insert(fourth, (form(a), inputs.len()));
            row += 2;
        } else {
            let [(_, fourth)] = a[..] else {
                panic!("row {row} is not the end of an S-box")
            };
            let (x, position) = inputs[&fourth].clone();
            assert_eq!(form(b), x, "row {row}");
            found.push((position, x, form(c)));
            row += 1;
        }
    }
    found.sort_by_key(|(position, _, _)| *position);
    found.into_iter().map(|(_, x, y)| (x, y)).collect()
}
