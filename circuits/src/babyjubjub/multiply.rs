//! Multiples of points: any point by a windowed non-adjacent form, the base point from a table.
//!
//! Both take time that depends on the scalar.

use std::sync::LazyLock;

use super::BASE8;
use super::extended::{AffineCached, Cached, Completed, Extended};

/// Width of the non-adjacent form: digits are 0 or odd and below 2^4 in size.
const WINDOW: usize = 5;

/// Odd multiples 1, 3, ..., 15 that the digits need.
const ODD_MULTIPLES: usize = 1 << (WINDOW - 2);

/// Digits of the non-adjacent form of a 256-bit scalar: one for each bit and one for the last carry.
const DIGITS: usize = 257;

/// `scalar · point` for a 256-bit scalar, limbs least significant first: at most 256 doublings, about 43 additions.
pub(super) fn multiply(point: &Extended, scalar: &[u64; 4]) -> Extended {
    let digits = non_adjacent_form(scalar);
    let Some((top, lower)) = digits
        .iter()
        .rposition(|digit| *digit != 0)
        .map(|top| (digits[top], &digits[..top]))
    else {
        return Extended::identity();
    };
    let odd = odd_multiples(point);
    let mut sum = add_digit(Extended::identity(), top, &odd);
    for digit in lower.iter().rev() {
        let doubled = sum.to_projective().double();
        sum = if *digit == 0 {
            doubled
        } else {
            add_digit(doubled.to_extended(), *digit, &odd)
        };
    }
    sum.to_extended()
}

/// `scalar · BASE8` for a 256-bit scalar, limbs least significant first: 43 additions, no doubling.
pub(super) fn multiply_base(scalar: &[u64; 4]) -> Extended {
    static TABLE: LazyLock<Vec<AffineCached>> = LazyLock::new(base_table);
    let mut sum = Extended::identity();
    let mut carry = 0;
    for (i, multiples) in TABLE.chunks(BASE_MULTIPLES).enumerate() {
        // A digit in −31..=32: above 32, take 64 off and carry one.
        let digit = bits(scalar, BASE_WINDOW * i, BASE_WINDOW) + carry;
        carry = u8::from(usize::from(digit) > BASE_MULTIPLES);
        let digit = i16::from(digit) - (i16::from(carry) << BASE_WINDOW);
        let size = usize::from(digit.unsigned_abs());
        if let Some(multiple) = size.checked_sub(1).and_then(|at| multiples.get(at)) {
            let completed = if digit > 0 {
                sum.add_affine(multiple)
            } else {
                sum.sub_affine(multiple)
            };
            sum = completed.to_extended();
        }
    }
    sum
}

/// Bits of one digit of a multiple of the base point.
const BASE_WINDOW: usize = 6;

/// Multiples of each power of 2^6 in the table, 1 to 32.
const BASE_MULTIPLES: usize = 1 << (BASE_WINDOW - 1);

/// Digits of 256 bits and a carry.
const BASE_DIGITS: usize = 256 / BASE_WINDOW + 1;

/// k·2^(6i)·BASE8 for i = 0..43 and k = 1..=32, at 32i + k − 1; 129 KiB.
fn base_table() -> Vec<AffineCached> {
    let mut multiples = Vec::with_capacity(BASE_DIGITS * BASE_MULTIPLES);
    let mut power = Extended::from(BASE8);
    for _ in 0..BASE_DIGITS {
        let step = power.cached();
        let mut multiple = power;
        for _ in 0..BASE_MULTIPLES {
            multiples.push(multiple);
            multiple = multiple.add_cached(&step).to_extended();
        }
        power = (0..BASE_WINDOW).fold(power, |power, _| power.double());
    }
    Extended::affine_cached(&multiples)
}

fn odd_multiples(point: &Extended) -> [Cached; ODD_MULTIPLES] {
    let twice = point.double().cached();
    let mut multiple = *point;
    core::array::from_fn(|_| {
        let cached = multiple.cached();
        multiple = multiple.add_cached(&twice).to_extended();
        cached
    })
}

