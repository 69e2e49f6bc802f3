//! Submissions of every kind, restarts and rollbacks in any order, against a model that only adds and subtracts.

mod expected;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quittance::config::Config;
use quittance::node::{Node, Threads};
use quittance::operation::{IdempotencyKey, OperationState, Request};
use quittance::sequencer::{CheckedOperation, Single, SubmitError, WholeSubmission};
use quittance::store::{NewPriority, OperationQuery, Order, Store};
use quittance_circuits::batch::ApplyError;
use quittance_circuits::tx::priority::Priority;
use quittance_circuits::tx::{RuleError, SignedOperation};
use quittance_circuits::types::BatchNumber;

use crate::harness::{
    Held, MIXED, OWNER, config, deposit, end, forced_exit, genesis, key, opening, point, resigned, rotation,
    transfer, withdrawal,
};
use crate::rollback::roll_back;
use expected::Expected;

/// Numbers that are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 % u64::from(limit)).unwrap()
    }

    fn one_of(&mut self, choices: &[u32]) -> u32 {
        let count = u32::try_from(choices.len()).unwrap();
        choices[usize::try_from(self.below(count)).unwrap()]
    }
}

/// What an account that exists is believed to be when all that waits is executed.
#[derive(Clone, Copy, Debug)]
struct Belief {
    nonce: u32,
    /// Number of its key.
    key: u32,
}

type Beliefs = BTreeMap<u32, Belief>;

struct World<'a> {
    directory: &'a Path,
    /// One for all starts: measuring the machine takes its time.
    backend: Arc<Held>,
    numbers: Numbers,
    running: Option<(Arc<Node>, Threads)>,
    runtime: tokio::runtime::Runtime,
    beliefs: Beliefs,
    /// Submissions under keys, with the ids that they were answered with.
    keyed: Vec<(Submission, Vec<u64>)>,
    /// The root chain's queue, with the ids.
    queue: Vec<(Priority, u64)>,
    accepted: u64,
}

#[derive(Clone)]
enum Submission {
    Whole(Vec<SignedOperation>),
    Single(SignedOperation),
}

