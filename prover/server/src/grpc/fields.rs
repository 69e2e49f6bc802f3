//! Malformed fields of a request, collected with their paths.

use std::fmt;

use tonic_types::FieldViolation;

/// Violations that are reported; further ones are only counted, so that an answer stays small.
const REPORTED: usize = 16;

/// What is wrong with the fields of one request.
#[derive(Debug, Default)]
pub struct Violations {
    first: Vec<(String, String)>,
    more: usize,
}

impl Violations {
    /// Notes a violation.
    pub fn add(&mut self, path: impl fmt::Display, problem: impl fmt::Display) {
        if self.first.len() < REPORTED {
            self.first.push((path.to_string(), problem.to_string()));
        } else {
            self.more += 1;
        }
    }

    /// One violation alone.
    #[must_use]
    pub fn one(path: impl fmt::Display, problem: impl fmt::Display) -> Self {
        let mut violations = Self::default();
        violations.add(path, problem);
        violations
    }

    /// Notes a violation if there is none to be noted as a value.
    pub(super) fn require<T>(
        &mut self,
        value: Option<T>,
        path: impl fmt::Display,
        problem: impl fmt::Display,
    ) -> Option<T> {
        if value.is_none() {
            self.add(path, problem);
        }
        value
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    pub(super) fn details(&self) -> Vec<FieldViolation> {
        self.first
            .iter()
            .map(|(path, problem)| FieldViolation::new(path, problem))
            .collect()
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (path, problem)) in self.first.iter().enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            write!(f, "{separator}{path}: {problem}")?;
        }
        if self.more > 0 {
            write!(f, "; and {} more", self.more)?;
        }
        Ok(())
    }
}
