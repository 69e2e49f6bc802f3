//! Commands against a running service: from signatures to a verified bundle, and what is refused on the way.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::thread;

use quittance_verifier::{Bundle, DevelopmentKeys, Verifier, VerifyingKey};
use serde_json::Value;

use crate::harness::{
    KEYS, SHAPE, STORE, Served, command, genesis, limited_command, run, run_with_input, with,
};

fn sign(service: &Served, path: &Path, args: &[&str]) -> String {
    service
        .run(
            path,
            &with(
                &[
                    "sign", "transfer", "--secret", "0.secret", "--from", "0", "--to", "1",
                ],
                args,
            ),
        )
        .ok()
}

#[test]
fn from_signatures_to_a_verified_bundle() {
    let directory = genesis();
    let path = directory.path();
    let service = Served::start(path);
    let first = sign(&service, path, &["--amount", "1500", "--fee", "10"]);
    let second = sign(&service, path, &["--amount", "20", "--nonce", "1"]);
    fs::write(path.join("transfers.json"), format!("{first}{second}")).unwrap();
    let answer = service
        .run(path, &["submit", "transfers.json", "--wait", "--json"])
        .ok();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(
        (answer["number"].as_u64(), answer["state"].as_str()),
        (Some(1), Some("proved"))
    );

    // Watching what is proved shows so, one JSON value a line.
    let events = service.run(path, &["watch", "1", "--json"]).ok();
    let last: Value = serde_json::from_str(events.lines().last().unwrap()).unwrap();
    assert_eq!(
        (last["state"].as_str(), last["fraction"].as_f64()),
        (Some("proved"), Some(1.0))
    );
    assert!(last["phase"].is_null(), "{last}");
    assert_eq!(service.run(path, &["watch", "1"]).ok(), "batch 1: proved\n");

    service
        .run(
            path,
            &["proof", "1", "-o", "1.bundle", "--verifying-key", "served.key"],
        )
        .ok();
    service.run(path, &["proof", "1", "-o", "1.json", "--json"]).ok();
    service
        .run(path, &["proof", "1", "-o", "1.bundle"])
        .fails(2, &["1.bundle", "never overwritten"]);
    service
        .run(path, &["proof", "2", "-o", "2.bundle"])
        .fails(1, &["NOT_FOUND", "no batch 2"]);
    let bundle = Bundle::from_bytes(&fs::read(path.join("1.bundle")).unwrap()).unwrap();
    let from_json = quittance_verifier::json::from_json(&fs::read(path.join("1.json")).unwrap()).unwrap();
    assert_eq!(from_json.to_bytes().unwrap(), bundle.to_bytes().unwrap());
    let key = fs::read(KEYS.path().join(SHAPE).join("verifying.key")).unwrap();
    assert_eq!(fs::read(path.join("served.key")).unwrap(), key);
    let key = VerifyingKey::from_bytes(&key).unwrap();
    Verifier::new(&key, DevelopmentKeys::Accept)
        .unwrap()
        .verify(&bundle)
        .unwrap();

    let account: Value =
        serde_json::from_str(&service.run(path, &["account", "0", "--json", "--path"]).ok()).unwrap();
    assert_eq!(
        (account["balance"].as_str(), account["nonce"].as_u64()),
        (Some("998470"), Some(2))
    );
    assert_eq!(account["path"].as_array().unwrap().len(), 2);
    let by_key = service
        .run(
            path,
            &["account", "--key", account["key"].as_str().unwrap(), "--json"],
        )
        .ok();
    let by_key: Value = serde_json::from_str(&by_key).unwrap();
    assert_eq!(by_key[0]["index"].as_u64(), Some(0));
    let state: Value = serde_json::from_str(&service.run(path, &["state", "--json"]).ok()).unwrap();
    assert_eq!(state["batch_number"].as_u64(), Some(1));
    assert_eq!(
        (&account["root"], &account["batch_number"]),
        (&state["root"], &state["batch_number"])
    );
    service
        .run(path, &["account", "15"])
        .fails(1, &["NOT_FOUND", "check the index"]);
    service
        .run(path, &["resume", "1"])
        .fails(1, &["FAILED_PRECONDITION", "batch 1 is proved"]);
    assert_eq!(service.terminate(), Some(0));
}