impl World<'_> {
    fn start(&mut self) {
        let mut raw = config(self.directory);
        raw.batching.max_operations = Some(1 + self.numbers.below(6));
        raw.batching.max_delay_ms = u64::from(self.numbers.one_of(&[1, 5, 86_400_000]));
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

    /// An operation of a kind (0 opening, 1 transfer, 2 withdrawal, 3 rotation), which is believed from then on.
    fn signed(&mut self, kind: u32, beliefs: &mut Beliefs) -> SignedOperation {
        let soon = self.node().snapshot().unwrap().head().batch_number + 1 + self.numbers.below(3);
        let expires = self.numbers.below(6) == 0;
        let until = if expires {
            BatchNumber(soon)
        } else {
            BatchNumber::MAX
        };
        let known: Vec<u32> = beliefs.keys().copied().collect();
        let (from, other) = (self.numbers.one_of(&known), self.numbers.one_of(&known));
        let Belief { nonce, key } = beliefs[&from];
        let mut after = Belief {
            nonce: nonce + 1,
            key,
        };
        let empty = (5..8).find(|leaf| !beliefs.contains_key(leaf));
        let signed = match (kind, empty) {
            (0, Some(to)) => {
                beliefs.insert(to, Belief { nonce: 0, key: to });
                opening(from, to, nonce, |it| it.valid_until = until)
            }
            (2, _) => withdrawal(from, nonce, |it| it.valid_until = until),
            (3, _) => {
                after.key = 9 + self.numbers.below(4);
                rotation(from, after.key, nonce, |it| it.valid_until = until)
            }
            _ => transfer(from, other, nonce, |it| it.valid_until = until),
        };
        beliefs.insert(from, after);
        resigned(key, signed)
    }

    /// Submits something new, under a key of its own.
    fn submit(&mut self) {
        let mut beliefs = self.beliefs.clone();
        let submission = if self.numbers.below(3) == 0 {
            // Each kind at most once, in the order in which they are executed.
            let kinds = 1 + self.numbers.below(15);
            let kinds = (0..4).filter(|kind| kinds >> kind & 1 == 1);
            let mut taken: Vec<SignedOperation> = Vec::new();
            for kind in kinds {
                let signed = self.signed(kind, &mut beliefs);
                taken.push(signed);
            }
            Submission::Whole(taken)
        } else {
            let kind = self.numbers.one_of(&[0, 1, 1, 1, 2, 3]);
            Submission::Single(self.signed(kind, &mut beliefs))
        };
        let key = self.keyed.len();
        match self.send(&submission, key) {
            Ok(ids) => {
                for id in &ids {
                    self.accepted += 1;
                    assert_eq!(*id, self.accepted);
                }
                self.beliefs = beliefs;
                self.keyed.push((submission, ids));
            }
            Err(SubmitError::Rule(error) | SubmitError::Batch(ApplyError::Operation { error, .. })) => {
                match error {
                    // A batch was made in between.
                    RuleError::NotExpired { .. } => {}
                    // What is opened has little, and an exit leaves nothing.
                    RuleError::BalanceCovers { .. } => {}
                    // Something that it counted on was rejected meanwhile.
                    RuleError::NonceMatches { .. }
                    | RuleError::SenderExists { .. }
                    | RuleError::RecipientExists { .. }
                    | RuleError::LeafEmpty { .. }
                    | RuleError::SignatureValid { .. } => self.believe(),
                    error => panic!("{error:?}"),
                }
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    /// The root chain orders something, or its watcher repeats itself.
    fn enter(&mut self) {
        let index = self.queue.len();
        let again = self.numbers.below(3).min(u32::try_from(index).unwrap());
        let first = index - usize::try_from(again).unwrap();
        let leaf = self.numbers.one_of(&[1, 5, 8, 9, 10]);
        let new = match self.numbers.below(4) {
            // Accounts 0 to 4 stay rich.
            0 => forced_exit(leaf.max(5), OWNER),
            _ => deposit(leaf, |_| ()),
        };
        let known = self.queue[first..].iter().map(|(priority, _)| *priority);
        let items = (u64::try_from(first).unwrap()..)
            .zip(known.chain([new]))
            .map(|(index, priority)| NewPriority { index, priority });
        let items: Vec<NewPriority> = items.collect();
        let enrolled = self
            .runtime
            .block_on(self.node().sequencer().enter(items))
            .unwrap();
        assert!(enrolled.refused.is_none(), "{enrolled:?}");
        let (last, before) = enrolled.entered.split_last().unwrap();
        for (entered, (_, id)) in before.iter().zip(&self.queue[first..]) {
            assert!(entered.repeated && entered.operation == *id, "{entered:?}");
        }
        self.accepted += 1;
        assert_eq!((last.operation, last.repeated), (self.accepted, false));
        self.queue.push((new, last.operation));
        if leaf >= 8 && matches!(new, Priority::Deposit(_)) {
            self.beliefs.entry(leaf).or_insert(Belief { nonce: 0, key: leaf });
        }
    }

    /// Reads what is executed, and adds what waits.
    fn believe(&mut self) {
        let state = self.node().snapshot().unwrap();
        self.beliefs.clear();
        for index in (0..16).filter(|index| *index != 3) {
            if let Some(leaf) = state.account(index).unwrap() {
                let number = (0..16).find(|number| key(*number).public_key() == leaf.key);
                let (nonce, key) = (leaf.nonce, number.unwrap());
                self.beliefs.insert(index, Belief { nonce, key });
            }
        }
        let number_of = |wanted| (0..16).find(|number| point(&key(*number)) == wanted).unwrap();
        for operation in state.queued(0, usize::MAX).unwrap() {
            match operation.request {
                Request::Signed(signed) => {
                    let Some(belief) = self.beliefs.get_mut(&signed.from().get()) else {
                        continue;
                    };
                    belief.nonce += 1;
                    match signed {
                        SignedOperation::Rotation(signed) => belief.key = number_of(signed.rotation.key),
                        SignedOperation::Opening(signed) => {
                            let key = number_of(signed.opening.key);
                            self.beliefs
                                .insert(signed.opening.to.get(), Belief { nonce: 0, key });
                        }
                        SignedOperation::Transfer(_) | SignedOperation::Withdrawal(_) => {}
                    }
                }
                Request::Priority(entry) => {
                    let leaf = entry.priority.leaf().get();
                    if leaf >= 8 && matches!(entry.priority, Priority::Deposit(_)) {
                        self.beliefs.entry(leaf).or_insert(Belief { nonce: 0, key: leaf });
                    }
                }
            }
        }
    }

    fn send(&self, submission: &Submission, key: usize) -> Result<Vec<u64>, SubmitError> {
        let key = Some(IdempotencyKey::new(&key.to_le_bytes()).unwrap());
        let sequencer = self.node().sequencer();
        self.runtime.block_on(async {
            match submission {
                Submission::Single(signed) => {
                    let single = Single::new(CheckedOperation::unchecked(*signed), key);
                    let admitted = sequencer.submit(vec![single]).await?;
                    match admitted.refused {
                        Some(error) => Err(error),
                        None => Ok(vec![admitted.accepted[0].operation.id]),
                    }
                }
                Submission::Whole(operations) => {
                    let operations = operations.iter().copied().map(CheckedOperation::unchecked);
                    let submission = WholeSubmission::new(operations.collect(), Vec::new(), key);
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
            let Belief { nonce, key } = self.beliefs[&from];
            let signed = transfer(from, from, nonce, |t| t.valid_until = BatchNumber(last));
            let submission = Submission::Single(resigned(key, signed));
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
        assert_eq!(head.entered, head.executed);
        assert_eq!(usize::try_from(head.entered.next).unwrap(), self.queue.len());
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
        let wholes: Vec<u64> = self
            .keyed
            .iter()
            .filter(|(submission, _)| matches!(submission, Submission::Whole(_)))
            .flat_map(|(_, ids)| ids.clone())
            .collect();
        let expected = Expected::of(&operations, &wholes);
        expected.compare(&state);
        drop(state);
        self.stop();
    }
}

#[test]
fn whatever_happens_every_operation_is_executed_once_or_rejected() {
    let backend = Held::with_shape(MIXED);
    let mut rejected = 0;
    for seed in 1..=6u64 {
        let directory = tempfile::tempdir().unwrap();
        genesis(directory.path());
        let mut world = World {
            directory: directory.path(),
            backend: Arc::clone(&backend),
            numbers: Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            running: None,
            runtime: tokio::runtime::Builder::new_current_thread().build().unwrap(),
            beliefs: BTreeMap::new(),
            keyed: Vec::new(),
            queue: Vec::new(),
            accepted: 0,
        };
        world.start();
        world.believe();
        for _ in 0..80 {
            match world.numbers.below(14) {
                0 => {
                    world.stop();
                    world.start();
                }
                1 => world.roll_back(),
                2 | 3 => world.repeat(),
                4 | 5 => world.enter(),
                _ => world.submit(),
            }
        }
        assert!(world.accepted > 20, "{}", world.accepted);
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
    assert!(rejected >= 6, "{rejected}");
}
