//! What a batch that was applied says about each of its operations, by section and place.

use quittance_circuits::batch::AppliedBatch;
use quittance_circuits::tx::priority::{self, Priority};
use quittance_circuits::tx::{Operation, SignedOperation};
use quittance_verifier::Section;

use crate::batch::SectionCounts;
use crate::operation::{Outcome, QueuePoint};

/// The numbers of its operations.
pub(crate) fn counts(applied: &AppliedBatch) -> SectionCounts {
    // At most the slots of a shape, which are u32.
    let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    SectionCounts {
        priority: count(applied.priority.len()),
        openings: count(applied.openings.len()),
        transfers: count(applied.transfers.len()),
        withdrawals: count(applied.withdrawals.len()),
        rotations: count(applied.rotations.len()),
    }
}

/// Where the root chain's queue stands after it, from where it stood before.
pub(crate) fn queue_after(applied: &AppliedBatch, before: QueuePoint) -> QueuePoint {
    applied.priority.iter().fold(before, |point, applied| QueuePoint {
        next: point.next.saturating_add(1),
        hash: applied.operation.request().hash_after(&point.hash),
    })
}

/// The operation in a place of a section.
pub(super) fn operation_at(applied: &AppliedBatch, section: Section, place: usize) -> Option<Operation> {
    let signed = match section {
        Section::Priority => return Some(Operation::Priority(applied.priority.get(place)?.operation)),
        Section::Openings => SignedOperation::Opening(applied.openings.get(place)?.signed),
        Section::Transfers => SignedOperation::Transfer(applied.transfers.get(place)?.signed),
        Section::Withdrawals => SignedOperation::Withdrawal(applied.withdrawals.get(place)?.signed),
        Section::Rotations => SignedOperation::Rotation(applied.rotations.get(place)?.signed),
        Section::Fees => return None,
    };
    Some(Operation::Signed(signed))
}

/// What came of the priority operation in a place.
pub(super) fn outcome_at(applied: &AppliedBatch, place: usize) -> Option<Outcome> {
    let applied = applied.priority.get(place)?;
    Some(match (&applied.operation, applied.outcome()) {
        (Priority::Deposit(deposit), outcome) => Outcome {
            done: matches!(outcome, priority::Outcome::Deposit { done: true }),
            token: deposit.token.get(),
            amount: deposit.amount,
        },
        (Priority::ForcedExit(_), priority::Outcome::ForcedExit { paid: Some(paid) }) => Outcome {
            done: true,
            token: paid.token.get(),
            amount: paid.amount,
        },
        (Priority::ForcedExit(_), _) => Outcome {
            done: false,
            token: 0,
            amount: 0,
        },
    })
}
