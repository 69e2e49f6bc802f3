//! kill -9 under load, again and again, at moments that hit every kind of work.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use quittance_proto::v1;
use tokio::sync::watch;

use crate::accounts::Numbers;
use crate::audit::{audit, settle};
use crate::client::{Client, Kind, Shared, connect};
use crate::harness::{Home, Served, Starting};

/// Longest wait for the event after which a round kills; then it kills all the same.
const EVENT: Duration = Duration::from_secs(3);

/// When a round kills the service.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// While it starts.
    Starting { after: Duration },
    /// After a time.
    Time { after: Duration },
    /// After so many answers to clients.
    Answers { count: usize, after: Duration },
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
    let mut micros = |limit| Duration::from_micros(u64::from(numbers.below(limit)));
    let (soon, later) = (micros(20_000), micros(400_000));
    match numbers.below(10) {
        0 => Moment::Starting { after: later },
        1 | 2 => Moment::Time { after: later },
        3..6 => Moment::Answers {
            count: 1 + usize::try_from(numbers.below(12)).unwrap(),
            after: soon / 4,
        },
        6 => Moment::Proof {
            reached: Reached::Begun,
            after: soon / 4,
        },
        // The proof is stored right after it was verified.
        7 | 8 => Moment::Proof {
            reached: Reached::Phase(v1::Phase::Verify),
            after: soon,
        },
        _ => Moment::Proof {
            reached: Reached::Proved,
            after: soon / 4,
        },
    }
}

/// Waits for the moment. Gives whether its event came.
async fn wait_for(moment: Moment, address: &str, shared: &Shared) -> bool {
    let deadline = Instant::now() + EVENT;
    match moment {
        Moment::Starting { .. } => true,
        Moment::Time { after } => {
            tokio::time::sleep(after).await;
            true
        }
        Moment::Answers { count, after } => {
            let wanted = shared.answers.load(Ordering::Relaxed) + count;
            while shared.answers.load(Ordering::Relaxed) < wanted {
                if Instant::now() > deadline {
                    return false;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(after).await;
            true
        }
        Moment::Proof { reached, after } => {
            let came = tokio::time::timeout(EVENT, proof(reached, address)).await;
            tokio::time::sleep(after).await;
            came.is_ok()
        }
    }
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
async fn a_service_that_is_killed_again_and_again_loses_and_repeats_nothing() {
    let rounds = setting("CRASH_ROUNDS", 50);
    let seed = setting("CRASH_SEED", 1);
    let home = Home::new();
    let shared = Arc::new(Shared::default());
    let (tell, service) = watch::channel(None);
    let kinds = [
        Kind::Batches,
        Kind::Singles,
        Kind::Streams,
        Kind::Batches,
        Kind::Singles,
        Kind::Expiring,
        Kind::Streams,
    ];
    let clients: Vec<_> = (0..)
        .zip(kinds)
        .map(|(name, kind)| {
            let client = Client::new(
                name,
                kind,
                seed + u64::from(name),
                service.clone(),
                Arc::clone(&shared),
            );
            tokio::spawn(client.run())
        })
        .collect();

    let mut numbers = Numbers::new(seed);
    let mut missed = 0;
    let began = Instant::now();
    for round in 1..=rounds {
        let moment = moment(&mut numbers);
        if let Moment::Starting { after } = moment {
            let starting = Starting::spawn(&mut home.command(&["serve"]));
            tokio::time::sleep(after).await;
            starting.kill();
            continue;
        }
        let served = home.serve();
        tell.send_replace(Some(served.address.clone()));
        if !wait_for(moment, &served.address, &shared).await {
            missed += 1;
        }
        tell.send_replace(None);
        served.kill();
        assert!(
            clients.iter().all(|client| !client.is_finished()),
            "a client gave up in round {round}, {moment:?}"
        );
    }
    let killing = began.elapsed();

    // One last start; the clients get their answers, and everything is proved.
    let served = home.serve();
    tell.send_replace(Some(served.address.clone()));
    shared.stop.store(true, Ordering::Relaxed);
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
    println!(
        "{rounds} kills in {:.0} s, {missed} of them without their event; {} answers, {recovered} of them to repeated \
         requests; {found:?}",
        killing.as_secs_f64(),
        answered.len(),
    );
    assert!(found.operations > usize::try_from(rounds).unwrap(), "{found:?}");
    assert!(
        missed * 2 < rounds,
        "{missed} of {rounds} kills came without their event"
    );
}
