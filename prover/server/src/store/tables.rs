//! The tables of format 1, with their widths. All integers inside values are little-endian.
//!
//! | table | key | value |
//! |---|---|---|
//! | `meta` | `format` | format version, 4 bytes: read before anything else |
//! | | `identity` | version 1, rollup id 32 (big-endian), levels 1, genesis root 32 |
//! | | `head` | version 1, number of the last executed batch 4, state root 32 |
//! | `leaves` | account index | leaf, 108 bytes ([`quittance_circuits::leaf::Leaf::to_bytes`]) |
//! | `nodes` | level·2^56 + index | hash, 32 bytes; empty subtrees are not stored |
//! | `key_accounts` | key x 32, key y 32, account index | nothing |
//! | `batches` | batch number | [`crate::store`]'s batch record |
//! | `inputs` | batch number | what its proof needs ([`quittance_circuits::batch::AppliedBatch::to_bytes`]); removed when it is proved |
//! | `proofs` | batch number | bundle, as `quittance-verify` reads it |
//! | `pending` | batch number of each batch that is executed or proving | nothing |

use redb::TableDefinition;

/// Version of the format. A store of another version is refused.
pub(super) const FORMAT: u32 = 1;

pub(super) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
pub(super) const LEAVES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("leaves");
pub(super) const NODES: TableDefinition<'_, u64, &[u8; 32]> = TableDefinition::new("nodes");
pub(super) const KEY_ACCOUNTS: TableDefinition<'_, (&[u8; 64], u32), ()> =
    TableDefinition::new("key_accounts");
pub(super) const BATCHES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("batches");
pub(super) const INPUTS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("inputs");
pub(super) const PROOFS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("proofs");
pub(super) const PENDING: TableDefinition<'_, u32, ()> = TableDefinition::new("pending");

pub(super) const FORMAT_KEY: &str = "format";
pub(super) const IDENTITY_KEY: &str = "identity";
pub(super) const HEAD_KEY: &str = "head";

/// Key of a node; levels are at most 16 and indices below 2^32.
pub(super) const fn node_key(level: u8, index: u64) -> u64 {
    (u64::from_le_bytes([0, 0, 0, 0, 0, 0, 0, level])) | index
}
