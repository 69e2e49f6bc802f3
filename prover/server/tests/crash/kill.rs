//! kill -9 under load, again and again, at moments that hit every kind of work.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use quittance_proto::v1;
use tokio::sync::watch;

use crate::accounts::Numbers;
use crate::audit::{audit, settle};
use crate::client::{Client, Kind, Shared, connect};
use crate::harness::{Home, Served, Starting};
use crate::watcher::Watcher;
use crate::wire::Wire;

/// Longest wait for an event; then a round goes on without it.
const EVENT: Duration = Duration::from_secs(3);
/// Where the database's header lies in the store's file, and its length; every commit changes it.
const HEADER: (u64, usize) = (2 * 4096, 320);
/// One of so many starts is killed before it has ended.
const STARTS: u32 = 10;
/// While a proof is awaited, a request is begun so often.
const TRICKLE: Duration = Duration::from_millis(300);
/// So many requests may begin before a kill.
const BURST: usize = 2;
/// How the clients submit, each with accounts of its own.
const KINDS: [Kind; 7] = [
    Kind::Batches,
    Kind::Singles,
    Kind::Streams,
    Kind::Singles,
    Kind::Singles,
    Kind::Expiring,
    Kind::Streams,
];

/// When a round kills the service. It has requests to answer in each of them.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// After some answers, when another request has been sent.
    Flight { answers: usize, after: Duration },
    /// After some answers, when answers to further ones were lost and the store's file was written so often.
    Lost {
        answers: usize,
        commits: u32,
        after: Duration,
    },
    /// When a proof has reached a phase, or is stored.
    Proof { reached: Reached, after: Duration },
}

/// How far a proof is.
#[derive(Clone, Copy, Debug)]
enum Reached {
    Begun,
    Phase(v1::Phase),
    Proved,
}

/// The next moment of the schedule.
fn moment(numbers: &mut Numbers) -> Moment {
    let answers = usize::try_from(numbers.below(3)).unwrap();
    let commits = 1 + numbers.below(3);
    let after = Duration::from_micros(numbers.below(5_000).into());
    match numbers.below(10) {
        0..2 => Moment::Flight { answers, after },
        2..7 => Moment::Lost {
            answers,
            commits,
            after: after / 5,
        },
        7 => Moment::Proof {
            reached: Reached::Begun,
            after,
        },
        // The proof is stored right after it was verified.
        8 => Moment::Proof {
            reached: Reached::Phase(v1::Phase::Verify),
            after: after * 2,
        },
        _ => Moment::Proof {
            reached: Reached::Proved,
            after,
        },
    }
}

/// Polls until something has happened, for at most [`EVENT`]. Gives whether it has. The thread does nothing else, as a
/// kill may have to come within much less than a millisecond.
fn came(mut happened: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + EVENT;
    tokio::task::block_in_place(|| {
        while !happened() {
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(Duration::from_micros(50));
        }
        true
    })
}

/// Waits for the moment. Gives whether its event came.
async fn wait_for(moment: Moment, service: &str, wire: &Wire, file: &Path, shared: &Shared) -> bool {
    match moment {
        Moment::Flight { answers, after } => {
            answered(answers, shared);
            let sent = sent(shared);
            std::thread::sleep(after);
            sent
        }
        Moment::Lost {
            answers,
            commits,
            after,
        } => {
            answered(answers, shared);
            wire.lose_answers();
            let written = sent(shared)
                && (0..commits).all(|_| {
                    let before = header(file);
                    came(|| header(file) != before)
                });
            std::thread::sleep(after);
            written
        }
        Moment::Proof { reached, after } => {
            let trickle = async {
                loop {
                    shared.permits.add_permits(1);
                    tokio::time::sleep(TRICKLE).await;
                }
            };
            let reached = tokio::select! {
                never = trickle => never,
                reached = tokio::time::timeout(EVENT, proof(reached, service)) => reached.is_ok(),
            };
            sent(shared);
            std::thread::sleep(after);
            reached
        }
    }
}

/// Waits until clients have had so many answers. Those that were interrupted by the last kill are repeated first. How
/// many come in time does not matter.
fn answered(count: usize, shared: &Shared) {
    let wanted = shared.answers.load(Ordering::Relaxed) + count;
    permit(count, shared);
    came(|| shared.answers.load(Ordering::Relaxed) >= wanted);
}

/// Waits for the next attempt of any client.
fn sent(shared: &Shared) -> bool {
    let before = shared.sent.load(Ordering::SeqCst);
    permit(BURST, shared);
    came(|| shared.sent.load(Ordering::SeqCst) > before)
}

/// So many requests may begin, and no more.
fn permit(count: usize, shared: &Shared) {
    shared.permits.forget_permits(shared.permits.available_permits());
    shared.permits.add_permits(count);
}

