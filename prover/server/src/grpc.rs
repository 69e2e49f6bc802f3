//! The gRPC service of package `quittance.v1`.

mod api;
mod convert;
mod edge;
mod fields;
mod status;
mod watching;

pub use api::Api;
pub use edge::EdgeLayer;
pub use fields::Violations;
pub use status::{ApiError, DOMAIN};
