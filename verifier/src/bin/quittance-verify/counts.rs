//! How many operations of each kind a verdict is about.

use std::fmt;

use quittance_verifier::{Facts, PriorityData};
use serde_json::{Map, Value, json};

/// Operations by kind.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    transfers: usize,
    openings: usize,
    withdrawals: usize,
    rotations: usize,
    deposits: usize,
    forced_exits: usize,
    /// Deposits and forced exits that took effect.
    priority_done: usize,
}

impl Counts {
    pub(crate) fn of<'a>(facts: impl IntoIterator<Item = &'a Facts>) -> Self {
        let mut counts = Self::default();
        for facts in facts {
            counts.transfers += facts.transfers.len();
            counts.openings += facts.openings.len();
            counts.withdrawals += facts.withdrawals.len();
            counts.rotations += facts.rotations.len();
            for operation in &facts.priority {
                match operation {
                    PriorityData::Deposit { .. } => counts.deposits += 1,
                    PriorityData::ForcedExit { .. } => counts.forced_exits += 1,
                }
                counts.priority_done += usize::from(operation.is_done());
            }
        }
        counts
    }

    pub(crate) fn to_json(self) -> Map<String, Value> {
        [
            ("transfers", self.transfers),
            ("openings", self.openings),
            ("withdrawals", self.withdrawals),
            ("rotations", self.rotations),
            ("deposits", self.deposits),
            ("forced_exits", self.forced_exits),
            ("priority_done", self.priority_done),
        ]
        .into_iter()
        .map(|(name, count)| (name.to_owned(), json!(count)))
        .collect()
    }
}

impl fmt::Display for Counts {
    /// `N transfers`, always, then the other kinds that there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.transfers {
            1 => write!(f, "1 transfer")?,
            count => write!(f, "{count} transfers")?,
        }
        for (count, one, many) in [
            (self.openings, "opening", "openings"),
            (self.withdrawals, "withdrawal", "withdrawals"),
            (self.rotations, "rotation", "rotations"),
            (self.deposits, "deposit", "deposits"),
            (self.forced_exits, "forced exit", "forced exits"),
        ] {
            match count {
                0 => {}
                1 => write!(f, ", 1 {one}")?,
                _ => write!(f, ", {count} {many}")?,
            }
        }
        Ok(())
    }
}
