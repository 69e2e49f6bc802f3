//! The fast path of backends without vectors: one pair after the other, each in the chain of its place among eight.
//!
//! Only such backends have [`LANES`] parts. They hold every value reduced, so no bound is at stake here. The second pass goes through
//! eight pairs at a time, a product or two of each in a loop: a processor looks ahead so far, but not over a whole addition.

use super::{AHEAD, Operands, Pair, number};
use crate::backend::{Lanes, Line, Machine};
use crate::msm::coordinate::{Base, Coordinate, Element};
use crate::msm::group::{Group, Part};

/// Parts of these backends.
const LANES: usize = 8;

/// How many pairs ahead operands are fetched again, from the second-level cache, in the second pass.
const AGAIN: usize = 16;

/// Four words of what the first pass keeps.
#[inline(always)]
fn kept(lines: &mut [Line], number: usize) -> &mut [u64; 4] {
    &mut lines[number / 2].0.as_chunks_mut::<4>().0[number % 2]
}

#[inline(always)]
fn load_x<M: Machine, G: Group, O: Operands<G>>(words: &G::Words) -> Part<G, M> {
    if O::KEY {
        G::load_one_x::<M, true>(words)
    } else {
        G::load_one_x::<M, false>(words)
    }
}

/// x and signed y.
#[inline(always)]
fn load<M: Machine, G: Group, O: Operands<G>>(words: &G::Words, operand: u32) -> [Part<G, M>; 2] {
    let [x, y] = if O::KEY {
        G::load_one::<M, true>(words)
    } else {
        G::load_one::<M, false>(words)
    };
    if O::SIGNED {
        // The sign is the highest bit.
        [x, y.negate_where::<16>((operand >> 31) as u8)]
    } else {
        [x, y]
    }
}

#[inline(always)]
fn may_be_identity<G: Group>(words: &G::Words) -> bool {
    G::lines(words)[0].0[0] == 0
}

/// How many of them belong to a pair: the product so far and, where that is worth it, the norm.
#[inline(always)]
fn kept_of_pair<M: Machine, G: Group>() -> usize {
    1 + usize::from(G::Coordinate::<M>::KEEP_NORMS)
}

/// False, with nothing written, where a pair is not for this path.
#[inline(always)]
pub(super) fn fast<M: Machine, G: Group, O: Operands<G>>(
    operands: &mut O,
    pairs: &[Pair],
    products: &mut [Line],
) -> bool {
    let Some(mut chains) = multiply_differences::<M, G, O>(operands, pairs, products) else {
        return false;
    };
    let each = kept_of_pair::<M, G>();
    let zero = G::Coordinate::<M>::zero().part(0);
    let mut lefts = [[zero; 2]; LANES];
    let mut x2 = [zero; LANES];
    let mut slopes = [zero; LANES];
    // 1/d, then x₃.
    let mut others = [zero; LANES];
    for (group, octet) in pairs.chunks(LANES).enumerate() {
        for (lane, pair) in octet.iter().enumerate() {
            let place = LANES * group + lane;
            if let Some(ahead) = pairs.get(place + AGAIN) {
                operands.fetch(number(ahead.left), number(ahead.right));
            }
            let left = load::<M, G, O>(operands.left(number(pair.left)), pair.left);
            let right = load::<M, G, O>(operands.right(number(pair.right)), pair.right);
            let difference = right[0].sub::<16>(left[0]);
            let before = M::Fq::load_row::<false>(kept(products, each * place));
            let norm = if G::Coordinate::<M>::KEEP_NORMS {
                Base(M::Fq::load_row::<false>(kept(products, each * place + 1)))
            } else {
                difference.norm()
            };
            let rest = Base(chains[lane]);
            chains[lane] = rest.mul(norm).0;
            others[lane] = difference.inverse_by_norm(rest.mul(Base(before)));
            slopes[lane] = right[1].sub::<16>(left[1]);
            lefts[lane] = left;
            x2[lane] = right[0];
        }
        for lane in 0..octet.len() {
            slopes[lane] = slopes[lane].mul(others[lane]);
        }
        for lane in 0..octet.len() {
            let [x1, _] = lefts[lane];
            others[lane] = slopes[lane].square().sub::<16>(x1).sub::<16>(x2[lane]).reduce();
        }
        for (lane, pair) in octet.iter().enumerate() {
            let ([x1, y1], x3) = (lefts[lane], others[lane]);
            let y3 = slopes[lane].mul(x1.sub::<2>(x3)).sub::<16>(y1).reduce();
            operands.put(pair.out as usize, G::store_one::<M>([x3, y3]));
        }
    }
    true
}

/// The first pass: 1 over the product of each chain's norms; what the second needs of the products on the way is kept.
#[inline(always)]
fn multiply_differences<M: Machine, G: Group, O: Operands<G>>(
    operands: &O,
    pairs: &[Pair],
    products: &mut [Line],
) -> Option<[<M::Fq as Lanes>::Part; LANES]> {
    let each = kept_of_pair::<M, G>();
    let one = Base::<M::Fq>::one();
    let mut chains = [one.0.part(0); LANES];
    // Backwards, so that the second pass goes forwards and may write into operands that are done.
    for (place, pair) in pairs.iter().enumerate().rev() {
        if let Some(ahead) = pairs.get(place.wrapping_sub(LANES * AHEAD)) {
            operands.fetch(number(ahead.left), number(ahead.right));
        }
        let left = operands.left(number(pair.left));
        let right = operands.right(number(pair.right));
        if may_be_identity::<G>(left) | may_be_identity::<G>(right) {
            return None;
        }
        let difference = load_x::<M, G, O>(right).sub::<16>(load_x::<M, G, O>(left));
        let Base(norm) = difference.norm();
        let chain = &mut chains[place % LANES];
        *kept(products, each * place) = M::Fq::store_row(*chain);
        if G::Coordinate::<M>::KEEP_NORMS {
            *kept(products, each * place + 1) = M::Fq::store_row(norm);
        }
        *chain = Base(*chain).mul(Base(norm)).0;
    }
    let mut product = one;
    for (part, chain) in chains.into_iter().enumerate() {
        product.0.set_part(part, chain);
    }
    let Base(inverse) = product.inverse_lanes()?;
    for (part, chain) in chains.iter_mut().enumerate() {
        *chain = inverse.part(part);
    }
    Some(chains)
}
