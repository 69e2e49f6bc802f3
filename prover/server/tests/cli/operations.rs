//! Single operations, idempotency keys, history and policy on the command line.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{KEYS, Served, genesis, run};

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn single_transfers_and_their_history() {
    let directory = genesis();
    let path = directory.path();
    let service = Served::start(path);
    let sign = |nonce: &str| {
        let args = [
            "sign", "transfer", "--secret", "0.secret", "--from", "0", "--to", "1", "--amount", "5", "--fee",
            "1", "--nonce",
        ];
        service.run(path, &[&args[..], &[nonce]].concat()).ok()
    };
    fs::write(
        path.join("t.json"),
        (0..3).map(|n| sign(&n.to_string())).collect::<String>(),
    )
    .unwrap();
    let said = service
        .run(path, &["submit", "t.json", "--single", "--wait"])
        .ok();
    assert_eq!(said, "operations 1-3: proved\n");
    // Sent again they break a rule, and nothing is accepted.
    service.run(path, &["submit", "t.json", "--single"]).fails(
        1,
        &[
            "FAILED_PRECONDITION",
            "nonce_matches",
            "0 before it were accepted",
        ],
    );

    let state = value(&service.run(path, &["state", "--json"]).ok());
    assert_eq!(
        (&state["queued_operations"], &state["last_operation"]),
        (&json!(0), &json!(3))
    );
    assert!(
        service
            .run(path, &["state"])
            .ok()
            .contains("3 operations accepted, 0 of them queued")
    );
    let all = value(
        &service
            .run(path, &["operations", "--json", "--newest-first", "--limit", "2"])
            .ok(),
    );
    let ids: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_u64())
        .collect();
    assert_eq!(ids, [Some(3), Some(2)]);
    assert_eq!(
        service.run(path, &["operations", "--account", "2"]).ok(),
        "no operation\n"
    );
    let text = service
        .run(path, &["operations", "--account", "1", "--state", "executed"])
        .ok();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(
        text.starts_with("operation 1: transfer 0 -> 1, nonce 0, executed in batch 1 (proved), transfers[0]"),
        "{text}"
    );
    let one = value(&service.run(path, &["operation", "1", "--json"]).ok());
    assert_eq!(
        (
            &one["state"],
            &one["batch"],
            &one["batch_state"],
            &one["transfer"]["nonce"]
        ),
        (&json!("executed"), &json!(1), &json!("proved"), &json!(0))
    );
    let watched = service.run(path, &["operation", "2", "--watch"]).ok();
    assert!(watched.starts_with("operation 2: "), "{watched}");
    service
        .run(path, &["operation", "4"])
        .fails(1, &["NOT_FOUND", "quittance state"]);
    service
        .run(path, &["operation", "0"])
        .fails(1, &["INVALID_ARGUMENT", "id: wants"]);

    // A batch under a key, twice, and then another one.
    fs::write(path.join("b.json"), sign("3")).unwrap();
    let submit = |file| service.run(path, &["submit", file, "--idempotency-key", "order 7", "--json"]);
    let first = value(&submit("b.json").ok());
    assert_eq!(
        (&first["operations"], &first["repeated"]),
        (&json!([4]), &json!(false))
    );
    let again = value(&submit("b.json").ok());
    assert_eq!(
        (&again["number"], &again["repeated"]),
        (&first["number"], &json!(true))
    );
    submit("t.json").fails(1, &["RESOURCE_EXHAUSTED"]);
    fs::write(path.join("c.json"), sign("4")).unwrap();
    submit("c.json").fails(1, &["ALREADY_EXISTS", "--idempotency-key"]);
    // Nothing is left to cancel.
    let number = first["number"].to_string();
    service.run(path, &["watch", &number]).ok();
    service
        .run(path, &["cancel", &number])
        .fails(1, &["FAILED_PRECONDITION", &format!("quittance proof {number}")]);

    let policy = value(&service.run(path, &["policy", "--json"]).ok());
    assert_eq!(
        policy["tokens"],
        json!([{ "token": 1, "minimum_fee": "0", "fee_leaf": 2 }])
    );
    assert_eq!(policy["batching"]["max_operations"], json!(2));
    assert!(
        service
            .run(path, &["policy"])
            .ok()
            .starts_with("fees of token 1: at least 0, to leaf 2\n")
    );
}

