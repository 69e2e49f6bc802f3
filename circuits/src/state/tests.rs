//! The tree against a naive twin that recomputes everything.

use ark_bn254::Fr;
use ark_ff::Zero;
use proptest::prelude::*;

use super::*;
use crate::babyjubjub::{BASE8, PublicKey};
use crate::hash::{FieldHasher, RulesHasher};
use crate::types::RootAddress;

fn leaf(seed: u32) -> Leaf {
    let key = PublicKey::new(BASE8.mul(&[u64::from(seed % 3) + 1, 0, 0, 0])).unwrap();
    let owner = RootAddress([seed.to_le_bytes()[0] | 1; 20]);
    Leaf::new(key, u128::from(seed) << 70, seed, seed ^ 5, owner).unwrap()
}

/// The root from all leaf hashes, with no notion of an empty subtree.
fn naive_root(levels: u8, leaves: &BTreeMap<u32, Leaf>) -> Fr {
    let mut row: Vec<Fr> = (0..1u32 << (2 * levels))
        .map(|i| leaves.get(&i).map_or_else(Fr::zero, Leaf::hash))
        .collect();
    while row.len() > 1 {
        row = row.as_chunks::<4>().0.iter().map(RulesHasher::node).collect();
    }
    row[0]
}

#[test]
fn an_empty_state_has_the_empty_root() {
    for levels in 1..=4 {
        let state = MemoryState::new(levels).unwrap();
        assert_eq!(state.root().unwrap(), naive_root(levels, &BTreeMap::new()));
        assert_eq!(state.node(levels, 0).unwrap(), state.root().unwrap());
        assert_eq!(state.leaf(AccountIndex(0)).unwrap(), None);
    }
    assert!(matches!(MemoryState::new(0), Err(StateError::Levels { got: 0 })));
    assert!(matches!(
        MemoryState::new(17),
        Err(StateError::Levels { got: 17 })
    ));
}

#[test]
fn the_last_account_of_a_full_tree_is_reached() {
    let state = MemoryState::new(16).unwrap();
    let mut overlay = Overlay::new(&state).unwrap();
    let index = AccountIndex(u32::MAX);
    let root = overlay.set_leaf(index, leaf(1)).unwrap();
    assert_eq!(overlay.path(index).unwrap().root(u32::MAX, leaf(1).hash()), root);
    let genesis = MemoryState::genesis(16, vec![(index, leaf(1))]).unwrap();
    assert_eq!(genesis.root().unwrap(), root);
}

#[test]
fn indices_beyond_the_tree_are_refused() {
    let state = MemoryState::new(2).unwrap();
    let mut overlay = Overlay::new(&state).unwrap();
    let beyond = AccountIndex(16);
    let refused = |e: StateError| {
        matches!(
            e,
            StateError::LeafOutOfRange {
                index: 16,
                capacity: 16
            }
        )
    };
    assert!(refused(state.leaf(beyond).unwrap_err()));
    assert!(refused(overlay.leaf(beyond).unwrap_err()));
    assert!(refused(overlay.path(beyond).unwrap_err()));
    assert!(refused(overlay.set_leaf(beyond, leaf(1)).unwrap_err()));
    assert!(refused(
        MemoryState::genesis(2, vec![(beyond, leaf(1))]).unwrap_err()
    ));
    assert!(matches!(
        state.node(1, 4),
        Err(StateError::NodeOutOfRange {
            level: 1,
            index: 4,
            levels: 2
        })
    ));
    assert!(overlay.is_unchanged());
}

#[test]
fn genesis_refuses_an_index_given_twice() {
    let twice = vec![
        (AccountIndex(3), leaf(1)),
        (AccountIndex(9), leaf(2)),
        (AccountIndex(3), leaf(1)),
    ];
    assert!(matches!(
        StateChanges::genesis(2, twice),
        Err(StateError::Duplicate { index: 3 })
    ));
}

#[test]
fn changes_apply_only_where_they_were_made() {
    let mut state = MemoryState::new(2).unwrap();
    let changes = |state: &MemoryState, index| {
        let mut overlay = Overlay::new(state).unwrap();
        overlay.set_leaf(AccountIndex(index), leaf(index)).unwrap();
        overlay.into_changes()
    };
    let (first, second) = (changes(&state, 1), changes(&state, 2));
    state.apply(first.clone()).unwrap();
    let root = state.root().unwrap();
    let error = state.apply(second).unwrap_err();
    assert!(
        matches!(error, StateError::RootMismatch { got, expected } if got == root && expected == first.old_root)
    );
    assert_eq!((state.root().unwrap(), state.len()), (root, 1));
}

/// Counts how often the base is asked.
struct Counting<'a>(&'a MemoryState, core::cell::Cell<usize>);

impl StateReader for Counting<'_> {
    fn levels(&self) -> u8 {
        self.0.levels()
    }
    fn leaf(&self, index: AccountIndex) -> Result<Option<Leaf>, StateError> {
        self.1.set(self.1.get() + 1);
        self.0.leaf(index)
    }
    fn node(&self, level: u8, index: u64) -> Result<Fr, StateError> {
        self.1.set(self.1.get() + 1);
        self.0.node(level, index)
    }
}

