//! The rules of every kind of signed operation: which one is broken, by which values, in which field; nothing changes.

use std::path::Path;

use quittance::grpc::operation_to_proto;
use quittance::store::Store;
use quittance_circuits::babyjubjub::Point;
use quittance_circuits::leaf::Leaf;
use quittance_circuits::tx::SignedOperation;
use quittance_circuits::types::{AccountIndex, BatchNumber, RootAddress};
use quittance_proto::v1;
use tonic::{Code, Status};

use crate::batching::NEVER;
use crate::harness::{
    BALANCE, Held, MIXED, OWNER, Service, TOKEN, amount, config, fee, fields, key, opening, reason, rotation,
    transfer, withdrawal,
};

/// An account that has used its last nonce but one.
const LAST_NONCE: u32 = 5;
/// An account that can hold only 50 more.
const FULL: u32 = 6;
/// An account of 5.
const POOR: u32 = 7;

fn genesis(directory: &Path) {
    let account = |index: u32, balance: u128, nonce: u32, token: u32| {
        let leaf = Leaf::new(key(index).public_key(), balance, nonce, token, OWNER).unwrap();
        (AccountIndex(index), leaf)
    };
    let accounts = vec![
        account(0, BALANCE, 0, TOKEN),
        account(1, BALANCE, 0, TOKEN),
        account(2, BALANCE, 0, TOKEN),
        account(3, BALANCE, 0, TOKEN + 1),
        account(LAST_NONCE, BALANCE, u32::MAX, TOKEN),
        account(FULL, u128::MAX - 50, 0, TOKEN),
        account(POOR, 5, 0, TOKEN),
    ];
    let rollup_id = quittance_verifier::rollup_id(0, [0; 20]);
    Store::create(&directory.join("store"), rollup_id, MIXED.levels, accounts).unwrap();
}

const ZERO: RootAddress = RootAddress([0; 20]);

/// The neutral element, which is on the curve and no key.
fn identity() -> Point {
    Point::new(0u64.into(), 1u64.into())
}

/// The operation with another signature than its own.
fn badly_signed(signed: SignedOperation, s: Option<[u64; 4]>) -> SignedOperation {
    let other = transfer(0, 1, 77, |_| ());
    let signature = |own: &mut quittance_circuits::eddsa::Signature| match s {
        Some(s) => own.s = s,
        None => *own = *other.signature(),
    };
    let mut signed = signed;
    match &mut signed {
        SignedOperation::Transfer(signed) => signature(&mut signed.signature),
        SignedOperation::Opening(signed) => signature(&mut signed.signature),
        SignedOperation::Withdrawal(signed) => signature(&mut signed.signature),
        SignedOperation::Rotation(signed) => signature(&mut signed.signature),
    }
    signed
}

/// One broken rule: its name, the field of the operation if the rule is broken whatever the state is, and the operation.
type Case = (&'static str, Option<&'static str>, SignedOperation);

/// The rules that all kinds have.
fn of_every_kind(make: impl Fn(u32, u32, BatchNumber) -> SignedOperation) -> Vec<Case> {
    let max = BatchNumber::MAX;
    vec![
        ("NOT_EXPIRED", None, make(1, 0, BatchNumber(0))),
        ("SENDER_EXISTS", None, make(4, 0, max)),
        ("SENDER_IN_RANGE", Some("from"), make(16, 0, max)),
        ("NONCE_MATCHES", None, make(1, 1, max)),
        ("NONCE_IN_RANGE", None, make(LAST_NONCE, u32::MAX, max)),
        (
            "SIGNATURE_CANONICAL",
            Some("signature.s"),
            badly_signed(make(1, 0, max), Some([u64::MAX; 4])),
        ),
        (
            "SIGNATURE_VALID",
            Some("signature"),
            badly_signed(make(1, 0, max), None),
        ),
        ("FEE_ROUTED_ONCE", None, make(3, 0, max)),
    ]
}

