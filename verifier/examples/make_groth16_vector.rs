//! Makes `tests/vectors/groth16.json`: a key and a bundle whose proof ark-groth16 made for a small real circuit.
//!
//! Usage: `cargo run -p quittance-verifier --features cli --example make_groth16_vector > FILE`

#![expect(clippy::unwrap_used, reason = "a script fails by panicking")]

#[expect(dead_code, reason = "tests use the rest")]
#[path = "../tests/support/simulator.rs"]
mod simulator;
#[path = "../tests/support/toy.rs"]
mod toy;

use std::io::Write;

use quittance_verifier::encoding::{fr_to_bytes_be, to_hex};
use quittance_verifier::{DevelopmentKeys, Verifier, json};

fn main() {
    let (key, bundle) = toy::prove(20_261_121, simulator::full_facts(7, "p4o1t5w1r1f1"));
    let verifier = Verifier::new(&key, DevelopmentKeys::Accept).unwrap();
    verifier.verify(&bundle).unwrap();
    let [h, z, y] = verifier
        .public_inputs(&bundle)
        .unwrap()
        .map(|input| to_hex(&fr_to_bytes_be(&input)));
    let json: serde_json::Value = serde_json::from_str(&json::to_json(&bundle).unwrap()).unwrap();
    let vector = serde_json::json!({
        "about": "made by examples/make_groth16_vector.rs: ark-groth16 0.6, default reduction, a toy circuit",
        "shape": key.shape().name(),
        "verifying_key": to_hex(&key.to_bytes()),
        "key_id": key.key_id().to_string(),
        "h": h, "z": z, "y": y,
        "proof": to_hex(&bundle.proof.to_bytes()),
        "bundle": to_hex(&bundle.to_bytes().unwrap()),
        "json": json,
    });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{vector:#}").unwrap();
}
