//! What a batch that was applied says about each of its operations, by section and place.

use quittance_circuits::batch::AppliedBatch;
use quittance_circuits::tx::{Operation, SignedOperation};
use quittance_verifier::Section;

use crate::batch::SectionCounts;
use crate::operation::Outcome;

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

/// The operation in a place of a section.
pub(super) fn operation_at(applied: &AppliedBatch, section: Section, place: usize) -> Option<Operation> {
    let signed = match section {
        Section::Priority => return Some(Operation::Priority(applied.priority.get(place)?.priority)),
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
    todo!()
}
