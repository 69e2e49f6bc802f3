//! JSON bundles: the same values as the binary form, read as strictly.

use proptest::prelude::*;
use quittance_verifier::json::{JsonError, exit_from_json, exit_to_json, from_json, to_json};
use quittance_verifier::*;
use serde_json::{Value, json};

use crate::properties::any_facts;
use crate::simulator::{ExitSimulator, Simulator, exit_facts, full_facts};

fn valid() -> (Bundle, Value) {
    let simulator = Simulator::ceremony(1, "p4o2t4w2r2f2");
    let bundle = simulator.bundle(full_facts(1, "p4o1t3w1r1f1"), 1);
    let text = to_json(&bundle).unwrap();
    assert_eq!(from_json(text.as_bytes()).unwrap(), bundle);
    let value = serde_json::from_str(&text).unwrap();
    (bundle, value)
}

/// What the reader says after a change of the document.
fn read(change: impl FnOnce(&mut Value)) -> Result<Bundle, JsonError> {
    let (_, mut value) = valid();
    change(&mut value);
    from_json(value.to_string().as_bytes())
}

fn assert_value(change: impl FnOnce(&mut Value), expected: DecodeError) {
    match read(change) {
        Err(JsonError::Value(error)) => assert_eq!(error, expected),
        other => panic!("{other:?} instead of {expected:?}"),
    }
}

fn assert_syntax(text: &str, expected: &str) {
    match from_json(text.as_bytes()) {
        Err(JsonError::Syntax(error)) => assert!(error.to_string().contains(expected), "{error}"),
        other => panic!("{other:?} instead of {expected}"),
    }
}

