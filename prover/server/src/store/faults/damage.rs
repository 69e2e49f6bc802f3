//! Single flipped bits anywhere in the file: what is read is right, or is refused.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::scenario::{all_transactions, batch, key, transfer};
use super::{Disk, Numbers, open, open_as_large};
use crate::batch::Event;
use crate::operation::{Entry, IdempotencyKey, Request};
use crate::store::{BlockError, NewOperation, NewPriority, OperationQuery, Order, Store, StoreError};

/// Size of a page of the database.
const PAGE: usize = 4096;
/// The page of the file with the database's own header.
const HEADER: usize = 2;
/// Flips in each page that is in use.
const FLIPS: usize = 12;

/// One call and what it gave; `None` if it was refused.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    call: String,
    gave: Option<String>,
}

/// Calls a store and writes down the answers.
#[derive(Default)]
struct Transcript(Vec<Answer>);

impl Transcript {
    fn note<T: Debug>(&mut self, call: impl ToString, result: Result<T, StoreError>) -> Option<T> {
        self.0.push(Answer {
            call: call.to_string(),
            gave: result.as_ref().ok().map(|value| format!("{value:?}")),
        });
        result.ok()
    }
}

/// Opens the store and uses it.
fn open_and_use(bytes: Vec<u8>) -> Transcript {
    let mut said = Transcript::default();
    let disk = Disk::new(bytes, None);
    if let Some(store) = said.note("open", open(&disk).inspect_err(check)) {
        use_everything(&store, &mut said);
    }
    said
}

/// Opens the store, and uses it after a bit of the file was flipped.
fn use_flipped(bytes: Vec<u8>, byte: usize, bit: usize) -> Transcript {
    let mut said = Transcript::default();
    let disk = Disk::new(bytes, None);
    let store = said.note("open", open_as_large(&disk)).unwrap();
    disk.flip(byte, bit);
    use_everything(&store, &mut said);
    said
}

/// Reads everything of the store, then writes: accepts, executes, proves, takes back.
fn use_everything(store: &Store, said: &mut Transcript) {
    read_everything(store, said);
    let item = NewOperation {
        signed: transfer(0, 1, 2),
        accepted_at_ms: 1,
        keyed: None,
    };
    said.note("accept", store.accept(vec![item]).inspect_err(check));
    let again = store.snapshot().and_then(|state| state.priority(1));
    if let Ok(Some(Request::Priority(entry))) = again.map(|found| found.map(|found| found.request)) {
        let Entry { index, priority, .. } = entry;
        let items = [index, index + 1, index + 2, index + 3].map(|index| NewPriority { index, priority });
        said.note("enter one again", store.enter(&items[..1], 1).inspect_err(check));
        said.note("enter another", store.enter(&items[3..], 1).inspect_err(check));
    }
    // What was rolled back waits at the front of the queue: operations of the root chain.
    let front = store.snapshot().and_then(|state| state.queued(0, 2));
    let requests: Vec<_> = front
        .iter()
        .flatten()
        .map(|operation| operation.request)
        .collect();
    if let Some((batch, applied, changes)) = batch(store, &requests, 7) {
        let stored = store.commit_queued(&batch, &applied, &changes, &[]);
        said.note("commit", stored.inspect_err(check));
        said.note(
            "begin",
            store.advance(batch.number, Event::Begin).inspect_err(check),
        );
        let finish = Event::Finish {
            at_ms: 1,
            phases: Vec::new(),
        };
        said.note(
            "prove",
            store
                .store_proof(batch.number, finish, &[3; 600])
                .inspect_err(check),
        );
    }
    said.note("rollback", store.rollback(1).inspect_err(check));
    read_everything(store, said);
}

/// A refusal says that the file is damaged, or that the store takes no more work; never that waiting helps.
fn check(error: &StoreError) {
    assert!(!error.is_transient(), "{error}");
    let expected = error.is_corruption()
        || error.is_fatal()
        || matches!(
            error,
            StoreError::Database(_)
                | StoreError::State(_)
                | StoreError::Format { .. }
                | StoreError::NoBatch { .. }
                | StoreError::NotNext { .. }
                | StoreError::Mismatch { .. }
                | StoreError::Move(_)
        );
    assert!(expected, "{error:?}");
}

