//! Where an operation stands in its request, for the position and the field path of its refusal.

use quittance_verifier::Section;

/// Where the operations of a submission stand in its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// One in its own message, of this section.
    Single(Section),
    /// Those of a batch, by the sections of the request's operations in their order.
    Batch(Vec<Section>),
    /// One of the root chain's queue, of this kind: its field in the message.
    Priority(&'static str),
}

impl Place {
    /// Path of the only operation of the message; that of the first one in a batch.
    pub(super) fn single(&self) -> String {
        match self {
            Self::Single(section) => format!("operation.{}", field(*section)),
            Self::Priority(kind) => format!("operation.{kind}"),
            Self::Batch(_) => "operations[0]".to_owned(),
        }
    }

    /// Position and path of the `index`-th operation of a section.
    pub(super) fn of(&self, section: Section, index: usize) -> (usize, String) {
        let Self::Batch(sections) = self else {
            return (0, self.single());
        };
        let mut own = sections.iter().enumerate().filter(|(_, own)| **own == section);
        // The sequencer names an operation of the request.
        let position = own.nth(index).map_or(index, |(position, _)| position);
        (position, format!("operations[{position}].{}", field(section)))
    }
}

/// The field of a request that holds an operation of this section.
const fn field(section: Section) -> &'static str {
    match section {
        Section::Priority => "deposit",
        Section::Openings => "opening",
        Section::Transfers => "transfer",
        Section::Withdrawals => "withdrawal",
        Section::Rotations => "rotation",
        Section::Fees => "fee_slot",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_of_a_batch_is_found_in_the_request() {
        use Section::{Openings, Rotations, Transfers};
        let place = Place::Batch(vec![Rotations, Transfers, Openings, Transfers]);
        assert_eq!(place.of(Transfers, 1), (3, "operations[3].transfer".to_owned()));
        assert_eq!(place.of(Openings, 0), (2, "operations[2].opening".to_owned()));
        assert_eq!(place.of(Rotations, 0), (0, "operations[0].rotation".to_owned()));
        let place = Place::Single(Openings);
        assert_eq!(place.of(Openings, 0), (0, "operation.opening".to_owned()));
        let place = Place::Priority("forced_exit");
        assert_eq!(
            place.of(Section::Priority, 0),
            (0, "operation.forced_exit".to_owned())
        );
    }
}
