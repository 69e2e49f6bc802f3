//! Signed transfers as `quittance submit` reads them: a JSON array, or objects one after another.

use quittance::cli::fuzzing;

use crate::memory::Budget;

/// The shortest transfer that can be read has about 230 bytes; a list of them grows by doubling.
const BUDGET: Budget = Budget {
    base: 16_384,
    for_each: 32,
};

/// Accepted transfers, printed as `quittance sign` prints them, are read as the same transfers.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(transfers) = BUDGET.within(text.len(), || fuzzing::transfers(text)) else {
        return;
    };
    assert!(!transfers.is_empty());
    let lines: String = transfers
        .iter()
        .map(|transfer| fuzzing::transfer_text(transfer) + "\n")
        .collect();
    assert_eq!(fuzzing::transfers(&lines).ok().as_ref(), Some(&transfers));
    let array = format!("[{}]", lines.trim_end().replace('\n', ","));
    assert_eq!(fuzzing::transfers(&array).ok().as_ref(), Some(&transfers));
}

/// A valid input: objects, or an array of them.
pub fn seed(number: usize, recipe: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let signed = crate::applied_batch::arbitrary_transfer(recipe)?;
    let text = fuzzing::transfer_text(&quittance::grpc::fuzzing::transfer_message(&signed));
    Ok(if number.is_multiple_of(2) {
        format!("[{text},{text}]")
    } else {
        format!("{text}\n{text}\n")
    }
    .into_bytes())
}
