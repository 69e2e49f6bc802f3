//! What a further slot costs at 2^32 accounts with one fee slot: counted by the labels of rows, pinned in `slot_counts.csv`, and the same in
//! the documents.
//!
//! The statement absorbs sixteen words of pubdata at a time, which a slot shares with its neighbours: 32 further slots of any section fill
//! whole blocks, and a slot's share is a 32nd of what they cost, rounded up with the rest.

use super::with_further_slots;
use quittance_circuits::circuit::circuit;
use quittance_circuits::r1cs::LabelledMatrices;
use quittance_circuits::shapes::{slot_constraints, statement_constraints};
use quittance_verifier::{Section, Shape};
use std::fmt::Write;

const PINNED: &str = include_str!("../../../slot_counts.csv");
const DOCUMENTS: [&str; 2] = [
    include_str!("../../../README.md"),
    include_str!("../../../../README.md"),
];

/// Two slots of each section, as the first one of a section has a row less. Fees in one token, or in two to see a further fee slot.
const fn shape(fee_slots: u32) -> Shape {
    Shape {
        levels: Shape::PRODUCTION_LEVELS,
        priority: 2,
        openings: 2,
        transfers: 2,
        withdrawals: 2,
        rotations: 2,
        fee_slots,
    }
}

/// The section in labels, and the row of the table in `circuits/README.md`.
const fn names(section: Section) -> (&'static str, &'static str) {
    match section {
        Section::Priority => ("priority", "deposit or forced exit"),
        Section::Openings => ("opening", "opening"),
        Section::Transfers => ("transfer", "transfer"),
        Section::Withdrawals => ("withdrawal", "withdrawal"),
        Section::Rotations => ("rotation", "rotation"),
        Section::Fees => ("fee", "fee slot"),
    }
}

/// Rows of the section's second slot.
fn rows(matrices: &LabelledMatrices, section: Section) -> u64 {
    let slot = format!("{}[1].", names(section).0);
    let labels = (0..matrices.num_constraints()).filter_map(|row| matrices.label(row));
    u64::try_from(
        labels
            .filter(|label| label.to_string().starts_with(&slot))
            .count(),
    )
    .unwrap()
}

/// Rows that 32 further slots add to the statement.
fn statement_rows_of_32(shape: &Shape, section: Section) -> u64 {
    let grown = with_further_slots(shape, section, 32);
    statement_constraints(&grown) - statement_constraints(shape)
}

/// `23545` as `23,545`.
fn in_thousands(number: u64) -> String {
    format!("{},{:03}", number / 1000, number % 1000)
}

#[test]
fn further_slots_are_counted_pinned_and_documented() {
    let (one, two) = (shape(1), shape(2));
    let (matrices, with_two) = (circuit(&one), circuit(&two));
    let mut table = String::from("slot,rows,statement_rows_of_32_slots,further_slot\n");
    for section in Section::ALL {
        let (shape, matrices) = match section {
            Section::Fees => (&two, &with_two),
            _ => (&one, &matrices),
        };
        let own = rows(matrices, section);
        assert_eq!(own, slot_constraints(shape, section), "{section:?}");
        // A further fee slot gives each paying slot three rows for its selector.
        let selectors = match section {
            Section::Priority | Section::Fees => 0,
            _ => 3,
        };
        assert_eq!(rows(&with_two, section) - own, selectors, "{section:?}");
        let statement = statement_rows_of_32(shape, section);
        let further = (32 * own + statement).div_ceil(32);
        let (label, name) = names(section);
        writeln!(table, "{label},{own},{statement},{further}").unwrap();

        let further = in_thousands(further);
        let [page, front] = DOCUMENTS;
        let line = format!("| {name} | {further} |");
        assert!(page.contains(&line), "circuits/README.md does not say: {line}");
        let said = match section {
            Section::Transfers => format!("A further transfer costs **{further} constraints**"),
            Section::Fees => format!("a further fee slot {further}"),
            _ => continue,
        };
        assert!(front.contains(&said), "README.md does not say: {said}");
    }
    assert_eq!(table, PINNED, "the circuit changed: correct slot_counts.csv");
}
