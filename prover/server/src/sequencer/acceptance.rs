//! What is accepted, and in which batches it is executed.
//!
//! Random operations of all kinds by few accounts, cut into batches at random: nothing that was accepted is ever rejected, and the state
//! is that of the operations one after another in the order of acceptance.

mod fees;
mod world;

use quittance_circuits::batch::ApplyError;
use quittance_circuits::tx::{Deposit, ForcedExit, Priority, RuleError};
use quittance_circuits::types::{AccountIndex, TokenId};
use quittance_verifier::Section;

use super::SubmitError;
use crate::store::EnterError;
use world::{World, owner};

/// Seeds, each with shapes of its own ([`world::SHAPES`]).
const SEEDS: u64 = 12;

#[test]
fn the_order_of_sections_rejects_nothing_and_changes_nothing() {
    let mut total = world::Seen::default();
    for seed in 1..=SEEDS {
        let mut world = World::new(seed);
        for _ in 0..120 {
            world.step();
        }
        world.settle();
        total.add(&world.seen);
    }
    println!("{total:?}");
    // Everything has happened, and often.
    assert!(total.accepted.iter().all(|count| *count >= 10), "{total:?}");
    assert!(total.refused >= 100 && total.batches >= 100, "{total:?}");
    assert!(total.done >= 20 && total.not_done >= 20, "{total:?}");
    assert!(total.wholes >= 10 && total.rollbacks >= 10, "{total:?}");
    assert!(total.cut_by_order >= 20, "{total:?}");
}

/// Slots of every kind.
const ALL: [u32; 6] = [2, 2, 4, 2, 2, 2];

fn deposit(world: &World, leaf: u32) -> Priority {
    Priority::Deposit(Deposit {
        leaf: AccountIndex(leaf),
        token: TokenId(1),
        amount: 5,
        owner: owner(leaf),
        key: world.key(20),
    })
}

#[test]
fn what_would_be_executed_too_early_begins_the_next_batch() {
    let mut world = World::with(1, &[ALL], None);
    let next = world.key(10);
    world.send(world.draft(0).rotation(next, owner(9))).unwrap();
    // Signed by the new key already, and it would come before the rotation.
    world.send(world.draft(0).transfer(1, 1)).unwrap();
    let exit = Priority::ForcedExit(ForcedExit {
        leaf: AccountIndex(0),
        caller: owner(9),
    });
    assert!(world.enroll(0, &[exit]).refused.is_none());
    assert!(world.cut());
    assert_eq!(world.last_batch(), [(Section::Rotations, 0)]);
    assert!(world.cut());
    assert_eq!(world.last_batch(), [(Section::Transfers, 0)]);
    assert!(world.cut());
    assert_eq!(world.last_batch(), [(Section::Priority, 0)]);
    // The new owner has been paid all of it.
    assert_eq!(world.pending()[&0].balance, 0);

    // What has no account in common goes together, whatever its order; so do many of one account.
    world.send(world.draft(1).withdrawal(1)).unwrap();
    world.send(world.draft(2).transfer(2, 1)).unwrap();
    world.send(world.draft(2).transfer(2, 1)).unwrap();
    world.send(world.draft(2).withdrawal(1)).unwrap();
    let deposit = deposit(&world, 9);
    assert!(world.enroll(1, &[deposit]).refused.is_none());
    assert!(world.cut() && !world.cut());
    let places = [
        (Section::Withdrawals, 0),
        (Section::Transfers, 0),
        (Section::Transfers, 1),
        (Section::Withdrawals, 1),
        (Section::Priority, 0),
    ];
    assert_eq!(world.last_batch(), places);
}

