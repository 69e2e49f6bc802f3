//! Operations as `quittance submit` and `quittance priority` read them: a JSON array, or objects one after another.

use quittance::cli::fuzzing;
use quittance::grpc::{operation_to_proto, priority_to_proto};

use crate::memory::Budget;
use crate::operations::{arbitrary_priority, arbitrary_signed};

/// The shortest operation that can be read has about 30 bytes, a list of them grows by doubling, and each is converted once.
const BUDGET: Budget = Budget {
    base: 16_384,
    for_each: 32,
};

/// Accepted operations, printed as the commands print them, are read as the same operations.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    signed(text);
    priority(text);
}

fn signed(text: &str) {
    let Ok(operations) = BUDGET.within(text.len(), || fuzzing::operations(text)) else {
        return;
    };
    let printed: Vec<String> = operations.iter().map(fuzzing::operation_text).collect();
    for text in both_forms(&printed) {
        assert_eq!(fuzzing::operations(&text).ok().as_ref(), Some(&operations));
    }
}

fn priority(text: &str) {
    let Ok(operations) = BUDGET.within(text.len(), || fuzzing::priority(text, 7)) else {
        return;
    };
    let printed: Vec<String> = operations.iter().map(fuzzing::priority_text).collect();
    for text in both_forms(&printed) {
        assert_eq!(fuzzing::priority(&text, 0).ok().as_ref(), Some(&operations));
    }
}

fn both_forms(printed: &[String]) -> [String; 2] {
    assert!(!printed.is_empty());
    [printed.join("\n"), format!("[{}]", printed.join(","))]
}

/// A valid input: objects, or an array of them. The last two are objects without a kind, many of them: short, and refused at the
/// first, before the others take memory.
pub fn seed(number: usize, recipe: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let texts = match number {
        8.. => vec!["{}".to_owned(); 128],
        number if number % 4 < 2 => {
            vec![fuzzing::operation_text(&operation_to_proto(&arbitrary_signed(recipe)?)); 2]
        }
        _ => vec![fuzzing::priority_text(&priority_to_proto(9, &arbitrary_priority(recipe)?)); 2],
    };
    let [lines, array] = both_forms(&texts);
    Ok(if number.is_multiple_of(2) { array } else { lines }.into_bytes())
}
