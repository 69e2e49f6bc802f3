//! Attacks on deposits and forced exits: outcomes that are not what the conditions make of them, in both directions, and accounts that
//! are not what the tree holds.

use super::holder::*;
use crate::attacks::{attacks, rows_of};
use crate::forger::*;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_circuits::batch::AppliedBatch;
use quittance_circuits::leaf::constraints::LeafWitness;
use quittance_circuits::tx::priority::Outcome;
use quittance_circuits::tx::priority::constraints::PriorityWitness;
use quittance_circuits::tx::{Deposit, Priority};
use quittance_circuits::types::{RootAddress, TokenId};
use std::collections::BTreeMap;

/// A deposit of 900, changed: by itself it opens account 12.
fn opens(change: impl FnOnce(&mut Deposit)) -> Priority {
    let mut deposit = deposit(12, 900);
    change(&mut deposit);
    Priority::Deposit(deposit)
}

/// A deposit of 900 into account 8, which holds token 2.
fn credits(change: impl FnOnce(&mut Deposit)) -> Priority {
    opens(|deposit| {
        deposit.leaf.0 = 8;
        deposit.token = TokenId(2);
        change(deposit);
    })
}

/// A forced exit of account 1.
fn exits() -> Priority {
    Priority::ForcedExit(forced_exit(1))
}

/// A forced exit of account 1, asked for by somebody else.
fn steals() -> Priority {
    let mut exit = forced_exit(1);
    exit.caller = RootAddress([0x66; 20]);
    Priority::ForcedExit(exit)
}

fn told(operation: &Priority, change: impl FnOnce(&mut PriorityWitness)) -> Forger {
    Forger::new().priority_told(operation, change)
}

/// An exit, then a padding slot that publishes something.
fn published(change: impl FnOnce(&mut PriorityWitness)) -> Forger {
    let mut w = Forger::new().priority(&exits());
    change(&mut w.witness.priority[1]);
    w
}

/// Account 8 holds so much before a deposit of 900.
fn into_a_balance_of(balance: u128) -> Forger {
    Forger::with(|leaves| leaves[8].balance = Fr::from(balance))
}

/// A fault in the bit of a condition, of which the last row is `x · bit = 0`.
fn with_bit(w: Forger, rule: &str, fault: Fr) -> Vec<Fr> {
    w.tampered(&BTreeMap::from([(bit_of(rule), fault)]))
}

/// A fault in the inverse hint of a condition, which comes right before the bit that it makes.
fn with_hint(w: Forger, rule: &str, fault: Fr) -> Vec<Fr> {
    w.tampered(&BTreeMap::from([(bit_of(rule) - 1, fault)]))
}

fn bit_of(rule: &str) -> usize {
    let row = *rows_of(rule).last().unwrap();
    SMALL_CIRCUIT.b[row][0].1
}

