//! Protocol buffers of the Quittance service and the code generated from them.
//!
//! The sources are `quittance/v1/*.proto` beside this crate's `Cargo.toml`. The generated code is committed, so that
//! building needs neither `protoc` nor a build script; `cargo run -p quittance-proto --example generate` makes it
//! again, and a test compares.

/// Messages, client and server of package `quittance.v1`.
#[expect(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
pub mod v1 {
    include!("gen/quittance.v1.rs");
}

/// Encoded `FileDescriptorSet` of `quittance.v1`, for gRPC reflection.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!("gen/descriptor.bin");