#[test]
fn a_repeated_command_with_a_key_is_accepted_once() {
    let directory = genesis();
    let path = directory.path();
    let service = Served::start(path);
    let sign = |nonce: &str| {
        let args = [
            "sign", "transfer", "--secret", "0.secret", "--from", "0", "--to", "1", "--amount", "5",
            "--nonce", nonce,
        ];
        service.run(path, &args).ok()
    };
    let three = ["0", "1", "2"].map(sign).concat();
    fs::write(path.join("t.json"), &three).unwrap();
    let submit = |file, more: &[&str]| {
        let args = ["submit", file, "--single", "--idempotency-key", "order", "--json"];
        service.run(path, &[&args[..], more].concat())
    };
    let first = value(&submit("t.json", &[]).ok());
    assert_eq!(
        first,
        json!({ "operations": [1, 2, 3], "state": "accepted", "repeated": 0 })
    );
    // All of it again, and one transfer more: only that one is new.
    fs::write(path.join("t.json"), three + &sign("3")).unwrap();
    let again = value(&submit("t.json", &["--wait"]).ok());
    assert_eq!(
        again,
        json!({ "operations": [1, 2, 3, 4], "state": "proved", "repeated": 3 })
    );
    assert_eq!(
        service
            .run(
                path,
                &["submit", "t.json", "--single", "--idempotency-key", "order"]
            )
            .ok(),
        "operations 1-4: accepted, 4 of them as submitted before\n"
    );
    // The key of a place belongs to the transfer that was there first.
    fs::write(path.join("u.json"), sign("4")).unwrap();
    submit("u.json", &[]).fails(1, &["ALREADY_EXISTS", "0 before it were accepted"]);
    // Said before anything is sent.
    let long = "k".repeat(63);
    let keyed = ["submit", "u.json", "--idempotency-key", &long, "--single"];
    service
        .run(path, &keyed)
        .fails(2, &["65 bytes, at most 64", "next:  name the submission"]);
    service
        .run(path, &["submit", "u.json", "--idempotency-key", &"k".repeat(65)])
        .fails(2, &["65 bytes, at most 64"]);

    // A batch that is waited for says all that one says that is not, with what the wait has brought.
    let batch = ["submit", "u.json", "--idempotency-key", "batch", "--json"];
    let waited = value(&service.run(path, &[&batch[..], &["--wait"]].concat()).ok());
    let plain = value(&service.run(path, &batch).ok());
    assert_eq!(
        (&waited["state"], &waited["operations"], &waited["repeated"]),
        (&json!("proved"), &json!([5]), &json!(false))
    );
    let mut expected = plain;
    expected["repeated"] = json!(false);
    assert_eq!(waited, expected);
}

#[test]
fn a_policy_that_cannot_be_kept_says_what_to_do() {
    let directory = genesis();
    let path = directory.path();
    let keys = KEYS.path().to_str().unwrap();
    let serve = |toml: &str| {
        fs::write(
            path.join("c.toml"),
            format!("[store]\ndirectory = \"store\"\n[rollup]\nlevels = 2\n{toml}"),
        )
        .unwrap();
        run(
            path,
            &[
                "serve",
                "--config",
                "c.toml",
                "--listen",
                "127.0.0.1:0",
                "--keys",
                keys,
                "--allow-development-keys",
            ],
        )
    };
    let refused = |toml: &str, says: &[&str]| serve(toml).fails(2, says);
    refused(
        "[fees]\nleaf = 9",
        &["fees.leaf: fee leaf 9 is not an account", "[[fees.tokens]]"],
    );
    refused(
        "[[fees.tokens]]\ntoken = 2\nleaf = 0",
        &["holds token 1", "write token = 1"],
    );
    refused(
        "[fees]\nleaf = 2\n[[fees.tokens]]\ntoken = 1\nleaf = 0",
        &["fees.leaf 2 holds token 1", "leave out fees.leaf"],
    );
    refused(
        "[batching]\nmax_operations = 3",
        &["batching.max_operations is 3", "at most 2"],
    );
}

#[test]
fn files_that_are_links_to_nowhere_empty_or_malformed_are_said_to_be() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    std::os::unix::fs::symlink("nowhere.csv", path.join("link.csv")).unwrap();
    for name in ["empty.csv", "empty.toml", "empty.json"] {
        fs::write(path.join(name), "").unwrap();
    }
    fs::write(path.join("broken.toml"), "[account\n").unwrap();
    fs::write(path.join("typed.toml"), "[[account]]\nkey = 1\n").unwrap();
    fs::write(
        path.join("untagged.toml"),
        "[[account]]\nkey = \"\"\nbalance = true\n",
    )
    .unwrap();
    run(path, &["genesis", "untagged.toml", "--store", "s"])
        .fails(1, &["untagged.toml: account.0.balance: data"]);
    run(path, &["genesis", "broken.toml", "--store", "s"])
        .fails(1, &["broken.toml: not TOML: parse error at line 1, column 9"]);
    run(path, &["genesis", "typed.toml", "--store", "s"])
        .fails(1, &["typed.toml: account.0.key: invalid type"]);
    run(path, &["genesis", "link.csv", "--store", "s"])
        .fails(2, &["it is a link to nowhere.csv, which is not there"]);
    for name in ["empty.csv", "empty.toml", "empty.json"] {
        run(path, &["genesis", name, "--store", "s"]).fails(1, &["the file is empty"]);
    }
}
