//! Every kind of operation on the command line: signed, submitted, shown, proved and verified; and the root chain's queue.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use quittance_verifier::{Bundle, DevelopmentKeys, Verifier, VerifyingKey};
use serde_json::{Value, json};

use crate::harness::{MIXED, MIXED_KEYS, Served, command, genesis, run};

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn serve(directory: &Path) -> Served {
    Served::with_keys(command(directory).stderr(Stdio::null()), MIXED_KEYS.path())
}

const OWNER: &str = "0x00000000000000000000000000000000000000aa";

/// A new key in the directory; gives the public one.
fn keygen(directory: &Path, name: &str) -> String {
    run(directory, &["keygen", name]).ok().trim().to_owned()
}

#[test]
fn every_kind_is_signed_submitted_proved_and_verified() {
    let directory = genesis();
    let path = directory.path();
    let service = serve(path);
    let (opened, rotated, deposited) = (
        keygen(path, "5.secret"),
        keygen(path, "new.secret"),
        keygen(path, "8.secret"),
    );
    let call = |args: &[&str]| service.run(path, args).ok();
    let sign = |kind: &str, secret: &str, from: &str, nonce: &str, more: &[&str]| {
        let args = [
            "sign", kind, "--secret", secret, "--from", from, "--nonce", nonce, "--fee", "10",
        ];
        call(&[&args[..], more].concat())
    };

    // The root chain's part first: prepared and sent by commands.
    let deposit = call(&[
        "priority", "deposit", "--leaf", "8", "--token", "1", "--amount", "5000", "--owner", OWNER, "--key",
        &deposited,
    ]);
    fs::write(path.join("queue.json"), &deposit).unwrap();
    let said = value(&call(&["priority", "submit", "queue.json", "--append", "--json"]));
    assert_eq!(
        (&said["indices"], &said["operations"], &said["repeated"]),
        (&json!([0]), &json!([1]), &json!(0))
    );

    let operations = [
        sign(
            "open",
            "0.secret",
            "0",
            "0",
            &["--to", "5", "--amount", "700", "--key", &opened, "--owner", OWNER],
        ),
        sign(
            "transfer",
            "0.secret",
            "0",
            "1",
            &["--to", "1", "--amount", "250"],
        ),
        sign(
            "transfer",
            "5.secret",
            "5",
            "0",
            &["--to", "0", "--amount", "100"],
        ),
        sign(
            "withdraw",
            "0.secret",
            "0",
            "3",
            &["--amount", "34359738369", "--address", OWNER],
        ),
        sign(
            "withdraw",
            "0.secret",
            "0",
            "2",
            &["--amount", "12345", "--address", OWNER],
        ),
        // The nonce, and the owner, are the service's.
        call(&[
            "sign", "rotate", "--secret", "1.secret", "--from", "1", "--key", &rotated,
        ]),
    ];
    assert_eq!(value(&operations[3])["withdrawal"]["amount"], "34359738369");
    assert_eq!(
        value(&operations[5])["rotation"]["owner"],
        format!("0x{:040x}", 2)
    );
    fs::write(path.join("too_much.json"), operations[3].clone()).unwrap();
    let mixed = [0, 1, 2, 4, 5].map(|which| operations[which].clone()).concat();
    fs::write(path.join("mixed.json"), &mixed).unwrap();
    let batch = value(&call(&["submit", "mixed.json", "--wait", "--json"]));
    assert_eq!(batch["state"], "proved", "{batch}");
    assert_eq!(
        ["openings", "transfers", "withdrawals", "rotations"].map(|section| batch[section].as_u64()),
        [Some(1), Some(2), Some(1), Some(1)]
    );
    assert_eq!(batch["operations"], json!([2, 3, 4, 5, 6]));
    assert_eq!(batch["fees"], json!([{ "leaf": 2, "token": 1, "amount": "40" }]));
    // The deposit came before, and the queue goes on behind it.
    let deposit = value(&call(&["operation", "1", "--json"]));
    assert_eq!(
        (&deposit["kind"], &deposit["section"]),
        (&json!("priority"), &json!("priority"))
    );
    assert_eq!(
        deposit["outcome"],
        json!({ "done": true, "token": 1, "amount": "5000" })
    );
    assert_eq!(batch["queue_before"], said["queue_hash"]);

    let shown = call(&["operations"]);
    let lines: Vec<&str> = shown.lines().collect();
    for (line, text) in lines.iter().zip([
        "operation 1: deposit 0 of 5000 of token 1 to 8, executed in batch 1 (",
        "operation 2: opening 0 -> 5, nonce 0, executed in batch 2 (proved), openings[0]",
        "operation 3: transfer 0 -> 1, nonce 1, executed in batch 2 (proved), transfers[0]",
        "operation 4: transfer 5 -> 0, nonce 0, executed in batch 2 (proved), transfers[1]",
        "operation 5: withdrawal of 12345 from 0 to 0x00000000000000000000000000000000000000aa, nonce 2",
        "operation 6: rotation of 1, nonce 0, executed in batch 2 (proved), rotations[0]",
    ]) {
        assert!(line.starts_with(text), "{line}");
    }
    assert!(
        lines[0].ends_with(", priority[0]: done, 5000 of token 1"),
        "{}",
        lines[0]
    );
    let account = value(&call(&["account", "1", "--json"]));
    assert_eq!(account["key"], rotated);
    assert_eq!(value(&call(&["account", "5", "--json"]))["key"], opened);
    assert_eq!(value(&call(&["account", "8", "--json"]))["owner"], OWNER);

    // A forced exit by the owner, and one by a stranger, which is over without effect.
    let exits = [
        call(&["priority", "exit", "--leaf", "8", "--caller", OWNER]),
        call(&["priority", "exit", "--leaf", "0", "--caller", OWNER]),
    ];
    fs::write(path.join("exits.json"), exits.concat()).unwrap();
    let said = call(&["priority", "submit", "exits.json", "--append", "--wait"]);
    assert!(
        said.starts_with("operations 7-8, indices 1-2: proved; queue hash 0x00"),
        "{said}"
    );
    let paid = call(&["operation", "7"]);
    assert!(
        paid.contains(": forced exit 1 of 8, ") && paid.ends_with(": done, 5000 of token 1\n"),
        "{paid}"
    );
    let refused = call(&["operation", "8"]);
    assert!(refused.ends_with(": without effect\n"), "{refused}");

    // What comes out is what anybody verifies.
    call(&["proof", "2", "-o", "2.bundle"]);
    let bundle = Bundle::from_bytes(&fs::read(path.join("2.bundle")).unwrap()).unwrap();
    let key = fs::read(MIXED_KEYS.path().join(MIXED).join("verifying.key")).unwrap();
    let key = VerifyingKey::from_bytes(&key).unwrap();
    Verifier::new(&key, DevelopmentKeys::Accept)
        .unwrap()
        .verify(&bundle)
        .unwrap();
    assert_eq!(bundle.facts.withdrawals[0].amount, 12345);

    // A secret of another key is noticed when it signs: a rotation to its key may wait, so it is no error.
    let ran = service.run(
        path,
        &[
            "sign", "transfer", "--secret", "8.secret", "--from", "0", "--to", "1", "--amount", "1", "--fee",
            "0",
        ],
    );
    assert!(
        ran.err
            .contains("the secret in 8.secret is not of the key that account 0 has now"),
        "{ran:?}"
    );
    ran.ok();

    // A rule that is broken names its field, and what to do next.
    service.run(path, &["submit", "too_much.json", "--single"]).fails(
        1,
        &[
            "FAILED_PRECONDITION",
            "operation 0 of the stream",
            "balance_covers",
            "next:",
        ],
    );
    assert_eq!(service.terminate(), Some(0));
}

