//! What the store has to say after any sequence of calls, kept as simply as possible.

use std::collections::BTreeMap;

use quittance::batch::Stage;
use quittance::operation::{OperationState, Remembered};
use quittance_circuits::leaf::Leaf;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::transfer::{self, SignedTransfer, TransferContext};
use quittance_circuits::types::BatchNumber;

use super::NEWEST;
use crate::harness::{LEVELS, accounts, rollup_id, transfer};

#[derive(Clone, Debug)]
pub(super) struct ModelBatch {
    pub(super) stage: Stage,
    pub(super) first: u64,
    pub(super) end: u64,
    pub(super) transfers: usize,
}

/// What the store has to say.
#[derive(Debug)]
pub(super) struct Model {
    /// Leaves after genesis and after each batch.
    pub(super) leaves: Vec<BTreeMap<u32, Leaf>>,
    pub(super) batches: Vec<ModelBatch>,
    /// Operations from id 1 on.
    pub(super) operations: Vec<(SignedTransfer, OperationState)>,
    pub(super) next: u64,
    /// First id and number of operations.
    pub(super) wholes: BTreeMap<u64, u64>,
    /// Newest last.
    pub(super) keys: Vec<(u8, Remembered)>,
}

impl Model {
    pub(super) fn new() -> Self {
        let leaves = accounts().into_iter().map(|(index, leaf)| (index.get(), leaf));
        Self {
            leaves: vec![leaves.collect()],
            batches: Vec::new(),
            operations: Vec::new(),
            next: 1,
            wholes: BTreeMap::new(),
            keys: Vec::new(),
        }
    }

    pub(super) fn operation(&mut self, id: u64) -> &mut (SignedTransfer, OperationState) {
        &mut self.operations[usize::try_from(id).unwrap() - 1]
    }

    pub(super) fn last(&self) -> u64 {
        u64::try_from(self.operations.len()).unwrap()
    }

    pub(super) fn queued(&self) -> Vec<u64> {
        (1..=self.last())
            .filter(|id| self.operations[usize::try_from(*id).unwrap() - 1].1 == OperationState::Queued)
            .collect()
    }

    /// Transfers with the nonces that fit behind all queued operations.
    pub(super) fn sign(&self, transfers: &[(u32, u32)]) -> Vec<SignedTransfer> {
        let mut nonces: BTreeMap<u32, u32> = self.leaves[self.batches.len()]
            .iter()
            .map(|(index, leaf)| (*index, leaf.nonce))
            .collect();
        for (signed, state) in &self.operations {
            if *state == OperationState::Queued {
                *nonces.get_mut(&signed.transfer.from.get()).unwrap() += 1;
            }
        }
        let mut sign = |&(from, to): &(u32, u32)| {
            let nonce = nonces.get_mut(&from).unwrap();
            *nonce += 1;
            transfer(from, to, *nonce - 1)
        };
        transfers.iter().map(&mut sign).collect()
    }

    /// Executes one transfer on leaves, if its rules allow it.
    pub(super) fn execute(
        &self,
        leaves: &mut BTreeMap<u32, Leaf>,
        signed: &SignedTransfer,
        fee: FeeSlot,
    ) -> bool {
        let context = TransferContext {
            rollup_id: &rollup_id(),
            batch_number: BatchNumber(u32::try_from(self.batches.len()).unwrap() + 1),
            capacity: 1 << (2 * LEVELS),
            fee_slots: &[fee],
        };
        let (from, to) = (signed.transfer.from.get(), signed.transfer.to.get());
        match transfer::check(&context, signed, leaves.get(&from), leaves.get(&to)) {
            Ok(effect) => {
                leaves.insert(from, effect.sender);
                leaves.insert(to, effect.recipient);
                // Nobody spends from a fee account, so the order of fees makes no difference.
                leaves.get_mut(&fee.leaf.get()).unwrap().balance += effect.fee;
                true
            }
            Err(_) => false,
        }
    }

    pub(super) fn remember(&mut self, key: u8, first_operation: u64, operations: u32) {
        let digest = [key; 32];
        let remembered = Remembered {
            digest,
            first_operation,
            operations,
        };
        self.keys.push((key, remembered));
        let surplus = self.keys.len().saturating_sub(NEWEST);
        self.keys.drain(..surplus);
    }

    pub(super) fn known(&self, key: u8) -> Option<Remembered> {
        self.keys
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, remembered)| *remembered)
    }

    pub(super) fn push_batch(&mut self, leaves: BTreeMap<u32, Leaf>, executed: &[u64], end: u64) {
        let number = u32::try_from(self.batches.len()).unwrap() + 1;
        for (position, id) in (0..).zip(executed) {
            self.operation(*id).1 = OperationState::Executed {
                batch: number,
                position,
            };
        }
        self.batches.push(ModelBatch {
            stage: Stage::Executed,
            first: self.next,
            end,
            transfers: executed.len(),
        });
        self.leaves.push(leaves);
        self.settle(end);
    }

    pub(super) fn settle(&mut self, end: u64) {
        self.next = if self.queued().is_empty() {
            self.last() + 1
        } else {
            end
        };
    }
}
