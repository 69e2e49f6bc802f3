//! Records of every kind in every state.

use ark_bn254::Fr;
use quittance_circuits::babyjubjub::Point;
use quittance_circuits::eddsa::Signature;
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::tx::SignedOperation;
use quittance_circuits::tx::opening::{Opening, SignedOpening};
use quittance_circuits::tx::priority::{Deposit, ForcedExit, Priority};
use quittance_circuits::tx::rotation::{Rotation, SignedRotation};
use quittance_circuits::tx::transfer::{SignedTransfer, Transfer};
use quittance_circuits::tx::withdrawal::{SignedWithdrawal, Withdrawal};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress, TokenId};

use super::super::codec::assert_strict;
use super::*;
use crate::operation::Entry;

const SIGNATURE: Signature = Signature {
    r8: Point {
        x: ark_ff::MontFp!("8"),
        y: ark_ff::MontFp!("-9"),
    },
    s: [1, 2, 3, u64::MAX],
};

/// Coordinates of no point: what is stored is what was asked for.
fn key() -> Point {
    Point::new(Fr::from(11u64), -Fr::from(12u64))
}

fn signed() -> [SignedOperation; 4] {
    let from = AccountIndex(2);
    let amount = FloatAmount::encode_exact(1_000_000).unwrap();
    let fee = FloatFee::encode_exact(3).unwrap();
    let (nonce, valid_until) = (Nonce(4), BatchNumber::MAX);
    let owner = RootAddress([13; 20]);
    let signature = SIGNATURE;
    [
        SignedOperation::Transfer(SignedTransfer {
            transfer: Transfer {
                from,
                to: AccountIndex(u32::MAX),
                amount,
                fee,
                nonce,
                valid_until,
            },
            signature,
        }),
        SignedOperation::Opening(SignedOpening {
            opening: Opening {
                from,
                to: AccountIndex(17),
                amount,
                fee,
                nonce,
                valid_until,
                key: key(),
                owner,
            },
            signature,
        }),
        SignedOperation::Withdrawal(SignedWithdrawal {
            withdrawal: Withdrawal {
                from,
                amount: u128::MAX - 5,
                fee,
                nonce,
                valid_until,
                address: RootAddress([0; 20]),
            },
            signature,
        }),
        SignedOperation::Rotation(SignedRotation {
            rotation: Rotation {
                from,
                fee,
                nonce,
                valid_until,
                key: key(),
                owner,
            },
            signature,
        }),
    ]
}

fn priority() -> [Priority; 2] {
    let leaf = AccountIndex(1 << 31);
    [
        Priority::Deposit(Deposit {
            leaf,
            token: TokenId(6),
            amount: u128::MAX,
            owner: RootAddress([7; 20]),
            key: key(),
        }),
        Priority::ForcedExit(ForcedExit {
            leaf,
            caller: RootAddress([8; 20]),
        }),
    ]
}

fn requests() -> Vec<Request> {
    let mut hash = [9; 32];
    hash[0] = 0;
    let entries = (3..).zip(priority()).map(|(index, priority)| Entry {
        index,
        priority,
        hash,
    });
    let signed = signed().map(Request::Signed);
    entries.map(Request::Priority).chain(signed).collect()
}

fn operation(request: Request, state: OperationState) -> Operation {
    Operation {
        id: 5,
        state,
        request,
        accepted_at_ms: 77,
    }
}

fn rejected(rule: &str, message: &str) -> Operation {
    let rejection = Rejection {
        rule: rule.to_owned(),
        message: message.to_owned(),
        at_ms: 6,
    };
    operation(Request::Signed(signed()[0]), OperationState::Rejected(rejection))
}

#[test]
fn s38_round_trip_and_strictness() {
    for request in requests() {
        let outcome = matches!(request, Request::Priority(_)).then_some(Outcome {
            done: true,
            token: u32::MAX,
            amount: 1 << 100,
        });
        let executed = OperationState::Executed {
            batch: 9,
            position: 2,
            outcome,
        };
        for state in [OperationState::Queued, executed] {
            let operation = operation(request, state);
            assert_strict(&encode(&operation), &operation, |bytes| decode(5, bytes));
        }
    }
    for operation in [
        rejected("not_expired", "transfer is valid until batch 3, zu spät"),
        rejected("", ""),
    ] {
        assert_strict(&encode(&operation), &operation, |bytes| decode(5, bytes));
    }
}

#[test]
fn lengths_beyond_the_record_and_its_limits_are_refused() {
    let mut huge = encode(&rejected("rule", "message"));
    let length = huge.len() - (4 + 4 + 4 + 7);
    huge[length..length + 4].fill(0xff);
    assert_eq!(decode(5, &huge), Err(RecordError::Short { field: "rule" }));
    let state = length - 9;
    huge[state] = 4;
    assert_eq!(decode(5, &huge), Err(RecordError::Invalid { field: "state" }));

    // Too long texts are cut where they are written, at a character's border.
    let long = rejected(&"r".repeat(70), &"ü".repeat(600));
    let OperationState::Rejected(kept) = decode(5, &encode(&long)).unwrap().state else {
        panic!("rejected");
    };
    assert_eq!((kept.rule.len(), kept.message.len()), (64, 1024));
}

#[test]
fn what_nothing_writes_is_refused() {
    let invalid = |bytes: &[u8], field| {
        assert_eq!(decode(5, bytes), Err(RecordError::Invalid { field }));
    };
    for request in requests() {
        let queued = encode(&operation(request, OperationState::Queued));
        let mut kind = queued.clone();
        kind[9] = 7;
        assert!(decode(5, &kind).is_err());
        kind[9] = 0;
        assert!(decode(5, &kind).is_err());
        let mut state = queued;
        *state.last_mut().unwrap() = 0;
        invalid(&state, "state");
    }
    let [entry, ..] = requests()[..] else {
        panic!("a deposit");
    };
    // A priority operation is never rejected, and its hash is below 2^248.
    let queued = encode(&operation(entry, OperationState::Queued));
    let mut rejected = queued.clone();
    *rejected.last_mut().unwrap() = 3;
    invalid(&rejected, "state");
    let mut high = queued;
    high[9 + 1 + 8] = 1;
    invalid(&high, "queue's hash");
    let mut outcome = encode(&operation(
        entry,
        OperationState::Executed {
            batch: 1,
            position: 0,
            outcome: Some(Outcome {
                done: false,
                token: 1,
                amount: 2,
            }),
        },
    ));
    let done = outcome.len() - 21;
    outcome[done] = 2;
    invalid(&outcome, "outcome");
}