fn read_everything(store: &Store, said: &mut Transcript) {
    let Some(state) = said.note("snapshot", store.snapshot()) else {
        return;
    };
    let head = state.head();
    said.note("head", Ok(head));
    said.note("accounts", state.account_count());
    for index in [0, 1, 2, 3, 5, 9] {
        said.note(format!("account {index}"), state.account(index));
        said.note(format!("path {index}"), state.path(index));
        let key = key(index).public_key();
        said.note(format!("accounts of {index}"), state.accounts_of(&key, 0, 9));
        let query = OperationQuery {
            account: (index != 3).then_some(index),
            stage: None,
            from: None,
            order: Order::OldestFirst,
            limit: 99,
            visits: 99,
        };
        said.note(format!("operations of {index}"), state.operations(&query));
    }
    for id in 1..=16 {
        said.note(format!("operation {id}"), state.operation(id));
        said.note(format!("whole {id}"), state.whole_at(id));
    }
    for index in 0..4 {
        said.note(format!("priority operation {index}"), state.priority(index));
    }
    for number in 1..=4 {
        let batch = said.note(format!("batch {number}"), state.batch(number));
        said.note(format!("proof {number}"), state.proof(number));
        if let Some(batch) = batch {
            said.note(format!("inputs {number}"), state.applied(&batch));
        }
    }
    said.note("batches", state.batches(1, None, 99, 99));
    said.note("queued", state.queued(0, 99));
    said.note("pending", state.pending());
    for name in ["queued 0", "queued 1", "whole", "first 0"] {
        let key = IdempotencyKey::new(name.as_bytes()).unwrap();
        said.note(format!("key {name}"), state.remembered(&key));
    }
}

/// How many calls were not refused.
fn answered(said: &Transcript) -> usize {
    said.0.iter().filter(|answer| answer.gave.is_some()).count()
}

/// What was answered otherwise than by the sound store, and not refused.
fn wrong_answers(sound: &Transcript, got: &Transcript) -> Vec<String> {
    let mut wrong = Vec::new();
    for answer in &got.0 {
        let Some(gave) = &answer.gave else { continue };
        let right = sound
            .0
            .iter()
            .any(|sound| sound.call == answer.call && sound.gave.as_ref() == Some(gave));
        if !right {
            wrong.push(format!("{}: {gave}", answer.call));
        }
    }
    wrong
}

#[test]
fn a_flipped_bit_is_refused_or_changes_nothing() {
    flip_bits(|mut image, byte, bit| {
        image[byte] ^= 1 << bit;
        open_and_use(image)
    });
}

/// After a kill, redb's own header is in use: which of its commits counts is a single bit there.
#[test]
fn a_flipped_bit_after_a_kill_is_refused_or_changes_nothing() {
    let (image, _) = after_all_steps(true);
    let sound = open_and_use(image.clone());
    let header = HEADER * PAGE..HEADER * PAGE + 320;
    let records = [2048..2048 + 24, 2560..2560 + 24].into_iter().flatten();
    let mut refused = 0;
    let mut flips = 0;
    for byte in header.chain(records) {
        for bit in 0..8 {
            let mut image = image.clone();
            image[byte] ^= 1 << bit;
            let got = open_and_use(image);
            assert_eq!(wrong_answers(&sound, &got), [""; 0], "byte {byte}, bit {bit}");
            refused += usize::from(answered(&got) < answered(&sound));
            flips += 1;
        }
    }
    println!("{flips} flips, {refused} refused");
    assert!(refused * 4 > flips, "{refused} of {flips}");
}

/// As a disk does that loses a write: the block with the database's header is an older one.
#[test]
fn an_older_header_is_refused() {
    for killed in [true, false] {
        let (image, older) = after_all_steps(killed);
        let header = HEADER * PAGE..(HEADER + 1) * PAGE;
        let sound = open_and_use(image.clone());
        assert!(older.len() > 20);
        for older in older {
            let mut image = image.clone();
            let same = image[header.clone()] == older;
            image[header.clone()].copy_from_slice(&older);
            match open(&Disk::new(image.clone(), None)) {
                Ok(_) => {
                    // The last header of all, or one that names the same commit.
                    let got = open_and_use(image);
                    assert_eq!(wrong_answers(&sound, &got), [""; 0], "killed: {killed}");
                }
                Err(error) => {
                    assert!(!same);
                    assert!(
                        matches!(error, StoreError::Blocks(BlockError::Older)) || error.is_corruption(),
                        "{error:?}"
                    );
                }
            }
        }
    }
}