attacks! {
    fn s26_slot_flags_refuse_enabled_after_disabled() breaks "priority[1].slot_flags" {
        let mut w = Forger::new().priority(&exits());
        w.witness.priority.swap(0, 1);
        w
    }

    /// A flag of −1/5 and the sixth bit of a kind: the word is 0, as in padding, and the operation fails.
    fn s12_a_flag_that_is_no_bit() breaks "priority[0].slot_flags" {
        let mut exit = forced_exit(0);
        exit.caller = RootAddress([0; 20]);
        told(&Priority::ForcedExit(exit), |w| w.enabled = -Fr::from(5u64).inverse().unwrap())
    }

    /// An operation of kind 7.
    fn s12_an_exit_flag_of_two() breaks "priority[0].slot_flags" {
        told(&steals(), |w| w.exit = Fr::from(2u64))
    }

    fn s26_padding_publishes_no_place() breaks "priority[1].slot_flags" {
        published(|slot| slot.leaf = Fr::ONE)
    }

    fn s26_padding_publishes_no_amount() breaks "priority[1].slot_flags" {
        published(|slot| slot.amount = Fr::ONE)
    }

    fn s26_padding_publishes_no_exit() breaks "priority[1].slot_flags" {
        published(|slot| slot.exit = Fr::ONE)
    }

    fn s26_padding_publishes_no_owner() breaks "priority[1].slot_flags" {
        published(|slot| slot.owner = Fr::from(5u64))
    }

    fn s26_padding_publishes_no_key_x() breaks "priority[1].slot_flags" {
        published(|slot| slot.key[0] = Fr::ONE)
    }

    fn s26_padding_publishes_no_key_y() breaks "priority[1].slot_flags" {
        published(|slot| slot.key[1] = Fr::from(5u64))
    }

    /// The token's 33rd bit would be the first of the place.
    fn s04_recipient_in_range_refuses_a_token_of_33_bits() breaks "priority[0].recipient_in_range" {
        told(&credits(|deposit| deposit.token = TokenId(1)), |w| w.token += two_to(32))
    }

    /// The amount's 129th bit would be the first of the token.
    fn s04_recipient_in_range_refuses_an_amount_of_129_bits() breaks "priority[0].recipient_in_range" {
        told(&credits(|deposit| deposit.token = TokenId(1)), |w| w.amount += two_to(128))
    }

    /// One unit of balance more against a nonce that is not one.
    fn s49_account_read_with_a_negative_nonce() breaks "priority[0].recipient_in_range" {
        told(&credits(|_| {}), |w| {
            w.account.balance += Fr::ONE;
            w.account.nonce -= two_to(32);
        })
    }

    /// 2^32 units of balance more against a token that is none: an exit would pay them.
    fn s49_account_read_with_a_negative_token() breaks "priority[0].recipient_in_range" {
        told(&steals(), |w| {
            w.account.nonce += Fr::ONE;
            w.account.token -= two_to(32);
        })
    }

    fn s49_account_read_with_a_nonce_of_33_bits() breaks "priority[0].recipient_in_range" {
        told(&credits(|_| {}), |w| {
            w.account.balance -= Fr::ONE;
            w.account.nonce += two_to(32);
        })
    }

    /// One unit of the nonce against a token that is 2^32 higher.
    fn s49_account_read_with_a_token_of_33_bits() breaks "priority[0].recipient_in_range" {
        let w = Forger::with(|leaves| leaves[8].nonce = Fr::ONE);
        w.priority_told(&credits(|_| {}), |w| {
            w.account.nonce = Fr::ZERO;
            w.account.token += two_to(32);
            // Another token: the deposit fails.
            w.done = Fr::ZERO;
        })
    }

    /// A deposit opens an account below the root chain's half.
    fn s25_s41_s47_leaf_empty_refuses_the_lower_half() breaks "priority[0].leaf_empty" {
        let w = told(&opens(|deposit| deposit.leaf.0 = 3), |w| w.done = Fr::ONE);
        w.tampered_result("priority[0].leaf_empty", Fr::ONE)
    }

    /// A free place is said to be taken by the operator, so that a deposit fails.
    fn s25_s41_s47_leaf_empty_lets_a_free_place_be_opened() breaks "priority[0].leaf_empty" {
        let w = told(&opens(|_| {}), |w| w.done = Fr::ZERO);
        w.tampered_result("priority[0].leaf_empty", -Fr::ONE)
    }

    /// The flag that an account is there as a quotient of two nodes: the place's node is the flag times that of any leaf, here a richer
    /// one, and the deposit is done whatever the flag is, a part of it credited and the rest opened.
    fn s12_s14_an_existence_that_is_no_bit_lets_any_leaf_be_read() breaks "priority[0].leaf_empty" {
        told(&credits(|_| {}), |w| {
            let there = hash(&w.account);
            w.account.balance += two_to(100);
            w.exists = there * hash(&w.account).inverse().unwrap();
        })
    }

    /// Token 1 is credited to an account of token 2.
    fn s24_s25_s47_token_matches_refuses_a_cross_token_deposit() breaks "priority[0].token_matches" {
        let w = told(&credits(|deposit| deposit.token = TokenId(1)), |w| w.done = Fr::ONE);
        with_bit(w, "priority[0].token_matches", Fr::ONE)
    }

    /// The same with a hint that fits the lie: one row remains.
    fn s24_s25_s47_token_matches_refuses_a_cross_token_deposit_with_its_hint() breaks "priority[0].token_matches" {
        let w = told(&credits(|deposit| deposit.token = TokenId(1)), |w| w.done = Fr::ONE);
        // 1 − 2 = −1 is its own inverse, and becomes 0.
        with_hint(w, "priority[0].token_matches", Fr::ONE)
    }

    fn s25_s47_token_matches_refuses_a_faked_failure() breaks "priority[0].token_matches" {
        let w = told(&credits(|_| {}), |w| w.done = Fr::ZERO);
        with_bit(w, "priority[0].token_matches", -Fr::ONE)
    }

    /// The sum's top bit is what the others leave, so the lie is a bit of 2.
    fn s07_s25_s47_recipient_not_overflowed_refuses_a_faked_success() breaks "priority[0].recipient_not_overflowed" {
        let w = into_a_balance_of(u128::MAX).priority_told(&credits(|_| {}), |w| w.done = Fr::ONE);
        with_top_bit(w, Fr::from(2u64), Fr::ONE)
    }

    fn s07_s25_s47_recipient_not_overflowed_refuses_a_faked_failure() breaks "priority[0].recipient_not_overflowed" {
        let w = told(&credits(|_| {}), |w| w.done = Fr::ZERO);
        with_top_bit(w, -Fr::from(2u64), -Fr::ONE)
    }

    fn s20_s25_s47_key_valid_refuses_a_faked_success() breaks "priority[0].key_valid" {
        let w = told(&opens(|deposit| deposit.key = ORDER_TWO), |w| w.done = Fr::ONE);
        w.tampered_result("priority[0].key_valid", Fr::ONE)
    }

    /// The pairing's value is said to vanish.
    fn s20_s25_s47_key_valid_refuses_a_faked_failure_with_its_hint() breaks "priority[0].key_valid" {
        let w = told(&opens(|_| {}), |w| w.done = Fr::ZERO);
        let row = rows_of("priority[0].key_valid")[14];
        let inverse = SMALL_CIRCUIT.b[row][0].1 - 1;
        let honest = w.assignment()[inverse];
        w.tampered(&BTreeMap::from([(inverse, -honest)]))
    }

    fn s20_s25_s47_key_valid_refuses_a_faked_failure() breaks "priority[0].key_valid" {
        let w = told(&opens(|_| {}), |w| w.done = Fr::ZERO);
        w.tampered_result("priority[0].key_valid", -Fr::ONE)
    }

    fn s25_s47_owner_nonzero_refuses_a_faked_success() breaks "priority[0].owner_nonzero" {
        let w = told(&opens(|deposit| deposit.owner = RootAddress([0; 20])), |w| w.done = Fr::ONE);
        with_bit(w, "priority[0].owner_nonzero", -Fr::ONE)
    }

    fn s25_s47_owner_nonzero_refuses_a_faked_failure() breaks "priority[0].owner_nonzero" {
        let one = RootAddress({
            let mut one = [0; 20];
            one[19] = 1;
            one
        });
        let w = told(&opens(|deposit| deposit.owner = one), |w| w.done = Fr::ZERO);
        // 1 is its own inverse, and becomes 0.
        with_hint(w, "priority[0].owner_nonzero", -Fr::ONE)
    }

    /// Somebody else's account pays, with the hint that fits the lie.
    fn s25_s47_s48_exit_owner_refuses_another_caller_with_its_hint() breaks "priority[0].exit_owner" {
        let mut exit = forced_exit(1);
        exit.caller.0[19] += 1;
        let w = told(&Priority::ForcedExit(exit), pays);
        with_hint(w, "priority[0].exit_owner", -Fr::ONE)
    }

    /// Somebody else's account pays.
    fn s25_s47_s48_exit_owner_refuses_another_caller() breaks "priority[0].exit_owner" {
        let w = told(&steals(), pays);
        with_bit(w, "priority[0].exit_owner", Fr::ONE)
    }

    fn s25_s47_s48_exit_owner_refuses_a_faked_failure() breaks "priority[0].exit_owner" {
        let w = told(&exits(), fails);
        with_bit(w, "priority[0].exit_owner", -Fr::ONE)
    }

    fn s47_a_deposit_is_not_faked_to_fail() breaks "priority[0].priority_outcome" {
        told(&opens(|_| {}), |w| w.done = Fr::ZERO)
    }

    fn s47_a_credit_is_not_faked_to_fail() breaks "priority[0].priority_outcome" {
        told(&credits(|_| {}), |w| w.done = Fr::ZERO)
    }

    fn s47_a_deposit_is_not_faked_to_succeed() breaks "priority[0].priority_outcome" {
        told(&credits(|deposit| deposit.token = TokenId(1)), |w| w.done = Fr::ONE)
    }

    fn s47_an_exit_is_not_faked_to_fail() breaks "priority[0].priority_outcome" {
        told(&exits(), fails)
    }

    fn s47_s48_an_exit_is_not_faked_to_succeed() breaks "priority[0].priority_outcome" {
        told(&steals(), pays)
    }

    fn s47_an_exit_pays_no_less_than_all() breaks "priority[0].priority_outcome" {
        told(&exits(), |w| w.amount -= Fr::ONE)
    }

    fn s47_an_exit_pays_no_more_than_all() breaks "priority[0].priority_outcome" {
        told(&exits(), |w| w.amount += Fr::ONE)
    }

    fn s24_s47_an_exit_pays_in_its_token() breaks "priority[0].priority_outcome" {
        told(&exits(), |w| w.token += Fr::ONE)
    }

    fn s42_s47_a_failed_exit_pays_nothing() breaks "priority[0].priority_outcome" {
        told(&steals(), |w| w.amount = Fr::from(5u64))
    }

    /// The place of account 8 is said to be empty, and a deposit opens it for somebody else.
    fn s14_s47_recipient_path_refuses_an_account_said_to_be_missing() breaks "priority[0].recipient_path" {
        told(&credits(|deposit| deposit.token = TokenId(1)), |w| {
            w.exists = Fr::ZERO;
            w.account = LeafWitness::PADDING;
            w.done = Fr::ONE;
        })
    }

    /// An exit of an account that was never there.
    fn s14_s47_recipient_path_refuses_an_account_of_nothing() breaks "priority[0].recipient_path" {
        let nobody = Priority::ForcedExit(forced_exit(13));
        told(&nobody, |w| {
            w.exists = Fr::ONE;
            w.account.owner = w.owner;
            w.account.balance = Fr::from(1000u64);
            pays(w);
        })
    }

    fn s13_recipient_path_refuses_a_richer_leaf() breaks "priority[0].recipient_path" {
        told(&exits(), |w| {
            w.account.balance += Fr::ONE;
            w.amount += Fr::ONE;
        })
    }

    /// After the first slot the state is another one, in which account 2 is richer.
    fn s13_root_chained_refuses_another_state_after_a_slot() breaks "priority[0].root_chained" {
        let mut w = Forger::new().priority(&exits());
        let honest = w.root();
        w.leaves[2].balance += Fr::from(5u64);
        let other = w.root();
        let mut w = w.priority(&opens(|_| {}));
        w.witness.new_root = w.root();
        w.tampered_result("priority[0].root_chained", other - honest)
    }
}

