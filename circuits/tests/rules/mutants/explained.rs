//! The committed list of survivors.

use super::classes::Survivors;
use std::collections::BTreeMap;

const LIST: &str = include_str!("explained.txt");

/// What a listed row is: needed, but out of an attacker's reach; or implied by other rows.
pub(crate) const REASONS: [&str; 2] = ["needed", "implied"];

/// Compares survivors with the list: how many rows it explains, by reason, and what does not agree, in words.
pub(crate) fn compare(survivors: &Survivors) -> ([usize; 2], Vec<String>) {
    let mut listed: BTreeMap<(String, String), (usize, usize)> = LIST
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let parts: Vec<&str> = line.splitn(4, " | ").collect();
            let [rule, form, rows, reason] = parts[..] else {
                panic!("not `rule | form | rows | reason`: {line}")
            };
            let (kind, text) = reason.split_once(": ").unwrap();
            assert!(text.len() > 20, "no reason: {line}");
            let kind = REASONS.iter().position(|name| *name == kind);
            let kind = kind.unwrap_or_else(|| panic!("neither of {REASONS:?}: {line}"));
            ((rule.to_owned(), form.to_owned()), (kind, rows.parse().unwrap()))
        })
        .collect();
    let mut explained = [0; 2];
    let mut unexplained = Vec::new();
    for (name, survivor) in survivors {
        let (rule, form) = name;
        match listed.remove(name) {
            Some((kind, rows)) if rows == survivor.classes.len() => explained[kind] += survivor.rows,
            listed => unexplained.push(format!(
                "{rule}, rows {form}: {} survive in a slot, {listed:?} are listed; at {:?} among the rule's",
                survivor.classes.len(),
                survivor.positions.values().collect::<Vec<_>>()
            )),
        }
    }
    for ((rule, form), (_, rows)) in listed {
        unexplained.push(format!("{rule}, rows {form}: {rows} are listed, none survives"));
    }
    (explained, unexplained)
}
