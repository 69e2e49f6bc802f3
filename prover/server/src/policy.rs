//! What the operator decided about fees, batches and limits: checked against the state and the loaded keys once, at the
//! start, then used by everything that decides and shown by `GetPolicy`.

use std::time::Duration;

use quittance_circuits::shapes;
use quittance_circuits::tx::fee::FeeSlot;
use quittance_circuits::types::{AccountIndex, TokenId};
use quittance_verifier::{Section, Shape};
use thiserror::Error;

use crate::batch::SectionCounts;
use crate::config::Config;
use crate::sequencer::{SubmitError, token_to_be};
use crate::store::{Snapshot, StoreError};

/// The rules of this service beside those of the circuit.
#[derive(Clone, Debug)]
pub struct Policy {
    shapes: Vec<Shape>,
    tokens: Vec<TokenPolicy>,
    fee_slots: Vec<FeeSlot>,
    /// How operations that were submitted by themselves are put into batches.
    pub batching: Batching,
    /// Most operations of one stream.
    pub max_stream_operations: u32,
    /// Most entries in one page of a list.
    pub max_page_size: u32,
    /// Idempotency keys that are remembered: the newest ones.
    pub idempotency_keys: u64,
}

/// Fees of one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenPolicy {
    /// The token.
    pub token: u32,
    /// Leaf that takes its fees, where a batch names no fee slot.
    pub fee_leaf: u32,
    /// Least fee of a signed operation, in the token's smallest unit.
    pub minimum_fee: u128,
}

/// When a batch is made from the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batching {
    /// As soon as so many operations wait, or no shape has room for one more; at least 1, at most the slots of the largest shape.
    pub max_operations: u32,
    /// Or as soon as the oldest has waited so long.
    pub max_delay: Duration,
    /// But not while so many executed batches wait for their proofs.
    pub max_unproved_batches: u32,
    /// Most operations in the queue: of clients, and of the root chain as many again, so that neither keeps the other out.
    pub max_queued: u64,
}

/// Why the configured policy cannot be kept.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The leaf that is to take fees is empty, also with everything that waits, or beyond the tree.
    #[error("{key}: fee leaf {leaf} is not an account")]
    NoAccount {
        /// The configuration's key.
        key: &'static str,
        /// The leaf.
        leaf: u32,
    },
    /// The leaf that is to take fees holds another token.
    #[error("fees.tokens: fee leaf {leaf} for token {token} holds token {holds}")]
    OtherToken {
        /// The leaf.
        leaf: u32,
        /// The token whose fees it is to take.
        token: u32,
        /// The token that it holds.
        holds: u32,
    },
    /// Two leaves for one token.
    #[error("fees.leaf {leaf} holds token {token}, which fees.tokens names too")]
    TokenTwice {
        /// `fees.leaf`.
        leaf: u32,
        /// Its token.
        token: u32,
    },
    /// No loaded shape has that many slots.
    #[error("batching.max_operations is {got}, the largest loaded shape has {limit} slots for operations")]
    MaxOperations {
        /// What is configured.
        got: u32,
        /// Slots of the largest shape.
        limit: u32,
    },
    /// The state could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Policy {
    /// The configured policy for these shapes over this state.
    pub fn new(config: &Config, shapes: Vec<Shape>, state: &Snapshot) -> Result<Self, PolicyError> {
        let limit = shapes.iter().map(slots).max().unwrap_or(0);
        let max_operations = match config.batching.max_operations.map(std::num::NonZeroU32::get) {
            Some(got) if got > limit => return Err(PolicyError::MaxOperations { got, limit }),
            Some(got) => got,
            None => limit,
        };
        let tokens = tokens(config, state)?;
        Ok(Self {
            fee_slots: tokens.iter().map(TokenPolicy::fee_slot).collect(),
            tokens,
            shapes,
            batching: Batching {
                max_operations,
                max_delay: config.batching.max_delay,
                max_unproved_batches: config.proving.max_unproved_batches.get(),
                max_queued: config.batching.max_queued.get(),
            },
            max_stream_operations: config.service.max_stream_operations.get(),
            max_page_size: config.service.max_page_size.get(),
            idempotency_keys: config.idempotency_keys.get(),
        })
    }

    /// Tokens whose fees the service takes, by ascending token.
    #[must_use]
    pub fn tokens(&self) -> &[TokenPolicy] {
        &self.tokens
    }

    /// Their fee slots, in the same order.
    #[must_use]
    pub fn fee_slots(&self) -> &[FeeSlot] {
        &self.fee_slots
    }

    /// The policy of one token.
    #[must_use]
    pub fn token(&self, token: u32) -> Option<&TokenPolicy> {
        let at = self
            .tokens
            .binary_search_by_key(&token, |policy| policy.token)
            .ok()?;
        self.tokens.get(at)
    }

    /// The rule `fee_below_minimum` for an operation at some place among those of its section in its request.
    pub(crate) fn check_fee(
        &self,
        section: Section,
        index: usize,
        token: u32,
        got: u128,
    ) -> Result<(), SubmitError> {
        match self.token(token) {
            Some(policy) if got < policy.minimum_fee => Err(SubmitError::FeeBelowMinimum {
                section,
                index,
                token,
                minimum: policy.minimum_fee,
                got,
            }),
            _ => Ok(()),
        }
    }

    /// The rule `fee_leaf` for the fee slots of a batch: a minimum fee is one only where it goes to the service's leaf.
    pub(crate) fn check_fee_slots(&self, slots: &[FeeSlot]) -> Result<(), SubmitError> {
        for (slot, fee) in slots.iter().enumerate() {
            let (token, got) = (fee.token.get(), fee.leaf.get());
            if let Some(policy) = self.token(token)
                && policy.minimum_fee > 0
                && policy.fee_leaf != got
            {
                let expected = policy.fee_leaf;
                return Err(SubmitError::OtherFeeLeaf {
                    slot,
                    token,
                    expected,
                    got,
                });
            }
        }
        Ok(())
    }

    /// Slots of a section in the shape that has most.
    #[must_use]
    pub fn max_batch(&self, section: Section) -> u32 {
        let slots = self.shapes.iter().map(|shape| shape.slots(section));
        slots.max().unwrap_or(0)
    }

    /// Slots for operations in the shape that has most.
    #[must_use]
    pub fn max_batch_operations(&self) -> u32 {
        self.shapes.iter().map(slots).max().unwrap_or(0)
    }

    /// Fee slots of the shape that has most.
    #[must_use]
    pub fn max_batch_fee_slots(&self) -> u32 {
        self.max_batch(Section::Fees)
    }

    /// Whether an operation of this section gets into a batch at all.
    #[must_use]
    pub fn takes(&self, section: Section) -> bool {
        let mut one = SectionCounts::default();
        one.push(section);
        self.plan(&one, usize::from(section != Section::Priority))
            .is_some()
    }

    /// The cheapest shape for a batch, if there is one that has room for it.
    #[must_use]
    pub fn plan(&self, counts: &SectionCounts, fee_slots: usize) -> Option<Shape> {
        shapes::plan(&self.shapes, &counts.with_fee_slots(fee_slots))
    }

    /// Whether a shape that has room for all of these has room for one operation more, of whatever kind.
    pub(crate) fn has_room_behind(&self, counts: &SectionCounts) -> bool {
        let fee_slots = usize::from(counts.total() > counts.priority);
        Section::ALL.into_iter().any(|section| {
            let mut more = *counts;
            more.push(section);
            section != Section::Fees && self.plan(&more, fee_slots).is_some()
        })
    }
}

