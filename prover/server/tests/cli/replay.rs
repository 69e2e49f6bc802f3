//! `quittance replay` and `quittance exit`: the state and a proof out of it, from genesis and bundles alone.

use std::path::Path;

use quittance_verifier::{DevelopmentKeys, ExitBundle, ExitVerifier, ExitVerifyingKey};
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{KEYS, Ran, SHAPE, Served, genesis, run, with};

fn transfer(served: &Served, path: &Path, [from, to, nonce]: [&str; 3]) {
    let secret = format!("{from}.secret");
    let sign = [
        "sign", "transfer", "--secret", &secret, "--from", from, "--to", to, "--amount", "5", "--fee", "1",
        "--nonce", nonce,
    ];
    let signed = served.run(path, &sign).ok();
    std::fs::write(path.join("transfer.json"), signed).unwrap();
    served.run(path, &["submit", "transfer.json", "--wait"]).ok();
}

/// Three batches and their bundles, the second as JSON; the store is gone. Gives the last root, too.
fn history() -> (TempDir, String) {
    let directory = genesis();
    let path = directory.path();
    let served = Served::start(path);
    for sent in [["0", "1", "0"], ["1", "0", "0"], ["0", "2", "1"]] {
        transfer(&served, path, sent);
    }
    std::fs::create_dir(path.join("bundles")).unwrap();
    for (number, format) in [("1", &[][..]), ("2", &["--json"]), ("3", &[])] {
        let file = format!("bundles/{number}.bundle");
        let proof = with(&["proof", number, "--output", &file], format);
        served.run(path, &proof).ok();
    }
    let state: Value = serde_json::from_str(&served.run(path, &["--json", "state"]).ok()).unwrap();
    assert_eq!(served.terminate(), Some(0));
    std::fs::remove_dir_all(path.join("store")).unwrap();
    (directory, state["root"].as_str().unwrap().to_owned())
}

fn verifying_key(name: &str) -> String {
    let path = KEYS.path().join(name).join("verifying.key");
    path.to_str().unwrap().to_owned()
}

/// The command over a history, with this genesis, these bundles, and more arguments.
fn over(path: &Path, command: &str, genesis: &str, bundles: &[&str], more: &[&str]) -> Ran {
    let key = verifying_key(SHAPE);
    let start = [
        command,
        "--genesis",
        genesis,
        "--vk",
        &key,
        "--allow-development-keys",
    ];
    run(path, &with(&with(&start, more), bundles))
}

