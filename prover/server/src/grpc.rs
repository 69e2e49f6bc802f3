//! The gRPC service of package `quittance.v1`.

mod api;
mod convert;
mod edge;
mod fields;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod status;
mod submitting;
mod watching;

pub use api::Api;
pub use edge::EdgeLayer;
pub use fields::Violations;
pub use status::{ApiError, DOMAIN, PLACE_NEEDED};

/// The message of a signed transfer, as clients send it.
#[must_use]
pub fn transfer_to_proto(
    signed: &quittance_circuits::tx::transfer::SignedTransfer,
) -> quittance_proto::v1::SignedTransfer {
    convert::transfer::to_proto(signed)
}
