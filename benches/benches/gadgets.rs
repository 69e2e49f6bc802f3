//! Values of the gadgets' variables: what each gadget costs when a witness is made.

use ark_bn254::Fr;
use divan::{Bencher, black_box};
use quittance_benches::array;
use quittance_circuits::hash::constraints::{HashGadget, PoseidonGadget};
use quittance_circuits::r1cs::{Assignment, ConstraintSystem, FieldVar};
use quittance_circuits::range;

fn main() {
    divan::main();
}

fn witness<const N: usize>(cs: &mut Assignment, seed: u64) -> [FieldVar<()>; N] {
    array(seed).map(|value| cs.witness(value))
}

/// One level of a path, old and new node together.
#[divan::bench]
fn node_update() -> usize {
    let mut cs = Assignment::new(&[]);
    let position = [range::new_bit(&mut cs, true), range::new_bit(&mut cs, false)];
    let [old, new] = witness(&mut cs, 21);
    PoseidonGadget::node_update(
        &mut cs,
        [&position[0], &position[1]],
        [&old, &new],
        black_box(&array(22)),
    );
    cs.len()
}

#[divan::bench]
fn message() -> usize {
    let mut cs = Assignment::new(&[]);
    let [rollup_id, word] = witness(&mut cs, black_box(23));
    let prefix = PoseidonGadget::message_prefix(&mut cs, &rollup_id);
    PoseidonGadget::message(&mut cs, &prefix, &word, None);
    cs.len()
}

#[divan::bench]
fn challenge() -> usize {
    let mut cs = Assignment::new(&[]);
    let inputs = witness(&mut cs, black_box(24));
    PoseidonGadget::challenge(&mut cs, &inputs);
    cs.len()
}

/// The statement sponge over 64 elements.
#[divan::bench]
fn statement() -> usize {
    let mut cs = Assignment::new(&[]);
    let elements: [_; 64] = witness(&mut cs, black_box(25));
    PoseidonGadget::sponge(&mut cs, &elements);
    cs.len()
}

/// 128 bits of a balance.
#[divan::bench]
fn range_128(bencher: Bencher) {
    let balance = Fr::from(u128::MAX);
    bencher.bench(|| {
        let mut cs = Assignment::new(&[]);
        let value = cs.witness(black_box(balance));
        range::enforce_range(&mut cs, &value, 128);
        cs.len()
    });
}
