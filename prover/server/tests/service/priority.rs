//! The root chain's queue: in its order, without gaps, each answered once it is durable, executed with its outcome.

use quittance_circuits::tx::priority::Priority;
use quittance_circuits::types::{AccountIndex, RootAddress, TokenId};
use quittance_proto::v1;
use quittance_verifier::EMPTY_QUEUE;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::batching::NEVER;
use crate::harness::{
    BALANCE, Held, MIXED, OWNER, Service, TOKEN, amount, config, deposit, fields, forced_exit, genesis,
    opening, priority_message, quota, reason, transfer,
};

const STRANGER: RootAddress = RootAddress([0x99; 20]);

/// The messages of a queue's part that begins at this place.
fn messages(first: u64, operations: &[Priority]) -> Vec<v1::SubmitPriorityRequest> {
    (first..)
        .zip(operations)
        .map(|(index, operation)| priority_message(index, operation))
        .collect()
}

/// The running hashes behind each operation of a queue.
fn hashes(operations: &[Priority]) -> Vec<Vec<u8>> {
    let mut hash = EMPTY_QUEUE;
    let mut after = |operation: &Priority| {
        hash = operation.request().hash_after(&hash);
        hash.to_vec()
    };
    operations.iter().map(&mut after).collect()
}

fn outcome(operation: &v1::Operation) -> (bool, u32, u128) {
    let execution = operation.execution.as_ref().unwrap();
    assert_eq!(execution.section(), v1::Section::Priority);
    let outcome = execution.outcome.as_ref().unwrap();
    let amount = u128::from_be_bytes(outcome.amount.as_slice().try_into().unwrap());
    (outcome.done, outcome.token, amount)
}

