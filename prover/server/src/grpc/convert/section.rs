//! `Section`.

use quittance_proto::v1;
use quittance_verifier::Section;

/// The section of a message; fees are no operations and have none.
pub(crate) const fn to_proto(section: Section) -> v1::Section {
    match section {
        Section::Priority => v1::Section::Priority,
        Section::Openings => v1::Section::Openings,
        Section::Transfers => v1::Section::Transfers,
        Section::Withdrawals => v1::Section::Withdrawals,
        Section::Rotations => v1::Section::Rotations,
        Section::Fees => v1::Section::Unspecified,
    }
}
