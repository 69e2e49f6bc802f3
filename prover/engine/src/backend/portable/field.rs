//! One element at a time: Montgomery's arithmetic on four 64-bit words, R = 2^256, in safe Rust.
//!
//! Values stay below 2p, not below p: with 4p < 2^256 a product of two such values divides down to below 2p without any
//! comparison at its end. Loops are written out, because carries that stay in the processor's flag are what makes this fast.
//! `docs/field.md` derives the bounds.

use std::marker::PhantomData;

use ark_ff::FpConfig;

/// Four words, the least significant first.
pub(super) type Words = [u64; 4];

/// The field of `P`. Operations take and give integers below 2p, unless they say otherwise.
pub(super) struct Field<P>(PhantomData<P>);

impl<P: FpConfig<4>> Field<P> {
    const P: Words = {
        assert!(P::MODULUS.0[3] >> 62 == 0, "4p < 2^256");
        P::MODULUS.0
    };
    const TWICE: Words = {
        let [a, b, c, d] = Self::P;
        [a << 1, b << 1 | a >> 63, c << 1 | b >> 63, d << 1 | c >> 63]
    };
    /// −1/p mod 2^64, by Newton's iteration: an odd number is its own inverse modulo 8, and each step doubles the bits.
    const MINUS_INVERSE: u64 = {
        let mut inverse = Self::P[0];
        let mut step = 0;
        while step < 5 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(Self::P[0].wrapping_mul(inverse)));
            step += 1;
        }
        inverse.wrapping_neg()
    };

    /// For each value h of the five highest bits of four words, the largest multiple of p below h·2^251, or zero.
    const MULTIPLES: [Words; 32] = {
        let mut table = [[0; 4]; 32];
        let mut high = 1;
        while high < table.len() {
            let below: Words = table[high - 1];
            let mut next = [0; 4];
            let (mut word, mut carry) = (0, 0);
            while word < 4 {
                let sum = below[word] as u128 + Self::P[word] as u128 + carry;
                next[word] = sum as u64;
                carry = sum >> 64;
                word += 1;
            }
            // p is above 2^251: at most one more than for the bits before.
            let fits = carry == 0 && next[3] < (high as u64) << 59;
            table[high] = if fits { next } else { below };
            high += 1;
        }
        table
    };

    /// The residue of any four words, below p + 2^251, which is less than 1.17p. No comparison: a look into a table.
    #[inline(always)]
    pub(super) fn settle(a: Words) -> Words {
        difference(a, Self::MULTIPLES[(a[3] >> 59) as usize]).0
    }

    /// a + b without a correction; it must be below 2^256.
    #[inline(always)]
    pub(super) fn loose_sum(a: Words, b: Words) -> Words {
        sum(a, b)
    }

    /// a − b + 2p without a correction, for b up to 2p; it must be below 2^256.
    #[inline(always)]
    pub(super) fn loose_difference(a: Words, b: Words) -> Words {
        sum(difference(a, b).0, Self::TWICE)
    }

    /// The residue itself, below p.
    #[inline(always)]
    pub(super) fn canonical(a: Words) -> Words {
        subtract_if_not_less(a, Self::P)
    }

    #[inline(always)]
    pub(super) fn is_zero(a: Words) -> bool {
        a == [0; 4] || a == Self::P
    }

    #[inline(always)]
    pub(super) fn add(a: Words, b: Words) -> Words {
        subtract_if_not_less(sum(a, b), Self::TWICE)
    }

    #[inline(always)]
    pub(super) fn sub(a: Words, b: Words) -> Words {
        let (difference, borrow) = difference(a, b);
        let mask = u64::from(borrow).wrapping_neg();
        let [p0, p1, p2, p3] = Self::TWICE;
        sum(difference, [p0 & mask, p1 & mask, p2 & mask, p3 & mask])
    }

    /// −a or a, without a branch: signs of points are random.
    ///
    /// The complement of a is 2^256 − 1 − a, so 2p − a is what it makes with 2p + 1. Zero stays zero, since 2p is not below 2p.
    #[inline(always)]
    pub(super) fn negate_if([a, b, c, d]: Words, negative: bool) -> Words {
        let mask = u64::from(negative & (a | b | c | d != 0)).wrapping_neg();
        let [p0, p1, p2, p3] = Self::TWICE;
        // 2p is even.
        let offset = [(p0 | 1) & mask, p1 & mask, p2 & mask, p3 & mask];
        sum([a ^ mask, b ^ mask, c ^ mask, d ^ mask], offset)
    }

    /// The residue times 2^−256, below p: the integer that Montgomery form stands for.
    #[inline(always)]
    pub(super) fn integer(a: Words) -> Words {
        let [a, b, c, d] = a;
        // At most p.
        Self::canonical(Self::divide([a, b, c, d, 0, 0, 0, 0]))
    }

    /// Any a below 2^256 and b below 2^256 − p whose product is below 2^256·p will do too.
    #[inline(always)]
    pub(super) fn mul(a: Words, b: Words) -> Words {
        // Below (2p)² / 2^256 + p, which is below 1.76p.
        let t = Self::step([0; 4], a[0], &b);
        let t = Self::step(t, a[1], &b);
        let t = Self::step(t, a[2], &b);
        Self::step(t, a[3], &b)
    }

    #[inline(always)]
    pub(super) fn square(a: Words) -> Words {
        // a² is the sum of aᵢ·(aᵢ + 2·(what is above)) over the words: six products fewer. No row is above a·2a.
        let [_, b, c, d] = a;
        let (twice_c, twice_d) = (c << 1, d << 1);
        let t = Self::step(
            [0; 4],
            a[0],
            &[a[0], b << 1, twice_c | b >> 63, twice_d | c >> 63],
        );

        let (l0, h0) = b.carrying_mul(b, 0);
        let (l1, h1) = b.carrying_mul(twice_c, 0);
        let (l2, h2) = b.carrying_mul(twice_d | c >> 63, 0);
        let (r1, carry) = l1.carrying_add(h0, false);
        let (r2, carry) = l2.carrying_add(h1, carry);
        let (r3, _) = h2.carrying_add(0, carry);
        let t = Self::reduce(accumulate([t[0], t[1], t[2], t[3], 0], [0, l0, r1, r2, r3]));

        let (l0, h0) = c.carrying_mul(c, 0);
        let (l1, h1) = c.carrying_mul(twice_d, 0);
        let (r1, carry) = l1.carrying_add(h0, false);
        let (r2, _) = h1.carrying_add(0, carry);
        let t = Self::reduce(accumulate([t[0], t[1], t[2], t[3], 0], [0, 0, l0, r1, r2]));

        let (l0, h0) = d.carrying_mul(d, 0);
        Self::reduce(accumulate([t[0], t[1], t[2], t[3], 0], [0, 0, 0, l0, h0]))
    }

    /// (a₀ + a₁u)(b₀ + b₁u) with u² = −1, by Karatsuba before reduction: three products, two reductions.
    #[inline(always)]
    pub(super) fn mul_pair([a0, a1]: [Words; 2], [b0, b1]: [Words; 2]) -> [Words; 2] {
        let (low, high) = (product(a0, b0), product(a1, b1));
        // Sums are below 4p, their product below 16p² < 2^512.
        let cross = product(sum(a0, a1), sum(b0, b1));
        // a₀b₁ + a₁b₀ < 8p² < 1.52p · 2^256, so the quotient is below 2.52p.
        let imaginary = wide_difference(wide_difference(cross, low).0, high).0;
        let imaginary = subtract_if_not_less(Self::divide(imaginary), Self::TWICE);
        // Where a₀b₀ − a₁b₁ is negative it is above −4p² > −p · 2^256.
        let (real, borrow) = wide_difference(low, high);
        let mask = u64::from(borrow).wrapping_neg();
        let [r0, r1, r2, r3, r4, r5, r6, r7] = real;
        let [p0, p1, p2, p3] = Self::P;
        let [r4, r5, r6, r7] = sum([r4, r5, r6, r7], [p0 & mask, p1 & mask, p2 & mask, p3 & mask]);
        [Self::divide([r0, r1, r2, r3, r4, r5, r6, r7]), imaginary]
    }

    /// (t + a·b + m·p) / 2^64 with the m that makes it whole.
    #[inline(always)]
    fn step([t0, t1, t2, t3]: Words, a: u64, b: &Words) -> Words {
        Self::reduce(accumulate([t0, t1, t2, t3, 0], row(a, b)))
    }

    /// (t + m·p) / 2^64 with the m that makes it whole, which must be below 2^256.
    #[inline(always)]
    fn reduce(t: [u64; 5]) -> Words {
        let m = t[0].wrapping_mul(Self::MINUS_INVERSE);
        let [_, t0, t1, t2, t3] = accumulate_row(t, m, &Self::P);
        [t0, t1, t2, t3]
    }

    /// t / 2^256 mod p: at most p above t/2^256 rounded down, which must stay below 2^256.
    #[inline(always)]
    fn divide([t0, t1, t2, t3, t4, t5, t6, t7]: [u64; 8]) -> Words {
        let low = Self::shift([t0, t1, t2, t3]);
        let low = Self::shift(low);
        let low = Self::shift(low);
        let low = Self::shift(low);
        sum(low, [t4, t5, t6, t7])
    }

    /// As [`reduce`](Self::reduce), of four words. Four of them leave at most p.
    #[inline(always)]
    fn shift([t0, t1, t2, t3]: Words) -> Words {
        Self::reduce([t0, t1, t2, t3, 0])
    }
}