/// Bad input: what is malformed, expired, replayed, badly signed or too much ends with 1, its rule, and what to do next.
#[test]
fn bad_transfers_are_refused_with_their_rule() {
    let directory = genesis();
    let path = directory.path();
    let service = Served::start(path);
    let good = sign(&service, path, &["--amount", "5"]);
    let submit = |text: &str| {
        fs::write(path.join("t.json"), text).unwrap();
        service.run(path, &["submit", "t.json"])
    };
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(&good).unwrap();
        change(&mut value);
        value.to_string()
    };
    submit("").fails(1, &["t.json holds no operation"]);
    submit("{").fails(1, &["t.json: operation 0"]);
    submit(&good[..good.len() / 2]).fails(1, &["t.json: operation 0"]);
    submit(&changed(&|v| v["transfer"]["extra"] = 1.into())).fails(1, &["unknown field `extra`"]);
    submit(&changed(&|v| v["transfer"]["signature"]["s"] = "0x12".into()))
        .fails(1, &["transfer.signature.s is not 0x and 64 hex digits"]);
    submit(&changed(&|v| v["transfer"]["to"] = u64::MAX.into())).fails(1, &["t.json: operation 0"]);
    submit(&changed(&|v| {
        v["transfer"]["amount_float40"] = (1u64 << 40).into()
    }))
    .fails(1, &["INVALID_ARGUMENT", "operations[0].transfer.amount_float40"]);
    let canonical = format!("0x{}", "f".repeat(64));
    submit(&changed(&|v| {
        v["transfer"]["signature"]["r8x"] = canonical.clone().into()
    }))
    .fails(
        1,
        &[
            "INVALID_ARGUMENT",
            "operations[0].transfer.signature.r8x",
            "canonical",
        ],
    );
    submit(&changed(&|v| {
        v["transfer"]["signature"]["s"] = canonical.clone().into()
    }))
    .fails(1, &["INVALID_ARGUMENT", "signature_canonical"]);
    let forged = submit(&changed(&|v| v["transfer"]["to"] = 2.into()));
    assert_eq!(forged.err.matches("signature_valid").count(), 1, "{forged:?}");
    forged.fails(
        1,
        &[
            "INVALID_ARGUMENT",
            "signature_valid",
            "(operations[0].transfer.signature)",
        ],
    );
    let expired = sign(&service, path, &["--amount", "5", "--valid-until", "0"]);
    submit(&expired).fails(
        1,
        &[
            "FAILED_PRECONDITION",
            "not_expired",
            "valid until batch 0, this is batch 1",
        ],
    );
    let costly = sign(&service, path, &["--amount", "1000001"]);
    submit(&costly).fails(1, &["FAILED_PRECONDITION", "balance_covers"]);
    submit(&[&good[..]; 3].concat()).fails(
        1,
        &[
            "RESOURCE_EXHAUSTED",
            "3 transfers, the largest shape has 2 slots for them",
            "next:  send fewer operations in a batch",
        ],
    );
    let slots = ["submit", "t.json", "--fee-slot", "2:1", "--fee-slot", "2:1"];
    fs::write(path.join("t.json"), &good).unwrap();
    service.run(path, &slots).fails(
        1,
        &["RESOURCE_EXHAUSTED", "next:  name fewer fee slots in a batch"],
    );
    submit(&[&good[..]; 2000].concat()).fails(1, &["RESOURCE_EXHAUSTED", "too large"]);

    // Standard input, an array, and an explicit fee slot are as good as a file of lines.
    let args = ["submit", "-", "--fee-slot", "1:1", "--server", &service.url];
    assert!(
        run_with_input(path, &args, &format!("[{good}]"))
            .ok()
            .starts_with("batch 1: executed")
    );
    submit(&good).fails(
        1,
        &[
            "FAILED_PRECONDITION",
            "nonce_matches",
            "has nonce 0, the account expects 1",
        ],
    );
    service
        .run(path, &["submit", "t.json", "--fee-slot", "1"])
        .fails(2, &["not a fee slot"]);
    service
        .run(path, &["account", "9"])
        .fails(1, &["NOT_FOUND", "no account 9"]);
    service
        .run(path, &["account", "--key", "0x12"])
        .fails(2, &["128 hex digits"]);
    service
        .run(path, &["watch", "0"])
        .fails(1, &["INVALID_ARGUMENT", "number"]);

    // Two processes on one store or one port: the second refuses.
    let keys = KEYS.path().to_str().unwrap();
    let second = |listen: &str| run(path, &with(&["serve", "--keys", keys, "--listen", listen], STORE));
    second("127.0.0.1:0").fails(1, &["in use by another process"]);
    second(&service.address).fails(1, &["cannot listen on"]);
}