/// The published outcome of an exit that succeeds.
fn pays(w: &mut PriorityWitness) {
    w.done = Fr::ONE;
    w.token = w.account.token;
    w.amount = w.account.balance;
}

/// The published outcome of an exit that fails.
fn fails(w: &mut PriorityWitness) {
    w.done = Fr::ZERO;
    w.token = Fr::ZERO;
    w.amount = Fr::ZERO;
}

/// A fault in bit 127 of the sum, of which the top bit makes half of its opposite, and the credit that follows.
fn with_top_bit(w: Forger, fault: Fr, credit: Fr) -> Vec<Fr> {
    // Each of the rows is one bit's; the last has no variable of its own.
    let (_, bit) = SMALL_CIRCUIT.a[rows_of("priority[0].recipient_not_overflowed")[127]][0];
    let (_, credited) = SMALL_CIRCUIT.c[rows_of("priority[0].priority_outcome")[3]][0];
    w.tampered(&BTreeMap::from([(bit, fault), (credited, credit)]))
}

#[test]
fn honest_outcomes_are_accepted() {
    told(&opens(|_| {}), |_| {}).assert_accepted();
    told(&credits(|_| {}), |_| {}).assert_accepted();
    told(&exits(), |_| {}).assert_accepted();
    told(&steals(), |_| {}).assert_accepted();
    into_a_balance_of(u128::MAX - 900)
        .priority(&credits(|_| {}))
        .assert_accepted();
}

