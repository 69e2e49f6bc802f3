//! Files of accounts for `quittance genesis`: JSON, TOML, CSV. The first byte of the input says which.

use std::fmt::Write as _;
use std::path::Path;

use quittance::cli::fuzzing;
use quittance::encoding::to_hex;
use quittance_circuits::leaf::Leaf;
use quittance_circuits::types::AccountIndex;
use quittance_verifier::encoding::fr_to_bytes_be;

use crate::memory::Budget;

/// An entry of a CSV file takes 5 bytes at least and three texts while it is read; TOML's values have places in the text too.
const BUDGET: Budget = Budget {
    base: 1 << 17,
    for_each: 512,
};

/// Accepted accounts, written in each format, are read as the same accounts.
pub fn check(data: &[u8]) {
    let Some((format, text)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let name = match format {
        b'j' => "accounts.json",
        b't' => "accounts.toml",
        b'c' => "accounts.csv",
        _ => return,
    };
    let Ok(leaves) = BUDGET.within(text.len(), || fuzzing::genesis(Path::new(name), text)) else {
        return;
    };
    for (name, text) in written(&leaves) {
        let again = fuzzing::genesis(Path::new(name), &text).expect("what is written is read");
        assert_eq!(again, leaves, "{name}");
    }
}

/// The same accounts in each format.
fn written(leaves: &[(AccountIndex, Leaf)]) -> [(&'static str, String); 3] {
    let mut json = Vec::new();
    let mut toml = String::new();
    let mut csv = String::from("index,key,balance,token,owner\n");
    for (index, leaf) in leaves {
        let coordinates = [fr_to_bytes_be(&leaf.key.x()), fr_to_bytes_be(&leaf.key.y())];
        let (key, owner) = (to_hex(coordinates.as_flattened()), to_hex(&leaf.owner().get()));
        let (balance, token) = (leaf.balance.to_string(), leaf.token);
        json.push(serde_json::json!({
            "index": index.get(), "key": key, "balance": balance, "token": token, "owner": owner,
        }));
        let _ = write!(
            toml,
            "[[account]]\nindex = {index}\nkey = {key:?}\nbalance = {balance:?}\ntoken = {token}\nowner = {owner:?}\n"
        );
        let _ = writeln!(csv, "{index},{key},{balance},{token},{owner}");
    }
    if leaves.is_empty() {
        toml.push_str("account = []\n");
    }
    let json = serde_json::Value::from(json).to_string();
    [("a.json", json), ("a.toml", toml), ("a.csv", csv)]
}

/// A valid input: some accounts in one of the formats.
pub fn seed(number: usize, recipe: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let leaves = (0..2)
        .map(|i| Ok((AccountIndex(i * 7), crate::leaf::arbitrary_leaf(recipe)?)))
        .collect::<arbitrary::Result<Vec<_>>>()?;
    let (format, (_, text)) = [b'j', b't', b'c']
        .into_iter()
        .zip(written(&leaves))
        .nth(number % 3)
        .unwrap_or_default();
    Ok([&[format], text.as_bytes()].concat())
}
