//! `quittance rollback`, between two runs of the service.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{STORE, Served, genesis, run, with};

fn transfer(served: &Served, path: &Path, nonce: &str) {
    let sign = [
        "sign", "transfer", "--secret", "0.secret", "--from", "0", "--to", "1", "--amount", "5", "--nonce",
        nonce,
    ];
    let signed = served.run(path, &sign).ok();
    std::fs::write(path.join("transfer.json"), signed).unwrap();
    served.run(path, &["submit", "transfer.json", "--wait"]).ok();
}

fn root(served: &Served, path: &Path) -> String {
    let state: Value = serde_json::from_str(&served.run(path, &["--json", "state"]).ok()).unwrap();
    state["root"].as_str().unwrap().to_owned()
}

#[test]
fn batches_are_taken_back_while_no_service_runs() {
    let directory = genesis();
    let path = directory.path();
    let rollback = |more: &[&str]| run(path, &with(&with(&["rollback"], more), STORE));
    let served = Served::start(path);
    transfer(&served, path, "0");
    let after_one = root(&served, path);
    transfer(&served, path, "1");
    transfer(&served, path, "2");
    let after_three = root(&served, path);
    rollback(&["--to", "1"]).fails(1, &["in use by another process", "stop the other process"]);
    assert_eq!(served.terminate(), Some(0));

    rollback(&["--to", "4"]).fails(2, &["cannot roll back to batch 4", "the last one is 3"]);
    for wrong in [&["--to", "-1"][..], &["--to", "x"], &[]] {
        assert_eq!(rollback(wrong).code, Some(2));
    }
    run(path, &["rollback", "--to", "0", "--store", "nowhere"]).fails(2, &["no store in nowhere"]);
    let nothing = rollback(&["--to", "3"]).ok();
    assert!(
        nothing.starts_with("nothing to take back: the store is at batch 3, state root 0x"),
        "{nothing}"
    );

    let text = rollback(&["--to", "2"]).ok();
    assert!(
        text.starts_with("taken back: 1 batches with 1 proofs; queued again: 1 operations\n"),
        "{text}"
    );
    assert!(
        text.contains("next:  tell whoever has one of the proofs"),
        "{text}"
    );
    let value: Value = serde_json::from_str(&rollback(&["--to", "1", "--json"]).ok()).unwrap();
    assert_eq!(value["batch"], 1);
    assert_eq!(value["root"], after_one);
    assert_eq!(
        (&value["batches_taken_back"], &value["proofs_thrown_away"]),
        (&1.into(), &1.into())
    );
    assert_eq!(
        (&value["operations_queued_again"], &value["queued_operations"]),
        (&1.into(), &2.into())
    );

    // The service executes the queued operations again, each submission as the batch that it was.
    let served = Served::start(path);
    let watch = |number| served.run(path, &["watch", number]).ok();
    let deadline = Instant::now() + Duration::from_secs(60);
    while root(&served, path) != after_three {
        assert!(Instant::now() < deadline, "the queue is not executed");
        std::thread::sleep(Duration::from_millis(20));
    }
    for number in ["2", "3"] {
        let events = watch(number);
        assert!(events.contains("proved"), "{events}");
    }
    assert_eq!(served.terminate(), Some(0));
}
