//! Exit bundles, and keys and bundles of the other circuit in their place.

use std::path::Path;

use quittance_verifier::encoding::{fr_to_bytes_be, to_hex};
use quittance_verifier::*;
use serde_json::Value;

use super::{Files, run, setup};
use crate::simulator::{ExitSimulator, exit_facts};

struct Setup {
    files: Files,
    simulator: ExitSimulator,
    bundle: ExitBundle,
    vk: String,
    file: String,
}

fn exits(provenance: Provenance) -> Setup {
    let files = Files::new();
    let simulator = ExitSimulator::new(1, provenance);
    let bundle = simulator.bundle(exit_facts(1), 1);
    let vk = files.write("vk", simulator.key.to_bytes());
    let file = files.write("exit", bundle.to_bytes().unwrap());
    Setup {
        files,
        simulator,
        bundle,
        vk,
        file,
    }
}

fn exit_line(bundle: &ExitBundle) -> String {
    let facts = &bundle.facts;
    format!(
        "exit of leaf {}, {} of token {} to {}, root {}\n",
        facts.leaf,
        facts.balance,
        facts.token,
        to_hex(&facts.owner),
        to_hex(&fr_to_bytes_be(&facts.root))
    )
}

#[test]
fn exits_binary_and_json() {
    let Setup {
        files,
        simulator,
        bundle,
        vk,
        file,
    } = exits(Provenance::Ceremony);
    let text = files.write("text", format!(" \n{}", json::exit_to_json(&bundle).unwrap()));
    for file in [&file, &text] {
        assert_eq!(
            run(&["--vk", &vk, file]),
            (0, format!("verified: {}", exit_line(&bundle)), String::new())
        );
    }
    let other = simulator.bundle(exit_facts(2), 2);
    let other = files.write("other", other.to_bytes().unwrap());
    let (code, line, _) = run(&["--vk", &vk, &file, &other]);
    assert_eq!((code, line.as_str()), (0, "verified: 2 exits\n"));

    let (code, line, _) = run(&["--json", "--vk", &vk, &file, &other]);
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((code, &value["status"]), (0, &"verified".into()));
    let [exit, _] = value["exits"].as_array().unwrap().as_slice() else {
        panic!("{line}")
    };
    assert_eq!(exit["leaf"], bundle.facts.leaf);
    assert_eq!(exit["balance"], bundle.facts.balance.to_string());
    assert_eq!(exit["owner"], to_hex(&bundle.facts.owner));
    assert_eq!(exit["token"], bundle.facts.token);
    assert_eq!(exit["root"], to_hex(&fr_to_bytes_be(&bundle.facts.root)));
}

#[test]
fn s48_exit_to_another_owner_is_invalid() {
    let Setup {
        files,
        bundle,
        vk,
        file,
        ..
    } = exits(Provenance::Ceremony);
    let mut forged = bundle;
    forged.facts.owner = [7; 20];
    let forged = files.write("forged", forged.to_bytes().unwrap());
    let (code, line, details) = run(&["--vk", &vk, &file, &forged]);
    assert_eq!(
        (code, line.as_str()),
        (1, "invalid: proof does not prove this statement\n")
    );
    assert!(details.starts_with(&forged), "{details}");
}

#[test]
fn s33_exit_development_key_needs_the_flag() {
    let Setup {
        files: _files,
        bundle,
        vk,
        file,
        ..
    } = exits(Provenance::Development);
    let (code, line, details) = run(&["--vk", &vk, &file]);
    assert_eq!(code, 1);
    assert!(line.contains("is a development key"), "{line}");
    assert!(details.contains("--allow-development-key"), "{details}");
    let (code, line, details) = run(&["--vk", &vk, "--allow-development-key", &file]);
    assert_eq!((code, line), (0, format!("verified: {}", exit_line(&bundle))));
    assert!(
        details.starts_with("note: a development key was allowed"),
        "{details}"
    );
}

