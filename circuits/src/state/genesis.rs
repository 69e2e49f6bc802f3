//! A tree from its leaves, level by level, so that a store of many accounts can take each level and forget it.

use ark_bn254::Fr;
use rayon::prelude::*;

use crate::leaf::Leaf;
use crate::state::StateError;
use crate::tree::{self, Levels, Row};
use crate::types::AccountIndex;

/// Computes the tree of these leaves and gives its root. Sorts the leaves by their index first.
///
/// `row` gets each level from 0 (the leaves' hashes) to the root, with its nodes that are not empty: their indices, ascending,
/// and hashes. Hashes run in parallel on the current rayon pool; about (n + n/3 + 16) hashes for n leaves side by side, up
/// to 17 n for n scattered ones. Takes 40 bytes for each leaf beside the leaves themselves, and half as much for a moment.
///
/// Refuses an index beyond the tree and one that is given twice before `row` is called; gives `row`'s own errors.
pub fn build_tree<E: From<StateError>>(
    levels: u8,
    leaves: &mut [(AccountIndex, Leaf)],
    mut row: impl FnMut(u8, &[(u64, Fr)]) -> Result<(), E>,
) -> Result<Fr, E> {
    let levels = Levels::new(levels)?;
    leaves.par_sort_unstable_by_key(|(index, _)| *index);
    for (index, _) in &*leaves {
        levels.check_leaf(index.get())?;
    }
    if let Some([(index, _), _]) = leaves.array_windows().find(|[(a, _), (b, _)]| a == b) {
        return Err(StateError::Duplicate { index: index.get() }.into());
    }

    let mut nodes: Row = leaves
        .par_iter()
        .map(|(index, leaf)| (u64::from(index.get()), leaf.hash()))
        .collect();
    row(0, &nodes)?;
    for level in 0..levels.get() {
        nodes = tree::parents(&nodes, level);
        row(level + 1, &nodes)?;
    }
    let root = match nodes.first() {
        Some((_, root)) => Some(*root),
        None => tree::empty_root(levels.get()),
    };
    root.ok_or_else(|| StateError::Levels { got: levels.get() }.into())
}