#[test]
fn an_overlay_asks_its_base_once() {
    let state = MemoryState::genesis(3, vec![(AccountIndex(5), leaf(5))]).unwrap();
    let base = Counting(&state, Default::default());
    let mut overlay = Overlay::new(&base).unwrap();
    let read = |overlay: &Overlay<'_, Counting<'_>>| {
        overlay.leaf(AccountIndex(5)).unwrap();
        overlay.path(AccountIndex(5)).unwrap();
    };
    read(&overlay);
    let asked = base.1.get();
    read(&overlay);
    overlay.set_leaf(AccountIndex(5), leaf(6)).unwrap();
    read(&overlay);
    // root, leaf, and three siblings on each of three levels.
    assert_eq!((asked, base.1.get()), (1 + 1 + 9, asked));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Overlay, bulk build and naive recomputation agree after every write.
    #[test]
    fn tree_equals_its_naive_twin(
        levels in 1u8..=3,
        start in prop::collection::btree_map(0u32..64, any::<u32>(), 0..12),
        writes in prop::collection::vec((0u32..64, any::<u32>()), 0..12),
    ) {
        let mask = (1u32 << (2 * levels)) - 1;
        let mut twin: BTreeMap<u32, Leaf> = start.into_iter().map(|(i, s)| (i & mask, leaf(s))).collect();
        let list = twin.iter().rev().map(|(i, leaf)| (AccountIndex(*i), *leaf)).collect();
        let mut state = MemoryState::genesis(levels, list).unwrap();
        prop_assert_eq!(state.root().unwrap(), naive_root(levels, &twin));

        let before = state.root().unwrap();
        let mut overlay = Overlay::new(&state).unwrap();
        for (index, seed) in writes {
            let index = index & mask;
            let path = overlay.path(AccountIndex(index)).unwrap();
            let old = twin.get(&index).map_or_else(Fr::zero, Leaf::hash);
            prop_assert_eq!(path.root(index, old), overlay.root());
            twin.insert(index, leaf(seed));
            let root = overlay.set_leaf(AccountIndex(index), leaf(seed)).unwrap();
            prop_assert_eq!(root, naive_root(levels, &twin));
            prop_assert_eq!(path.root(index, leaf(seed).hash()), root);
            prop_assert_eq!(overlay.leaf(AccountIndex(index)).unwrap(), Some(leaf(seed)));
        }
        prop_assert_eq!(state.root().unwrap(), before);
        let changes = overlay.into_changes();
        prop_assert_eq!(changes.old_root, before);
        state.apply(changes).unwrap();
        prop_assert_eq!(state.root().unwrap(), naive_root(levels, &twin));

        // Every node of the applied state is the one of a state built at once.
        let all = twin.iter().map(|(i, leaf)| (AccountIndex(*i), *leaf)).collect();
        let fresh = MemoryState::genesis(levels, all).unwrap();
        for level in 0..=levels {
            for index in 0..1u64 << (2 * (levels - level)) {
                prop_assert_eq!(state.node(level, index).unwrap(), fresh.node(level, index).unwrap());
            }
        }
        prop_assert!(state.leaves().map(|(i, l)| (i.get(), *l)).eq(twin));
    }

    /// Many leaves at once are the same as one after the other, node by node.
    #[test]
    fn leaves_at_once_equal_single_writes(
        levels in 1u8..=3,
        old in prop::collection::vec((any::<u32>(), any::<u32>()), 0..8),
        new in prop::collection::vec((any::<u32>(), any::<u32>()), 0..8),
    ) {
        let inside = |index: u32| index % (1 << (2 * levels));
        let old: BTreeMap<u32, Leaf> = old.into_iter().map(|(i, seed)| (inside(i), leaf(seed))).collect();
        let old = old.into_iter().map(|(index, leaf)| (AccountIndex(index), leaf)).collect();
        let state = MemoryState::genesis(levels, old).unwrap();
        let mut overlay = Overlay::new(&state).unwrap();
        let mut leaves = BTreeMap::new();
        for (index, seed) in new {
            overlay.set_leaf(AccountIndex(inside(index)), leaf(seed)).unwrap();
            leaves.insert(inside(index), leaf(seed));
        }
        prop_assert_eq!(StateChanges::of_leaves(&state, leaves).unwrap(), overlay.into_changes());
        let beyond = BTreeMap::from([(1 << (2 * levels), leaf(1))]);
        let error = StateChanges::of_leaves(&state, beyond).unwrap_err();
        let refused = matches!(error, StateError::LeafOutOfRange { .. });
        prop_assert!(refused);
    }

    /// A stacked overlay that is absorbed is the same as writing directly; one that is dropped leaves no trace.
    #[test]
    fn overlays_stack(writes in prop::collection::vec((0u32..16, any::<u32>()), 1..8), keep: bool) {
        let state = MemoryState::new(2).unwrap();
        let mut outer = Overlay::new(&state).unwrap();
        outer.set_leaf(AccountIndex(7), leaf(7)).unwrap();
        let before = outer.root();
        let mut direct = Overlay::new(&state).unwrap();
        direct.set_leaf(AccountIndex(7), leaf(7)).unwrap();

        let mut inner = Overlay::new(&outer).unwrap();
        for (index, seed) in writes {
            inner.set_leaf(AccountIndex(index), leaf(seed)).unwrap();
            direct.set_leaf(AccountIndex(index), leaf(seed)).unwrap();
        }
        let changes = inner.into_changes();
        if keep {
            outer.absorb(changes).unwrap();
            prop_assert_eq!(outer.into_changes(), direct.into_changes());
        } else {
            prop_assert_eq!(outer.root(), before);
        }
    }
}
