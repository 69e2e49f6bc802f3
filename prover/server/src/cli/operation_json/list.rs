//! Many of one kind in one text.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer as _;
use serde::de::{DeserializeOwned, SeqAccess, Visitor};

use super::MAX_OPERATIONS;
use crate::cli::CliError;

/// Reads a JSON array, or JSON objects one after another, and converts each where it stands: a text of many objects that are no
/// operations takes no more memory than its first.
pub(super) fn read<T: DeserializeOwned, U>(
    name: &str,
    text: &str,
    next: &str,
    convert: impl Fn(T) -> Result<U, String>,
) -> Result<Vec<U>, CliError> {
    let position = Cell::new(0);
    let each = Each {
        position: &position,
        convert: &convert,
        of: PhantomData,
    };
    let all = if text.trim_start().starts_with('[') {
        let mut reader = serde_json::Deserializer::from_str(text);
        reader
            .deserialize_seq(each)
            .and_then(|all| reader.end().map(|()| all))
    } else {
        let mut objects = serde_json::Deserializer::from_str(text).into_iter();
        each.collect(|| objects.next().transpose())
    };
    let wrong = |problem: String| {
        CliError::refused(
            format!("{name}: operation {}: {problem}", position.get()),
            format!("{next}: one JSON object for each operation"),
        )
    };
    match all {
        Ok(all) if all.is_empty() => Err(CliError::refused(
            format!("{name} holds no operation"),
            format!("{next}: one JSON object for each operation"),
        )),
        Ok(all) => Ok(all),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// Takes one operation after another, and keeps the position of the one that it is at.
struct Each<'a, T, F> {
    position: &'a Cell<usize>,
    convert: &'a F,
    of: PhantomData<T>,
}

impl<T, U, F: Fn(T) -> Result<U, String>> Each<'_, T, F> {
    fn collect<E: serde::de::Error>(
        &self,
        mut next: impl FnMut() -> Result<Option<T>, E>,
    ) -> Result<Vec<U>, E> {
        let mut all = Vec::new();
        while let Some(one) = next()? {
            if all.len() == MAX_OPERATIONS {
                return Err(E::custom(format_args!("more than {MAX_OPERATIONS} operations")));
            }
            all.push((self.convert)(one).map_err(E::custom)?);
            self.position.set(all.len());
        }
        Ok(all)
    }
}

impl<'de, T: DeserializeOwned, U, F: Fn(T) -> Result<U, String>> Visitor<'de> for Each<'_, T, F> {
    type Value = Vec<U>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of operations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Vec<U>, A::Error> {
        self.collect(|| array.next_element())
    }
}
