//! A store that is damaged, or that fails while the service runs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use quittance::batch::{Event, Stage};
use quittance::config::Config;
use quittance::jobs::Jobs;
use quittance::node::{Node, NodeError};
use quittance::policy::PolicyError;
use quittance::progress::CostModel;
use quittance::prover::Prover;
use quittance::sequencer::SubmitError;
use quittance::store::{BlockFile, Store, StoreError};
use quittance_circuits::batch::ApplyError;
use quittance_circuits::state::StateError;
use quittance_proto::v1;
use redb::{ReadableTable, TableDefinition};
use tonic::Code;

use crate::harness::{Held, SHAPE, Service, config, end, genesis, real_backend, submit, transfer};

const LEAVES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("leaves");
const NODES: TableDefinition<'_, u64, &[u8; 32]> = TableDefinition::new("nodes");

/// Changes the closed store through the database itself.
fn damage(directory: &Path, change: impl FnOnce(&redb::WriteTransaction)) {
    let file = BlockFile::open(&directory.join("store/quittance.redb")).unwrap();
    let db = redb::Database::builder().create_with_backend(file).unwrap();
    let txn = db.begin_write().unwrap();
    change(&txn);
    txn.commit().unwrap();
}

/// Flips the lowest bit of a stored balance.
fn flip_balance(directory: &Path, index: u32) {
    damage(directory, |txn| {
        let mut leaves = txn.open_table(LEAVES).unwrap();
        let mut bytes = leaves.get(index).unwrap().unwrap().value().to_vec();
        bytes[64] ^= 1;
        leaves.insert(index, bytes.as_slice()).unwrap();
    });
}

fn open(directory: &Path) -> Arc<Store> {
    let config = Config::check(config(directory)).unwrap();
    Arc::new(Store::open(&config.store_directory, &config.rollup).unwrap())
}

