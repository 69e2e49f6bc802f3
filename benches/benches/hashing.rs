//! Native Poseidon in each of its uses, and what the account tree makes of it.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use quittance_benches::{array, elements};
use quittance_circuits::hash::{FieldHasher, RulesHasher};
use quittance_circuits::poseidon;

fn main() {
    divan::main();
}

#[divan::bench]
fn node(bencher: Bencher) {
    let children = array(1);
    bencher.bench(|| RulesHasher::node(black_box(&children)));
}

#[divan::bench]
fn leaf(bencher: Bencher) {
    let inputs = array(2);
    bencher.bench(|| RulesHasher::leaf(black_box(&inputs)));
}

#[divan::bench]
fn message(bencher: Bencher) {
    let words = array(3);
    bencher.bench(|| RulesHasher::message(black_box(&words)));
}

#[divan::bench]
fn challenge(bencher: Bencher) {
    let inputs = array(4);
    bencher.bench(|| RulesHasher::challenge(black_box(&inputs)));
}

/// The statement hash of 8, 64 and 512 elements; 16 go through one permutation.
#[divan::bench(args = [8, 64, 512])]
fn statement(bencher: Bencher, length: usize) {
    let input: Vec<_> = elements(5).take(length).collect();
    bencher
        .counter(ItemsCount::new(length))
        .bench(|| RulesHasher::statement(black_box(&input)));
}

/// The bare permutation by width.
#[divan::bench(args = [2, 3, 5, 9, 17])]
fn permutation(bencher: Bencher, width: usize) {
    let state: Vec<_> = elements(6).take(width).collect();
    bencher
        .with_inputs(|| state.clone())
        .bench_local_refs(|state| poseidon::permute(state));
}