/// `sum + digit·P` for a digit that is odd and below 16 in size.
fn add_digit(sum: Extended, digit: i8, odd: &[Cached; ODD_MULTIPLES]) -> Completed {
    let multiple = &odd[usize::from(digit.unsigned_abs() / 2)];
    if digit > 0 {
        sum.add_cached(multiple)
    } else {
        sum.sub_cached(multiple)
    }
}

/// Digits d with Σ d_i·2^i = scalar, each 0 or odd and below 16 in size, no two of five neighbours other than 0.
fn non_adjacent_form(scalar: &[u64; 4]) -> [i8; DIGITS] {
    let mut digits = [0; DIGITS];
    let mut carry = 0;
    let mut at = 0;
    while at < DIGITS {
        let window = bits(scalar, at, WINDOW) + carry;
        if window.is_multiple_of(2) {
            // Carry and lowest bit are both 0 or both 1: the digit is 0 and the carry goes on.
            at += 1;
            continue;
        }
        carry = window >> (WINDOW - 1);
        // 1..=31 less 32 if it is above 15, so −15..=15.
        let size = i16::from(window) - (i16::from(carry) << WINDOW);
        let [low, _] = size.to_le_bytes();
        digits[at] = i8::from_le_bytes([low]);
        at += WINDOW;
    }
    digits
}

/// `count` bits (at most 8) of the scalar from bit `at` on; bits above 255 are 0.
fn bits(scalar: &[u64; 4], at: usize, count: usize) -> u8 {
    let (limb, shift) = (at / 64, at % 64);
    let low = scalar.get(limb).map_or(0, |limb| limb >> shift);
    let high = if shift == 0 {
        0
    } else {
        scalar.get(limb + 1).map_or(0, |limb| limb << (64 - shift))
    };
    let [byte, ..] = (low | high).to_le_bytes();
    byte & u8::MAX >> (8 - count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::babyjubjub::Point;
    use num_bigint::{BigInt, BigUint};
    use proptest::prelude::*;

    fn integer(limbs: &[u64; 4]) -> BigUint {
        BigUint::from_bytes_le(&crate::babyjubjub::limbs_to_bytes_le(limbs))
    }

    /// Double and add over the bits.
    fn naive(point: &Point, scalar: &[u64; 4]) -> Point {
        (0..256).rev().fold(Point::IDENTITY, |sum, i| {
            let sum = sum.double();
            if scalar[i / 64] >> (i % 64) & 1 == 1 {
                sum.add(point)
            } else {
                sum
            }
        })
    }

    fn scalar() -> impl Strategy<Value = [u64; 4]> {
        let limb = prop_oneof![Just(0), Just(u64::MAX), any::<u64>()];
        [limb.clone(), limb.clone(), limb.clone(), limb]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn non_adjacent_form_is_the_scalar(scalar in scalar()) {
            let digits = non_adjacent_form(&scalar);
            let sum = digits.iter().rev().fold(BigInt::from(0), |sum, digit| sum * 2 + *digit);
            prop_assert_eq!(sum, BigInt::from(integer(&scalar)));
            for (i, digit) in digits.iter().enumerate().filter(|(_, digit)| **digit != 0) {
                prop_assert!(digit % 2 != 0 && digit.abs() < 16);
                prop_assert!(digits[i + 1..].iter().take(WINDOW - 1).all(|digit| *digit == 0));
            }
        }

        #[test]
        fn multiples_equal_double_and_add(scalar in scalar(), k in 1u64..1000) {
            let point = naive(&BASE8, &[k, 0, 0, 0]);
            prop_assert_eq!(multiply(&Extended::from(point), &scalar).to_affine(), naive(&point, &scalar));
            prop_assert_eq!(multiply_base(&scalar).to_affine(), naive(&BASE8, &scalar));
        }
    }

    #[test]
    fn scalars_at_the_edge() {
        for limbs in [
            [0; 4],
            [1, 0, 0, 0],
            [32, 0, 0, 0],
            [33, 0, 0, 0],
            [63, 0, 0, 0],
            [u64::MAX; 4],
        ] {
            assert_eq!(multiply_base(&limbs).to_affine(), naive(&BASE8, &limbs));
            assert_eq!(
                multiply(&Extended::from(BASE8), &limbs).to_affine(),
                naive(&BASE8, &limbs)
            );
        }
    }
}
