//! Floats that shorten amounts and fees in the pubdata.
//!
//! | type          | bits | exponent e | mantissa m | value   | largest value          |
//! |---------------|------|------------|------------|---------|------------------------|
//! | [`FloatAmount`] | 40 | top 5      | low 35     | m·10^e  | (2^35 − 1)·10^31 < 2^138 |
//! | [`FloatFee`]    | 16 | top 5      | low 11     | m·10^e  | (2^11 − 1)·10^31 < 2^114 |
//!
//! Every bit pattern is valid and the value is what counts: 1·10^1 and 10·10^0 are two writings of ten. The encoders here
//! choose the smallest exponent.

pub mod constraints;

use core::fmt;

use ark_bn254::Fr;
use thiserror::Error;

/// Bits of the exponent, for amounts and fees alike.
pub const EXPONENT_BITS: u32 = 5;

/// Largest exponent, 31.
const MAX_EXPONENT: u32 = (1 << EXPONENT_BITS) - 1;

/// An amount of a transfer as 40 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FloatAmount(u64);

/// A fee as 16 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FloatFee(u16);

/// The number does not fit the 40 bits of a [`FloatAmount`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("amount encoding {got:#x} is at or above 2^40")]
pub struct FloatAmountError {
    /// The number given.
    pub got: u64,
}

impl FloatAmount {
    /// Bits of the encoding.
    pub const BITS: u32 = 40;

    /// Bits of the mantissa.
    pub const MANTISSA_BITS: u32 = 35;

    /// Takes an encoding; refuses numbers at or above 2^40.
    pub const fn new(encoding: u64) -> Result<Self, FloatAmountError> {
        if encoding >> Self::BITS == 0 {
            Ok(Self(encoding))
        } else {
            Err(FloatAmountError { got: encoding })
        }
    }

    /// The encoding, below 2^40.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The exponent, 0..=31.
    #[must_use]
    pub fn exponent(self) -> u32 {
        // Below 2^5 because the encoding is below 2^40.
        let [low, ..] = (self.0 >> Self::MANTISSA_BITS).to_le_bytes();
        u32::from(low)
    }

    /// The mantissa, below 2^35.
    #[must_use]
    pub const fn mantissa(self) -> u64 {
        self.0 & ((1 << Self::MANTISSA_BITS) - 1)
    }

    /// The value m·10^e, below 2^138.
    #[must_use]
    pub fn value(self) -> Fr {
        Fr::from(self.mantissa()) * Fr::from(power_of_ten(self.exponent()))
    }

    /// The value as an integer, or `None` if it is at or above 2^128.
    #[must_use]
    pub fn checked_value(self) -> Option<u128> {
        u128::from(self.mantissa()).checked_mul(power_of_ten(self.exponent()))
    }

    /// The encoding of exactly `value` with the smallest exponent, or `None` if there is none.
    #[must_use]
    pub fn encode_exact(value: u128) -> Option<Self> {
        Self::encode_floor(value).exactly(value)
    }

    /// The encoding of the largest value that is not above `value`, with the smallest exponent.
    #[must_use]
    pub fn encode_floor(value: u128) -> Self {
        let (exponent, mantissa) = floor(value, Self::MANTISSA_BITS);
        Self(u64::from(exponent) << Self::MANTISSA_BITS | mantissa)
    }

    fn exactly(self, value: u128) -> Option<Self> {
        (self.checked_value() == Some(value)).then_some(self)
    }
}

impl FloatFee {
    /// Bits of the encoding.
    pub const BITS: u32 = 16;

    /// Bits of the mantissa.
    pub const MANTISSA_BITS: u32 = 11;

    /// Takes an encoding; each of 16 bits is one.
    #[must_use]
    pub const fn new(encoding: u16) -> Self {
        Self(encoding)
    }

    /// The encoding.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The exponent, 0..=31.
    #[must_use]
    pub fn exponent(self) -> u32 {
        u32::from(self.0 >> Self::MANTISSA_BITS)
    }

    /// The mantissa, below 2^11.
    #[must_use]
    pub const fn mantissa(self) -> u16 {
        self.0 & ((1 << Self::MANTISSA_BITS) - 1)
    }

    /// The value m·10^e, below 2^114.
    #[must_use]
    pub fn value(self) -> Fr {
        Fr::from(self.amount())
    }

    /// The value as an integer; never `None`, as every fee is below 2^114. It mirrors [`FloatAmount::checked_value`].
    #[must_use]
    pub fn checked_value(self) -> Option<u128> {
        Some(self.amount())
    }

    /// The value as an integer, below 2^114.
    #[must_use]
    pub fn amount(self) -> u128 {
        // 2047·10^31 is below 2^114.
        u128::from(self.mantissa()) * power_of_ten(self.exponent())
    }

    /// The encoding of exactly `value` with the smallest exponent, or `None` if there is none.
    #[must_use]
    pub fn encode_exact(value: u128) -> Option<Self> {
        let fee = Self::encode_floor(value);
        (fee.amount() == value).then_some(fee)
    }

    /// The encoding of the largest value that is not above `value`, with the smallest exponent.
    #[must_use]
    pub fn encode_floor(value: u128) -> Self {
        let (exponent, mantissa) = floor(value, Self::MANTISSA_BITS);
        let [low, high, ..] = (u64::from(exponent) << Self::MANTISSA_BITS | mantissa).to_le_bytes();
        Self(u16::from_le_bytes([low, high]))
    }
}

