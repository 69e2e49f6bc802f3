//! From a submission to an executed batch: accepted, then executed or rejected, inside one call.
//!
//! Execution is immediate and serial. The native state-transition function runs on an overlay over the store's last
//! state; the changes, the batch and what its proof needs are stored in one transaction. A batch that breaks a rule is
//! refused before any proving and leaves no trace.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use ark_bn254::Fr;
use quittance_circuits::batch::{AppliedBatch, ApplyError, BatchContext, apply_batch};
use quittance_circuits::shapes;
use quittance_circuits::state::{Overlay, StateChanges};
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::tx::transfer::SignedTransfer;
use quittance_circuits::types::{AccountIndex, BatchNumber, TokenId};
use quittance_verifier::Shape;
use thiserror::Error;

use crate::batch::{Batch, FeeCredit, Stage};
use crate::encoding::fr_from_bytes_be;
use crate::operation::Whole;
use crate::store::{Snapshot, Store, StoreError};

/// Executes batches, one at a time.
#[derive(Debug)]
pub struct Executor {
    store: Arc<Store>,
    policy: Policy,
    rollup_id: Fr,
    /// Held from reading the last state until the next one is stored.
    turn: Mutex<()>,
}

/// What the operator decides about batches.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Shapes whose keys are loaded.
    pub shapes: Vec<Shape>,
    /// Leaf that takes the fees of a batch that names no fee slots.
    pub fee_leaf: Option<u32>,
    /// Most executed batches that wait for their proof.
    pub max_unproved_batches: NonZeroU32,
}

/// A submission whose fields are well-formed and that fits the largest shape.
#[derive(Clone, Debug)]
pub struct Accepted {
    transfers: Vec<SignedTransfer>,
    fees: Vec<FeeSlot>,
}

