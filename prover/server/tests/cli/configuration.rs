//! Arguments, configuration files and the environment.

use std::process::Stdio;

use crate::harness::{KEYS, Ran, SHAPE, STORE, command, genesis, run, with};

#[test]
fn usage_errors_end_with_2() {
    let directory = tempfile::tempdir().unwrap();
    for args in [
        &[][..],
        &["fly"],
        &["watch"],
        &["account"],
        &["sign"],
        &["sign", "--from", "0"],
        &["sign", "transfer", "--from", "x"],
        &["priority"],
    ] {
        let ran = run(directory.path(), args);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
    }
    for args in [&["--help"][..], &["--version"], &["serve", "--help"]] {
        assert!(run(directory.path(), args).ok().contains("quittance"));
    }
}

#[test]
fn threads_are_as_many_as_a_machine_has() {
    let directory = tempfile::tempdir().unwrap();
    for command in [&["setup", "--shape", "t2f1l2"][..], &["bench"], &["circuits"]] {
        for threads in ["0", "257", "40000", "x"] {
            let ran = run(directory.path(), &with(command, &["--threads", threads]));
            assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
            assert!(ran.err.contains("wants 1 to 256"), "{ran:?}");
        }
    }
}

#[test]
fn fixtures_are_good_or_name_the_key() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/config");
    let directory = tempfile::tempdir().unwrap();
    let serve = |name: &str| {
        let file = format!("{fixtures}/{name}.toml");
        run(directory.path(), &["serve", "--config", &file])
    };
    // A good configuration is only stopped by the store that is not there.
    serve("good").fails(2, &["no store in /nonexistent/quittance", "quittance genesis"]);
    serve("unknown_section").fails(2, &["unknown_section.toml", "metrics: unknown key"]);
    serve("unknown_key").fails(
        2,
        &[
            "unknown_key.toml",
            "service.max_mesage_bytes: unknown key",
            "max_message_bytes",
        ],
    );
    serve("wrong_unit").fails(
        2,
        &["service.request_timeout_s: unknown key", "request_timeout_ms"],
    );
    serve("unit_in_value").fails(2, &["service.request_timeout_ms", "string \"30s\""]);
    serve("out_of_range").fails(2, &["rollup.levels: wants 1 to 16, got 20"]);
    serve("small_tree").fails(2, &["rollup.levels", "keys.allow_development_keys"]);
    serve("no_section").fails(
        2,
        &[
            "no_section.toml: rollup: invalid type",
            "correct the key in the file",
        ],
    );
    serve("not_toml").fails(
        2,
        &[
            "not_toml.toml: not TOML: parse error at line 1",
            "correct the file there",
        ],
    );
    serve("fee_too_large").fails(
        2,
        &[
            "fees.tokens.minimum of token 7",
            "above 20470000000000000000000000000000000,",
            "got 20470000000000000000000000000000001",
            "demand a fee",
        ],
    );
    run(directory.path(), &["serve", "--config", fixtures])
        .fails(2, &["cannot be read: is a directory", "check --config"]);
    serve("missing").fails(2, &["missing.toml", "cannot be read"]);
}

#[test]
fn flags_win_over_the_environment_and_the_environment_over_the_file() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(
        directory.path().join("c.toml"),
        "[store]\ndirectory = \"from-file\"\n",
    )
    .unwrap();
    let store = |variable: Option<&str>, flag: &[&str]| {
        let mut command = command(directory.path());
        command
            .args(["serve", "--config", "c.toml", "--listen", "127.0.0.1:0"])
            .args(flag);
        if let Some(value) = variable {
            command.env("QUITTANCE_STORE__DIRECTORY", value);
        }
        String::from_utf8(command.output().unwrap().stderr).unwrap()
    };
    assert!(store(None, &[]).contains("no store in from-file"));
    assert!(store(Some("from-environment"), &[]).contains("no store in from-environment"));
    assert!(store(Some("from-environment"), &["--store", "from-flag"]).contains("no store in from-flag"));
    let output = command(directory.path())
        .arg("serve")
        .env("QUITTANCE_SERVICE__LISTN", "x")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let output = command(directory.path())
        .arg("serve")
        .env("QUITTANCE_ROLLUP", "1")
        .output()
        .unwrap();
    let section = String::from_utf8(output.stderr).unwrap();
    assert!(
        section.contains("environment (QUITTANCE_…): rollup: invalid type"),
        "{section}"
    );
    assert!(
        text.contains("service.listn: unknown key") && text.contains("environment"),
        "{text}"
    );
}

