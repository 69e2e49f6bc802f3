//! Inversion in the base field: one for each batch of additions, so its latency is paid thousands of times a proof.
//!
//! Division steps of Bernstein and Yang ("Fast constant-time gcd computation and modular inversion", 2019, section 8) in the
//! variation that skips over zeros, 62 steps to a matrix. Its time depends on the operand, as that of
//! arkworks' inversion does; it takes about a quarter of it.
//!
//! Numbers are five signed limbs of 62 bits, least significant first; only the last one may be negative.

use ark_bn254::{Fq, FqConfig};
use ark_ff::{AdditiveGroup, MontConfig};

const LIMBS: usize = 5;
const MASK: u64 = u64::MAX >> 2;
const P: [i64; LIMBS] = to_limbs(FqConfig::MODULUS.0);
/// p⁻¹ mod 2^62.
const P_INVERSE: u64 = inverse_of_odd(FqConfig::MODULUS.0[0]) & MASK;
/// Its Montgomery form is R³: multiplying by it takes x⁻¹R⁻¹ to x⁻¹R.
const CORRECTION: Fq = {
    // Stored as R²·R mod p.
    Fq::new(FqConfig::R2)
};

type Limbs = [i64; LIMBS];

/// Inverts all of them with one inversion (Montgomery's trick). False, and unchanged, if one is zero.
pub(super) fn invert_all(elements: &mut [Fq; 8]) -> bool {
    let mut before = [Fq::ZERO; 8];
    let mut product = elements[0];
    for (before, element) in before.iter_mut().zip(elements.iter()).skip(1) {
        *before = product;
        product *= element;
    }
    let Some(mut inverse) = invert(&product) else {
        return false;
    };
    for (before, element) in before.iter().zip(elements.iter_mut()).skip(1).rev() {
        let own = inverse * before;
        inverse *= *element;
        *element = own;
    }
    elements[0] = inverse;
    true
}

/// 1/x; None for 0.
pub(super) fn invert(element: &Fq) -> Option<Fq> {
    if *element == Fq::ZERO {
        return None;
    }
    let mut inverse = Fq::ZERO;
    inverse.0.0 = invert_words(element.0.0);
    Some(inverse * CORRECTION)
}

/// x⁻¹ mod p for x from 1 to p − 1, plain integers.
fn invert_words(x: [u64; 4]) -> [u64; 4] {
    // Invariants: f is odd and gcd(f, g) = 1; d·x ≡ f, e·x ≡ g (mod p); d and e lie between −2p and p.
    let (mut d, mut e): (Limbs, Limbs) = ([0; LIMBS], [1, 0, 0, 0, 0]);
    let (mut f, mut g) = (P, to_limbs(x));
    let mut eta = -1;
    while g != [0; LIMBS] {
        let matrix = steps(&mut eta, f[0].cast_unsigned(), g[0].cast_unsigned());
        apply_modulo(&matrix, &mut d, &mut e);
        apply(&matrix, &mut f, &mut g);
    }
    // f is now 1 or −1.
    normalise(d, f[LIMBS - 1] < 0)
}

/// 2^62 times the transition of 62 division steps.
struct Matrix {
    u: i64,
    v: i64,
    q: i64,
    r: i64,
}