#[test]
fn s41_impossible_operations_are_consumed_without_effect() {
    let mut nobody = forced_exit(13);
    nobody.caller = RootAddress([0; 20]);
    let mut requests = vec![
        opens(|deposit| deposit.leaf.0 = 3),
        opens(|deposit| deposit.owner = RootAddress([0; 20])),
        opens(|deposit| deposit.key.x += Fr::ONE),
        credits(|deposit| deposit.token = TokenId(1)),
        credits(|deposit| deposit.amount = u128::MAX),
        steals(),
        Priority::ForcedExit(nobody),
    ];
    requests.extend(
        small_orders()
            .into_iter()
            .map(|point| opens(|deposit| deposit.key = point)),
    );
    let world = World::new();
    for request in requests {
        let batch = world.apply_priority(&[request]).unwrap();
        assert!(!batch.priority[0].done, "{request:?}");
        assert_eq!(batch.old_root, batch.new_root, "{request:?}");
        assert_satisfied(&batch);
        // In front of others, it does not stand in their way.
        let batch = world.apply_priority(&[request, opens(|_| {})]).unwrap();
        assert!(batch.priority[1].done);
        assert_satisfied(&batch);
    }
}

/// What each operation of a batch pays out.
fn paid(batch: &AppliedBatch) -> Vec<Option<u128>> {
    let outcomes = batch.priority.iter().map(|applied| applied.outcome());
    let paid = outcomes.map(|outcome| match outcome {
        Outcome::ForcedExit { paid } => paid.map(|paid| paid.amount),
        Outcome::Deposit { .. } => None,
    });
    paid.collect()
}

