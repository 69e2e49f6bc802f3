//! The root chain's queue: an operator who proves honestly what he executed still cannot choose what that was. The
//! contract knows the queue's running hash; a chain of bundles must pass through it, operation by operation.

use ark_bn254::Fr;
use quittance_verifier::*;

use super::statements::{REJECTED, changed};
use crate::simulator::{Simulator, chain_of, facts, full_facts, priority, rng};

/// Three batches with two priority operations each.
fn honest(simulator: &Simulator) -> Vec<Bundle> {
    chain_of(simulator, 3, |number| full_facts(number, "p2t2f1"))
}

fn simulator() -> Simulator {
    Simulator::ceremony(1, "p3t2f1")
}

/// The honest chain with the second batch's priority operations changed, proved anew and correctly.
fn attack(change: impl FnOnce(&mut Vec<PriorityData>)) -> (Result<(), ChainError>, [u8; 32], [u8; 32]) {
    let simulator = simulator();
    let mut bundles = honest(&simulator);
    let mut facts = bundles[1].facts.clone();
    change(&mut facts.priority);
    bundles[1] = simulator.bundle(facts, 9);
    let list: Vec<_> = bundles.iter().collect();
    for bundle in &list {
        assert_eq!(
            simulator.verifier().verify(bundle),
            Ok(()),
            "each bundle is proved"
        );
    }
    (
        verify_chain(&list),
        bundles[2].facts.queue,
        bundles[1].facts.queue_after(),
    )
}

fn refused(change: impl FnOnce(&mut Vec<PriorityData>)) {
    let (verdict, got, expected) = attack(change);
    assert_ne!(got, expected);
    assert_eq!(
        verdict,
        Err(ChainError::Queue {
            index: 2,
            got,
            expected
        })
    );
}

#[test]
fn honest_chain_follows_the_queue() {
    let (verdict, got, expected) = attack(|_| {});
    assert_eq!((verdict, got), (Ok(()), expected));
    // Batches without priority operations leave the queue where it is.
    let simulator = simulator();
    let bundles = chain_of(&simulator, 3, |number| facts(number, 2, 1));
    assert!(
        bundles
            .iter()
            .all(|bundle| bundle.facts.queue_after() == EMPTY_QUEUE)
    );
}

#[test]
fn s27_priority_operation_skipped() {
    refused(|queue| _ = queue.remove(0));
    refused(|queue| _ = queue.pop());
    refused(Vec::clear);
}

#[test]
fn s27_priority_operations_reordered() {
    refused(|queue| queue.swap(0, 1));
}

#[test]
fn s27_priority_operation_invented_or_repeated() {
    refused(|queue| queue.push(priority(&mut rng(99), 0)));
    refused(|queue| queue.insert(0, priority(&mut rng(99), 2)));
    refused(|queue| queue.extend_from_within(1..));
}

#[test]
fn s27_priority_operation_replaced() {
    refused(|queue| queue[0] = priority(&mut rng(99), 0));
    refused(|queue| {
        // A forced exit of the same leaf in place of a deposit: kinds are hashed too.
        let leaf = queue[0].request().leaf();
        let exit = ForcedExit {
            leaf,
            caller: [0; 20],
        };
        queue[0] = PriorityData::ForcedExit { exit, paid: None };
    });
}

#[test]
fn s27_operation_moved_to_the_next_batch() {
    // Postponed is not skipped: the queue's order is kept, and so is the hash in the end.
    let simulator = simulator();
    let honest = honest(&simulator);
    let (mut second, mut third) = (honest[1].facts.clone(), honest[2].facts.clone());
    third.priority.insert(0, second.priority.pop().unwrap());
    third.queue = second.queue_after();
    assert_eq!(third.queue_after(), honest[2].facts.queue_after());
    let [second, third] = [second, third].map(|facts| simulator.bundle(facts, 5));
    assert_eq!(verify_chain(&[&honest[0], &second, &third]), Ok(()));
}