#[test]
fn a_killed_service_goes_on_where_it_was() {
    let directory = genesis();
    let path = directory.path();
    let service = Served::start(path);
    for nonce in ["0", "1"] {
        let line = sign(&service, path, &["--amount", "5", "--nonce", nonce]);
        fs::write(path.join("t.json"), line).unwrap();
        service.run(path, &["submit", "t.json"]).ok();
    }
    service.kill();
    let service = Served::start(path);
    for number in ["1", "2"] {
        assert_eq!(
            service.run(path, &["watch", number]).ok(),
            format!("batch {number}: proved\n")
        );
    }
    assert_eq!(service.terminate(), Some(0));
}

/// Two watches on a service with one place send each other away, and both come to the end all the same.
#[test]
fn a_watch_goes_on_after_its_place_was_needed() {
    let directory = genesis();
    let path = directory.path();
    let service = Served::of(
        command(path)
            .env("QUITTANCE_SERVICE__MAX_CONNECTIONS", "1")
            .env("QUITTANCE_BATCHING__MAX_DELAY_MS", "3000")
            .stderr(Stdio::null()),
    );
    fs::write(path.join("t.json"), sign(&service, path, &["--amount", "5"])).unwrap();
    service.run(path, &["submit", "t.json", "--single"]).ok();
    let ended: Vec<_> = thread::scope(|scope| {
        let watch = || service.run(path, &["operation", "1", "--watch"]);
        let watches: Vec<_> = (0..2).map(|_| scope.spawn(watch)).collect();
        watches.into_iter().map(|watch| watch.join().unwrap()).collect()
    });
    assert!(
        ended
            .iter()
            .any(|ran| ran.err.contains("going on over a new one")),
        "{ended:?}"
    );
    for ran in ended {
        assert!(ran.ok().contains("proved"));
    }
    assert_eq!(service.terminate(), Some(0));
}

/// More connections than there are files: the service says so at its start, and goes on.
#[test]
fn a_limit_of_open_files_lowers_the_connections() {
    let directory = genesis();
    let path = directory.path();
    let log = path.join("log");
    let service = Served::of(limited_command(path, "-n 80").stderr(File::create(&log).unwrap()));
    let mut others = Vec::new();
    for greeting in [&[][..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"] {
        for _ in 0..100 {
            let mut socket = TcpStream::connect(&service.address).unwrap();
            // One that was sent away already needs no greeting.
            let _ = socket.write_all(greeting);
            others.push(socket);
        }
        service.run(path, &["state"]).ok();
    }
    assert_eq!(service.terminate(), Some(0));
    let said = fs::read_to_string(&log).unwrap();
    assert!(
        said.contains("service.max_connections is lowered") && !said.contains("the system refuses"),
        "{said}"
    );
}

/// The variable looks like a key of the configuration, and is none.
#[test]
fn a_service_starts_on_the_backend_that_the_environment_names() {
    let directory = genesis();
    let path = directory.path();
    let mut portable = command(path);
    let service = Served::of(
        portable
            .env("QUITTANCE_BACKEND", "portable")
            .stderr(Stdio::null()),
    );
    service.run(path, &["policy"]).ok();
    assert_eq!(service.terminate(), Some(0));
}

#[test]
fn the_demo_ends_with_a_verified_batch() {
    let keys = KEYS.path().to_str().unwrap();
    let text = run(Path::new("."), &["demo", "--shape", SHAPE, "--keys", keys]).ok();
    assert!(text.starts_with("verified: 2 transfers, batch 1, 0x"), "{text}");
}
