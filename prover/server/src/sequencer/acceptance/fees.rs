//! Fees of what waits count for the leaf that takes them, as its batch will credit them.

use quittance_circuits::tx::{Deposit, ForcedExit, Priority, RuleError};
use quittance_circuits::types::{AccountIndex, TokenId};

use super::super::SubmitError;
use super::ALL;
use super::world::{World, owner};

/// Takes the fees of token 1, of which it has 120 at genesis.
const FEE_LEAF: u32 = 4;

/// A transfer between other accounts, with this fee.
fn pay(world: &mut World, from: u32, fee: u128) {
    let transfer = world.draft(from).paying(fee).transfer(from, 1);
    world.send(transfer).unwrap();
}

fn deposit(world: &World, amount: u128) -> Priority {
    Priority::Deposit(Deposit {
        leaf: AccountIndex(FEE_LEAF),
        token: TokenId(1),
        amount,
        owner: owner(FEE_LEAF),
        key: world.key(20),
    })
}

#[test]
fn a_rollback_and_a_restart_leave_fees_where_they_were() {
    let mut world = World::with(1, &[ALL], None);
    pay(&mut world, 0, 20);
    assert!(world.cut());
    // It has that much only with the fee.
    world.send(world.draft(FEE_LEAF).transfer(1, 130)).unwrap();
    assert!(world.cut() && !world.cut());
    let first = world.draft(FEE_LEAF).nonce - 1;
    for _ in 0..2 {
        world.take_back(0, None);
        let mut again = world.draft(FEE_LEAF);
        again.nonce = first;
        let error = world.send(again.withdrawal(1)).unwrap_err();
        assert!(
            matches!(error, SubmitError::Rule(RuleError::NonceMatches { .. })),
            "{error:?}"
        );
        // Nonce and amount go on where they were.
        world.send(world.draft(FEE_LEAF).withdrawal(4)).unwrap();
        world.reopen(None);
        world.send(world.draft(FEE_LEAF).withdrawal(1)).unwrap();
        assert!(world.send(world.draft(FEE_LEAF).withdrawal(6)).is_err());
        world.settle();
    }
    assert_eq!(world.pending()[&FEE_LEAF].balance, 0);
}

#[test]
fn a_fee_counts_as_soon_as_it_waits_and_its_batch_ends_before_who_needs_it() {
    let mut world = World::with(1, &[ALL], None);
    pay(&mut world, 0, 20);
    world.send(world.draft(FEE_LEAF).transfer(1, 130)).unwrap();
    world.send(world.draft(1).withdrawal(250)).unwrap();
    assert!(world.send(world.draft(FEE_LEAF).withdrawal(11)).is_err());
    // Not one batch for each operation, but one more than without the fee.
    assert!(world.cut() && world.cut() && !world.cut());

    // Nothing that waits touches the leaf any more after the first of two batches, but fees for it wait.
    world.send(world.draft(FEE_LEAF).transfer(1, 10)).unwrap();
    for _ in 0..7 {
        pay(&mut world, 0, 5);
    }
    assert!(world.cut());
    world.send(world.draft(FEE_LEAF).withdrawal(35)).unwrap();
    assert!(world.send(world.draft(FEE_LEAF).withdrawal(1)).is_err());
    world.settle();
}

#[test]
fn a_forced_exit_that_comes_before_fees_of_its_batch_leaves_them() {
    let mut world = World::with(1, &[ALL], None);
    pay(&mut world, 0, 20);
    let exit = Priority::ForcedExit(ForcedExit {
        leaf: AccountIndex(FEE_LEAF),
        caller: owner(FEE_LEAF),
    });
    assert!(world.enroll(0, &[exit]).refused.is_none());
    assert_eq!(world.pending()[&FEE_LEAF].balance, 0);
    // More transfers than one batch has room for, so that something goes on waiting.
    for _ in 0..4 {
        pay(&mut world, 1, 0);
    }
    assert!(world.cut());
    world.send(world.draft(FEE_LEAF).withdrawal(20)).unwrap();
    assert!(world.send(world.draft(FEE_LEAF).withdrawal(1)).is_err());
    world.settle();
}

#[test]
fn fees_beyond_what_their_leaf_holds_count_once_there_is_room() {
    let mut world = World::with(1, &[ALL], None);
    let nearly_all = deposit(&world, u128::MAX - 120 - 15);
    assert!(world.enroll(0, &[nearly_all]).refused.is_none());
    assert!(world.cut());
    for from in [0, 1] {
        pay(&mut world, from, 10);
    }
    world.send(world.draft(FEE_LEAF).withdrawal(100)).unwrap();
    for _ in 0..3 {
        pay(&mut world, 1, 0);
    }
    assert!(world.cut());
    let left = world.pending()[&FEE_LEAF].balance;
    assert_eq!(left, u128::MAX - 15 - 100 + 20);
    world.send(world.draft(FEE_LEAF).withdrawal(left)).unwrap();
    world.settle();
}

#[test]
fn a_deposit_that_has_room_only_before_the_fees_of_its_batch_counts() {
    let mut world = World::with(1, &[ALL], None);
    pay(&mut world, 0, 20);
    let nearly_all = deposit(&world, u128::MAX - 130);
    assert!(world.enroll(0, &[nearly_all]).refused.is_none());
    assert_eq!(world.pending()[&FEE_LEAF].balance, 140);
    world.send(world.draft(FEE_LEAF).withdrawal(100)).unwrap();
    for _ in 0..4 {
        pay(&mut world, 1, 0);
    }
    assert!(world.cut());
    let left = u128::MAX - 10 - 100 + 20;
    world.send(world.draft(FEE_LEAF).withdrawal(left)).unwrap();
    world.settle();
}

#[test]
fn deposits_to_a_leaf_that_takes_fees_count_with_them() {
    let mut world = World::with(1, &[ALL], None);
    pay(&mut world, 0, 20);
    let small = deposit(&world, 7);
    assert!(world.enroll(0, &[small; 2]).refused.is_none());
    for _ in 0..4 {
        pay(&mut world, 1, 0);
    }
    assert!(world.cut());
    assert!(!world.is_stale());
    world.send(world.draft(FEE_LEAF).withdrawal(154)).unwrap();
    assert!(world.send(world.draft(FEE_LEAF).withdrawal(1)).is_err());
    world.settle();
}
