//! Verification of bundles: one by one, and many with one product of pairings. Divide the time by the items.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use quittance_benches::proofs::Forge;
use quittance_verifier::{Bundle, Proof, Shape, Verifier, VerifyingKey, verify_batch};

fn main() {
    divan::main();
}

const SHAPE: Shape = Shape::transfers_only(16, 8, 1);

fn fixture(count: u32) -> Option<(Forge, Verifier, Vec<Bundle>)> {
    let forge = Forge::new(SHAPE)?;
    let verifier = forge.verifier()?;
    let bundles = (1..=count)
        .map(|seed| forge.bundle(seed))
        .collect::<Option<_>>()?;
    Some((forge, verifier, bundles))
}

/// Each bundle by itself.
#[divan::bench(args = [1, 64])]
fn single(bencher: Bencher, count: u32) {
    let Some((_, verifier, bundles)) = fixture(count) else {
        return;
    };
    bencher.counter(ItemsCount::new(count)).bench(|| {
        bundles
            .iter()
            .all(|bundle| verifier.verify(black_box(bundle)).is_ok())
    });
}

/// All bundles of one key together.
#[divan::bench(args = [1, 8, 64])]
fn batch(bencher: Bencher, count: u32) {
    let Some((_, verifier, bundles)) = fixture(count) else {
        return;
    };
    let items: Vec<_> = bundles.iter().map(|bundle| (&verifier, bundle)).collect();
    bencher
        .counter(ItemsCount::new(count))
        .bench(|| verify_batch(black_box(&items)).is_ok());
}

/// Decoding a proof: coordinates, curves, subgroups.
#[divan::bench]
fn decode_proof(bencher: Bencher) {
    let Some((_, _, bundles)) = fixture(1) else {
        return;
    };
    let bytes = bundles[0].proof.to_bytes();
    bencher.bench(|| Proof::from_bytes(black_box(&bytes)));
}

/// Decoding a verifying key.
#[divan::bench]
fn decode_key(bencher: Bencher) {
    let Some((forge, _, _)) = fixture(1) else {
        return;
    };
    let bytes = forge.key().to_bytes();
    bencher.bench(|| VerifyingKey::from_bytes(black_box(&bytes)));
}
