//! Files that the command reads and writes: secrets, accounts, keys, stores.

use std::fs;
use std::path::Path;

use crate::harness::{KEYS, SHAPE, STORE, copied_keys, genesis, run, with};

#[test]
fn secrets_are_private_and_never_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let key = run(path, &["keygen", "a.secret"]).ok();
    assert_eq!((key.trim().len(), &key[..2]), (2 + 128, "0x"));
    run(path, &["keygen", "a.secret"]).fails(2, &["a.secret", "never overwritten"]);

    let sign = |file: &str| {
        let rollup = format!("0x{}", "0".repeat(64));
        let args = [
            "sign", "transfer", "--secret", file, "--from", "0", "--to", "1", "--amount", "5", "--nonce", "0",
        ];
        run(path, &with(&args, &["--rollup-id", &rollup]))
    };
    let line = sign("a.secret").ok();
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (
            json["transfer"]["amount_float40"].as_u64(),
            json["transfer"]["nonce"].as_u64(),
        ),
        (Some(5), Some(0))
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode =
            |mode| fs::set_permissions(path.join("a.secret"), fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(
            fs::metadata(path.join("a.secret")).unwrap().permissions().mode() & 0o777,
            0o600
        );
        mode(0o644);
        sign("a.secret").fails(1, &["others may read the secret key", "chmod 600"]);
        mode(0o600);
    }
    fs::write(path.join("a.secret"), "0x12").unwrap();
    sign("a.secret").fails(1, &["does not hold a secret key"]);
    sign("b.secret").fails(2, &["cannot read b.secret"]);
}

#[test]
fn inexact_amounts_name_what_can_be_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    run(path, &["keygen", "a.secret"]).ok();
    let sign = |amount: &str, fee: &str| {
        let args = [
            "sign", "transfer", "--secret", "a.secret", "--from", "0", "--to", "1", "--nonce", "0",
        ];
        run(
            path,
            &with(&args, &["--amount", amount, "--fee", fee, "--rollup-id", "0x00"]),
        )
    };
    sign("34359738369", "0").fails(1, &["amount 34359738369", "34359738367 and 34359738370"]);
    sign("1", "2049").fails(1, &["fee 2049", "2047 and 2050"]);
    sign("1.5", "0").fails(2, &["not a decimal number"]);
    sign("1", "0").fails(2, &["not a rollup id"]);
}

