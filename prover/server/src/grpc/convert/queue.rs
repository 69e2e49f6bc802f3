//! `Queue`.

use quittance_proto::v1;

use crate::store::Snapshot;

/// Writes how far the root chain's queue has come.
pub(crate) fn to_proto(state: &Snapshot) -> v1::Queue {
    let head = state.head();
    v1::Queue {
        next_index: head.entered.next,
        hash: head.entered.hash.to_vec(),
        next_to_execute: head.executed.next,
        executed_hash: head.executed.hash.to_vec(),
    }
}
