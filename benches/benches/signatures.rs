//! Native EdDSA-Poseidon: what the service pays for each transfer before any proving.

use ark_bn254::Fr;
use divan::{Bencher, black_box};
use quittance_benches::array;
use quittance_circuits::eddsa::{self, SecretKey};

fn main() {
    divan::main();
}

fn fixture() -> (SecretKey, Fr) {
    let [message] = array(11);
    (SecretKey::from_bytes(&[7; 32]), message)
}

#[divan::bench]
fn derive_key() -> SecretKey {
    SecretKey::from_bytes(black_box(&[7; 32]))
}

#[divan::bench]
fn sign(bencher: Bencher) {
    let (secret, message) = fixture();
    bencher.bench(|| secret.sign(black_box(&message)));
}

#[divan::bench]
fn verify(bencher: Bencher) {
    let (secret, message) = fixture();
    let key = secret.public_key();
    let signature = secret.sign(&message);
    bencher.bench(|| eddsa::verify(black_box(&key), black_box(&message), black_box(&signature)));
}
