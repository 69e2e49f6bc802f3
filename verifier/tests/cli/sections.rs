//! Bundles of every kind of operation, and the queue that they start from.

use quittance_verifier::encoding::to_hex;
use quittance_verifier::*;
use serde_json::Value;

use super::{Files, run};
use crate::simulator::{Simulator, chain_of, full_facts};

#[test]
fn every_kind_is_counted() {
    let files = Files::new();
    let shape = "p6o1t2w2r3f1";
    let simulator = Simulator::ceremony(1, shape);
    let vk = files.write("vk", simulator.key.to_bytes());
    let bundle = simulator.bundle(full_facts(1, shape), 1);
    let file = files.write("bundle", json::to_json(&bundle).unwrap());
    let (code, line, details) = run(&["--vk", &vk, &file]);
    let expected =
        "verified: 2 transfers, 1 opening, 2 withdrawals, 3 rotations, 4 deposits, 2 forced exits, batch ";
    assert_eq!((code, details.as_str()), (0, ""));
    assert!(line.starts_with(expected), "{line}");

    let (code, line, _) = run(&["--json", "--vk", &vk, &file]);
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(code, 0);
    for (field, count) in [
        ("transfers", 2),
        ("openings", 1),
        ("withdrawals", 2),
        ("rotations", 3),
        ("deposits", 4),
        ("forced_exits", 2),
        ("priority_done", 3),
        ("bundles", 1),
    ] {
        assert_eq!(value[field], count, "{field}");
    }
    assert_eq!(value["queue"], to_hex(&bundle.facts.queue));
    assert_eq!(value["queue_after"], to_hex(&bundle.facts.queue_after()));

    let priority = Simulator::ceremony(2, "p1");
    let vk = files.write("other", priority.key.to_bytes());
    let bundle = priority.bundle(full_facts(2, "p1"), 2);
    let file = files.write("priority", bundle.to_bytes().unwrap());
    let (code, line, _) = run(&["--vk", &vk, &file]);
    assert_eq!(code, 0);
    assert!(
        line.starts_with("verified: 0 transfers, 1 deposit, batch "),
        "{line}"
    );
}

#[test]
fn s27_queue_is_followed_from_where_the_caller_says() {
    let files = Files::new();
    let simulator = Simulator::ceremony(1, "p2t2f1");
    let vk = files.write("vk", simulator.key.to_bytes());
    let bundles = chain_of(&simulator, 3, |number| full_facts(number, "p2t2f1"));
    let write = |name: &str, bundle: &Bundle| files.write(name, bundle.to_bytes().unwrap());
    let paths: Vec<String> = (0..3)
        .map(|index| write(&index.to_string(), &bundles[index]))
        .collect();
    let [empty, second] = [EMPTY_QUEUE, bundles[1].facts.queue].map(|hash| to_hex(&hash));
    let all = ["--vk", &vk, "--chain", &paths[0], &paths[1], &paths[2]];

    let (code, line, _) = run(&[&all[..], &["--queue", &empty]].concat());
    assert_eq!(code, 0, "{line}");
    assert!(
        line.starts_with("verified: 6 transfers, 6 deposits, batches 1..3, "),
        "{line}"
    );
    assert_eq!(run(&["--vk", &vk, "--queue", &second, &paths[1]]).0, 0);

    let (code, line, details) = run(&[&all[..], &["--queue", &second]].concat());
    let expected = format!("invalid: first bundle starts from queue hash {empty}, not from {second}\n");
    assert_eq!((code, line), (1, expected));
    assert!(details.starts_with(&paths[0]), "{details}");
    assert!(details.contains("\nnext:  take the hash from"), "{details}");

    // A batch that skips an operation is proved, and does not follow.
    let mut facts = bundles[1].facts.clone();
    facts.priority.remove(0);
    let skipping = write("skipping", &simulator.bundle(facts, 7));
    assert_eq!(run(&["--vk", &vk, &skipping]).0, 0);
    let (code, line, details) = run(&["--vk", &vk, "--chain", &paths[0], &skipping, &paths[2]]);
    assert_eq!(code, 1);
    assert!(
        line.starts_with("invalid: bundle 2 starts from queue hash 0x00"),
        "{line}"
    );
    assert!(details.starts_with(&paths[2]), "{details}");

    // Bundles that are no chain have no first one.
    let (code, line, _) = run(&["--vk", &vk, "--queue", &empty, &paths[0], &paths[1]]);
    assert_eq!(
        (code, line.as_str()),
        (
            2,
            "unreadable: --queue needs --chain where there are several bundles\n"
        )
    );
}

#[test]
fn s28_rollup_is_the_callers_if_the_caller_says_which() {
    let files = Files::new();
    let simulator = Simulator::ceremony(1, "t2f1");
    let vk = files.write("vk", simulator.key.to_bytes());
    let facts = full_facts(1, "t2f1");
    let own = to_hex(&facts.rollup_id);
    let mut elsewhere = facts.clone();
    elsewhere.rollup_id = rollup_id(1, [0x11; 20]);
    let write = |name: &str, facts: Facts| {
        let bundle = simulator.bundle(facts, 1);
        files.write(name, bundle.to_bytes().unwrap())
    };
    let (here, there) = (write("here", facts), write("there", elsewhere.clone()));

    // Both are proved under the key: only the caller knows which rollup it is about.
    let (code, line, _) = run(&["--json", "--vk", &vk, &here]);
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((code, &value["rollup_id"]), (0, &own.as_str().into()));
    let (code, line, _) = run(&["--json", "--vk", &vk, &here, &there]);
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((code, &value["rollup_id"]), (0, &Value::Null));

    assert_eq!(run(&["--vk", &vk, "--rollup-id", &own, &here]).0, 0);
    let (code, line, details) = run(&["--vk", &vk, "--rollup-id", &own, &here, &there]);
    let got = to_hex(&elsewhere.rollup_id);
    assert_eq!(
        (code, line),
        (1, format!("invalid: bundle is of rollup {got}, not of {own}\n"))
    );
    assert!(details.starts_with(&there), "{details}");
    let high = format!("0x01{}", "00".repeat(31));
    assert_eq!(run(&["--vk", &vk, "--rollup-id", &high, &here]).0, 2);
}