fn cases() -> Vec<(&'static str, Vec<Case>)> {
    let all = amount(BALANCE);
    let mut transfers = of_every_kind(|from, nonce, until| {
        let to = if from == 3 { 3 } else { 2 };
        transfer(from, to, nonce, |t| t.valid_until = until)
    });
    transfers.extend([
        ("RECIPIENT_EXISTS", None, transfer(1, 4, 0, |_| ())),
        ("RECIPIENT_IN_RANGE", Some("to"), transfer(1, 16, 0, |_| ())),
        ("TOKEN_MATCHES", None, transfer(1, 3, 0, |_| ())),
        ("BALANCE_COVERS", None, transfer(1, 2, 0, |t| t.amount = all)),
        ("RECIPIENT_NOT_OVERFLOWED", None, transfer(1, FULL, 0, |_| ())),
    ]);
    let mut openings = of_every_kind(|from, nonce, until| opening(from, 4, nonce, |o| o.valid_until = until));
    openings.extend([
        ("LEAF_EMPTY", None, opening(1, 0, 0, |_| ())),
        // The upper half of the tree is the root chain's.
        ("RECIPIENT_IN_RANGE", Some("to"), opening(1, 8, 0, |_| ())),
        (
            "RECIPIENT_IN_RANGE",
            Some("to"),
            opening(1, u32::MAX, 0, |o| o.key = point()),
        ),
        (
            "KEY_VALID",
            Some("key_x"),
            opening(1, 4, 0, |o| o.key = identity()),
        ),
        (
            "KEY_VALID",
            Some("key_x"),
            opening(1, 4, 0, |o| o.key = Point::new(1u64.into(), 1u64.into())),
        ),
        (
            "OWNER_NONZERO",
            Some("owner"),
            opening(1, 4, 0, |o| o.owner = ZERO),
        ),
        ("BALANCE_COVERS", None, opening(1, 4, 0, |o| o.amount = all)),
    ]);
    let mut withdrawals =
        of_every_kind(|from, nonce, until| withdrawal(from, nonce, |w| w.valid_until = until));
    withdrawals.extend([
        (
            "ADDRESS_IN_RANGE",
            Some("address"),
            withdrawal(1, 0, |w| w.address = ZERO),
        ),
        ("BALANCE_COVERS", None, withdrawal(1, 0, |w| w.amount = BALANCE)),
        ("BALANCE_COVERS", None, withdrawal(1, 0, |w| w.amount = u128::MAX)),
    ]);
    let mut rotations =
        of_every_kind(|from, nonce, until| rotation(from, 9, nonce, |r| r.valid_until = until));
    rotations.extend([
        (
            "KEY_VALID",
            Some("key_x"),
            rotation(1, 9, 0, |r| r.key = identity()),
        ),
        (
            "OWNER_NONZERO",
            Some("owner"),
            rotation(1, 9, 0, |r| r.owner = ZERO),
        ),
        ("BALANCE_COVERS", None, rotation(POOR, 9, 0, |r| r.fee = fee(6))),
    ]);
    vec![
        ("transfer", transfers),
        ("opening", openings),
        ("withdrawal", withdrawals),
        ("rotation", rotations),
    ]
}

fn point() -> Point {
    crate::harness::point(&key(9))
}

fn check(status: &Status, (rule, field, _): &Case, position: &str, path: &str) {
    let (got, metadata) = reason(status);
    assert_eq!(
        (got.as_str(), metadata["position"].as_str()),
        (*rule, position),
        "{path}: {status:?}"
    );
    assert_eq!(metadata["rule"], rule.to_ascii_lowercase());
    assert!(metadata["values"].starts_with(&metadata["rule"]), "{metadata:?}");
    let (code, paths) = match field {
        Some(field) => (Code::InvalidArgument, vec![format!("{path}.{field}")]),
        None => (Code::FailedPrecondition, Vec::new()),
    };
    assert_eq!((status.code(), fields(status)), (code, paths), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_broken_rule_of_every_kind_is_named_and_leaves_no_trace() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = NEVER;
    let mut service = Service::restart(raw, Held::with_shape(MIXED)).await;
    let before = service.state().await;
    for (kind, cases) in cases() {
        for case in cases {
            let signed = case.2;
            let status = service.single(&signed, "").await.unwrap_err();
            check(&status, &case, "0", &format!("operation.{kind}"));
            let status = service.stream(&[signed]).await.unwrap_err();
            check(&status, &case, "0", &format!("operation.{kind}"));
            assert_eq!(reason(&status).1["accepted"], "0");
            // Behind one that is executed after an opening and before a rotation: the position is the request's.
            let good = transfer(0, 2, 0, |_| ());
            let status = service.submit(&[good, signed]).await.unwrap_err();
            check(&status, &case, "1", &format!("operations[1].{kind}"));
        }
    }
    assert_eq!(service.state().await, before);
    service.stop().await;
}

/// S1, S2: one malformed field of each kind, at its place in the request.
#[tokio::test(flavor = "multi_thread")]
async fn malformed_fields_of_every_kind_are_named() {
    use v1::signed_operation::Kind;
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut service = Service::restart(config(directory.path()), Held::with_shape(MIXED)).await;
    let before = service.state().await;
    let good = operation_to_proto(&transfer(0, 1, 0, |_| ()));
    let bad = [
        (opening(1, 4, 0, |_| ()), "opening.key_x"),
        (withdrawal(1, 0, |_| ()), "withdrawal.amount"),
        (rotation(1, 9, 0, |_| ()), "rotation.owner"),
    ];
    for (signed, field) in bad {
        let mut message = operation_to_proto(&signed);
        match message.kind.as_mut() {
            Some(Kind::Opening(opening)) => opening.key_x = vec![0xff; 32],
            Some(Kind::Withdrawal(withdrawal)) => withdrawal.amount.insert(0, 0),
            Some(Kind::Rotation(rotation)) => rotation.owner.push(0),
            other => panic!("{other:?}"),
        }
        let request = vec![good.clone(), message];
        let status = service.submit_raw(request).await.unwrap_err();
        assert_eq!(
            (status.code(), fields(&status)),
            (Code::InvalidArgument, vec![format!("operations[1].{field}")])
        );
    }
    assert_eq!(service.state().await, before);
    service.stop().await;
}