#[test]
fn a_history_is_rebuilt_and_an_account_is_proved_out_of_it() {
    let (directory, root) = history();
    let path = directory.path();
    let replay = |more: &[&str]| over(path, "replay", "accounts.csv", &["bundles"], more);
    let text = replay(&[]).ok();
    assert_eq!(
        text,
        format!(
            "3 batches, 3 accounts: every root matches up to batch 3, state root {root}, compare it with the root chain's, \
             or give that with --root: bundles may be missing after it\n"
        )
    );
    let value: Value = serde_json::from_str(&replay(&["--json", "--state", "state.json"]).ok()).unwrap();
    assert_eq!(
        (&value["batches"], &value["root"], &value["end_expected"]),
        (&3.into(), &root.clone().into(), &false.into())
    );
    let state: Value = serde_json::from_slice(&std::fs::read(path.join("state.json")).unwrap()).unwrap();
    let balances: Vec<&str> = (0..3).map(|i| state[i]["balance"].as_str().unwrap()).collect();
    assert_eq!(balances, ["999993", "999999", "1000008"]);
    assert_eq!(state[0]["nonce"], 2);
    replay(&["--state", "state.json"]).fails(2, &["state.json", "never overwritten"]);
    // Files, in any order, are as good as a directory.
    let files = ["bundles/3.bundle", "bundles/1.bundle", "bundles/2.bundle"];
    assert_eq!(over(path, "replay", "accounts.csv", &files, &[]).ok(), text);

    let keys = KEYS.path().to_str().unwrap();
    let exit = |account: &str, file: &str, keys: &str| {
        let more = ["--account", account, "--keys", keys, "--output", file];
        over(path, "exit", "accounts.csv", &["bundles"], &more)
    };
    exit("1", "1.exit", path.to_str().unwrap())
        .fails(2, &["no key for shape exitl2", "quittance setup --shape exitl2"]);
    run(path, &["setup", "--shape", "exitl2", "--keys", keys]).ok();
    let said = exit("1", "1.exit", keys).ok();
    assert!(
        said.starts_with(
            "1.exit: account 1 holds 999999 of token 1 for 0x0000000000000000000000000000000000000002"
        ),
        "{said}"
    );
    let bundle = ExitBundle::from_bytes(&std::fs::read(path.join("1.exit")).unwrap()).unwrap();
    let key = std::fs::read(verifying_key("exitl2")).unwrap();
    let key = ExitVerifyingKey::from_bytes(&key).unwrap();
    let verifier = ExitVerifier::new(&key, DevelopmentKeys::Accept).unwrap();
    assert_eq!(verifier.verify(&bundle), Ok(()));
    // S48: another owner, another amount.
    for change in [
        |b: &mut ExitBundle| b.facts.owner[0] ^= 1,
        |b: &mut ExitBundle| b.facts.balance += 1,
    ] {
        let mut bundle = bundle.clone();
        change(&mut bundle);
        assert!(verifier.verify(&bundle).is_err());
    }
    exit("3", "3.exit", keys).fails(1, &["account_exists: account 3 does not exist"]);
    exit("16", "3.exit", keys).fails(1, &["account_in_range"]);
    assert!(!path.join("3.exit").exists());

    // What does not fit is named.
    let replayed = |bundles: &[&str]| over(path, "replay", "accounts.csv", bundles, &[]);
    replayed(&files[..2]).fails(
        1,
        &["bundles/3.bundle", "batch 3 where batch 2 belongs", "each once"],
    );
    replayed(&["bundles", "bundles/1.bundle"]).fails(1, &["batch 1 where batch 2 belongs"]);
    replayed(&["1.exit"]).fails(1, &["1.exit: ", "came whole"]);
    replayed(&["nothing.bundle"]).fails(2, &["nothing.bundle", "check the path"]);
    std::fs::create_dir(path.join("empty")).unwrap();
    replayed(&["empty"]).fails(2, &["there is no bundle"]);
    let accounts = std::fs::read_to_string(path.join("accounts.csv")).unwrap();
    std::fs::write(path.join("other.csv"), accounts.replacen("1000000", "1000001", 1)).unwrap();
    over(path, "replay", "other.csv", &["bundles"], &[]).fails(
        1,
        &[
            "batch 1 starts from root 0x",
            "the state before it has root 0x",
            "genesis",
        ],
    );
    damaged(path);
    truncated(path, keys, &root);
    looked_at_first(path, keys);
    let key = verifying_key(SHAPE);
    run(
        path,
        &["replay", "--genesis", "accounts.csv", "--vk", &key, "bundles"],
    )
    .fails(1, &["development key", "--allow-development-keys"]);
    // A proof of other facts.
    let mut bytes = std::fs::read(path.join("bundles/1.bundle")).unwrap();
    let length = bytes.len();
    bytes[length - 256 - 32 - 1] ^= 1;
    std::fs::write(path.join("forged.bundle"), bytes).unwrap();
    replayed(&["forged.bundle"]).fails(1, &["forged.bundle", "do not rely on it"]);
}

/// A file that is there and is not what it should be is refused; one that is not there is misuse.
fn damaged(path: &Path) {
    let replayed = |bundle: &str| over(path, "replay", "accounts.csv", &[bundle], &[]);
    let binary = std::fs::read(path.join("bundles/1.bundle")).unwrap();
    let text = std::fs::read(path.join("bundles/2.bundle")).unwrap();
    let mut other_magic = binary.clone();
    other_magic[0] ^= 1;
    for (damage, words) in [
        (&binary[..binary.len() - 1], ""),
        (&other_magic, ""),
        (b"", ""),
        (&text[..text.len() / 2], "EOF"),
        (b"{}", "missing field"),
    ] {
        std::fs::write(path.join("damaged"), damage).unwrap();
        replayed("damaged").fails(1, &["damaged: ", words, "came whole"]);
    }
    std::fs::remove_file(path.join("damaged")).unwrap();
    replayed("damaged").fails(2, &["cannot read damaged", "check the path"]);
    std::fs::write(path.join("no.key"), b"none").unwrap();
    let wrong = ["replay", "--genesis", "accounts.csv", "--vk", "no.key", "bundles"];
    run(path, &wrong).fails(1, &["no.key is no verifying key"]);
}