/// Executes one transfer between accounts 0 and 1 and gives the damage that it meets: table and entry.
fn execute_and_meet(directory: &Path) -> (&'static str, String) {
    let store = open(directory);
    let before = store.snapshot().unwrap().head();
    let settings = Config::check(config(directory)).unwrap();
    let place = |error: &StoreError| match error {
        StoreError::Corrupt { table, key, .. } => (*table, key.clone()),
        other => panic!("{other:?}"),
    };
    // The leaf that takes fees is looked at before anything else.
    let (node, threads) = match Node::start(Arc::clone(&store), Held::new(), &settings) {
        Ok(started) => started,
        Err(NodeError::Policy(PolicyError::Store(error))) => return place(&error),
        Err(other) => panic!("{other:?}"),
    };
    let refused = submit(&node, vec![transfer(0, 1, 0, |_| ())]).unwrap_err();
    assert_eq!(store.snapshot().unwrap().head(), before);
    end(&node, threads);
    match refused {
        SubmitError::Store(error) => place(&error),
        SubmitError::Batch(ApplyError::State(StateError::Store(error))) => {
            place(error.downcast_ref().unwrap())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_damaged_leaf_or_node_is_not_executed_on() {
    // The sender, the recipient, and the leaf that takes the fees.
    for index in 0..3 {
        let directory = tempfile::tempdir().unwrap();
        genesis(directory.path());
        flip_balance(directory.path(), index);
        let (table, key) = execute_and_meet(directory.path());
        assert_eq!((table, key), ("leaves", index.to_string()));
    }
    // A sibling of the sender's path; the hashes of the three leaves are what they were.
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    damage(directory.path(), |txn| {
        let mut nodes = txn.open_table(NODES).unwrap();
        let mut bytes = *nodes.get(3).unwrap().unwrap().value();
        bytes[0] ^= 1;
        nodes.insert(3, &bytes).unwrap();
    });
    let (table, key) = execute_and_meet(directory.path());
    assert!(
        table == "nodes" && key.starts_with("path of leaf "),
        "{table} {key}"
    );
    // A leaf that is in another place.
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    damage(directory.path(), |txn| {
        let mut leaves = txn.open_table(LEAVES).unwrap();
        let bytes = leaves.remove(1).unwrap().unwrap().value().to_vec();
        leaves.insert(15, bytes.as_slice()).unwrap();
    });
    assert_eq!(execute_and_meet(directory.path()), ("leaves", "1".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_leaf_is_data_loss_to_clients() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    flip_balance(directory.path(), 1);
    let mut service = Service::restart(config(directory.path()), Held::new()).await;
    let before = service.state().await;
    let refused = service.submit(&[transfer(0, 1, 0, |_| ())]).await.unwrap_err();
    assert_eq!(refused.code(), Code::DataLoss, "{refused:?}");
    assert!(refused.message().contains("table leaves, entry 1"), "{refused:?}");
    let refused = service.single(&transfer(0, 1, 0, |_| ()), "").await.unwrap_err();
    assert_eq!(refused.code(), Code::DataLoss, "{refused:?}");
    assert!(refused.message().contains("table leaves, entry 1"), "{refused:?}");
    let request = |index| v1::GetAccountRequest {
        index,
        include_path: false,
    };
    let refused = service.client.get_account(request(1)).await.unwrap_err();
    assert_eq!(refused.code(), Code::DataLoss, "{refused:?}");
    service.client.get_account(request(0)).await.unwrap();
    assert_eq!(service.state().await, before);
    service.stop().await;
}

/// The end of an attempt could not be stored, so that the batch is still being proved in the store.
#[test]
fn an_attempt_whose_end_was_not_stored_is_repeated() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let settings = Config::check(config(directory.path())).unwrap();
    let store = open(directory.path());
    let (node, threads) = Node::start(Arc::clone(&store), Held::new(), &settings).unwrap();
    submit(&node, vec![transfer(0, 1, 0, |_| ())]).unwrap();
    while store.snapshot().unwrap().batch(1).unwrap().stage != Stage::Proving {
        std::thread::sleep(Duration::from_millis(5));
    }
    node.stop();
    node.jobs().stop_active();
    threads.prover.join().unwrap();
    // Its proof was stopped in order; now it is as after a failed write.
    for (max_attempts, stage) in [(2, Stage::Proved), (1, Stage::Failed)] {
        if stage == Stage::Failed {
            submit(&node, vec![transfer(0, 1, 1, |_| ())]).unwrap();
        }
        let number = store.snapshot().unwrap().head().batch_number;
        store.advance(number, Event::Begin).unwrap();
        let jobs = Arc::new(Jobs::new(Arc::new(CostModel::new([]))));
        let prover = Prover {
            store: Arc::clone(&store),
            jobs: Arc::clone(&jobs),
            backend: real_backend(),
            max_attempts,
        };
        let mut events = jobs.subscribe();
        jobs.enqueue(number, SHAPE);
        let thread = prover.spawn().unwrap();
        loop {
            let event = events.blocking_recv().unwrap();
            if !event.stage.is_active() {
                assert_eq!((event.number, event.stage), (number, stage));
                break;
            }
        }
        jobs.close();
        thread.join().unwrap();
        let batch = store.snapshot().unwrap().batch(number).unwrap();
        assert_eq!(batch.stage, stage);
    }
}

/// Cancelling and resuming at the same time: whatever stands in the store at the end, the queue says the same.
#[test]
fn a_batch_that_is_cancelled_and_resumed_at_once_is_not_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    genesis(directory.path());
    let settings = Config::check(config(directory.path())).unwrap();
    let store = open(directory.path());
    let (node, threads) = Node::start(Arc::clone(&store), Held::new(), &settings).unwrap();
    for nonce in 0..2 {
        submit(&node, vec![transfer(0, 1, nonce, |_| ())]).unwrap();
    }
    // Batch 1 is held by its backend; batch 2 waits, or does not.
    for _ in 0..100 {
        std::thread::scope(|scope| {
            scope.spawn(|| node.cancel(2).unwrap());
            scope.spawn(|| node.resume(2).unwrap());
        });
        let batch = store.snapshot().unwrap().batch(2).unwrap();
        assert_eq!(node.jobs().is_waiting(2), batch.stage == Stage::Executed);
    }
    end(&node, threads);
}
