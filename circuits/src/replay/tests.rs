//! A history of every kind of operation is rebuilt from its facts; every change of a fact is noticed, and none panics.

mod fees;

use super::*;
use crate::babyjubjub::Point;
use crate::batch::{BatchContext, Operations, apply_batch};
use crate::eddsa::{SecretKey, Signature};
use crate::float::{FloatAmount, FloatFee};
use crate::state::Overlay;
use crate::tx::{
    Deposit, ForcedExit, Opening, Priority, Rotation, SignedOpening, SignedRotation, SignedTransfer,
    SignedWithdrawal, Transfer, Withdrawal,
};
use crate::types::{Nonce, RootAddress};
use ark_ff::{AdditiveGroup, Field};
use proptest::prelude::*;
use quittance_verifier::{
    Deposit as DepositData, FeeData, OpeningData, PriorityData, RotationData, TransferData, WithdrawalData,
};

const LEVELS: u8 = 3;
/// First leaf of deposits.
const UPPER: u32 = 32;

fn secret(seed: u32) -> SecretKey {
    let mut bytes = [0x51; 32];
    bytes[..4].copy_from_slice(&seed.to_le_bytes());
    SecretKey::from_bytes(&bytes)
}

fn key(seed: u32) -> Point {
    *secret(seed).public_key().point()
}

fn owner(seed: u8) -> RootAddress {
    RootAddress([seed + 1; 20])
}

fn accounts() -> Vec<(AccountIndex, Leaf)> {
    let leaf = |seed: u8, token| {
        let key = secret(seed.into()).public_key();
        Leaf::new(key, 1_000_000, u32::from(seed), token, owner(seed)).unwrap()
    };
    vec![
        (AccountIndex(0), leaf(0, 0)),
        (AccountIndex(1), leaf(1, 0)),
        (AccountIndex(2), leaf(2, 7)),
        (AccountIndex(9), leaf(9, 7)),
    ]
}

/// Applies batches as a service does and collects their facts.
struct Service {
    state: MemoryState,
    rollup_id: Fr,
    batch: u32,
    queue: [u8; 32],
    facts: Vec<Facts>,
}

impl Service {
    fn new() -> Self {
        Self {
            state: MemoryState::genesis(LEVELS, accounts()).unwrap(),
            rollup_id: Fr::from(99u64),
            batch: 1,
            queue: EMPTY_QUEUE,
            facts: Vec::new(),
        }
    }

    fn run(&mut self, operations: &Operations) {
        let context = BatchContext {
            rollup_id: self.rollup_id,
            batch_number: BatchNumber(self.batch),
            queue: self.queue,
        };
        let mut overlay = Overlay::new(&self.state).unwrap();
        let applied = apply_batch(&mut overlay, &context, operations).unwrap();
        let changes = overlay.into_changes();
        self.state.apply(changes).unwrap();
        let facts = applied.facts();
        self.queue = facts.queue_after();
        self.batch += 1;
        self.facts.push(facts);
    }

    fn signed(&self, message: impl FnOnce(&Fr) -> Fr, seed: u32) -> Signature {
        secret(seed).sign(&message(&self.rollup_id))
    }

    fn transfer(&self, [from, to, nonce]: [u32; 3], amount: u128, seed: u32) -> SignedTransfer {
        let transfer = Transfer {
            from: AccountIndex(from),
            to: AccountIndex(to),
            amount: FloatAmount::encode_exact(amount).unwrap(),
            fee: FloatFee::encode_exact(3).unwrap(),
            nonce: Nonce(nonce),
            valid_until: BatchNumber::MAX,
        };
        let signature = self.signed(|id| transfer.message(id), seed);
        SignedTransfer { transfer, signature }
    }

    fn opening(&self, [from, to, nonce]: [u32; 3], seed: u32) -> SignedOpening {
        let opening = Opening {
            from: AccountIndex(from),
            to: AccountIndex(to),
            amount: FloatAmount::encode_exact(500).unwrap(),
            fee: FloatFee::encode_exact(20).unwrap(),
            nonce: Nonce(nonce),
            valid_until: BatchNumber::MAX,
            key: key(to),
            owner: owner(77),
        };
        let signature = self.signed(|id| opening.message(id), seed);
        SignedOpening { opening, signature }
    }

