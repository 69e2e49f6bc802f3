//! One state of the store, readable from any thread while later changes are made.

mod operations;

use std::fmt;
use std::sync::Arc;

use ark_bn254::Fr;
use quittance_circuits::babyjubjub::PublicKey;
use quittance_circuits::batch::AppliedBatch;
use quittance_circuits::leaf::Leaf;
use quittance_circuits::state::{StateError, StateReader};
use quittance_circuits::tree::{Levels, Path};
use quittance_circuits::types::AccountIndex;
use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata};

use super::guard::Health;
use super::record::head::Head;
use super::rows::{decode_batch, read_batch};
use super::state::{leaf_hash, path_lost, root_lost, stored_leaf, stored_node};
use super::tables::{
    ACCOUNT_OPERATIONS, BATCHES, INPUTS, KEY_ACCOUNTS, KEYS, LEAVES, META, NODES, OPERATIONS, PENDING,
    PRIORITY, PROOFS, WHOLES, batch_row, inputs_row, leaf_row, proof_row,
};
use super::{StoreError, meta};
use crate::batch::{Batch, Stage};

pub use operations::{OperationQuery, Order};

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
    operations: ReadOnlyTable<u64, &'static [u8]>,
    account_operations: ReadOnlyTable<(u32, u64), ()>,
    priority: ReadOnlyTable<u64, &'static [u8]>,
    wholes: ReadOnlyTable<u64, &'static [u8]>,
    keys: ReadOnlyTable<&'static [u8], &'static [u8]>,
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
            head: meta::read_head(&txn.open_table(META)?)?,
            leaves: txn.open_table(LEAVES)?,
            nodes: txn.open_table(NODES)?,
            key_accounts: txn.open_table(KEY_ACCOUNTS)?,
            batches: txn.open_table(BATCHES)?,
            inputs: txn.open_table(INPUTS)?,
            proofs: txn.open_table(PROOFS)?,
            pending: txn.open_table(PENDING)?,
            operations: txn.open_table(OPERATIONS)?,
            account_operations: txn.open_table(ACCOUNT_OPERATIONS)?,
            priority: txn.open_table(PRIORITY)?,
            wholes: txn.open_table(WHOLES)?,
            keys: txn.open_table(KEYS)?,
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
            let leaf = match self.leaves.get(index)? {
                Some(row) => Some(stored_leaf(index, row.value())?),
                None => None,
            };
            if leaf_hash(leaf.as_ref()) == stored_node(&self.nodes, 0, u64::from(index))? {
                Ok(leaf)
            } else {
                Err(leaf_row(index).invalid("leaf: its hash is not the tree's"))
            }
        })
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
                match self.account(index)? {
                    Some(leaf) if leaf.key == *key => found.push((index, leaf)),
                    Some(_) => {
                        return Err(leaf_row(index).invalid("key: the account is listed under another"));
                    }
                    None => return Err(leaf_row(index).lost()),
                }
                if found.len() >= limit {
                    break;
                }
            }
            Ok(found)
        })
    }

    /// The authentication path of a leaf, `levels` entries, level 0 first, checked up to the state root. With it, what
    /// [`Snapshot::account`] gives is proved to be in the state, too.
    pub fn path(&self, index: u32) -> Result<Path, StoreError> {
        self.health.read(|| {
            self.levels.check_leaf(index)?;
            let mut at = u64::from(index);
            let own = stored_node(&self.nodes, 0, at)?;
            let mut siblings = Vec::with_capacity(usize::from(self.levels.get()));
            for level in 0..self.levels.get() {
                let mut others = [self.head.root; 3];
                let family = at & !3;
                for (slot, child) in others
                    .iter_mut()
                    .zip((family..=family | 3).filter(|child| *child != at))
                {
                    *slot = stored_node(&self.nodes, level, child)?;
                }
                siblings.push(others);
                at >>= 2;
            }
            let path = Path { siblings };
            if path.root(index, own) == self.head.root {
                Ok(path)
            } else {
                Err(path_lost(index))
            }
        })
    }

    /// The batch of this number.
    pub fn batch(&self, number: u32) -> Result<Batch, StoreError> {
        self.health.read(|| {
            let last = self.head.batch_number;
            match read_batch(&self.batches, number)? {
                Some(batch) => Ok(batch),
                None if (1..=last).contains(&number) => Err(batch_row(number).lost()),
                None => Err(StoreError::NoBatch { number, last }),
            }
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
            let row = inputs_row(number);
            let value = self.inputs.get(number)?.ok_or_else(|| row.lost())?;
            let applied = AppliedBatch::from_bytes(row.open(value.value())?)
                .map_err(|_| row.invalid("applied batch"))?;
            let same = applied.context.batch_number.get() == number
                && applied.levels == self.levels.get()
                && applied.context.queue == batch.queue_before.hash
                && (applied.old_root, applied.new_root) == (batch.old_root, batch.new_root);
            if same {
                Ok(applied)
            } else {
                Err(row.invalid("batch"))
            }
        })
    }

    /// The bundle of a batch, if it is proved.
    pub fn proof(&self, number: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.health.read(|| match self.proofs.get(number)? {
            Some(value) => Ok(Some(proof_row(number).open(value.value())?.to_vec())),
            None => Ok(None),
        })
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

    /// How many batches are cancelled or failed: the rest of all batches.
    pub fn stopped_count(&self) -> Result<u64, StoreError> {
        self.health.read(|| {
            let others = self.pending.len()?.saturating_add(self.proofs.len()?);
            Ok(u64::from(self.head.batch_number).saturating_sub(others))
        })
    }
}

impl StateReader for Snapshot {
    fn levels(&self) -> u8 {
        self.levels.get()
    }

    /// Checked up to the state root: what is executed on it can be proved.
    fn leaf(&self, index: AccountIndex) -> Result<Option<Leaf>, StateError> {
        let leaf = self.account(index.get()).map_err(into_state_error)?;
        self.path(index.get()).map_err(into_state_error)?;
        Ok(leaf)
    }

    fn node(&self, level: u8, index: u64) -> Result<Fr, StateError> {
        self.levels.check_node(level, index)?;
        self.health
            .read(|| stored_node(&self.nodes, level, index))
            .map_err(into_state_error)
    }

    fn root(&self) -> Result<Fr, StateError> {
        let levels = self.levels.get();
        if self.node(levels, 0)? == self.head.root {
            Ok(self.head.root)
        } else {
            Err(into_state_error(root_lost(levels)))
        }
    }
}

/// A refusal of the tree stays what it is; anything else is the store's failure.
fn into_state_error(error: StoreError) -> StateError {
    match error {
        StoreError::State(error) => error,
        other => StateError::Store(Box::new(other)),
    }
}