#[tokio::test(flavor = "multi_thread")]
async fn deposits_and_exits_are_executed_with_their_outcomes() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = 1;
    let mut service = Service::restart(raw, Held::with_shape(MIXED)).await;
    let other = TokenId(TOKEN + 1);
    // Each with whether it has an effect, and the amount that its outcome names.
    let cases = [
        // Opens an account in the upper half, and credits it.
        (deposit(8, |_| ()), true, 500),
        (deposit(8, |d| d.amount = 7), true, 7),
        // Credits any account, whose own key and owner stay.
        (deposit(1, |d| d.owner = RootAddress([0; 20])), true, 500),
        // Opens nothing below, nor without an owner or a key.
        (deposit(5, |_| ()), false, 500),
        (deposit(9, |d| d.owner = RootAddress([0; 20])), false, 500),
        (deposit(9, |d| d.key.x = 1u64.into()), false, 500),
        // Another token, and more than a balance can be.
        (deposit(8, |d| d.token = other), false, 500),
        (deposit(1, |d| d.amount = u128::MAX), false, u128::MAX),
        // Only to the owner, and only what is there.
        (forced_exit(1, STRANGER), false, 0),
        (forced_exit(1, OWNER), true, BALANCE + 500),
        (forced_exit(1, OWNER), true, 0),
        (forced_exit(7, OWNER), false, 0),
    ];
    let operations: Vec<Priority> = cases.iter().map(|(operation, ..)| *operation).collect();
    let (answers, ended) = service.enter(messages(0, &operations)).await;
    ended.unwrap();
    let hashes = hashes(&operations);
    for (index, answer) in (0..).zip(&answers) {
        assert_eq!(
            (answer.index, answer.operation_id, answer.repeated),
            (index, index + 1, false)
        );
    }
    let answered: Vec<_> = answers.iter().map(|answer| answer.queue_hash.clone()).collect();
    assert_eq!(answered, hashes);

    for (answer, (operation, done, amount)) in answers.iter().zip(&cases) {
        let executed = service
            .wait_for_operation(answer.operation_id, v1::OperationState::Executed)
            .await;
        let token = match operation {
            Priority::Deposit(deposit) => deposit.token.get(),
            Priority::ForcedExit(_) if *done => TOKEN,
            Priority::ForcedExit(_) => 0,
        };
        assert_eq!(outcome(&executed), (*done, token, *amount), "{operation:?}");
        let v1::operation::Kind::Priority(message) = executed.kind.unwrap() else {
            panic!("{operation:?}");
        };
        assert_eq!(Some(message), priority_message(answer.index, operation).operation);
    }
    assert_eq!((service.balance(8).await, service.balance(1).await), (507, 0));
    // The queue is at its end, and each batch goes on where the one before stopped.
    let queue = service.queue().await;
    assert_eq!((queue.next_index, queue.next_to_execute), (12, 12));
    assert_eq!((&queue.hash, &queue.executed_hash), (&hashes[11], &hashes[11]));
    let (mut before, mut count) = (EMPTY_QUEUE.to_vec(), 0);
    for number in 1..=service.state().await.batch_number {
        let batch = service.batch(number).await;
        assert_eq!(batch.queue_before, before);
        count += usize::try_from(batch.priority).unwrap();
        assert_eq!(batch.queue_after, hashes[count - 1]);
        before = batch.queue_after;
    }
    assert_eq!(count, 12);
    // The history of an account has them too.
    let request = v1::ListOperationsRequest {
        account: Some(8),
        ..Default::default()
    };
    let list = service
        .client
        .list_operations(request)
        .await
        .unwrap()
        .into_inner();
    let ids: Vec<u64> = list.operations.iter().map(|operation| operation.id).collect();
    assert_eq!(ids, [1, 2, 7]);
    // A deposit's account signs like any other.
    service.single(&transfer(8, 0, 0, |_| ()), "").await.unwrap();
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repetition_is_harmless_and_gaps_and_other_contents_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = NEVER;
    raw.proving.max_unproved_batches = 1;
    let mut service = Service::restart(raw, Held::with_shape(MIXED)).await;
    // A batch that waits for its proof, so that nothing is taken from the queue.
    service.submit(&[transfer(0, 1, 0, |_| ())]).await.unwrap();
    let queue: Vec<Priority> = (8..14).map(|leaf| deposit(leaf, |_| ())).collect();
    let empty = service.queue().await;
    assert_eq!((empty.next_index, empty.next_to_execute), (0, 0));
    assert_eq!((empty.hash, empty.executed_hash), (vec![0; 32], vec![0; 32]));

    let (answers, ended) = service.enter(messages(0, &queue[..3])).await;
    ended.unwrap();
    // The same again, and two more behind them.
    let (again, ended) = service.enter(messages(1, &queue[1..5])).await;
    ended.unwrap();
    let repeated: Vec<bool> = again.iter().map(|answer| answer.repeated).collect();
    assert_eq!(repeated, [true, true, false, false]);
    assert_eq!(
        (again[0].operation_id, &again[0].queue_hash),
        (answers[1].operation_id, &answers[1].queue_hash)
    );
    assert_eq!(again[3].queue_hash, hashes(&queue[..5])[4]);

    let bad_key = {
        let mut message = priority_message(6, &queue[5]);
        match message.operation.as_mut().unwrap().kind.as_mut() {
            Some(v1::priority_operation::Kind::Deposit(deposit)) => deposit.key_y = vec![0xff; 32],
            other => panic!("{other:?}"),
        }
        message
    };
    let no_kind = v1::SubmitPriorityRequest {
        operation: Some(v1::PriorityOperation { index: 6, kind: None }),
    };
    let far = Priority::Deposit(match deposit(8, |_| ()) {
        Priority::Deposit(deposit) => quittance_circuits::tx::priority::Deposit {
            leaf: AccountIndex(16),
            ..deposit
        },
        Priority::ForcedExit(exit) => panic!("{exit:?}"),
    });
    let cases = [
        (
            Code::FailedPrecondition,
            "QUEUE_GAP",
            None,
            priority_message(7, &queue[5]),
        ),
        // However far it goes: the queue is not full.
        (
            Code::FailedPrecondition,
            "QUEUE_GAP",
            None,
            priority_message(u64::MAX, &queue[5]),
        ),
        (
            Code::AlreadyExists,
            "PRIORITY_DIFFERS",
            None,
            priority_message(3, &deposit(11, |d| d.amount = 501)),
        ),
        (
            Code::AlreadyExists,
            "PRIORITY_DIFFERS",
            None,
            priority_message(3, &forced_exit(11, OWNER)),
        ),
        (
            Code::InvalidArgument,
            "MALFORMED",
            Some("operation.deposit.key_y"),
            bad_key,
        ),
        (
            Code::InvalidArgument,
            "MALFORMED",
            Some("operation"),
            v1::SubmitPriorityRequest::default(),
        ),
        (Code::InvalidArgument, "MALFORMED", Some("operation"), no_kind),
        (
            Code::InvalidArgument,
            "RECIPIENT_IN_RANGE",
            Some("operation.deposit.leaf"),
            priority_message(6, &far),
        ),
        (
            Code::InvalidArgument,
            "RECIPIENT_IN_RANGE",
            Some("operation.forced_exit.leaf"),
            priority_message(6, &forced_exit(16, OWNER)),
        ),
    ];
    for (code, rule, field, bad) in cases {
        // What comes before it enters, what comes after it does not.
        let mut stream = messages(4, &queue[4..]);
        stream.push(bad);
        stream.push(priority_message(6, &forced_exit(1, OWNER)));
        let (answers, ended) = service.enter(stream).await;
        assert_eq!(answers.len(), 2, "{rule}");
        let status = ended.unwrap_err();
        assert_eq!(
            (status.code(), fields(&status)),
            (code, field.map(str::to_owned).into_iter().collect()),
            "{status:?}"
        );
        let (got, metadata) = reason(&status);
        assert_eq!(got, rule, "{status:?}");
        assert_eq!(
            (metadata["position"].as_str(), metadata["accepted"].as_str()),
            ("2", "2")
        );
        match rule {
            "QUEUE_GAP" => {
                assert_eq!(metadata["expected"], "6");
                assert!(["7", "18446744073709551615"].contains(&metadata["got"].as_str()));
            }
            "PRIORITY_DIFFERS" => assert_eq!(metadata["index"], "3"),
            _ => {}
        }
        let queue = service.queue().await;
        assert_eq!((queue.next_index, queue.next_to_execute), (6, 0));
    }
    assert_eq!(service.state().await.last_operation, 7);
    // An empty stream asks for nothing.
    let (answers, ended) = service.enter(Vec::new()).await;
    assert!(answers.is_empty() && ended.is_ok());
    service.stop().await;
}

