//! Constants of a modulus in radix 2^52, computed by the compiler.

use std::marker::PhantomData;

use ark_ff::FpConfig;

use crate::backend::lanes::CAPACITY;

/// An integer below 2^260, the least significant 52 bits first.
pub(super) type Limbs = [u64; 5];

/// The low 52 bits.
pub(super) const MASK: u64 = (1 << 52) - 1;

/// Constants of the modulus of `P`.
pub(super) struct Modulus<P>(PhantomData<P>);

impl<P: FpConfig<4>> Modulus<P> {
    /// p.
    pub(super) const P: Limbs = {
        let limbs = split(P::MODULUS.0);
        assert!(fits(limbs), "84p < 2^260 and p odd, with a top limb of 46 bits");
        limbs
    };
    /// −1/p mod 2^52.
    pub(super) const MINUS_INVERSE: u64 = minus_inverse(Self::P[0]);
    /// 2^−52 mod p: what one limb is worth after a division by 2^52.
    pub(super) const SHIFTED: Limbs = split(inverse_power_of_two(52, P::MODULUS.0));
    /// 2^256 mod p: from R = 2^260 to key form in one multiplication.
    pub(super) const TO_KEY: Limbs = split(power_of_two(256, P::MODULUS.0));
    /// 2^97 / (top limb of p + 1), rounded down: below 2^52.
    pub(super) const RECIPROCAL: u64 = ((1 << 97) / (Self::P[4] as u128 + 1)) as u64;

    /// K·p. Its top limb stays below 2^52 for K up to [`CAPACITY`].
    pub(super) const fn multiple<const K: usize>() -> Limbs {
        const { assert!(K <= 64, "K is at most 64") };
        multiple(Self::P, K as u64)
    }
}

const fn fits(p: Limbs) -> bool {
    let largest = multiple(p, CAPACITY as u64);
    p[0] & 1 == 1 && largest[4] <= MASK && p[4] >> 45 == 1
}

/// Four 64-bit words as limbs.
pub(super) const fn split(words: [u64; 4]) -> Limbs {
    let [a, b, c, d] = words;
    [
        a & MASK,
        (a >> 52 | b << 12) & MASK,
        (b >> 40 | c << 24) & MASK,
        (c >> 28 | d << 36) & MASK,
        d >> 16,
    ]
}

const fn multiple(p: Limbs, factor: u64) -> Limbs {
    let mut limbs = [0; 5];
    let mut carry = 0;
    let mut i = 0;
    while i < 5 {
        let sum = p[i] as u128 * factor as u128 + carry;
        limbs[i] = if i < 4 { sum as u64 & MASK } else { sum as u64 };
        carry = sum >> 52;
        i += 1;
    }
    limbs
}

/// Newton's iteration: each step doubles the number of right bits, and an odd number is its own inverse modulo 8.
const fn minus_inverse(p: u64) -> u64 {
    let mut inverse = p;
    let mut step = 0;
    while step < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(p.wrapping_mul(inverse)));
        step += 1;
    }
    inverse.wrapping_neg() & MASK
}

const fn power_of_two(exponent: u32, p: [u64; 4]) -> [u64; 4] {
    let mut value = [1, 0, 0, 0];
    let mut step = 0;
    while step < exponent {
        let twice = add(value, value);
        let (reduced, borrow) = subtract(twice, p);
        value = if borrow { twice } else { reduced };
        step += 1;
    }
    value
}

const fn inverse_power_of_two(exponent: u32, p: [u64; 4]) -> [u64; 4] {
    let mut value = [1, 0, 0, 0];
    let mut step = 0;
    while step < exponent {
        let [a, b, c, d] = if value[0] & 1 == 1 { add(value, p) } else { value };
        value = [a >> 1 | b << 63, b >> 1 | c << 63, c >> 1 | d << 63, d >> 1];
        step += 1;
    }
    value
}

/// a + b, both below 2^255.
const fn add(a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
    let mut sum = [0; 4];
    let mut carry = 0;
    let mut i = 0;
    while i < 4 {
        let wide = a[i] as u128 + b[i] as u128 + carry;
        sum[i] = wide as u64;
        carry = wide >> 64;
        i += 1;
    }
    sum
}

/// a − b modulo 2^256, and whether a is the smaller.
const fn subtract(a: [u64; 4], b: [u64; 4]) -> ([u64; 4], bool) {
    let mut difference = [0; 4];
    let mut borrow = 0;
    let mut i = 0;
    while i < 4 {
        let wide = (1 << 64) + a[i] as u128 - b[i] as u128 - borrow;
        difference[i] = wide as u64;
        borrow = 1 - (wide >> 64);
        i += 1;
    }
    (difference, borrow == 1)
}
