//! A batch and its life, as one table of moves.
//!
//! A batch is made and executed by [`crate::sequencer`], so that a stored one is at least executed. From there on later
//! batches stand on its root: only the work of its proof starts, stops and is repeated. Each move is one transaction of the store ([`crate::store::Store::advance`]).

use std::fmt;

use ark_bn254::Fr;
use quittance_circuits::shapes::Counts;
use quittance_engine::Phase;
use quittance_verifier::{Section, Shape};
use thiserror::Error;

use crate::operation::QueuePoint;

/// Where a stored batch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// In the state; the proof waits for the prover.
    Executed,
    /// The proof is being made.
    Proving,
    /// The proof is stored. Nothing follows (until batches are committed on the root chain).
    Proved,
    /// In the state; the work of the proof was stopped by request.
    Cancelled,
    /// In the state; the proof failed as often as is allowed.
    Failed,
}

/// What happens to a stored batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The prover takes the batch up.
    Begin,
    /// A verified proof is there.
    Finish {
        /// When, in milliseconds since 1970-01-01 UTC.
        at_ms: u64,
        /// Wall time of each phase.
        phases: Vec<PhaseTime>,
    },
    /// The attempt ended without a proof.
    Fail {
        /// Why, for people.
        reason: String,
        /// Whether another attempt may follow, and how many there may be in all.
        retry: Retry,
    },
    /// The prover gives the batch back, because the process is about to end. No attempt was made of it.
    Interrupt,
    /// The attempt was over before it began, for want of something that may come back. It does not count, however often that happens.
    Postpone {
        /// What is wanting, for people.
        reason: String,
    },
    /// The process that was proving is gone. The attempt counts: it may be what ended the process.
    Lost {
        /// Attempts that are allowed.
        max_attempts: u32,
    },
    /// The client wants no work done for now.
    Cancel,
    /// The client wants the proof after all.
    Resume,
}

/// Whether a failed attempt is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It would fail in the same way.
    Never,
    /// Until this many attempts have been made.
    UpTo(u32),
}

/// Wall time of one phase of a finished proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseTime {
    /// The phase.
    pub phase: Phase,
    /// Wall time in microseconds.
    pub wall_us: u64,
}

/// How many operations a batch has in each section, without padding and without fee slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SectionCounts {
    /// Priority operations.
    pub priority: u32,
    /// Openings.
    pub openings: u32,
    /// Transfers.
    pub transfers: u32,
    /// Withdrawals.
    pub withdrawals: u32,
    /// Rotations.
    pub rotations: u32,
}

/// What was credited to one fee leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeCredit {
    /// The leaf.
    pub leaf: u32,
    /// Its token.
    pub token: u32,
    /// Sum of the fees.
    pub amount: u128,
}

/// An executed batch, as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Batch number, from 1 without gaps.
    pub number: u32,
    /// Where it stands.
    pub stage: Stage,
    /// The shape that proves it.
    pub shape: Shape,
    /// Its operations.
    pub counts: SectionCounts,
    /// State root before.
    pub old_root: Fr,
    /// State root after.
    pub new_root: Fr,
    /// Fee slots in use; at most 64.
    pub fees: Vec<FeeCredit>,
    /// How often a proof was begun since the batch was executed or resumed.
    pub attempts: u32,
    /// When it was executed, in milliseconds since 1970-01-01 UTC.
    pub executed_at_ms: u64,
    /// When its proof was stored.
    pub proved_at_ms: Option<u64>,
    /// Why the last attempt ended without a proof; empty if none did. At most [`Batch::MAX_FAILURE_BYTES`].
    pub failure: String,
    /// Phases of the stored proof.
    pub phases: Vec<PhaseTime>,
    /// Id of the first operation that the batch took off the queue. The operations from there to `end_operation` were executed
    /// in this batch or rejected.
    pub first_operation: u64,
    /// One more than the id of the last operation that the batch took off the queue.
    pub end_operation: u64,
    /// Where the root chain's queue stood before the batch.
    pub queue_before: QueuePoint,
    /// Where it stands after it.
    pub queue_after: QueuePoint,
}

