//! Between messages and types, one file for each message. Bytes are big-endian and canonical.

pub(crate) mod account;
pub(crate) mod batch;
pub(crate) mod circuit;
pub(crate) mod fee;
pub(crate) mod key;
pub(crate) mod opening;
pub(crate) mod operation;
pub(crate) mod page;
pub(crate) mod policy;
pub(crate) mod priority;
pub(crate) mod progress;
pub(crate) mod queue;
pub(crate) mod rotation;
pub(crate) mod section;
pub(crate) mod signature;
pub(crate) mod signed;
pub(crate) mod state;
pub(crate) mod transfer;
pub(crate) mod withdrawal;

use std::fmt;

use ark_bn254::Fr;
use quittance_circuits::babyjubjub::Point;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::types::RootAddress;

use super::fields::Violations;
use crate::encoding::fr_from_bytes_be;

/// Bytes of an exact length.
fn exactly<const N: usize>(
    bytes: &[u8],
    path: impl fmt::Display,
    violations: &mut Violations,
) -> Option<[u8; N]> {
    violations.require(
        bytes.try_into().ok(),
        path,
        format_args!("wants {N} bytes, got {}", bytes.len()),
    )
}

/// A field element of exactly 32 bytes below r.
fn field_element(bytes: &[u8], path: &str, violations: &mut Violations) -> Option<Fr> {
    let array = exactly(bytes, path, violations)?;
    violations.require(
        fr_from_bytes_be(&array),
        path,
        "is not canonical: at or above the order r of the scalar field",
    )
}

/// The point that an operation names as a key: two field elements. Whether they are a key is a rule with a name.
fn key_point(x: &[u8], y: &[u8], path: &str, violations: &mut Violations) -> Option<Point> {
    let x = field_element(x, &format!("{path}.key_x"), violations);
    let y = field_element(y, &format!("{path}.key_y"), violations);
    Some(Point::new(x?, y?))
}

/// An address of the root chain: 20 bytes. Whether it may be zero is a rule with a name.
fn address(bytes: &[u8], path: impl fmt::Display, violations: &mut Violations) -> Option<RootAddress> {
    exactly(bytes, path, violations).map(RootAddress)
}

/// An exact amount of 16 bytes.
fn amount(bytes: &[u8], path: impl fmt::Display, violations: &mut Violations) -> Option<u128> {
    exactly(bytes, path, violations).map(u128::from_be_bytes)
}

/// An amount as a 40-bit float.
fn float_amount(bits: u64, path: &str, violations: &mut Violations) -> Option<FloatAmount> {
    violations.require(
        FloatAmount::new(bits).ok(),
        format_args!("{path}.amount_float40"),
        format_args!("wants a 40-bit float below 2^40, got {bits}"),
    )
}

/// A fee as a 16-bit float.
fn float_fee(bits: u32, path: &str, violations: &mut Violations) -> Option<FloatFee> {
    let bits = violations.require(
        u16::try_from(bits).ok(),
        format_args!("{path}.fee_float16"),
        format_args!("wants a 16-bit float below 2^16, got {bits}"),
    )?;
    Some(FloatFee::new(bits))
}
