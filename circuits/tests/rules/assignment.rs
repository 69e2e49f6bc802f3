//! Values filled in side by side are those that the rows' own order gives, byte for byte, whatever the threads.

use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{BigInteger, Field, PrimeField};
use quittance_circuits::batch::constraints::enforce_batch;
use quittance_circuits::batch::witness::BatchWitness;
use quittance_circuits::batch::{AppliedBatch, Operations, apply_batch};
use quittance_circuits::circuit::{assign, assign_into, assign_witness};
use quittance_circuits::hash::constraints::PoseidonGadget;
use quittance_circuits::r1cs::{ConstraintSystem, FieldVar, Inverses, Label};
use quittance_circuits::shapes::SHAPES;
use quittance_circuits::state::{MemoryState, Overlay};
use quittance_circuits::tx::{Operation, Priority};
use quittance_circuits::types::AccountIndex;
use quittance_verifier::{Section, Shape};

/// The plainest filling: one value after another, slots in order, each division by itself.
#[derive(Default)]
struct InOrder {
    values: Vec<Fr>,
    inverses: Inverses,
}

impl ConstraintSystem for InOrder {
    type L = ();

    fn public_input(&self, index: u32) -> FieldVar<()> {
        FieldVar::constant(self.values[usize::try_from(index).unwrap()])
    }

    fn witness(&mut self, value: Fr) -> FieldVar<()> {
        self.values.push(value);
        FieldVar::constant(value)
    }

    fn enforce(&mut self, _: &FieldVar<()>, _: &FieldVar<()>, _: &FieldVar<()>) {}

    fn label(&mut self, _: Label) {}

    fn inverses(&mut self) -> &mut Inverses {
        // Forgets what was prepared.
        self.inverses = Inverses::default();
        &mut self.inverses
    }
}

fn in_order(shape: &Shape, inputs: &[Fr; 3], witness: &BatchWitness) -> Vec<Fr> {
    let mut cs = InOrder::default();
    cs.values.push(Fr::ONE);
    cs.values.extend(inputs);
    enforce_batch::<_, PoseidonGadget>(&mut cs, usize::from(shape.levels), witness);
    cs.values
}

fn bytes(values: &[Fr]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.into_bigint().to_bytes_le())
        .collect()
}

fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.unwrap().install(work)
}

/// A batch of so many operations and fee slots of each section in a tree of the shape's levels; everyone pays account by account.
fn batch(shape: &Shape, slots: impl Fn(Section) -> u32) -> AppliedBatch {
    let leaves = (0..8).map(|i| (AccountIndex(i), leaf(i, START, 0, 1)));
    let state = MemoryState::genesis(shape.levels, leaves.collect()).unwrap();
    let half = 1u32 << (2 * u32::from(shape.levels) - 1);
    let mut nonces = [0; 8];
    let mut operations = Operations::default();
    for i in 0..slots(Section::Priority) {
        let request = if i % 2 == 0 {
            Priority::Deposit(deposit(half + i, 50))
        } else {
            // Of an account that is not there: a failure has a witness too.
            Priority::ForcedExit(forced_exit(half + 3 + i))
        };
        operations.push(request.into());
    }
    for (kind, section) in [
        (Kind::Opening, Section::Openings),
        (Kind::Transfer, Section::Transfers),
        (Kind::Withdrawal, Section::Withdrawals),
        (Kind::Rotation, Section::Rotations),
    ] {
        for i in 0..slots(section) {
            let from = if kind == Kind::Rotation { i % 4 } else { 4 + i % 4 };
            let mut draft = Draft::new(kind).nonce(nonces[from as usize]);
            (draft.from, draft.to) = (from, (from + 3) % 8);
            if kind == Kind::Opening {
                draft.to = if half > 8 + i { 8 + i } else { half };
            }
            nonces[from as usize] += 1;
            operations.push(Operation::Signed(draft.sign()));
        }
    }
    operations.fees = (0..slots(Section::Fees)).map(|i| fee_slot(i, 1)).collect();
    let mut overlay = Overlay::new(&state).unwrap();
    apply_batch(&mut overlay, &context(), &operations).unwrap()
}

#[test]
fn slots_side_by_side_equal_slots_in_order() {
    let four_levels = Shape { levels: 4, ..SMALL };
    for shape in &[four_levels, SHAPES[0], SHAPES[1], SHAPES[2]] {
        let full = |section| shape.slots(section);
        let less = |section| full(section).saturating_sub(u32::from(section != Section::Fees));
        let one = |section| full(section).min(1);
        let none = |_| 0;
        let fillings: [&dyn Fn(Section) -> u32; 4] = [&full, &less, &one, &none];
        for slots in fillings {
            let batch = batch(shape, slots);
            let witness = BatchWitness::new(shape, &batch).unwrap();
            let reference = assign(shape, &KEY_ID, &batch).unwrap();
            let inputs = [reference[1], reference[2], reference[3]];
            let expected = bytes(&in_order(shape, &inputs, &witness));
            assert_eq!(bytes(&reference), expected, "{}", shape.name());
            let mut used = vec![Fr::from(9u64); 1000 * expected.len() / (32 * 999)];
            assign_into(shape, &KEY_ID, &batch, &mut used).unwrap();
            assert!(bytes(&used) == expected, "{} in used memory", shape.name());
            for threads in [1, 2, 3, 7] {
                let values = with_threads(threads, || assign_witness(shape, &inputs, &witness));
                assert!(bytes(&values) == expected, "{}, {threads} threads", shape.name());
            }
        }
    }
}

/// Hints that no batch can have: divisions by zero, points off the curve, values out of their ranges.
#[test]
fn wrong_hints_are_filled_in_alike() {
    let (_, batch) = example();
    let honest = BatchWitness::new(&SMALL, &batch).unwrap();
    let changes: [fn(&mut BatchWitness); 10] = [
        |w| w.transfers[0].signer.leaf.owner = Fr::from(0u64),
        |w| w.transfers[1].signer.leaf.key = [Fr::from(0u64), Fr::from(1u64)],
        |w| w.withdrawals[0].signer.leaf.key = [Fr::from(3u64), Fr::from(4u64)],
        |w| w.openings[0].signer.leaf.nonce = Fr::from(u32::MAX),
        |w| w.openings[0].owner = Fr::from(0u64),
        |w| w.rotations[0].key = [Fr::from(0u64), Fr::from(1u64)],
        |w| w.priority[0].key = [Fr::from(3u64), Fr::from(4u64)],
        |w| w.priority[0].done = Fr::from(0u64),
        |w| w.transfers[2].amount = -Fr::ONE,
        |w| w.rotations[0].signer.s = [u64::MAX; 4],
    ];
    for change in changes {
        let mut witness = honest.clone();
        change(&mut witness);
        let inputs = [Fr::ONE; 3];
        let expected = in_order(&SMALL, &inputs, &witness);
        let values = with_threads(3, || assign_witness(&SMALL, &inputs, &witness));
        assert_eq!(values, expected);
        assert!(SMALL_CIRCUIT.first_unsatisfied(&values).is_some());
    }
}