#[test]
fn circuits_are_listed_for_programs_and_people() {
    let directory = tempfile::tempdir().unwrap();
    let text = run(directory.path(), &["circuits", "--json"]).ok();
    let rows: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), quittance_circuits::shapes::SHAPES.len());
    for row in rows {
        let name = row["name"].as_str().unwrap();
        let shape = quittance_verifier::Shape::parse_name(name).unwrap();
        for section in quittance_verifier::Section::ALL {
            let field = match section {
                quittance_verifier::Section::Fees => "fee_slots".to_owned(),
                section => section.to_string(),
            };
            assert_eq!(
                row[&field].as_u64(),
                Some(shape.slots(section).into()),
                "{field} of {row}"
            );
        }
        for field in [
            "levels",
            "constraints",
            "constraints_per_transfer",
            "nonzeros",
            "domain",
            "key_bytes",
            "memory_bytes",
            "prove_seconds",
            "prove_cpu_seconds",
        ] {
            assert!(
                row[field].as_f64().is_some_and(|value| value > 0.0),
                "{field} of {row}"
            );
        }
    }
    // The length of the file that `quittance setup --shape t2f1` writes.
    assert_eq!(rows[0]["key_bytes"].as_u64(), Some(24_208_832));
    assert!(run(directory.path(), &["circuits"]).ok().contains("t2f1 "));
}

#[test]
fn errors_are_objects_for_programs() {
    let cases: [(&[&str], i32, &str); 3] = [
        (
            &["state", "--json", "--server", "http://127.0.0.1:1"],
            1,
            "no service at",
        ),
        (&["setup", "--json", "--shape", "t0f1"], 2, "not a shape: t0f1"),
        (
            &["state", "--json", "--sever"],
            2,
            "unexpected argument '--sever'",
        ),
    ];
    for (args, code, says) in cases {
        let ran = run(std::path::Path::new("."), args);
        assert_eq!((ran.code, ran.err.lines().count()), (Some(code), 1), "{ran:?}");
        let object: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
        assert!(object["error"].as_str().unwrap().starts_with(says), "{ran:?}");
        assert!(!object["next"].as_str().unwrap().is_empty(), "{ran:?}");
    }
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = command(directory.path())
        .args(["circuits"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.len()),
        (Some(0), 0),
        "{output:?}"
    );
}

#[test]
fn a_port_in_use_is_said_before_anything_else() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    run(directory.path(), &with(&["serve", "--listen", &address], STORE))
        .fails(1, &["cannot listen on", &address, "--listen"]);
    // An address of another machine (a documentation one, RFC 5737) is a wrong value.
    run(
        directory.path(),
        &with(&["serve", "--listen", "192.0.2.1:0"], STORE),
    )
    .fails(2, &["cannot listen on 192.0.2.1:0", "--listen"]);
}

#[test]
fn no_service_is_said_with_what_to_do() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let directory = tempfile::tempdir().unwrap();
    run(directory.path(), &["state", "--server", &url]).fails(1, &["no service at", "quittance serve"]);
    run(directory.path(), &["state", "--server", "not a url"]).fails(2, &["not a URL"]);
}

/// The variable looks like a key of the configuration, and is none.
#[test]
fn the_backend_of_the_environment_is_one_that_there_is_or_none() {
    let directory = genesis();
    let keys = KEYS.path().to_str().unwrap();
    let on = |backend: &str, args: &[&str]| {
        let mut command = command(directory.path());
        command.env("QUITTANCE_BACKEND", backend).args(args);
        Ran::of(command.stdin(Stdio::null()).output().unwrap())
    };
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--fee-leaf",
        "2",
        "--keys",
        keys,
    ];
    for args in [
        &with(&serve, STORE)[..],
        &["circuits"],
        &["setup", "--shape", SHAPE, "--keys", "new"],
        &["demo", "--shape", SHAPE, "--keys", keys],
        &["bench", "--shape", SHAPE],
        &["bench", "prove", "--log2", "5"],
        &["bench", "msm", "--log2", "4"],
        &["bench", "ntt", "--log2", "4"],
    ] {
        on("quantum", args).fails(
            2,
            &["unknown backend \"quantum\": it is baseline, portable or ifma"],
        );
    }
    for args in [&["circuits"][..], &["bench", "ntt", "--log2", "4", "--json"]] {
        let _ = on("", args).ok();
    }
}