    fn withdrawal(&self, from: u32, nonce: u32, amount: u128, seed: u32) -> SignedWithdrawal {
        let withdrawal = Withdrawal {
            from: AccountIndex(from),
            amount,
            fee: FloatFee::encode_exact(0).unwrap(),
            nonce: Nonce(nonce),
            valid_until: BatchNumber::MAX,
            address: owner(3),
        };
        let signature = self.signed(|id| withdrawal.message(id), seed);
        SignedWithdrawal {
            withdrawal,
            signature,
        }
    }

    fn rotation(&self, from: u32, nonce: u32, [old, new]: [u32; 2]) -> SignedRotation {
        let rotation = Rotation {
            from: AccountIndex(from),
            fee: FloatFee::encode_exact(1).unwrap(),
            nonce: Nonce(nonce),
            valid_until: BatchNumber::MAX,
            key: key(new),
            owner: owner(44),
        };
        let signature = self.signed(|id| rotation.message(id), old);
        SignedRotation { rotation, signature }
    }
}

fn deposit(leaf: u32, token: u32, key: Point) -> Priority {
    Priority::Deposit(Deposit {
        leaf: AccountIndex(leaf),
        token: TokenId(token),
        amount: 4_000,
        owner: owner(5),
        key,
    })
}

fn exit(leaf: u32, caller: u8) -> Priority {
    Priority::ForcedExit(ForcedExit {
        leaf: AccountIndex(leaf),
        caller: owner(caller),
    })
}

fn fee(leaf: u32, token: u32) -> FeeSlot {
    FeeSlot {
        leaf: AccountIndex(leaf),
        token: TokenId(token),
    }
}

/// Three batches with every kind, priority operations with every outcome, self-transfers, fee accounts that take part.
fn history() -> Service {
    let mut service = Service::new();
    let zero = Point::new(Fr::ZERO, Fr::ZERO);
    service.run(&Operations {
        priority: vec![
            deposit(UPPER, 7, key(32)),
            deposit(UPPER + 1, 7, zero),
            deposit(3, 7, key(3)),
            deposit(1, 0, zero),
            deposit(1, 7, zero),
            exit(9, 9),
            exit(0, 9),
            exit(60, 9),
        ],
        openings: vec![service.opening([0, 4, 0], 0)],
        transfers: vec![
            service.transfer([0, 1, 1], 1_234, 0),
            service.transfer([1, 1, 1], 10, 1),
            service.transfer([4, 0, 0], 7, 4),
            service.transfer([2, UPPER, 2], 8, 2),
        ],
        withdrawals: vec![service.withdrawal(2, 3, u128::from(u16::MAX), 2)],
        rotations: vec![service.rotation(1, 2, [1, 50])],
        fees: vec![fee(1, 0), fee(2, 7)],
    });
    service.run(&Operations {
        transfers: vec![service.transfer([1, 4, 3], 99, 50)],
        fees: vec![fee(4, 0)],
        ..Operations::default()
    });
    service.run(&Operations {
        priority: vec![exit(1, 44), exit(1, 44), exit(1, 1)],
        withdrawals: vec![service.withdrawal(UPPER, 0, 4_000, 32)],
        fees: vec![fee(2, 7)],
        ..Operations::default()
    });
    service
}

fn replay(facts: &[Facts]) -> Result<Replay, ReplayError> {
    let mut replay = Replay::new(LEVELS, accounts()).unwrap();
    facts.iter().try_for_each(|facts| replay.apply(facts))?;
    Ok(replay)
}

#[test]
fn a_history_of_all_kinds_gives_the_same_leaves() {
    let service = history();
    let done: Vec<bool> = service.facts[0]
        .priority
        .iter()
        .map(PriorityData::is_done)
        .collect();
    assert_eq!(done, [true, false, false, true, false, true, false, false]);
    let replay = replay(&service.facts).unwrap();
    assert_eq!(replay.root(), service.state.current_root());
    assert!(replay.state().leaves().eq(service.state.leaves()));
    assert_eq!((replay.batch_number(), replay.queue()), (3, service.queue));
    assert_eq!(replay.rollup_id(), Some(service.facts[0].rollup_id));
}