#[test]
fn genesis_takes_three_formats_and_refuses_what_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let key = run(path, &["keygen", "a.secret"]).ok();
    let (key, owner) = (key.trim(), format!("0x{}", "11".repeat(20)));
    let genesis = |file: &str, text: &str, store: &str| {
        fs::write(path.join(file), text).unwrap();
        let flags = [
            "--store",
            store,
            "--levels",
            "2",
            "--allow-development-keys",
            "--json",
        ];
        run(path, &with(&["genesis", file], &flags))
    };
    let root = |text: String| serde_json::from_str::<serde_json::Value>(&text).unwrap()["root"].clone();
    let csv = format!("index,key,balance,token,owner\n3,{key},7,1,{owner}\n");
    let json = format!(r#"[{{"index":3,"key":"{key}","balance":"7","token":1,"owner":"{owner}"}}]"#);
    let toml =
        format!("[[account]]\nindex = 3\nkey = \"{key}\"\nbalance = 7\ntoken = 1\nowner = \"{owner}\"\n");
    let first = root(genesis("a.csv", &csv, "s1").ok());
    assert_eq!(root(genesis("a.json", &json, "s2").ok()), first);
    assert_eq!(root(genesis("a.toml", &toml, "s3").ok()), first);

    genesis("a.csv", &csv, "s1").fails(2, &["has a store already", "never overwritten"]);
    genesis("a.txt", &csv, "s4").fails(2, &["a.txt", ".json, .toml or .csv"]);
    genesis("a.json", &json[..40], "s4").fails(1, &["a.json"]);
    genesis("a.json", &json.replace("token", "tokn"), "s4").fails(1, &["unknown field `tokn`"]);
    genesis("a.csv", &csv.replace("balance", "blance"), "s4").fails(1, &["unknown column \"blance\""]);
    genesis(
        "a.csv",
        &csv.replace(",7,", ",340282366920938463463374607431768211456,"),
        "s4",
    )
    .fails(1, &["account 0", "below 2^128"]);
    genesis(
        "a.csv",
        &csv.replace(&owner, &format!("0x{}", "00".repeat(20))),
        "s4",
    )
    .fails(1, &["zero address"]);
    genesis("a.csv", &csv.replace("\n3,", "\n16,"), "s4")
        .fails(1, &["account 16 is beyond the tree's 16 leaves"]);
    genesis("a.csv", &csv.replace("\n3,", "\n2147483648,"), "s4").fails(1, &["2^31"]);
    genesis("a.csv", &format!("{csv}3,{key},7,1,{owner}\n"), "s4").fails(
        1,
        &["error: a.csv: account 3 is given twice", "correct the accounts"],
    );
    fs::write(path.join("bytes.csv"), b"index,\xff\xfe").unwrap();
    run(path, &["genesis", "bytes.csv", "--store", "s4"])
        .fails(1, &["bytes.csv is no text: byte 6 is not UTF-8"]);
    // S20, S21: off the curve, the identity, not canonical.
    let (zero, one, big) = ("0".repeat(64), format!("{:064x}", 1), "f".repeat(64));
    for (bad, says) in [
        (format!("0x{one}{one}"), "curve"),
        (format!("0x{zero}{one}"), "identity"),
        (format!("0x{big}{one}"), "at or above the field's order"),
        (key[..100].to_owned(), "128 hex digits"),
    ] {
        genesis("a.csv", &csv.replace(key, &bad), "s4").fails(1, &["account 0", says]);
    }
    // Numbers with a sign, which the standard library would take.
    genesis("a.csv", &csv.replace(",7,", ",+7,"), "s4").fails(1, &["balance \"+7\" is not a decimal"]);
    genesis("a.json", &json.replace("\"7\"", "\"+7\""), "s4").fails(1, &["balance \"+7\" is not a decimal"]);
    genesis("a.csv", &csv.replace("\n3,", "\n+3,"), "s4")
        .fails(1, &["line 2: index \"+3\" is not a decimal"]);
    genesis("a.csv", &csv.replace("balance", "token"), "s4").fails(1, &["column \"token\" is given twice"]);
    genesis("a.csv", "index,key,balance,token,owner\n", "s4").fails(1, &["no account"]);
    genesis("a.json", "[]", "s4").fails(1, &["no account"]);
    genesis("a.csv", &csv.replace("\n3,", "\n16,"), "s4/deep/store").fails(1, &["beyond the tree"]);
    // Nothing of the refused ones is left.
    assert!(!path.join("s4").exists());
}

#[test]
fn a_valid_key_is_kept() {
    let keys = KEYS.path().to_str().unwrap();
    let again = run(
        Path::new("."),
        &["setup", "--shape", SHAPE, "--keys", keys, "--json"],
    )
    .ok();
    let rows: serde_json::Value = serde_json::from_str(&again).unwrap();
    assert_eq!(
        (rows[0]["shape"].as_str(), rows[0]["made"].as_bool()),
        (Some(SHAPE), Some(false))
    );
    run(Path::new("."), &["setup", "--shape", "t0f1", "--keys", keys]).fails(2, &["not a shape: t0f1"]);
}

#[test]
fn where_no_key_can_be_written_none_is_computed() {
    let ran = run(
        Path::new("."),
        &["setup", "--shape", "t87f4", "--keys", "/dev/null"],
    );
    assert!(!ran.err.contains("building the circuit"), "{ran:?}");
    ran.fails(2, &["cannot write keys to /dev/null"]);
}

