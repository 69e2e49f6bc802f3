//! Bytes that are no message of the call.

use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Status};

use crate::harness::{Held, Service};

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

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_message_are_an_invalid_argument() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, Held::new()).await;
    let channel = Endpoint::from_shared(service.address.clone()).unwrap();
    let mut client = Grpc::new(channel.connect().await.unwrap());
    for call in ["SubmitBatch", "GetAccount", "GetState", "WatchBatch"] {
        client.ready().await.unwrap();
        let path = PathAndQuery::try_from(format!("/quittance.v1.Quittance/{call}")).unwrap();
        let answer = client.unary(Request::new(vec![0xff, 0xff]), path, Raw).await;
        let status = answer.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{call}: {status:?}");
        assert!(
            status.message().contains("not a message of this call"),
            "{status:?}"
        );
    }
    assert_eq!(service.state().await.batch_number, 0);
    service.stop().await;
}
