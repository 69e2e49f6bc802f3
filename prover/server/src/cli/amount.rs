//! Decimal amounts to floats: exact, or refused with the nearest values that can be written.

use quittance_circuits::float::{FloatAmount, FloatFee};

use super::CliError;

/// The encoding of an amount.
pub(super) fn amount(text: &str) -> Result<FloatAmount, CliError> {
    let value = decimal("amount", text)?;
    FloatAmount::encode_exact(value).ok_or_else(|| {
        let below = FloatAmount::encode_floor(value).checked_value();
        inexact("amount", value, below, above(value, FloatAmount::MANTISSA_BITS))
    })
}

/// The encoding of a fee.
pub(super) fn fee(text: &str) -> Result<FloatFee, CliError> {
    let value = decimal("fee", text)?;
    FloatFee::encode_exact(value).ok_or_else(|| {
        let below = FloatFee::encode_floor(value).checked_value();
        inexact("fee", value, below, above(value, FloatFee::MANTISSA_BITS))
    })
}

/// An amount that is written exactly, whatever its digits.
pub(super) fn exact(text: &str) -> Result<u128, CliError> {
    decimal("amount", text)
}

fn decimal(name: &str, text: &str) -> Result<u128, CliError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().ok_or_else(|| {
        CliError::usage(
            format!("{name} is not a decimal number below 2^128: {text}"),
            "give it in the token's smallest unit, digits only",
        )
    })
}

fn inexact(name: &str, value: u128, below: Option<u128>, above: Option<u128>) -> CliError {
    let nearest = [below, above]
        .into_iter()
        .flatten()
        .map(|value| value.to_string());
    let nearest: Vec<_> = nearest.collect();
    CliError::refused(
        format!("{name} {value} has too many digits for its encoding"),
        format!("the nearest that can be written: {}", nearest.join(" and ")),
    )
}

/// The smallest value not below `value` that a float of this mantissa can write, if it is below 2^128.
fn above(value: u128, mantissa_bits: u32) -> Option<u128> {
    let largest = (1u128 << mantissa_bits) - 1;
    (0..32u32).find_map(|exponent| {
        let power = 10u128.pow(exponent);
        let mantissa = value.div_ceil(power);
        (mantissa <= largest).then(|| mantissa.checked_mul(power))
    })?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_values_are_encoded() {
        assert_eq!(amount("0").unwrap().get(), 0);
        assert_eq!(amount("34359738367").unwrap().get(), (1 << 35) - 1);
        assert_eq!(fee("20470").unwrap().checked_value(), Some(20470));
    }

    #[test]
    fn inexact_values_name_their_neighbours() {
        let report = amount("34359738369").unwrap_err().report(false);
        assert!(report.contains("34359738367 and 34359738370"), "{report}");
        let report = fee("20475").unwrap_err().report(false);
        assert!(report.contains("20470 and 20500"), "{report}");
    }

    #[test]
    fn only_digits_below_2_128() {
        for text in [
            "",
            "-1",
            "+1",
            "1.5",
            "1e3",
            "0x10",
            " 1",
            "340282366920938463463374607431768211456",
        ] {
            assert_eq!(
                amount(text).unwrap_err().exit(),
                super::super::Exit::Usage,
                "{text}"
            );
        }
        assert!(
            amount("340282366920938463463374607431768211455")
                .unwrap_err()
                .report(false)
                .contains("nearest")
        );
    }

    #[test]
    fn the_neighbour_above_is_the_smallest() {
        assert_eq!(above(2048, 11), Some(2050));
        assert_eq!(above(2047, 11), Some(2047));
        assert_eq!(above(20471, 11), Some(20500));
        assert_eq!(above(u128::MAX, 35), None);
    }
}
