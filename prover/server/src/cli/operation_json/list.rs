//! Many of one kind in one text.

use serde::de::DeserializeOwned;

use super::MAX_OPERATIONS;
use crate::cli::CliError;

/// Reads a JSON array, or JSON objects one after another, and converts each.
pub(super) fn read<T: DeserializeOwned, U>(
    name: &str,
    text: &str,
    next: &str,
    convert: impl Fn(T) -> Result<U, String>,
) -> Result<Vec<U>, CliError> {
    let wrong = |position: usize, problem: String| {
        CliError::refused(
            format!("{name}: operation {position}: {problem}"),
            format!("{next}: one JSON object for each operation"),
        )
    };
    let parsed: Vec<T> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|error| wrong(0, error.to_string()))?
    } else {
        let values = serde_json::Deserializer::from_str(text).into_iter();
        values
            .take(MAX_OPERATIONS + 1)
            .enumerate()
            .map(|(i, value)| value.map_err(|error| wrong(i, error.to_string())))
            .collect::<Result<_, _>>()?
    };
    if parsed.is_empty() {
        return Err(wrong(0, "there is none".to_owned()));
    }
    if parsed.len() > MAX_OPERATIONS {
        return Err(wrong(
            MAX_OPERATIONS,
            format!("more than {MAX_OPERATIONS} operations"),
        ));
    }
    let convert = |(i, one)| convert(one).map_err(|error| wrong(i, error));
    parsed.into_iter().enumerate().map(convert).collect()
}
