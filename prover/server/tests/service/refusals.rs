//! Every way in which a request is refused: its code, the field or the rule, and that nothing has changed.

use quittance_circuits::float::FloatAmount;
use quittance_circuits::types::{AccountIndex, BatchNumber};
use quittance_proto::v1;
use tonic::Code;

use crate::harness::{
    Held, OPERATOR, Service, config, fields, genesis, quota, reason, signed_transfer, transfer,
};

fn proto(nonce: u32) -> v1::SignedOperation {
    quittance::grpc::operation_to_proto(&transfer(0, 1, nonce, |_| ()))
}

/// The same, changed after it was signed.
fn changed(nonce: u32, change: impl FnOnce(&mut v1::SignedTransfer)) -> v1::SignedOperation {
    let mut message = proto(nonce);
    match message.kind.as_mut() {
        Some(v1::signed_operation::Kind::Transfer(transfer)) => change(transfer),
        other => panic!("{other:?}"),
    }
    message
}

fn signature(message: &mut v1::SignedTransfer) -> &mut v1::Signature {
    message.signature.as_mut().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_fields_are_named() {
    type Change = fn(&mut v1::SignedTransfer);
    let cases: [(&str, Change); 8] = [
        ("operations[1].transfer.amount_float40", |m| {
            m.amount_float40 = 1 << 40
        }),
        ("operations[1].transfer.fee_float16", |m| m.fee_float16 = 1 << 16),
        ("operations[1].transfer.signature", |m| m.signature = None),
        ("operations[1].transfer.signature.r8x", |m| {
            signature(m).r8x.clear()
        }),
        ("operations[1].transfer.signature.r8x", |m| {
            signature(m).r8x = vec![0xff; 32]
        }),
        ("operations[1].transfer.signature.r8y", |m| {
            signature(m).r8y.push(0)
        }),
        ("operations[1].transfer.signature.s", |m| {
            signature(m).s.truncate(31)
        }),
        ("operations[1].transfer.signature.s", |m| {
            signature(m).s = vec![0; 1 << 12]
        }),
    ];
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, Held::new()).await;
    let before = service.state().await;
    for (path, change) in cases {
        let bad = changed(1, change);
        let status = service.submit_raw(vec![proto(0), bad]).await.unwrap_err();
        assert_eq!(
            (status.code(), fields(&status)),
            (Code::InvalidArgument, vec![path.to_owned()])
        );
    }
    let status = service.submit_raw(Vec::new()).await.unwrap_err();
    assert_eq!(
        (status.code(), fields(&status)),
        (Code::InvalidArgument, vec!["operations".to_owned()])
    );
    let nothing = v1::SignedOperation { kind: None };
    let status = service.submit_raw(vec![proto(0), nothing]).await.unwrap_err();
    assert_eq!(
        (status.code(), fields(&status)),
        (Code::InvalidArgument, vec!["operations[1]".to_owned()])
    );
    assert_eq!(service.state().await, before);
    service.stop().await;
}

