//! Submissions, restarts and rollbacks in any order, against a model that only adds and subtracts.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quittance::config::Config;
use quittance::node::{Node, Threads};
use quittance::operation::{IdempotencyKey, Operation, OperationState};
use quittance::sequencer::{CheckedOperation, Single, SubmitError, WholeSubmission};
use quittance::store::{OperationQuery, Order, Store};
use quittance_circuits::batch::ApplyError;
use quittance_circuits::tx::transfer::{SignedTransfer, TransferError};
use quittance_circuits::types::BatchNumber;

use crate::harness::{BALANCE, Held, OPERATOR, config, end, genesis, transfer};
use crate::rollback::roll_back;

/// Accounts of one token.
const ACCOUNTS: [u32; 4] = [0, 1, 2, 4];

/// Numbers that are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 % u64::from(limit)).unwrap()
    }
}

struct World<'a> {
    directory: &'a Path,
    /// One for all starts: measuring the machine takes its time.
    backend: Arc<Held>,
    numbers: Numbers,
    running: Option<(Arc<Node>, Threads)>,
    runtime: tokio::runtime::Runtime,
    /// The nonce that each account is believed to have.
    nonces: BTreeMap<u32, u32>,
    /// Submissions under keys, with the ids that they were answered with.
    keyed: Vec<(WholeOrSingle, Vec<u64>)>,
    accepted: u64,
}

#[derive(Clone)]
enum WholeOrSingle {
    Whole(Vec<SignedTransfer>),
    Single(SignedTransfer),
}

