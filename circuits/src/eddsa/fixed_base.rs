//! Multiples of Base8 in a circuit, three bits of the scalar at a time.
//!
//! For 249 low bits, window i holds `(2·u − 7)·8^i·(Base8/2)` for u = 0..=7: odd multiples only, so no entry is the
//! identity. Before window i is added, the sum is `a·(Base8/2)` with |a| ≤ 8^i − 1, and the entry is `b·(Base8/2)` with
//! 8^i ≤ |b| ≤ 7·8^i. As integers a ≠ ±b, and |a| + |b| < 8^(i+1) ≤ 2^249 < l, so they differ modulo l too: the
//! Montgomery additions never meet their exception. The two bits on top are added by the complete law.

use crate::babyjubjub::constraints::{EdwardsVar, MontgomeryVar, add, add_complete, to_edwards};
use crate::babyjubjub::extended::{AffineCached, Extended};
use crate::babyjubjub::{BASE8, ORDER, Point};
use crate::r1cs::{ConstraintSystem, FieldVar, Fraction, Linear};
use ark_bn254::Fr;
use std::sync::LazyLock;

/// Bits of a scalar below l.
pub(super) const SCALAR_BITS: usize = 251;
const WINDOW_BITS: usize = 3;
pub(super) const WINDOWS: usize = 83;

/// Coordinates as polynomials in three bits: coefficients of 1, b0, b1, b0·b1 and the same times b2.
type Window = [[Fr; 8]; 2];

#[derive(Debug)]
struct Table {
    /// Montgomery coordinates of the windows of three bits.
    low: Vec<Window>,
    /// Edwards coordinates by the two bits on top, with the correction for `Σ 7·8^i`: coefficients of 1, b0, b1, b0·b1.
    top: [[Fr; 4]; 2],
    /// The points of the windows, and those by the two bits on top.
    points: Vec<[AffineCached; 8]>,
    top_points: [AffineCached; 4],
}

static TABLE: LazyLock<Table> = LazyLock::new(Table::new);

/// `scalar · Base8` for 251 boolean bits, least significant first.
///
/// `83·3 + 82·3 + 2 + 1 + 6 = 504` constraints.
pub(super) fn multiply<C: ConstraintSystem>(cs: &mut C, bits: &[FieldVar<C::L>]) -> EdwardsVar<C::L> {
    let table: &Table = &TABLE;
    let (low, top) = bits.split_at(WINDOWS * WINDOW_BITS);
    let mut sum: Option<MontgomeryVar<C::L>> = None;
    for (window, bits) in table.low.iter().zip(low.chunks_exact(WINDOW_BITS)) {
        let entry = look_up(cs, window, [&bits[0], &bits[1], &bits[2]]);
        sum = Some(match sum {
            None => entry,
            Some(sum) => add(cs, &sum, &entry),
        });
    }
    let [b0, b1] = [&top[0], &top[1]];
    let both = cs.multiply(b0, b1);
    let [x, y] = table
        .top
        .map(|coefficients| polynomial(&coefficients, b0, b1, &both));
    let top = EdwardsVar { x, y };
    match sum {
        // Not the identity: an odd multiple smaller than l.
        Some(sum) => {
            let low = to_edwards(cs, &sum);
            add_complete(cs, &low, &top)
        }
        None => top,
    }
}

/// What [`multiply`] divides by, in its order, and the product. `bit` is the scalar's, by its index.
pub(super) fn denominators(list: &mut Vec<Fraction>, bit: impl Fn(usize) -> bool) -> Extended {
    let table: &Table = &TABLE;
    let digit =
        |first: usize, bits: usize| (0..bits).fold(0, |sum, i| sum | usize::from(bit(first + i)) << i);
    let mut sum: Option<Extended> = None;
    for (window, entries) in table.points.iter().enumerate() {
        let entry = &entries[digit(WINDOW_BITS * window, WINDOW_BITS)];
        sum = Some(match sum {
            None => entry.to_extended(),
            Some(sum) => {
                list.push(entry.u_minus(&sum));
                sum.add_affine(entry).to_extended()
            }
        });
    }
    let low = sum.unwrap_or_else(Extended::identity);
    list.extend([low.v(), low.u_plus_one()]);
    let product = low.add_affine(&table.top_points[digit(WINDOW_BITS * WINDOWS, 2)]);
    list.extend(product.divisors());
    product.to_extended()
}

/// One of eight points. Three constraints.
fn look_up<C: ConstraintSystem>(
    cs: &mut C,
    window: &Window,
    [b0, b1, b2]: [&FieldVar<C::L>; 3],
) -> MontgomeryVar<C::L> {
    let both = cs.multiply(b0, b1);
    let mut coordinate = |coefficients: &[Fr; 8]| {
        let base = polynomial(&coefficients[..4], b0, b1, &both);
        let change = polynomial(&coefficients[4..], b0, b1, &both);
        // b2 · change = coordinate − base
        cs.multiply_minus(b2, &change, &base.negated())
    };
    let u = coordinate(&window[0]);
    let v = coordinate(&window[1]);
    MontgomeryVar { u, v }
}

