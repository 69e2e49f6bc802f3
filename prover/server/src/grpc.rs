//! The gRPC service of package `quittance.v1`.

mod api;
mod arriving;
mod convert;
mod edge;
mod fields;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod priority;
mod status;
mod submitting;
mod watching;

pub use api::Api;
pub use edge::EdgeLayer;
pub use fields::Violations;
pub use status::{ApiError, DOMAIN, PLACE_NEEDED, Place};

/// The message of a signed operation, as clients send it.
#[must_use]
pub fn operation_to_proto(
    signed: &quittance_circuits::tx::SignedOperation,
) -> quittance_proto::v1::SignedOperation {
    convert::signed::to_proto(signed)
}

/// The message of an operation of the root chain's queue, as its watcher sends it.
#[must_use]
pub fn priority_to_proto(
    index: u64,
    priority: &quittance_circuits::tx::priority::Priority,
) -> quittance_proto::v1::PriorityOperation {
    convert::priority::to_proto(index, priority)
}