#[test]
fn s28_queue_hash_before_the_batch_is_proved() {
    // A bundle cannot be moved to another place in the queue: its proof is for the hash it starts from.
    assert_eq!(changed(|facts| facts.queue = EMPTY_QUEUE), REJECTED);
    assert_eq!(changed(|facts| facts.queue = facts.queue_after()), REJECTED);
}

#[test]
fn s47_outcome_changed() {
    // The queue's hash does not see outcomes; the statement does.
    for index in 0..4 {
        let flipped = changed(|facts| {
            let before = facts.queue_after();
            facts.priority[index] = match facts.priority[index] {
                PriorityData::Deposit { deposit, done } => PriorityData::Deposit { deposit, done: !done },
                PriorityData::ForcedExit { exit, paid } => PriorityData::ForcedExit {
                    exit,
                    // From nothing to a payout of nothing: only the flag says that something was paid.
                    paid: match paid {
                        Some(_) => None,
                        None => Some(Payout { token: 0, amount: 0 }),
                    },
                },
            };
            assert_eq!(facts.queue_after(), before);
        });
        assert_eq!(flipped, REJECTED, "operation {index}");
    }
}

#[test]
fn s47_payout_changed() {
    for change in [
        (|paid| paid.amount += 1) as fn(&mut Payout),
        |paid| paid.amount = 0,
        |paid| paid.token ^= 1,
    ] {
        let verdict = changed(|facts| {
            let PriorityData::ForcedExit { paid: Some(paid), .. } = &mut facts.priority[2] else {
                panic!("no payout")
            };
            change(paid);
        });
        assert_eq!(verdict, REJECTED);
    }
}

#[test]
fn s48_forced_exit_pays_the_caller_that_the_queue_names() {
    let (verdict, ..) = attack(|_| {});
    assert_eq!(verdict, Ok(()));
    let simulator = Simulator::ceremony(1, "p4t2f1");
    let mut bundles = chain_of(&simulator, 2, |number| full_facts(number, "p4t2f1"));
    let mut facts = bundles[0].facts.clone();
    let PriorityData::ForcedExit { exit, .. } = &mut facts.priority[2] else {
        panic!("no forced exit")
    };
    exit.caller = [7; 20];
    // Refused with the old proof, and with a proof of its own no part of the contract's queue.
    let mut stolen = bundles[0].clone();
    stolen.facts = facts.clone();
    assert_eq!(simulator.verifier().verify(&stolen), REJECTED);
    bundles[0] = simulator.bundle(facts, 3);
    assert_eq!(
        verify_chain(&[&bundles[0], &bundles[1]]),
        Err(ChainError::Queue {
            index: 1,
            got: bundles[1].facts.queue,
            expected: bundles[0].facts.queue_after()
        })
    );
}

#[test]
fn s15_parts_of_the_queue_hash_do_not_run_into_each_other() {
    // The same digits in other fields, and the same operation under another kind.
    let deposit = Deposit {
        leaf: 1,
        token: 2,
        amount: 3,
        owner: [4; 20],
        key: [Fr::from(5), Fr::from(6)],
    };
    let mut shifted = deposit;
    (shifted.leaf, shifted.token, shifted.amount) = (2, 3, 1);
    let mut swapped = deposit;
    swapped.key.swap(0, 1);
    let bare = Deposit {
        token: 0,
        amount: 0,
        key: Default::default(),
        ..deposit
    };
    let exit = ForcedExit {
        leaf: 1,
        caller: [4; 20],
    };
    let hashes = [
        PriorityRequest::Deposit(deposit),
        PriorityRequest::Deposit(shifted),
        PriorityRequest::Deposit(swapped),
        PriorityRequest::Deposit(bare),
        PriorityRequest::ForcedExit(exit),
    ]
    .map(|request| request.hash_after(&EMPTY_QUEUE));
    let distinct: std::collections::BTreeSet<_> = hashes.iter().collect();
    assert_eq!(distinct.len(), hashes.len());
}