#[test]
fn s48_exit_after_exit_pays_nothing_more() {
    let batch = World::new().apply_priority(&[exits(), exits()]).unwrap();
    assert_eq!(paid(&batch), [Some(START), Some(0)]);
    assert_satisfied(&batch);
}

#[test]
fn s48_the_owner_at_the_time_of_execution_is_paid() {
    // Account 1 goes to another owner, then both ask for an exit.
    let mut hand_over = Draft::new(Kind::Rotation);
    hand_over.from = 1;
    let world = World::new();
    let rotated = world.after(
        &world
            .apply_signed(&[hand_over.sign()], &[fee_slot(5, 1)])
            .unwrap(),
    );
    let mut by_new = forced_exit(1);
    by_new.caller = hand_over.owner;
    let batch = rotated
        .apply_priority(&[exits(), Priority::ForcedExit(by_new)])
        .unwrap();
    assert_eq!(paid(&batch), [None, Some(START - 20)]);
    assert_satisfied(&batch);
}

#[test]
fn s44_an_account_emptied_by_force_keeps_its_nonce() {
    // A transfer is executed, the account exits, is funded again, and the transfer is offered again.
    let sent = signed(1, 2, 500, 20, 0);
    let world = World::new();
    let world = world.after(&world.apply(&[sent], &[fee_slot(5, 1)]).unwrap());
    let funded = credits(|deposit| {
        deposit.leaf.0 = 1;
        deposit.token = TokenId(1);
    });
    let world = world.after(&world.apply_priority(&[exits(), funded]).unwrap());
    let again = world.apply(&[sent], &[fee_slot(5, 1)]).unwrap_err();
    assert_eq!(again.rule(), Some("nonce_matches"));
    let next = signed(1, 2, 500, 20, 1);
    assert_satisfied(&world.apply(&[next], &[fee_slot(5, 1)]).unwrap());
}