/// Slots for operations.
fn slots(shape: &Shape) -> u32 {
    let of_operations = Section::ALL
        .into_iter()
        .filter(|section| *section != Section::Fees);
    of_operations.fold(0, |sum: u32, section| sum.saturating_add(shape.slots(section)))
}

impl TokenPolicy {
    /// The slot that credits the token's fees to its leaf.
    #[must_use]
    pub const fn fee_slot(&self) -> FeeSlot {
        FeeSlot {
            leaf: AccountIndex(self.fee_leaf),
            token: TokenId(self.token),
        }
    }
}

fn tokens(config: &Config, state: &Snapshot) -> Result<Vec<TokenPolicy>, PolicyError> {
    let holds = |key, leaf| match state.account(leaf) {
        Ok(Some(account)) => Ok(account.token),
        // After a rollback what waits may open it again; whether it does in time, the sequencer sees.
        Ok(None) => token_to_be(state, leaf)?.ok_or(PolicyError::NoAccount { key, leaf }),
        Err(StoreError::State(_)) => Err(PolicyError::NoAccount { key, leaf }),
        Err(error) => Err(error.into()),
    };
    let mut tokens = Vec::new();
    for fees in &config.fees.tokens {
        let (leaf, token) = (fees.leaf, fees.token);
        let found = holds("fees.tokens", leaf)?;
        if found != token {
            return Err(PolicyError::OtherToken {
                leaf,
                token,
                holds: found,
            });
        }
        tokens.push(TokenPolicy {
            token,
            fee_leaf: leaf,
            minimum_fee: fees.minimum,
        });
    }
    if let Some(leaf) = config.fees.leaf {
        let token = holds("fees.leaf", leaf)?;
        if tokens.iter().any(|entry| entry.token == token) {
            return Err(PolicyError::TokenTwice { leaf, token });
        }
        tokens.push(TokenPolicy {
            token,
            fee_leaf: leaf,
            minimum_fee: 0,
        });
    }
    tokens.sort_unstable_by_key(|entry| entry.token);
    Ok(tokens)
}
