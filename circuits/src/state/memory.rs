//! A state held in memory: for tests, benches, and a service that loads its state at start.

use std::collections::{BTreeMap, HashMap};

use ark_bn254::Fr;

use crate::leaf::Leaf;
use crate::state::{StateChanges, StateError, StateReader};
use crate::tree::{Levels, empty_root};
use crate::types::AccountIndex;

/// All leaves and all nodes that are not empty.
#[derive(Clone, Debug)]
pub struct MemoryState {
    levels: Levels,
    root: Fr,
    leaves: BTreeMap<u32, Leaf>,
    nodes: HashMap<(u8, u64), Fr>,
}

impl MemoryState {
    /// An empty state of 1 to 16 levels.
    pub fn new(levels: u8) -> Result<Self, StateError> {
        let levels = Levels::new(levels)?;
        let root = empty_root(levels.get()).ok_or(StateError::Levels { got: levels.get() })?;
        Ok(Self {
            levels,
            root,
            leaves: BTreeMap::new(),
            nodes: HashMap::new(),
        })
    }

    /// A state with these leaves; see [`StateChanges::genesis`].
    pub fn genesis(levels: u8, leaves: Vec<(AccountIndex, Leaf)>) -> Result<Self, StateError> {
        let changes = StateChanges::genesis(levels, leaves)?;
        let mut state = Self::new(levels)?;
        state.apply(changes)?;
        Ok(state)
    }

    /// Applies changes that were made on exactly this state; otherwise changes nothing and fails.
    ///
    /// The nodes are taken as they are: changes come from an [`super::Overlay`] or from a store that kept one's changes.
    pub fn apply(&mut self, changes: StateChanges) -> Result<(), StateError> {
        if changes.old_root != self.root {
            return Err(StateError::RootMismatch {
                got: self.root,
                expected: changes.old_root,
            });
        }
        for index in changes.leaves.keys() {
            self.levels.check_leaf(*index)?;
        }
        for &(level, index) in changes.nodes.keys() {
            self.levels.check_node(level, index)?;
        }
        self.root = changes.root;
        self.leaves.extend(changes.leaves);
        self.nodes.extend(changes.nodes);
        Ok(())
    }

    /// The root, which is always known here.
    #[must_use]
    pub const fn current_root(&self) -> Fr {
        self.root
    }

    /// Levels of the tree, 1..=16.
    #[must_use]
    pub const fn tree_levels(&self) -> u8 {
        self.levels.get()
    }

    /// All leaves, by index.
    pub fn leaves(&self) -> impl Iterator<Item = (AccountIndex, &Leaf)> {
        self.leaves
            .iter()
            .map(|(index, leaf)| (AccountIndex(*index), leaf))
    }

    /// Number of leaves.
    #[must_use]
    pub fn len(&self) -> usize {
        self.leaves.len()
    }

    /// Whether there is no leaf.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }
}

impl StateReader for MemoryState {
    fn levels(&self) -> u8 {
        self.levels.get()
    }

    fn leaf(&self, index: AccountIndex) -> Result<Option<Leaf>, StateError> {
        self.levels.check_leaf(index.get())?;
        Ok(self.leaves.get(&index.get()).copied())
    }

    fn node(&self, level: u8, index: u64) -> Result<Fr, StateError> {
        self.levels.check_node(level, index)?;
        let written = self.nodes.get(&(level, index)).copied();
        written
            .or_else(|| empty_root(level))
            .ok_or(StateError::NodeOutOfRange {
                level,
                index,
                levels: self.levels.get(),
            })
    }

    fn root(&self) -> Result<Fr, StateError> {
        Ok(self.root)
    }
}
