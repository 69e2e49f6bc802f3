//! Bytes and amounts as text.

use crate::encoding::parse_hex;

/// Bytes of 0x and hex digits, at the field `path`.
pub(super) fn hex<const N: usize>(path: &str, text: &str) -> Result<Vec<u8>, String> {
    parse_hex::<N>(text)
        .map(|bytes| bytes.to_vec())
        .ok_or_else(|| format!("{path} is not 0x and {} hex digits", 2 * N))
}

/// The 16 bytes of an exact amount in decimal digits, without leading zeros.
pub(super) fn amount(path: &str, text: &str) -> Result<Vec<u8>, String> {
    let zeros = text.len() > 1 && text.starts_with('0');
    let digits = !text.is_empty() && !zeros && text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| text.parse::<u128>().ok())
        .flatten()
        .map(|amount| amount.to_be_bytes().to_vec())
        .ok_or_else(|| format!("{path} is not a decimal number below 2^128"))
}

/// The digits of an exact amount of 16 bytes; empty for anything else.
pub(in crate::cli) fn digits(amount: &[u8]) -> String {
    <[u8; 16]>::try_from(amount)
        .map(|bytes| u128::from_be_bytes(bytes).to_string())
        .unwrap_or_default()
}
