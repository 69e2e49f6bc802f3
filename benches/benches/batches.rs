//! Whole batches on their way to a proof: executed, assigned, and put through the matrices.

use std::num::NonZeroUsize;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use quittance_benches::batches::Scene;
use quittance_circuits::batch::AppliedBatch;
use quittance_circuits::circuit::{NUM_INSTANCE, assign, circuit};
use quittance_circuits::shapes::SHAPES;
use quittance_engine::{Engine, MatrixName, R1cs};
use quittance_verifier::{KeyId, Shape};

fn main() {
    divan::main();
}

/// Transfers in the smallest shipped shapes.
const SIZES: [u32; 3] = [2, 5, 10];

/// Threads by which the wait for a witness is measured.
const THREADS: [usize; 3] = [1, 2, 4];

const KEY_ID: KeyId = KeyId([7; 32]);

fn fixture(transfers: u32) -> Option<(Shape, Scene, AppliedBatch)> {
    let wanted = |shape: &Shape| shape.transfers == transfers && shape.openings == 0;
    let shape = SHAPES.into_iter().find(wanted)?;
    let scene = Scene::new(&shape)?;
    let applied = scene.apply()?;
    Some((shape, scene, applied))
}

/// The native rules, signatures included.
#[divan::bench(args = SIZES)]
fn execute(bencher: Bencher, transfers: u32) {
    let Some((_, scene, _)) = fixture(transfers) else {
        return;
    };
    bencher
        .counter(ItemsCount::new(transfers))
        .bench(|| black_box(&scene).apply());
}

/// Every variable of the circuit, on one thread: the work.
#[divan::bench(args = SIZES)]
fn witness(bencher: Bencher, transfers: u32) {
    let Some((shape, _, applied)) = fixture(transfers) else {
        return;
    };
    witness_with(bencher, &shape, &applied, 1);
}

/// Every kind of operation: the smallest mixed shape, full.
#[divan::bench]
fn execute_every_kind(bencher: Bencher) {
    let Some((_, scene, _)) = mixed() else {
        return;
    };
    bencher
        .counter(ItemsCount::new(scene.operations()))
        .bench(|| black_box(&scene).apply());
}

/// Every variable of that circuit, on one thread.
#[divan::bench]
fn witness_of_every_kind(bencher: Bencher) {
    let Some((shape, _, applied)) = mixed() else {
        return;
    };
    witness_with(bencher, &shape, &applied, 1);
}

fn mixed() -> Option<(Shape, Scene, AppliedBatch)> {
    let shape = SHAPES.into_iter().find(|shape| shape.openings > 0)?;
    let scene = Scene::new(&shape)?;
    let applied = scene.apply()?;
    Some((shape, scene, applied))
}

/// The witness of 43 transfers, a million constraints, by threads: the wait.
#[divan::bench(args = THREADS)]
fn witness_of_43_transfers(bencher: Bencher, threads: usize) {
    let Some((shape, _, applied)) = fixture(43) else {
        return;
    };
    witness_with(bencher, &shape, &applied, threads);
}

fn witness_with(bencher: Bencher, shape: &Shape, applied: &AppliedBatch, threads: usize) {
    let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
    let Ok(engine) = Engine::new(threads) else {
        return;
    };
    bencher
        .counter(ItemsCount::new(shape.transfers))
        .bench(|| engine.install(|| assign(shape, &KEY_ID, black_box(applied))));
}

/// The rows of A, B and C, on the threads of the global pool.
#[divan::bench(args = SIZES)]
fn matrix_rows(bencher: Bencher, transfers: u32) {
    let Some((shape, _, applied)) = fixture(transfers) else {
        return;
    };
    let Ok(assignment) = assign(&shape, &KEY_ID, &applied) else {
        return;
    };
    let structure = circuit(&shape);
    let rows = structure.num_constraints();
    let abc = [structure.a, structure.b, structure.c];
    let Ok(matrices) = R1cs::from_matrices(&abc, NUM_INSTANCE, structure.num_witness) else {
        return;
    };
    bencher
        .counter(ItemsCount::new(rows))
        .bench(|| MatrixName::ALL.map(|name| matrices.evaluate(name, black_box(&assignment))));
}
