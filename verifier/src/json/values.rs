//! Numbers and bytes as JSON strings, each with one spelling.

use alloc::{format, string::String, string::ToString};
use core::str::FromStr;

use ark_bn254::Fr;

use crate::DecodeError;
use crate::encoding::{fr_from_bytes_be, from_hex};

/// A 40-bit float.
pub(super) fn amount_to_text(encoded: u64) -> String {
    float_to_text(encoded, AMOUNT_MANTISSA_BITS)
}

pub(super) fn amount_from_text(text: &str, field: &'static str) -> Result<u64, DecodeError> {
    float_from_text(text, AMOUNT_MANTISSA_BITS, field)
}

/// A 16-bit float.
pub(super) fn fee_to_text(encoded: u16) -> String {
    float_to_text(encoded.into(), FEE_MANTISSA_BITS)
}

pub(super) fn fee_from_text(text: &str, field: &'static str) -> Result<u16, DecodeError> {
    let encoded = float_from_text(text, FEE_MANTISSA_BITS, field)?;
    u16::try_from(encoded).map_err(|_| DecodeError::Decimal { field })
}

const AMOUNT_MANTISSA_BITS: u32 = 35;
const FEE_MANTISSA_BITS: u32 = 11;
const MAX_EXPONENT: u64 = 31;

/// `"<mantissa>e<exponent>"`: every encoding has one text and every text one encoding.
fn float_to_text(encoded: u64, mantissa_bits: u32) -> String {
    let exponent = encoded.checked_shr(mantissa_bits).unwrap_or(0);
    let mantissa = encoded & mask(mantissa_bits);
    format!("{mantissa}e{exponent}")
}

fn float_from_text(text: &str, mantissa_bits: u32, field: &'static str) -> Result<u64, DecodeError> {
    let (mantissa, exponent) = text.split_once('e').ok_or(DecodeError::Decimal { field })?;
    let mantissa: u64 = decimal(mantissa, field)?;
    let exponent: u64 = decimal(exponent, field)?;
    if mantissa > mask(mantissa_bits) || exponent > MAX_EXPONENT {
        return Err(DecodeError::Decimal { field });
    }
    Ok(exponent.checked_shl(mantissa_bits).unwrap_or(0) | mantissa)
}

fn mask(bits: u32) -> u64 {
    1_u64.checked_shl(bits).unwrap_or(0).wrapping_sub(1)
}

/// Digits without sign and leading zeros.
pub(super) fn decimal<N: FromStr + ToString>(text: &str, field: &'static str) -> Result<N, DecodeError> {
    let number = text.parse::<N>().map_err(|_| DecodeError::Decimal { field })?;
    if number.to_string() == text {
        Ok(number)
    } else {
        Err(DecodeError::Decimal { field })
    }
}

pub(super) fn fr(text: &str, field: &'static str) -> Result<Fr, DecodeError> {
    fr_from_bytes_be(&from_hex(text, field)?, field)
}

/// 32 bytes of which the first is 0; `out_of_range` is the error for others.
pub(super) fn word_below_2_248(
    text: &str,
    field: &'static str,
    out_of_range: DecodeError,
) -> Result<[u8; 32], DecodeError> {
    let word: [u8; 32] = from_hex(text, field)?;
    match word {
        [0, ..] => Ok(word),
        _ => Err(out_of_range),
    }
}