/// A history that ends before, or after, where it is expected to is refused, however well its roots match.
fn truncated(path: &Path, keys: &str, root: &str) {
    let files = ["bundles/1.bundle", "bundles/2.bundle", "bundles/3.bundle"];
    let replay = |files: &[&str], more: &[&str]| over(path, "replay", "accounts.csv", files, more);
    let early = replay(&files[..2], &["--json"]).ok();
    let early: Value = serde_json::from_str(&early).unwrap();
    let early = early["root"].as_str().unwrap();
    for (more, words) in [
        (
            &["--root", root][..],
            [&format!("{root} is expected")[..], "after it"],
        ),
        (&["--batches", "3"], ["3 batches are expected", "after it"]),
        (
            &["--root", early, "--batches", "3"],
            ["3 batches are expected", "after it"],
        ),
    ] {
        let ends = format!("ends with batch 2 and root {early}");
        replay(&files[..2], more).fails(1, &[&ends, words[0], words[1]]);
        let exit = with(
            &["--account", "1", "--keys", keys, "--output", "early.exit"],
            more,
        );
        over(path, "exit", "accounts.csv", &files[..2], &exit).fails(1, &[&ends, words[0]]);
        assert!(!path.join("early.exit").exists());
    }
    let more = &["--root", early];
    replay(&files, more).fails(1, &["ends with batch 3", "that of batch 2", "later batches"]);
    replay(&files, &["--batches", "2"]).fails(1, &["2 batches are expected", "later batches"]);
    let ran = replay(&files, &["--root", "0x12"]);
    assert!(
        ran.code == Some(2) && ran.err.contains("64 hex digits"),
        "{ran:?}"
    );
    let both = ["--root", root, "--batches", "3", "--json"];
    let value: Value = serde_json::from_str(&replay(&files, &both).ok()).unwrap();
    assert_eq!(value["end_expected"], true);
    let [right, wrong] = ["0", "1"].map(|digit| format!("0x{}{digit}", "0".repeat(63)));
    replay(&files, &["--queue", &right]).ok();
    let ends = format!("queue is {right}, {wrong} is expected");
    replay(&files, &["--queue", &wrong]).fails(1, &["ends with batch 3", &ends]);
    let text = replay(&files, &both[..2]).ok();
    assert!(
        text.ends_with(&format!("up to batch 3, state root {root}, the expected one\n")),
        "{text}"
    );
    let text = replay(&files, &both[2..4]).ok();
    assert!(text.ends_with("after the expected number of batches\n"), "{text}");
}

/// What needs no history is looked at before it: whether the output is new, and the key for a proof.
fn looked_at_first(path: &Path, keys: &str) {
    let nothing = |command: &str, more: &[&str]| over(path, command, "nowhere.csv", &["nothing"], more);
    let taken = ["cannot write accounts.csv", "exists"];
    nothing("replay", &["--state", "accounts.csv"]).fails(2, &taken);
    let exit =
        |keys: &str, output: &str| nothing("exit", &["--account", "1", "--keys", keys, "--output", output]);
    exit(keys, "accounts.csv").fails(2, &taken);
    exit("no-keys", "new.exit").fails(2, &["no-keys", "exit"]);
    exit(keys, "new.exit").fails(2, &["nowhere.csv"]);
    let mut directories = std::fs::read_dir(keys)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let is_exit = |path: &Path| path.file_name().unwrap().to_str().unwrap().starts_with("exit");
    let directory = directories.find(|path| is_exit(path)).unwrap();
    let key = directory.join("verifying.key").display().to_string();
    let wrong = ["replay", "--genesis", "accounts.csv", "--vk", &key, "bundles"];
    run(path, &wrong).fails(
        1,
        &[
            "is the verifying key of the exit circuit",
            "of the batches' shape",
        ],
    );
}
