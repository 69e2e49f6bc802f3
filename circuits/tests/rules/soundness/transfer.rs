//! Attacks on a transfer's accounts, the recipient's above all: balances, nonces, tokens, indices, paths. What it shares with other
//! signed operations is attacked in `signer`.

use crate::attacks::attacks;
use crate::forger::*;
use crate::support::*;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use quittance_circuits::float::{FloatAmount, FloatFee};
use quittance_circuits::leaf::constraints::LeafWitness;
use quittance_circuits::tx::transfer::SignedTransfer;
use quittance_circuits::types::AccountIndex;

fn forger() -> Forger {
    forger_with(|_| {})
}

fn forger_with(change: impl FnOnce(&mut [LeafWitness; PLACES])) -> Forger {
    Forger::with(change).fee_slots(&[fee_slot(5, 1), fee_slot(11, 2)])
}

/// The transfer that most attacks abuse.
fn honest() -> SignedTransfer {
    signed(0, 1, 500, 20, 0)
}

fn to_a_balance_of(balance: u128) -> Forger {
    forger_with(|leaves| leaves[1].balance = Fr::from(balance))
        .transfer(&honest())
        .finish()
}

attacks! {
    fn s14_recipient_exists_refuses_a_leaf_without_owner() breaks "transfer[0].recipient_exists" {
        forger_with(|leaves| leaves[1].owner = Fr::ZERO).transfer(&honest()).finish()
    }

    fn s49_recipient_leaf_read_with_a_nonce_of_33_bits() breaks "transfer[0].recipient_in_range" {
        forger().transfer_to(&honest(), |w| {
            w.recipient.balance -= Fr::ONE;
            w.recipient.nonce += two_to(32);
        }).finish()
    }

    /// The recipient's token has no range of its own: it is the sender's, which has.
    fn s49_recipient_leaf_read_with_a_token_of_33_bits() breaks "transfer[0].token_matches" {
        forger_with(|leaves| leaves[1].nonce = Fr::ONE).transfer_to(&honest(), |w| {
            w.recipient.nonce = Fr::ZERO;
            w.recipient.token += two_to(32);
        }).finish()
    }

    fn s49_recipient_leaf_read_with_a_negative_nonce() breaks "transfer[0].recipient_in_range" {
        forger().transfer_to(&honest(), |w| {
            w.recipient.balance += Fr::ONE;
            w.recipient.nonce -= two_to(32);
        }).finish()
    }

    fn s09_nonce_matches_refuses_a_replay() breaks "transfer[1].nonce_matches" {
        forger().transfer(&honest()).transfer(&honest()).finish()
    }

    fn s44_an_emptied_account_keeps_its_nonce() breaks "transfer[2].nonce_matches" {
        let everything = signed(0, 1, START - 20, 20, 0);
        forger()
            .transfer(&everything)
            .transfer(&signed(1, 0, START, 0, 0))
            .transfer(&everything)
            .finish()
    }

    fn s24_token_matches_refuses_a_cross_token_move() breaks "transfer[0].token_matches" {
        forger().transfer(&signed(0, 8, 500, 20, 0)).finish()
    }

    /// Nor may the recipient's token be read as the sender's.
    fn s24_a_recipient_of_another_token_read_as_one_of_ours() breaks "transfer[0].recipient_path" {
        forger().transfer_to(&signed(0, 8, 500, 20, 0), |w| w.recipient.token = Fr::ONE).finish()
    }

    fn s07_recipient_not_overflowed_by_one() breaks "transfer[0].recipient_not_overflowed" {
        to_a_balance_of(u128::MAX - 499)
    }

    fn s07_recipient_at_the_largest_balance() breaks "transfer[0].recipient_not_overflowed" {
        to_a_balance_of(u128::MAX)
    }

    fn s13_recipient_path_refuses_a_richer_leaf() breaks "transfer[0].recipient_path" {
        forger().transfer_to(&honest(), |w| w.recipient.balance += Fr::from(5u64)).finish()
    }

    /// The recipient's siblings from before the sender has paid: the amount is credited, and the sender has it still.
    fn s13_recipient_path_refuses_siblings_from_before_the_debit() breaks "transfer[0].recipient_path" {
        let w = forger();
        let (before, siblings) = (w.leaves[0], w.path(1));
        let mut w = w.transfer_to(&honest(), |w| w.recipient_path = siblings);
        w.leaves[0] = before;
        w.witness.new_root = w.root();
        w.finish()
    }

    /// Reading the recipient before the sender's update would mint.
    fn s10_a_self_transfer_reads_the_leaf_after_its_own_debit() breaks "transfer[0].recipient_path" {
        let before = forger().leaves[0];
        forger().transfer_to(&signed(0, 0, 500, 20, 0), |w| w.recipient = before).finish()
    }
}