impl TryFrom<u64> for FloatAmount {
    type Error = FloatAmountError;

    fn try_from(encoding: u64) -> Result<Self, Self::Error> {
        Self::new(encoding)
    }
}

impl From<u16> for FloatFee {
    fn from(encoding: u16) -> Self {
        Self(encoding)
    }
}

impl fmt::Display for FloatAmount {
    /// The value in scientific form, such as `125e3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}e{}", self.mantissa(), self.exponent())
    }
}

impl fmt::Display for FloatFee {
    /// The value in scientific form, such as `5e2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}e{}", self.mantissa(), self.exponent())
    }
}

/// 10^exponent for 0..=31, below 2^103.
const fn power_of_ten(exponent: u32) -> u128 {
    10u128.pow(exponent)
}

/// Exponent and mantissa of the largest representable value not above `value`.
fn floor(value: u128, mantissa_bits: u32) -> (u32, u64) {
    let largest = (1u64 << mantissa_bits) - 1;
    let mut below = None;
    for exponent in 0..=MAX_EXPONENT {
        let quotient = value / power_of_ten(exponent);
        match u64::try_from(quotient) {
            Ok(mantissa) if mantissa <= largest => {
                // The largest mantissa at the exponent before may come closer: 2^35 is 3435973836·10 + 8.
                return match below {
                    Some((e, m))
                        if u128::from(m) * power_of_ten(e)
                            >= u128::from(mantissa) * power_of_ten(exponent) =>
                    {
                        (e, m)
                    }
                    _ => (exponent, mantissa),
                };
            }
            _ => below = Some((exponent, largest)),
        }
    }
    (MAX_EXPONENT, largest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_encoding_is_exponent_then_mantissa() {
        let amount = FloatAmount::new(3 << 35 | 125).unwrap();
        assert_eq!((amount.exponent(), amount.mantissa()), (3, 125));
        assert_eq!(
            (amount.checked_value(), amount.value()),
            (Some(125_000), Fr::from(125_000u64))
        );
        assert_eq!(amount.to_string(), "125e3");
        let fee = FloatFee::new(2 << 11 | 5);
        assert_eq!((fee.exponent(), fee.mantissa(), fee.amount()), (2, 5, 500));
    }

    /// S4: the encoding itself is ranged.
    #[test]
    fn s4_amount_at_2_to_the_40_is_refused() {
        assert_eq!(FloatAmount::new(1 << 40), Err(FloatAmountError { got: 1 << 40 }));
        assert!(FloatAmount::new((1 << 40) - 1).is_ok());
    }

    #[test]
    fn values_at_the_edge() {
        let largest = FloatAmount::new((1 << 40) - 1).unwrap();
        assert_eq!(largest.checked_value(), None);
        assert_eq!(
            largest.value(),
            Fr::from((1u64 << 35) - 1) * Fr::from(10u128.pow(31))
        );
        assert_eq!(FloatFee::new(u16::MAX).amount(), 2047 * 10u128.pow(31));
        assert_eq!(FloatFee::encode_floor(u128::MAX), FloatFee::new(u16::MAX));
        assert_eq!(FloatAmount::encode_exact(0), Some(FloatAmount::default()));
    }

    /// Just above the largest mantissa, one exponent less is closer than the rounded quotient.
    #[test]
    fn floor_looks_one_exponent_back() {
        let value = 1u128 << 35;
        assert_eq!(FloatAmount::encode_floor(value).checked_value(), Some(value - 1));
        assert_eq!(FloatFee::encode_floor(2048).amount(), 2047);
        assert_eq!(FloatFee::encode_floor(2049), FloatFee::encode_floor(2048));
        assert_eq!(FloatFee::encode_floor(2050).amount(), 2050);
        assert_eq!(FloatFee::encode_exact(2048), None);
    }

    /// Against a search over all 2^16 fees.
    #[test]
    fn fee_floor_is_the_largest_below() {
        let mut values: Vec<u128> = (0..=u16::MAX).map(|e| FloatFee::new(e).amount()).collect();
        values.sort_unstable();
        values.dedup();
        for (i, value) in values.iter().enumerate() {
            assert_eq!(FloatFee::encode_exact(*value).unwrap().amount(), *value);
            let before_next = values.get(i + 1).map_or(u128::MAX, |next| next - 1);
            assert_eq!(FloatFee::encode_floor(before_next).amount(), *value);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn amount_floor_is_near_and_below(value: u128, shift in 0u32..128) {
            let value = value >> shift;
            let float = FloatAmount::encode_floor(value);
            let got = float.checked_value().unwrap();
            prop_assert!(got <= value);
            // One unit of the chosen exponent more is too much, or is not representable there.
            let next = got + 10u128.pow(float.exponent());
            prop_assert!(next > value || float.mantissa() == (1 << 35) - 1);
            prop_assert_eq!(FloatAmount::encode_exact(got).and_then(FloatAmount::checked_value), Some(got));
        }

        #[test]
        fn every_amount_encoding_is_found_again(encoding in 0u64..1 << 40) {
            let float = FloatAmount::new(encoding).unwrap();
            if let Some(value) = float.checked_value() {
                let again = FloatAmount::encode_exact(value).unwrap();
                prop_assert_eq!(again.value(), float.value());
                prop_assert!(again.exponent() <= float.exponent());
            }
        }
    }
}
