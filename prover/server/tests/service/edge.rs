//! Bytes that are no message of the call, and messages that are too large.

use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::harness::{Held, Service, config, fields, genesis, quota, reason};

/// Sends bytes as they are.
#[derive(Clone, Copy, Debug)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        prost::bytes::BufMut::put_slice(out, &item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, _from: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        Ok(None)
    }
}

async fn raw_client(service: &Service) -> Grpc<Channel> {
    let channel = Endpoint::from_shared(service.address.clone()).unwrap();
    Grpc::new(channel.connect().await.unwrap())
}

async fn send(client: &mut Grpc<Channel>, call: &str, bytes: Vec<u8>) -> Status {
    client.ready().await.unwrap();
    let path = PathAndQuery::try_from(format!("/quittance.v1.Quittance/{call}")).unwrap();
    let answer = client.unary(Request::new(bytes), path, Raw).await;
    answer.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_message_are_an_invalid_argument() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, Held::new()).await;
    let mut client = raw_client(&service).await;
    for call in ["SubmitBatch", "GetAccount", "GetState", "WatchBatch"] {
        let status = send(&mut client, call, vec![0xff, 0xff]).await;
        assert_eq!(status.code(), Code::InvalidArgument, "{call}: {status:?}");
        assert!(
            status.message().contains("not a message of this call"),
            "{status:?}"
        );
        assert_eq!(fields(&status), ["request"], "{call}");
    }
    // A field of another type: `operations` as a number.
    let status = send(&mut client, "SubmitBatch", vec![0x08, 0x01]).await;
    assert_eq!(
        (status.code(), fields(&status)),
        (Code::InvalidArgument, vec!["operations".to_owned()])
    );
    // The same in a stream, which says how far it came.
    let status = send(&mut client, "SubmitOperations", vec![0x08, 0x01]).await;
    assert_eq!(
        (status.code(), fields(&status)),
        (Code::InvalidArgument, vec!["operation".to_owned()])
    );
    assert_eq!(
        (reason(&status).0.as_str(), reason(&status).1["accepted"].as_str()),
        ("MALFORMED", "0")
    );
    assert_eq!(service.state().await.batch_number, 0);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_names_the_limit() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.service.max_message_bytes = Some(5_000);
    let service = Service::restart(raw, Held::new()).await;
    let mut client = raw_client(&service).await;
    for call in ["SubmitOperation", "SubmitOperations", "GetAccount"] {
        let status = send(&mut client, call, vec![0; 5_001]).await;
        assert_eq!(quota(&status), "service.max_message_bytes", "{call}");
        let details = status.get_error_details();
        let description = &details.quota_failure().unwrap().violations[0].description;
        assert!(
            description.contains("found 5001 bytes, the limit is: 5000 bytes; send less"),
            "{call}: {description}"
        );
    }
    service.stop().await;
}
