//! The committed list of survivors.

use super::classes::Survivors;
use std::collections::BTreeMap;

const LIST: &str = include_str!("explained.txt");

/// Compares survivors with the list: how many rows it explains, and what does not agree, in words.
pub(crate) fn compare(survivors: &Survivors) -> (usize, Vec<String>) {
    let mut listed: BTreeMap<(String, String), usize> = LIST
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let parts: Vec<&str> = line.splitn(4, " | ").collect();
            let [rule, form, rows, reason] = parts[..] else {
                panic!("not `rule | form | rows | reason`: {line}")
            };
            assert!(reason.len() > 20, "no reason: {line}");
            ((rule.to_owned(), form.to_owned()), rows.parse().unwrap())
        })
        .collect();
    let mut explained = 0;
    let mut unexplained = Vec::new();
    for (name, survivor) in survivors {
        let (rule, form) = name;
        match listed.remove(name) {
            Some(rows) if rows == survivor.classes.len() => explained += survivor.rows,
            listed => unexplained.push(format!(
                "{rule}, rows {form}: {} survive in a slot, {listed:?} are listed; at {:?} among the rule's",
                survivor.classes.len(),
                survivor.positions.values().collect::<Vec<_>>()
            )),
        }
    }
    for ((rule, form), rows) in listed {
        unexplained.push(format!("{rule}, rows {form}: {rows} are listed, none survives"));
    }
    (explained, unexplained)
}
