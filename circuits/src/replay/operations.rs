//! One published operation after the other, by the rules that a service runs them by.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use quittance_verifier::{
    FeeData, OpeningData, PriorityData, PriorityRequest, RotationData, TransferData, WithdrawalData,
};

use super::{OperationError, StepError};
use crate::babyjubjub::Point;
use crate::eddsa::Signature;
use crate::float::{FloatAmount, FloatFee};
use crate::leaf::Leaf;
use crate::state::{MemoryState, StateReader};
use crate::tx::fee::{self, FeeSlot};
use crate::tx::{
    Deposit, Effect, ForcedExit, Opening, Priority, Rotation, RuleContext, SignedOpening, SignedOperation,
    SignedRotation, SignedTransfer, SignedWithdrawal, Transfer, Withdrawal, priority,
};
use crate::types::{AccountIndex, Nonce, RootAddress, TokenId};

/// Facts carry no signatures: the proof has shown that there were some.
const NO_SIGNATURE: Signature = Signature {
    r8: Point::IDENTITY,
    s: [0; 4],
};

/// A batch on its way: leaves that it changed so far, and fees by token, paid and credited.
///
/// Two fee slots of one token credit less than 2^128 each, and together what no `u128` holds. Sums are field elements, which
/// hold any sum of 2^125 such numbers as it is.
pub(super) struct Step<'a> {
    state: &'a MemoryState,
    rules: RuleContext<'a>,
    leaves: BTreeMap<u32, Leaf>,
    fees: BTreeMap<u32, (Fr, Fr)>,
}

impl<'a> Step<'a> {
    pub(super) fn new(state: &'a MemoryState, rules: RuleContext<'a>) -> Self {
        Self {
            state,
            rules,
            leaves: BTreeMap::new(),
            fees: BTreeMap::new(),
        }
    }

    pub(super) fn into_leaves(self) -> BTreeMap<u32, Leaf> {
        self.leaves
    }

    /// The first token whose fees do not add up: paid and credited.
    pub(super) fn unbalanced(&self) -> Option<(TokenId, Fr, Fr)> {
        let mut tokens = self.fees.iter();
        tokens
            .find(|(_, (paid, credited))| paid != credited)
            .map(|(token, (paid, credited))| (TokenId(*token), *paid, *credited))
    }

    pub(super) fn priority(&mut self, data: &PriorityData) -> Result<(), StepError> {
        let operation = operation(&data.request());
        let index = operation.leaf();
        let account = self.leaf(index)?;
        let effect = priority::check(&operation, self.rules.capacity, account.as_ref())?;
        if operation.data(effect.outcome.is_done(), account.as_ref()) != *data {
            return Err(OperationError::Outcome.into());
        }
        if let Some(after) = effect.after {
            self.leaves.insert(index.get(), after);
        }
        Ok(())
    }

    pub(super) fn opening(&mut self, data: &OpeningData) -> Result<(), StepError> {
        let opening = Opening {
            from: AccountIndex(data.from),
            to: AccountIndex(data.to),
            amount: amount(data.amount)?,
            fee: FloatFee::from(data.fee),
            nonce: self.next_nonce(data.from)?,
            valid_until: self.rules.batch_number,
            key: Point::new(data.key[0], data.key[1]),
            owner: RootAddress(data.owner),
        };
        let signature = NO_SIGNATURE;
        let effect = self.signed(&SignedOpening { opening, signature }.into())?;
        same_token(data.token, &effect)
    }

    pub(super) fn transfer(&mut self, data: &TransferData) -> Result<(), StepError> {
        let transfer = Transfer {
            from: AccountIndex(data.from),
            to: AccountIndex(data.to),
            amount: amount(data.amount)?,
            fee: FloatFee::from(data.fee),
            nonce: self.next_nonce(data.from)?,
            valid_until: self.rules.batch_number,
        };
        let signature = NO_SIGNATURE;
        self.signed(&SignedTransfer { transfer, signature }.into())?;
        Ok(())
    }