/// PEERS 13: which transfer, which rule, which values, before any proving.
#[tokio::test(flavor = "multi_thread")]
async fn broken_rules_are_named_and_leave_no_trace() {
    let far = |t: &mut quittance_circuits::tx::transfer::Transfer| t.to = AccountIndex(16);
    let too_much = FloatAmount::encode_exact(999_991).unwrap();
    let cases = [
        ("NONCE_MATCHES", transfer(0, 1, 0, |_| ())),
        ("NONCE_MATCHES", transfer(0, 1, 2, |_| ())),
        (
            "NOT_EXPIRED",
            transfer(1, 0, 0, |t| t.valid_until = BatchNumber(0)),
        ),
        ("SENDER_EXISTS", transfer(7, 1, 0, |_| ())),
        ("SENDER_IN_RANGE", transfer(16, 1, 0, |_| ())),
        ("RECIPIENT_EXISTS", transfer(1, 7, 0, |_| ())),
        ("RECIPIENT_IN_RANGE", transfer(1, 0, 0, far)),
        ("TOKEN_MATCHES", transfer(1, 3, 0, |_| ())),
        ("BALANCE_COVERS", transfer(2, 1, 0, |t| t.amount = too_much)),
        ("SIGNATURE_VALID", {
            let mut signed = signed_transfer(1, 0, 0, |_| ());
            signed.transfer.to = AccountIndex(2);
            signed.into()
        }),
        ("SIGNATURE_VALID", {
            // S21: R8 off the curve.
            let mut signed = signed_transfer(1, 0, 0, |_| ());
            signed.signature.r8.x += ark_bn254::Fr::from(1u64);
            signed.into()
        }),
        ("SIGNATURE_CANONICAL", {
            // S19: S + l.
            let mut signed = signed_transfer(1, 0, 0, |_| ());
            signed.signature.s = [u64::MAX; 4];
            signed.into()
        }),
        ("FEE_ROUTED_ONCE", transfer(3, 3, 0, |_| ())),
    ];
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, Held::new()).await;
    let before = service.state().await;
    for (rule, bad) in cases {
        let status = service
            .submit(&[transfer(0, 1, 0, |_| ()), bad])
            .await
            .unwrap_err();
        let (got, metadata) = reason(&status);
        assert_eq!(
            (got.as_str(), metadata["position"].as_str()),
            (rule, "1"),
            "{status:?}"
        );
        assert!(
            metadata["values"].starts_with(&rule.to_ascii_lowercase()),
            "{metadata:?}"
        );
        let field = match rule {
            "SIGNATURE_VALID" => "operations[1].transfer.signature",
            "SIGNATURE_CANONICAL" => "operations[1].transfer.signature.s",
            "SENDER_IN_RANGE" => "operations[1].transfer.from",
            "RECIPIENT_IN_RANGE" => "operations[1].transfer.to",
            _ => {
                assert_eq!(
                    (status.code(), fields(&status).len()),
                    (Code::FailedPrecondition, 0)
                );
                continue;
            }
        };
        assert_eq!(
            (status.code(), fields(&status)),
            (Code::InvalidArgument, vec![field.to_owned()])
        );
    }
    assert_eq!(service.state().await, before);
    // The good transfer is still good.
    assert_eq!(
        service.submit(&[transfer(0, 1, 0, |_| ())]).await.unwrap().number,
        1
    );
    // S9: replayed in a later batch.
    let status = service.submit(&[transfer(0, 1, 0, |_| ())]).await.unwrap_err();
    assert_eq!(reason(&status).0, "NONCE_MATCHES");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fee_slots_are_checked() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, Held::new()).await;
    let mut submit = async |slots: &[(u32, u32)]| {
        let request = v1::SubmitBatchRequest {
            operations: vec![proto(0)],
            fee_slots: slots
                .iter()
                .map(|(leaf, token)| v1::FeeSlot {
                    leaf: *leaf,
                    token: *token,
                })
                .collect(),
            idempotency_key: Vec::new(),
        };
        service.client.submit_batch(request).await.map(|_| ())
    };
    assert_eq!(
        quota(&submit(&[(OPERATOR, 1), (3, 2)]).await.unwrap_err()),
        "fee_slots"
    );
    let status = submit(&[(3, 1)]).await.unwrap_err();
    assert_eq!(
        (reason(&status).0.as_str(), reason(&status).1["fee_slot"].as_str()),
        ("TOKEN_MATCHES", "0")
    );
    let status = submit(&[(16, 1)]).await.unwrap_err();
    assert_eq!(fields(&status), ["fee_slots[0].leaf"]);
    submit(&[(1, 1)]).await.unwrap();
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_fee_slots_for_one_token_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.fees.leaf = None;
    let backend = Held::with_shape(quittance_verifier::Shape::transfers_only(2, 2, 2));
    let mut service = Service::restart(raw, backend).await;
    let mut submit = async |slots: &[v1::FeeSlot]| {
        let request = v1::SubmitBatchRequest {
            operations: vec![proto(0)],
            fee_slots: slots.to_vec(),
            idempotency_key: Vec::new(),
        };
        service.client.submit_batch(request).await.map(|_| ())
    };
    let slot = v1::FeeSlot {
        leaf: OPERATOR,
        token: 1,
    };
    let status = submit(&[slot, slot]).await.unwrap_err();
    assert_eq!(status.message(), "fee slot 1 names token 1 again");
    assert_eq!(fields(&status), ["fee_slots[1].token"]);
    // Nobody says where fees go.
    let status = submit(&[]).await.unwrap_err();
    assert_eq!(
        (status.code(), fields(&status)),
        (Code::InvalidArgument, vec!["fee_slots".to_owned()])
    );
    submit(&[slot]).await.unwrap();
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_is_refused_with_the_limit() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.proving.max_unproved_batches = 2;
    raw.service.max_watch_streams = 1;
    let mut service = Service::restart(raw, Held::new()).await;

    let status = service.submit_raw((0..3).map(proto).collect()).await.unwrap_err();
    assert_eq!(quota(&status), "operations");
    assert!(
        status
            .message()
            .contains("3 transfers, the largest shape has 2 slots for them"),
        "{status:?}"
    );

    // S38: bounded before anything is decoded.
    let status = service.submit_raw(vec![proto(0); 10_000]).await.unwrap_err();
    assert_eq!(quota(&status), "service.max_message_bytes");
    assert!(status.message().contains("the limit is"), "{status:?}");

    for nonce in 0..2 {
        service.submit_raw(vec![proto(nonce)]).await.unwrap();
    }
    let status = service.submit_raw(vec![proto(2)]).await.unwrap_err();
    assert_eq!(quota(&status), "proving.max_unproved_batches");
    assert!(
        status
            .message()
            .contains("2 batches wait for their proofs, the limit is 2"),
        "{status:?}"
    );

    let watch = v1::WatchBatchRequest { number: 1 };
    let stream = service.client.watch_batch(watch).await.unwrap();
    let status = service.client.watch_batch(watch).await.unwrap_err();
    assert_eq!(quota(&status), "service.max_watch_streams");
    drop(stream);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, Held::new()).await;
    let number = 1;
    let client = &mut service.client;
    let statuses = [
        client
            .get_batch(v1::GetBatchRequest { number })
            .await
            .unwrap_err(),
        client
            .watch_batch(v1::WatchBatchRequest { number })
            .await
            .unwrap_err(),
        client
            .cancel_batch(v1::CancelBatchRequest { number })
            .await
            .unwrap_err(),
        client
            .resume_batch(v1::ResumeBatchRequest { number })
            .await
            .unwrap_err(),
        client
            .get_proof(v1::GetProofRequest { number, format: 0 })
            .await
            .unwrap_err(),
        client
            .get_account(v1::GetAccountRequest {
                index: 9,
                include_path: true,
            })
            .await
            .unwrap_err(),
        client
            .get_verifying_key(v1::GetVerifyingKeyRequest {
                key: Some(v1::get_verifying_key_request::Key::Shape("t9f9".to_owned())),
            })
            .await
            .unwrap_err(),
        client
            .get_verifying_key(v1::GetVerifyingKeyRequest {
                key: Some(v1::get_verifying_key_request::Key::KeyId(vec![0; 32])),
            })
            .await
            .unwrap_err(),
    ];
    for status in statuses {
        assert_eq!(status.code(), Code::NotFound, "{status:?}");
    }
    service.submit(&[transfer(0, 1, 0, |_| ())]).await.unwrap();
    let status = service.bundle(1, v1::BundleFormat::Binary).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).0.as_str()),
        (Code::FailedPrecondition, "NOT_PROVED")
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_questions_name_their_field() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, Held::new()).await;
    let client = &mut service.client;
    let key = |x: Vec<u8>, y: Vec<u8>| v1::ListAccountsByKeyRequest {
        public_key: Some(v1::PublicKey { x, y }),
        ..Default::default()
    };
    let one = {
        let mut bytes = vec![0; 32];
        bytes[31] = 1;
        bytes
    };
    let list = |page_token: &str, state| v1::ListBatchesRequest {
        page_size: 0,
        page_token: page_token.to_owned(),
        state,
    };
    let cases = [
        (
            "number",
            client
                .get_batch(v1::GetBatchRequest { number: 0 })
                .await
                .unwrap_err(),
        ),
        (
            "page_token",
            client.list_batches(list("nonsense", 0)).await.unwrap_err(),
        ),
        ("state", client.list_batches(list("", 99)).await.unwrap_err()),
        (
            "format",
            client
                .get_proof(v1::GetProofRequest { number: 1, format: 9 })
                .await
                .unwrap_err(),
        ),
        (
            "index",
            client
                .get_account(v1::GetAccountRequest {
                    index: 16,
                    include_path: false,
                })
                .await
                .unwrap_err(),
        ),
        (
            "public_key",
            client
                .list_accounts_by_key(v1::ListAccountsByKeyRequest::default())
                .await
                .unwrap_err(),
        ),
        (
            "public_key.x",
            client
                .list_accounts_by_key(key(vec![0; 31], one.clone()))
                .await
                .unwrap_err(),
        ),
        (
            "public_key.y",
            client
                .list_accounts_by_key(key(one.clone(), vec![0xff; 32]))
                .await
                .unwrap_err(),
        ),
        // S20, S21: off the curve; the identity.
        (
            "public_key",
            client
                .list_accounts_by_key(key(one.clone(), one.clone()))
                .await
                .unwrap_err(),
        ),
        (
            "public_key",
            client
                .list_accounts_by_key(key(vec![0; 32], one.clone()))
                .await
                .unwrap_err(),
        ),
        (
            "key",
            client
                .get_verifying_key(v1::GetVerifyingKeyRequest::default())
                .await
                .unwrap_err(),
        ),
        (
            "key_id",
            client
                .get_verifying_key(v1::GetVerifyingKeyRequest {
                    key: Some(v1::get_verifying_key_request::Key::KeyId(vec![1])),
                })
                .await
                .unwrap_err(),
        ),
    ];
    for (path, status) in cases {
        assert_eq!(
            (status.code(), fields(&status)),
            (Code::InvalidArgument, vec![path.to_owned()]),
            "{status:?}"
        );
    }
    service.stop().await;
}
