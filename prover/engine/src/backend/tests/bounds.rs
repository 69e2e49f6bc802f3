//! The IFMA backend's values as integers, at the limits that the contract allows: residues and bounds, by big integers.

use num_bigint::BigUint;

use super::*;
use crate::backend::lanes::CAPACITY;
use crate::backend::{FqParams, FrParams};

/// Five lines: limb i of eight values in line i.
type Raw = [Line; 5];

const LIMB: u32 = 52;

fn raw(values: &[BigUint; 8]) -> Raw {
    array::from_fn(|limb| {
        Line(array::from_fn(|lane| {
            let shifted = &values[lane] >> (LIMB as usize * limb);
            let mask = (BigUint::from(1u32) << LIMB) - 1u32;
            (shifted & mask).iter_u64_digits().next().unwrap_or(0)
        }))
    })
}

fn values(lines: &Raw) -> [BigUint; 8] {
    array::from_fn(|lane| {
        lines.iter().rev().fold(BigUint::ZERO, |value, line| {
            assert_eq!(line.0[lane] >> LIMB, 0, "a limb of more than 52 bits");
            (value << LIMB) + line.0[lane]
        })
    })
}

/// One operation on values that are given and taken as they lie in the registers.
trait Operation {
    fn apply<L: Lanes>(&self, inputs: [L; 4]) -> [L; 2];
}

struct Run<'a, O, const FQ: bool> {
    operation: &'a O,
    inputs: &'a [Raw; 4],
}

impl<O: Operation, const FQ: bool> Run<'_, O, FQ> {
    #[inline(always)]
    fn with<L: Lanes>(self) -> [Raw; 2] {
        let [a, b, c, d] = self.inputs;
        let inputs = [L::read(a), L::read(b), L::read(c), L::read(d)];
        let [first, second] = self.operation.apply(inputs);
        let mut out = [[Line::default(); 5]; 2];
        first.write(&mut out[0]);
        second.write(&mut out[1]);
        out
    }
}

impl<O: Operation, const FQ: bool> Kernel for Run<'_, O, FQ> {
    type Output = [Raw; 2];

    #[inline(always)]
    fn run<M: Machine>(self) -> Self::Output {
        if FQ {
            self.with::<M::Fq>()
        } else {
            self.with::<M::Fr>()
        }
    }
}

/// Integers at most `bound`·p: the extremes, multiples of p and their neighbours, anything between.
fn draw(rng: &mut StdRng, p: &BigUint, bound: u32) -> BigUint {
    let largest = p * bound;
    let value = match u8::rand(rng) % 8 {
        0 => largest.clone(),
        1 => BigUint::from(u8::rand(rng) % 2),
        2 => p * (u32::rand(rng) % (bound + 1)),
        3 => p * (u32::rand(rng) % (bound + 1)) + 1u32,
        4 => p * (u32::rand(rng) % bound + 1) - 1u32,
        5 => &largest - 1u32,
        // Limbs of ones.
        6 => (BigUint::from(1u32) << (u32::rand(rng) % 260)) - 1u32,
        _ => (0..5).fold(BigUint::ZERO, |value, _| (value << 64) + u64::rand(rng)) % &largest,
    };
    value.min(largest)
}

/// Applies an operation to values up to `bounds`, and gives inputs and results to `check` with the modulus.
fn sweep<O: Operation>(
    operation: O,
    bounds: [u32; 4],
    check: impl Fn(&BigUint, [&BigUint; 4], [&BigUint; 2]),
) {
    let Ok(backend) = Backend::named("ifma") else {
        return;
    };
    let mut rng = StdRng::seed_from_u64(3);
    for round in 0..400 {
        let p = match round % 2 {
            0 => BigUint::from(FqParams::MODULUS),
            _ => BigUint::from(FrParams::MODULUS),
        };
        let inputs: [[BigUint; 8]; 4] = bounds.map(|bound| array::from_fn(|_| draw(&mut rng, &p, bound)));
        let lines = inputs.each_ref().map(raw);
        let (operation, inputs_of) = (&operation, &lines);
        let results = match round % 2 {
            0 => backend.run(Run::<_, true> {
                operation,
                inputs: inputs_of,
            }),
            _ => backend.run(Run::<_, false> {
                operation,
                inputs: inputs_of,
            }),
        };
        let results = results.each_ref().map(values);
        for lane in 0..8 {
            check(
                &p,
                inputs.each_ref().map(|values| &values[lane]),
                results.each_ref().map(|values| &values[lane]),
            );
        }
    }
}