#[test]
fn honest_transfers_are_accepted() {
    let both = forger().transfer(&honest()).transfer(&signed(8, 9, 70, 3, 0));
    both.finish().assert_accepted();
    to_a_balance_of(u128::MAX - 500).assert_accepted();
    let all = forger().transfer(&signed(0, 1, START - 20, 20, 0));
    all.finish().assert_accepted();
    let two = forger().transfer(&honest()).transfer(&signed(0, 1, 500, 20, 1));
    two.finish().assert_accepted();
}

#[test]
fn s14_an_empty_place_is_no_account() {
    let sender = forger().transfer(&signed(12, 1, 0, 0, 0)).finish();
    sender.assert_first("transfer[0].sender_exists");
    let recipient = forger().transfer(&signed(0, 12, 5, 1, 0)).finish();
    recipient.assert_first("transfer[0].recipient_exists");
}

#[test]
fn s14_a_node_is_not_a_leaf() {
    // The children of an inner node are known, so the adversary claims them as key, packed word and owner of a leaf, which would
    // have the node's hash if leaves had no capacity of their own.
    use quittance_circuits::hash::{FieldHasher, RulesHasher};
    let [a, b, c] = forger().path(0)[0];
    let first = RulesHasher::leaf(&[a, b, c, a]);
    assert_ne!(first, RulesHasher::node(&[a, b, c, a]));
    let fields = Forger::new().leaves[0];
    let packed = fields.balance * two_to(64) + fields.nonce * two_to(32) + fields.token;
    let node = RulesHasher::node(&[fields.key[0], fields.key[1], packed, fields.owner]);
    // A tree that holds, where account 0 should be, the *node* with those four children.
    let mut forger = forger().transfer(&signed(0, 1, 5, 1, 0)).finish();
    let [x, y, z] = forger.witness.transfers[0].signer.path[0];
    let upper = forger.witness.transfers[0].signer.path[1];
    let bottom = RulesHasher::node(&[node, x, y, z]);
    forger.witness.old_root = RulesHasher::node(&[bottom, upper[0], upper[1], upper[2]]);
    forger.assert_among("transfer[0].sender_path");
}

#[test]
fn s04_an_index_at_the_end_of_the_tree() {
    // Index 16 has the same low bits as index 0, and 17 as 1. The top bit would have to be 2, so the path is not that of the lower
    // index either.
    let mut alias = transfer(0, 1, 500, 20, 0);
    alias.from = AccountIndex(16);
    let message = alias.message(&rollup_id());
    let alias = SignedTransfer {
        transfer: alias,
        signature: key(0).sign(&message),
    };
    let sender = forger().transfer(&alias).finish();
    sender.assert_first("transfer[0].sender_in_range");
    let mut alias = transfer(0, 1, 500, 20, 0);
    alias.to = AccountIndex(17);
    let recipient = forger().transfer(&sign(alias)).finish();
    recipient.assert_first("transfer[0].recipient_in_range");
}

#[test]
fn s04_amount_encoding_at_2_to_the_40() {
    // Encoding 2^40 + m would decode like m.
    let amount = forger().transfer_told(&honest(), |w| w.amount += two_to(40));
    amount.finish().assert_first("transfer[0].balance_covers");
    let fee = forger().transfer_told(&honest(), |w| w.signer.fee += two_to(16));
    fee.finish().assert_first("transfer[0].balance_covers");
}

#[test]
fn s08_amount_and_fee_at_their_largest() {
    let mut huge = transfer(0, 1, 1, 1, 0);
    huge.amount = FloatAmount::new((1 << 40) - 1).unwrap();
    huge.fee = FloatFee::new(u16::MAX);
    let w = forger().transfer(&sign(huge)).finish();
    w.assert_first("transfer[0].balance_covers");
}

#[test]
fn s13_paths_bind_leaves_to_roots() {
    // A sibling exchanged, at each level of either path; a key that the tree does not hold.
    let batch = forger().transfer(&honest()).finish();
    for level in 0..2 {
        let mut moved = batch.clone();
        moved.witness.transfers[0].signer.path[level].swap(0, 1);
        moved.assert_among("transfer[0].sender_path");
        let mut moved = batch.clone();
        moved.witness.transfers[0].recipient_path[level].swap(0, 1);
        moved.assert_among("transfer[0].recipient_path");
    }
    let mut thief = batch.clone();
    thief.witness.transfers[0].recipient.key = thief.witness.transfers[0].signer.leaf.key;
    thief.assert_among("transfer[0].recipient_path");
}

#[test]
fn s10_self_transfer_moves_the_nonce_and_pays_the_fee() {
    let own = forger().transfer(&signed(0, 0, 500, 20, 0)).finish();
    own.assert_accepted();
    assert_eq!(own.leaves[0].balance, Fr::from(START - 20));
    assert_eq!(own.leaves[0].nonce, Fr::ONE);
}
