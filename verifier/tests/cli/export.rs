//! `quittance-verify export`: files for snarkjs, or none.

use std::path::Path;

use quittance_verifier::*;
use serde_json::Value;

use super::{Setup, run, setup, verified_line};

const NAMES: [&str; 3] = ["verification_key.json", "public.json", "proof.json"];

fn json_of(directory: &str, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(Path::new(directory).join(name)).unwrap()).unwrap()
}

#[test]
fn a_valid_bundle_becomes_three_files() {
    let Setup {
        files,
        simulator,
        bundle,
        vk,
    } = setup(Provenance::Ceremony);
    let binary = files.write("binary", bundle.to_bytes().unwrap());
    let text = files.write("text", json::to_json(&bundle).unwrap());
    let [first, second] = ["deep/first", "second"].map(|name| files.path(name));

    let line = verified_line(&bundle).replace("verified", "exported");
    assert_eq!(
        run(&["export", "--vk", &vk, &binary, "--output", &first]),
        (0, line, String::new())
    );
    let (code, line, _) = run(&["export", "--json", "--vk", &vk, "-o", &second, &text]);
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((code, line.lines().count()), (0, 1));
    assert_eq!(value["status"], "exported");
    assert_eq!((&value["transfers"], &value["batch"]), (&3.into(), &7.into()));
    assert_eq!(value["key_id"], simulator.key.key_id().to_string());
    let listed: Vec<String> = NAMES.map(|name| format!("{second}/{name}")).to_vec();
    assert_eq!(value["files"], Value::from(listed));

    let inputs = simulator.verifier().public_inputs(&bundle).unwrap();
    for directory in [&first, &second] {
        let [key, public, proof] = NAMES.map(|name| json_of(directory, name));
        assert_eq!(
            public,
            Value::from(inputs.map(|input| input.to_string()).to_vec())
        );
        for document in [&key, &proof] {
            assert_eq!(
                (&document["protocol"], &document["curve"]),
                (&"groth16".into(), &"bn128".into())
            );
        }
        assert_eq!(
            (&key["nPublic"], key["IC"].as_array().unwrap().len()),
            (&3.into(), 4)
        );
        assert_eq!(proof["pi_b"][0][0], bundle.proof.b().x.c0.to_string());
    }
}

#[test]
fn s33_a_development_key_needs_the_flag() {
    let Setup {
        files, bundle, vk, ..
    } = setup(Provenance::Development);
    let file = files.write("bundle", bundle.to_bytes().unwrap());
    let output = files.path("output");
    let (code, line, details) = run(&["export", "--vk", &vk, &file, "--output", &output]);
    assert_eq!(
        (code, line.starts_with("invalid: verifying key 0x")),
        (1, true),
        "{line}"
    );
    assert!(details.contains("--allow-development-key"), "{details}");
    assert!(!Path::new(&output).exists());
    let (code, line, details) = run(&[
        "export",
        "--allow-development-key",
        "--vk",
        &vk,
        &file,
        "--output",
        &output,
    ]);
    assert_eq!(
        (code, line.starts_with("exported: 3 transfers")),
        (0, true),
        "{line}"
    );
    assert!(
        details.starts_with("note: a development key was allowed"),
        "{details}"
    );
}

#[test]
fn what_is_not_accepted_leaves_no_file() {
    let Setup {
        files, bundle, vk, ..
    } = setup(Provenance::Ceremony);
    let mut forged = bundle.clone();
    forged.facts.transfers[0].to ^= 1;
    let forged = files.write("forged", forged.to_bytes().unwrap());
    let cut = files.write("cut", &bundle.to_bytes().unwrap()[..120]);
    let output = files.path("output");
    for (file, expected) in [
        (&forged, (1, "invalid: proof does not prove this statement\n")),
        (
            &cut,
            (
                2,
                "unreadable: input ends inside new_root: 32 bytes needed, 8 left\n",
            ),
        ),
        (
            &vk,
            (
                2,
                "unreadable: input is not a proof bundle: its first bytes are not the format's\n",
            ),
        ),
    ] {
        let (code, line, details) = run(&["export", "--vk", &vk, file, "--output", &output]);
        assert_eq!((code, line.as_str()), expected);
        assert!(details.starts_with(file.as_str()), "{details}");
        let next = ["do not rely on it", "check the path"][usize::from(code == 2)];
        assert!(details.contains(&format!("\nnext:  {next}")), "{details}");
        assert!(!Path::new(&output).exists());
    }
}

#[test]
fn files_are_never_overwritten() {
    let Setup {
        files, bundle, vk, ..
    } = setup(Provenance::Ceremony);
    let file = files.write("bundle", bundle.to_bytes().unwrap());
    let output = files.path("output");
    std::fs::create_dir_all(&output).unwrap();
    let proof = files.write("output/proof.json", "mine");
    let (code, line, details) = run(&["export", "--vk", &vk, &file, "--output", &output]);
    assert_eq!((code, line.starts_with("unwritable: ")), (2, true), "{line}");
    assert!(
        details.starts_with(&proof) && details.contains("\nnext:  name another directory with --output"),
        "{details}"
    );
    // All files or none: those before the one that was there are gone again.
    assert_eq!(std::fs::read_to_string(&proof).unwrap(), "mine");
    assert_eq!(std::fs::read_dir(&output).unwrap().count(), 1);

    // Where no directory can be made: the bundle is a file.
    let inside = format!("{file}/deeper");
    let (code, line, details) = run(&["export", "--vk", &vk, &file, "--output", &inside]);
    assert_eq!((code, line.starts_with("unwritable: ")), (2, true), "{line}");
    assert!(
        details.starts_with(&inside)
            && details.ends_with("\nnext:  name a directory with --output in which files can be made\n"),
        "{details}"
    );
    let (code, line, _) = run(&["export", "--json", "--vk", &vk, &file, "--output", &file]);
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((code, &value["status"]), (2, &"unwritable".into()));
}

#[test]
fn usage() {
    for arguments in [
        &["export"][..],
        &["export", "--vk", "a"],
        &["export", "--vk", "a", "b"],
        &["export", "--vk", "a", "b", "c", "--output", "d"],
        &["export", "--vk", "a", "--chain", "b", "--output", "d"],
        &["--vk", "a", "export", "--output", "d"],
    ] {
        let (code, out, err) = run(arguments);
        assert_eq!((code, out.lines().count()), (2, 1), "{arguments:?}: {out}");
        assert!(out.starts_with("unreadable: wrong usage: "), "{out}");
        assert!(err.starts_with("error: "), "{err}");
    }
    let (code, out, _) = run(&["export", "--help"]);
    assert_eq!((code, out.contains("Exit codes:")), (0, true), "{out}");
    // A bundle of this name behind the key is still a bundle.
    let (code, out, _) = run(&["--vk", "/nonexistent/key", "export"]);
    assert_eq!((code, out.contains("usage")), (2, false), "{out}");
}