/// Why a submission became no batch.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// There is nothing to do.
    #[error("a batch has at least one transfer")]
    Empty,
    /// No shape has that many transfer slots.
    #[error("batch has {got} transfers, the largest shape has {limit} slots")]
    TooManyTransfers {
        /// Transfers submitted.
        got: usize,
        /// Slots of the largest shape.
        limit: u32,
    },
    /// No shape has that many fee slots.
    #[error("batch has {got} fee slots, the largest shape has {limit}")]
    TooManyFeeSlots {
        /// Fee slots submitted.
        got: usize,
        /// Slots of the largest shape.
        limit: u32,
    },
    /// Shapes have enough of each, but none of both.
    #[error("no loaded shape has {transfers} transfer slots together with {fee_slots} fee slots")]
    NoShape {
        /// Transfers submitted.
        transfers: usize,
        /// Fee slots submitted.
        fee_slots: usize,
    },
    /// Two fee slots for one token: the second would get nothing.
    #[error("fee slot {slot} names token {token} again")]
    RepeatedFeeToken {
        /// Position of the second slot, from 0.
        slot: usize,
        /// The token.
        token: u32,
    },
    /// Neither the batch nor the operator says who gets the fees.
    #[error("batch names no fee slot and the service has no default fee leaf")]
    NoFeeSlot,
    /// The operator's fee leaf is empty.
    #[error("the service's default fee leaf {leaf} is not an account")]
    BadFeeLeaf {
        /// The leaf.
        leaf: u32,
    },
    /// Enough batches wait for their proofs.
    #[error("{pending} batches wait for their proofs, the limit is {limit}")]
    QueueFull {
        /// Batches that wait.
        pending: u64,
        /// Most that may.
        limit: u32,
    },
    /// The rollup has made its last batch.
    #[error("the rollup has used all batch numbers")]
    NoNumberLeft,
    /// A rule is broken.
    #[error(transparent)]
    Rejected(#[from] ApplyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Executor {
    /// An executor over an open store.
    #[must_use]
    pub fn new(store: Arc<Store>, policy: Policy) -> Self {
        // The store refuses rollup ids of 2^248 and above, so the element is always there.
        let rollup_id = fr_from_bytes_be(&store.identity().rollup_id).unwrap_or_default();
        Self {
            store,
            policy,
            rollup_id,
            turn: Mutex::new(()),
        }
    }

    /// Checks what can be checked without the state.
    pub fn accept(
        &self,
        transfers: Vec<SignedTransfer>,
        fees: Vec<FeeSlot>,
    ) -> Result<Accepted, SubmitError> {
        let largest = |slots: fn(&Shape) -> u32| self.policy.shapes.iter().map(slots).max().unwrap_or(0);
        let exceeds = |got: usize, limit: u32| usize::try_from(limit).is_ok_and(|limit| got > limit);
        if transfers.is_empty() {
            return Err(SubmitError::Empty);
        }
        let limit = largest(|shape| shape.transfers);
        if exceeds(transfers.len(), limit) {
            let got = transfers.len();
            return Err(SubmitError::TooManyTransfers { got, limit });
        }
        let limit = largest(|shape| shape.fee_slots);
        if exceeds(fees.len(), limit) {
            let got = fees.len();
            return Err(SubmitError::TooManyFeeSlots { got, limit });
        }
        for (slot, fee) in fees.iter().enumerate() {
            if fees.iter().take(slot).any(|earlier| earlier.token == fee.token) {
                let token = fee.token.get();
                return Err(SubmitError::RepeatedFeeToken { slot, token });
            }
        }
        Ok(Accepted { transfers, fees })
    }

    /// Executes an accepted submission and stores the batch.
    pub fn execute(&self, accepted: Accepted) -> Result<Batch, SubmitError> {
        let Accepted { transfers, mut fees } = accepted;
        // A panic of an earlier batch happened before its commit and left the store as it was.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.store.snapshot()?;
        let (pending, limit) = (state.pending_count()?, self.policy.max_unproved_batches.get());
        if pending >= u64::from(limit) {
            return Err(SubmitError::QueueFull { pending, limit });
        }
        let number = state
            .head()
            .batch_number
            .checked_add(1)
            .ok_or(SubmitError::NoNumberLeft)?;
        if fees.is_empty() {
            fees.push(self.default_fee_slot(&state)?);
        }
        let shape =
            shapes::plan(&self.policy.shapes, transfers.len(), fees.len()).ok_or(SubmitError::NoShape {
                transfers: transfers.len(),
                fee_slots: fees.len(),
            })?;
        let (applied, changes) = self.apply(&state, number, &transfers, &fees)?;
        let mut batch = executed(&applied, shape, number);
        batch.first_operation = state.head().last_operation.saturating_add(1);
        batch.end_operation = batch.first_operation.saturating_add(u64::from(batch.transfers));
        let whole = Whole {
            operations: batch.transfers,
            fee_slots: fees,
        };
        let accepted_at_ms = batch.executed_at_ms;
        self.store
            .commit_whole(&batch, &applied, &changes, &whole, None, accepted_at_ms)?;
        Ok(batch)
    }

    fn apply(
        &self,
        state: &Snapshot,
        number: u32,
        transfers: &[SignedTransfer],
        fees: &[FeeSlot],
    ) -> Result<(AppliedBatch, StateChanges), SubmitError> {
        let context = BatchContext {
            rollup_id: self.rollup_id,
            batch_number: BatchNumber(number),
        };
        let mut overlay = Overlay::new(state).map_err(ApplyError::State)?;
        let applied = apply_batch(&mut overlay, &context, transfers, fees)?;
        Ok((applied, overlay.into_changes()))
    }

    fn default_fee_slot(&self, state: &Snapshot) -> Result<FeeSlot, SubmitError> {
        let leaf = self.policy.fee_leaf.ok_or(SubmitError::NoFeeSlot)?;
        let account = state.account(leaf)?.ok_or(SubmitError::BadFeeLeaf { leaf })?;
        Ok(FeeSlot {
            leaf: AccountIndex(leaf),
            token: TokenId(account.token),
        })
    }
}

fn executed(applied: &AppliedBatch, shape: Shape, number: u32) -> Batch {
    Batch {
        number,
        stage: Stage::Executed,
        shape,
        // At most the shape's slots, which are u32.
        transfers: u32::try_from(applied.transfers.len()).unwrap_or(u32::MAX),
        old_root: applied.old_root,
        new_root: applied.new_root,
        fees: applied
            .fees
            .iter()
            .map(|fee| FeeCredit {
                leaf: fee.slot.leaf.get(),
                token: fee.slot.token.get(),
                amount: fee.amount,
            })
            .collect(),
        attempts: 0,
        executed_at_ms: now_ms(),
        proved_at_ms: None,
        failure: String::new(),
        phases: Vec::new(),
        first_operation: 0,
        end_operation: 0,
    }
}

/// Milliseconds since 1970-01-01 UTC; 0 on a clock before that.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
