//! A disk without space: what cannot be stored is refused, the service ends and says so, and nothing accepted is lost.

use std::path::Path;
use std::process::Command;

use quittance::grpc::operation_to_proto;
use quittance_circuits::tx::{Operation, SignedOperation};
use quittance_proto::v1;
use tonic::transport::Endpoint;
use tonic::{Code, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_types::StatusExt;

use crate::accounts::{FOREVER, Signer};
use crate::audit::{audit, settle};
use crate::client::{Answered, connect, is_passing};
use crate::harness::{Ended, Home, Served};
use crate::mount::Mount;

/// Most requests until the disk has to be full.
const REQUESTS: u32 = 2_000;

fn signed(number: u32) -> SignedOperation {
    Signer::new(1, number).transfer(2, 10, 1, FOREVER)
}

/// The request of this number, always the same.
fn request(number: u32) -> v1::SubmitBatchRequest {
    v1::SubmitBatchRequest {
        operations: vec![operation_to_proto(&signed(number))],
        fee_slots: Vec::new(),
        idempotency_key: format!("request {number}").into_bytes(),
    }
}

/// What came of requests until the service ended.
struct Outcome {
    answered: Vec<Answered>,
    /// The refusal that ended it.
    refused: Status,
    health: Vec<ServingStatus>,
    ended: Ended,
}

/// Submits until the service fails.
async fn submit_until_full(served: Served) -> Outcome {
    let health = tokio::spawn(watch_health(served.address.clone()));
    let mut answered = Vec::new();
    let mut client = connect(&served.address).await.unwrap();
    let refused = loop {
        let number = u32::try_from(answered.len()).unwrap();
        assert!(number < REQUESTS, "the disk is never full");
        let request = request(number);
        match client.submit_batch(request).await {
            Ok(answer) => answered.push(Answered {
                operations: vec![Operation::Signed(signed(number))],
                ids: answer.into_inner().operation_ids,
                expires: false,
                recovered: false,
            }),
            // Too many batches wait for their proofs.
            Err(status) if status.code() == Code::ResourceExhausted => {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            Err(status) => break status,
        }
    };
    let ended = tokio::task::spawn_blocking(|| served.end()).await.unwrap();
    Outcome {
        answered,
        refused,
        health: health.await.unwrap(),
        ended,
    }
}

/// What the service says of its health until it ends.
async fn watch_health(address: String) -> Vec<ServingStatus> {
    let channel = Endpoint::from_shared(address).unwrap().connect().await.unwrap();
    let mut client = HealthClient::new(channel);
    let request = HealthCheckRequest {
        service: "quittance.v1.Quittance".to_owned(),
    };
    let mut statuses = client.watch(request).await.unwrap().into_inner();
    let mut said = Vec::new();
    while let Ok(Some(HealthCheckResponse { status })) = statuses.message().await {
        said.push(ServingStatus::try_from(status).unwrap());
    }
    said
}

impl Outcome {
    /// The service refused in an orderly way and said what to do.
    fn check(&self) {
        let Self { refused, health, .. } = self;
        assert!(is_passing(refused), "{refused:?}");
        assert_eq!(health.first(), Some(&ServingStatus::Serving));
        assert_eq!(health.last(), Some(&ServingStatus::NotServing), "{health:?}");
        self.ended.failed(1, &["the store failed", "free disk space"]);
    }

    /// The request that could not be stored was refused as such, and not just cut off.
    fn check_refusal(&self) {
        let refused = &self.refused;
        assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
        let details = refused.get_error_details();
        assert!(details.retry_info().is_some(), "{refused:?}");
        let said = refused.message();
        assert!(
            said.contains("No space left") || said.contains("File too large"),
            "{refused:?}"
        );
    }
}

/// There is space again: repeated requests give the first results, and everything is there once.
async fn recover(home: &Home, mut answered: Vec<Answered>) {
    let served = home.serve();
    let mut client = connect(&served.address).await.unwrap();
    let more = u32::try_from(answered.len()).unwrap() + 2;
    for number in 0..more {
        let sent = request(number);
        let answer = loop {
            match client.submit_batch(sent.clone()).await {
                Ok(answer) => break answer.into_inner(),
                Err(status) => assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}"),
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        };
        match answered.get(usize::try_from(number).unwrap()) {
            Some(first) => {
                assert!(answer.repeated);
                assert_eq!(answer.operation_ids, first.ids);
            }
            None => answered.push(Answered {
                operations: vec![Operation::Signed(signed(number))],
                ids: answer.operation_ids,
                expires: false,
                recovered: answer.repeated,
            }),
        }
    }
    settle(&served.address).await;
    audit(&served.address, &answered).await;
    assert_eq!(served.terminate().code, Some(0));
}

/// A command whose files cannot grow beyond this many bytes.
fn limited(command: &Command, bytes: u64) -> Command {
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", bytes / 512);
    let mut limited = Command::new("sh");
    limited.args(["-c", &script, "sh"]).arg(command.get_program());
    limited.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        limited.current_dir(directory);
    }
    limited
}

/// The end of what is in use at the file's beginning: the next new page comes there.
fn used(file: &Path) -> u64 {
    let bytes = std::fs::read(file).unwrap();
    let pages: Vec<bool> = bytes
        .chunks(4096)
        .map(|page| page.iter().any(|byte| *byte != 0))
        .collect();
    let used = pages.iter().take_while(|used| **used).count();
    u64::try_from(used * 4096).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_grow_ends_the_service_and_loses_nothing() {
    for more in [0, 60_000] {
        let home = Home::new();
        let limit = used(&home.file()) + more;
        let served = home.start(limited(&home.command(&["serve"]), limit)).unwrap();
        let outcome = submit_until_full(served).await;
        outcome.check();
        if more == 0 {
            // Nothing at all could be written, so that it was the request itself that failed.
            outcome.check_refusal();
            assert!(outcome.answered.is_empty());
        }
        recover(&home, outcome.answered).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_ends_the_service_and_loses_nothing_where_one_may_be_mounted() {
    for more in [0, 30] {
        let Some(disk) = Mount::new("size=64m") else {
            println!(
                "SKIPPED: no file system may be mounted here; a_file_that_cannot_grow_ends_the_service_and_loses_nothing \
                 stands for it"
            );
            return;
        };
        let home = Home::with_new_store_at(&disk.path().join("store"));
        let pages = disk.used_pages() + more;
        disk.remount(&format!("size={}k", pages * 4));
        let served = home.serve();
        let outcome = submit_until_full(served).await;
        outcome.check();
        if more == 0 {
            outcome.check_refusal();
        }
        disk.remount("size=64m");
        recover(&home, outcome.answered).await;
    }
}

#[test]
fn commands_on_a_full_disk_leave_nothing_behind() {
    let home = Home::without_store();
    let genesis = limited(&home.command(&["genesis", "accounts.csv"]), 16_384);
    let ended = crate::harness::run(&mut { genesis });
    ended.failed(1, &["store", "ulimit -f"]);
    assert!(!home.store().exists(), "{ended:?}");
    let setup = limited(
        &home.command(&["setup", "--shape", crate::harness::SHAPE, "--keys", "keys"]),
        16_384,
    );
    let ended = crate::harness::run(&mut { setup });
    ended.failed(1, &["keys"]);
    let left: Vec<_> = std::fs::read_dir(home.path().join("keys"))
        .into_iter()
        .flatten()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
