//! Names of rows: which section, which slot, which rule.

use core::fmt;

/// The part of a batch that a row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// Rows of a slot for deposits and forced exits.
    Priority,
    /// Rows of an opening slot.
    Opening,
    /// Rows of a transfer slot.
    Transfer,
    /// Rows of a withdrawal slot.
    Withdrawal,
    /// Rows of a rotation slot.
    Rotation,
    /// Rows of a fee slot.
    Fee,
    /// Rows that bind the whole batch: roots, counts, (h, z, y).
    Statement,
    /// Rows of the exit circuit, which has no other section.
    Exit,
}

/// The name of a group of rows. The rule is the name that the native error carries too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// Section of the batch.
    pub section: Section,
    /// Slot within the section, from 0; 0 for the statement.
    pub slot: u32,
    /// Name of the rule.
    pub rule: &'static str,
}

impl Label {
    /// A label for rows of the statement.
    pub const fn statement(rule: &'static str) -> Self {
        Self {
            section: Section::Statement,
            slot: 0,
            rule,
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let section = match self.section {
            Section::Priority => "priority",
            Section::Opening => "opening",
            Section::Transfer => "transfer",
            Section::Withdrawal => "withdrawal",
            Section::Rotation => "rotation",
            Section::Fee => "fee",
            Section::Statement => return write!(f, "statement.{}", self.rule),
            Section::Exit => return write!(f, "exit.{}", self.rule),
        };
        write!(f, "{section}[{}].{}", self.slot, self.rule)
    }
}
