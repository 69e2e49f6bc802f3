//! The account tree in a circuit: twin of setting a leaf in an [`Overlay`](crate::state::Overlay).

use crate::hash::constraints::HashGadget;
use crate::r1cs::{ConstraintSystem, FieldVar};
use ark_bn254::Fr;

/// Roots of the tree with the old and with the new leaf at the index with these bits. 583 constraints for each level.
///
/// `index_bits` are boolean, least significant first, two for each level; `siblings` are hints for the other three
/// children at each level from the leaves up. One path serves both roots, so nothing else in the tree changes.
pub fn update<C: ConstraintSystem, H: HashGadget>(
    cs: &mut C,
    index_bits: &[FieldVar<C::L>],
    leaves: [FieldVar<C::L>; 2],
    siblings: &[[Fr; 3]],
) -> [FieldVar<C::L>; 2] {
    let mut nodes = leaves;
    for (position, siblings) in index_bits.chunks_exact(2).zip(siblings) {
        let [old, new] = &nodes;
        nodes = H::node_update(cs, [&position[0], &position[1]], [old, new], siblings);
    }
    nodes
}
