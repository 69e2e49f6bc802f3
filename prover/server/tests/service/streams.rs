//! Streams of transfers, and what ends them.

use std::error::Error as _;
use std::time::Duration;

use prost::Message as _;
use quittance::grpc::operation_to_proto;
use quittance_circuits::tx::SignedOperation;
use quittance_proto::v1;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic::codegen::Bytes;
use tonic::codegen::http::Request;
use tonic_types::StatusExt as _;

use crate::batching::NEVER;
use crate::harness::{
    Held, Service, amount, config, fields, genesis, quota, reason, signed_transfer, transfer,
};

pub(crate) fn message(signed: &SignedOperation) -> v1::SubmitOperationsRequest {
    v1::SubmitOperationsRequest {
        operation: Some(operation_to_proto(signed)),
        idempotency_key: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_transfers_are_accepted_in_order() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = NEVER;
    raw.proving.max_unproved_batches = 3;
    let mut service = Service::restart(raw, Held::new()).await;
    let transfers: Vec<_> = (0..250)
        .flat_map(|nonce| [transfer(0, 1, nonce, |_| ()), transfer(1, 0, nonce, |_| ())])
        .collect();
    let answer = service.stream(&transfers).await.unwrap();
    assert_eq!(answer.operation_ids, (1..=500).collect::<Vec<_>>());
    assert_eq!(answer.repeated, 0);
    let state = service.wait_for_queue(494).await;
    assert_eq!((state.batch_number, state.last_operation), (3, 500));
    // An empty stream asks for nothing.
    assert!(service.stream(&[]).await.unwrap().operation_ids.is_empty());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_refused_transfer_ends_the_stream_and_earlier_ones_stay() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = NEVER;
    raw.proving.max_unproved_batches = 1;
    raw.service.max_stream_operations = 6;
    let mut service = Service::restart(raw, Held::new()).await;
    let mut nonce = 0;
    let mut next = || {
        nonce += 1;
        message(&transfer(0, 1, nonce - 1, |_| ()))
    };
    let bad_field = {
        let mut bad = message(&transfer(1, 0, 0, |_| ()));
        match bad.operation.as_mut().unwrap().kind.as_mut() {
            Some(v1::signed_operation::Kind::Transfer(transfer)) => {
                transfer.signature.as_mut().unwrap().s.pop()
            }
            other => panic!("{other:?}"),
        };
        bad
    };
    let bad_signature = {
        let mut signed = signed_transfer(1, 0, 0, |_| ());
        signed.transfer.amount = amount(101);
        message(&signed.into())
    };
    let bad_key = v1::SubmitOperationsRequest {
        idempotency_key: vec![7; 65],
        ..message(&transfer(1, 0, 0, |_| ()))
    };
    let empty = v1::SubmitOperationsRequest::default();
    let cases = [
        (
            Code::FailedPrecondition,
            "NONCE_MATCHES",
            None,
            message(&transfer(1, 0, 7, |_| ())),
        ),
        (
            Code::InvalidArgument,
            "MALFORMED",
            Some("operation.transfer.signature.s"),
            bad_field,
        ),
        (
            Code::InvalidArgument,
            "SIGNATURE_VALID",
            Some("operation.transfer.signature"),
            bad_signature,
        ),
        (
            Code::InvalidArgument,
            "MALFORMED",
            Some("idempotency_key"),
            bad_key,
        ),
        (Code::InvalidArgument, "MALFORMED", Some("operation"), empty),
    ];
    let mut accepted = 0;
    for (code, rule, field, bad) in cases {
        // What comes after the refused one is not accepted, good as it may be.
        let messages = vec![next(), next(), bad, message(&transfer(1, 0, 0, |_| ()))];
        let status = service
            .client
            .submit_operations(tokio_stream::iter(messages))
            .await
            .unwrap_err();
        assert_eq!(status.code(), code, "{status:?}");
        assert_eq!(fields(&status), field.into_iter().collect::<Vec<_>>());
        let (got, metadata) = reason(&status);
        assert_eq!((got.as_str(), metadata["position"].as_str()), (rule, "2"));
        assert_eq!(metadata["accepted"], "2");
        accepted += 2;
        assert_eq!(service.state().await.last_operation, accepted);
    }
    // Too long: as many as may be are accepted.
    let messages: Vec<_> = (0..8).map(|_| next()).collect();
    let status = service
        .client
        .submit_operations(tokio_stream::iter(messages))
        .await
        .unwrap_err();
    assert_eq!(quota(&status), "service.max_stream_operations");
    assert_eq!(reason(&status).1["accepted"], "6");
    assert_eq!(service.state().await.last_operation, accepted + 6);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_arrived_is_accepted_while_the_stream_is_open() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = NEVER;
    let mut service = Service::restart(raw, Held::new()).await;
    let (sender, receiver) = mpsc::channel(1);
    let mut client = service.client.clone();
    let call = tokio::spawn(async move { client.submit_operations(ReceiverStream::new(receiver)).await });
    sender.send(message(&transfer(0, 1, 0, |_| ()))).await.unwrap();
    service.wait_for_queue(1).await;
    sender.send(message(&transfer(1, 0, 0, |_| ()))).await.unwrap();
    service.wait_for_queue(0).await;
    // Another client in between.
    assert_eq!(
        service
            .single(&transfer(1, 0, 1, |_| ()), "")
            .await
            .unwrap()
            .operation
            .unwrap()
            .id,
        3
    );
    sender.send(message(&transfer(0, 1, 1, |_| ()))).await.unwrap();
    drop(sender);
    let answer = call.await.unwrap().unwrap().into_inner();
    assert_eq!(answer.operation_ids, [1, 2, 4]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_is_ended_and_a_long_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.service.request_timeout_ms = 400;
    raw.batching.max_delay_ms = NEVER;
    let mut service = Service::restart(raw, Held::new()).await;
    let (sender, receiver) = mpsc::channel(1);
    let mut client = service.client.clone();
    let call = tokio::spawn(async move { client.submit_operations(ReceiverStream::new(receiver)).await });
    // Longer than a request may take, and its grace.
    for nonce in 0..8 {
        sender
            .send(message(&transfer(0, 1, nonce, |_| ())))
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(!call.is_finished());
    let status = call.await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    assert_eq!(reason(&status).1["accepted"], "8");
    assert_eq!(service.state().await.last_operation, 8);
    drop(sender);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_answers_every_open_submission() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.service.drain_timeout_ms = 5_000;
    raw.batching.max_delay_ms = NEVER;
    raw.proving.max_unproved_batches = 1;
    let mut service = Service::restart(raw.clone(), Held::new()).await;
    let (sender, receiver) = mpsc::channel(1);
    let mut client = service.client.clone();
    let open = tokio::spawn(async move { client.submit_operations(ReceiverStream::new(receiver)).await });
    sender.send(message(&transfer(0, 1, 0, |_| ()))).await.unwrap();
    service.wait_for_queue(1).await;
    let caller = service.client.clone();
    let call = |nonce| {
        let mut client = caller.clone();
        let operation = Some(operation_to_proto(&transfer(1, 0, nonce, |_| ())));
        tokio::spawn(async move {
            let idempotency_key = Vec::new();
            let request = v1::SubmitOperationRequest {
                operation,
                idempotency_key,
            };
            client.submit_operation(request).await
        })
    };
    // One of them has certainly come in time; the others race the end.
    let first = call(0).await.unwrap().unwrap().into_inner();
    let calls: Vec<_> = (1..32).map(call).collect();
    service.stop().await;
    let mut accepted = vec![1, first.operation.unwrap().id];
    for call in calls {
        match call.await.unwrap() {
            Ok(answer) => accepted.push(answer.into_inner().operation.unwrap().id),
            // It never came to the service, which takes no new requests: the client's own error says so.
            Err(status) if status.source().is_some() => {}
            // It came, in time or after one that did not: the service says why it refuses.
            Err(status) => {
                assert!(
                    matches!(status.code(), Code::Unavailable | Code::FailedPrecondition),
                    "{status:?}"
                );
                let details = status.get_error_details();
                assert!(
                    details.retry_info().is_some() || details.error_info().is_some(),
                    "{status:?}"
                );
            }
        }
    }
    let status = open.await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert_eq!(reason(&status).1["accepted"], "1");
    drop(sender);
    // Whatever was answered with an id is there.
    let mut service = Service::restart(raw, Held::new()).await;
    for id in accepted {
        let request = v1::GetOperationRequest { id };
        service.client.get_operation(request).await.unwrap();
    }
    service.stop().await;
}

/// gRPC's core library sends a message in two small frames, as fast as the windows allow. The client is braked while the
/// store commits, and its connection is not taken for an attack.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_as_long_as_it_may_be_comes_through_in_small_frames() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = NEVER;
    let mut service = Service::restart(raw, Held::new()).await;
    let keyed = v1::SubmitOperationsRequest {
        idempotency_key: b"once".to_vec(),
        ..message(&transfer(0, 1, 0, |_| ()))
    };
    let message = Bytes::from(keyed.encode_to_vec());
    let mut prefix = vec![0];
    prefix.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    let prefix = Bytes::from(prefix);

    let address = service.address.strip_prefix("http://").unwrap();
    let socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut client, connection) = h2::client::handshake(socket).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::post(format!(
        "{}/quittance.v1.Quittance/SubmitOperations",
        service.address
    ))
    .header("content-type", "application/grpc")
    .header("te", "trailers")
    .body(())
    .unwrap();
    let (answer, mut body) = client.send_request(request, false).unwrap();
    for _ in 0..10_000 {
        body.send_data(prefix.clone(), false).unwrap();
        body.send_data(message.clone(), false).unwrap();
    }
    body.send_data(Bytes::new(), true).unwrap();
    let mut answer = answer.await.unwrap().into_body();
    let mut bytes = Vec::new();
    while let Some(data) = answer.data().await {
        let data = data.unwrap();
        answer.flow_control().release_capacity(data.len()).unwrap();
        bytes.extend(data);
    }
    assert_eq!(answer.trailers().await.unwrap().unwrap()["grpc-status"], "0");
    let answer = v1::SubmitOperationsResponse::decode(&bytes[prefix.len()..]).unwrap();
    assert_eq!((answer.operation_ids.len(), answer.repeated), (10_000, 9_999));
    assert_eq!(service.state().await.last_operation, 1);
    connection.abort();
    service.stop().await;
}