/// S30, S33: every way in which keys stop a start-up.
#[test]
fn s30_s33_wrong_keys_stop_the_start_up() {
    let directory = genesis();
    let path = directory.path();
    let serve = |keys: &Path, more: &[&str]| {
        let args = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--keys",
            keys.to_str().unwrap(),
        ];
        run(path, &with(&with(&args, STORE), more))
    };
    serve(Path::new("nowhere"), &[]).fails(2, &["nowhere cannot be read", "quittance setup"]);
    let empty = tempfile::tempdir().unwrap();
    serve(empty.path(), &[]).fails(2, &["no key for a tree of 2 levels", "quittance setup"]);
    serve(KEYS.path(), &["--shape", "t2f1"]).fails(2, &["shape t2f1 is for a tree of 16 levels"]);
    let setup = format!(
        "run `quittance setup --shape t3f1l2 --keys {}`",
        KEYS.path().display()
    );
    let ran = serve(KEYS.path(), &["--shape", "t3f1l2"]);
    // Logs have colours on a terminal only.
    assert!(
        ran.err.contains("loading key") && !ran.err.contains('\x1b'),
        "{ran:?}"
    );
    ran.fails(2, &["no key for shape t3f1l2", &setup]);

    let (keys, key) = copied_keys();
    let file = key.join("proving.key");
    let bytes = fs::read(&file).unwrap();
    let mut flipped = bytes.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for damaged in [&flipped[..], &bytes[..bytes.len() - 1], &[]] {
        fs::write(&file, damaged).unwrap();
        serve(keys.path(), &[]).fails(1, &[SHAPE]);
    }
    fs::write(&file, &bytes).unwrap();
    fs::write(key.join("manifest.json"), "{").unwrap();
    serve(keys.path(), &[]).fails(1, &["manifest.json"]);
    // A key under another shape's name.
    let (keys, key) = copied_keys();
    fs::rename(&key, keys.path().join("t3f1l2")).unwrap();
    serve(keys.path(), &[]).fails(1, &["t3f1l2"]);
}

#[test]
fn s33_development_keys_and_small_trees_need_a_flag() {
    let directory = genesis();
    let keys = KEYS.path().to_str().unwrap();
    let args = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--store",
        "store",
        "--keys",
        keys,
        "--levels",
        "2",
    ];
    run(directory.path(), &args).fails(2, &["rollup.levels", "allow_development_keys"]);
}

#[test]
fn wrong_stores_stop_the_start_up() {
    let directory = genesis();
    let path = directory.path();
    let keys = KEYS.path().to_str().unwrap();
    let serve = |more: &[&str]| {
        let args = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--keys",
            keys,
            "--allow-development-keys",
        ];
        run(path, &with(&args, more))
    };
    serve(&["--store", "store", "--levels", "3"]).fails(
        2,
        &[
            "store has a tree of 2 levels, the configuration says 3",
            "--levels",
        ],
    );
    fs::write(path.join("c.toml"), "[rollup]\nchain_id = 5\n").unwrap();
    serve(&["--store", "store", "--levels", "2", "--config", "c.toml"])
        .fails(2, &["store belongs to rollup", "rollup.chain_id"]);
    let root = format!("[rollup]\ngenesis_root = \"0x{}\"\n", "0".repeat(64));
    fs::write(path.join("c.toml"), root).unwrap();
    serve(&["--store", "store", "--levels", "2", "--config", "c.toml"])
        .fails(2, &["store began with state root", "rollup.genesis_root"]);
    // A file that is no store, and one that is cut off.
    let file = path.join("store").join("quittance.redb");
    let bytes = fs::read(&file).unwrap();
    for damaged in [&b"not a database"[..], &bytes[..bytes.len() / 2], &[]] {
        fs::write(&file, damaged).unwrap();
        let ran = serve(&["--store", "store", "--levels", "2"]);
        ran.fails(1, &[]);
    }
}