/// a·b.
#[inline(always)]
fn row(a: u64, b: &Words) -> [u64; 5] {
    let (l0, h0) = a.carrying_mul(b[0], 0);
    let (l1, h1) = a.carrying_mul(b[1], 0);
    let (l2, h2) = a.carrying_mul(b[2], 0);
    let (l3, h3) = a.carrying_mul(b[3], 0);
    let (r1, carry) = l1.carrying_add(h0, false);
    let (r2, carry) = l2.carrying_add(h1, carry);
    let (r3, carry) = l3.carrying_add(h2, carry);
    let (r4, _) = h3.carrying_add(0, carry);
    [l0, r1, r2, r3, r4]
}

/// t + a·b, below 2^320. The lower words of the products first, then the upper ones: neither chain of carries waits for the other, and
/// none of them is kept.
#[inline(always)]
fn accumulate_row(t: [u64; 5], a: u64, b: &Words) -> [u64; 5] {
    let (l0, h0) = a.carrying_mul(b[0], 0);
    let (l1, h1) = a.carrying_mul(b[1], 0);
    let (l2, h2) = a.carrying_mul(b[2], 0);
    let (l3, h3) = a.carrying_mul(b[3], 0);
    let (s0, carry) = t[0].carrying_add(l0, false);
    let (s1, carry) = t[1].carrying_add(l1, carry);
    let (s2, carry) = t[2].carrying_add(l2, carry);
    let (s3, carry) = t[3].carrying_add(l3, carry);
    let s4 = t[4].wrapping_add(u64::from(carry));
    let (s1, carry) = s1.carrying_add(h0, false);
    let (s2, carry) = s2.carrying_add(h1, carry);
    let (s3, carry) = s3.carrying_add(h2, carry);
    let (s4, _) = s4.carrying_add(h3, carry);
    [s0, s1, s2, s3, s4]
}

