//! One state of the store, readable from any thread while later changes are made.

use std::fmt;
use std::sync::Arc;

use ark_bn254::Fr;
use quittance_circuits::babyjubjub::PublicKey;
use quittance_circuits::batch::AppliedBatch;
use quittance_circuits::leaf::Leaf;
use quittance_circuits::state::{StateError, StateReader};
use quittance_circuits::tree::{self, Levels, Path};
use quittance_circuits::types::AccountIndex;
use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata};

use super::codec::RecordError;
use super::guard::Health;
use super::tables::{self, BATCHES, INPUTS, KEY_ACCOUNTS, LEAVES, META, NODES, PENDING, PROOFS};
use super::{Head, StoreError, batch_record, corrupt, identity, lost, stored_fr};
use crate::batch::{Batch, Stage};

/// The store as it was when [`super::Store::snapshot`] was called.
pub struct Snapshot {
    levels: Levels,
    health: Arc<Health>,
    head: Head,
    leaves: ReadOnlyTable<u32, &'static [u8]>,
    nodes: ReadOnlyTable<u64, &'static [u8; 32]>,
    key_accounts: ReadOnlyTable<(&'static [u8; 64], u32), ()>,
    batches: ReadOnlyTable<u32, &'static [u8]>,
    inputs: ReadOnlyTable<u32, &'static [u8]>,
    proofs: ReadOnlyTable<u32, &'static [u8]>,
    pending: ReadOnlyTable<u32, ()>,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("levels", &self.levels)
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

impl Snapshot {
    pub(super) fn new(txn: &ReadTransaction, levels: u8, health: Arc<Health>) -> Result<Self, StoreError> {
        Ok(Self {
            levels: Levels::new(levels)?,
            health,
            head: identity::read_head(&txn.open_table(META)?)?,
            leaves: txn.open_table(LEAVES)?,
            nodes: txn.open_table(NODES)?,
            key_accounts: txn.open_table(KEY_ACCOUNTS)?,
            batches: txn.open_table(BATCHES)?,
            inputs: txn.open_table(INPUTS)?,
            proofs: txn.open_table(PROOFS)?,
            pending: txn.open_table(PENDING)?,
        })
    }

    /// Where the rollup stands.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// Number of accounts.
    pub fn account_count(&self) -> Result<u64, StoreError> {
        self.health.read(|| Ok(self.leaves.len()?))
    }

    /// The account's leaf, if there is one, checked against its hash in the tree. An index beyond the tree is an error.
    pub fn account(&self, index: u32) -> Result<Option<Leaf>, StoreError> {
        self.health.read(|| {
            self.levels.check_leaf(index)?;
            let invalid = |field| corrupt("leaves", index)(RecordError::Invalid { field });
            let leaf = match self.leaves.get(index)? {
                Some(row) => Some(Leaf::from_bytes(row.value()).map_err(|_| invalid("leaf"))?),
                None => None,
            };
            if leaf_hash(leaf.as_ref())? == self.stored_node(0, u64::from(index))? {
                Ok(leaf)
            } else {
                Err(invalid("leaf: its hash is not the tree's"))
            }
        })
    }

    /// The same, checked up to the state root: what is executed on it can be proved.
    fn proved_account(&self, index: u32) -> Result<Option<Leaf>, StoreError> {
        let leaf = self.account(index)?;
        if self.path(index)?.root(index, leaf_hash(leaf.as_ref())?) == self.head.root {
            Ok(leaf)
        } else {
            Err(corrupt("nodes", format_args!("path of leaf {index}"))(
                RecordError::Invalid {
                    field: "hash: the path does not lead to the state root",
                },
            ))
        }
    }

    /// Up to `limit` accounts of one key with indices from `first` on, in ascending order.
    pub fn accounts_of(
        &self,
        key: &PublicKey,
        first: u32,
        limit: usize,
    ) -> Result<Vec<(u32, Leaf)>, StoreError> {
        self.health.read(|| {
            let key_bytes = key.to_bytes_le();
            let mut found = Vec::new();
            for row in self
                .key_accounts
                .range((&key_bytes, first)..=(&key_bytes, u32::MAX))?
            {
                let index = row?.0.value().1;
                let leaf = self.account(index)?.ok_or_else(|| lost("leaves", index))?;
                // A key that was rotated away leaves its entry behind.
                if leaf.key == *key {
                    found.push((index, leaf));
                }
                if found.len() >= limit {
                    break;
                }
            }
            Ok(found)
        })
    }

    /// The authentication path of a leaf, `levels` entries, level 0 first.
    pub fn path(&self, index: u32) -> Result<Path, StoreError> {
        self.health.read(|| {
            self.levels.check_leaf(index)?;
            let mut at = u64::from(index);
            let mut siblings = Vec::with_capacity(usize::from(self.levels.get()));
            for level in 0..self.levels.get() {
                let mut others = [self.head.root; 3];
                let family = at & !3;
                for (slot, child) in others
                    .iter_mut()
                    .zip((family..=family | 3).filter(|child| *child != at))
                {
                    *slot = self.stored_node(level, child)?;
                }
                siblings.push(others);
                at >>= 2;
            }
            Ok(Path { siblings })
        })
    }

    /// The batch of this number.
    pub fn batch(&self, number: u32) -> Result<Batch, StoreError> {
        self.health.read(|| {
            read_batch(&self.batches, number)?.ok_or(StoreError::NoBatch {
                number,
                last: self.head.batch_number,
            })
        })
    }

    /// Up to `limit` batches from number `first` on, in ascending order, of one stage or of all; at most `visits` are
    /// looked at. Gives also the number from which the next page goes on, if there is one.
    pub fn batches(
        &self,
        first: u32,
        stage: Option<Stage>,
        limit: usize,
        visits: usize,
    ) -> Result<(Vec<Batch>, Option<u32>), StoreError> {
        self.health.read(|| {
            let mut found = Vec::new();
            for (visited, row) in self.batches.range(first..)?.enumerate() {
                let row = row?;
                let number = row.0.value();
                if found.len() >= limit || visited >= visits {
                    return Ok((found, Some(number)));
                }
                let batch = decode_batch(number, row.1.value())?;
                if stage.is_none_or(|stage| stage == batch.stage) {
                    found.push(batch);
                }
            }
            Ok((found, None))
        })
    }

    /// What the proof of an unproved batch needs: the batch as it was applied.
    pub fn applied(&self, batch: &Batch) -> Result<AppliedBatch, StoreError> {
        self.health.read(|| {
            let number = batch.number;
            let row = self.inputs.get(number)?.ok_or_else(|| lost("inputs", number))?;
            let invalid = |field| corrupt("inputs", number)(RecordError::Invalid { field });
            let applied = AppliedBatch::from_bytes(row.value()).map_err(|_| invalid("applied batch"))?;
            let same = applied.context.batch_number.get() == number
                && applied.levels == self.levels.get()
                && (applied.old_root, applied.new_root) == (batch.old_root, batch.new_root);
            if same { Ok(applied) } else { Err(invalid("batch")) }
        })
    }

    /// The bundle of a batch, if it is proved.
    pub fn proof(&self, number: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.health
            .read(|| Ok(self.proofs.get(number)?.map(|row| row.value().to_vec())))
    }

    /// Numbers of all batches that are executed or proving, in ascending order.
    pub fn pending(&self) -> Result<Vec<u32>, StoreError> {
        self.health
            .read(|| self.pending.iter()?.map(|row| Ok(row?.0.value())).collect())
    }

    /// How many batches are executed or proving.
    pub fn pending_count(&self) -> Result<u64, StoreError> {
        self.health.read(|| Ok(self.pending.len()?))
    }

    fn stored_node(&self, level: u8, index: u64) -> Result<Fr, StoreError> {
        self.health.read(|| {
            self.levels.check_node(level, index)?;
            match self.nodes.get(tables::node_key(level, index))? {
                Some(row) => stored_fr("nodes", format_args!("level {level}, index {index}"), row.value()),
                None => tree::empty_root(level).ok_or_else(|| lost("nodes", format_args!("level {level}"))),
            }
        })
    }
}

impl StateReader for Snapshot {
    fn levels(&self) -> u8 {
        self.levels.get()
    }

    fn leaf(&self, index: AccountIndex) -> Result<Option<Leaf>, StateError> {
        self.proved_account(index.get()).map_err(into_state_error)
    }

    fn node(&self, level: u8, index: u64) -> Result<Fr, StateError> {
        self.stored_node(level, index).map_err(into_state_error)
    }
}

/// The hash of a leaf, or of no leaf.
fn leaf_hash(leaf: Option<&Leaf>) -> Result<Fr, StoreError> {
    leaf.map(Leaf::hash)
        .or_else(|| tree::empty_root(0))
        .ok_or_else(|| lost("nodes", "level 0"))
}

/// A refusal of the tree stays what it is; anything else is the store's failure.
fn into_state_error(error: StoreError) -> StateError {
    match error {
        StoreError::State(error) => error,
        other => StateError::Store(Box::new(other)),
    }
}

pub(super) fn read_batch(
    batches: &impl ReadableTable<u32, &'static [u8]>,
    number: u32,
) -> Result<Option<Batch>, StoreError> {
    batches
        .get(number)?
        .map(|row| decode_batch(number, row.value()))
        .transpose()
}

fn decode_batch(number: u32, bytes: &[u8]) -> Result<Batch, StoreError> {
    let batch = batch_record::decode(bytes).map_err(corrupt("batches", number))?;
    if batch.number == number {
        Ok(batch)
    } else {
        Err(corrupt("batches", number)(RecordError::Invalid {
            field: "number",
        }))
    }
}
