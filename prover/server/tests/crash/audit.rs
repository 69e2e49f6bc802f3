//! What has to hold after all kills.

use std::collections::BTreeMap;
use std::time::Instant;

use quittance::encoding::fr_to_bytes_be;
use quittance::grpc::{operation_to_proto, priority_to_proto};
use quittance_circuits::tx::Operation;
use quittance_proto::v1;
use quittance_proto::v1::quittance_client::QuittanceClient;
use quittance_verifier::{Bundle, DevelopmentKeys, Verifier, VerifyingKey, verify_chain};
use tonic::transport::Channel;

use crate::accounts::{Contents, Model};
use crate::client::{Answered, connect};
use crate::harness::{KEYS, PATIENCE, SHAPE};

/// What was found, for people.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) operations: usize,
    pub(crate) rejected: usize,
    pub(crate) batches: usize,
}

/// Waits until nothing is queued and every batch is proved.
pub(crate) async fn settle(address: &str) {
    let mut client = connect(address).await.unwrap();
    let deadline = Instant::now() + 4 * PATIENCE;
    loop {
        let state = state(&mut client).await;
        if state.queued_operations == 0 && state.unproved_batches == 0 {
            return;
        }
        assert!(Instant::now() < deadline, "not settled: {state:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Compares everything that the service says with what the clients know and with the proofs.
pub(crate) async fn audit(address: &str, answered: &[Answered]) -> Found {
    let mut client = connect(address).await.unwrap();
    let operations = operations(&mut client).await;
    let batches = batches(&mut client).await;

    // Every answer is about operations that are there as they were sent, and no operation is anybody else's.
    let mut acknowledged = BTreeMap::new();
    for request in answered {
        assert_eq!(request.ids.len(), request.operations.len(), "{request:?}");
        for (id, sent) in request.ids.iter().zip(&request.operations) {
            let operation = operations
                .get(id)
                .unwrap_or_else(|| panic!("operation {id} was lost: {request:?}"));
            assert!(is_same(sent, operation), "{sent:?}: {operation:?}");
            assert!(
                acknowledged.insert(*id, *sent).is_none(),
                "operation {id} was given twice"
            );
            match operation.state() {
                v1::OperationState::Executed => {}
                v1::OperationState::Rejected => {
                    let why = operation.rejection.as_ref().unwrap();
                    assert!(request.expires && why.rule == "not_expired", "{operation:?}");
                }
                _ => panic!("{operation:?}"),
            }
        }
    }
    assert!(
        acknowledged.keys().eq(operations.keys()),
        "operations that nobody submitted, or twice"
    );
    let last = acknowledged.keys().last().copied();
    assert_eq!(last.unwrap_or(0), u64::try_from(acknowledged.len()).unwrap());

    // Executed once each, as in the order of acceptance, without gaps within a section of a batch.
    let executed: Vec<(&Operation, &v1::Execution)> = operations
        .iter()
        .filter_map(|(id, operation)| Some((&acknowledged[id], operation.execution.as_ref()?)))
        .collect();
    let mut model = Model::genesis();
    let mut contents: BTreeMap<u32, Contents> = BTreeMap::new();
    let mut last = 1;
    for (operation, execution) in &executed {
        let batch = execution.batch;
        assert!(batch >= last, "batch {batch} after batch {last}");
        last = batch;
        let content = contents.entry(batch).or_default();
        let position = model.apply(operation, batch, content);
        assert_eq!(usize::try_from(execution.position).unwrap(), position);
    }
    for &index in model.0.keys() {
        let request = v1::GetAccountRequest {
            index,
            include_path: false,
        };
        let answer = client.get_account(request).await.unwrap().into_inner();
        model.check(&answer.account.unwrap());
    }

    // Every batch is proved, by a proof that verifies, and the proofs' facts are these operations, from the root of
    // genesis to the head.
    let key = std::fs::read(KEYS.path().join(SHAPE).join("verifying.key")).unwrap();
    let key = VerifyingKey::from_bytes(&key).unwrap();
    let verifier = Verifier::new(&key, DevelopmentKeys::Accept).unwrap();
    let mut bundles = Vec::new();
    for (expected, batch) in (1..).zip(&batches) {
        assert_eq!(batch.number, expected, "a batch number is missing");
        assert_eq!(batch.state(), v1::BatchState::Proved, "{batch:?}");
        let request = v1::GetProofRequest {
            number: batch.number,
            format: v1::BundleFormat::Binary.into(),
        };
        let answer = client.get_proof(request).await.unwrap().into_inner();
        let bundle = Bundle::from_bytes(&answer.bundle).unwrap();
        verifier.verify(&bundle).unwrap();
        assert_eq!(bundle.facts.batch_number, batch.number);
        let (facts, content) = (&bundle.facts, &contents[&batch.number]);
        assert_eq!(facts.priority, content.priority, "batch {expected}");
        assert_eq!(facts.openings, content.openings, "batch {expected}");
        assert_eq!(facts.transfers, content.transfers, "batch {expected}");
        assert_eq!(facts.withdrawals, content.withdrawals, "batch {expected}");
        assert_eq!(facts.rotations, content.rotations, "batch {expected}");
        bundles.push(bundle);
    }
    assert_eq!(contents.len(), bundles.len());
    verify_chain(&bundles.iter().collect::<Vec<_>>()).unwrap();
    let state = state(&mut client).await;
    let (first, end) = (&bundles[0].facts, &bundles[bundles.len() - 1].facts);
    assert_eq!(fr_to_bytes_be(&first.old_root), state.genesis_root[..]);
    assert_eq!(fr_to_bytes_be(&end.new_root), state.root[..]);
    assert_eq!(state.batch_number, end.batch_number);
    let answer = client.get_queue(v1::GetQueueRequest {}).await.unwrap();
    let queue = answer.into_inner().queue.unwrap();
    assert_eq!(queue.next_to_execute, queue.next_index);
    assert_eq!(first.queue, [0; 32]);
    assert_eq!(end.queue_after(), queue.executed_hash[..]);
    Found {
        operations: operations.len(),
        rejected: operations.len() - executed.len(),
        batches: bundles.len(),
    }
}

/// Whether the service gives an operation back as it was sent.
fn is_same(sent: &Operation, got: &v1::Operation) -> bool {
    use v1::operation::Kind as Got;
    use v1::signed_operation::Kind as Sent;
    let got = got.kind.as_ref().unwrap();
    match sent {
        // Its place in the root chain's queue is what was entered in.
        Operation::Priority(sent) => {
            matches!(got, Got::Priority(got) if *got == priority_to_proto(got.index, sent))
        }
        Operation::Signed(sent) => match (operation_to_proto(sent).kind.unwrap(), got) {
            (Sent::Transfer(sent), Got::Transfer(got)) => sent == *got,
            (Sent::Opening(sent), Got::Opening(got)) => sent == *got,
            (Sent::Withdrawal(sent), Got::Withdrawal(got)) => sent == *got,
            (Sent::Rotation(sent), Got::Rotation(got)) => sent == *got,
            _ => false,
        },
    }
}

async fn state(client: &mut QuittanceClient<Channel>) -> v1::State {
    let answer = client.get_state(v1::GetStateRequest {}).await.unwrap();
    answer.into_inner().state.unwrap()
}

/// All operations, page by page.
async fn operations(client: &mut QuittanceClient<Channel>) -> BTreeMap<u64, v1::Operation> {
    let mut found = BTreeMap::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListOperationsRequest {
            page_size: 97,
            page_token,
            ..Default::default()
        };
        let answer = client.list_operations(request).await.unwrap().into_inner();
        for operation in answer.operations {
            assert!(found.insert(operation.id, operation).is_none());
        }
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return found;
        }
    }
}

/// All batches, page by page.
async fn batches(client: &mut QuittanceClient<Channel>) -> Vec<v1::Batch> {
    let mut found = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListBatchesRequest {
            page_size: 53,
            page_token,
            ..Default::default()
        };
        let answer = client.list_batches(request).await.unwrap().into_inner();
        found.extend(answer.batches);
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return found;
        }
    }
}