/// The database's header.
fn header(file: &Path) -> [u8; HEADER.1] {
    let mut header = [0; HEADER.1];
    let file = File::open(file).unwrap();
    file.read_exact_at(&mut header, HEADER.0).unwrap();
    header
}

/// Ends when some proof has come so far.
async fn proof(reached: Reached, address: &str) {
    let mut client = connect(address).await.unwrap();
    loop {
        let answer = client.get_state(v1::GetStateRequest {}).await.unwrap();
        let state = answer.into_inner().state.unwrap();
        if state.unproved_batches == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
            continue;
        }
        // Proofs are made in the order of numbers.
        let number = state.batch_number - state.unproved_batches + 1;
        let request = v1::WatchBatchRequest { number };
        let mut events = client.watch_batch(request).await.unwrap().into_inner();
        while let Some(event) = events.message().await.unwrap() {
            let event = event.progress.unwrap();
            let there = match reached {
                Reached::Begun => event.state() == v1::BatchState::Proving,
                Reached::Phase(phase) => event.phase() == phase,
                Reached::Proved => event.state() == v1::BatchState::Proved,
            };
            if there {
                return;
            }
        }
    }
}

/// A number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s40_a_service_that_is_killed_again_and_again_loses_and_repeats_nothing() {
    let rounds = setting("CRASH_ROUNDS", 50);
    let seed = setting("CRASH_SEED", 1);
    let home = Home::new();
    let shared = Arc::new(Shared::new());
    let (tell, service) = watch::channel(None);
    let mut clients: Vec<_> = (0..)
        .zip(KINDS)
        .map(|(name, kind)| {
            let seed = seed + u64::from(name);
            let client = Client::new(name, kind, seed, service.clone(), Arc::clone(&shared));
            tokio::spawn(client.run())
        })
        .collect();

    let watcher = Watcher::new(seed, service.clone(), Arc::clone(&shared));
    clients.push(tokio::spawn(watcher.run()));

    let mut numbers = Numbers::new(seed);
    let (mut starts, mut missed, mut in_flight) = (0, 0, 0);
    let began = Instant::now();
    for round in 1..=rounds {
        if numbers.below(STARTS) == 0 {
            let starting = Starting::spawn(&mut home.command(&["serve"]));
            tokio::time::sleep(Duration::from_millis(numbers.below(400).into())).await;
            starting.kill();
            starts += 1;
        }
        let moment = moment(&mut numbers);
        let served = home.serve();
        let sent = shared.sent.load(Ordering::SeqCst);
        let wire = Wire::to(&served.address).await;
        tell.send_replace(Some(wire.address.clone()));
        if !wait_for(moment, &served.address, &wire, &home.file(), &shared).await {
            missed += 1;
        }
        let open = shared.in_flight.load(Ordering::SeqCst);
        served.kill();
        tell.send_replace(None);
        in_flight += u64::from(open > 0);
        assert!(
            shared.sent.load(Ordering::SeqCst) > sent,
            "nothing was asked of the service in round {round}, {moment:?}"
        );
        assert!(
            clients.iter().all(|client| !client.is_finished()),
            "a client gave up in round {round}, {moment:?}"
        );
    }
    let killing = began.elapsed();

    // One last start; the clients get their answers, and everything is proved.
    let served = home.serve();
    tell.send_replace(Some(served.address.clone()));
    shared.permits.close();
    let mut answered = Vec::new();
    for client in clients {
        answered.extend(client.await.unwrap());
    }
    settle(&served.address).await;
    let found = audit(&served.address, &answered).await;
    let ended = served.terminate();
    assert_eq!(ended.code, Some(0), "{ended:?}");

    // The same after a restart in order.
    let served: Served = home.serve();
    let again = audit(&served.address, &answered).await;
    assert_eq!(again, found);
    drop(served);
    let recovered = answered.iter().filter(|request| request.recovered).count();
    let recovered = u64::try_from(recovered).unwrap();
    println!(
        "{rounds} kills under load in {:.0} s, {in_flight} of them with requests in flight, {missed} of them without \
         their event, and {starts} during a start; {} answers, {recovered} of them to what was accepted before a kill \
         and answered after it; {found:?}; {:.0} s in all",
        killing.as_secs_f64(),
        answered.len(),
        began.elapsed().as_secs_f64(),
    );
    assert!(found.operations > usize::try_from(rounds).unwrap(), "{found:?}");
    assert!(
        missed * 2 < rounds,
        "{missed} of {rounds} kills came without their event"
    );
    assert!(
        in_flight * 2 >= rounds,
        "{in_flight} of {rounds} kills with requests in flight"
    );
    assert!(
        recovered * 10 >= rounds,
        "{recovered} requests were accepted before one of {rounds} kills and answered after it"
    );
}