    pub(super) fn withdrawal(&mut self, data: &WithdrawalData) -> Result<(), StepError> {
        let withdrawal = Withdrawal {
            from: AccountIndex(data.from),
            amount: data.amount,
            fee: FloatFee::from(data.fee),
            nonce: self.next_nonce(data.from)?,
            valid_until: self.rules.batch_number,
            address: RootAddress(data.address),
        };
        let signature = NO_SIGNATURE;
        let effect = self.signed(
            &SignedWithdrawal {
                withdrawal,
                signature,
            }
            .into(),
        )?;
        same_token(data.token, &effect)
    }

    pub(super) fn rotation(&mut self, data: &RotationData) -> Result<(), StepError> {
        let rotation = Rotation {
            from: AccountIndex(data.from),
            fee: FloatFee::from(data.fee),
            nonce: self.next_nonce(data.from)?,
            valid_until: self.rules.batch_number,
            key: Point::new(data.key[0], data.key[1]),
            owner: RootAddress(data.owner),
        };
        let signature = NO_SIGNATURE;
        self.signed(&SignedRotation { rotation, signature }.into())?;
        Ok(())
    }

    pub(super) fn fee(&mut self, data: &FeeData) -> Result<(), StepError> {
        let slot = FeeSlot {
            leaf: AccountIndex(data.leaf),
            token: TokenId(data.token),
        };
        let account = self.leaf(slot.leaf)?;
        let effect = fee::check(&slot, Some(data.amount), self.rules.capacity, account.as_ref())?;
        let (_, credited) = self.fees.entry(data.token).or_default();
        *credited += Fr::from(data.amount);
        self.leaves.insert(data.leaf, effect.credited);
        Ok(())
    }

    /// Every rule but those of the signature.
    fn signed(&mut self, operation: &SignedOperation) -> Result<Effect, StepError> {
        let sender = self.leaf(operation.from())?;
        let other = operation.to().map(|to| self.leaf(to)).transpose()?.flatten();
        let effect = crate::tx::check(
            &self.rules,
            operation,
            sender.as_ref(),
            other.as_ref(),
            |_| Ok(()),
        )?;
        let token = effect.sender.before.token;
        let (paid, _) = self.fees.entry(token).or_default();
        *paid += Fr::from(effect.sender.fee);
        self.leaves.insert(operation.from().get(), effect.sender.after);
        if let Some(other) = &effect.other {
            self.leaves.insert(other.index.get(), other.after);
        }
        Ok(effect)
    }

    /// The nonce that an operation of this account must have had; any number if there is no account, which the rules then say.
    fn next_nonce(&self, from: u32) -> Result<Nonce, StepError> {
        let leaf = self.leaf(AccountIndex(from))?;
        Ok(Nonce(leaf.map_or(0, |leaf| leaf.nonce)))
    }

    /// The leaf as it is now; none beyond the tree, which the rules then say.
    fn leaf(&self, index: AccountIndex) -> Result<Option<Leaf>, StepError> {
        if let Some(leaf) = self.leaves.get(&index.get()) {
            return Ok(Some(*leaf));
        }
        if u64::from(index.get()) >= self.rules.capacity {
            return Ok(None);
        }
        self.state.leaf(index).map_err(StepError::State)
    }
}

fn operation(request: &PriorityRequest) -> Priority {
    match request {
        PriorityRequest::Deposit(deposit) => Priority::Deposit(Deposit {
            leaf: AccountIndex(deposit.leaf),
            token: TokenId(deposit.token),
            amount: deposit.amount,
            owner: RootAddress(deposit.owner),
            key: Point::new(deposit.key[0], deposit.key[1]),
        }),
        PriorityRequest::ForcedExit(exit) => Priority::ForcedExit(ForcedExit {
            leaf: AccountIndex(exit.leaf),
            caller: RootAddress(exit.caller),
        }),
    }
}

fn amount(got: u64) -> Result<FloatAmount, OperationError> {
    FloatAmount::new(got).map_err(|_| OperationError::Amount { got })
}

fn same_token(published: u32, effect: &Effect) -> Result<(), StepError> {
    let account = effect.sender.before.token;
    if published == account {
        return Ok(());
    }
    let (published, account) = (TokenId(published), TokenId(account));
    Err(OperationError::Token { published, account }.into())
}
