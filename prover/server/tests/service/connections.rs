//! Connections: how many there may be, which ones are closed, and that those nobody uses delay nothing.

use std::time::{Duration, Instant};

use quittance::config::{Config, ConfigError};
use quittance_proto::v1;
use quittance_proto::v1::quittance_client::QuittanceClient;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::batching::NEVER;
use crate::harness::{Held, Service, config, genesis, transfer};
use crate::streams::message;

/// What a client says first, and its empty settings.
const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Where a proof may be at work when the service stops.
const SHORT: Duration = Duration::from_millis(100);
/// Where nothing may delay the stop.
const LONG: Duration = Duration::from_secs(60);

/// A service that has room for so many connections, and takes so long to stop while something is at work.
async fn service(directory: &TempDir, connections: usize, drain: Duration) -> Service {
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.service.max_connections = connections;
    raw.service.drain_timeout_ms = u64::try_from(drain.as_millis()).unwrap();
    raw.batching.max_delay_ms = NEVER;
    Service::restart(raw, Held::new()).await
}

async fn connect(service: &Service) -> TcpStream {
    let address = service.address.strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// Waits until the service has closed the connection; what it said before is skipped.
async fn closed(mut socket: TcpStream) {
    let mut bytes = [0; 1024];
    let end = async { while matches!(socket.read(&mut bytes).await, Ok(1..)) {} };
    tokio::time::timeout(Duration::from_secs(20), end).await.unwrap();
}

/// A new client gets an answer, in time.
async fn answered(service: &Service) {
    let answer = async {
        let mut client = QuittanceClient::connect(service.address.clone()).await.unwrap();
        client.get_state(v1::GetStateRequest {}).await.unwrap();
    };
    tokio::time::timeout(Duration::from_secs(20), answer)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_and_idle_connections_make_room_for_new_clients() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = service(&directory, 4, SHORT).await;
    // A call at work on the first connection: its stream is open all the time.
    let (sender, receiver) = mpsc::channel(1);
    let mut client = service.client.clone();
    let open = tokio::spawn(async move { client.submit_transfers(ReceiverStream::new(receiver)).await });
    sender.send(message(&transfer(0, 1, 0, |_| ()))).await.unwrap();
    service.wait_for_queue(1).await;
    for greeting in [&[][..], GREETING] {
        let mut others = Vec::new();
        for _ in 0..20 {
            let mut socket = connect(&service).await;
            socket.write_all(greeting).await.unwrap();
            others.push(socket);
        }
        answered(&service).await;
        // At most three stand beside the one that works.
        let mut others: JoinSet<()> = others.into_iter().map(closed).collect();
        for _ in 0..17 {
            others.join_next().await.unwrap().unwrap();
        }
        answered(&service).await;
    }
    // The one that works was never closed for them.
    sender.send(message(&transfer(0, 1, 1, |_| ()))).await.unwrap();
    drop(sender);
    let answer = open.await.unwrap().unwrap().into_inner();
    assert_eq!(answer.operation_ids, [1, 2]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_client_waits_while_every_connection_has_a_call_at_work() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = service(&directory, 1, SHORT).await;
    let (sender, receiver) = mpsc::channel(1);
    let mut client = service.client.clone();
    let open = tokio::spawn(async move { client.submit_transfers(ReceiverStream::new(receiver)).await });
    sender.send(message(&transfer(0, 1, 0, |_| ()))).await.unwrap();
    service.wait_for_queue(1).await;
    let address = service.address.clone();
    let late = tokio::spawn(async move {
        let mut client = QuittanceClient::connect(address).await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(client.get_state(v1::GetStateRequest {}).await?)
    });
    sender.send(message(&transfer(0, 1, 1, |_| ()))).await.unwrap();
    let accepted = async {
        while service.state().await.last_operation < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), accepted)
        .await
        .unwrap();
    assert!(!late.is_finished());
    drop(sender);
    assert_eq!(open.await.unwrap().unwrap().into_inner().operation_ids, [1, 2]);
    let answer = late.await.unwrap().unwrap().into_inner();
    assert_eq!(answer.state.unwrap().last_operation, 2);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_begin_to_speak_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let service = service(&directory, 4, SHORT).await;
    let silent = connect(&service).await;
    let mut slow = connect(&service).await;
    slow.write_all(&GREETING[..23]).await.unwrap();
    closed(silent).await;
    closed(slow).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_nobody_who_has_no_request_open() {
    let directory = tempfile::tempdir().unwrap();
    let service = service(&directory, 8, LONG).await;
    let silent = connect(&service).await;
    // It answers nothing, not even the ping behind the farewell.
    let mut idle = connect(&service).await;
    idle.write_all(GREETING).await.unwrap();
    idle.read_u8().await.unwrap();
    answered(&service).await;
    // The harness' own client is idle too. Draining would take a minute.
    let begun = Instant::now();
    service.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    closed(silent).await;
    closed(idle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_open_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = service(&directory, 8, LONG).await;
    let silent = connect(&service).await;
    let (sender, receiver) = mpsc::channel(1);
    let mut client = service.client.clone();
    let open = tokio::spawn(async move { client.submit_transfers(ReceiverStream::new(receiver)).await });
    sender.send(message(&transfer(0, 1, 0, |_| ()))).await.unwrap();
    service.wait_for_queue(1).await;
    service.stop().await;
    let status = open.await.unwrap().unwrap_err();
    // The service's own words, so it was not cut.
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert_eq!(crate::harness::reason(&status).1["accepted"], "1");
    closed(silent).await;
}

#[test]
fn the_limits_are_checked() {
    let directory = tempfile::tempdir().unwrap();
    for (connections, good) in [(0, false), (1, true), (4096, true), (4097, false)] {
        let mut raw = config(directory.path());
        raw.service.max_connections = connections;
        match Config::check(raw) {
            Ok(checked) => assert!(good && checked.service.max_connections.get() == connections),
            Err(ConfigError::Value { key, .. }) => {
                assert!(!good && key == "service.max_connections", "{connections}");
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}
