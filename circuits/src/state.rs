//! The rollup's state: the account tree with its leaves, behind one reading trait.
//!
//! [`StateReader`] is what a store implements. [`Overlay`] puts writes on top of a reader without touching it and gives
//! them out as [`StateChanges`], which a store applies in one transaction. [`MemoryState`] is the store in memory.

mod genesis;
mod memory;
mod overlay;

use std::collections::BTreeMap;

use ark_bn254::Fr;
use rayon::prelude::*;
use thiserror::Error;

use crate::hash::{FieldHasher, RulesHasher};
use crate::leaf::Leaf;
use crate::tree;
use crate::types::AccountIndex;

pub use genesis::build_tree;
pub use memory::MemoryState;
pub use overlay::Overlay;

/// Read access to one state.
pub trait StateReader {
    /// Levels of the tree, 1..=16.
    fn levels(&self) -> u8;

    /// The leaf at `index`, or `None` if the position is empty. An index beyond the tree is an error.
    fn leaf(&self, index: AccountIndex) -> Result<Option<Leaf>, StateError>;

    /// The node at (level, index): level 0 are the leaves' hashes, level `levels()` with index 0 is the root. A node that
    /// was never written is the root of an empty subtree ([`tree::empty_root`]); one beyond the tree is an error.
    fn node(&self, level: u8, index: u64) -> Result<Fr, StateError>;

    /// The state root.
    fn root(&self) -> Result<Fr, StateError> {
        self.node(self.levels(), 0)
    }
}

impl<R: StateReader + ?Sized> StateReader for &R {
    fn levels(&self) -> u8 {
        (**self).levels()
    }

    fn leaf(&self, index: AccountIndex) -> Result<Option<Leaf>, StateError> {
        (**self).leaf(index)
    }

    fn node(&self, level: u8, index: u64) -> Result<Fr, StateError> {
        (**self).node(level, index)
    }
}

/// Why a state could not be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StateError {
    /// A tree has 1 to 16 levels.
    #[error("tree of {got} levels; it can have 1 to 16")]
    Levels {
        /// Levels asked for.
        got: u8,
    },
    /// The tree has no such leaf.
    #[error("account {index} is beyond the tree's {capacity} leaves")]
    LeafOutOfRange {
        /// The index.
        index: u32,
        /// Number of leaves, 4^levels.
        capacity: u64,
    },
    /// The tree has no such node.
    #[error("no node {index} at level {level} in a tree of {levels} levels")]
    NodeOutOfRange {
        /// The node's level.
        level: u8,
        /// The node's index in its level.
        index: u64,
        /// Levels of the tree.
        levels: u8,
    },
    /// A position was given two leaves.
    #[error("account {index} is given twice")]
    Duplicate {
        /// The position.
        index: u32,
    },
    /// Changes were made on another state than the one they are applied to.
    #[error("changes start from root {expected}, the state has root {got}")]
    RootMismatch {
        /// The state's root.
        got: Fr,
        /// The root from which the changes start.
        expected: Fr,
    },
    /// The store behind the reader failed.
    #[error("state store failed")]
    Store(#[source] Box<dyn core::error::Error + Send + Sync>),
}

/// Everything that was written on top of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChanges {
    /// Leaves written, by index.
    pub leaves: BTreeMap<u32, Leaf>,
    /// Nodes written, by (level, index): level 0 (the leaves' hashes) to the root, inclusive.
    pub nodes: BTreeMap<(u8, u64), Fr>,
    /// The root of the state before the changes.
    pub old_root: Fr,
    /// The root of the state after the changes.
    pub root: Fr,
}

impl StateChanges {
    /// The changes that build a state from nothing: all leaves and all nodes above them; see [`build_tree`].
    pub fn genesis(levels: u8, mut leaves: Vec<(AccountIndex, Leaf)>) -> Result<Self, StateError> {
        let mut nodes = BTreeMap::new();
        let root = build_tree(levels, &mut leaves, |level, row| {
            nodes.extend(row.iter().map(|&(index, node)| ((level, index), node)));
            Ok::<_, StateError>(())
        })?;
        Ok(Self {
            root,
            old_root: tree::empty_root(levels).ok_or(StateError::Levels { got: levels })?,
            leaves: leaves
                .into_iter()
                .map(|(index, leaf)| (index.get(), leaf))
                .collect(),
            nodes,
        })
    }
}

impl StateChanges {
    /// The changes that write these leaves onto a state. Each node above them is hashed once, level by level in parallel on the
    /// current rayon pool: for many leaves a fraction of what an [`Overlay`] takes, which knows the root after each.
    pub fn of_leaves<R: StateReader + ?Sized>(
        state: &R,
        leaves: BTreeMap<u32, Leaf>,
    ) -> Result<Self, StateError> {
        let levels = tree::Levels::new(state.levels())?;
        for index in leaves.keys() {
            levels.check_leaf(*index)?;
        }
        let old_root = state.root()?;
        let mut nodes = BTreeMap::new();
        let listed: Vec<(u64, &Leaf)> = leaves
            .iter()
            .map(|(index, leaf)| (u64::from(*index), leaf))
            .collect();
        let mut row: tree::Row = listed
            .par_iter()
            .map(|(index, leaf)| (*index, leaf.hash()))
            .collect();
        for level in 0..levels.get() {
            let parents = families(state, level, &row)?;
            nodes.extend(row.into_iter().map(|(index, node)| ((level, index), node)));
            row = parents
                .par_iter()
                .with_min_len(16)
                .map(|(index, children)| (*index, RulesHasher::node(children)))
                .collect();
        }
        let root = row.first().map_or(old_root, |(_, root)| *root);
        nodes.extend(row.into_iter().map(|(index, node)| ((levels.get(), index), node)));
        Ok(Self {
            leaves,
            nodes,
            old_root,
            root,
        })
    }
}

/// The parents of the nodes in `row`, which is at `level`, each with its four children: those of the row, and the state's.
fn families<R: StateReader + ?Sized>(
    state: &R,
    level: u8,
    row: &[(u64, Fr)],
) -> Result<Vec<(u64, [Fr; tree::ARITY])>, StateError> {
    let mut parents = Vec::new();
    for family in row.chunk_by(|(a, _), (b, _)| a >> 2 == b >> 2) {
        let parent = family.first().map_or(0, |(index, _)| index >> 2);
        let mut children = [Fr::default(); tree::ARITY];
        let mut changed = family.iter().peekable();
        for (index, child) in (parent << 2..).zip(&mut children) {
            *child = match changed.next_if(|(changed, _)| *changed == index) {
                Some((_, node)) => *node,
                None => state.node(level, index)?,
            };
        }
        parents.push((parent, children));
    }
    Ok(parents)
}

#[cfg(test)]
mod tests;
