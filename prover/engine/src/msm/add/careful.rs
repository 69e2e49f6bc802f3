//! Additions where operands may be equal, opposite or the identity.
//!
//! The same two passes. What differs is the fraction λ = n/d that a lane takes:
//!
//! | operands | n | d | result |
//! |---|---|---|---|
//! | differ | y₂ − y₁ | x₂ − x₁ | by λ |
//! | equal | 3x₁² | 2y₁ | by λ |
//! | opposite | any | 1 | identity |
//! | left is the identity | any | 1 | right |
//! | right is the identity | any | 1 | left |
//!
//! No d is zero: neither curve has a point of order two, so 2y₁ is not. Bounds are at most those of the fast path, d's 32 included;
//! n is 3 · 2.1 (G1) or 3 · 7 (G2, of a reduced x₁) where points are equal.

use super::{CHAINS, Operands, Pair, invert_chains, load_both, octet, put, third_point};
use crate::backend::{Lanes, Line, Machine};
use crate::msm::coordinate::{Base, Coordinate, Element};
use crate::msm::group::Group;

/// What to do in which lanes.
#[derive(Clone, Copy)]
struct Cases {
    equal: u8,
    left_is_identity: u8,
    right_is_identity: u8,
    identity: u8,
}

impl Cases {
    #[inline(always)]
    fn of<C: Coordinate>([x1, y1]: [C; 2], [x2, y2]: [C; 2]) -> Self {
        let left_is_identity = x1.zero_lanes() & y1.zero_lanes();
        let right_is_identity = x2.zero_lanes() & y2.zero_lanes();
        let same_x = x2.sub::<16>(x1).zero_lanes() & !left_is_identity & !right_is_identity;
        let opposite = same_x & y1.add(y2).zero_lanes();
        Self {
            equal: same_x & !opposite,
            left_is_identity,
            right_is_identity,
            identity: opposite | (left_is_identity & right_is_identity),
        }
    }

    /// d.
    #[inline(always)]
    fn denominator<C: Coordinate>(self, x1: C, y1: C, x2: C, one: C) -> C {
        x2.sub::<16>(x1).select(y1.add(y1), self.equal).select(
            one,
            self.left_is_identity | self.right_is_identity | self.identity,
        )
    }

    /// n.
    #[inline(always)]
    fn numerator<C: Coordinate>(self, x1: C, y1: C, y2: C) -> C {
        let square = x1.reduce().square();
        y2.sub::<16>(y1)
            .select(square.add(square).add(square), self.equal)
    }

    /// One coordinate of the result. The identity is written as zeros, not as another multiple of p.
    #[inline(always)]
    fn result<C: Coordinate>(self, sum: C, left: C, right: C) -> C {
        sum.select(left.reduce(), self.right_is_identity)
            .select(right.reduce(), self.left_is_identity)
            .select(C::zero(), self.identity)
    }
}

/// Adds all pairs.
#[inline(always)]
pub(super) fn add<M: Machine, G: Group, O: Operands<G>>(
    operands: &mut O,
    pairs: &[Pair],
    products: &mut [Line],
) {
    let lines = M::Fq::LINES;
    let rounds = pairs.len().div_ceil(8 * CHAINS);
    let (zero, one) = (G::Coordinate::<M>::zero(), G::Coordinate::<M>::one());
    let mut product = [Base::<M::Fq>::one(); CHAINS];
    for round in (0..rounds).rev() {
        for (chain, product) in product.iter_mut().enumerate() {
            let group = round * CHAINS + chain;
            let [left, right] = load_both::<M, G, O>(operands, &octet(pairs, group));
            let denominator = Cases::of(left, right).denominator(left[0], left[1], right[0], one);
            product.write(&mut products[group * lines..][..lines]);
            *product = product.mul(denominator.norm());
        }
    }
    // No factor is zero, so there is an inverse; points off the curve would break that, and get zeros.
    let mut inverse = invert_chains(product).unwrap_or([Base::zero(); CHAINS]);
    for round in 0..rounds {
        // Both chains are read before one writes: they may repeat the last pair, whose result may lie on an operand.
        let octets: [[Pair; 8]; CHAINS] = std::array::from_fn(|chain| octet(pairs, round * CHAINS + chain));
        let mut points = [[zero; 2]; CHAINS];
        for chain in 0..CHAINS {
            let group = round * CHAINS + chain;
            let [[x1, y1], [x2, y2]] = load_both::<M, G, O>(operands, &octets[chain]);
            let cases = Cases::of([x1, y1], [x2, y2]);
            let before = Base::read(&products[group * lines..][..lines]);
            let own = inverse[chain].mul(before);
            let denominator = cases.denominator(x1, y1, x2, one);
            inverse[chain] = inverse[chain].mul(denominator.norm());
            let slope = cases.numerator(x1, y1, y2).mul(denominator.inverse_by_norm(own));
            let [x3, y3] = third_point(slope, x1, y1, x2);
            points[chain] = [cases.result(x3, x1, x2), cases.result(y3, y1, y2)];
        }
        for chain in 0..CHAINS {
            put::<G, O>(operands, &octets[chain], G::store::<M>(points[chain]));
        }
    }
}