/// The file after every transaction, the store closed or killed, and the header's block as it was after each step.
fn after_all_steps(killed: bool) -> (Vec<u8>, Vec<Vec<u8>>) {
    let scenario = all_transactions();
    let disk = Disk::new(scenario.image, None);
    let store = open(&disk).unwrap();
    let mut headers = Vec::new();
    for step in &scenario.steps {
        headers.push(disk.surviving()[HEADER * PAGE..][..PAGE].to_vec());
        (step.run)(&store).unwrap();
    }
    let image = disk.surviving();
    drop(store);
    if killed {
        (image, headers)
    } else {
        (disk.surviving(), headers)
    }
}

/// Nothing is compared at the start here, but each block when it is read, as in a large file.
#[test]
fn a_bit_that_flips_in_an_open_store_is_refused_or_changes_nothing() {
    flip_bits(use_flipped);
}

fn flip_bits(flipped: fn(Vec<u8>, usize, usize) -> Transcript) {
    let (image, _) = after_all_steps(false);
    let sound = open_and_use(image.clone());
    assert!(
        sound
            .0
            .iter()
            .any(|answer| answer.call == "prove" && answer.gave.is_some())
    );

    let used =
        (0..image.len() / PAGE).filter(|page| image[page * PAGE..][..PAGE].iter().any(|byte| *byte != 0));
    let mut numbers = Numbers::new(11);
    let mut below = |limit: usize| usize::try_from(numbers.below(u64::try_from(limit).unwrap())).unwrap();
    let mut places = Vec::new();
    for page in used {
        // The header and the first bytes of a page matter most; the rest is mostly rows.
        let dense = if page == HEADER { 400 } else { FLIPS };
        for flip in 0..dense {
            let range = if page == HEADER || flip % 3 == 0 {
                320
            } else {
                PAGE
            };
            places.push((page * PAGE + below(range), below(8)));
        }
    }
    let mut wrong = Vec::new();
    let mut refused = 0;
    for (byte, bit) in &places {
        match catch_unwind(AssertUnwindSafe(|| flipped(image.clone(), *byte, *bit))) {
            Ok(got) => {
                refused += usize::from(answered(&got) < answered(&sound));
                let answers = wrong_answers(&sound, &got);
                if let Some(first) = answers.first() {
                    let first: String = first.chars().take(200).collect();
                    wrong.push(format!(
                        "byte {byte}, bit {bit}: {} wrong answers: {first}",
                        answers.len()
                    ));
                }
            }
            Err(_) => wrong.push(format!("byte {byte}, bit {bit}: a panic")),
        }
    }
    println!("{} flips, {refused} refused, {} wrong", places.len(), wrong.len());
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        places.len(),
        wrong.join("\n")
    );
    assert!(refused * 10 > places.len(), "{refused} of {}", places.len());
}

#[test]
fn a_damaged_block_ends_the_open_store() {
    let image = all_transactions().image;
    let mut ended = 0;
    for page in HEADER + 1..image.len() / PAGE {
        let disk = Disk::new(image.clone(), None);
        let store = open_as_large(&disk).unwrap();
        disk.flip(page * PAGE + 100, 0);
        if let Err(error) = store.snapshot().and_then(|state| state.path(0)) {
            let block = u64::try_from(page).unwrap();
            assert!(
                matches!(error, StoreError::Blocks(BlockError::Block { block: got }) if got == block),
                "{error:?}"
            );
            assert!(error.is_corruption() && store.has_failed());
            assert!(matches!(store.rollback(0), Err(StoreError::Broken { .. })));
            ended += 1;
        }
    }
    assert!(ended > 0);
}

#[test]
fn a_truncated_file_is_refused() {
    let image = all_transactions().image;
    let mut numbers = Numbers::new(5);
    let pages = (1..image.len() / PAGE).step_by(7).map(|page| page * PAGE);
    let border = [
        1,
        2,
        63,
        64,
        100,
        319,
        320,
        PAGE - 1,
        image.len() / 2,
        image.len() - PAGE,
        image.len() - 1,
    ];
    let random = (0..40).map(|_| {
        usize::try_from(numbers.below(u64::try_from(image.len()).unwrap()))
            .unwrap()
            .max(1)
    });
    for length in pages.chain(border).chain(random.collect::<Vec<_>>()) {
        let error = open(&Disk::new(image[..length].to_vec(), None)).unwrap_err();
        check(&error);
    }
}
