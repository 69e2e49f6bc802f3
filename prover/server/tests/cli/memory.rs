//! Circuits that the machine, or a limit, has too little memory for.

use serde_json::Value;

use crate::harness::{KEYS, STORE, genesis, run, with};

#[test]
fn a_service_that_could_not_prove_does_not_start() {
    let directory = genesis();
    let keys = KEYS.path().to_str().unwrap();
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--fee-leaf",
        "2",
        "--keys",
        keys,
    ];
    let limit = ["--max-memory", "1000000"];
    run(directory.path(), &with(&with(&serve, &limit), STORE)).fails(
        1,
        &[
            "a proof of shape t2f1l2 finds too little memory",
            "bytes of memory are needed, 1000000 are available",
            "--shape",
            "--threads",
            "proving.max_memory_bytes",
        ],
    );
}

#[test]
fn circuits_that_do_not_fit_are_marked() {
    let directory = tempfile::tempdir().unwrap();
    let listed = |limit: &str| {
        let text = run(directory.path(), &["circuits", "--json", "--max-memory", limit]).ok();
        let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
        rows
    };
    let all = listed("1000000");
    assert!(all.iter().all(|row| row["memory_short"] == true), "{all:?}");
    let first = all[0]["memory_bytes"].as_u64().unwrap();
    let some = listed(&first.to_string());
    assert_eq!(some[0]["memory_short"], false);
    assert!(
        some[1..].iter().all(|row| row["memory_short"] == true),
        "{some:?}"
    );

    let text = run(
        directory.path(),
        &["circuits", "--max-memory", &first.to_string()],
    )
    .ok();
    let marked = |name: &str| {
        let mut lines = text.lines();
        let line = lines.find(|line| line.starts_with(name)).unwrap();
        line.ends_with("does not fit")
    };
    assert!(!marked("t2f1 ") && marked("t5f1 "), "{text}");
}
