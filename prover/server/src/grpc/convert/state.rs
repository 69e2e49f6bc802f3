//! `State`.

use quittance_proto::v1;

use crate::encoding::fr_to_bytes_be;
use crate::store::{Identity, Snapshot, StoreError};

/// Writes the state of a snapshot.
pub(crate) fn to_proto(identity: &Identity, snapshot: &Snapshot) -> Result<v1::State, StoreError> {
    let head = snapshot.head();
    Ok(v1::State {
        root: fr_to_bytes_be(&head.root).to_vec(),
        batch_number: head.batch_number,
        rollup_id: identity.rollup_id.to_vec(),
        levels: u32::from(identity.levels),
        genesis_root: fr_to_bytes_be(&identity.genesis_root).to_vec(),
        accounts: snapshot.account_count()?,
        unproved_batches: u32::try_from(snapshot.pending_count()?).unwrap_or(u32::MAX),
        queued_operations: head.queued,
        last_operation: head.last_operation,
        stopped_batches: u32::try_from(snapshot.stopped_count()?).unwrap_or(u32::MAX),
    })
}
