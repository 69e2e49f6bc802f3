//! What has to hold after all kills.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use quittance::encoding::fr_to_bytes_be;
use quittance_proto::v1;
use quittance_proto::v1::quittance_client::QuittanceClient;
use quittance_verifier::{Bundle, DevelopmentKeys, TransferData, Verifier, VerifyingKey, verify_chain};
use tonic::transport::Channel;

use crate::accounts::{COUNT, Model};
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
    let mut acknowledged = BTreeSet::new();
    for request in answered {
        assert_eq!(request.ids.len(), request.transfers.len(), "{request:?}");
        for (id, transfer) in request.ids.iter().zip(&request.transfers) {
            let operation = operations
                .get(id)
                .unwrap_or_else(|| panic!("operation {id} was lost: {request:?}"));
            assert_eq!(operation.transfer.as_ref(), Some(transfer));
            assert!(acknowledged.insert(*id), "operation {id} was given twice");
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
    let ids: BTreeSet<u64> = operations.keys().copied().collect();
    assert_eq!(acknowledged, ids, "operations that nobody submitted, or twice");
    assert_eq!(
        ids.last().copied().unwrap_or(0),
        u64::try_from(ids.len()).unwrap()
    );

    // Executed once each, in the order of acceptance, without gaps within a batch.
    let executed: Vec<(&v1::SignedTransfer, u32, u32)> = operations
        .values()
        .filter_map(|operation| {
            let execution = operation.execution.as_ref()?;
            Some((
                operation.transfer.as_ref().unwrap(),
                execution.batch,
                execution.position,
            ))
        })
        .collect();
    let mut model = Model::genesis();
    let mut contents: BTreeMap<u32, Vec<TransferData>> = BTreeMap::new();
    let mut last = 1;
    for (transfer, batch, position) in &executed {
        assert!(*batch >= last, "batch {batch} after batch {last}");
        last = *batch;
        let content = contents.entry(*batch).or_default();
        assert_eq!(usize::try_from(*position).unwrap(), content.len());
        content.push(TransferData {
            from: transfer.from,
            to: transfer.to,
            amount: transfer.amount_float40,
            fee: u16::try_from(transfer.fee_float16).unwrap(),
        });
        model.apply(transfer);
    }
    for index in 0..COUNT {
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
        assert_eq!(
            Some(&bundle.facts.transfers),
            contents.get(&batch.number),
            "batch {expected}"
        );
        bundles.push(bundle);
    }
    assert_eq!(contents.len(), bundles.len());
    verify_chain(&bundles.iter().collect::<Vec<_>>()).unwrap();
    let state = state(&mut client).await;
    let (first, end) = (&bundles[0].facts, &bundles[bundles.len() - 1].facts);
    assert_eq!(fr_to_bytes_be(&first.old_root), state.genesis_root[..]);
    assert_eq!(fr_to_bytes_be(&end.new_root), state.root[..]);
    assert_eq!(state.batch_number, end.batch_number);
    Found {
        operations: operations.len(),
        rejected: operations.len() - executed.len(),
        batches: bundles.len(),
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
