//! A batch of one's own runs section by section, whatever the order in the file: operations of one account have to be in the order
//! of their nonces there too.

use quittance_proto::v1;
use quittance_proto::v1::signed_operation::Kind;
use quittance_verifier::Section;

use super::CliError;

/// Where an operation would run, and where it has to.
struct Step {
    from: u32,
    nonce: u32,
    section: Section,
    position: usize,
}

/// Refuses what cannot be one batch: an operation that would run before another one of its account with a lower nonce.
///
/// The service refuses it too, as `nonce_matches`, which says nothing of the order of sections.
pub(super) fn check(name: &str, operations: &[v1::SignedOperation]) -> Result<(), CliError> {
    let steps = operations.iter().enumerate();
    let mut steps: Vec<Step> = steps.filter_map(|(position, one)| step(position, one)).collect();
    steps.sort_by_key(|step| (step.from, step.nonce, step.section));
    for pair in steps.windows(2) {
        let [first, second] = pair else { continue };
        if first.from == second.from && first.section > second.section {
            return Err(CliError::refused(
                format!(
                    "{name}: operation {} of account {} has nonce {} and runs before operation {} with nonce {}: a batch runs {} before {}",
                    second.position,
                    second.from,
                    second.nonce,
                    first.position,
                    first.nonce,
                    second.section,
                    first.section
                ),
                "add --single: the service then puts them into batches in this order; or submit two files",
            ));
        }
    }
    Ok(())
}

fn step(position: usize, operation: &v1::SignedOperation) -> Option<Step> {
    let (from, nonce, section) = match operation.kind.as_ref()? {
        Kind::Opening(message) => (message.from, message.nonce, Section::Openings),
        Kind::Transfer(message) => (message.from, message.nonce, Section::Transfers),
        Kind::Withdrawal(message) => (message.from, message.nonce, Section::Withdrawals),
        Kind::Rotation(message) => (message.from, message.nonce, Section::Rotations),
    };
    Some(Step {
        from,
        nonce,
        section,
        position,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(from: u32, nonce: u32) -> v1::SignedOperation {
        v1::SignedOperation {
            kind: Some(Kind::Transfer(v1::SignedTransfer {
                from,
                nonce,
                ..Default::default()
            })),
        }
    }

    fn rotation(from: u32, nonce: u32) -> v1::SignedOperation {
        v1::SignedOperation {
            kind: Some(Kind::Rotation(v1::SignedRotation {
                from,
                nonce,
                ..Default::default()
            })),
        }
    }

    #[test]
    fn sections_in_the_order_of_nonces_pass_whatever_the_order_of_the_file() {
        let fine = [
            rotation(3, 9),
            transfer(3, 8),
            transfer(3, 7),
            rotation(4, 1),
            transfer(5, 2),
        ];
        check("file", &fine).unwrap();
        // Nonces that are there twice are for the service to refuse.
        check("file", &[rotation(3, 1), transfer(3, 1)]).unwrap();
    }

    #[test]
    fn what_follows_a_rotation_needs_another_batch() {
        let error = check("file", &[rotation(3, 7), transfer(4, 0), transfer(3, 8)]).unwrap_err();
        let report = error.report(false);
        assert!(
            report.contains("operation 2 of account 3 has nonce 8 and runs before operation 0 with nonce 7: a batch runs transfers before rotations"),
            "{report}"
        );
        assert!(report.contains("--single"), "{report}");
    }
}
