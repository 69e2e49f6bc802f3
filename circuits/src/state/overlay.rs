//! Writes on top of a state that stays as it is.

use core::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use ark_bn254::Fr;

use crate::hash::{FieldHasher, RulesHasher};
use crate::leaf::Leaf;
use crate::state::{StateChanges, StateError, StateReader};
use crate::tree::{self, Levels, Path};
use crate::types::AccountIndex;

/// A state under change: reads go through to `base` and are kept, writes stay here.
///
/// It is a [`StateReader`] itself, so overlays stack: to try an operation and perhaps drop it, put a second overlay on the
/// first, then [`Overlay::absorb`] its changes.
#[derive(Debug)]
pub struct Overlay<'a, R: StateReader + ?Sized> {
    base: &'a R,
    levels: Levels,
    old_root: Fr,
    root: Fr,
    leaves: BTreeMap<u32, Leaf>,
    nodes: BTreeMap<(u8, u64), Fr>,
    read: RefCell<Read>,
}

/// What was read from the base so far. The base does not change while it is borrowed, so nothing here goes stale.
#[derive(Debug, Default)]
struct Read {
    leaves: HashMap<u32, Option<Leaf>>,
    nodes: HashMap<(u8, u64), Fr>,
}

impl<'a, R: StateReader + ?Sized> Overlay<'a, R> {
    /// An overlay without writes; reads the base's root.
    pub fn new(base: &'a R) -> Result<Self, StateError> {
        let levels = Levels::new(base.levels())?;
        let root = base.root()?;
        Ok(Self {
            base,
            levels,
            old_root: root,
            root,
            leaves: BTreeMap::new(),
            nodes: BTreeMap::new(),
            read: RefCell::default(),
        })
    }

    /// Levels of the tree, 1..=16.
    #[must_use]
    pub fn levels(&self) -> u8 {
        self.levels.get()
    }

    /// The root with all writes.
    #[must_use]
    pub fn root(&self) -> Fr {
        self.root
    }

    /// The root of the base.
    #[must_use]
    pub fn old_root(&self) -> Fr {
        self.old_root
    }

    /// The leaf at `index` with all writes, or `None` if the position is empty.
    pub fn leaf(&self, index: AccountIndex) -> Result<Option<Leaf>, StateError> {
        let key = index.get();
        self.levels.check_leaf(key)?;
        if let Some(leaf) = self.leaves.get(&key) {
            return Ok(Some(*leaf));
        }
        if let Some(leaf) = self.read.borrow().leaves.get(&key) {
            return Ok(*leaf);
        }
        let leaf = self.base.leaf(index)?;
        self.read.borrow_mut().leaves.insert(key, leaf);
        Ok(leaf)
    }

    /// The node at (level, index) with all writes.
    pub fn node(&self, level: u8, index: u64) -> Result<Fr, StateError> {
        self.levels.check_node(level, index)?;
        let key = (level, index);
        if let Some(node) = self.nodes.get(&key) {
            return Ok(*node);
        }
        if let Some(node) = self.read.borrow().nodes.get(&key) {
            return Ok(*node);
        }
        let node = self.base.node(level, index)?;
        self.read.borrow_mut().nodes.insert(key, node);
        Ok(node)
    }

    /// The authentication path of the leaf at `index` with all writes; `levels` entries, level 0 first.
    pub fn path(&self, index: AccountIndex) -> Result<Path, StateError> {
        self.levels.check_leaf(index.get())?;
        let mut at = u64::from(index.get());
        let mut siblings = Vec::with_capacity(usize::from(self.levels.get()));
        for level in 0..self.levels.get() {
            siblings.push(self.siblings(level, at)?);
            at >>= 2;
        }
        Ok(Path { siblings })
    }

    /// Writes a leaf and every node above it; `levels` + 1 hashes. Gives the new root. On an error nothing is written.
    pub fn set_leaf(&mut self, index: AccountIndex, leaf: Leaf) -> Result<Fr, StateError> {
        let path = self.path(index)?;
        let mut at = u64::from(index.get());
        let mut node = leaf.hash();
        self.nodes.insert((0, at), node);
        for (level, siblings) in (1..).zip(&path.siblings) {
            node = RulesHasher::node(&tree::children(node, tree::position(at), siblings));
            at >>= 2;
            self.nodes.insert((level, at), node);
        }
        self.leaves.insert(index.get(), leaf);
        self.root = node;
        Ok(node)
    }

    /// Takes over the changes of an overlay that stood on this one; fails, and takes nothing, if they start elsewhere.
    pub fn absorb(&mut self, changes: StateChanges) -> Result<(), StateError> {
        if changes.old_root != self.root {
            return Err(StateError::RootMismatch {
                got: self.root,
                expected: changes.old_root,
            });
        }
        self.root = changes.root;
        self.leaves.extend(changes.leaves);
        self.nodes.extend(changes.nodes);
        Ok(())
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.leaves.is_empty()
    }

    /// All writes, and the roots before and after them.
    #[must_use]
    pub fn into_changes(self) -> StateChanges {
        StateChanges {
            leaves: self.leaves,
            nodes: self.nodes,
            old_root: self.old_root,
            root: self.root,
        }
    }

    /// The three other children of the parent of (level, index), in order.
    fn siblings(&self, level: u8, index: u64) -> Result<[Fr; 3], StateError> {
        let first = index & !3;
        let own = tree::position(index);
        let mut siblings = [self.root; 3];
        for (i, sibling) in (0u64..).zip(&mut siblings) {
            let child = if tree::position(i) < own { i } else { i + 1 };
            *sibling = self.node(level, first + child)?;
        }
        Ok(siblings)
    }
}

impl<R: StateReader + ?Sized> StateReader for Overlay<'_, R> {
    fn levels(&self) -> u8 {
        self.levels.get()
    }

    fn leaf(&self, index: AccountIndex) -> Result<Option<Leaf>, StateError> {
        Overlay::leaf(self, index)
    }

    fn node(&self, level: u8, index: u64) -> Result<Fr, StateError> {
        Overlay::node(self, level, index)
    }

    fn root(&self) -> Result<Fr, StateError> {
        Ok(self.root)
    }
}