#[test]
fn text_is_for_people() {
    let (bundle, value) = valid();
    assert_eq!(value["format"], "quittance-bundle");
    assert_eq!(value["version"], 2);
    assert_eq!(value["key_id"], bundle.key_id.to_string());
    assert_eq!(value["facts"]["batch_number"], bundle.facts.batch_number);
    assert_eq!(
        value["facts"]["fees"][0]["amount"],
        bundle.facts.fees[0].amount.to_string()
    );
    let words = 1 + 4 * 4 + 4 + 2 + 4 + 2;
    assert_eq!(value["pubdata"].as_array().unwrap().len(), words);
    let facts = &value["facts"];
    assert_eq!(facts["queue"], encoding::to_hex(&bundle.facts.queue));
    let [deposit, .., exit] = facts["priority"].as_array().unwrap().as_slice() else {
        panic!("{facts}")
    };
    let PriorityData::Deposit { deposit: plain, .. } = bundle.facts.priority[0] else {
        panic!("no deposit")
    };
    assert_eq!(deposit["deposit"]["amount"], plain.amount.to_string());
    assert_eq!(deposit["deposit"]["owner"], encoding::to_hex(&plain.owner));
    assert_eq!(deposit["deposit"]["done"], true);
    assert_eq!(exit["forced_exit"]["done"], false);
    assert_eq!(exit["forced_exit"]["amount"], "0");
    assert_eq!(
        facts["withdrawals"][0]["address"],
        encoding::to_hex(&bundle.facts.withdrawals[0].address)
    );
    assert_eq!(facts["rotations"][0]["from"], bundle.facts.rotations[0].from);
    assert_eq!(
        facts["openings"][0]["key"]["x"],
        encoding::to_hex(&encoding::fr_to_bytes_be(&bundle.facts.openings[0].key[0]))
    );
    let mut plain = bundle;
    plain.facts.transfers[0] = TransferData {
        from: 1,
        to: 2,
        amount: 3 << 35 | 25,
        fee: 31 << 11 | 2047,
    };
    let text = to_json(&plain).unwrap();
    assert!(
        text.contains(r#""amount": "25e3""#) && text.contains(r#""fee": "2047e31""#),
        "{text}"
    );
    assert_eq!(from_json(text.as_bytes()).unwrap(), plain);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_facts_round_trip(facts in any_facts()) {
        let (bundle, _) = valid();
        let bundle = Bundle { facts, ..bundle };
        let text = to_json(&bundle).unwrap();
        prop_assert_eq!(from_json(text.as_bytes()).unwrap(), bundle);
    }
}

#[test]
fn unknown_missing_and_repeated_fields_are_refused() {
    let (_, value) = valid();
    for path in [
        "",
        "/facts",
        "/facts/transfers/0",
        "/facts/fees/0",
        "/facts/priority/0/deposit",
        "/facts/priority/0/deposit/key",
        "/facts/priority/2/forced_exit",
        "/facts/priority/3/forced_exit",
        "/facts/openings/0",
        "/facts/openings/0/key",
        "/facts/withdrawals/0",
        "/facts/rotations/0",
        "/facts/rotations/0/key",
        "/proof",
        "/proof/a",
        "/proof/b",
    ] {
        let fields: Vec<String> = value
            .pointer(path)
            .unwrap()
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        let mut extended = value.clone();
        extended.pointer_mut(path).unwrap()["extra"] = json!(1);
        assert_syntax(&extended.to_string(), "unknown field `extra`");
        for field in fields {
            let mut cut = value.clone();
            let removed = cut
                .pointer_mut(path)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove(&field)
                .unwrap();
            assert_syntax(&cut.to_string(), &format!("missing field `{field}`"));
            // Twice the same field with the same value.
            let object = value.pointer(path).unwrap().to_string();
            let twice = format!("{{{}:{removed},{}", json!(field), &object[1..]);
            let text = value.to_string().replacen(&object, &twice, 1);
            assert_syntax(&text, &format!("duplicate field `{field}`"));
        }
    }
}

#[test]
fn a_second_spelling_of_a_value_is_refused() {
    let hex = |field, expected| DecodeError::Hex { field, expected };
    let (_, value) = valid();
    let h = value["h"].as_str().unwrap().to_owned();
    let spellings = [
        h[2..].to_owned(),
        h.to_uppercase(),
        h.replacen("0x", "0X", 1),
        format!("0x0{}", &h[2..]),
        format!("{h}00"),
        format!("{h} "),
    ];
    for text in spellings {
        assert_value(|value| value["h"] = json!(text), hex("h", 32));
    }
    assert_value(|value| value["key_id"] = json!("0x00"), hex("key_id", 32));
    for text in [
        "01",
        "+1",
        "-1",
        "",
        " 1",
        "1.0",
        "1e0",
        "0x1",
        "340282366920938463463374607431768211456",
    ] {
        assert_value(
            |value| value["facts"]["fees"][0]["amount"] = json!(text),
            DecodeError::Decimal { field: "fees.amount" },
        );
    }
    for text in [
        "1",
        "e",
        "1e",
        "e1",
        "01e1",
        "1e01",
        "1E1",
        "1e32",
        "34359738368e0",
        "-1e0",
        "1e-1",
        "1e1e1",
    ] {
        assert_value(
            |value| value["facts"]["transfers"][0]["amount"] = json!(text),
            DecodeError::Decimal {
                field: "transfers.amount",
            },
        );
    }
    for text in ["1", "2048e0", "1e32"] {
        for (section, field) in [
            ("transfers", "transfers.fee"),
            ("openings", "openings.fee"),
            ("withdrawals", "withdrawals.fee"),
            ("rotations", "rotations.fee"),
        ] {
            assert_value(
                |value| value["facts"][section][0]["fee"] = json!(text),
                DecodeError::Decimal { field },
            );
        }
    }
    for (path, text, error) in [
        (
            "/facts/openings/0/amount",
            "34359738368e0",
            DecodeError::Decimal {
                field: "openings.amount",
            },
        ),
        (
            "/facts/withdrawals/0/amount",
            "1e0",
            DecodeError::Decimal {
                field: "withdrawals.amount",
            },
        ),
        (
            "/facts/priority/0/deposit/amount",
            "01",
            DecodeError::Decimal {
                field: "priority.amount",
            },
        ),
        (
            "/facts/priority/2/forced_exit/amount",
            "+1",
            DecodeError::Decimal {
                field: "priority.amount",
            },
        ),
        (
            "/facts/priority/1/deposit/owner",
            "0x00",
            hex("priority.owner", 20),
        ),
        (
            "/facts/priority/3/forced_exit/caller",
            "",
            hex("priority.caller", 20),
        ),
        ("/facts/openings/0/owner", "0x", hex("openings.owner", 20)),
        (
            "/facts/withdrawals/0/address",
            "0xAB",
            hex("withdrawals.address", 20),
        ),
        ("/facts/rotations/0/owner", "1", hex("rotations.owner", 20)),
        ("/facts/rotations/0/key/y", "0x0", hex("rotations.key", 32)),
        ("/facts/queue", "0x0", hex("queue", 32)),
    ] {
        assert_value(|value| *value.pointer_mut(path).unwrap() = json!(text), error);
    }
}

#[test]
fn a_priority_operation_has_one_spelling() {
    let (_, value) = valid();
    let change = |at: usize, with: Value| {
        let mut changed = value.clone();
        changed["facts"]["priority"][at] = with;
        changed.to_string()
    };
    let deposit = &value["facts"]["priority"][0]["deposit"];
    let exit = &value["facts"]["priority"][2]["forced_exit"];
    for (with, expected) in [
        (json!({ "transfer": deposit }), "unknown variant `transfer`"),
        (json!({ "5": deposit }), "unknown variant `5`"),
        (json!({ "deposit": exit }), "unknown field `caller`"),
        (json!({ "forced_exit": deposit }), "unknown field `"),
        (
            json!({ "deposit": deposit, "forced_exit": exit }),
            "expected value",
        ),
        (json!({}), "expected value"),
        (json!("deposit"), "invalid type: unit variant"),
        (json!(["deposit", deposit]), "expected value"),
        (
            json!({ "deposit": [1, 2, "3", "0x", {}, true] }),
            "expected an object",
        ),
    ] {
        match from_json(change(0, with.clone()).as_bytes()) {
            Err(JsonError::Syntax(error)) => {
                assert!(error.to_string().contains(expected), "{with}: {error}");
            }
            other => panic!("{with}: {other:?}"),
        }
    }
    // `done` is a boolean, and one spelling says that nothing was paid.
    for done in [json!(0), json!(1), json!("true"), json!(null)] {
        let mut changed = value.clone();
        changed["facts"]["priority"][1]["deposit"]["done"] = done;
        assert_syntax(&changed.to_string(), "expected a boolean");
    }
    assert_value(
        |value| value["facts"]["priority"][3]["forced_exit"]["token"] = json!(1),
        DecodeError::NotZero {
            field: "priority.token",
            index: 3,
        },
    );
    assert_value(
        |value| value["facts"]["priority"][2]["forced_exit"]["done"] = json!(false),
        DecodeError::NotZero {
            field: "priority.token",
            index: 2,
        },
    );
    assert_value(
        |value| value["facts"]["priority"][3]["forced_exit"]["amount"] = json!("7"),
        DecodeError::NotZero {
            field: "priority.amount",
            index: 3,
        },
    );
}

#[test]
fn numbers_are_32_bit_integers() {
    let (_, value) = valid();
    let number = value["facts"]["batch_number"].to_string();
    for text in ["4294967296", "-1", "1.0", "1e3", "\"1\"", "null", "true"] {
        let changed = value.to_string().replacen(
            &format!("\"batch_number\":{number}"),
            &format!("\"batch_number\":{text}"),
            1,
        );
        assert_syntax(&changed, "invalid ");
    }
}

#[test]
fn an_array_is_not_an_object() {
    let (_, value) = valid();
    let transfer = &value["facts"]["transfers"][0];
    let fields = ["from", "to", "amount", "fee"].map(|field| transfer[field].clone());
    let mut changed = value.clone();
    changed["facts"]["transfers"][0] = json!(fields);
    assert_syntax(&changed.to_string(), "expected an object");
    let fields =
        ["format", "version", "key_id", "facts", "pubdata", "h", "proof"].map(|field| value[field].clone());
    assert_syntax(&json!(fields).to_string(), "expected an object");
}

#[test]
fn values_are_checked_as_in_binary() {
    let modulus = encoding::to_hex(&crate::simulator::R);
    for (path, field) in [
        ("/h", "h"),
        ("/facts/old_root", "old_root"),
        ("/facts/new_root", "new_root"),
        ("/facts/priority/1/deposit/key/x", "priority.key"),
        ("/facts/openings/0/key/y", "openings.key"),
        ("/facts/rotations/0/key/x", "rotations.key"),
    ] {
        assert_value(
            |value| *value.pointer_mut(path).unwrap() = json!(modulus),
            DecodeError::NotCanonical { field },
        );
    }
    assert_value(
        |value| value["format"] = json!("other"),
        DecodeError::Format {
            field: "proof bundle",
        },
    );
    assert_value(
        |value| value["version"] = json!(1),
        DecodeError::Version { got: 1, expected: 2 },
    );
    let top = format!("0x01{}", "00".repeat(31));
    assert_value(
        |value| value["facts"]["rollup_id"] = json!(top),
        DecodeError::RollupIdOutOfRange,
    );
    assert_value(
        |value| value["facts"]["queue"] = json!(top),
        DecodeError::QueueOutOfRange,
    );
    let zero = format!("0x{}", "00".repeat(32));
    assert_value(
        |value| value["proof"]["a"] = json!({ "x": zero, "y": zero }),
        DecodeError::Identity { field: "proof.a" },
    );
    assert_value(
        |value| value["proof"]["c"]["y"] = json!(zero),
        DecodeError::NotOnCurve { field: "proof.c" },
    );
}

#[test]
fn s27_pubdata_that_does_not_follow_from_the_facts() {
    let refused = |change: fn(&mut Vec<Value>)| {
        let result = read(|value| change(value["pubdata"].as_array_mut().unwrap()));
        assert!(matches!(result, Err(JsonError::PubdataMismatch)), "{result:?}");
    };
    refused(|words| words.swap(0, 1));
    refused(|words| _ = words.pop());
    refused(|words| words.push(words[0].clone()));
    refused(|words| words[0] = json!("0x"));
    refused(|words| words[0] = json!(words[0].as_str().unwrap().to_uppercase()));
    assert!(matches!(
        read(|value| value["facts"]["transfers"][0]["to"] = json!(12345)),
        Err(JsonError::PubdataMismatch)
    ));
    assert!(matches!(
        read(
            |value| value["facts"]["transfers"] = json!(vec![value["facts"]["transfers"][0].clone(); 65_537])
        ),
        Err(JsonError::Statement(StatementError::TooMany {
            section: Section::Transfers,
            got: 65_537,
            capacity: 65_536
        }))
    ));
}

#[test]
fn s02_text_cut_at_every_length_is_refused() {
    let (bundle, _) = valid();
    let text = to_json(&bundle).unwrap();
    for length in 0..text.trim_end().len() {
        assert!(
            matches!(from_json(&text.as_bytes()[..length]), Err(JsonError::Syntax(_))),
            "{length}"
        );
    }
    assert_syntax(&format!("{text}{{}}"), "trailing characters");
}

#[test]
fn s38_deep_nesting_is_refused() {
    assert_syntax(
        &format!("{{\"facts\":{}", "[".repeat(1 << 20)),
        "expected an object",
    );
    assert_syntax(&format!("{{\"pubdata\":{}", "[".repeat(1 << 20)), "invalid type");
    assert_syntax(&"{\"facts\":".repeat(1 << 16), "unknown field");
}

fn valid_exit() -> (ExitBundle, Value) {
    let bundle = ExitSimulator::new(1, Provenance::Ceremony).bundle(exit_facts(1), 1);
    let text = exit_to_json(&bundle).unwrap();
    assert_eq!(exit_from_json(text.as_bytes()).unwrap(), bundle);
    let value = serde_json::from_str(&text).unwrap();
    (bundle, value)
}

#[test]
fn exits_are_read_as_strictly() {
    let (bundle, value) = valid_exit();
    assert_eq!(value["format"], "quittance-exit");
    assert_eq!(value["facts"]["balance"], bundle.facts.balance.to_string());
    for path in ["", "/facts", "/proof", "/proof/b"] {
        let object = value.pointer(path).unwrap().as_object().unwrap();
        let mut extended = value.clone();
        extended.pointer_mut(path).unwrap()["extra"] = json!(1);
        let error = exit_from_json(extended.to_string().as_bytes()).unwrap_err();
        assert!(matches!(error, JsonError::Syntax(_)), "{error:?}");
        for field in object.keys() {
            let mut cut = value.clone();
            cut.pointer_mut(path)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove(field);
            let error = exit_from_json(cut.to_string().as_bytes()).unwrap_err();
            let JsonError::Syntax(error) = error else {
                panic!("{error:?}")
            };
            assert!(
                error.to_string().contains(&format!("missing field `{field}`")),
                "{error}"
            );
        }
    }
    let modulus = encoding::to_hex(&crate::simulator::R);
    let top = format!("0x01{}", "00".repeat(31));
    for (path, with, expected) in [
        ("/h", json!(modulus), DecodeError::NotCanonical { field: "h" }),
        (
            "/facts/root",
            json!(modulus),
            DecodeError::NotCanonical { field: "root" },
        ),
        ("/facts/rollup_id", json!(top), DecodeError::RollupIdOutOfRange),
        (
            "/facts/balance",
            json!("340282366920938463463374607431768211456"),
            DecodeError::Decimal { field: "balance" },
        ),
        (
            "/facts/owner",
            json!("0x0"),
            DecodeError::Hex {
                field: "owner",
                expected: 20,
            },
        ),
        ("/version", json!(2), DecodeError::Version { got: 2, expected: 1 }),
        (
            "/format",
            json!("quittance-bundle"),
            DecodeError::Format { field: "exit bundle" },
        ),
    ] {
        let mut changed = value.clone();
        *changed.pointer_mut(path).unwrap() = with;
        match exit_from_json(changed.to_string().as_bytes()) {
            Err(JsonError::Value(error)) => assert_eq!(error, expected),
            other => panic!("{other:?} instead of {expected:?}"),
        }
    }
    let mut out_of_range = bundle;
    out_of_range.facts.rollup_id[0] = 1;
    assert!(matches!(
        exit_to_json(&out_of_range),
        Err(JsonError::Statement(StatementError::RollupIdOutOfRange))
    ));
    // Neither format is read as the other.
    let (_, batch) = valid();
    assert!(exit_from_json(batch.to_string().as_bytes()).is_err());
    assert!(from_json(value.to_string().as_bytes()).is_err());
}
