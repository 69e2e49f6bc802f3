//! What the state has to be after operations, computed by adding and subtracting.

use std::collections::BTreeMap;

use quittance::operation::{Operation, OperationState, Outcome, Request};
use quittance::store::Snapshot;
use quittance_circuits::babyjubjub::Point;
use quittance_circuits::tx::SignedOperation;
use quittance_circuits::tx::priority::Priority;
use quittance_verifier::Section;

use crate::harness::{BALANCE, OPERATOR, TOKEN, key, point};

/// Batch, section and position.
type Place = (u32, Section, u32);

#[derive(Clone, Copy, Debug)]
struct Account {
    balance: u128,
    nonce: u32,
    key: Point,
}

/// The accounts of [`TOKEN`] after all operations.
pub(super) struct Expected {
    accounts: BTreeMap<u32, Account>,
    /// Operations of each batch, by section.
    counts: BTreeMap<(u32, Section), u32>,
    last_batch: u32,
}

impl Expected {
    /// Applies what was executed, in the order of execution. `wholes` are the ids of batches that were submitted as such.
    pub(super) fn of(operations: &[Operation], wholes: &[u64]) -> Self {
        let mut placed: Vec<(Place, &Operation)> = operations
            .iter()
            .filter_map(|operation| Some((place(operation)?, operation)))
            .collect();
        // Batches take operations in the order of their ids.
        assert!(placed.is_sorted_by_key(|((batch, ..), _)| *batch));
        let mut last_places: BTreeMap<u32, Place> = BTreeMap::new();
        for (place, operation) in &placed {
            for account in operation.request.accounts() {
                let last = last_places.entry(account.get()).or_insert(*place);
                // What touches one account is executed in the order of the ids, but where a client has said otherwise.
                if !wholes.contains(&operation.id) {
                    assert!(*place >= *last, "{operation:?}");
                }
                *last = (*last).max(*place);
            }
        }
        placed.sort_by_key(|(place, _)| *place);
        let account = |index: u32| Account {
            balance: BALANCE,
            nonce: 0,
            key: point(&key(index)),
        };
        let mut expected = Self {
            accounts: [0, 1, 2, 4].map(|index| (index, account(index))).into(),
            counts: BTreeMap::new(),
            last_batch: 0,
        };
        let (mut fees, mut batch) = (0, 0);
        for (place, operation) in placed {
            if place.0 != batch {
                expected.credit(OPERATOR, fees);
                (fees, batch) = (0, place.0);
            }
            let count = expected.counts.entry((place.0, place.1)).or_default();
            assert_eq!(*count, place.2, "a gap before {operation:?}");
            *count += 1;
            assert_eq!(place.1, operation.request.section());
            match &operation.request {
                Request::Signed(signed) => fees += expected.sign(signed, batch),
                Request::Priority(entry) => expected.order(&entry.priority, &operation.state),
            }
        }
        expected.credit(OPERATOR, fees);
        expected.last_batch = batch;
        expected
    }

    fn credit(&mut self, index: u32, amount: u128) {
        self.accounts.get_mut(&index).unwrap().balance += amount;
    }

    /// Gives the fee.
    fn sign(&mut self, signed: &SignedOperation, batch: u32) -> u128 {
        let fee = signed.fee().checked_value().unwrap();
        assert!(signed.valid_until().get() >= batch);
        let sender = self.accounts.get_mut(&signed.from().get()).unwrap();
        assert_eq!(signed.nonce().get(), sender.nonce, "{signed:?}");
        sender.nonce += 1;
        sender.balance -= fee;
        match signed {
            SignedOperation::Transfer(signed) => {
                let amount = signed.transfer.amount.checked_value().unwrap();
                sender.balance -= amount;
                self.credit(signed.transfer.to.get(), amount);
            }
            SignedOperation::Opening(signed) => {
                let balance = signed.opening.amount.checked_value().unwrap();
                sender.balance -= balance;
                let key = signed.opening.key;
                let opened = Account {
                    balance,
                    nonce: 0,
                    key,
                };
                assert!(self.accounts.insert(signed.opening.to.get(), opened).is_none());
            }
            SignedOperation::Withdrawal(signed) => sender.balance -= signed.withdrawal.amount,
            SignedOperation::Rotation(signed) => sender.key = signed.rotation.key,
        }
        fee
    }

    /// All accounts have one token and one owner, and no deposit is too large.
    fn order(&mut self, priority: &Priority, state: &OperationState) {
        let OperationState::Executed {
            outcome: Some(outcome),
            ..
        } = state
        else {
            panic!("{state:?}");
        };
        let account = self.accounts.get_mut(&priority.leaf().get());
        let (done, token, amount) = match (priority, account) {
            (Priority::Deposit(deposit), Some(account)) => {
                account.balance += deposit.amount;
                (true, TOKEN, deposit.amount)
            }
            (Priority::Deposit(deposit), None) => {
                let done = deposit.leaf.get() >= 8;
                if done {
                    let opened = Account {
                        balance: deposit.amount,
                        nonce: 0,
                        key: deposit.key,
                    };
                    self.accounts.insert(deposit.leaf.get(), opened);
                }
                (done, TOKEN, deposit.amount)
            }
            (Priority::ForcedExit(_), Some(account)) => (true, TOKEN, std::mem::take(&mut account.balance)),
            (Priority::ForcedExit(_), None) => (false, 0, 0),
        };
        let expected = Outcome { done, token, amount };
        assert_eq!(*outcome, expected, "{priority:?}");
    }

    /// The state is this one.
    pub(super) fn compare(&self, state: &Snapshot) {
        assert_eq!(state.head().batch_number, self.last_batch);
        for number in 1..=self.last_batch {
            let counts = state.batch(number).unwrap().counts;
            for section in Section::ALL
                .into_iter()
                .filter(|section| *section != Section::Fees)
            {
                let expected = self.counts.get(&(number, section)).copied().unwrap_or_default();
                assert_eq!(counts.of(section), expected, "batch {number}, {section}");
            }
        }
        for index in (0..16).filter(|index| *index != 3) {
            let leaf = state.account(index).unwrap();
            let expected = self.accounts.get(&index);
            assert_eq!(leaf.is_some(), expected.is_some(), "account {index}");
            if let (Some(leaf), Some(expected)) = (leaf, expected) {
                let key = Point::new(leaf.key.x(), leaf.key.y());
                assert_eq!(
                    (leaf.balance, leaf.nonce, key),
                    (expected.balance, expected.nonce, expected.key),
                    "account {index}"
                );
            }
        }
    }
}

fn place(operation: &Operation) -> Option<Place> {
    match operation.state {
        OperationState::Executed { batch, position, .. } => {
            Some((batch, operation.request.section(), position))
        }
        OperationState::Rejected(_) => None,
        OperationState::Queued => panic!("{operation:?}"),
    }
}
