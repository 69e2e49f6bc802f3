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

/// The root of the tree with this leaf at the index with these bits, twin of [`Path::root`](super::Path::root). 292
/// constraints for each level.
///
/// `index_bits` and `siblings` as in [`update`]: where one root is enough, a level costs half.
pub fn root<C: ConstraintSystem, H: HashGadget>(
    cs: &mut C,
    index_bits: &[FieldVar<C::L>],
    leaf: FieldVar<C::L>,
    siblings: &[[Fr; 3]],
) -> FieldVar<C::L> {
    let mut node = leaf;
    for (position, siblings) in index_bits.chunks_exact(2).zip(siblings) {
        node = H::node(cs, [&position[0], &position[1]], &node, siblings);
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::constraints::{LeafField, PoseidonGadget};
    use crate::hash::{FieldHasher, RulesHasher};
    use crate::r1cs::{Assignment, Structure};
    use crate::range::new_bit;
    use crate::tree::Path;

    const INDEX: u32 = 0b01_11_00_10;

    fn circuit<C: ConstraintSystem>(cs: &mut C, leaf: &[Fr; 4], path: &Path) -> [Fr; 3] {
        let bits: Vec<_> = (0..8).map(|i| new_bit(cs, INDEX >> i & 1 == 1)).collect();
        let [x, y] = [leaf[0], leaf[1]].map(LeafField::Inner);
        let [packed, owner] = [leaf[2], leaf[3]].map(|value| cs.witness(value));
        let hash = PoseidonGadget::leaf(cs, [x, y], &packed, &owner);
        let single = root::<_, PoseidonGadget>(cs, &bits, hash.clone(), &path.siblings);
        let [both, _] = update::<_, PoseidonGadget>(cs, &bits, [hash.clone(), packed], &path.siblings);
        [hash, single, both].map(|element| element.value())
    }

    #[test]
    fn one_root_is_the_native_one() {
        let leaf: [Fr; 4] = core::array::from_fn(|i| Fr::from(i as u64 + 7));
        let siblings = (0..4u64).map(|level| core::array::from_fn(|i| Fr::from(level * 3 + i as u64)));
        let path = Path {
            siblings: siblings.collect(),
        };
        let mut structure = Structure::new(1);
        circuit(&mut structure, &leaf, &path);
        let mut assignment = Assignment::new(&[]);
        let [hash, single, both] = circuit(&mut assignment, &leaf, &path);
        assert_eq!(hash, RulesHasher::leaf(&leaf));
        assert_eq!(single, path.root(INDEX, hash));
        assert_eq!(single, both);
        let values = assignment.into_values();
        assert_eq!(structure.into_matrices().first_unsatisfied(&values), None);
    }
}
