//! Health and reflection, as standard clients ask for them, and what the service says about its circuits.

use std::time::Duration;

use quittance::circuit_facts::CircuitFacts;
use quittance_proto::v1;
use quittance_verifier::Section;
use tokio_stream::StreamExt;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::harness::{Held, MIXED, SHAPE, Service, engine, real_backend, transfer};

#[tokio::test(flavor = "multi_thread")]
async fn health_is_answered_while_a_proof_is_at_work() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, Held::new()).await;
    service.submit(&[transfer(0, 1, 0, |_| ())]).await.unwrap();
    service.wait_for(1, v1::BatchState::Proving).await;
    let mut health = HealthClient::new(channel(service.address.clone()).await);
    for name in ["", "quittance.v1.Quittance"] {
        let request = HealthCheckRequest {
            service: name.to_owned(),
        };
        let answer = tokio::time::timeout(Duration::from_secs(2), health.check(request))
            .await
            .unwrap();
        assert_eq!(answer.unwrap().into_inner().status(), ServingStatus::Serving);
    }
    service.stop().await;
}

async fn channel(address: String) -> Channel {
    Endpoint::from_shared(address).unwrap().connect().await.unwrap()
}

/// The services that reflection lists, and the descriptor of ours.
macro_rules! reflected {
    ($version:ident, $address:expr) => {{
        use pb::server_reflection_request::MessageRequest;
        use pb::server_reflection_response::MessageResponse;
        use tonic_reflection::pb::$version as pb;
        let mut client = pb::server_reflection_client::ServerReflectionClient::new(channel($address).await);
        let ask = [
            MessageRequest::ListServices(String::new()),
            MessageRequest::FileContainingSymbol("quittance.v1.Quittance".to_owned()),
        ];
        let requests = ask.map(|message| pb::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(message),
        });
        let stream = client
            .server_reflection_info(tokio_stream::iter(requests))
            .await
            .unwrap();
        let answers: Vec<_> = stream
            .into_inner()
            .map(|answer| answer.unwrap().message_response)
            .collect()
            .await;
        let Some(MessageResponse::ListServicesResponse(services)) = &answers[0] else {
            panic!("{:?}", answers[0]);
        };
        let Some(MessageResponse::FileDescriptorResponse(files)) = &answers[1] else {
            panic!("{:?}", answers[1]);
        };
        assert!(!files.file_descriptor_proto.is_empty());
        services
            .service
            .iter()
            .map(|service| service.name.clone())
            .collect::<Vec<_>>()
    }};
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_is_answered_in_both_versions() {
    let directory = tempfile::tempdir().unwrap();
    let service = Service::start(&directory, Held::new()).await;
    for services in [
        reflected!(v1, service.address.clone()),
        reflected!(v1alpha, service.address.clone()),
    ] {
        for name in ["quittance.v1.Quittance", "grpc.health.v1.Health"] {
            assert!(
                services.iter().any(|service| service == name),
                "{name}: {services:?}"
            );
        }
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn circuits_are_described() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, real_backend()).await;
    let answer = service
        .client
        .list_circuits(v1::ListCircuitsRequest {})
        .await
        .unwrap()
        .into_inner();
    let [circuit] = answer.circuits.as_slice() else {
        panic!("{answer:?}");
    };
    assert_eq!(circuit.name, "t2f1l2");
    assert_eq!((circuit.transfers, circuit.fee_slots, circuit.levels), (2, 1, 2));
    assert!(circuit.constraints > 10_000 && circuit.domain >= circuit.constraints);
    assert!(circuit.nonzeros > circuit.constraints);
    assert!(circuit.constraints_per_transfer < 24_700);
    let facts = CircuitFacts::of(&SHAPE).unwrap();
    assert_eq!(circuit.key_bytes, engine().plan_memory(&facts.size()).key_bytes);
    assert!(circuit.key_bytes > 0 && circuit.memory_bytes > 0 && circuit.prove_seconds > 0.0);
    assert_eq!(
        (circuit.key_id.len(), circuit.provenance()),
        (32, v1::Provenance::Development)
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slots_of_every_section_are_shown() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, Held::with_shapes(&[SHAPE, MIXED])).await;
    let answer = service
        .client
        .list_circuits(v1::ListCircuitsRequest {})
        .await
        .unwrap();
    let circuits = answer.into_inner().circuits;
    let slots = |circuit: &v1::Circuit| {
        [
            circuit.priority,
            circuit.openings,
            circuit.transfers,
            circuit.withdrawals,
            circuit.rotations,
            circuit.fee_slots,
        ]
    };
    let named: Vec<_> = circuits
        .iter()
        .map(|circuit| (circuit.name.clone(), slots(circuit)))
        .collect();
    let expected =
        [SHAPE, MIXED].map(|shape| (shape.name(), Section::ALL.map(|section| shape.slots(section))));
    assert_eq!(named, expected);
    let answer = service.client.get_policy(v1::GetPolicyRequest {}).await.unwrap();
    let limits = answer.into_inner().policy.unwrap().limits.unwrap();
    assert_eq!((limits.max_batch_operations, limits.max_batch_fee_slots), (7, 2));
    service.stop().await;
}
