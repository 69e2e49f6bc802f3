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

/// What a client that was told to leave has for a request that it sent before it heard.
const FAREWELL: Duration = Duration::from_secs(2);

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
    let mut service = Service::restart(raw, Held::new()).await;
    // The harness' own client has had its place before anybody else comes: its greeting may still be on its way, and whoever has
    // the place by then would have to leave for it.
    service.state().await;
    service
}

async fn connect(service: &Service) -> TcpStream {
    let address = service.address.strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// A client that has greeted and was answered, and so has left the lobby: as long as its greeting is not read, it may be taken for one
/// that says nothing, however long ago it was sent.
async fn greeted(service: &Service) -> TcpStream {
    let mut socket = connect(service).await;
    socket.write_all(GREETING).await.unwrap();
    hear(&mut socket).await.unwrap();
    socket
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

/// A frame of HTTP/2: kind, flags, stream and payload.
type Frame = (u8, u8, u32, Vec<u8>);

const DATA: u8 = 0;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A call on stream 1.
fn call(name: &str, message: &[u8]) -> Vec<u8> {
    let path = format!("/quittance.v1.Quittance/{name}");
    let mut headers = Vec::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", &path),
        (":authority", "x"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ] {
        // A literal that is not indexed (RFC 7541, section 6.2.2).
        headers.push(0);
        for text in [name, value] {
            headers.push(u8::try_from(text.len()).unwrap());
            headers.extend(text.as_bytes());
        }
    }
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let data = [&[0], &length[..], message].concat();
    [frame(1, 4, 1, &headers), frame(DATA, 1, 1, &data)].concat()
}

/// The next frame; none if the service has closed the connection.
async fn hear(socket: &mut TcpStream) -> Option<Frame> {
    let next = async {
        let mut head = [0; 9];
        socket.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        socket.read_exact(&mut payload).await.ok()?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some((head[3], head[4], stream, payload))
    };
    tokio::time::timeout(Duration::from_secs(20), next).await.unwrap()
}

/// The greeting with a window for answers of so many bytes on each stream.
fn greeting_with_window(bytes: u8) -> Vec<u8> {
    let greeting = GREETING.strip_suffix(&frame(4, 0, 0, &[])[..]).unwrap();
    [greeting, &frame(4, 0, 0, &[0, 4, 0, 0, 0, bytes])].concat()
}

/// A service with one place, which a client has that has taken 10 bytes of an answer and not more.
async fn with_half_an_answer(directory: &TempDir, drain: Duration) -> (Service, TcpStream) {
    let service = service(directory, 1, drain).await;
    let mut slow = connect(&service).await;
    let all = [greeting_with_window(10), call("GetState", &[])].concat();
    slow.write_all(&all).await.unwrap();
    loop {
        let (kind, _, _, payload) = hear(&mut slow).await.unwrap();
        if kind == DATA {
            assert_eq!(payload.len(), 10);
            return (service, slow);
        }
    }
}

/// Takes the rest of the answer; its bytes.
async fn finish(slow: &mut TcpStream) -> usize {
    let update = frame(WINDOW_UPDATE, 0, 1, &60_000u32.to_be_bytes());
    slow.write_all(&update).await.unwrap();
    answer(slow).await.unwrap()
}

/// Bytes of what comes of the answer until its end; none if the service closes the connection before.
async fn answer(socket: &mut TcpStream) -> Option<usize> {
    let mut bytes = 0;
    loop {
        let (kind, flags, stream, payload) = hear(socket).await?;
        bytes += if kind == DATA { payload.len() } else { 0 };
        if stream == 1 && flags & 1 != 0 {
            return Some(bytes);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_being_read_keeps_its_connection() {
    let directory = tempfile::tempdir().unwrap();
    let (service, mut slow) = with_half_an_answer(&directory, SHORT).await;
    let mut late = Box::pin(answered(&service));
    // Longer than anything that is taken for read because it was written.
    let early = tokio::time::timeout(Duration::from_millis(500), &mut late).await;
    assert!(early.is_err());
    assert!(finish(&mut slow).await > 100);
    late.await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_an_answer_that_is_being_read() {
    let directory = tempfile::tempdir().unwrap();
    let (service, mut slow) = with_half_an_answer(&directory, LONG).await;
    let stop = service.stop();
    tokio::pin!(stop);
    // Longer than a client has that has no request open.
    let early = tokio::time::timeout(Duration::from_secs(3), &mut stop).await;
    assert!(early.is_err());
    assert!(finish(&mut slow).await > 100);
    stop.await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_no_answer_is_left() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.service.request_timeout_ms = 500;
    let service = Service::restart(raw, Held::new()).await;
    let mut socket = connect(&service).await;
    let all = [greeting_with_window(0), call("GetState", &[])].concat();
    socket.write_all(&all).await.unwrap();
    closed(socket).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_to_leave_is_told_so_and_those_who_say_nothing_send_nobody_away() {
    let directory = tempfile::tempdir().unwrap();
    let service = service(&directory, 1, SHORT).await;
    let mut idle = greeted(&service).await;
    let mut silent = JoinSet::new();
    for _ in 0..20 {
        silent.spawn(closed(connect(&service).await));
    }
    silent.join_all().await;
    idle.write_all(&frame(PING, 0, 0, &[7; 8])).await.unwrap();
    loop {
        let (kind, flags, _, _) = hear(&mut idle).await.unwrap();
        assert_ne!(kind, GOAWAY);
        if (kind, flags) == (PING, 1) {
            break;
        }
    }
    let farewell = async |idle: &mut TcpStream| {
        loop {
            let (kind, _, _, payload) = hear(idle).await?;
            if kind == GOAWAY {
                return Some(payload);
            }
        }
    };
    let all_streams = [&[0x7f, 0xff, 0xff, 0xff][..], &[0; 4]].concat();
    loop {
        let begun = Instant::now();
        answered(&service).await;
        // No stream is refused yet, and it is no error: the client may open another connection.
        assert_eq!(farewell(&mut idle).await.unwrap(), all_streams);
        // What was sent before the client heard is answered, unless a busy machine keeps it from the service for too long.
        let sent = idle.write_all(&call("GetState", &[])).await;
        if sent.is_ok()
            && let Some(bytes) = answer(&mut idle).await
        {
            assert!(bytes > 100);
            break;
        }
        assert!(begun.elapsed() >= FAREWELL);
        idle = greeted(&service).await;
    }
    // It never says that it has heard, and is left all the same.
    closed(idle).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_whose_connection_is_needed_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = service(&directory, 1, SHORT).await;
    service.stream(&[transfer(0, 1, 0, |_| ())]).await.unwrap();
    let request = v1::WatchOperationRequest { id: 1 };
    let mut watch = service
        .client
        .watch_operation(request)
        .await
        .unwrap()
        .into_inner();
    watch.message().await.unwrap().unwrap();
    answered(&service).await;
    let status = watch.message().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert_eq!(crate::harness::reason(&status).0, "PLACE_NEEDED");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_and_idle_connections_make_room_for_new_clients() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = service(&directory, 4, SHORT).await;
    // A call at work on the first connection: its stream is open all the time.
    let (sender, receiver) = mpsc::channel(1);
    let mut client = service.client.clone();
    let open = tokio::spawn(async move { client.submit_operations(ReceiverStream::new(receiver)).await });
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
    let open = tokio::spawn(async move { client.submit_operations(ReceiverStream::new(receiver)).await });
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
    let idle = greeted(&service).await;
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
    let open = tokio::spawn(async move { client.submit_operations(ReceiverStream::new(receiver)).await });
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