impl World<'_> {
    fn start(&mut self) {
        let mut raw = config(self.directory);
        raw.batching.max_operations = Some(1 + self.numbers.below(2));
        raw.batching.max_delay_ms = [1, 5, 86_400_000][usize::try_from(self.numbers.below(3)).unwrap()];
        raw.proving.max_unproved_batches = 10_000;
        self.start_with(raw);
    }

    fn start_with(&mut self, raw: quittance::config::RawConfig) {
        let config = Config::check(raw).unwrap();
        let store = Store::open(&config.store_directory, &config.rollup).unwrap();
        self.running = Some(Node::start(Arc::new(store), self.backend.clone(), &config).unwrap());
    }

    fn stop(&mut self) {
        let (node, threads) = self.running.take().unwrap();
        end(&node, threads);
    }

    fn node(&self) -> &Arc<Node> {
        &self.running.as_ref().unwrap().0
    }

    fn signed(&mut self, nonces: &mut BTreeMap<u32, u32>) -> SignedTransfer {
        let account = |numbers: &mut Numbers| ACCOUNTS[usize::try_from(numbers.below(4)).unwrap()];
        let (from, to) = (account(&mut self.numbers), account(&mut self.numbers));
        let nonce = nonces.entry(from).or_default();
        let soon = self.node().snapshot().unwrap().head().batch_number + 1 + self.numbers.below(3);
        let expires = self.numbers.below(4) == 0;
        *nonce += 1;
        transfer(from, to, *nonce - 1, |t| {
            if expires {
                t.valid_until = BatchNumber(soon);
            }
        })
    }

    /// Submits something new, under a key of its own.
    fn submit(&mut self) {
        let mut nonces = self.nonces.clone();
        let submission = if self.numbers.below(3) == 0 {
            let count = 1 + self.numbers.below(2);
            WholeOrSingle::Whole((0..count).map(|_| self.signed(&mut nonces)).collect())
        } else {
            WholeOrSingle::Single(self.signed(&mut nonces))
        };
        let key = self.keyed.len();
        match self.send(&submission, key) {
            Ok(ids) => {
                for id in &ids {
                    self.accepted += 1;
                    assert_eq!(*id, self.accepted);
                }
                self.nonces = nonces;
                self.keyed.push((submission, ids));
            }
            // Something that it counted on was rejected meanwhile.
            Err(
                SubmitError::Transfer(TransferError::NonceMatches { .. })
                | SubmitError::Batch(ApplyError::Transfer {
                    error: TransferError::NonceMatches { .. },
                    ..
                }),
            ) => self.believe(),
            // A batch was made in between.
            Err(
                SubmitError::Transfer(TransferError::NotExpired { .. })
                | SubmitError::Batch(ApplyError::Transfer {
                    error: TransferError::NotExpired { .. },
                    ..
                }),
            ) => {}
            Err(error) => panic!("{error:?}"),
        }
    }

    /// Reads the nonces: what was executed, and what waits.
    fn believe(&mut self) {
        let state = self.node().snapshot().unwrap();
        for account in ACCOUNTS {
            let executed = state.account(account).unwrap().unwrap().nonce;
            self.nonces.insert(account, executed);
        }
        for operation in state.queued(0, usize::MAX).unwrap() {
            *self
                .nonces
                .entry(operation.signed.transfer.from.get())
                .or_default() += 1;
        }
    }

    fn send(&self, submission: &WholeOrSingle, key: usize) -> Result<Vec<u64>, SubmitError> {
        let key = Some(IdempotencyKey::new(&key.to_le_bytes()).unwrap());
        let sequencer = self.node().sequencer();
        self.runtime.block_on(async {
            match submission {
                WholeOrSingle::Single(signed) => {
                    let single = Single::new(CheckedOperation::unchecked(*signed), key);
                    let admitted = sequencer.submit(vec![single]).await?;
                    match admitted.refused {
                        Some(error) => Err(error),
                        None => Ok(vec![admitted.accepted[0].operation.id]),
                    }
                }
                WholeOrSingle::Whole(transfers) => {
                    let transfers = transfers.iter().copied().map(CheckedOperation::unchecked);
                    let submission = WholeSubmission::new(transfers.collect(), Vec::new(), key);
                    let result = sequencer.submit_whole(submission).await?;
                    let first = result.first_operation;
                    Ok((first..first + u64::from(result.operations)).collect())
                }
            }
        })
    }

    /// Sends something again that was accepted: the same ids, or a word on why there is no batch any more.
    fn repeat(&mut self) {
        if self.keyed.is_empty() {
            return;
        }
        let count = u32::try_from(self.keyed.len()).unwrap();
        let which = usize::try_from(self.numbers.below(count)).unwrap();
        let (submission, ids) = self.keyed[which].clone();
        match self.send(&submission, which) {
            Ok(again) => assert_eq!(again, ids),
            Err(SubmitError::QueuedAgain { first_operation, .. }) => assert_eq!(first_operation, ids[0]),
            Err(SubmitError::RejectedLater { operation, .. }) => assert_eq!(operation, ids[0]),
            Err(error) => panic!("{error:?}"),
        }
        let head = self.node().snapshot().unwrap().head();
        assert_eq!(head.last_operation, self.accepted);
    }

    fn roll_back(&mut self) {
        let last = self.node().snapshot().unwrap().head().batch_number;
        let to = last.saturating_sub(self.numbers.below(4));
        self.stop();
        roll_back(self.directory, to);
        self.start();
        self.believe();
    }

    /// Lets a transfer wait behind another one that takes its last batch.
    fn expire(&mut self) {
        self.stop();
        let mut raw = config(self.directory);
        let store = Store::open_any(&raw.store.directory).unwrap();
        let batches = store.snapshot().unwrap().head().batch_number;
        drop(store);
        // No proof was made, so that there is room for no batch.
        raw.proving.max_unproved_batches = batches.max(1);
        self.start_with(raw);
        self.believe();
        for (from, last) in [(0, u32::MAX), (1, batches + 1)] {
            let nonce = self.nonces[&from];
            let signed = transfer(from, from, nonce, |t| t.valid_until = BatchNumber(last));
            let submission = WholeOrSingle::Single(signed);
            let ids = self.send(&submission, self.keyed.len()).unwrap();
            self.keyed.push((submission, ids));
            self.accepted += 1;
        }
    }

    /// Executes all that waits, and compares everything with the model.
    fn settle(&mut self) {
        self.stop();
        let mut raw = config(self.directory);
        raw.batching.max_delay_ms = 1;
        raw.batching.max_operations = Some(1);
        raw.proving.max_unproved_batches = 10_000;
        self.start_with(raw);
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.node().snapshot().unwrap().head().queued > 0 {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(5));
        }
        let state = self.node().snapshot().unwrap();
        let head = state.head();
        assert_eq!(
            (head.last_operation, head.next_operation),
            (self.accepted, self.accepted + 1)
        );
        let query = OperationQuery {
            account: None,
            stage: None,
            from: None,
            order: Order::OldestFirst,
            limit: usize::MAX,
            visits: usize::MAX,
        };
        let (operations, _) = state.operations(&query).unwrap();
        assert_eq!(operations.len(), usize::try_from(self.accepted).unwrap());
        let place = |operation: &Operation| match operation.state {
            OperationState::Executed { batch, position } => Some((batch, position)),
            OperationState::Rejected(_) => None,
            OperationState::Queued => panic!("{operation:?}"),
        };
        // In the order of ids, each place of each batch once, without gaps.
        let mut expected = (1, 0);
        let mut accounts: BTreeMap<u32, (u128, u32)> =
            ACCOUNTS.iter().map(|index| (*index, (BALANCE, 0))).collect();
        for operation in &operations {
            let Some((batch, position)) = place(operation) else {
                continue;
            };
            if batch == expected.0 + 1 {
                assert_eq!(state.batch(expected.0).unwrap().transfers, expected.1);
                expected = (batch, 0);
            }
            assert_eq!((batch, position), expected, "{operation:?}");
            expected.1 += 1;
            let transfer = &operation.signed.transfer;
            let sender = accounts.get_mut(&transfer.from.get()).unwrap();
            assert_eq!(transfer.nonce.get(), sender.1, "{operation:?}");
            assert!(transfer.valid_until.get() >= batch);
            let (amount, fee) = (
                transfer.amount.checked_value().unwrap(),
                transfer.fee.checked_value().unwrap(),
            );
            *sender = (sender.0 - amount - fee, sender.1 + 1);
            accounts.get_mut(&transfer.to.get()).unwrap().0 += amount;
            accounts.get_mut(&OPERATOR).unwrap().0 += fee;
        }
        if head.batch_number > 0 {
            assert_eq!(expected.0, head.batch_number);
        }
        let mut total = 0;
        for (index, (balance, nonce)) in accounts {
            let leaf = state.account(index).unwrap().unwrap();
            assert_eq!((leaf.balance, leaf.nonce), (balance, nonce), "account {index}");
            total += balance;
        }
        assert_eq!(total, 4 * BALANCE);
        drop(state);
        self.stop();
    }
}

