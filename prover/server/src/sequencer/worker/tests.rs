//! Panics of the thread, where they hurt most: when a batch is in the store and nobody has been told.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use quittance_circuits::eddsa::SecretKey;
use quittance_circuits::float::FloatAmount;
use quittance_circuits::leaf::Leaf;
use quittance_circuits::tx::{SignedOperation, SignedTransfer, Transfer};
use quittance_circuits::types::{AccountIndex, BatchNumber, Nonce, RootAddress};
use quittance_verifier::Shape;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use super::*;
use crate::config::{Config, RawConfig};
use crate::operation::IdempotencyKey;
use crate::progress::CostModel;
use crate::sequencer::{CheckedOperation, Sequencer, Single, SubmitError, WholeSubmission};

const SHAPE: Shape = Shape::transfers_only(2, 2, 1);

/// Panics as often as it was told to when the thread logs that a batch is executed, which it does between the commit
/// and everything that follows from it.
struct Panics(Arc<AtomicU32>);

impl<S: tracing::Subscriber> Layer<S> for Panics {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        struct Executed(bool);
        impl Visit for Executed {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                self.0 |= field.name() == "message" && format!("{value:?}") == "batch executed";
            }
        }
        let mut executed = Executed(false);
        event.record(&mut executed);
        let once_less = |left: u32| left.checked_sub(1);
        if executed.0
            && self
                .0
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, once_less)
                .is_ok()
        {
            panic!("told to");
        }
    }
}

fn key(index: u32) -> SecretKey {
    SecretKey::from_bytes(&[u8::try_from(index).unwrap() + 1; 32])
}

fn transfer(rollup_id: &Fr, nonce: u32) -> CheckedOperation {
    let transfer = Transfer {
        from: AccountIndex(0),
        to: AccountIndex(1),
        amount: FloatAmount::encode_exact(100).unwrap(),
        fee: 0.into(),
        nonce: Nonce(nonce),
        valid_until: BatchNumber::MAX,
    };
    CheckedOperation::unchecked(SignedOperation::Transfer(SignedTransfer {
        signature: key(0).sign(&transfer.message(rollup_id)),
        transfer,
    }))
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_panic_after_a_commit_loses_neither_the_batch_nor_its_proof_nor_the_queue() {
    let directory = tempfile::tempdir().unwrap();
    let accounts = (0..3).map(|index| {
        let leaf = Leaf::new(key(index).public_key(), 1_000, 0, 1, RootAddress([1; 20])).unwrap();
        (AccountIndex(index), leaf)
    });
    let rollup_id = quittance_verifier::rollup_id(0, [0; 20]);
    let store = Store::create(directory.path(), rollup_id, 2, accounts.collect()).unwrap();
    let store = Arc::new(store);
    let rollup_id = fr_from_bytes_be(&rollup_id).unwrap();

    let mut raw = RawConfig::default();
    raw.rollup.levels = 2;
    raw.keys.allow_development_keys = true;
    raw.fees.leaf = Some(2);
    raw.batching.max_delay_ms = 86_400_000;
    let config = Config::check(raw).unwrap();
    let policy = Policy::new(&config, vec![SHAPE], &store.snapshot().unwrap()).unwrap();
    let policy = Arc::new(policy);
    let jobs = Arc::new(Jobs::new(Arc::new(CostModel::new([(SHAPE, Vec::new())]))));
    let memory = MemoryCheck::new(|_| Ok(()));
    let inbox = Arc::new(Inbox::new());
    let changed = watch::Sender::new(0);
    let sequencer = Sequencer {
        inbox: Arc::clone(&inbox),
        policy: Arc::clone(&policy),
        changes: changed.subscribe(),
    };
    let worker = Worker::new(
        Arc::clone(&store),
        Arc::clone(&jobs),
        policy,
        memory,
        inbox,
        changed,
    )
    .unwrap();
    let panics = Arc::new(AtomicU32::new(0));
    let subscriber = tracing_subscriber::registry().with(Panics(Arc::clone(&panics)));
    let dispatch = tracing::Dispatch::new(subscriber);
    // With a single one, tracing asks only that of the thread which logs first, and other tests' threads have none.
    let _other = tracing::Dispatch::new(tracing_subscriber::registry());
    let thread = thread::spawn(move || tracing::dispatcher::with_default(&dispatch, || worker.run()));

    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let whole = || {
        let key = IdempotencyKey::new(b"whole").unwrap();
        let submission = WholeSubmission::new(vec![transfer(&rollup_id, 0)], Vec::new(), Some(key));
        runtime.block_on(sequencer.submit_whole(submission))
    };
    let singles = |nonces: [u32; 2]| {
        let items = nonces.map(|nonce| Single::new(transfer(&rollup_id, nonce), None));
        runtime.block_on(sequencer.submit(items.into())).unwrap()
    };
    let head = || store.snapshot().unwrap().head();

    // Whoever asked is told, the batch is there, and its proof is asked for.
    panics.store(1, Ordering::SeqCst);
    let error = whole().unwrap_err();
    assert!(matches!(error, SubmitError::Panicked), "{error:?}");
    assert_eq!(head().batch_number, 1);
    wait_until("the proof of batch 1 is queued", || jobs.is_waiting(1));
    let again = whole().unwrap();
    assert_eq!((again.batch.number, again.repeated), (1, true));

    // The same where the thread makes a batch by itself.
    panics.store(1, Ordering::SeqCst);
    assert_eq!(singles([1, 2]).accepted.len(), 2);
    wait_until("the proof of batch 2 is queued", || jobs.is_waiting(2));
    assert_eq!(panics.load(Ordering::SeqCst), 0);

    // The queue goes on from what is in the store.
    let admitted = singles([3, 4]);
    assert_eq!(admitted.accepted.len(), 2, "{admitted:?}");
    wait_until("batch 3 is executed", || jobs.is_waiting(3));
    assert_eq!(
        (head().batch_number, head().queued, head().last_operation),
        (3, 0, 5)
    );
    sequencer.stop();
    thread.join().unwrap();
}