/// 62 division steps on the low limbs of f and g. `eta` is −δ of the paper.
fn steps(eta: &mut i64, mut f: u64, mut g: u64) -> Matrix {
    let (mut u, mut v, mut q, mut r) = (1u64, 0u64, 0u64, 1u64);
    let mut left = 62u32;
    loop {
        // Steps with an even g only halve it. The sentinel bit stops at the number of steps that are left.
        let zeros = (g | (u64::MAX << left)).trailing_zeros();
        g >>= zeros;
        u <<= zeros;
        v <<= zeros;
        *eta = eta.wrapping_sub(i64::from(zeros));
        left = left.wrapping_sub(zeros);
        if left == 0 {
            break;
        }
        let multiple;
        if *eta < 0 {
            *eta = eta.wrapping_neg();
            (f, g) = (g, f.wrapping_neg());
            (u, q) = (q, u.wrapping_neg());
            (v, r) = (r, v.wrapping_neg());
            // Adding a multiple of f makes up to six low bits of g zero, as many as may be cancelled before
            // the next exchange.
            let mask = cancelled(*eta, left) & 63;
            multiple = f.wrapping_mul(g).wrapping_mul(f.wrapping_mul(f).wrapping_sub(2)) & mask;
        } else {
            let mask = cancelled(*eta, left) & 15;
            let inverse = f.wrapping_add((f.wrapping_add(1) & 4) << 1);
            multiple = inverse.wrapping_neg().wrapping_mul(g) & mask;
        }
        g = g.wrapping_add(f.wrapping_mul(multiple));
        q = q.wrapping_add(u.wrapping_mul(multiple));
        r = r.wrapping_add(v.wrapping_mul(multiple));
    }
    Matrix {
        u: u.cast_signed(),
        v: v.cast_signed(),
        q: q.cast_signed(),
        r: r.cast_signed(),
    }
}

/// A mask of the low bits that may be cancelled: eta + 1 of them, and no more than the steps that are left.
fn cancelled(eta: i64, left: u32) -> u64 {
    let bits = eta.wrapping_add(1).min(i64::from(left)).clamp(1, 64);
    u64::MAX >> 64u32.wrapping_sub(bits as u32)
}

/// (f, g) ← matrix·(f, g) / 2^62, exactly.
fn apply(matrix: &Matrix, f: &mut Limbs, g: &mut Limbs) {
    let Matrix { u, v, q, r } = *matrix;
    let mut to_f = product(u, f[0]).wrapping_add(product(v, g[0])) >> 62;
    let mut to_g = product(q, f[0]).wrapping_add(product(r, g[0])) >> 62;
    for i in 1..LIMBS {
        to_f = to_f.wrapping_add(product(u, f[i]).wrapping_add(product(v, g[i])));
        to_g = to_g.wrapping_add(product(q, f[i]).wrapping_add(product(r, g[i])));
        f[i - 1] = take_limb(&mut to_f);
        g[i - 1] = take_limb(&mut to_g);
    }
    f[LIMBS - 1] = to_f as i64;
    g[LIMBS - 1] = to_g as i64;
}

/// (d, e) ← matrix·(d, e) / 2^62 modulo p, between −2p and p again.
fn apply_modulo(matrix: &Matrix, d: &mut Limbs, e: &mut Limbs) {
    let Matrix { u, v, q, r } = *matrix;
    let (sign_d, sign_e) = (d[LIMBS - 1] >> 63, e[LIMBS - 1] >> 63);
    let mut more_d = (u & sign_d).wrapping_add(v & sign_e);
    let mut more_e = (q & sign_d).wrapping_add(r & sign_e);
    let mut to_d = product(u, d[0]).wrapping_add(product(v, e[0]));
    let mut to_e = product(q, d[0]).wrapping_add(product(r, e[0]));
    // Multiples of p that make the low 62 bits zero.
    more_d = more_d.wrapping_sub(correction(to_d, more_d));
    more_e = more_e.wrapping_sub(correction(to_e, more_e));
    to_d = to_d.wrapping_add(product(P[0], more_d)) >> 62;
    to_e = to_e.wrapping_add(product(P[0], more_e)) >> 62;
    for i in 1..LIMBS {
        to_d = to_d.wrapping_add(product(u, d[i]).wrapping_add(product(v, e[i])));
        to_e = to_e.wrapping_add(product(q, d[i]).wrapping_add(product(r, e[i])));
        to_d = to_d.wrapping_add(product(P[i], more_d));
        to_e = to_e.wrapping_add(product(P[i], more_e));
        d[i - 1] = take_limb(&mut to_d);
        e[i - 1] = take_limb(&mut to_e);
    }
    d[LIMBS - 1] = to_d as i64;
    e[LIMBS - 1] = to_e as i64;
}

fn correction(sum: i128, more: i64) -> i64 {
    let low = P_INVERSE
        .wrapping_mul(sum as u64)
        .wrapping_add(more.cast_unsigned());
    (low & MASK).cast_signed()
}