#[test]
fn whatever_happens_every_operation_is_executed_once_or_rejected() {
    let backend = Held::new();
    let mut rejected = 0;
    for seed in 1..=4u64 {
        let directory = tempfile::tempdir().unwrap();
        genesis(directory.path());
        let mut world = World {
            directory: directory.path(),
            backend: Arc::clone(&backend),
            numbers: Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            running: None,
            runtime: tokio::runtime::Builder::new_current_thread().build().unwrap(),
            nonces: BTreeMap::new(),
            keyed: Vec::new(),
            accepted: 0,
        };
        world.start();
        for _ in 0..50 {
            match world.numbers.below(12) {
                0 => {
                    world.stop();
                    world.start();
                }
                1 => world.roll_back(),
                2 | 3 => world.repeat(),
                _ => world.submit(),
            }
        }
        assert!(world.accepted > 10, "{}", world.accepted);
        world.expire();
        world.settle();
        let store = Store::open(
            &directory.path().join("store"),
            &Config::check(config(directory.path())).unwrap().rollup,
        );
        let state = store.unwrap();
        let state = state.snapshot().unwrap();
        rejected += (1..=world.accepted)
            .filter(|id| matches!(state.operation(*id).unwrap().state, OperationState::Rejected(_)))
            .count();
    }
    // At least the last one of each world, which expired.
    assert!(rejected >= 4, "{rejected}");
}