#[test]
fn s30_keys_and_bundles_of_the_other_circuit() {
    let Setup {
        files,
        simulator,
        bundle,
        vk,
        file,
    } = exits(Provenance::Ceremony);
    let batches = setup(Provenance::Ceremony);
    let batch = files.write("batch", batches.bundle.to_bytes().unwrap());
    let batch_vk = &batches.vk;
    for (vk, file, got, expected) in [
        (&vk, &batch, batches.bundle.key_id, simulator.key.key_id()),
        (batch_vk, &file, bundle.key_id, batches.bundle.key_id),
    ] {
        let mismatch = format!("bundle is for key {got}, not for the given verifying key {expected}\n");
        let (code, line, details) = run(&["--vk", vk, file]);
        assert_eq!((code, line), (1, format!("invalid: {mismatch}")));
        assert!(details.contains("with --vk"), "{details}");
        let output = files.path("output");
        let (code, line, _) = run(&["export", "--vk", vk, file, "--output", &output]);
        assert_eq!((code, line), (1, format!("invalid: {mismatch}")));
        assert!(!Path::new(&output).exists());
    }
    // With both keys given, batches and exits are still told apart.
    let (code, line, details) = run(&["--vk", &vk, "--vk", batch_vk, &batch, &file]);
    assert_eq!(
        (code, line.as_str()),
        (
            2,
            "unreadable: an exit among batches: verify exits by themselves\n"
        )
    );
    assert!(details.starts_with(&file), "{details}");
    assert!(
        details.contains("\nnext:  run the command once for batches and once for exits"),
        "{details}"
    );
    assert_eq!(run(&["--vk", &vk, "--vk", batch_vk, &batch]).0, 0);
    assert_eq!(run(&["--vk", batch_vk, "--vk", &vk, &file]).0, 0);
    for option in [&["--chain"][..], &["--queue", &to_hex(&EMPTY_QUEUE)]] {
        let (code, line, _) = run(&[&["--vk", &vk, &file], option].concat());
        assert_eq!(
            (code, line.as_str()),
            (2, "unreadable: an exit: --chain and --queue are for batches\n")
        );
    }
}

#[test]
fn s02_exits_that_are_none() {
    let Setup {
        files,
        simulator,
        bundle,
        vk,
        ..
    } = exits(Provenance::Ceremony);
    let valid = bundle.to_bytes().unwrap();
    let text = json::exit_to_json(&bundle).unwrap();
    for (name, bytes, expected) in [
        ("cut", valid[..100].to_vec(), "input ends inside root"),
        (
            "padded",
            [&valid[..], &[0]].concat(),
            "1 bytes follow the encoded value",
        ),
        (
            "extended",
            text.replacen('{', "{\"a\": 1,", 1).into_bytes(),
            "text is not a JSON bundle",
        ),
        (
            "version",
            text.replacen(": 1", ": 2", 1).into_bytes(),
            "a field of the JSON bundle is not acceptable: format version 2 is not 1",
        ),
    ] {
        let file = files.write(name, bytes);
        let (code, line, _) = run(&["--vk", &vk, &file]);
        assert_eq!(code, 2, "{name}: {line}");
        assert!(
            line.starts_with(&format!("unreadable: {expected}")),
            "{name}: {line}"
        );
    }
    let mut key = simulator.key.to_bytes();
    key.push(0);
    let long = files.write("long", key);
    let (code, line, _) = run(&["--vk", &long, &vk]);
    assert_eq!(
        (code, line.as_str()),
        (2, "unreadable: exit verifying key has 992 bytes, input has 993\n")
    );
}

#[test]
fn an_exit_becomes_files_for_snarkjs() {
    let Setup {
        files,
        simulator,
        bundle,
        vk,
        file,
    } = exits(Provenance::Ceremony);
    let output = files.path("output");
    let (code, line, _) = run(&["export", "--vk", &vk, &file, "--output", &output]);
    assert_eq!((code, line), (0, format!("exported: {}", exit_line(&bundle))));
    let public = std::fs::read(Path::new(&output).join("public.json")).unwrap();
    let public: Vec<String> = serde_json::from_slice(&public).unwrap();
    let inputs = simulator.verifier().public_inputs(&bundle).unwrap();
    assert_eq!(public, inputs.map(|input| input.to_string()));

    let second = files.path("second");
    let (code, line, _) = run(&["export", "--json", "--vk", &vk, &file, "--output", &second]);
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((code, &value["status"]), (0, &"exported".into()));
    assert_eq!(value["key_id"], bundle.key_id.to_string());
    assert_eq!(value["exits"][0]["leaf"], bundle.facts.leaf);
}
