//! JSON texts compared as values: blanks and the order of fields do not count, everything else does.

use serde_json::Value;

/// Asserts that an accepted text says exactly what `canonical` says: no value has a second spelling.
pub fn assert_same_json(text: &[u8], canonical: &[u8]) {
    let value = |text: &[u8]| serde_json::from_slice::<Value>(text).expect("what was decoded is JSON");
    assert_eq!(
        value(text),
        value(canonical),
        "an accepted text has a second spelling"
    );
}