/// An event that cannot happen to a batch where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("batch {number} is {stage}, so it cannot {event}", stage = .stage.name())]
pub struct IllegalMove {
    /// The batch.
    pub number: u32,
    /// Where it stands.
    pub stage: Stage,
    /// What was tried.
    pub event: &'static str,
}

/// What an event did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The batch changed.
    Changed,
    /// The batch was there already; nothing is to be stored.
    Unchanged,
}

impl SectionCounts {
    /// The number of operations in a section; 0 for fee slots, which are none.
    #[must_use]
    pub const fn of(&self, section: Section) -> u32 {
        match section {
            Section::Priority => self.priority,
            Section::Openings => self.openings,
            Section::Transfers => self.transfers,
            Section::Withdrawals => self.withdrawals,
            Section::Rotations => self.rotations,
            Section::Fees => 0,
        }
    }

    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u32 {
        // At most 65,536 in each section.
        self.priority
            .saturating_add(self.openings)
            .saturating_add(self.transfers)
            .saturating_add(self.withdrawals)
            .saturating_add(self.rotations)
    }

    /// Together with fee slots, as shapes are planned by.
    pub(crate) fn with_fee_slots(&self, fee_slots: usize) -> Counts {
        let slots = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        Counts {
            priority: slots(self.priority),
            openings: slots(self.openings),
            transfers: slots(self.transfers),
            withdrawals: slots(self.withdrawals),
            rotations: slots(self.rotations),
            fee_slots,
        }
    }

    /// One operation more in a section; gives the place that it takes there.
    pub fn push(&mut self, section: Section) -> u32 {
        let Some(count) = self.of_mut(section) else {
            return 0;
        };
        let place = *count;
        *count = place.saturating_add(1);
        place
    }

    /// One operation less.
    pub(crate) fn pop(&mut self, section: Section) {
        if let Some(count) = self.of_mut(section) {
            *count = count.saturating_sub(1);
        }
    }

    const fn of_mut(&mut self, section: Section) -> Option<&mut u32> {
        Some(match section {
            Section::Priority => &mut self.priority,
            Section::Openings => &mut self.openings,
            Section::Transfers => &mut self.transfers,
            Section::Withdrawals => &mut self.withdrawals,
            Section::Rotations => &mut self.rotations,
            Section::Fees => return None,
        })
    }
}

impl fmt::Display for SectionCounts {
    /// Such as `2 priority, 5 transfers`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for section in Section::ALL {
            let count = self.of(section);
            if count > 0 {
                write!(f, "{separator}{count} {section}")?;
                separator = ", ";
            }
        }
        Ok(())
    }
}

impl Stage {
    /// The name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Executed => "executed",
            Self::Proving => "proving",
            Self::Proved => "proved",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// Whether the prover will do anything about the batch without being asked.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Executed | Self::Proving)
    }
}

impl Event {
    const fn name(&self) -> &'static str {
        match self {
            Self::Begin => "begin a proof",
            Self::Finish { .. } => "take a proof",
            Self::Fail { .. } => "fail",
            Self::Interrupt | Self::Lost { .. } => "be interrupted",
            Self::Postpone { .. } => "be postponed",
            Self::Cancel => "be cancelled",
            Self::Resume => "be resumed",
        }
    }
}

impl Batch {
    /// Longest failure text that is kept, in bytes.
    pub const MAX_FAILURE_BYTES: usize = 1024;