#[test]
fn batches_follow_each_other() {
    let facts = history().facts;
    assert!(matches!(
        replay(&facts[1..]),
        Err(ReplayError::Number {
            got: BatchNumber(2),
            expected: 1
        })
    ));
    assert!(matches!(
        replay(&[facts[0].clone(), facts[0].clone()]),
        Err(ReplayError::Number {
            got: BatchNumber(1),
            expected: 2
        })
    ));
    let with = |change: fn(&mut Facts)| {
        let mut facts = facts.clone();
        change(&mut facts[1]);
        replay(&facts).unwrap_err()
    };
    assert!(matches!(
        with(|facts| facts.rollup_id[31] ^= 1),
        ReplayError::Rollup { .. }
    ));
    assert!(matches!(
        with(|facts| facts.old_root += Fr::ONE),
        ReplayError::OldRoot { .. }
    ));
    assert!(matches!(
        with(|facts| facts.queue[31] ^= 1),
        ReplayError::Queue { .. }
    ));
    assert!(matches!(
        with(|facts| facts.new_root += Fr::ONE),
        ReplayError::NewRoot { .. }
    ));
}

/// What is wrong with the first batch after a change.
fn wrong(change: impl FnOnce(&mut Facts)) -> ReplayError {
    let mut facts = history().facts.swap_remove(0);
    change(&mut facts);
    let mut replay = Replay::new(LEVELS, accounts()).unwrap();
    let root = replay.root();
    let error = replay.apply(&facts).unwrap_err();
    assert_eq!((replay.root(), replay.batch_number()), (root, 0));
    error
}

/// The section, the position and the rule's name.
fn operation_error(change: impl FnOnce(&mut Facts)) -> (Section, usize, String) {
    match wrong(change) {
        ReplayError::Operation {
            section,
            index,
            error,
            ..
        } => {
            let text = error.to_string();
            (
                section,
                index,
                text.split(':').next().unwrap_or_default().to_owned(),
            )
        }
        other => panic!("{other}"),
    }
}

