//! What happens to a proof that is cancelled, fails or panics. The batch itself stays in the state throughout.

use std::time::Duration;

use quittance_proto::v1;
use tonic::Code;

use crate::harness::{Act, Held, Service, config, genesis, reason, transfer};

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_stops_the_proof_and_resuming_begins_it_again() {
    let directory = tempfile::tempdir().unwrap();
    let backend = Held::new();
    let mut service = Service::start(&directory, backend.clone()).await;
    let batch = service.submit(&[transfer(0, 1, 0, |_| ())]).await.unwrap();
    service.wait_for(1, v1::BatchState::Proving).await;

    let request = v1::WatchBatchRequest { number: 1 };
    let mut stream = service.client.watch_batch(request).await.unwrap().into_inner();
    let cancel = v1::CancelBatchRequest { number: 1 };
    // Twice: cancelling a cancelled batch changes nothing.
    for _ in 0..2 {
        let answer = service.client.cancel_batch(cancel).await.unwrap().into_inner();
        assert_eq!(answer.batch.unwrap().state(), v1::BatchState::Cancelled);
    }
    let mut last = None;
    while let Some(message) = stream.message().await.unwrap() {
        last = message.progress;
    }
    assert_eq!(last.unwrap().state(), v1::BatchState::Cancelled);
    let state = service.state().await;
    assert_eq!(
        (state.root, state.batch_number, state.unproved_batches),
        (batch.new_root, 1, 0)
    );

    let resume = v1::ResumeBatchRequest { number: 1 };
    let answer = service.client.resume_batch(resume).await.unwrap().into_inner();
    assert_eq!(answer.batch.unwrap().state(), v1::BatchState::Executed);
    let batch = service.wait_for(1, v1::BatchState::Proving).await;
    assert_eq!(batch.attempts, 1);
    // Resuming what is at work changes nothing.
    let answer = service.client.resume_batch(resume).await.unwrap().into_inner();
    assert_eq!(answer.batch.unwrap().state(), v1::BatchState::Proving);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_proof_makes_way_for_the_next_batch() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, Held::new()).await;
    for nonce in 0..3 {
        service.submit(&[transfer(0, 1, nonce, |_| ())]).await.unwrap();
    }
    service.wait_for(1, v1::BatchState::Proving).await;
    for number in [2, 1] {
        service
            .client
            .cancel_batch(v1::CancelBatchRequest { number })
            .await
            .unwrap();
    }
    service.wait_for(3, v1::BatchState::Proving).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passing_failure_is_tried_again_up_to_the_limit() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.proving.max_attempts = 3;
    let backend = Held::new();
    let mut service = Service::restart(raw, backend.clone()).await;
    // The last told comes first: a panic, then two failures.
    for act in [Act::FailTransiently, Act::FailTransiently, Act::Panic] {
        backend.tell(act);
    }
    service.submit(&[transfer(0, 1, 0, |_| ())]).await.unwrap();
    let events = service.watch(1).await;
    let failures: Vec<_> = events.iter().map(|event| event.failure.as_str()).collect();
    assert!(failures.contains(&"the prover panicked"), "{failures:?}");
    let batch = service.batch(1).await;
    assert_eq!((batch.state(), batch.attempts), (v1::BatchState::Failed, 3));
    assert_eq!(batch.failure, "out of luck");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lasting_failure_is_final_until_resumed() {
    let directory = tempfile::tempdir().unwrap();
    let backend = Held::new();
    let mut service = Service::start(&directory, backend.clone()).await;
    backend.tell(Act::FailForGood);
    service.submit(&[transfer(0, 1, 0, |_| ())]).await.unwrap();
    let last = service.watch(1).await.pop().unwrap();
    assert_eq!(
        (last.state(), last.failure.as_str()),
        (v1::BatchState::Failed, "out of order")
    );

    let refused = service
        .client
        .cancel_batch(v1::CancelBatchRequest { number: 1 })
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).0.as_str()),
        (Code::FailedPrecondition, "ILLEGAL_MOVE")
    );
    service
        .client
        .resume_batch(v1::ResumeBatchRequest { number: 1 })
        .await
        .unwrap();
    let batch = service.wait_for(1, v1::BatchState::Proving).await;
    assert_eq!((batch.attempts, batch.failure.as_str()), (1, ""));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_answered_while_a_proof_is_at_work() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, Held::new()).await;
    service.submit(&[transfer(0, 1, 0, |_| ())]).await.unwrap();
    service.wait_for(1, v1::BatchState::Proving).await;
    let many = async {
        for nonce in 1..20 {
            service.submit(&[transfer(0, 1, nonce, |_| ())]).await.unwrap();
            service.state().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), many).await.unwrap();
    service.stop().await;
}