/// The words of d or, where f came out as −1, of −d, from 0 to p − 1.
fn normalise(d: Limbs, negative: bool) -> [u64; 4] {
    let mut d = d;
    if d[LIMBS - 1] < 0 {
        d = add(d, P);
    }
    if negative {
        d = add(d.map(i64::wrapping_neg), [0; LIMBS]);
    }
    if d[LIMBS - 1] < 0 {
        d = add(d, P);
    }
    let [a, b, c, d, e] = d.map(i64::cast_unsigned);
    [a | b << 62, b >> 2 | c << 60, c >> 4 | d << 58, d >> 6 | e << 56]
}

fn add(a: Limbs, b: Limbs) -> Limbs {
    let mut sum = [0; LIMBS];
    let mut carry = 0i128;
    for (limb, (a, b)) in sum.iter_mut().zip(a.iter().zip(&b)) {
        carry = carry.wrapping_add(i128::from(*a)).wrapping_add(i128::from(*b));
        *limb = take_limb(&mut carry);
    }
    // The last limb keeps the sign.
    let top = carry.wrapping_shl(62) as i64;
    sum[LIMBS - 1] |= top;
    sum
}

fn take_limb(value: &mut i128) -> i64 {
    let limb = (*value as u64 & MASK).cast_signed();
    *value >>= 62;
    limb
}

fn product(a: i64, b: i64) -> i128 {
    i128::from(a).wrapping_mul(i128::from(b))
}

const fn to_limbs(words: [u64; 4]) -> Limbs {
    let [a, b, c, d] = words;
    [
        (a & MASK).cast_signed(),
        ((a >> 62 | b << 2) & MASK).cast_signed(),
        ((b >> 60 | c << 4) & MASK).cast_signed(),
        ((c >> 58 | d << 6) & MASK).cast_signed(),
        (d >> 56).cast_signed(),
    ]
}

/// a⁻¹ mod 2^64: each of Newton's steps doubles the number of right bits.
const fn inverse_of_odd(a: u64) -> u64 {
    let mut inverse = a;
    let mut right = 3;
    while right < 64 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(a.wrapping_mul(inverse)));
        right *= 2;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use ark_ff::{BigInt, Field, UniformRand};
    use ark_std::rand::SeedableRng;
    use ark_std::rand::rngs::StdRng;

    use super::*;

    #[test]
    fn inverses_equal_those_of_arkworks() {
        let mut rng = StdRng::seed_from_u64(4);
        let mut elements: Vec<Fq> = (0..20_000).map(|_| Fq::rand(&mut rng)).collect();
        elements.extend((1..200u64).flat_map(|small| [Fq::from(small), -Fq::from(small)]));
        let mut power = Fq::ONE;
        for _ in 0..600 {
            elements.extend([power, -power, power + Fq::ONE]);
            power.double_in_place();
        }
        // And elements whose stored words are small, of one bit, or just below the modulus.
        for bit in 0..253 {
            let mut words = [0u64; 4];
            words[bit / 64] = 1 << (bit % 64);
            let mut element = Fq::ZERO;
            element.0 = BigInt(words);
            elements.extend([element, -element]);
        }
        for element in elements {
            assert_eq!(invert(&element), element.inverse(), "{element}");
        }
        assert_eq!(invert(&Fq::ZERO), None);
    }

    #[test]
    fn eight_at_once_equal_one_by_one_and_zero_is_refused() {
        let mut rng = StdRng::seed_from_u64(5);
        let elements: [Fq; 8] = std::array::from_fn(|_| Fq::rand(&mut rng));
        let mut inverses = elements;
        assert!(invert_all(&mut inverses));
        for (inverse, element) in inverses.iter().zip(&elements) {
            assert_eq!(*inverse * element, Fq::ONE);
        }
        for lane in 0..8 {
            let mut with_zero = elements;
            with_zero[lane] = Fq::ZERO;
            let before = with_zero;
            assert!(!invert_all(&mut with_zero));
            assert_eq!(with_zero, before);
        }
    }
}
