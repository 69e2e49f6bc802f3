//! Whether bundles follow each other.

use crate::{Bundle, ChainError};

/// Checks that bundles, in the given order, follow each other: the same rollup, batch numbers going up by one,
/// each old root the new root before it, and each hash of the priority queue the one after the bundle before it. Looks at facts only: whether the bundles are *proved* is for
/// [`Verifier::verify`](crate::Verifier::verify) or [`verify_batch`](crate::verify_batch()) to say.
///
/// # Errors
/// [`ChainError::Empty`] for no bundle, else the first link that does not hold.
pub fn verify_chain(bundles: &[&Bundle]) -> Result<(), ChainError> {
    if bundles.is_empty() {
        return Err(ChainError::Empty);
    }
    let links = bundles.iter().zip(bundles.iter().skip(1));
    for (index, (before, after)) in (1..).zip(links) {
        let (before, after) = (&before.facts, &after.facts);
        if after.rollup_id != before.rollup_id {
            return Err(ChainError::RollupId { index });
        }
        let expected = before
            .batch_number
            .checked_add(1)
            .ok_or(ChainError::NumbersExhausted { index })?;
        if after.batch_number != expected {
            return Err(ChainError::BatchNumber {
                index,
                got: after.batch_number,
                expected,
            });
        }
        if after.old_root != before.new_root {
            return Err(ChainError::OldRoot {
                index,
                got: after.old_root,
                expected: before.new_root,
            });
        }
        let expected = before.queue_after();
        if after.queue != expected {
            return Err(ChainError::Queue {
                index,
                got: after.queue,
                expected,
            });
        }
    }
    Ok(())
}