/// t + r, below 2^320.
#[inline(always)]
fn accumulate(t: [u64; 5], r: [u64; 5]) -> [u64; 5] {
    let (s0, carry) = t[0].carrying_add(r[0], false);
    let (s1, carry) = t[1].carrying_add(r[1], carry);
    let (s2, carry) = t[2].carrying_add(r[2], carry);
    let (s3, carry) = t[3].carrying_add(r[3], carry);
    let (s4, _) = t[4].carrying_add(r[4], carry);
    [s0, s1, s2, s3, s4]
}

#[inline(always)]
fn product(a: Words, b: Words) -> [u64; 8] {
    let [w0, t1, t2, t3, t4] = row(a[0], &b);
    let [w1, t2, t3, t4, t5] = accumulate_row([t1, t2, t3, t4, 0], a[1], &b);
    let [w2, t3, t4, t5, t6] = accumulate_row([t2, t3, t4, t5, 0], a[2], &b);
    let [w3, w4, w5, w6, w7] = accumulate_row([t3, t4, t5, t6, 0], a[3], &b);
    [w0, w1, w2, w3, w4, w5, w6, w7]
}

/// a + b, below 2^256.
#[inline(always)]
fn sum(a: Words, b: Words) -> Words {
    let (s0, carry) = a[0].carrying_add(b[0], false);
    let (s1, carry) = a[1].carrying_add(b[1], carry);
    let (s2, carry) = a[2].carrying_add(b[2], carry);
    let (s3, _) = a[3].carrying_add(b[3], carry);
    [s0, s1, s2, s3]
}

/// a − b modulo 2^256, and whether a is the smaller.
#[inline(always)]
fn difference(a: Words, b: Words) -> (Words, bool) {
    let (d0, borrow) = a[0].borrowing_sub(b[0], false);
    let (d1, borrow) = a[1].borrowing_sub(b[1], borrow);
    let (d2, borrow) = a[2].borrowing_sub(b[2], borrow);
    let (d3, borrow) = a[3].borrowing_sub(b[3], borrow);
    ([d0, d1, d2, d3], borrow)
}

#[inline(always)]
fn wide_difference(a: [u64; 8], b: [u64; 8]) -> ([u64; 8], bool) {
    let mut difference = [0; 8];
    let mut borrow = false;
    for i in 0..8 {
        (difference[i], borrow) = a[i].borrowing_sub(b[i], borrow);
    }
    (difference, borrow)
}

#[inline(always)]
fn subtract_if_not_less(a: Words, b: Words) -> Words {
    let (difference, borrow) = difference(a, b);
    if borrow { a } else { difference }
}

