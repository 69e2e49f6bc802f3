//! The fast path of backends with vectors: all lanes at a time, in two chains, since a multiplication takes longer than the next one waits.

use super::{
    AHEAD, CHAINS, Operands, Pair, fetch, group_of, invert_chains, lefts, load_both, may_hold_identity,
    octet, put, rights, third_point,
};
use crate::backend::{Line, Machine};
use crate::msm::coordinate::{Coordinate, Element};
use crate::msm::group::Group;

#[inline(always)]
fn load_x<M: Machine, G: Group, O: Operands<G>>(rows: [&G::Words; 8]) -> G::Coordinate<M> {
    if O::KEY {
        G::load_all_x::<M, true>(rows)
    } else {
        G::load_all_x::<M, false>(rows)
    }
}

/// False, with nothing written, where a pair is not for this path.
#[inline(always)]
pub(super) fn fast<M: Machine, G: Group, O: Operands<G>>(
    operands: &mut O,
    pairs: &[Pair],
    products: &mut [Line],
) -> bool {
    let lines = G::Coordinate::<M>::LINES;
    let rounds = pairs.len().div_ceil(8 * CHAINS);
    let mut product = [G::Coordinate::<M>::one(); CHAINS];
    // Backwards, so that the second pass goes forwards and may write into operands that are done.
    for round in (0..rounds).rev() {
        for (chain, product) in product.iter_mut().enumerate() {
            let group = round * CHAINS + chain;
            fetch::<G, O>(operands, group_of(pairs, group.wrapping_sub(AHEAD)));
            let octet = octet(pairs, group);
            let left = lefts::<G, O>(operands, &octet);
            let right = rights::<G, O>(operands, &octet);
            if may_hold_identity::<G>(&left) | may_hold_identity::<G>(&right) {
                return false;
            }
            let difference = load_x::<M, G, O>(right).sub::<16>(load_x::<M, G, O>(left));
            product.write_all(&mut products[group * lines..][..lines]);
            *product = product.mul(difference);
        }
    }
    let Some(mut inverse) = invert_chains(product) else {
        return false;
    };
    for round in 0..rounds {
        let zero = G::Coordinate::<M>::zero();
        let mut x1 = [zero; CHAINS];
        let mut y1 = [zero; CHAINS];
        let mut x2 = [zero; CHAINS];
        let mut slope = [zero; CHAINS];
        for chain in 0..CHAINS {
            let group = round * CHAINS + chain;
            let [left, right] = load_both::<M, G, O>(operands, &octet(pairs, group));
            let before = G::Coordinate::<M>::read_all(&products[group * lines..][..lines]);
            let own = inverse[chain].mul(before);
            inverse[chain] = inverse[chain].mul(right[0].sub::<16>(left[0]));
            slope[chain] = right[1].sub::<16>(left[1]).mul(own);
            [x1[chain], y1[chain]] = left;
            x2[chain] = right[0];
        }
        for chain in 0..CHAINS {
            let point = third_point(slope[chain], x1[chain], y1[chain], x2[chain]);
            put::<G, O>(
                operands,
                &octet(pairs, round * CHAINS + chain),
                G::store::<M>(point),
            );
        }
    }
    true
}