fn polynomial<L: Linear>(
    coefficients: &[Fr],
    b0: &FieldVar<L>,
    b1: &FieldVar<L>,
    both: &FieldVar<L>,
) -> FieldVar<L> {
    FieldVar::sum(coefficients.iter().copied().zip([&FieldVar::one(), b0, b1, both]))
}

impl Table {
    fn new() -> Self {
        // (l + 1)/2 halves modulo the odd order l.
        let mut base = BASE8.mul(&half(&ORDER));
        let mut low = Vec::with_capacity(WINDOWS);
        let mut cached = Vec::with_capacity(WINDOWS);
        for _ in 0..WINDOWS {
            let twice = base.double();
            let mut odd = [base; 4];
            for i in 1..4 {
                odd[i] = odd[i - 1].add(&twice);
            }
            // −7, −5, −3, −1, 1, 3, 5, 7
            let points: [Point; 8] =
                core::array::from_fn(|u| if u < 4 { odd[3 - u].neg() } else { odd[u - 4] });
            // No entry is the identity, so each has a Montgomery form.
            let coordinates = points.map(|point| point.to_montgomery().unwrap_or_default());
            low.push([
                interpolate(coordinates.map(|(u, _)| u)),
                interpolate(coordinates.map(|(_, v)| v)),
            ]);
            cached.push(prepare(&points));
            base = twice.double().double();
        }
        // The windows add up to 2·S − (8^83 − 1) halves; `base` is now 8^83 halves.
        let start = BASE8.mul(&half(&ORDER));
        let correction = base.add(&start.neg());
        let step = base.double();
        let mut point = correction;
        let points: [Point; 4] = core::array::from_fn(|_| {
            let current = point;
            point = point.add(&step);
            current
        });
        let top = [points.map(|p| p.x), points.map(|p| p.y)].map(|values| {
            let eight = interpolate([0, 1, 2, 3, 0, 1, 2, 3].map(|i: usize| values[i]));
            [eight[0], eight[1], eight[2], eight[3]]
        });
        Self {
            low,
            top,
            points: cached,
            top_points: prepare(&points),
        }
    }
}

/// Points, ready to be added.
fn prepare<const N: usize>(points: &[Point; N]) -> [AffineCached; N] {
    points.each_ref().map(|point| AffineCached::from(*point))
}

/// `(n + 1)/2` for an odd number.
fn half(n: &[u64; 4]) -> [u64; 4] {
    let mut halved = [0u64; 4];
    for i in 0..4 {
        let above = if i < 3 { n[i + 1] << 63 } else { 0 };
        halved[i] = (n[i] >> 1) | above;
    }
    // n is odd, so (n + 1)/2 = ⌊n/2⌋ + 1, and ⌊l/2⌋ is even: no carry.
    halved[0] += 1;
    halved
}

/// Coefficients of the multilinear polynomial with the given values at (b0, b1, b2), b0 changing fastest.
fn interpolate(values: [Fr; 8]) -> [Fr; 8] {
    let mut c = values;
    for bit in [1, 2, 4] {
        for i in 0..8 {
            if i & bit != 0 {
                let lower = c[i ^ bit];
                c[i] -= lower;
            }
        }
    }
    // Indices by bits are 1, b0, b1, b0b1, then the same times b2.
    c
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::r1cs::{Assignment, Structure};
    use crate::range::new_bit;

    fn circuit<C: ConstraintSystem>(cs: &mut C, scalar: &[u64; 4]) -> [Fr; 2] {
        let bits: Vec<_> = (0..SCALAR_BITS)
            .map(|i| new_bit(cs, scalar[i / 64] >> (i % 64) & 1 == 1))
            .collect();
        let point = multiply(cs, &bits);
        [point.x.value(), point.y.value()]
    }

    #[test]
    fn twin_of_native_multiplication() {
        let mut structure = Structure::new(1);
        circuit(&mut structure, &[0; 4]);
        let matrices = structure.into_matrices();
        assert_eq!(matrices.num_constraints(), 504 + SCALAR_BITS);
        let mut last = ORDER;
        last[0] -= 1;
        let all = [u64::MAX, u64::MAX, u64::MAX, (1 << 59) - 1];
        for scalar in [
            [0; 4],
            [1, 0, 0, 0],
            [7, 0, 0, 1 << 58],
            last,
            ORDER,
            all,
            [3, 5, 7, 11],
        ] {
            let mut assignment = Assignment::new(&[]);
            let [x, y] = circuit(&mut assignment, &scalar);
            assert_eq!(matrices.first_unsatisfied(&assignment.into_values()), None);
            let expected = BASE8.mul(&scalar);
            assert_eq!((x, y), (expected.x, expected.y), "{scalar:?}");
        }
    }

    #[test]
    fn half_is_exact() {
        let twice = BASE8.mul(&half(&ORDER)).double();
        assert_eq!((twice.x, twice.y), (BASE8.x, BASE8.y));
    }
}
