//! JSON bundles: the same values as the binary form, read as strictly.

use proptest::prelude::*;
use quittance_verifier::json::{JsonError, from_json, to_json};
use quittance_verifier::*;
use serde_json::{Value, json};

use crate::properties::any_facts;
use crate::simulator::{Simulator, facts};

fn valid() -> (Bundle, Value) {
    let simulator = Simulator::ceremony(1, "t4f2");
    let bundle = simulator.bundle(facts(1, 3, 1), 1);
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
    assert_eq!(value["version"], 1);
    assert_eq!(value["key_id"], bundle.key_id.to_string());
    assert_eq!(value["facts"]["batch_number"], bundle.facts.batch_number);
    assert_eq!(
        value["facts"]["fees"][0]["amount"],
        bundle.facts.fees[0].amount.to_string()
    );
    assert_eq!(value["pubdata"].as_array().unwrap().len(), 3);
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
        assert_value(
            |value| value["facts"]["transfers"][0]["fee"] = json!(text),
            DecodeError::Decimal {
                field: "transfers.fee",
            },
        );
    }
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
        |value| value["version"] = json!(2),
        DecodeError::Version { got: 2, expected: 1 },
    );
    let top = format!("0x01{}", "00".repeat(31));
    assert_value(
        |value| value["facts"]["rollup_id"] = json!(top),
        DecodeError::RollupIdOutOfRange,
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
        Err(JsonError::Statement(StatementError::TooManyTransfers {
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