    /// Moves the batch by one event: the only place where a stage changes.
    pub fn apply(&mut self, event: Event) -> Result<Moved, IllegalMove> {
        let name = event.name();
        self.stage = match (self.stage, event) {
            (Stage::Executed, Event::Begin) => {
                self.attempts = self.attempts.saturating_add(1);
                Stage::Proving
            }
            // A valid proof is never thrown away, even if it comes after a cancellation.
            (Stage::Executed | Stage::Proving | Stage::Cancelled, Event::Finish { at_ms, phases }) => {
                self.proved_at_ms = Some(at_ms);
                self.phases = phases;
                self.failure.clear();
                Stage::Proved
            }
            (Stage::Proving, Event::Fail { reason, retry }) => {
                self.failure = truncated(reason);
                match retry {
                    Retry::UpTo(attempts) if self.attempts < attempts => Stage::Executed,
                    Retry::UpTo(_) | Retry::Never => Stage::Failed,
                }
            }
            (Stage::Proving, Event::Interrupt) => {
                self.attempts = self.attempts.saturating_sub(1);
                Stage::Executed
            }
            (Stage::Proving, Event::Postpone { reason }) => {
                self.attempts = self.attempts.saturating_sub(1);
                self.failure = truncated(reason);
                Stage::Executed
            }
            (Stage::Proving, Event::Lost { max_attempts }) if self.attempts < max_attempts => Stage::Executed,
            (Stage::Proving, Event::Lost { .. }) => {
                self.failure = format!("the process ended {} times while it was proving", self.attempts);
                Stage::Failed
            }
            (Stage::Executed | Stage::Proving, Event::Cancel) => Stage::Cancelled,
            (Stage::Cancelled | Stage::Failed, Event::Resume) => {
                self.attempts = 0;
                self.failure.clear();
                Stage::Executed
            }
            // Asking twice is no error; nor is a failure that comes after the cancellation that caused it.
            (
                Stage::Cancelled,
                Event::Cancel | Event::Fail { .. } | Event::Interrupt | Event::Postpone { .. },
            )
            | (Stage::Executed, Event::Interrupt | Event::Lost { .. })
            | (Stage::Executed | Stage::Proving, Event::Resume) => return Ok(Moved::Unchanged),
            (stage, _) => {
                return Err(IllegalMove {
                    number: self.number,
                    stage,
                    event: name,
                });
            }
        };
        Ok(Moved::Changed)
    }
}

