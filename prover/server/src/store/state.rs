//! The stored tree: nodes, and what binds leaves to the state root.

use ark_bn254::Fr;
use quittance_circuits::leaf::Leaf;
use quittance_circuits::tree;
use redb::{ReadableTable, Table};

use super::StoreError;
use super::record::codec::{RecordError, fr_from_le, fr_to_le};
use super::tables::{leaf_row, node_key};

/// The node at (level, index), which the tree has: the root of an empty subtree if it is not stored.
pub(super) fn stored_node(
    nodes: &impl ReadableTable<u64, &'static [u8; 32]>,
    level: u8,
    index: u64,
) -> Result<Fr, StoreError> {
    match nodes.get(node_key(level, index))? {
        Some(row) => {
            fr_from_le(row.value()).ok_or_else(|| damaged(level, index, "hash: it is no field element"))
        }
        None => tree::empty_root(level).ok_or_else(|| damaged(level, index, "level")),
    }
}

/// Writes a node; the root of an empty subtree is not stored.
pub(super) fn put_node(
    nodes: &mut Table<'_, u64, &'static [u8; 32]>,
    level: u8,
    index: u64,
    node: Fr,
) -> Result<(), StoreError> {
    let key = node_key(level, index);
    if Some(node) == tree::empty_root(level) {
        nodes.remove(key)?;
    } else {
        nodes.insert(key, &fr_to_le(&node))?;
    }
    Ok(())
}

/// The leaf of a row.
pub(super) fn stored_leaf(index: u32, bytes: &[u8]) -> Result<Leaf, StoreError> {
    Leaf::from_bytes(bytes).map_err(|_| leaf_row(index).invalid("leaf"))
}

/// The hash of a leaf, or of no leaf.
pub(super) fn leaf_hash(leaf: Option<&Leaf>) -> Fr {
    leaf.map(Leaf::hash)
        .or_else(|| tree::empty_root(0))
        .unwrap_or_default()
}

/// The tree's root is not the state root.
pub(super) fn root_lost(levels: u8) -> StoreError {
    damaged(levels, 0, "hash: it is not the state root")
}

fn damaged(level: u8, index: u64, field: &'static str) -> StoreError {
    StoreError::Corrupt {
        table: "nodes",
        key: format!("level {level}, index {index}"),
        source: RecordError::Invalid { field },
    }
}

/// The nodes from a leaf up do not lead to the state root.
pub(super) fn path_lost(index: u32) -> StoreError {
    StoreError::Corrupt {
        table: "nodes",
        key: format!("path of leaf {index}"),
        source: RecordError::Invalid {
            field: "hash: the path does not lead to the state root",
        },
    }
}