fn congruent(p: &BigUint, a: &BigUint, b: &BigUint) {
    assert_eq!(a % p, b % p);
}

/// That `value` is at most (whole + product / 84)·p.
fn within(p: &BigUint, value: &BigUint, whole: u32, product: u32) {
    assert!(value * CAPACITY <= p * (whole * CAPACITY + product), "{value:x}");
}

struct Multiply;

impl Operation for Multiply {
    #[inline(always)]
    fn apply<L: Lanes>(&self, [a, b, ..]: [L; 4]) -> [L; 2] {
        [a.mul(b), a.square()]
    }
}

#[test]
fn products_stay_below_their_bound() {
    for (a, b) in [(1, 1), (2, 84), (16, 16), (64, 84), (82, 84), (80, 3)] {
        sweep(Multiply, [a, b, 1, 1], |p, [x, y, ..], [product, square]| {
            congruent(p, &(product << 260), &(x * y));
            within(p, product, 2, a * b);
            congruent(p, &(square << 260), &(x * x));
            within(p, square, 2, a * a);
        });
    }
}

struct MultiplyPair;

impl Operation for MultiplyPair {
    #[inline(always)]
    fn apply<L: Lanes>(&self, [a0, a1, b0, b1]: [L; 4]) -> [L; 2] {
        L::mul_pair([a0, a1], [b0, b1])
    }
}

#[test]
fn products_of_pairs_stay_below_their_bound() {
    for bounds in [
        [1, 1, 1, 1],
        [2, 2, 16, 16],
        [66, 18, 66, 18],
        [1, 18, 1, 18],
        [80, 4, 4, 80],
        [1, 4, 1, 83],
    ] {
        sweep(MultiplyPair, bounds, |p, [a0, a1, b0, b1], [real, imaginary]| {
            congruent(p, &((real << 260) + a1 * b1), &(a0 * b0));
            within(p, real, 6, bounds[0] * bounds[2]);
            congruent(p, &(imaginary << 260), &(a0 * b1 + a1 * b0));
            within(p, imaginary, 2, bounds[0] * bounds[3] + bounds[1] * bounds[2]);
        });
    }
}

struct Reduce;

impl Operation for Reduce {
    #[inline(always)]
    fn apply<L: Lanes>(&self, [a, ..]: [L; 4]) -> [L; 2] {
        let zero = a.zero_lanes();
        [a.reduce(), L::zero().select(L::splat(&Fp::ONE), zero)]
    }
}

#[test]
fn reduction_takes_up_to_64() {
    for bound in [1, 2, 3, 16, 63, 64] {
        sweep(Reduce, [bound, 1, 1, 1], |p, [value, ..], [reduced, zero]| {
            congruent(p, reduced, value);
            assert!(reduced < &(p * 2u32));
            assert_eq!(zero != &BigUint::ZERO, value % p == BigUint::ZERO);
        });
    }
}

struct Subtract<const K: usize>;

impl<const K: usize> Operation for Subtract<K> {
    #[inline(always)]
    fn apply<L: Lanes>(&self, [a, b, ..]: [L; 4]) -> [L; 2] {
        [a.sub::<K>(b), b.negate_where::<K>(0xff)]
    }
}

fn subtract<const K: usize>() {
    let multiple = u32::try_from(K).unwrap();
    let bounds = [CAPACITY - multiple, multiple, 1, 1];
    sweep(Subtract::<K>, bounds, |p, [a, b, ..], [difference, negated]| {
        assert_eq!(difference + b, a + p * multiple);
        assert_eq!(negated + b, p * multiple);
    });
}

#[test]
fn differences_are_offset_by_a_multiple_of_the_modulus() {
    subtract::<1>();
    subtract::<2>();
    subtract::<3>();
    subtract::<7>();
    subtract::<16>();
    subtract::<33>();
    subtract::<64>();
}

struct Add;

impl Operation for Add {
    #[inline(always)]
    fn apply<L: Lanes>(&self, [a, b, ..]: [L; 4]) -> [L; 2] {
        let mut lines = [Line::default(); 5];
        a.write(&mut lines);
        [a.add(b), L::read(&lines)]
    }
}

#[test]
fn sums_are_exact() {
    for (a, b) in [(1, 1), (42, 42), (83, 1), (20, 64)] {
        sweep(Add, [a, b, 1, 1], |_, [x, y, ..], [sum, same]| {
            assert_eq!(sum, &(x + y));
            assert_eq!(same, x);
        });
    }
}