/// The text cut to [`Batch::MAX_FAILURE_BYTES`] at a character's border.
fn truncated(mut text: String) -> String {
    let mut end = text.len().min(Batch::MAX_FAILURE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(stage: Stage) -> Batch {
        Batch {
            number: 7,
            stage,
            shape: Shape::transfers_only(2, 2, 1),
            counts: SectionCounts {
                transfers: 1,
                ..SectionCounts::default()
            },
            old_root: Fr::from(1u64),
            new_root: Fr::from(2u64),
            fees: Vec::new(),
            attempts: 0,
            executed_at_ms: 5,
            proved_at_ms: None,
            failure: String::new(),
            phases: Vec::new(),
            first_operation: 1,
            end_operation: 2,
            queue_before: QueuePoint::default(),
            queue_after: QueuePoint::default(),
        }
    }

    fn finish() -> Event {
        Event::Finish {
            at_ms: 9,
            phases: Vec::new(),
        }
    }

    fn fail(retry: Retry) -> Event {
        Event::Fail {
            reason: "no memory".to_owned(),
            retry,
        }
    }

    fn postpone() -> Event {
        Event::Postpone {
            reason: "too little memory".to_owned(),
        }
    }

    /// Every pair of stage and event, with the stage that follows; `None`: refused.
    #[test]
    fn the_whole_table() {
        use Stage::{Cancelled, Executed, Failed, Proved, Proving};
        let events = || {
            [
                Event::Begin,
                finish(),
                fail(Retry::UpTo(3)),
                fail(Retry::Never),
                Event::Interrupt,
                Event::Lost { max_attempts: 3 },
                Event::Cancel,
                Event::Resume,
                postpone(),
            ]
        };
        let table = [
            (
                Executed,
                [
                    Some(Proving),
                    Some(Proved),
                    None,
                    None,
                    Some(Executed),
                    Some(Executed),
                    Some(Cancelled),
                    Some(Executed),
                    None,
                ],
            ),
            (
                Proving,
                [
                    None,
                    Some(Proved),
                    Some(Executed),
                    Some(Failed),
                    Some(Executed),
                    Some(Executed),
                    Some(Cancelled),
                    Some(Proving),
                    Some(Executed),
                ],
            ),
            (Proved, [None; 9]),
            (
                Cancelled,
                [
                    None,
                    Some(Proved),
                    Some(Cancelled),
                    Some(Cancelled),
                    Some(Cancelled),
                    None,
                    Some(Cancelled),
                    Some(Executed),
                    Some(Cancelled),
                ],
            ),
            (
                Failed,
                [None, None, None, None, None, None, None, Some(Executed), None],
            ),
        ];
        for (stage, row) in table {
            for (event, want) in events().into_iter().zip(row) {
                let mut moved = batch(stage);
                let before = moved.clone();
                match (moved.apply(event.clone()), want) {
                    (Ok(Moved::Changed), Some(want)) => assert_eq!(moved.stage, want, "{stage:?} {event:?}"),
                    (Ok(Moved::Unchanged), Some(want)) => {
                        assert_eq!(stage, want, "{event:?}");
                        assert_eq!(moved, before);
                    }
                    (Err(error), None) => {
                        assert_eq!((error.number, error.stage), (7, stage));
                        assert_eq!(moved, before);
                    }
                    (got, want) => panic!("{stage:?} {event:?}: {got:?} instead of {want:?}"),
                }
            }
        }
    }

    #[test]
    fn attempts_run_out_and_resuming_restores_them() {
        let mut batch = batch(Stage::Executed);
        for attempt in 1..=3 {
            batch.apply(Event::Begin).unwrap();
            assert_eq!(batch.attempts, attempt);
            batch.apply(fail(Retry::UpTo(3))).unwrap();
        }
        assert_eq!(
            (batch.stage, batch.failure.as_str()),
            (Stage::Failed, "no memory")
        );
        batch.apply(Event::Resume).unwrap();
        assert_eq!((batch.stage, batch.attempts), (Stage::Executed, 0));
        assert!(batch.failure.is_empty());
    }

    #[test]
    fn a_postponed_proof_says_why_and_is_never_given_up() {
        let mut batch = batch(Stage::Executed);
        for _ in 0..5 {
            batch.apply(Event::Begin).unwrap();
            batch.apply(postpone()).unwrap();
        }
        assert_eq!((batch.stage, batch.attempts), (Stage::Executed, 0));
        assert_eq!(batch.failure, "too little memory");
        batch.apply(Event::Begin).unwrap();
        batch.apply(finish()).unwrap();
        assert_eq!((batch.stage, batch.failure.as_str()), (Stage::Proved, ""));
    }

    #[test]
    fn a_proof_that_kills_the_process_is_given_up() {
        let mut batch = batch(Stage::Executed);
        // Stopping the service is no attempt, however often.
        for _ in 0..5 {
            batch.apply(Event::Begin).unwrap();
            batch.apply(Event::Interrupt).unwrap();
        }
        assert_eq!((batch.stage, batch.attempts), (Stage::Executed, 0));
        for stage in [Stage::Executed, Stage::Executed, Stage::Failed] {
            batch.apply(Event::Begin).unwrap();
            batch.apply(Event::Lost { max_attempts: 3 }).unwrap();
            assert_eq!(batch.stage, stage);
        }
        assert_eq!(batch.failure, "the process ended 3 times while it was proving");
    }

    #[test]
    fn a_failure_is_cut_between_characters() {
        assert_eq!(truncated("ä".repeat(1000)).len(), 1024);
        assert_eq!(truncated(format!("x{}", "ä".repeat(1000))).len(), 1023);
    }
}