#[test]
fn a_kind_that_no_shape_has_slots_for_is_refused_by_name() {
    let mut world = World::with(1, &[[0, 0, 3, 0, 0, 1]], None);
    let rotation = world.draft(0).rotation(world.key(10), owner(9));
    let error = world.send(rotation).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("no loaded shape has a slot for rotations"),
        "{error}"
    );
    let of = |error: &SubmitError, section| matches!(error, SubmitError::NoSlots { section: got } if *got == section);
    assert!(of(&error, Section::Rotations));
    let deposit = deposit(&world, 9);
    let enrolled = world.enroll(0, &[deposit]);
    assert!(enrolled.entered.is_empty() && of(&enrolled.refused.unwrap(), Section::Priority));
    let transfer = world.draft(1).transfer(0, 1);
    assert!(of(
        &world.submit_whole(&[transfer, rotation]).unwrap_err(),
        Section::Rotations
    ));
    world.send(transfer).unwrap();
    assert!(world.cut());
}

#[test]
fn neither_clients_nor_the_root_chain_keep_the_other_out() {
    let mut world = World::with(1, &[ALL], Some(2));
    for _ in 0..2 {
        world.send(world.draft(0).transfer(1, 1)).unwrap();
    }
    let full = |error: &SubmitError| matches!(error, SubmitError::QueueFull { queued: 2, limit: 2 });
    assert!(full(&world.send(world.draft(0).transfer(1, 1)).unwrap_err()));
    let deposit = deposit(&world, 9);
    let enrolled = world.enroll(0, &[deposit; 3]);
    assert_eq!(enrolled.entered.len(), 2);
    assert!(full(&enrolled.refused.unwrap()));
    assert!(world.cut());
    world.settle();
    // The stream begins again with what it has an answer for.
    let enrolled = world.enroll(1, &[deposit; 2]);
    assert!(enrolled.refused.is_none() && enrolled.entered[0].repeated && !enrolled.entered[1].repeated);
    world.send(world.draft(0).transfer(1, 1)).unwrap();
    world.settle();
    assert_eq!(world.pending()[&9].balance, 15);
}

#[test]
fn the_root_chains_queue_has_no_gaps_and_does_not_change() {
    let mut world = World::with(1, &[ALL], None);
    let [one, other] = [9, 10].map(|leaf| deposit(&world, leaf));
    let refused =
        |world: &mut World, first, operations: &[Priority]| world.enroll(first, operations).refused.unwrap();
    let gap = refused(&mut world, 1, &[one]);
    assert!(
        matches!(gap, SubmitError::Enter(EnterError::Gap { index: 1, next: 0 })),
        "{gap:?}"
    );
    assert!(world.enroll(0, &[one, other]).refused.is_none());
    let differs = refused(&mut world, 0, &[one, one]);
    assert!(
        matches!(
            differs,
            SubmitError::Enter(EnterError::Differs {
                index: 1,
                operation: 2
            })
        ),
        "{differs:?}"
    );
    let outside = deposit(&world, 16);
    let outside = refused(&mut world, 2, &[outside]);
    assert!(
        matches!(
            outside,
            SubmitError::LeafOutOfRange {
                leaf: 16,
                capacity: 16
            }
        ),
        "{outside:?}"
    );
    world.settle();
    assert_eq!(world.seen.done, 2);
}

#[test]
fn a_submitted_batch_runs_section_by_section() {
    let mut world = World::with(1, &[ALL], None);
    let mut later = world.draft(0);
    later.nonce += 1;
    let next = world.key(10);
    // The transfer comes first, wherever the client puts it.
    let sound = [later.rotation(next, owner(9)), world.draft(0).transfer(1, 1)];
    let wrong = [world.draft(0).rotation(next, owner(9)), later.transfer(1, 1)];
    let error = world.submit_whole(&wrong).unwrap_err();
    assert!(
        matches!(
            error,
            SubmitError::Batch(ApplyError::Operation {
                section: Section::Transfers,
                index: 0,
                error: RuleError::NonceMatches { .. },
            })
        ),
        "{error:?}"
    );
    let done = world.submit_whole(&sound).unwrap();
    assert_eq!((done.first_operation, done.operations), (1, 2));
    assert_eq!(
        world.last_batch(),
        [(Section::Rotations, 0), (Section::Transfers, 0)]
    );
}