#[test]
fn the_operation_that_does_not_fit_is_named() {
    use Section::{Fees, Openings, Priority, Rotations, Transfers, Withdrawals};
    let named = |section, index, rule: &str| (section, index, rule.to_owned());
    type Case = (fn(&mut Facts), (Section, usize, String));
    let cases: [Case; 17] = [
        (|f| f.transfers[0].from = 8, named(Transfers, 0, "sender_exists")),
        (|f| f.transfers[1].to = 8, named(Transfers, 1, "recipient_exists")),
        (
            |f| f.transfers[1].to = 64,
            named(Transfers, 1, "recipient_in_range"),
        ),
        (
            |f| f.transfers[2].from = u32::MAX,
            named(Transfers, 2, "sender_in_range"),
        ),
        (|f| f.transfers[3].to = 0, named(Transfers, 3, "token_matches")),
        (
            |f| f.transfers[2].amount = 0xff_ffff_ffff,
            named(Transfers, 2, "balance_covers"),
        ),
        (|f| f.openings[0].to = 1, named(Openings, 0, "leaf_empty")),
        (
            |f| f.openings[0].to = UPPER + 5,
            named(Openings, 0, "recipient_in_range"),
        ),
        (
            |f| f.openings[0].key[0] += Fr::ONE,
            named(Openings, 0, "key_valid"),
        ),
        (
            |f| f.openings[0].owner = [0; 20],
            named(Openings, 0, "owner_nonzero"),
        ),
        (|f| f.openings[0].token = 7, named(Openings, 0, "token_matches")),
        (
            |f| f.withdrawals[0].token = 8,
            named(Withdrawals, 0, "token_matches"),
        ),
        (
            |f| f.withdrawals[0].address = [0; 20],
            named(Withdrawals, 0, "address_in_range"),
        ),
        (
            |f| f.rotations[0].key = [Fr::ZERO, Fr::ONE],
            named(Rotations, 0, "key_valid"),
        ),
        (|f| f.fees.truncate(1), named(Transfers, 3, "fee_routed_once")),
        (|f| f.fees[1].leaf = 8, named(Fees, 1, "recipient_exists")),
        (
            |f| f.fees[0].amount = u128::MAX,
            named(Fees, 0, "recipient_not_overflowed"),
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(operation_error(change), expected);
    }
    // S47: outcomes, faked in either direction.
    for index in 0..8 {
        let flipped = operation_error(|facts| match &mut facts.priority[index] {
            PriorityData::Deposit { done, .. } => *done ^= true,
            PriorityData::ForcedExit { paid, .. } => {
                *paid = match paid {
                    Some(_) => None,
                    None => Some(quittance_verifier::Payout { token: 7, amount: 1 }),
                }
            }
        });
        assert_eq!(flipped, named(Priority, index, "priority_outcome"));
    }
    let amount = 1 << 40;
    assert!(matches!(
        wrong(|facts| facts.transfers[0].amount = amount),
        ReplayError::Operation { error: OperationError::Amount { got }, .. } if got == amount
    ));
    assert!(matches!(
        wrong(|facts| facts.fees[0].amount += 1),
        ReplayError::FeeSum {
            token: TokenId(0),
            ..
        }
    ));
    // Fits the accounts, and gives another root.
    assert!(matches!(
        wrong(|facts| facts.transfers[0].amount -= 1),
        ReplayError::NewRoot { .. }
    ));
    assert!(matches!(
        wrong(|facts| facts.openings[0].owner = [9; 20]),
        ReplayError::NewRoot { .. }
    ));
}

fn index() -> impl Strategy<Value = u32> {
    prop_oneof![0u32..10, UPPER..UPPER + 3, Just(63), Just(64), Just(u32::MAX)]
}

fn number() -> impl Strategy<Value = u128> {
    prop_oneof![Just(0), 0u128..2_000_000, Just(u128::MAX), any::<u128>()]
}

fn coordinates() -> impl Strategy<Value = [Fr; 2]> {
    prop_oneof![
        (0u32..3).prop_map(|seed| [key(seed).x, key(seed).y]),
        (0u64..3, 0u64..3).prop_map(|(x, y)| [Fr::from(x), Fr::from(y)]),
    ]
}

fn address() -> impl Strategy<Value = [u8; 20]> {
    (0u8..12).prop_map(|byte| [byte; 20])
}

fn priority() -> impl Strategy<Value = PriorityData> {
    let token = 0u32..8;
    (
        index(),
        token,
        number(),
        address(),
        coordinates(),
        any::<[bool; 2]>(),
    )
        .prop_map(|(leaf, token, amount, owner, key, [is_deposit, done])| {
            if is_deposit {
                let deposit = DepositData {
                    leaf,
                    token,
                    amount,
                    owner,
                    key,
                };
                PriorityData::Deposit { deposit, done }
            } else {
                let exit = quittance_verifier::ForcedExit { leaf, caller: owner };
                let paid = done.then_some(quittance_verifier::Payout { token, amount });
                PriorityData::ForcedExit { exit, paid }
            }
        })
}

prop_compose! {
    fn transfer()(from in index(), to in index(), amount in 0u64..1 << 41, fee: u16) -> TransferData {
        TransferData { from, to, amount, fee }
    }
}

prop_compose! {
    fn opening()(
        moved in transfer(), token in 0u32..8, owner in address(), key in coordinates(),
    ) -> OpeningData {
        let TransferData { from, to, amount, fee } = moved;
        OpeningData { from, to, amount, fee, token, owner, key }
    }
}

prop_compose! {
    fn withdrawal()(
        from in index(), token in 0u32..8, amount in number(), fee: u16, address in address(),
    ) -> WithdrawalData {
        WithdrawalData { from, token, amount, fee, address }
    }
}

prop_compose! {
    fn rotation()(from in index(), fee: u16, owner in address(), key in coordinates()) -> RotationData {
        RotationData { from, fee, owner, key }
    }
}

prop_compose! {
    fn fee_data()(leaf in index(), token in 0u32..8, amount in number()) -> FeeData {
        FeeData { leaf, token, amount }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// No trust in facts: whatever they say, an error or nothing, and the state stays what it was.
    #[test]
    fn any_facts_end_in_an_error(
        priority in prop::collection::vec(priority(), 0..3),
        openings in prop::collection::vec(opening(), 0..2),
        transfers in prop::collection::vec(transfer(), 0..3),
        withdrawals in prop::collection::vec(withdrawal(), 0..2),
        rotations in prop::collection::vec(rotation(), 0..2),
        fees in prop::collection::vec(fee_data(), 0..3),
    ) {
        let mut replay = Replay::new(LEVELS, accounts()).unwrap();
        let root = replay.root();
        let facts = Facts {
            rollup_id: [0; 32],
            batch_number: 1,
            old_root: root,
            // No root that anything could have.
            new_root: Fr::ONE,
            queue: EMPTY_QUEUE,
            priority,
            openings,
            transfers,
            withdrawals,
            rotations,
            fees,
        };
        prop_assert!(replay.apply(&facts).is_err());
        prop_assert_eq!(replay.root(), root);
    }
}
