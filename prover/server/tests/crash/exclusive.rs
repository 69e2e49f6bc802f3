//! Two processes on one directory: the second refuses, and the first notices nothing.

use quittance::grpc::operation_to_proto;
use quittance_circuits::tx::Operation;
use quittance_proto::v1;

use crate::accounts::{FOREVER, Signer};
use crate::audit::{audit, settle};
use crate::client::{Answered, connect};
use crate::harness::{Home, run};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_a_store_refuses() {
    let home = Home::new();
    let served = home.serve();
    let mut client = connect(&served.address).await.unwrap();
    let mut answered = Vec::new();
    for (nonce, arguments) in [
        &["serve"][..],
        &["rollback", "--to", "0"],
        &["genesis", "accounts.csv"],
    ]
    .into_iter()
    .enumerate()
    {
        let signed = Signer::new(1, u32::try_from(nonce).unwrap()).transfer(2, 10, 1, FOREVER);
        let request = v1::SubmitBatchRequest {
            operations: vec![operation_to_proto(&signed)],
            ..Default::default()
        };
        let answer = client.submit_batch(request).await.unwrap().into_inner();
        answered.push(Answered {
            operations: vec![Operation::Signed(signed)],
            ids: answer.operation_ids,
            expires: false,
            recovered: false,
        });
        let ended = run(&mut home.command(arguments));
        let store = home.store().display().to_string();
        match arguments[0] {
            "genesis" => ended.failed(2, &[&store, "has a store already"]),
            _ => ended.failed(
                1,
                &[&store, "in use by another process", "stop the other process"],
            ),
        }
        assert_eq!(ended.out, "");
    }
    settle(&served.address).await;
    audit(&served.address, &answered).await;
    assert_eq!(served.terminate().code, Some(0));
    // The lock went with the process.
    assert_eq!(home.serve().terminate().code, Some(0));
}

/// Also a process that was killed leaves nothing locked.
#[test]
fn a_killed_process_leaves_no_lock() {
    let home = Home::new();
    for _ in 0..3 {
        home.serve().kill();
    }
    assert_eq!(home.serve().terminate().code, Some(0));
}