#[test]
fn the_root_chains_queue_is_sent_again_without_harm_and_never_with_gaps() {
    let directory = genesis();
    let path = directory.path();
    let service = serve(path);
    let key = keygen(path, "8.secret");
    let deposit = |leaf: &str, index: &str| {
        let args = [
            "priority", "deposit", "--leaf", leaf, "--token", "1", "--amount", "7", "--owner", OWNER,
            "--key", &key,
        ];
        run(path, &[&args[..], &["--index", index]].concat()).ok()
    };
    let submit = |text: &str, more: &[&str]| {
        fs::write(path.join("q.json"), text).unwrap();
        service.run(path, &[&["priority", "submit", "q.json"][..], more].concat())
    };
    let status = || value(&service.run(path, &["priority", "status", "--json"]).ok());
    assert_eq!(status()["next_index"], 0);
    let two = deposit("8", "0") + &deposit("9", "1");
    let first = value(&submit(&two, &["--json"]).ok());
    let again = value(&submit(&(two.clone() + &deposit("10", "2")), &["--json"]).ok());
    assert_eq!(
        (&again["indices"], &again["operations"], &again["repeated"]),
        (&json!([0, 1, 2]), &json!([1, 2, 3]), &json!(2))
    );
    assert_ne!(again["queue_hash"], first["queue_hash"]);
    submit(&deposit("8", "4"), &[]).fails(
        1,
        &[
            "FAILED_PRECONDITION",
            "priority operation 4 comes after 3",
            "quittance priority status",
        ],
    );
    submit(&deposit("11", "1"), &[]).fails(1, &["ALREADY_EXISTS", "with other content"]);
    submit(&deposit("16", "3"), &[]).fails(1, &["INVALID_ARGUMENT", "operation.deposit.leaf"]);
    // What was accepted before the refused one is said all the same.
    let ran = submit(&(deposit("11", "3") + &deposit("8", "9")), &[]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out
            .starts_with("operations 4, indices 3: accepted; queue hash"),
        "{ran:?}"
    );
    // Without an index it goes to the end; with some, it is not clear where.
    let exit = run(path, &["priority", "exit", "--leaf", "0", "--caller", OWNER]).ok();
    submit(&(deposit("8", "4") + &exit), &[])
        .fails(1, &["operation 1", "either all operations have an index"]);
    submit(&exit, &[]).fails(1, &["the operations have no indices", "--append"]);
    submit(&deposit("11", "3"), &["--append"]).fails(1, &["the operations have indices"]);
    assert_eq!(status()["next_index"], 4);
    submit(&exit, &["--append"]).ok();
    assert_eq!(status()["next_index"], 5);
    let text = service.run(path, &["priority", "status"]).ok();
    assert!(
        text.starts_with("5 priority operations submitted, queue hash 0x00"),
        "{text}"
    );

    // Malformed files, and arguments that no root chain would send.
    for (text, says) in [
        ("{}", "operation 0: wants one of deposit and forced_exit"),
        ("", "q.json holds no operation"),
        (
            r#"{"index":null,"deposit":{}}"#,
            "operation 0: invalid type: null, expected u64",
        ),
        ("[{},{}]", "operation 0: wants one of deposit and forced_exit"),
        (r#"{"deposit":{},"extra":1}"#, "operation 0"),
        (
            r#"{"forced_exit":{"leaf":1,"caller":"0x12"}}"#,
            "operation 0: forced_exit.caller is not 0x and 40 hex digits",
        ),
    ] {
        submit(text, &[]).fails(1, &[says]);
    }
    let zero = format!("0x{}", "0".repeat(40));
    run(path, &["priority", "exit", "--leaf", "0", "--caller", &zero])
        .fails(2, &["caller is not an address"]);
    let key = "0x12";
    run(
        path,
        &[
            "priority", "deposit", "--leaf", "8", "--token", "1", "--amount", "7", "--owner", OWNER, "--key",
            key,
        ],
    )
    .fails(2, &["128 hex digits"]);
}

#[test]
fn what_no_rule_would_let_pass_is_not_signed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let key = keygen(path, "a.secret");
    let rollup = format!("0x{}", "0".repeat(64));
    let sign = |kind: &str, more: &[&str]| {
        let args = [
            "sign",
            kind,
            "--secret",
            "a.secret",
            "--from",
            "0",
            "--nonce",
            "0",
            "--rollup-id",
            &rollup,
        ];
        run(path, &[&args[..], more].concat())
    };
    let zero = format!("0x{}", "0".repeat(40));
    let open = ["--to", "5", "--amount", "1"];
    sign("open", &[&open[..], &["--key", &key, "--owner", OWNER]].concat()).ok();
    sign("open", &[&open[..], &["--key", &key, "--owner", &zero]].concat())
        .fails(2, &["owner is not an address"]);
    let reserved = [
        "--to",
        "2147483648",
        "--amount",
        "1",
        "--key",
        &key,
        "--owner",
        OWNER,
    ];
    sign("open", &reserved).fails(2, &["where only the root chain opens accounts"]);
    run(path, &["state", "--server", "somewhere"]).fails(2, &["not a URL of a service: somewhere"]);
    sign(
        "open",
        &[&open[..], &["--key", "0x00", "--owner", OWNER]].concat(),
    )
    .fails(2, &["128 hex digits"]);
    sign("withdraw", &["--amount", "1", "--address", &zero]).fails(2, &["address is not an address"]);
    sign("withdraw", &["--amount", "1.5", "--address", OWNER]).fails(2, &["not a decimal number"]);
    sign("rotate", &["--key", &key, "--owner", "0x12"]).fails(2, &["owner is not an address"]);
    let identity = format!("0x{}1", "0".repeat(127));
    sign("rotate", &["--key", &identity, "--owner", OWNER]).fails(2, &["next:  give the key"]);
}