/// The service starts with what waits, whatever a deposit that opens nothing says about a place.
#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_without_effect_leaves_its_place_to_whoever_opens_it() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let waiting = || {
        let mut raw = config(directory.path());
        raw.batching.max_delay_ms = NEVER;
        raw.proving.max_unproved_batches = 1;
        raw
    };
    let mut service = Service::restart(waiting(), Held::with_shape(MIXED)).await;
    // A batch that waits for its proof, so that nothing is taken from the queue.
    service.submit(&[transfer(0, 1, 0, |_| ())]).await.unwrap();
    // In another token, and below the middle of the tree, where no deposit opens anything.
    let failing = deposit(5, |deposit| deposit.token = TokenId(7));
    service.enter(messages(0, &[failing])).await.1.unwrap();
    service.single(&opening(0, 5, 1, |_| ()), "").await.unwrap();
    let spent = transfer(5, 0, 0, |transfer| transfer.amount = amount(50));
    service.single(&spent, "").await.unwrap();
    service.stop().await;

    let mut service = Service::restart(waiting(), Held::with_shape(MIXED)).await;
    let queue = service.queue().await;
    assert_eq!((queue.next_index, queue.next_to_execute), (1, 0));
    assert_eq!(service.state().await.last_operation, 4);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_cut_off_is_resumed_where_the_queue_says() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_delay_ms = NEVER;
    let mut service = Service::restart(raw.clone(), Held::with_shape(MIXED)).await;
    let queue: Vec<Priority> = (8..14).map(|leaf| deposit(leaf, |_| ())).collect();
    // A watcher's stream stays open, and each operation is answered while it is.
    let (sender, receiver) = mpsc::channel(1);
    let open = service.client.submit_priority(ReceiverStream::new(receiver));
    let mut answers = open.await.unwrap().into_inner();
    for (index, operation) in (0..).zip(&queue[..2]) {
        sender.send(priority_message(index, operation)).await.unwrap();
        let answer = answers.message().await.unwrap().unwrap();
        assert_eq!((answer.index, answer.repeated), (index, false));
        // It is there for everybody.
        assert_eq!(service.queue().await.next_index, index + 1);
    }
    // The service goes away, and says so.
    service.stop().await;
    let status = answers.message().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    drop(sender);

    let mut service = Service::restart(raw, Held::with_shape(MIXED)).await;
    let next = service.queue().await.next_index;
    assert_eq!(next, 2);
    // A careful watcher begins earlier.
    let (answers, ended) = service.enter(messages(next - 1, &queue[1..])).await;
    ended.unwrap();
    let repeated = answers.iter().filter(|answer| answer.repeated).count();
    assert_eq!((answers.len(), repeated), (5, 1));
    assert_eq!(answers[4].queue_hash, hashes(&queue)[5]);
    // One that leaves without a word leaves what it has sent.
    let (sender, receiver) = mpsc::channel(1);
    let open = service.client.submit_priority(ReceiverStream::new(receiver));
    let mut answers = open.await.unwrap().into_inner();
    sender
        .send(priority_message(6, &forced_exit(1, OWNER)))
        .await
        .unwrap();
    answers.message().await.unwrap().unwrap();
    drop((sender, answers));
    assert_eq!(service.queue().await.next_index, 7);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_is_ended() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.service.request_timeout_ms = 300;
    raw.batching.max_delay_ms = NEVER;
    let mut service = Service::restart(raw, Held::with_shape(MIXED)).await;
    let (sender, receiver) = mpsc::channel(1);
    let open = service.client.submit_priority(ReceiverStream::new(receiver));
    let mut answers = open.await.unwrap().into_inner();
    sender
        .send(priority_message(0, &deposit(8, |_| ())))
        .await
        .unwrap();
    answers.message().await.unwrap().unwrap();
    let status = answers.message().await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    assert_eq!(reason(&status).1["accepted"], "1");
    drop(sender);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_refused_and_clients_keep_their_own_room() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let mut raw = config(directory.path());
    raw.batching.max_queued = 3;
    raw.batching.max_delay_ms = NEVER;
    raw.proving.max_unproved_batches = 1;
    let mut service = Service::restart(raw, Held::with_shape(MIXED)).await;
    // A batch that waits for its proof, so that nothing is taken from the queue.
    service.submit(&[transfer(0, 1, 0, |_| ())]).await.unwrap();
    let queue: Vec<Priority> = (8..12).map(|leaf| deposit(leaf, |_| ())).collect();
    let (answers, ended) = service.enter(messages(0, &queue)).await;
    assert_eq!(answers.len(), 3);
    assert_eq!(quota(&ended.unwrap_err()), "batching.max_queued");
    // What has entered may be sent again all the same.
    let (answers, ended) = service.enter(messages(0, &queue[..3])).await;
    ended.unwrap();
    assert!(answers.iter().all(|answer| answer.repeated));
    let signed: Vec<_> = (1..5).map(|nonce| transfer(0, 1, nonce, |_| ())).collect();
    let status = service.stream(&signed).await.unwrap_err();
    assert_eq!(
        (quota(&status).as_str(), reason(&status).1["accepted"].as_str()),
        ("batching.max_queued", "3")
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_such_slots_refuses() {
    let directory = tempfile::tempdir().unwrap();
    let mut service = Service::start(&directory, Held::new()).await;
    let (answers, ended) = service.enter(messages(0, &[deposit(8, |_| ())])).await;
    assert!(answers.is_empty());
    let status = ended.unwrap_err();
    assert_eq!(quota(&status), "shape");
    assert!(
        status.message().contains("no loaded shape has a slot"),
        "{status:?}"
    );
    let opening = crate::harness::opening(0, 5, 0, |_| ());
    let single = service.single(&opening, "").await.unwrap_err();
    let batch = service.submit(&[opening]).await.unwrap_err();
    for status in [single, batch] {
        assert_eq!(quota(&status), "shape", "{status:?}");
    }
    assert_eq!(service.queue().await.next_index, 0);
    service.stop().await;
}