#[cfg(test)]
mod tests {
    use ark_std::rand::SeedableRng;
    use ark_std::rand::rngs::StdRng;
    use num_bigint::BigUint;

    use super::*;
    use crate::backend::{FqParams, FrParams};

    fn integer(words: Words) -> BigUint {
        words
            .iter()
            .rev()
            .fold(BigUint::ZERO, |value, word| (value << 64) + *word)
    }

    fn words(value: &BigUint) -> Words {
        let mut digits = value.iter_u64_digits();
        std::array::from_fn(|_| digits.next().unwrap_or(0))
    }

    /// Operations on every pair of values at the edges of [0, 2p), and on some inside.
    fn sweep<P: FpConfig<4>>() {
        let mut rng = StdRng::seed_from_u64(1);
        let p = integer(P::MODULUS.0);
        let twice = &p * 2u32;
        let ones = |bits: u32| (BigUint::from(1u32) << bits) - 1u32;
        let mut values = vec![
            BigUint::ZERO,
            BigUint::from(1u32),
            &p - 1u32,
            p.clone(),
            &p + 1u32,
        ];
        values.extend([
            &twice - 1u32,
            &twice - 2u32,
            ones(64),
            ones(128),
            ones(192),
            ones(254),
        ]);
        for _ in 0..12 {
            let words = [0; 4].map(|_: u64| ark_std::rand::Rng::r#gen(&mut rng));
            values.push(integer(words) % &twice);
        }
        let check = |result: Words, expected: &BigUint| {
            assert!(integer(result) < twice);
            assert_eq!(integer(result) % &p, expected % &p);
            assert_eq!(integer(Field::<P>::canonical(result)), expected % &p);
            assert_eq!(Field::<P>::is_zero(result), expected % &p == BigUint::ZERO);
        };
        let inverse = BigUint::from(2u32).modpow(&((&p - 2u32) * 256u32), &p);
        for a in &values {
            check(Field::<P>::square(words(a)), &(a * a * &inverse));
            check(Field::<P>::negate_if(words(a), true), &(&twice - a));
            check(Field::<P>::negate_if(words(a), false), a);
            assert_eq!(integer(Field::<P>::integer(words(a))), a * &inverse % &p);
            for b in &values {
                check(Field::<P>::add(words(a), words(b)), &(a + b));
                check(Field::<P>::sub(words(a), words(b)), &(a + &twice - b));
                check(Field::<P>::mul(words(a), words(b)), &(a * b * &inverse));
                assert_eq!(integer(Field::<P>::loose_sum(words(a), words(b))), a + b);
                let difference = Field::<P>::loose_difference(words(a), words(b));
                assert_eq!(integer(difference), a + &twice - b);
                // What a split leaves, by a root of a table: up to 3.2p · 1.6p. And four words of ones, by what is below p.
                let loose = (&twice - a) * 8u32 / 5u32;
                for (a, b) in [(loose, b * 4u32 / 5u32), (ones(256) - a, b % &p)] {
                    check(Field::<P>::mul(words(&a), words(&b)), &(&a * &b * &inverse));
                }
                for c in &values {
                    let pairs = ([words(a), words(b)], [words(c), words(a)]);
                    let [real, imaginary] = Field::<P>::mul_pair(pairs.0, pairs.1);
                    check(real, &((a * c + &twice * &twice - b * a) * &inverse));
                    check(imaginary, &((a * a + b * c) * &inverse));
                }
            }
        }
    }

    /// At every step of the table, around every multiple of p, and at the largest value.
    fn settle_at_edges<P: FpConfig<4>>() {
        let p = integer(P::MODULUS.0);
        let one = BigUint::from(1u32);
        let end = &one << 256;
        let mut centres: Vec<BigUint> = (0..=32u32).map(|high| BigUint::from(high) << 251).collect();
        centres.extend((0..6u32).map(|multiple| &p * multiple));
        centres.extend([64, 128, 192].map(|bits| (&one << 253) + (&one << bits)));
        let mut largest = BigUint::ZERO;
        for centre in centres {
            let below = (&centre + &end - 1u32) % &end;
            for value in [below, &centre % &end, (&centre + 1u32) % &end] {
                let settled = integer(Field::<P>::settle(words(&value)));
                assert_eq!(&settled % &p, &value % &p);
                assert!(&settled * 100u32 < &p * 117u32, "{value:x}");
                largest = largest.max(settled);
            }
        }
        // The bound is not much too large.
        assert!(largest * 100u32 > &p * 114u32);
    }

    #[test]
    fn operations_keep_their_bound_at_its_edges() {
        sweep::<FqParams>();
        sweep::<FrParams>();
        settle_at_edges::<FqParams>();
        settle_at_edges::<FrParams>();
    }
}
