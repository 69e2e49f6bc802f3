//! Between messages and types, one file for each message. Bytes are big-endian and canonical.

pub(crate) mod account;
pub(crate) mod batch;
pub(crate) mod circuit;
pub(crate) mod key;
pub(crate) mod operation;
pub(crate) mod page;
pub(crate) mod policy;
pub(crate) mod progress;
pub(crate) mod state;
pub(crate) mod transfer;

use ark_bn254::Fr;

use super::fields::Violations;
use crate::encoding::fr_from_bytes_be;

/// A field element of exactly 32 bytes below r.
pub(crate) fn field_element(bytes: &[u8], path: &str, violations: &mut Violations) -> Option<Fr> {
    let array = violations.require(
        <&[u8; 32]>::try_from(bytes).ok(),
        path,
        format_args!("wants 32 bytes, got {}", bytes.len()),
    )?;
    violations.require(
        fr_from_bytes_be(array),
        path,
        "is not canonical: at or above the order r of the scalar field",
    )
}
