//! The binary `quittance-verify`: exit codes, its one line, and files that are none.

mod exits;
mod export;
mod sections;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use ark_bn254::Fr;
use quittance_verifier::encoding::{fr_to_bytes_be, to_hex};
use quittance_verifier::*;
use serde_json::Value;

use crate::simulator::{Q, R, Simulator, add_be, chain, facts};

/// A directory of files that goes away with the value.
struct Files(PathBuf);

impl Files {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "verify-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quittance-verify"));
    command.args(arguments);
    command
}

/// Exit code, standard output, standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    outcome(command(arguments).output().unwrap())
}

fn outcome(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

struct Setup {
    files: Files,
    simulator: Simulator,
    bundle: Bundle,
    vk: String,
}

fn setup(provenance: Provenance) -> Setup {
    let simulator = Simulator::new(1, provenance, Shape::parse_name("t4f1").unwrap());
    let mut facts = facts(1, 3, 1);
    facts.batch_number = 7;
    let bundle = simulator.bundle(facts, 1);
    let files = Files::new();
    let vk = files.write("vk", simulator.key.to_bytes());
    Setup {
        files,
        simulator,
        bundle,
        vk,
    }
}

fn verified_line(bundle: &Bundle) -> String {
    let [old, new] =
        [&bundle.facts.old_root, &bundle.facts.new_root].map(|root| to_hex(&fr_to_bytes_be(root)));
    format!("verified: 3 transfers, batch 7, {old} -> {new}\n")
}

#[test]
fn valid_bundles_binary_json_and_standard_input() {
    let Setup {
        files, bundle, vk, ..
    } = setup(Provenance::Ceremony);
    let binary = files.write("binary", bundle.to_bytes().unwrap());
    let text = files.write("text", format!("\n\t {}", json::to_json(&bundle).unwrap()));
    for file in [&binary, &text] {
        assert_eq!(
            run(&["--vk", &vk, file]),
            (0, verified_line(&bundle), String::new())
        );
    }
    let mut child = command(&["--vk", &vk, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&bundle.to_bytes().unwrap())
        .unwrap();
    assert_eq!(
        outcome(child.wait_with_output().unwrap()),
        (0, verified_line(&bundle), String::new())
    );

    let (code, line, _) = run(&["--vk", &vk, "--json", &binary]);
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((code, line.lines().count()), (0, 1));
    assert_eq!(value["status"], "verified");
    assert_eq!(value["transfers"], 3);
    assert_eq!(
        (&value["first_batch"], &value["last_batch"]),
        (&7.into(), &7.into())
    );
    assert_eq!(value["development_key"], false);
}

#[test]
fn several_bundles_and_chains() {
    let files = Files::new();
    let simulator = Simulator::ceremony(1, "t4f1");
    let vk = files.write("vk", simulator.key.to_bytes());
    let other_vk = files.write("other", Simulator::ceremony(2, "t8f1").key.to_bytes());
    let bundles = chain(&simulator, 3);
    let paths: Vec<String> = (0..3)
        .map(|index| files.write(&index.to_string(), bundles[index].to_bytes().unwrap()))
        .collect();
    let [old, new] =
        [bundles[0].facts.old_root, bundles[2].facts.new_root].map(|root| to_hex(&fr_to_bytes_be(&root)));

    let all = format!("verified: 9 transfers, batches 1..3, {old} -> {new}\n");
    // In any order, and with a further key that no bundle needs.
    assert_eq!(
        run(&["--vk", &vk, "--chain", &paths[2], &paths[0], &paths[1]]),
        (0, all.clone(), String::new())
    );
    assert_eq!(
        run(&[
            "--vk", &other_vk, "--vk", &vk, "--chain", &paths[0], &paths[1], &paths[2]
        ]),
        (0, all, String::new())
    );
    let unchained = "verified: 6 transfers, 2 bundles, not checked as a chain\n".to_owned();
    assert_eq!(
        run(&["--vk", &vk, &paths[0], &paths[2]]),
        (0, unchained, String::new())
    );

    let (code, line, details) = run(&["--vk", &vk, "--chain", &paths[0], &paths[2]]);
    assert_eq!(
        (code, line.as_str()),
        (1, "invalid: bundle 1 is batch 3, the next batch is 2\n")
    );
    assert!(details.starts_with(&paths[2]), "{details}");

    let mut forged = bundles[1].clone();
    forged.facts.transfers[0].to ^= 1;
    let forged = files.write("forged", forged.to_bytes().unwrap());
    let (code, line, details) = run(&["--vk", &vk, &paths[0], &forged, &paths[2]]);
    assert_eq!(
        (code, line.as_str()),
        (1, "invalid: proof does not prove this statement\n")
    );
    assert!(details.starts_with(&forged), "{details}");
}

#[test]
fn s30_bundle_of_another_key_is_invalid() {
    let Setup { files, bundle, .. } = setup(Provenance::Ceremony);
    let other = files.write("other", Simulator::ceremony(2, "t4f1").key.to_bytes());
    let file = files.write("bundle", bundle.to_bytes().unwrap());
    let (code, line, _) = run(&["--vk", &other, &file]);
    assert_eq!(code, 1);
    assert!(
        line.starts_with(&format!("invalid: bundle is for key {}, not for", bundle.key_id)),
        "{line}"
    );
}

#[test]
fn s33_development_key_needs_the_flag() {
    let Setup {
        files,
        simulator,
        bundle,
        vk,
    } = setup(Provenance::Development);
    let file = files.write("bundle", bundle.to_bytes().unwrap());
    let (code, line, details) = run(&["--vk", &vk, &file]);
    let expected = format!(
        "invalid: verifying key {} is a development key: whoever made it can forge proofs\n",
        simulator.key.key_id()
    );
    assert_eq!((code, line), (1, expected));
    assert!(details.contains("--allow-development-key"), "{details}");
    let (code, line, details) = run(&["--vk", &vk, "--allow-development-key", &file]);
    assert_eq!((code, line), (0, verified_line(&bundle)));
    assert!(
        details.starts_with("note: a development key was allowed"),
        "{details}"
    );
}

#[test]
fn s01_s35_non_canonical_numbers_are_unreadable() {
    let Setup {
        files, bundle, vk, ..
    } = setup(Provenance::Ceremony);
    let valid = bundle.to_bytes().unwrap();
    let h = valid.len() - 288;
    for (at, modulus, name) in [(h, R, "h"), (80, R, "old_root"), (h + 32, Q, "proof.a")] {
        let mut bytes = valid.clone();
        bytes[at..at + 32].copy_from_slice(&add_be(&valid[at..at + 32], &modulus));
        let file = files.write("bundle", bytes);
        let line = format!("unreadable: {name} is at or above the field modulus\n");
        let (code, out, details) = run(&["--vk", &vk, &file]);
        assert_eq!((code, &out), (2, &line));
        let expected = format!("{file}{}next:  check the path", &line["unreadable".len()..]);
        assert!(details.starts_with(&expected), "{details}");
    }
}

#[test]
fn s02_files_that_are_no_bundles_or_keys() {
    let Setup {
        files, bundle, vk, ..
    } = setup(Provenance::Ceremony);
    let valid = bundle.to_bytes().unwrap();
    let good = files.write("good", &valid);
    for (name, bytes, expected) in [
        ("empty", Vec::new(), "unreadable: input ends inside magic"),
        (
            "cut",
            valid[..120].to_vec(),
            "unreadable: input ends inside new_root",
        ),
        (
            "padded",
            [&valid[..], &[0]].concat(),
            "unreadable: 1 bytes follow the encoded value",
        ),
        (
            "text",
            b"hello, world".to_vec(),
            "unreadable: input is not a proof bundle",
        ),
        (
            "json",
            b"{\"format\": 1}".to_vec(),
            "unreadable: text is not a JSON bundle: invalid type",
        ),
        (
            "control",
            b"{\"a\x1b[31m\\n\": 1}".to_vec(),
            "unreadable: text is not a JSON bundle",
        ),
        (
            "escape",
            b"{\"a\\u001b[31m\\n\": 1}".to_vec(),
            "unreadable: text is not a JSON bundle",
        ),
    ] {
        let file = files.write(name, bytes);
        let (code, line, details) = run(&["--vk", &vk, &good, &file]);
        assert_eq!((code, line.lines().count()), (2, 1), "{name}: {line}");
        assert!(line.starts_with(expected), "{name}: {line}");
        assert!(details.starts_with(&file), "{name}: {details}");
        assert!(!line.contains('\x1b'), "{name}: {line}");
    }
    let (code, line, _) = run(&["--vk", &good, &good]);
    assert_eq!(
        (
            code,
            line.starts_with("unreadable: verifying key has 992 bytes, input has")
        ),
        (2, true)
    );
    for missing in ["/nonexistent/file", files.0.to_str().unwrap()] {
        let (code, line, _) = run(&["--vk", &vk, missing]);
        assert_eq!(
            (code, line.lines().count(), line.starts_with("unreadable: ")),
            (2, 1, true),
            "{line}"
        );
        let (code, line, _) = run(&["--json", "--vk", missing, &good]);
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((code, &value["status"]), (2, &"unreadable".into()));
    }
}

#[test]
fn s38_endless_files_are_refused() {
    let Setup {
        files, bundle, vk, ..
    } = setup(Provenance::Ceremony);
    let good = files.write("good", bundle.to_bytes().unwrap());
    if Path::new("/dev/zero").exists() {
        // What starts like no bundle is not read on.
        let (code, line, _) = run(&["--vk", &vk, "/dev/zero"]);
        let expected = "unreadable: input is not a proof bundle: its first bytes are not the format's\n";
        assert_eq!((code, line.as_str()), (2, expected));
        let (code, line, _) = run(&["--vk", "/dev/zero", &good]);
        assert_eq!(
            (code, line.as_str()),
            (2, "unreadable: verifying key has 992 bytes, input has 65536\n")
        );
    }
    for magic in [Bundle::MAGIC, ExitBundle::MAGIC] {
        // A file that is long without taking room, and starts as it should.
        let path = files.path("long");
        let mut long = std::fs::File::create(&path).unwrap();
        long.write_all(&magic).unwrap();
        long.set_len((32 << 20) + 1).unwrap();
        let (code, line, _) = run(&["--vk", &vk, &path]);
        assert_eq!(
            (code, line.as_str()),
            (2, "unreadable: longer than 33554432 bytes, no bundle is\n")
        );
    }
}

#[test]
fn s38_largest_bundles_are_below_the_limits() {
    // Twice and four times an entry of the greatest values, in every section: the difference is what two more take.
    let sizes = [2, 4].map(|count| {
        let widest = Fr::from(-1);
        let key = [widest; 2];
        let mut facts = facts(1, 0, 0);
        facts.priority = vec![
            PriorityData::Deposit {
                deposit: Deposit {
                    leaf: u32::MAX,
                    token: u32::MAX,
                    amount: u128::MAX,
                    owner: [0xff; 20],
                    key,
                },
                done: false,
            };
            count
        ];
        let transfer = TransferData {
            from: u32::MAX,
            to: u32::MAX,
            amount: TransferData::MAX_AMOUNT,
            fee: u16::MAX,
        };
        facts.openings = vec![
            OpeningData {
                from: u32::MAX,
                to: u32::MAX,
                amount: TransferData::MAX_AMOUNT,
                fee: u16::MAX,
                token: u32::MAX,
                owner: [0xff; 20],
                key,
            };
            count
        ];
        facts.transfers = vec![transfer; count];
        facts.withdrawals = vec![
            WithdrawalData {
                from: u32::MAX,
                token: u32::MAX,
                amount: u128::MAX,
                fee: u16::MAX,
                address: [0xff; 20],
            };
            count
        ];
        facts.rotations = vec![
            RotationData {
                from: u32::MAX,
                fee: u16::MAX,
                owner: [0xff; 20],
                key,
            };
            count
        ];
        let bundle = Simulator::ceremony(1, "p4o4t4w4r4f64").bundle(facts, 1);
        (
            bundle.to_bytes().unwrap().len(),
            json::to_json(&bundle).unwrap().len(),
        )
    });
    let [(binary, json), (binary_4, json_4)] = sizes;
    let largest = |two: usize, four: usize| two + (four - two) * 32_768 + (64 << 10);
    let (binary, json) = (largest(binary, binary_4), largest(json, json_4));
    assert!(binary < 32 << 20, "{binary}");
    assert!(json < 256 << 20, "{json}");
}

#[test]
fn usage() {
    for arguments in [
        &[][..],
        &["--vk"],
        &["file"],
        &["--vk", "a"],
        &["--vk", "a", "b", "--unknown"],
        &["--vk", "a", "b", "--queue", "0x00"],
        &["--vk", "a", "b", "--queue", &format!("0x01{}", "00".repeat(31))],
    ] {
        let (code, out, err) = run(arguments);
        assert_eq!((code, out.lines().count()), (2, 1), "{arguments:?}");
        assert!(out.starts_with("unreadable: wrong usage: "), "{out}");
        assert!(err.starts_with("error: "), "{err}");
    }
    let (code, out, _) = run(&["--json", "--vk"]);
    assert_eq!(code, 2);
    let line: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(line["status"], "unreadable");
    let (code, out, err) = run(&["--help"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("Exit codes:"), "{out}");
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_keeps_the_verdict() {
    let Setup {
        files, bundle, vk, ..
    } = setup(Provenance::Ceremony);
    let file = files.write("bundle", bundle.to_bytes().unwrap());
    let mut forged = bundle;
    forged.facts.batch_number += 1;
    let forged = files.write("forged", forged.to_bytes().unwrap());
    for (arguments, code) in [
        (&["--vk", &vk, &file][..], 0),
        (&["--vk", &vk, &forged], 1),
        (&["--help"], 0),
    ] {
        let mut child = command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        drop(child.stderr.take());
        assert_eq!(child.wait().unwrap().code(), Some(code), "{arguments:?}");
    }
}
