//! The account tree: 4-ary, 1 to 16 levels (16 in production), node = hash of its four children.
//!
//! Node (level, index): level 0 holds the leaves' hashes, the root is (levels, 0), the children of (k, i) are
//! (k − 1, 4i) to (k − 1, 4i + 3). An empty leaf is 0, and an empty subtree has a root that depends on its level only.

pub mod constraints;

use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_ff::Zero;
use rayon::prelude::*;

use crate::hash::{FieldHasher, RulesHasher};
use crate::state::StateError;

/// Children of a node.
pub const ARITY: usize = 4;

/// Most levels that a tree can have; a production tree has exactly these.
pub const MAX_LEVELS: u8 = 16;

/// Root of an empty subtree at `level`, 0..=16; `None` above. At level 0 that is the empty leaf, 0.
#[must_use]
pub fn empty_root(level: u8) -> Option<Fr> {
    static ROOTS: LazyLock<[Fr; MAX_LEVELS as usize + 1]> = LazyLock::new(|| {
        let mut roots = [Fr::zero(); MAX_LEVELS as usize + 1];
        for level in 1..roots.len() {
            roots[level] = RulesHasher::node(&[roots[level - 1]; ARITY]);
        }
        roots
    });
    ROOTS.get(usize::from(level)).copied()
}

/// The shape of a tree: how many levels, hence which nodes there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Levels(u8);

impl Levels {
    /// Checks that there are 1 to 16 levels.
    pub const fn new(levels: u8) -> Result<Self, StateError> {
        if levels == 0 || levels > MAX_LEVELS {
            return Err(StateError::Levels { got: levels });
        }
        Ok(Self(levels))
    }

    /// The number of levels.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Number of nodes at `level`: 4^(levels − level); at level 0 the number of accounts, 2^32 for 16 levels.
    /// 0 above the root.
    #[must_use]
    pub const fn width(self, level: u8) -> u64 {
        if level > self.0 {
            0
        } else {
            1 << (2 * (self.0 - level))
        }
    }

    /// Checks that the tree has a node at (level, index).
    pub const fn check_node(self, level: u8, index: u64) -> Result<(), StateError> {
        if index < self.width(level) {
            Ok(())
        } else {
            Err(StateError::NodeOutOfRange {
                level,
                index,
                levels: self.0,
            })
        }
    }

    /// Checks that the tree has a leaf at `index`.
    pub fn check_leaf(self, index: u32) -> Result<(), StateError> {
        if u64::from(index) < self.width(0) {
            Ok(())
        } else {
            Err(StateError::LeafOutOfRange {
                index,
                capacity: self.width(0),
            })
        }
    }
}

/// Position of a node among its parent's children, 0..=3.
#[must_use]
pub fn position(index: u64) -> usize {
    // Two bits fit every usize.
    usize::from((index & 3).to_le_bytes()[0])
}

/// An authentication path: for each level from the leaf up, the three siblings, in the order of the children with the
/// path's own node left out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// Level 0 first; as many entries as the tree has levels.
    pub siblings: Vec<[Fr; 3]>,
}

impl Path {
    /// The root that a leaf's hash at `index` gives with these siblings. Bits of `index` above 2·levels are ignored, as
    /// no level is left to read them.
    #[must_use]
    pub fn root(&self, index: u32, leaf_hash: Fr) -> Fr {
        let mut index = u64::from(index);
        let mut node = leaf_hash;
        for siblings in &self.siblings {
            node = RulesHasher::node(&children(node, position(index), siblings));
            index >>= 2;
        }
        node
    }
}

/// The four children from one of them, its position (0..=3) and its siblings in order.
#[must_use]
pub fn children(node: Fr, position: usize, siblings: &[Fr; 3]) -> [Fr; ARITY] {
    let mut rest = siblings.iter();
    core::array::from_fn(|i| {
        if i == position {
            node
        } else {
            rest.next().copied().unwrap_or(node)
        }
    })
}

/// All nodes of one level that are not empty, ordered by index.
pub(crate) type Row = Vec<(u64, Fr)>;

/// The level above `row`, which is at `level`; in parallel on the current rayon pool.
pub(crate) fn parents(row: &[(u64, Fr)], level: u8) -> Row {
    let empty = empty_root(level).unwrap_or_else(Fr::zero);
    let families: Vec<&[(u64, Fr)]> = row.chunk_by(|(a, _), (b, _)| a >> 2 == b >> 2).collect();
    families
        .par_iter()
        .with_min_len(16)
        .map(|family| {
            let mut children = [empty; ARITY];
            for (index, node) in *family {
                children[position(*index)] = *node;
            }
            // A family is never empty: `chunk_by` gives none.
            (
                family.first().map_or(0, |(index, _)| index >> 2),
                RulesHasher::node(&children),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_levels_hold_2_to_the_32_accounts() {
        let levels = Levels::new(16).unwrap();
        assert_eq!(levels.width(0), 1 << 32);
        assert_eq!(levels.width(16), 1);
        assert_eq!(levels.width(17), 0);
        assert!(levels.check_leaf(u32::MAX).is_ok());
        for got in [0, 17, 255] {
            assert!(matches!(Levels::new(got), Err(StateError::Levels { got: g }) if g == got));
        }
    }

    /// S4: an index beyond the tree is an error, not a wrapped position.
    #[test]
    fn s4_index_beyond_a_small_tree() {
        let levels = Levels::new(2).unwrap();
        assert!(levels.check_leaf(15).is_ok());
        assert!(matches!(
            levels.check_leaf(16),
            Err(StateError::LeafOutOfRange {
                index: 16,
                capacity: 16
            })
        ));
        assert!(matches!(
            levels.check_node(1, 4),
            Err(StateError::NodeOutOfRange {
                level: 1,
                index: 4,
                ..
            })
        ));
        assert!(matches!(
            levels.check_node(3, 0),
            Err(StateError::NodeOutOfRange { level: 3, .. })
        ));
    }

    #[test]
    fn empty_roots_chain() {
        assert_eq!(empty_root(0), Some(Fr::zero()));
        for level in 1..=MAX_LEVELS {
            let below = empty_root(level - 1).unwrap();
            assert_eq!(empty_root(level), Some(RulesHasher::node(&[below; 4])));
        }
        assert_eq!(empty_root(17), None);
    }

    #[test]
    fn children_are_put_in_order() {
        let [a, b, c, d] = [1u64, 2, 3, 4].map(Fr::from);
        assert_eq!(children(a, 0, &[b, c, d]), [a, b, c, d]);
        assert_eq!(children(c, 2, &[a, b, d]), [a, b, c, d]);
        assert_eq!(children(d, 3, &[a, b, c]), [a, b, c, d]);
    }
}
